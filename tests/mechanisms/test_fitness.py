"""What formulas may hold, and formulas whose conditions sympy comes to no end of."""

import mpmath
import numpy as np
import pytest
import sympy as sp

from causalopt import (
    DeclarationError,
    Network,
    System,
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


# What is beyond a domain in a branch counts where it is taken: test_branches has that.
PLACED = [
    pytest.param(place(constant), constant, id=f"{number}-{shown(constant)[:20]}")
    for number, place in enumerate(PLACES)
    for constant in COMPLEX + LARGE
    if constant != sp.asin(2) or not place(constant).has(sp.Piecewise)
]


@pytest.mark.parametrize(("formula", "constant"), PLACED)
def test_constants_that_no_float_holds_are_refused_where_they_are_declared(formula, constant):
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
        with sp.evaluate(False):
            for _ in range(levels):
                formula = sp.tanh(formula) + x
        return formula

    system = System({x: nested(70)}, start={x: 0.5})
    assert repr(system).count("tanh") == 70
    value = 0.5
    for _ in range(70):
        value = np.tanh(value) + 0.5
    assert run(system.world(steps=1), backend="numpy").x.values[0, 1] == pytest.approx(
        value, rel=1e-12
    )
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


@pytest.mark.parametrize("relation", ENDLESS)
def test_conditions_without_a_canonical_form_are_followed_as_they_are_written(relation):
    # As sympy would build it, but that it comes to no end.
    with sp.evaluate(False):
        inner = sp.Piecewise((a * b, relation(a, b, c, d, sp.Abs, sp.Min)), (c**2, True))
        outer = sp.Piecewise((inner, inner < sp.Min(0, c - b)), (inner + d, True))
    grid = [-2.0, 0.25, 1.0, 3.0]
    expected, slopes = np.empty((4,) * 4), np.empty((4, *(4,) * 4))
    for at in np.ndindex(expected.shape):
        p, q, r, s = (grid[i] for i in at)
        holds = relation(p, q, r, s, abs, min)
        chosen = p * q if holds else r**2
        added = not chosen < min(0, r - q)
        expected[at] = chosen + s * added
        slopes[(slice(None), *at)] = [q, p, 0, added] if holds else [0, 0, 2 * r, added]
    start = dict.fromkeys((a, b, c, d), 1)
    W = Network({y: outer}, start=start).world()
    over = dict.fromkeys(start, grid)
    found = run(W, over=over, backend="numpy").value.sel(world="W", node="y")
    assert np.array_equal(found, expected)
    for place, symbol in enumerate(start):
        moved = tangents(W.perturb(symbol), over=over, backend="numpy").value.sel(node="y")
        assert np.array_equal(moved[0], slopes[place])
    system = System({y: outer, **{v: v for v in start}}, start={y: 0, **start})
    swept = run(system.world(steps=1), over={v[0]: grid for v in start}, backend="numpy").y
    assert np.array_equal(swept[0, 1], expected)


SETS = [
    sp.Range(0, 10, 2).contains(x), sp.S.Integers.contains(x), sp.S.Naturals.contains(x + 1),
    sp.S.Rationals.contains(x), sp.Q.positive(x), sp.S.Integers.contains(x) & (x > 0),
    ~sp.S.Integers.contains(x),
]  # fmt: skip


@pytest.mark.parametrize("condition", SETS, ids=str)
def test_conditions_that_compare_no_numbers_are_refused(condition):
    with pytest.raises(DeclarationError, match=r"asks whether .* write Eq\(Mod\(x, 1\), 0\)"):
        System({x: sp.Piecewise((1, condition), (2, True))}, start={x: 4})
    instead = sp.Piecewise((1, sp.Eq(sp.Mod(x, 1), 0) & (x >= 0)), (2, True))
    assert run(System({x: instead}, start={x: 4}).world(steps=1)).x.values[0, 1] == 1


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        (sp.Lambda(sp.Symbol("u"), x), "call it"),
        (x * sp.rootof(sp.Symbol("t") ** 5 - sp.Symbol("t") + 1, 0), r"write its digits"),
        (x * sp.AccumBounds(0, 1), "write a formula"),
        (x + sp.Order(x), "write a formula"),
        (x + sp.MatrixSymbol("A", 2, 2)[0, 0], "write a formula"),
    ],
    ids=str,
)
def test_what_is_no_number_is_refused(formula, told):
    with pytest.raises(DeclarationError, match=f"which is no number: {told}"):
        System({x: formula}, start={x: 1})
