"""One model of every kind, and worlds of them under every kind of intervention."""

import networkx as nx
import scipy.stats
import sympy as sp

from causalopt import (
    Event,
    Network,
    System,
    choice,
    finite,
    noise,
    normal,
    parameters,
    table,
    time,
    variables,
)

a, b, c = variables("a b c")
k, g, h = parameters("k g h")
power, room = finite("power", ["off", "on"]), finite("room", ["cold", "warm"])
STEPS = 6


def formulas():
    """Same-step dependence, time, and a parameter."""
    return System(
        {a: b - k * a, b: sp.sin(a) + b / 3 + time / 9, c: a.next * b / 4 + c / 5},
        start={a: 0.3, b: 1, c: -0.5},
        parameters={k: 0.5, g: 0.3},
        dt=0.5,
    )


def noisy():
    """A normal law, a choice, and one of scipy's."""
    shock, coin = noise("shock", normal(0, 0.3)), noise("coin", choice([-1, 2], [0.75, 0.25]))
    wait = noise("wait", scipy.stats.gamma(2.5))
    return System(
        {a: a / 2 - k * b + shock, b: b / 3 + coin * a.next / 4 + wait / 9},
        start={a: 0.3, b: 1},
        parameters={k: 0.5, g: 0.3},
    )


def euler():
    return ode("euler")


def rk4():
    return ode("rk4")


def ode(method):
    return System.from_ode(
        {a: b, b: c - sp.sin(a) - k * b, c: sp.tanh(a - c)},
        start={a: 1, b: 0, c: -0.5},
        parameters={k: 0.2, g: 0.3},
        dt=0.25,
        method=method,
    )


def delayed():
    """Delays, one of a variable with a history, and a start that follows from another."""
    return System(
        {
            a: b / 2 - k * a.lag(1) + time / 9,
            b: sp.sin(a.lag(0.5)) + b.lag(0.5) * a / 4,
            c: a.next * c.lag(1) / 4 + c / 5,
        },
        start={a: 0.3, b: a**2 - h, c: -0.5},
        history={a: time**2 - k, b: 1},
        parameters={h: 3 * k / 5, k: 0.5, g: 0.3},
        dt=0.5,
    )


def governed():
    """A delay and an equation under the method of order four."""
    return System.from_ode(
        {a: b.lag(0.5), b: c - sp.sin(a) - k * b},
        algebraic={c: sp.tanh(a.lag(0.25)) - b / 2 + time / 9},
        start={a: 1, b: a / 2 - h},
        history={a: sp.cos(time), b: time},
        parameters={h: 3 * k / 2, k: 0.2, g: 0.3},
        dt=0.25,
        method="rk4",
    )


def jumping():
    """Events inside steps of order four: an impact that turns a swing, and a clock that resets."""
    return System.from_ode(
        {a: b, b: c - sp.sin(a) - k * b, c: 0.5 + 0 * c},
        start={a: 1, b: 0, c: 0.05},
        parameters={k: 0.2, g: 0.3},
        events=[Event(a < 0.8, {b: -b / 2}), Event(c > 0.2, {c: a / 10 - 1})],
        dt=0.25,
        method="rk4",
    )


def tables():
    """Two tables, one of them with chances, asked by the same step too."""
    return System(
        {
            power: table(room, {"cold": "on", "warm": "off"}),
            room: table(
                (room, power.next),
                {
                    "cold": {"off": "cold", "on": {"warm": 0.75, "cold": 0.25}},
                    "warm": {"off": "cold", "on": "warm"},
                },
            ),
        },
        start={power: "off", room: "cold"},
    )


def declared():
    return Network({b: k * a + 1, c: sp.sin(b) - a * b}, start={a: 1}, parameters={k: 0.5, g: 0.3})


def arrays():
    return Network.from_arrays(
        [lambda u: k * u, lambda u, v: sp.tanh(u - v)],
        kinds=[-1, 0, 1, 1],
        parents=[[-1, -1], [0, -1], [0, 1], [1, 2]],
        start=0.5,
        parameters={k: 0.5, g: 0.3},
    )


def graph():
    edges = nx.DiGraph([("in", "mid"), ("mid", "out"), ("in", "out")])
    return Network.from_graph(
        edges, lambda *u: k * sp.tanh(sum(u)), start={"in": 0.5}, parameters={k: 0.5, g: 0.3}
    )


SYSTEMS = {
    "formulas": formulas,
    "noisy": noisy,
    "euler": euler,
    "rk4": rk4,
    "delayed": delayed,
    "governed": governed,
    "jumping": jumping,
    "tables": tables,
}
NETWORKS = {
    "declared": declared,
    "arrays": arrays,
    "graph": graph,
    "formulas, unrolled": lambda: formulas().unroll(STEPS),
    "noisy, unrolled": lambda: noisy().unroll(STEPS),
    "euler, unrolled": lambda: euler().unroll(STEPS),
    "rk4, unrolled": lambda: rk4().unroll(STEPS),
    "delayed, unrolled": lambda: delayed().unroll(STEPS),
    "governed, unrolled": lambda: governed().unroll(STEPS),
    "jumping, unrolled": lambda: jumping().unroll(STEPS),
    "tables, unrolled": lambda: tables().unroll(STEPS),
}
MODELS = {**SYSTEMS, **NETWORKS}


def world_of(model, seed=0):
    return (
        model.world(steps=STEPS, seed=seed) if isinstance(model, System) else model.world(seed=seed)
    )


def worlds():
    """Worlds with every kind of intervention, by what they are."""
    W = rk4().world(steps=STEPS)
    every = (
        W.do(a[2], 3)
        .perturb(b[0], by=0.1)
        .perturb(a[1])
        .perturb(c[2], every_step=True)
        .clamp(b[3:5], to=W.perturb(a[0]))
        .clamp(a[4:], to=W.do(b[1], 2), by=g)
        .replace(b[1], -a)
    )
    flat = NETWORKS["rk4, unrolled"]().world()
    named = tables().world(steps=STEPS, seed=3)
    other = table(room, {"cold": "off", "warm": "off"})
    plain, large, drawn = declared().world(), arrays().world(), noisy().world(STEPS, seed=5)
    return {
        "every intervention": every,
        "held to that one": W.clamp(c, to=every),
        "unrolled": flat.do(a[2], 3).perturb(b[1]).clamp(b[3:5], to=flat.perturb(a[0]), by=0.25),
        "named": named.do(room[2], "warm").replace(power[3], other).clamp(power[4:], to=named),
        "declared": plain.perturb(a).replace(b, k * a**2).clamp(c, to=plain.do(b, 1), by=g),
        "arrays": large.do(1, 3).perturb(0, by=0.5).clamp([2], to=large),
        "graph": graph().world().do("mid", 2),
        "drawn": drawn.perturb(a[3], by=1.0).clamp(b[4:], to=drawn),
    }


def everything():
    """All models and worlds, by name."""
    return {**{name: build() for name, build in MODELS.items()}, **worlds()}
