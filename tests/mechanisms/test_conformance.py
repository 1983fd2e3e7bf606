"""One suite for every kind of mechanism: what the interface promises, kind by kind."""

import functools
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp

from causalopt import (
    DeclarationError,
    QueryError,
    decision,
    finite,
    parameters,
    table,
    time,
    utility,
    variable,
    variables,
)
from causalopt.mechanisms.crossing import SHARE
from causalopt.mechanisms.decisions import Decision
from causalopt.mechanisms.declared import mechanism_of
from causalopt.mechanisms.increments import Increment
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.onset import Onset
from causalopt.mechanisms.opaque import Function
from causalopt.mechanisms.settled import Settled, Turn, Unmoved

x, y = variables("x y")
(k,) = parameters("k")
u0, u1 = sp.symbols("u0 u1", real=True)
ROOT_TURN = Turn((u0,), ((u1, u0**2 - x),), (u0 - u1 / (2 * u0),), (sp.Abs(u1),))
s, t = finite("s", ["off", "on", "jammed"]), finite("t", ["cold", "warm"])


@dataclass(frozen=True)
class Case:
    """A mechanism, the same as a plain function of its arguments in order, and some points.

    ``slopes`` are those of the function, where it is no smooth one.
    """

    mechanism: Mechanism
    plain: Callable
    points: tuple[tuple[float, ...], ...]
    is_smooth: bool = True
    gives_rates: bool = True
    rows: int = 0


def _stochastic(at_s, at_t, u):
    masses = {
        (0, 0): (0.25, 0.5, 0.25), (0, 1): (1, 0, 0), (1, 0): (0, 1, 0),
        (1, 1): (0.5, 0, 0.5), (2, 0): (0, 0, 1), (2, 1): (0, 0.125, 0.875),
    }[int(at_s), int(at_t)]  # fmt: skip
    total = 0
    for place, mass in enumerate(masses):
        total += mass
        if u < total:
            return place
    return 2


ROWS = {
    "off": {"cold": {"off": 0.25, "on": 0.5, "jammed": 0.25}, "warm": "off"},
    "on": {"cold": "on", "warm": {"off": 0.5, "jammed": 0.5}},
    "jammed": {"cold": "jammed", "warm": {"on": 0.125, "jammed": 0.875}},
}
EVERY_PLACE = tuple((i, j) for i in range(3) for j in range(2))
CASES = {
    "constant": Case(mechanism_of(x, 3), lambda: 3, ((),)),
    "one argument": Case(mechanism_of(x, x), lambda u: u, ((0.5,), (-2,))),
    "formula": Case(
        mechanism_of(x, sp.sin(x) * y - k / (1 + x**2)),
        lambda K, u, v: mpmath.sin(u) * v - K / (1 + u * u),
        ((0.5, 1.25, -2), (2, 0, 1), (-1, -0.5, 0.25)),
    ),
    "step along a rate": Case(
        Increment.of(x, mechanism_of(x, sp.sin(x) * y), [(k / 2, {}), (k / 3, {x: y, y: x})]),
        lambda K, u, v: u + K * mpmath.sin(u) * v / 2 + K * mpmath.sin(v) * u / 3,
        ((0.5, 1.25, -2), (2, 0, 1), (-1, -0.5, 0.25)), gives_rates=False,
    ),
    "same step, and time": Case(
        mechanism_of(x, y.next * time - x),
        lambda clock, u, v: v * clock - u,
        ((2, 0.5, -1), (0.25, 1, 3)),
    ),
    "branches": Case(
        mechanism_of(x, sp.Piecewise((x**2, x < 1), (2 * x + y, True))),
        lambda u, v: u * u if u < 1 else 2 * u + v,
        ((0.5, 3), (1.5, -2), (-4, 0)),
    ),
    "table": Case(
        mechanism_of(s, table((s, t), {"off": {"cold": "on", "warm": "off"},
                                       "on": {"cold": "on", "warm": "jammed"},
                                       "jammed": {"cold": "jammed", "warm": "off"}})),
        lambda at_s, at_t: ((1, 0), (1, 2), (2, 0))[int(at_s)][int(at_t)],
        EVERY_PLACE, is_smooth=False, gives_rates=False, rows=3,
    ),
    "table of chances": Case(
        mechanism_of(s, table((s, t.next), ROWS)),
        _stochastic,
        tuple((*place, u) for place in EVERY_PLACE for u in (0, 0.125, 0.25, 0.5, 0.75, 0.999)),
        is_smooth=False, gives_rates=False, rows=6,
    ),
    "utility": Case(
        utility((s, t), {"off": {"cold": 1, "warm": -2}, "on": {"cold": 0.5, "warm": 3},
                         "jammed": {"cold": -8, "warm": 0}}),
        lambda at_s, at_t: ((1, -2), (0.5, 3), (-8, 0))[int(at_s)][int(at_t)],
        EVERY_PLACE, is_smooth=False, gives_rates=False, rows=6,
    ),
    "moment": Case(
        Onset(k > 0, x + y * SHARE**2 >= 0, x + y * SHARE**2, x.next),
        lambda K, u, found, v: mpmath.sqrt(-u / v),
        ((1, -0.5, 0.5, 2), (1, -0.5625, 0.75, 1)), gives_rates=False,
    ),
    "what stands still": Case(
        Unmoved(sp.sin(x) * k), lambda K, u: mpmath.sin(u) * K,
        ((0.5, 1.25), (-1, 2)), is_smooth=False, gives_rates=False,
    ),
    "what is found": Case(
        # Newton's method for u^2 = x, from k, in two formulas.
        Unmoved(Settled.of(0, ROOT_TURN, [k])),
        lambda K, u: mpmath.sqrt(u), ((1, 2), (1.5, 0.25)), is_smooth=False, gives_rates=False,
    ),
}  # fmt: skip
EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def all_kinds(kind=Mechanism):
    """The kinds that can be made."""
    found = {kind} if not kind.__abstractmethods__ else set()
    return found.union(*map(all_kinds, kind.__subclasses__()))


