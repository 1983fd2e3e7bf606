"""One value of every public kind, each made anew when it is asked for."""

import functools
from pathlib import Path

import networkx as nx
import numpy as np
import sympy as sp

import causalopt as co
from causalopt.runs.cluster.chunks import Chunks
from causalopt.runs.cluster.identity import Identity
from causalopt.runs.cluster.store import Store
from causalopt.study import Claim, Experiment, Reason, Study
from tests.model.kinds import MODELS, a, b, formulas, k, noisy, power, room, tables, worlds

x, y = co.variables("x y")


def decay(names=(x, y)):
    """Two variables, one of which follows from the other."""
    u, v = names
    return co.System({u: u / 2 - v / 5, v: v / 3 + u / 4}, start={u: 1, v: 0.5})


def landscape(data):
    """A figure that is never drawn."""
    raise NotImplementedError


def nothing():
    """What a claim computes."""
    return 1.0


def nothing_of(n, m=0):
    """What a survey asks."""
    return float(n + m)


def always():
    """A proof."""
    return True


def loss(theta, u, v):
    """The square of how far a line is off."""
    return (theta @ u - v) ** 2 / 2


def walk():
    """A walk of one step to either side."""
    step = co.noise("e", co.choice([-1, 1]))
    return co.System({x: x + step}, start={x: 1})


def bits():
    """Whether it rained, and whether the grass is wet."""
    return co.finite("rain", ["no", "yes"]), co.finite("wet", ["no", "yes"])


def sprinkler():
    """A network of tables."""
    rain, wet = bits()
    prior = co.table((), {"no": 0.8, "yes": 0.2})
    follows = co.table(rain, {"no": {"no": 0.9, "yes": 0.1}, "yes": {"no": 0.25, "yes": 0.75}})
    return co.Network({rain: prior, wet: follows}, start={})


def deciding():
    """A decision on what is seen, and what it is worth."""
    rain = bits()[0]
    act, worth = co.finite("act", ["stay", "go"]), co.variable("worth")
    gain = {"no": {"stay": 0, "go": 2}, "yes": {"stay": 1, "go": -1}}
    return co.Network(
        {
            rain: co.table((), {"no": 0.8, "yes": 0.2}),
            act: co.decision(rain),
            worth: co.utility((rain, act), gain),
        },
        start={},
    )


def at_random():
    """Any of the states of a system of tables."""
    return co.Distribution.uniform(power, room)


def spins():
    """Two spins that pull at each other."""
    return co.Ising.of_graph(nx.Graph([(0, 1)]), coupling=1.0)


