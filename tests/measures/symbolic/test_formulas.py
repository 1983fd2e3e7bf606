"""Formulas of Comp and Op against maps that are iterated here: in fractions, and in 50 digits."""

import math
from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Abs, Max, Piecewise, Rational

from causalopt import Network, System, comp, parameters, symbolic_comp, symbolic_op, variables

T, R = variables("T R")
a, b, c, e = variables("a b c e")
k, d, g = parameters("k d g")
small = st.integers(-3, 3)


def thermostat(strength=0.01):
    return System(
        {T: R - d, R: R - k * T}, start={T: 10, R: 35}, parameters={k: strength, d: 25, g: 0.5}
    )


def by_hand(steps):
    """The sum of (-k)^j over the ways to place j answers, each two steps long, in so many steps."""
    return sum(math.comb(steps - j, j) * (-k) ** j for j in range(steps // 2 + 1))


@pytest.mark.parametrize("steps", [1, 2, 3, 6, 9])
def test_the_thermostat_is_a_polynomial_of_its_strength(steps):
    formula = symbolic_comp(thermostat(), T, R[0], R[steps])
    assert sp.expand(formula.expression - by_hand(steps)) == 0
    assert formula.y == 1
    assert formula.conditions == ()
    assert formula.number == pytest.approx(float(by_hand(steps).subs(k, Rational(1, 100))), 1e-14)
    assert formula.at({k: 0.3}) == pytest.approx(float(by_hand(steps).subs(k, 0.3)), rel=1e-13)


def test_op_is_minus_the_logarithm_of_comp():
    formula = symbolic_op(thermostat(), T, R[0], R[3])
    assert sp.simplify(sp.exp(-formula.expression) - Abs(1 - 2 * k)) == 0
    assert formula.number == pytest.approx(-math.log(0.98), rel=1e-14)


# -- random networks and systems, in fractions ---------------------------------------------------

ORDER = (a, b, c, e)
PLACES = [(i, j) for j in range(4) for i in range(j)]


@given(
    linear=st.tuples(*[small] * 6),
    square=st.tuples(*[small] * 6),
    start=st.fractions(-2, 2, max_denominator=5),
    move=st.fractions(Rational(1, 9), 2, max_denominator=9),
    held=st.sets(st.sampled_from([1, 2])),
)
@settings(max_examples=6, deadline=None)
def test_networks_of_polynomials_are_those_that_fractions_give(linear, square, start, move, held):
    def gives(values, j):
        pairs = [(p, i) for p, (i, to) in enumerate(PLACES) if to == j]
        return sum(linear[p] * values[i] + square[p] * values[i] ** 2 for p, i in pairs)

    rules = {ORDER[j]: gives(ORDER, j) + 0 * a for j in (1, 2, 3)}
    roots = {v: 1 for j, v in enumerate(ORDER) if j == 0 or rules[v] == 0}
    network = Network({v: rule for v, rule in rules.items() if rule != 0}, start={**roots, a: 0.5})

    def run(first, kept):
        values = [first]
        for j in (1, 2, 3):
            own = gives(values, j) if rules[ORDER[j]] != 0 else Fraction(1)
            values.append(kept.get(j, own))
        return values

    start, move = Fraction(start), Fraction(move)
    W = run(start, {})
    moved = run(start + move, {})[3] - W[3]
    other = run(start + move, {j: W[j] for j in held or {1}})[3] - W[3]
    delta = sp.Symbol("delta")
    A = [ORDER[j] for j in sorted(held or {1})]
    at = {a: Rational(start.numerator, start.denominator), delta: Rational(str(move))}
    at |= {v: 1 for v in roots if v != a}
    formula = symbolic_comp(network, A, a, e, delta=delta)
    assert formula.x.subs(at) == Rational(str(moved))
    assert formula.y.subs(at) == Rational(str(other))
    if other != 0:
        assert formula.expression.subs(at) == Rational(str(moved / other))
    # The derivative is where the finite difference goes.
    exact = symbolic_comp(network, A, a, e)
    for finite, slope in ((formula.x, exact.x), (formula.y, exact.y)):
        assert sp.expand(sp.cancel(finite / delta).subs(delta, 0) - slope) == 0


def walked(strength, first, move, steps, held=None):
    """A swing with a brake, step by step; its speed as it was, where it is held."""
    x, v, speeds = first + move, mpmath.mpf(1) / 2, []
    for step in range(steps):
        speeds.append(v)
        x, v = x + v / 3, v - strength * mpmath.sin(x) - v * v / 7
        if held is not None and step + 1 < len(held):
            v = held[step + 1]
    return x, [*speeds, v]


@given(
    strength=st.integers(1, 40).map(lambda n: Fraction(n, 16)),
    first=st.integers(-40, 40).map(lambda n: Fraction(n, 16)),
    steps=st.integers(2, 4),
)
@settings(max_examples=15, deadline=None)
def test_derivatives_are_those_of_maps_in_fifty_digits(strength, first, steps):
    swing = System(
        {a: a + b / 3, b: b - k * sp.sin(a) - b**2 / 7},
        start={a: float(first), b: 0.5},
        parameters={k: float(strength)},
    )
    formula = symbolic_comp(swing, b, a[0], a[steps])
    with mpmath.workdps(50):
        s, f = (mpmath.mpf(n.numerator) / n.denominator for n in (strength, first))
        kept = walked(s, f, 0, steps)[1]
        x = mpmath.diff(lambda move: walked(s, f, move, steps)[0], 0)
        y = mpmath.diff(lambda move: walked(s, f, move, steps, kept)[0], 0)
        at = {k: Rational(str(strength)), formula.symbol(a[0]): Rational(str(first))}
        at[formula.symbol(b[0])] = Rational(1, 2)
        assert abs(formula.x.subs(at).evalf(50) - sp.Float(x, 50)) < 1e-18
        assert abs(formula.y.subs(at).evalf(50) - sp.Float(y, 50)) < 1e-18
    assert formula.number == pytest.approx(float(x / y), rel=1e-10)


# -- what stands in a formula --------------------------------------------------------------------


def test_a_soft_clamp_and_a_stretch_of_steps_stand_in_the_formula():
    W = thermostat().world(steps=6)
    soft = W.clamp(T, to=W.do(R[0], 30), by=g)
    formula = symbolic_comp(soft, T, R[0], R[2])
    # Behind the gate the thermostat hears a part of the room alone.
    assert sp.expand(formula.expression - (1 - k * (1 - g))) == 0
    part = symbolic_comp(thermostat(), T[:3], R[0], R[5])
    # From T[3] = y_R[2] = 1 on Y answers too: y_R[4] = 1 - k, and y_R[5] = 1 - 2 k.
    assert sp.cancel(part.expression - by_hand(5) / (1 - 2 * k)) == 0


def test_noise_stands_in_the_formula_and_cancels_from_linear_ones():
    from causalopt import noise, normal

    shock = noise("shock", normal(0, 1))
    added = System({T: R - 25, R: R - k * T + shock}, start={T: 1, R: 30}, parameters={k: 0.5})
    assert symbolic_comp(added, T, R[0], R[3]).expression == 1 - 2 * k
    times = System({T: R * shock, R: R - k * T}, start={T: 1, R: 30}, parameters={k: 0.5})
    formula = symbolic_comp(times, T, R[0], R[2])
    (drawn,) = formula.expression.free_symbols - {k}
    assert str(drawn) == "shock[0]"
    assert formula.expression == 1 - k * drawn
    assert formula.number == pytest.approx(comp(times, T, R[0], R[2]).item(), rel=1e-14)


def test_values_of_nodes_of_w_may_stand_in_the_formula():
    square = System({a: b**2, b: b + k * a}, start={a: 1, b: 2}, parameters={k: 0.5})
    written_out = symbolic_comp(square, a, b[0], b[3])
    kept = symbolic_comp(square, a, b[0], b[3], in_terms_of=b)
    names = {str(s) for s in kept.expression.free_symbols}
    assert names == {"k", "b[0]", "b[1]"}
    assert sp.expand(kept.expression - (1 + 2 * k * kept.symbol(b[0]) + 2 * k * kept.symbol(b[1])))\
        == 0  # fmt: skip
    assert kept.number == pytest.approx(written_out.number, rel=1e-14)
    assert kept.at({b[1]: 10}) == pytest.approx(1 + 2 * 0.5 * 2 + 2 * 0.5 * 10)


def test_parameters_that_follow_from_others_and_starts_are_written_out():
    system = System(
        {a: b * g, b: b - d * a}, start={a: k, b: 2}, parameters={k: 0.5, d: 2 * k, g: 3}
    )
    assert sp.expand(symbolic_comp(system, a, b[0], b[2]).expression - (1 - 2 * k * g)) == 0
    put = symbolic_comp(system, a, b[0], b[2], values={g: 0.1, k: Rational(1, 3)})
    assert put.expression == 1 - Rational(2, 30)


# -- branches ------------------------------------------------------------------------------------


def limited():
    return System(
        {T: R - d, R: R - k * Max(-1, sp.Min(1, T)) + Abs(T) / 8},
        start={T: 0.5, R: 25.5},
        parameters={k: 0.5, d: 25},
    )


def test_the_branch_is_the_one_that_is_taken_at_the_point():
    whole = symbolic_comp(limited(), T, R[0], R[2])
    assert whole.expression.has(Piecewise)
    inside = symbolic_comp(limited(), T, R[0], R[2], at={})
    assert sp.expand(inside.expression - (1 - k + Rational(1, 8))) == 0
    assert not inside.expression.has(Piecewise, Max, Abs)
    above = symbolic_comp(limited(), T, R[0], R[2], at={R[0]: 27})
    assert above.expression == Rational(9, 8)
    room = above.symbol(R[0])
    assert all(
        condition.subs({room: 27, d: 25, k: 0.5}) != sp.false for condition in above.conditions
    )
    assert any(condition.subs({room: 25.5, d: 25}) == sp.false for condition in above.conditions)
    # The formula with all branches is each of them, where it is taken.
    for first in (20.0, 24.5, 25.0, 25.5, 27.0):
        exact = comp(limited().with_start({R: first}), T, R[0], R[2]).item()
        assert whole.at({R[0]: first}) == pytest.approx(exact, rel=1e-14)
        there = symbolic_comp(limited(), T, R[0], R[2], at={R[0]: first})
        assert there.at({R[0]: first}) == pytest.approx(exact, rel=1e-14)


def test_a_finite_difference_takes_its_own_branches():
    step = symbolic_comp(limited(), T, R[0], R[2], delta=Rational(2), at={})
    exact = comp(limited(), T, R[0], R[2], delta=2).item()
    assert step.number == pytest.approx(exact, rel=1e-13)
    delta = sp.Symbol("delta", positive=True)
    named = symbolic_comp(limited(), T, R[0], R[2], delta=delta, at={delta: 2})
    assert float(named.expression.subs({delta: 2, k: 0.5, d: 25, named.symbol(R[0]): 25.5})) \
        == pytest.approx(exact, rel=1e-13)  # fmt: skip


# -- where it is not defined ---------------------------------------------------------------------


def test_zeros_are_those_of_the_measures():
    f, h, u = variables("f h u")
    apart = Network({b: k * a, c: a * 2, f: b * 1, h: k * a - b}, start={a: 1, u: 1}
                    , parameters={k: 2})  # fmt: skip
    assert symbolic_comp(apart, b, a, f).expression == sp.oo * sp.sign(k)
    assert symbolic_op(apart, b, a, f).expression == -sp.oo
    assert symbolic_op(apart, b, a, f).conditions == (sp.Ne(k, 0),)
    assert math.isinf(symbolic_comp(apart, b, a, f).number)
    assert symbolic_comp(apart, b, a, h).expression == 0
    assert symbolic_op(apart, b, a, h).expression == sp.oo
    for measure in (symbolic_comp, symbolic_op):
        assert measure(apart, b, u, c).expression is sp.nan
        assert math.isnan(measure(apart, b, u, c).number)