def test_every_kind_of_mechanism_is_here():
    """But for functions, which have no formula: they have a suite of their own, test_opaque."""
    own = {kind for kind in all_kinds() if kind.__module__.startswith("causalopt.")}
    own = {kind for kind in own if not issubclass(kind, Function)}
    # A decision is the one kind that has no value: none before it has a policy.
    assert own == {type(case.mechanism) for case in CASES.values()} | {Decision}


def test_a_decision_has_no_value_before_it_has_a_policy():
    chosen = decision((s, t.next))
    assert chosen.arguments == (s, t.next)
    assert pickle.loads(pickle.dumps(chosen)) == chosen
    assert chosen.renamed({s: t}).arguments == (t, t.next)
    assert str(chosen) == "decision(s, t.next)"
    for ask in (lambda: chosen.value({}), lambda: chosen.reverse({}, sp.Integer(1))):
        with pytest.raises(QueryError, match="is a decision without a policy: give it one"):
            ask()


def at(case, point):
    numbers = (sp.nsimplify(Fraction(u)) for u in point)
    return dict(zip(case.mechanism.arguments, numbers, strict=True))


@EVERY
def test_arguments_are_symbols_each_once_in_a_fixed_order(case):
    arguments = case.mechanism.arguments
    assert isinstance(arguments, tuple)
    assert all(isinstance(symbol, sp.Symbol) for symbol in arguments)
    assert len(set(arguments)) == len(arguments) == len(case.points[0])
    assert pickle.loads(pickle.dumps(case.mechanism)).arguments == arguments


@EVERY
def test_the_value_is_that_of_the_plain_function(case):
    for point in case.points:
        found = case.mechanism.value(at(case, point))
        assert found.is_number
        assert float(found) == pytest.approx(float(case.plain(*point)), rel=1e-14)


@EVERY
def test_what_goes_by_index_is_the_plain_function_of_many_points(case):
    if case.mechanism.by_index is not None:
        found = case.mechanism.by_index(*np.array(case.points, dtype=float).T)
        assert found.tolist() == [float(case.plain(*point)) for point in case.points]
        assert not any(case.mechanism.reverse({}, sp.Integer(1)).values())


@EVERY
def test_terms_that_are_left_out_stand_for_themselves(case):
    whole = case.mechanism.value({})
    assert whole.free_symbols <= set(case.mechanism.arguments)
    for point in case.points[:3]:
        terms = at(case, point)
        partly = dict(list(terms.items())[:1])
        later = case.mechanism.value(partly).xreplace(terms)
        assert later == case.mechanism.value(terms) == whole.xreplace(terms)


def slope(case, point, j):
    """The derivative by argument j: a central difference of 50 digits; none across jumps."""
    if not case.is_smooth:
        return 0.0
    with mpmath.workdps(50):
        step = mpmath.mpf(10) ** -18
        moved = [[mpmath.mpf(u) + (i == j) * way * step for i, u in enumerate(point)]
                 for way in (1, -1)]  # fmt: skip
        up, down = (case.plain(*arguments) for arguments in moved)
        return float((up - down) / (2 * step))


@EVERY
def test_the_reverse_derivative_is_weight_times_each_slope(case):
    for point in case.points:
        terms = at(case, point)
        back = case.mechanism.reverse(terms, sp.Integer(3))
        assert set(back) == set(case.mechanism.arguments)
        for j, symbol in enumerate(case.mechanism.arguments):
            assert float(back[symbol]) == pytest.approx(3 * slope(case, point, j), rel=1e-13)


