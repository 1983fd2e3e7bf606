"""Declarations made at random, most parts of them right and some of any kind, as people type them.

``attempt(number)`` carries out one; equal numbers are equal declarations. What it raises, and is no
error of the house, is what the fuzz looks for.
"""

import datetime
import decimal
import random
import warnings
from fractions import Fraction

import networkx as nx
import numpy as np
import pandas as pd
import sympy as sp
import xarray as xr

import causalopt as co

x, y, z = co.variables("x y z")
k, d = co.parameters("k d")
e = co.noise("e", co.normal())
T, R = co.finite("T", ["on", "off"]), co.finite("R", ["hot", "warm", "cold"])
S = co.System({x: x - k * y / 3, y: x / 2}, start={x: 1, y: 0}, parameters={k: 0.5})
NOISY = co.System({x: x / 2 + e, y: x}, start={x: 1, y: 0})
SWAP = co.table(T, {"on": "off", "off": "on"})
STATES = co.System({T: SWAP, R: R}, start={T: "on", R: "hot"})
N = co.Network({y: x**2, z: x * y}, start={x: 3})
W = S.world(steps=3)
P = co.Distribution.uniform(T, R)

# Each is made anew, since some are used up. Nothing among them is large.
ODD = (
    lambda: None, lambda: True, lambda: False, lambda: 0, lambda: 1, lambda: -1, lambda: 2.5,
    lambda: float("nan"), lambda: float("inf"), lambda: -float("inf"), lambda: 10**400, lambda: 1j,
    lambda: -0.0, lambda: 5e-324, lambda: 1e308, lambda: Fraction(1, 3), lambda: decimal.Decimal(1),
    lambda: "x", lambda: "", lambda: "on", lambda: "\ud800", lambda: "x y", lambda: b"x",
    list, dict, lambda: set(), lambda: (), lambda: {1, 2}, lambda: [[1], [1, 2]],
    lambda: {"on": {"on", "off"}}, lambda: {x: 1}, lambda: {1: {2: 3}}, lambda: [None], lambda: {x},
    lambda: np.ones(2), lambda: np.ones((2, 2)), lambda: np.array(1), lambda: np.array(1.5),
    lambda: np.array("on"), lambda: np.array(["on", "off"]),
    lambda: np.array([{}, 1], dtype=object), lambda: np.array(None),
    lambda: np.array([1, np.nan]), lambda: np.array([]), lambda: np.int8(1),
    lambda: np.float32(1), lambda: np.bool_(True), lambda: np.complex128(1j), lambda: np.ma.masked,
    lambda: np.ma.array([1, 2], mask=[True, False]), lambda: np.datetime64("2020-01-01"),
    lambda: np.array(["2020-01-01"], dtype="M8[D]"), lambda: datetime.date(2020, 1, 1),
    lambda: pd.Series([1.0, 2.0]), lambda: pd.DataFrame({"x": [1.0]}), lambda: xr.DataArray([1.0]),
    lambda: xr.Dataset({"x": 1}), lambda: object(), lambda: int, lambda: len, lambda: (lambda: 1),
    lambda: iter([1, 2]), lambda: (n for n in (x, y)), lambda: range(2), lambda: slice(0, 2),
    lambda: sp.Symbol("x"), lambda: sp.Symbol("w"), lambda: sp.I, lambda: sp.nan, lambda: sp.oo,
    lambda: sp.zoo, lambda: sp.pi, lambda: sp.Integer(2), lambda: sp.Matrix([x, y]), lambda: x > 0,
    lambda: sp.true, lambda: sp.Piecewise((x, x > 0)), lambda: sp.Function("f")(x),
    lambda: sp.Function("f"), lambda: sp.Derivative(x**2, x), lambda: sp.Integral(x, x),
    lambda: sp.Sum(x, (x, 0, 3)), lambda: sp.zeta(x), lambda: sp.log(-1), lambda: sp.Eq(x, y),
    lambda: sp.Tuple(x, y), lambda: sp.FiniteSet(1, 2), lambda: 1 / x, lambda: sp.sqrt(x - 2),
    lambda: x, lambda: y, lambda: z, lambda: k, lambda: d, lambda: e, lambda: T, lambda: R,
    lambda: x[0], lambda: x[1], lambda: x[9], lambda: x[0:2], lambda: x.next, lambda: y.next,
    lambda: x.at(1), lambda: T[0], lambda: co.time, lambda: SWAP, lambda: S, lambda: N, lambda: W,
    lambda: P, lambda: STATES, lambda: co.normal(), lambda: nx.DiGraph([(1, 2)]),
    lambda: nx.Graph(),
)  # fmt: skip


