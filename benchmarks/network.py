"""A random network without time: 3 mechanisms, 2 parents each. Contestant: CasADi."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from benchmarks.page import Goal, Section
from benchmarks.timing import alternate, once
from causalopt import Network, comp

ROOTS = 10
WIDTH = 1_000


@dataclass(frozen=True)
class Drawn:
    """A random network as arrays; A is a set of a hundred nodes, n the first and m the last."""

    kinds: Any
    parents: Any
    start: Any
    held: list[int]


def drawn(nodes: int) -> Drawn:
    rng = np.random.default_rng(1)
    parents = np.full((nodes, 2), -1)
    parents[ROOTS:] = rng.random((nodes - ROOTS, 2)) * np.arange(ROOTS, nodes)[:, None]
    kinds = rng.integers(0, 3, nodes)
    kinds[:ROOTS] = -1
    held = np.unique(rng.integers(ROOTS, nodes - 1, 100)).tolist()
    return Drawn(kinds, parents, rng.random(nodes), held)


def layered(nodes: int) -> Drawn:
    """Levels of a thousand nodes, each with its parents in the level before."""
    rng = np.random.default_rng(1)
    begin = np.arange(nodes) // WIDTH * WIDTH
    parents = (begin - WIDTH)[:, None] + rng.integers(0, WIDTH, (nodes, 2))
    kinds = rng.integers(0, 3, nodes)
    parents[:WIDTH], kinds[:WIDTH] = -1, -1
    held = np.unique(rng.integers(WIDTH, nodes - 1, 100)).tolist()
    return Drawn(kinds, parents, rng.random(nodes), held)


def mechanisms(functions: Any) -> list[Callable[[Any, Any], Any]]:
    """Three mechanisms, in the functions of sympy or of CasADi."""
    return [
        lambda u, v: functions.tanh(u - v) + u / 2,
        lambda u, v: functions.sin(u) * v + u,
        lambda u, v: u * functions.exp(-(v**2)) + v / 3,
    ]


def build(net: Drawn) -> Network:
    return Network.from_arrays(mechanisms(sympy), net.kinds, net.parents, start=net.start)


def asked(net: Drawn) -> Callable[[], Any]:
    """Comp in a network: W, and all tangents of X and Y."""
    network = build(net)
    return lambda: comp(network, A=net.held, n=0, m=len(net.kinds) - 1).values


def in_layers(nodes: int) -> Callable[[], Any]:
    return asked(layered(nodes))


def at_random(nodes: int) -> Callable[[], Any]:
    return asked(drawn(nodes))


@dataclass(frozen=True)
class Built:
    """CasADi's W as a function of the roots, with what derivatives need."""

    start: Any
    values: list[Any]
    function: Any


def build_in_casadi(net: Drawn) -> Built:
    import casadi

    made = mechanisms(casadi)
    start = casadi.SX.sym("start", ROOTS)
    values = [start[i] for i in range(ROOTS)]
    for kind, (u, v) in zip(net.kinds[ROOTS:].tolist(), net.parents[ROOTS:].tolist(), strict=True):
        values.append(made[kind](values[u], values[v]))
    return Built(start, values, casadi.Function("w", [start], [casadi.vertcat(*values)]))


def differentiate_in_casadi(net: Drawn, built: Built) -> Any:
    """W and X's derivatives of all nodes by the first; and Y's, with the held nodes as inputs."""
    import casadi

    made, start = mechanisms(casadi), built.start
    nudge = casadi.DM([1.0] + [0.0] * (ROOTS - 1))
    everything = casadi.vertcat(*built.values)
    x = casadi.jtimes(everything, start, nudge)
    place = {i: casadi.SX.sym(f"h{i}") for i in net.held}
    again = built.values[:ROOTS]
    for i, (u, v) in enumerate(net.parents[ROOTS:].tolist(), ROOTS):
        again.append(place[i] if i in place else made[net.kinds[i]](again[u], again[v]))
    y = casadi.jtimes(casadi.vertcat(*again), start, nudge)
    fixed = casadi.Function("f", [start], [everything, x])
    return fixed, casadi.Function("g", [start, *place.values()], [y])


def in_casadi(net: Drawn, functions: Any) -> Callable[[], Any]:
    fixed, clamped = functions
    start = net.start[:ROOTS]

    def run() -> Any:
        values, x = fixed(start)
        y = clamped(start, *(values[i] for i in net.held))
        return np.array(float(x[-1]) / float(y[-1]))

    return run


def section(quick: bool) -> Section:
    nodes, small = (100_000, 10_000) if quick else (1_000_000, 100_000)
    net, little = drawn(nodes), drawn(small)
    casadi_build, built = once(lambda: build_in_casadi(little))
    peer, mine = in_casadi(little, differentiate_in_casadi(little, built)), asked(little)
    np.testing.assert_allclose(mine(), peer(), rtol=1e-9)
    scale = nodes / small
    building = alternate({"causalopt": lambda: build(net)}, 3 if quick else 7)["causalopt"]
    times = alternate({"causalopt": asked(net), "peer": peer}, 3 if quick else 9)
    goals = Goal("", "at least", 5), Goal("", "at most", 2, inverse=True)
    rows = [
        "| | causalopt, median s | CasADi, s | causalopt |",
        "|---|---|---|---|",
        f"| build and check | {building.median:.3g} | {casadi_build * scale:.3g} | "
        f"{goals[0].told(building.median, casadi_build * scale)} |",
        f"| W and all tangents of X and Y | {times['causalopt'].median:.3g} | "
        f"{times['peer'].median * scale:.3g} | "
        f"{goals[1].told(times['causalopt'].median, times['peer'].median * scale)} |",
    ]
    note = f"CasADi ran {small:,} nodes; its times are scaled to all of them."
    title = f"Random network of {nodes:,} nodes, 3 mechanisms, 2 parents each"
    return Section(title, rows=rows, notes=[note])


def many_kinds(quick: bool) -> Section:
    """A chain of nodes that all have a mechanism of their own."""
    count = 200 if quick else 2_000
    made = [lambda u, i=i: sympy.sin(u + i) / (1 + sympy.Rational(i, 7)) + u for i in range(count)]
    kinds = np.arange(-1, count)
    parents = np.arange(-1, count)[:, None]
    seconds, network = once(lambda: Network.from_arrays(made, kinds, parents, start=0.3))
    first, _ = once(lambda: comp(network, A=[count // 2], n=0, m=count))
    again, _ = once(lambda: comp(network, A=[count // 2], n=0, m=count))
    rows = [
        "| | seconds |",
        "|---|---|",
        f"| declare and check | {seconds:.3g} |",
        f"| first Comp: derivatives and code of {count:,} mechanisms | {first:.3g} |",
        f"| Comp again | {again:.3g} |",
    ]
    return Section(f"A chain of {count:,} different mechanisms, by from_arrays", rows=rows)


SECTIONS = (section, many_kinds)
