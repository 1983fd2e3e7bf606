"""What formulas may hold, and formulas whose conditions sympy comes to no end of."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    DeclarationError,
    Network,
    System,
    every_n,
    parameter,
    run,
    tangents,
    variables,
)
from causalopt.ground.checks import shown

a, b, c, d, x, y = variables("a b c d x y")
k = parameter("k")

COMPLEX = [sp.cbrt(-8), sp.root(-2, 5), sp.asin(2), sp.LambertW(sp.Rational(-5, 2)),
           sp.loggamma(sp.Rational(-1, 2)), sp.Pow(sp.Rational(-3, 7), sp.Rational(2, 3)),
           sp.cbrt(-1) + sp.cbrt(-1) ** -1]  # fmt: skip
LARGE = [sp.Integer(10) ** 400, -sp.Integer(10) ** 309, sp.exp(1000), sp.Float("1e400"),
         sp.Integer(10) ** 5000, sp.Rational(10**400, 3), sp.E ** (10**6)]  # fmt: skip
PLACES = [
    lambda constant: x * constant,
    lambda constant: x + 3 * constant,
    lambda constant: sp.Piecewise((constant, x > 0), (x, True)),
    lambda constant: sp.sin(x) * (1 + constant),
    lambda constant: x**2 * constant + k,
]


@pytest.mark.parametrize("constant", COMPLEX + LARGE, ids=lambda constant: shown(constant)[:20])
@pytest.mark.parametrize("place", PLACES)
def test_constants_that_no_float_holds_are_refused_where_they_are_declared(constant, place):
    formula = place(constant)
    told = "is complex" if constant in COMPLEX else "beyond the largest float"
    for declare in (
        lambda: System({x: formula}, start={x: 1}, parameters={k: 1}),
        lambda: Network({y: formula}, start={x: 1}, parameters={k: 1}),
        lambda: System({x: k * x}, start={x: 1}, parameters={k: 1}).world(2).replace(x, formula),
    ):
        with pytest.raises(DeclarationError, match=told):
            declare()


@pytest.mark.parametrize(
    "constant",
    [sp.pi**20, sp.real_root(-8, 3), sp.Rational(10**400, 10**400 + 1), 
     sp.Rational(1, 10**400), sp.gamma(sp.Rational(-1, 2)), sp.sqrt(2) ** sp.sqrt(3)],
    ids=str,
)  # fmt: skip
def test_constants_that_a_float_holds_are_numbers(constant):
    network = Network({y: x + constant}, start={x: 0})
    found = run(network.world(), backend="numpy").value.sel(world="W", node="y").item()
    assert found == pytest.approx(float(mpmath.mpf(sp.N(constant, 40))), rel=1e-15, abs=1e-300)


def test_nesting_that_no_stack_holds_is_refused_and_less_is_told_and_run():
    def nested(levels):
        formula = x
        for _ in range(levels):
            formula = sp.tanh(formula) + x / 2
        return formula

    system = System({x: nested(70)}, start={x: 0.5})
    assert repr(system).count("tanh") == 70
    value = 0.5
    for _ in range(70):
        value = np.tanh(value) + 0.25
    assert run(system.world(steps=1)).x.values[0, 1] == pytest.approx(value, rel=1e-12)
    for levels in (80, 110, 300):
        with pytest.raises(
            DeclarationError, match=r"nests more than 150 .* variables of their own"
        ):
            System({x: nested(levels)}, start={x: 1})


# Conditions that sympy's canonical form turns to and fro, found among random ones.
# Each is one function of symbols, with sympy's Abs and Min, and of numbers, with Python's own.
ENDLESS = [
    lambda a, b, c, d, size, least: b + d + size(c) >= -2 * b + c,
    lambda a, b, c, d, size, least: b * c * (c - b) >= -2 * c + size(c),
    lambda a, b, c, d, size, least: (a - c) * least(b, d) <= -b * d + least(b, c),
    lambda a, b, c, d, size, least: a**2 * c * (c - b) >= -a - 2 * b + c + d,
]


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 3),
    st.lists(st.sampled_from([-2.0, -0.5, 0.25, 1.0, 3.0]), min_size=4, max_size=4),
)
def test_conditions_without_a_canonical_form_are_followed_as_they_are_written(which, at):
    condition = ENDLESS[which](a, b, c, d, sp.Abs, sp.Min)
    with sp.evaluate(False):
        inner = sp.Piecewise((a * b, condition), (c**2, True))
        outer = sp.Piecewise((inner, inner < sp.Min(0, c - b)), (inner + d, True))
    values = dict(zip("abcd", at, strict=True))
    holds = ENDLESS[which](*at, abs, min)
    chosen = values["a"] * values["b"] if holds else values["c"] ** 2
    moved = not chosen < min(0, values["c"] - values["b"])
    expected = chosen + values["d"] if moved else chosen
    start = dict(zip((a, b, c, d), at, strict=True))
    network = Network({y: outer}, start=start)
    W = network.world()
    assert run(W).value.sel(world="W", node="y").item() == expected
    slopes = dict(zip("abcd", (values["b"], values["a"], 0, 0) if holds
                      else (0, 0, 2 * values["c"], 0), strict=True))  # fmt: skip
    slopes["d"] += moved
    for symbol in (a, b, c, d):
        found = tangents(W.perturb(symbol)).value.sel(node="y").item()
        assert found == slopes[symbol.name]
    system = System({y: outer, **{v: v for v in start}}, start={y: 0, **start})
    assert run(system.world(steps=2)).y.values[0].tolist() == [0, expected, expected]
    assert str(condition.lhs) in repr(system)
    assert every_n(system, A=a, m=y[1]).sel(variable="d").values[0] == 1 or not slopes["d"]