class Guess:
    """Choices of one declaration."""

    def __init__(self, number):
        self.random = random.Random(number)

    def odd(self):
        """Anything, alone or in what may be meant to hold it."""
        thing = self.random.choice(ODD)
        wrap = self.random.random()
        if wrap < 0.85:
            return thing()
        forms = (lambda: [thing()], lambda: (thing(), thing()), lambda: {"on": thing()},
                 lambda: {x: thing()}, lambda: {y[0]: thing()}, lambda: {T: thing()})  # fmt: skip
        return self.random.choice(forms)()

    def of(self, *right, share=0.9):
        """One of what is right, or anything."""
        return self.random.choice(right) if self.random.random() < share else self.odd()

    def mapping(self, pairs, share=0.9):
        """A mapping like this one, a key or a value of which may be anything; or anything."""
        if self.random.random() > 0.95:
            return self.odd()
        made = {}
        for key, value in pairs.items():
            named = self.of(key, share=0.97)
            try:
                made[named] = self.of(value, share=share)
            except TypeError:  # it cannot be a key
                made[key] = self.odd()
        return made

    def formulas(self):
        """Formulas of a system or network of x and y."""
        right = (
            x + y,
            k * x,
            x / 2,
            y.next + x,
            x**2,
            sp.Max(x, y),
            sp.exp(-x),
            co.time + x,
            e + x,
        )
        return self.mapping({x: self.of(*right), y: self.of(*right)})

    def start(self):
        """Start values for them."""
        return self.mapping({x: 1, y: 0.5})

    def system(self):
        """A system, most often one that is right."""
        if self.random.random() < 0.5:
            return self.random.choice((S, NOISY, STATES))
        return co.System(self.formulas(), start=self.start(), parameters=self.mapping({k: 0.5}))

    def node(self):
        return self.of(x[0], y[1], x[2], x, T[0])

    def part(self):
        return self.of(x, y, [x, y], x[1:], [y[1]], T)

    def steps(self):
        return self.of(0, 1, 3)

    def world(self):
        """A world with some interventions."""
        world = self.system().world(steps=self.steps())
        for _ in range(self.random.randrange(3)):
            acts = (
                lambda w: w.perturb(self.node(), by=self.of(0.5, 1)),
                lambda w: w.do(self.node(), self.of(1, "on")),
                lambda w: w.clamp(self.part(), to=self.of(w)),
                lambda w: w.replace(self.of(x, T), self.of(x / 2, SWAP)),
            )
            world = self.random.choice(acts)(world)
        return world


def _table(g):
    rows = g.mapping({"on": "off", "off": g.mapping({"on": 0.5, "off": sp.Rational(1, 2)})})
    table = co.table(g.of(T, (T,), [T]), rows)
    return co.System({T: table}, start={T: g.of("on")}).world(steps=1)


def _two(g):
    row = {"hot": g.of("on"), "warm": g.of("off"), "cold": g.mapping({"on": 1})}
    table = co.table(g.of((T, R)), g.mapping({"on": g.mapping(row), "off": row}))
    return repr(table), table._repr_latex_(), co.System({T: table, R: R}, start=g.start())