@EVERY
def test_the_forward_derivative_is_the_reverse_one_along(case):
    ways = [sp.Rational(j + 2, 3) for j in range(len(case.mechanism.arguments))]
    for point in case.points:
        terms = at(case, point)
        back = case.mechanism.reverse(terms, sp.Integer(1))
        along = dict(zip(case.mechanism.arguments, ways, strict=True))
        expected = sum(back[symbol] * way for symbol, way in along.items())
        assert float(case.mechanism.forward(terms, along) - expected) == pytest.approx(0, abs=1e-15)
        assert case.mechanism.forward(terms, {}) == 0
        for symbol, way in along.items():
            alone = case.mechanism.forward(terms, {symbol: way})
            assert float(alone) == pytest.approx(float(back[symbol] * way), abs=1e-15)


@EVERY
def test_a_renamed_mechanism_is_the_same_by_other_names(case):
    arguments = case.mechanism.arguments
    names = {symbol: sp.Symbol(f"q{j}", real=True) for j, symbol in enumerate(arguments)}
    renamed = case.mechanism.renamed(names)
    assert set(renamed.arguments) == set(names.values())
    assert renamed.renamed({new: old for old, new in names.items()}) == case.mechanism
    assert case.mechanism.renamed({}) == case.mechanism
    for point in case.points[:4]:
        terms = at(case, point)
        elsewhere = {names[symbol]: term for symbol, term in terms.items()}
        assert renamed.value(elsewhere) == case.mechanism.value(terms)
    if arguments:
        assert renamed != case.mechanism
        first = {arguments[0]: sp.Symbol("q0", real=True)}
        assert set(case.mechanism.renamed(first).arguments) == {*first.values(), *arguments[1:]}


@EVERY
def test_a_step_along_a_rate_adds_its_weighted_values(case):
    z = variable("z")
    weights = sp.Rational(1, 3), sp.Rational(-2, 5)
    if not case.gives_rates:
        with pytest.raises(DeclarationError, match="no rate of change of z"):
            case.mechanism.increment(z, [(weights[0], {})])
        return
    points = case.points[0], case.points[-1]
    parts = [(w, at(case, point)) for w, point in zip(weights, points, strict=True)]
    step = case.mechanism.increment(z, parts)
    expected = 7 + sum(
        float(w) * float(case.plain(*p)) for w, p in zip(weights, points, strict=True)
    )
    assert float(step.value({z: sp.Integer(7)})) == pytest.approx(expected, rel=1e-14)
    assert z in step.arguments
    assert step.increment(z, []).value({}) == z


@EVERY
def test_words_call_the_arguments_as_they_are_told(case):
    mechanism = case.mechanism
    assert str(mechanism) == mechanism.words(str)
    called = mechanism.words(lambda symbol: f"<{symbol}>")
    shown = [symbol for symbol in mechanism.arguments if str(symbol) in str(mechanism)]
    assert all(f"<{symbol}>" in called for symbol in shown)
    assert shown or not mechanism.arguments
    # A writer is asked for what formulas there are, and told the names.
    written = mechanism.words(str, lambda formula, name: f"[{name(x)}]")
    assert written in (str(mechanism), "[x]")


@EVERY
def test_rows_and_latex_are_text_for_pages(case):
    rows = case.mechanism.rows()
    assert len(rows) == case.rows
    assert all(isinstance(row, str) and row for row in rows)
    latex = case.mechanism.latex()
    assert isinstance(latex, str)
    assert latex.strip()
    assert "$" not in latex
    assert latex.count("{") == latex.count("}")


@EVERY
def test_mechanisms_are_values(case):
    again = pickle.loads(pickle.dumps(case.mechanism))
    assert again == case.mechanism
    assert hash(again) == hash(case.mechanism)
    assert [other for other in CASES.values() if other.mechanism == case.mechanism] == [case]
    assert case.mechanism != case.mechanism.value({})
    with pytest.raises(AttributeError):
        case.mechanism.formula = case.mechanism.cells = None


def test_tables_that_differ_in_a_row_or_a_mass_are_different():
    def made(rows):
        return mechanism_of(t, table(t, rows))

    rows = [
        {"cold": "warm", "warm": "cold"},
        {"cold": "warm", "warm": "warm"},
        {"cold": {"warm": 0.5, "cold": 0.5}, "warm": "cold"},
        {"cold": {"warm": sp.Rational(1, 3), "cold": sp.Rational(2, 3)}, "warm": "cold"},
        {"cold": {"warm": k, "cold": 1 - k}, "warm": "cold"},
    ]
    assert len({made(one) for one in rows}) == len(rows)
    assert [made(one) for one in rows] == [made(one) for one in rows]


def test_a_formula_is_a_mechanism_once():
    made = functools.partial(mechanism_of, x)
    assert made(k * x) == made(x * k)
    assert made(made(k * x)) == made(k * x)
    assert made(2) == made(sp.Integer(2))
    assert made(0.5) == made(sp.Float(0.5))
