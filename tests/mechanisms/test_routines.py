"""Routines: long formulas as one term, with what stands in their places, and how they move."""

import pickle

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from causalopt.mechanisms.patterns import places, shape_of
from causalopt.mechanisms.routines import Filled, Numbers, Routine, long_form, pushed, written_out

x = sp.symbols("x:20", real=True)
FUNCTIONS = (sp.sin, sp.cos, sp.exp, sp.sinh, sp.cosh, sp.tanh, sp.erf, sp.atan, sp.asinh)


def long(function):
    """A formula of twenty symbols: a rate of one that all others pull at."""
    pulls = (function(sp.Rational(j, 7) * (x[j] - x[0])) for j in range(1, 20))
    return x[0] ** 3 - 0.25 * sp.Add(*pulls) + 5


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_long_form_is_the_formula_and_moves_as_it_does(function):
    formula = long(function)
    form = long_form(formula)
    assert form is not None
    at = {s: sp.Float(j / 9 - 1, 50) for j, s in enumerate(x)}
    moves = {s: sp.Float(1 / (j + 2), 50) for j, s in enumerate(x)}
    exact = formula.evalf(50, subs=at)
    assert abs(form.at(at).written_out().evalf(50) - exact) < 1e-14 * abs(exact)
    # By differences of many digits, which know no rule of differentiation.
    with mpmath.workdps(60):
        call = sp.lambdify(x, formula, "mpmath")
        step = mpmath.mpf(10) ** -25
        ends = (
            call(*(mpmath.mpf(at[s]) + sign * step * mpmath.mpf(moves[s]) for s in x))
            for sign in (1, -1)
        )
        slope = (next(ends) - next(ends)) / (2 * step)
    found = form.along(at, moves).written_out().evalf(30)
    assert abs(found - sp.Float(slope, 30)) < 1e-13 * abs(slope)


def test_what_does_not_move_is_constant_and_nothing_moved_is_zero():
    form = long_form(long(sp.sin))
    some = form.along({}, {x[3]: sp.Integer(1), x[4]: sp.Integer(0)})
    assert some.routine.moved == 1
    assert sp.simplify(some.written_out() - sp.diff(long(sp.sin), x[3])).evalf(
        subs=dict.fromkeys(x, 0.3)
    ) == pytest.approx(0, abs=1e-15)
    assert form.along({}, {}) == form.along({}, {x[4]: sp.Integer(0)}) == 0
    moved = pushed(form.routine, form.routine.places[:2])
    terms = [form.numbers, *form.own, sp.Symbol("u"), sp.Symbol("v")]
    assert Filled(moved, *terms).xreplace({sp.Symbol("u"): sp.Integer(0)}) != 0
    gone = {sp.Symbol("u"): sp.Integer(0), sp.Symbol("v"): sp.Integer(0)}
    assert Filled(moved, *terms).xreplace(gone) == 0


def test_formulas_that_say_the_same_of_others_are_one_routine():
    eating = [x[i] * (0.5 - sp.Add(*((i + j + 0.25) * x[j] for j in range(20)))) for i in range(20)]
    # Of these sympy writes the signs by the names, in each another way.
    turning = [sp.Add(*(sp.sin(b - a) for b in x if b != a)) / 20 + i / 7 for i, a in enumerate(x)]
    for alike in (eating, turning[1:]):
        assert len({long_form(formula).routine for formula in alike}) == 1


@pytest.mark.parametrize(
    "part", [1 / x[0], sp.sqrt(x[0]), sp.log(x[0]), sp.Abs(x[0]), sp.Max(x[0], x[1]), x[0] ** x[1]]
)
def test_what_is_not_smooth_everywhere_is_no_routine(part):
    assert long_form(long(sp.sin) + part) is None


def test_what_is_short_is_no_routine():
    assert long_form(x[0] * x[1] + sp.sin(x[2])) is None


def test_routines_within_others_are_written_out():
    form = long_form(long(sp.sin))
    inner = form.at({x[5]: Filled(Routine(x[0] ** 2, (x[0],)), Numbers(), x[7])})
    expected = long(sp.sin).xreplace({x[5]: x[7] ** 2})
    assert written_out(inner) == expected
    assert written_out(x[0] + 1) == x[0] + 1


def test_a_filled_routine_has_symbols_and_replaces_them_as_any_formula_does():
    u, v, w = sp.symbols("u v w", real=True)
    moved = pushed(Routine(x[0] * sp.sin(x[1]) * x[2], x[:3]), x[:1])
    for terms in ([u, v, w], [u + v, u, 2 * w], [sp.sin(u), w, v * w + 1], [u, u, u]):
        filled = Filled(moved, Numbers(sp.Float(0.5)), *terms)
        assert filled.free_symbols == set().union(*(term.free_symbols for term in terms))
        assert filled.terms == (*terms[:2], 0.5, terms[2])
        for rule in ({u: v}, {u: sp.Integer(2), v: u * w}, {w: sp.Integer(0)}, {x[9]: u}):
            inner = [term.xreplace(rule) for term in terms]
            assert filled.xreplace(rule) == Filled(moved, filled.numbers, *inner)
            assert (u + 3 * filled).xreplace(rule) == u.xreplace(rule) + 3 * filled.xreplace(rule)
        assert filled.xreplace({x[9]: u}) is filled
        assert filled.xreplace({filled: v}) == v
        sent = pickle.loads(pickle.dumps(filled))
        assert (sent, hash(sent), sent.numbers.floats) == (filled, hash(filled), (0.5,))


def formulas():
    leaves = st.sampled_from(x[:4]) | st.sampled_from([sp.Float(0.5), sp.Float(-1.25)])
    leaves |= st.sampled_from([sp.Integer(2), sp.Integer(-1), sp.Rational(1, 3), sp.Float(0.0)])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda *terms: sp.Add(*terms), inner, inner, inner),
            st.builds(lambda *factors: sp.Mul(*factors), inner, inner),
            st.builds(lambda base, power: base**power, inner, st.sampled_from([2, 3])),
            st.builds(sp.sin, inner),
            st.builds(sp.tanh, inner),
        ),
        max_leaves=12,
    )


@given(formulas())
def test_a_shape_filled_in_is_the_formula(formula):
    shape, at = shape_of(formula)
    assert len(set(at)) == len(at)
    own = [sp.Symbol(name, real=True) for name in places(len(at))]
    assert shape.free_symbols <= set(own)
    numbers = dict(zip(x, (0.3, -0.7, 1.1, 0.2), strict=False))
    given = [float(term.subs(numbers)) for term in at]
    found, exact = sp.lambdify(own, shape, "math")(*given), float(formula.subs(numbers).evalf(30))
    np.testing.assert_allclose(found, exact, rtol=1e-12, atol=1e-13)


def test_a_power_is_no_place_though_the_same_number_is_added():
    assert shape_of(x[0] ** 2 + 2)[1] == (x[0],)
    assert shape_of(x[0] ** 2 + 3)[1] == (x[0], 3)


def test_numbers_of_thousands_of_digits_have_a_shape():
    long_number = sp.Rational(10**6000 + 1, 7 * 10**6000)
    assert shape_of(x[0] * long_number)[1] == (x[0],)
    assert shape_of(x[0] + long_number)[1] == (x[0], long_number)
