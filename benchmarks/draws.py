"""Draws of networks of tables, 4 and 37 of them. Contestants: NumPy by hand, pgmpy, NumPyro."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.page import Goal, Section, without
from benchmarks.timing import alternate, spent
from causalopt import Network, finite, run, table

DRAWS = 20_000

# A variable's parents, by place, and its chances (sizes of the parents, values).
Tables = list[tuple[list[int], Any]]


def lawn() -> Tables:
    """A sprinkler, rain and wet grass, after Murphy (1998)."""
    wet = [[[0.01, 0.99], [0.1, 0.9]], [[0.1, 0.9], [1.0, 0.0]]]
    return [
        ([], np.array([0.5, 0.5])),
        ([0], np.array([[0.1, 0.9], [0.5, 0.5]])),
        ([0], np.array([[0.8, 0.2], [0.2, 0.8]])),
        ([1, 2], np.array(wet)),
    ]


def wards() -> Tables:
    """At random, of the size of ALARM: 37 variables of 2 to 4 values, with up to 4 parents."""
    rng = np.random.default_rng(37)
    sizes, made = rng.integers(2, 5, 37), []
    for i in range(37):
        count = min(i, int(rng.choice(5, p=[0.3, 0.3, 0.25, 0.1, 0.05])))
        parents = sorted(rng.choice(i, count, replace=False).tolist()) if count else []
        made.append((parents, rng.dirichlet(np.ones(sizes[i]), sizes[parents].tolist() or None)))
    return made


@dataclass(frozen=True)
class Case:
    """A network, its tables, and the seconds that a user will wait for its draws."""

    title: str
    tables: Tables
    seconds: float


CASES = (
    Case("4 tables (a sprinkler and wet grass)", lawn(), 0.05),
    Case("37 tables (as large as ALARM)", wards(), 0.5),
)


def network(tables: Tables) -> Network:
    """Tables as a network of v0, v1, ..."""
    nodes = [finite(f"v{i}", range(t.shape[-1])) for i, (_, t) in enumerate(tables)]
    made = {nodes[i]: table([nodes[p] for p in seen], t) for i, (seen, t) in enumerate(tables)}
    return Network(made)


def ours(tables: Tables) -> Callable[[int], Any]:
    world = network(tables).world()
    return lambda draws: run(world, draws=draws)["value"].values[0]


def by_rows(tables: Tables) -> Callable[[int], Any]:
    """NumPy as one writes it: the row of sums of each draw, and how many of them lie below u."""
    sums = [(seen, np.cumsum(chances, axis=-1)[..., :-1]) for seen, chances in tables]

    def drawn(draws: int) -> Any:
        rng, made = np.random.default_rng(0), np.empty((len(tables), draws), dtype=np.int64)
        for i, (seen, bounds) in enumerate(sums):
            rows = bounds[tuple(made[p] for p in seen)]
            made[i] = (rng.random(draws)[:, None] >= rows).sum(axis=-1)
        return made

    return drawn


def by_values(tables: Tables) -> Callable[[int], Any]:
    """NumPy as one writes it who has measured: one number for the row, and value by value."""
    sums = []
    for seen, chances in tables:
        bounds = np.cumsum(chances, axis=-1)[..., :-1]
        columns = np.ascontiguousarray(bounds.reshape(-1, bounds.shape[-1]).T)
        sums.append((list(zip(seen, chances.shape, strict=False)), columns))

    def drawn(draws: int) -> Any:
        rng, made = np.random.default_rng(0), np.empty((len(tables), draws), dtype=np.int64)
        for i, (seen, columns) in enumerate(sums):
            row: Any = 0
            for parent, size in seen:
                row = row * size + made[parent]
            u = rng.random(draws)
            made[i] = sum(u >= column[row] for column in columns)
        return made

    return drawn


def network_of_pgmpy(tables: Tables) -> Any:
    """The same as pgmpy has it."""
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.models import DiscreteBayesianNetwork

    model = DiscreteBayesianNetwork(
        [(f"v{p}", f"v{i}") for i, (s, _) in enumerate(tables) for p in s]
    )
    for i, (seen, chances) in enumerate(tables):
        columns = chances.reshape(-1, chances.shape[-1]).T
        names = [f"v{p}" for p in seen]
        model.add_node(f"v{i}")
        model.add_cpds(TabularCPD(f"v{i}", len(columns), columns, names, list(chances.shape[:-1])))
    return model


def by_pgmpy(tables: Tables) -> Callable[[int], Any]:
    from pgmpy.sampling import BayesianModelSampling

    model = network_of_pgmpy(tables)
    sampler, order = BayesianModelSampling(model), [f"v{i}" for i in range(len(tables))]
    return lambda draws: sampler.forward_sample(size=draws, show_progress=False)[order].to_numpy().T


def by_numpyro(tables: Tables) -> Callable[[int], Any]:
    """Compiled, all draws at once."""
    import jax
    import jax.numpy as jnp
    import numpyro
    from numpyro.distributions import Categorical
    from numpyro.infer import Predictive

    rows = [(seen, jnp.asarray(chances)) for seen, chances in tables]
    names = [f"v{i}" for i in range(len(rows))]

    def model() -> None:
        made: list[Any] = []
        for name, (seen, chances) in zip(names, rows, strict=True):
            made.append(numpyro.sample(name, Categorical(chances[tuple(made[p] for p in seen)])))

    def drawn(key: Any, draws: int) -> Any:
        found = Predictive(model, num_samples=draws, parallel=True)(key)
        return jnp.stack([found[name] for name in names])

    compiled = jax.jit(drawn, static_argnums=1)
    return lambda draws: np.asarray(compiled(jax.random.key(0), draws))


#: Peers that may be there, by the package that has them.
PEERS = {"pgmpy": ("pgmpy", by_pgmpy), "NumPyro": ("numpyro", by_numpyro)}


def contestants(tables: Tables) -> dict[str, Callable[[int], Any]]:
    made = {
        "causalopt": ours(tables),
        "NumPy by hand, rows": by_rows(tables),
        "NumPy by hand, values": by_values(tables),
    }
    there = {name: make for name, (p, make) in PEERS.items() if importlib.util.find_spec(p)}
    return made | {name: make(tables) for name, make in there.items()}


def check(made: dict[str, Callable[[int], Any]], draws: int) -> None:
    """Shares of all values of all variables, no further apart than chance would have them."""
    shares = {name: _shares(draw(draws).astype(np.int64)) for name, draw in made.items()}
    for name, found in shares.items():
        middle = (found + shares["causalopt"]) / 2
        apart = np.abs(found - shares["causalopt"])
        if (apart > 6 * np.sqrt(2 * middle * (1 - middle) / draws) + 1e-9).any():
            raise AssertionError(f"{name} draws by another law")


def _shares(places: Any) -> Any:
    return np.concatenate([np.bincount(row, minlength=4)[:4] / len(row) for row in places])


def section(quick: bool) -> Section:
    rows = [
        "| | CPU s, first | CPU s | of the best by hand |",
        "|---|---|---|---|",
    ]
    for case in CASES:
        made = contestants(case.tables)
        first = {name: spent(lambda draw=draw: draw(DRAWS))[0] for name, draw in made.items()}
        check(made, DRAWS)
        runs = {name: lambda draw=draw: draw(DRAWS) for name, draw in made.items()}
        times = alternate(runs, 5 if quick else 31, clock=time.process_time)
        best = times["NumPy by hand, values"].median
        rows.append(f"| **{case.title}** | | | |")
        for name, each in times.items():
            rows.append(
                f"| {name} | {first[name]:.3g} | {each.median:.3g} | {each.median / best:.2f} x |"
            )
        rows.append(_judged(case, times["causalopt"].median, times["NumPy by hand, rows"].median))
    notes = [
        f"{DRAWS:,} draws of every variable. A call of ours takes about half a millisecond "
        "whatever its size, for the question and the labels, and its numbers are counted, so that "
        "draw 7 is draw 7 however many there are: Philox costs 4 ns a number, NumPy's own PCG64 "
        "2.5 ns.",
        *(without(name) for name in PEERS if name not in made),
    ]
    return Section(f"{DRAWS:,} draws of networks of tables", rows=rows, notes=notes)


def _judged(case: Case, mine: float, rows: float) -> str:
    told = Goal("", "at most", 2, inverse=True).told(mine, rows)
    met = "met" if mine <= case.seconds else "missed"
    return f"| goals | | at most {case.seconds:g} ({met}) | rows: {told} |"