def _run(g):
    over = g.of(None, {k: [1, 2]}, {x[0]: [0, 1]}, g.mapping({k: [1, 2]}))
    keep = g.of("all", "last", 2, x)
    return co.run(
        g.world(), over=over, draws=g.of(None, None, 2), keep=keep, labels=g.of(None, ["W"])
    )


def _measure(g):
    measure = g.random.choice((co.op, co.comp))
    asked = {"A": g.part(), "n": g.node(), "m": g.of(x[2], x, y), "steps": g.of(3, None)}
    over = g.of(None, g.mapping({k: [1, 2]}))
    return measure(g.of(g.system(), S), **asked, delta=g.of("exact", 1e-3), over=over)


def _every(g):
    if g.random.random() < 0.5:
        return co.every_m(g.system(), A=g.part(), n=g.node(), steps=g.steps())
    return co.every_n(g.system(), A=g.part(), m=g.node())


def _network(g):
    network = co.Network(g.mapping({y: x**2, z: x * y}), start=g.mapping({x: 3}))
    return repr(network), co.run(network.world().perturb(g.of(x, y)), over=g.of(None, {x: [1, 2]}))


def _graph(g):
    graph = g.of(nx.DiGraph([("a", "b"), ("b", "c")]))
    update = g.of(lambda *parents: sum(parents) if parents else 1)
    return co.Network.from_graph(graph, update, start=g.mapping({"a": 1}))


def _arrays(g):
    kinds, parents = g.of([-1, 0]), g.of([[-1], [0]])
    functions = g.of([lambda u: 2 * u])
    return co.Network.from_arrays(functions, kinds=kinds, parents=parents, start=g.of(1, [1]))


def _ode(g):
    how = {"dt": g.of(0.1), "method": g.of("euler", "rk4"), "parameters": g.mapping({k: 1})}
    system = co.System.from_ode(g.formulas(), start=g.start(), **how)
    return system.world(g.steps())


def _spread(g):
    made = g.random.choice((
        lambda: co.Gaussian.of(g.mapping({x: (0, 1), y: (1, 2)})),
        lambda: co.Box.of(g.mapping({x: (0, 1), y: (1, 2)})),
        lambda: co.Ensemble.of(g.mapping({x: [0, 1], y: [1, 2]})),
        lambda: co.Distribution.uniform(g.of(T), g.of(R)),
        lambda: co.Distribution.delta(g.mapping({T: "on"})),
    ))()  # fmt: skip
    return repr(made)


def _law(g):
    law = g.random.choice((
        lambda: co.normal(g.of(0), g.of(1)),
        lambda: co.uniform(g.of(0), g.of(1)),
        lambda: co.choice(g.of([1, 2]), g.of(None, [0.5, 0.5])),
        g.odd,
    ))()  # fmt: skip
    return co.noise(g.of("e"), law, unit=g.of(""))


def _symbol(g):
    makers = (co.variable, co.parameter, co.variables, co.parameters)
    return repr(g.random.choice(makers)(g.of("x", "x y"), unit=g.of("", "m"))), repr(
        co.finite(g.of("F"), g.of(["a", "b"], [1, "1"]))
    )


def _index(g):
    return g.random.choice((x, T))[g.odd()]


def _other(g):
    system = g.system()
    asked = (
        lambda: system.with_start(g.start()),
        lambda: system.with_parameters(g.mapping({k: 1})),
        lambda: system.unroll(g.steps()),
        lambda: co.draw(g.of(system), steps=g.steps(), A=g.of(None, x), worlds=g.of((), [W])).dot,
        lambda: system.find(g.of("x")),
    )
    return g.random.choice(asked)()


CALLS = (_table, _two, _run, _measure, _every, _network, _graph, _arrays, _ode, _spread, _law,
         _symbol, _index, _other)  # fmt: skip


def attempt(number):
    """Carry out one declaration; True where it has a result, False where the house refuses it."""
    guess = Guess(number)
    call = guess.random.choice(CALLS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call(guess)
        except co.CausaloptError:
            return False
    return True