SYMBOLS = {
    "variable": lambda: x,
    "variable of a unit": lambda: co.variable("T", "degC", positive=True),
    "parameter": lambda: k,
    "noise": lambda: co.noise("e", co.normal(0, 2)),
    "named values": lambda: power,
    "node": lambda: x[3],
    "set of nodes": lambda: x[1:4],
    "moment": lambda: x.at(2.5),
    "delay": lambda: x.lag(2),
    "same step": lambda: x.next,
    "array": lambda: co.array("theta", (2, 3)),
    "part of an array": lambda: co.array("theta", (2, 3))[4],
    "data": lambda: co.series("u", [1.0, 2.0, 3.0]),
    "formula": lambda: sp.sin(x) + k * y.next,
    "event": lambda: co.Event(x < 0, {y: -y / 2}),
}
DISTRIBUTIONS = {
    "masses": lambda: co.Distribution.uniform(*bits()),
    "floats": lambda: co.Distribution.uniform(*bits()).floats(),
    "formula of masses": lambda: co.Distribution.uniform(*bits()).push(
        co.System({v: v for v in bits()}, start=dict.fromkeys(bits(), "no"))
    ),
    "normal": lambda: co.Gaussian.of({x: (0, 1), y: (sp.Rational(1, 3), 2)}),
    "box": lambda: co.Box.of({x: (0, 1), y: (1, 4)}).push(decay()),
    "samples": lambda: co.Box.of({x: (0, 1), y: (1, 4)}).sample(50, seed=1),
    "enthalpies": lambda: co.Enthalpies.of(power, {"off": 0, "on": sp.log(2)}),
    "enthalpies of floats": lambda: co.Enthalpies.of(power, {"off": 0.5, "on": -np.inf}),
    "chain": lambda: co.Chain.of(tables()),
    "estimate": lambda: co.Estimate(1.0, (0.75, 1.25)),
    "operator": lambda: co.TransferOperator.of(walk(), inside=(0, 4), cells=4),
}
QUESTIONS = {
    "plain question": lambda: co.Question(formulas(), a, b[0], b[4]),
    "question over a grid": lambda: co.Question(
        formulas(), [a], b[0], b, steps=5, over={k: np.linspace(0, 1, 3), a[0]: [1, 2]}
    ),
    "question of draws": lambda: co.Question(
        noisy().world(5, seed=2), a, b[0], b, draws=range(4, 9), delta=0.5, keep=2
    ),
    "split": lambda: co.Split((x, y), power),
    "measure Op": lambda: co.OP,
    "measure Comp": lambda: co.COMP,
}
SWEEPS = {
    "survey": lambda: co.Survey(
        functools.partial(co.op, decay(), A=x, n=y[0], m=y[4]), {x[0]: np.linspace(0, 1, 3)}
    ),
    "survey of points": lambda: co.Survey(nothing_of, [{"n": 1.5}, {"n": 2}], draws=None),
    "kept sweep": lambda: co.StoredSweep(
        Store(Path("x.zarr"), "0f", ("n",), ("n",), Chunks((2,), (1,)),
              Identity("0a", "f", "0b", "2 x n", {"numpy": "2.0"}))
    ),
}  # fmt: skip
PROCESSES = {
    "plain descent": co.Plain,
    "momentum": lambda: co.Momentum(0.9),
    "Adam": co.Adam,
    "flips": co.Flips,
    "steps": lambda: co.Steps(((0, 1), (1, 2))),
    "sweeps": co.Sweeps,
    "spins": spins,
}
ANSWERS = {
    "formula of Op": lambda: co.symbolic_op(decay(), x, y[0], y[3]),
    "closed form": lambda: co.closed_form_op(decay(), x, y[0], y),
    "measurement": lambda: co.transfer_entropy(tables(), power, room, at_random()),
    "table of measures": lambda: co.compare(tables(), A=power, m=room, P=at_random()),
    "optimizers": lambda: co.find_optimizers(decay(), steps=20, replicates=2),
    "solution": lambda: co.solve(deciding()),
    "incentives": lambda: co.incentives(deciding(), co.finite("act", ["stay", "go"])),
    "drawing": lambda: co.draw(decay()),
    "fault": lambda: co.Fault.PHASE,
    "current": lambda: co.Current.of((x - 1, 3 * x), x, 0.5),
    "moments": lambda: co.GradientMoments.of([x**2, x**4], [x]),
}
STUDIES = {
    "claim": lambda: Claim("one", "a book", 2.0, nothing, 0.5, Reason("a slip", always)),
    "experiment": lambda: Experiment("course", "A course", nothing, {"land": landscape}),
    "study": lambda: Study(
        "mine", "Mine", "a book", decay(), claims=(Claim("one", "a book", 1.0, nothing),)
    ),
}
TRAINED = {
    "training": lambda: co.training(loss, np.zeros(2), ([[1.0, 0.0], [0.0, 2.0]], [1.0, 3.0]), 0.5),
    "trained system": lambda: TRAINED["training"]().system,
}
NETWORKS = {"sprinkler": sprinkler, "decision": deciding}
#: What is declared and asked, and what is found out.
DECLARED = {
    **SYMBOLS, **DISTRIBUTIONS, **QUESTIONS, **PROCESSES, **STUDIES, **NETWORKS,
    **TRAINED, **SWEEPS, **MODELS,
    **{name: (lambda name=name: worlds()[name]) for name in worlds()},
}  # fmt: skip
BUILDERS = {**DECLARED, **ANSWERS}
