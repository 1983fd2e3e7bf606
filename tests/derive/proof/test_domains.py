"""What is put in for a symbol is what the symbol may be: else it is refused, or proves nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sympy as sp
from sympy import Abs, Derivative, Eq, Integral, Rational, exp, log, oo, pi, sin, sqrt

from causalopt.derive import (
    Derivation,
    DerivationError,
    Equal,
    Expands,
    Follows,
    Let,
    Stationary,
    Substitution,
    TendsTo,
)
from causalopt.derive.statement.steps import Step

x, y, a = sp.symbols("x y a", real=True)
z = sp.Symbol("z")
p, q = sp.symbols("p q", positive=True)
n = sp.Symbol("n", integer=True)
m = sp.Symbol("m", integer=True, positive=True)
k = sp.Symbol("k", integer=True, nonnegative=True)
i = sp.Symbol("i", integer=True)
f, g = (sp.Function(name, real=True) for name in "fg")
X = sp.Function("X", positive=True)
HALF = Rational(1, 2)
Given = Sequence[object]


def statuses(given: Given, *steps: Step) -> list[str]:
    report = Derivation("page", given=given, steps=steps).check()
    return [str(verdict.status) for verdict in report.verdicts]


def alternating(top: sp.Expr) -> sp.Expr:
    return sp.Sum((-1) ** i * sp.binomial(top, i), (i, 0, top))


def at(argument: object, value: object, hypothesis: Eq, **more: object) -> Follows:
    return Follows(Eq(f(argument), value), since=[hypothesis], **more)


OUTSIDE: list[tuple[Given, Step]] = [
    ([n, f(n)], at(HALF, 0, Eq(f(n), 0))),
    ([m, f(m)], at(0, 1, Eq(f(m), 1))),
    ([x, x > 1, x < 2, f(x)], at(5, 0, Eq(f(x), 0))),
    ([x, x > 0, f(x)], at(-1, 0, Eq(f(x), 0))),
    ([p, f(p)], at(-1, -1, Eq(f(p), Abs(p)))),
    ([x, f(x)], at(-1, 0, Eq(f(x), 0), assuming=[x > 0])),
    ([x, z, f(x)], at(z, 0, Eq(f(x), 0))),
    # the slope of what is known at whole numbers, or at one number
    ([n, x, f(n)], Follows(Eq(sp.Subs(Derivative(f(x), x), x, n), 0), since=[Eq(f(n), 0)])),
    ([x, x >= 1, x <= 1, f(x)], Follows(Eq(Derivative(f(x), x), 0), since=[Eq(f(x), 0)])),
    ([x, y, f(x)], Follows(Eq(Derivative(f(y), y), 1), since=[Eq(f(y), y)])),
    ([x, y, f(x)], Follows(Eq(Integral(f(y), (y, 0, 1)), HALF), since=[Eq(f(y), y)])),
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("given", "step"), OUTSIDE)
def test_a_hypothesis_says_nothing_outside_its_range(given: Given, step: Step) -> None:
    assert statuses(given, step) != ["proved"]


def test_a_hypothesis_is_used_within_its_range() -> None:
    zero, within = Eq(f(x), 0), [x, x > 1, x < 2, f(x)]
    slope = Follows(Eq(Derivative(f(x), x), 0), since=[zero])
    assert statuses([n, f(n)], at(7, 0, Eq(f(n), 0)), at(n + 1, 0, Eq(f(n), 0))) == ["proved"] * 2
    assert statuses(within, at(Rational(3, 2), 0, zero), slope) == ["proved"] * 2
    assert statuses([x, x >= 0, f(x)], at(x + 1, 0, zero), slope) == ["proved"] * 2
    there = Follows(Eq(Derivative(f(2 * x), x), 2), since=[Eq(f(x), x)])
    assert statuses([x, f(x)], there) == ["proved"]


UNFIT: list[tuple[Given, sp.Equality, sp.Equality, dict[object, object]]] = [
    ([m, k], Eq(alternating(k), 0), Eq(alternating(m), 0), {m: k}),
    ([n, x, f(n)], Eq(f(x), 0), Eq(f(n), 0), {n: x}),
    ([n, x, f(n)], Eq(f(x), f(x + 1)), Eq(f(n), f(n + 1)), {n: x}),
    ([p, x, f(p)], Eq(f(x), x), Eq(f(p), Abs(p)), {p: x}),
    ([x, z, f(x)], Eq(f(z), 0), Eq(f(x), 0), {x: z}),
    ([x, x > 0, f(x)], Eq(f(x - 1), 0), Eq(f(x), 0), {x: x - 1}),
]


@pytest.mark.parametrize(("given", "conclusion", "since", "values"), UNFIT)
def test_what_is_not_shown_to_fit_is_not_put_in(
    given: Given, conclusion: Eq, since: Eq, values: dict[object, object]
) -> None:
    step = Follows(conclusion, since=[since], by=Substitution(values))
    assert statuses(given, step) == ["undecided"]


@pytest.mark.long
def test_a_whole_number_that_fits_is_put_into_a_sum() -> None:
    odd = alternating(2 * m + 1)
    cited = Follows(Eq(odd, 0), since=[1], by=Substitution({m: 2 * m + 1}))
    assert statuses([m], Equal(alternating(m), 0), cited) == ["proved"] * 2


@pytest.mark.long
def test_what_is_positive_is_put_into_a_function_of_what_is() -> None:
    step = at(exp(x), 0, Eq(f(p), 0), by=Substitution({p: exp(x)}))
    assert statuses([p, x, f(p)], step) == ["proved"]


def test_what_fits_is_put_in() -> None:
    more = Follows(Eq(Abs(x + 1), x + 1), since=[Eq(Abs(x), x)], by=Substitution({x: x + 1}))
    assert statuses([x, x > 0], more) == ["proved"]


def test_a_step_that_is_cited_holds_where_it_was_shown() -> None:
    positive = Equal(Abs(x), x, assuming=[x > 0])
    turned = Follows(Eq(x, 0), since=[1], by=Substitution({x: -(x**2)}))
    assert statuses([x], positive, turned)[1] == "undecided"
    special = Equal(y, 9, by=Substitution({x: 3}))
    wide = Follows(Eq(2 * y, 18), since=[1])
    assert statuses([x, Let(y, x**2)], special, wide) == ["proved", "refuted"]
    first = at(x, x, Eq(f(x), Abs(x)), assuming=[x > 0])
    second = Follows(Eq(f(x) + 1, x + 1), since=[1])
    third = Follows(Eq(f(-1), -1), since=[2])
    assert statuses([x, f(x)], first, second, third)[1:] == ["proved", "undecided"]


def test_a_definition_is_what_its_name_is_said_to_be() -> None:
    assert statuses([x, Let(n, x / 2)], Equal(sin(pi * n), 0)) == ["undecided"]
    same = Equal(sqrt(p**2), x)
    assert statuses([x, Let(p, x)], same, Equal(sp.sign(p), 1)) == ["undecided"] * 2
    granted = Equal(sqrt(p**2), x, assuming=[x > 0])
    assert statuses([x, Let(p, x)], granted) == ["proved"]
    assert statuses([x, Let(p, exp(x))], Equal(sqrt(p**2), exp(x))) == ["proved"]
    assert statuses([p, Let(g(p), Abs(p))], Equal(g(-1), -1), Equal(g(2), 2)) == [
        "undecided",
        "proved",
    ]


def test_a_real_definition_tells_where_it_is_real() -> None:
    (verdict,) = (
        Derivation("page", given=[x, Let(y, log(x))], steps=[Equal(sp.im(y), 0)]).check().verdicts
    )
    assert (str(verdict.status), verdict.conditions) == ("proved", (x > 0,))
    assert statuses([x, Let(y, 1 / x)], Equal(sp.conjugate(y), 1 / x)) == ["proved"]


REFUSED: list[tuple[Given, Step, str]] = [
    ([x, Let(p, -(x**2) - 1)], Equal(Abs(p), p), "given 2: .* contradicts that p is positive"),
    ([x, Let(X(x), -exp(x))], Equal(X(x), X(x)), r"given 2: .* contradicts that X\(x\) is positi"),
    ([Let(n, HALF)], Equal(n, n), "given 1: n = 1/2 contradicts that n is integer"),
    ([p, x], Equal(p, p, by=Substitution({p: -(x**2)})), "step 1: p = .*that p is positive"),
    ([x, x < 2], Equal(x, x, by=Substitution({x: 5})), "step 1: x = 5 contradicts that x < 2"),
    ([x], Equal(x, x, by=Substitution({x**2: -1})), r"that x\*\*2 is nonnegative"),
    ([p], TendsTo(Abs(p) / p, 1, variable=p, to=-1), "that p is positive"),
    ([p], TendsTo(sqrt(p**2), -1, variable=p, to=-1), "that p is positive"),
    ([p], TendsTo(Abs(p) / p, 1, variable=p, to=0, side="-"), "side - contradicts"),
    ([p], TendsTo(Abs(p) / p, 1, variable=p, to=-oo), "that p is positive"),
    ([n], TendsTo(sin(pi * n) / n, 0, variable=n, to=0), "that n is integer"),
    ([x, x > 1, x < 2], TendsTo(x, 5, variable=x, to=5), "that x < 2"),
    ([p], Expands(Abs(p), p, variable=p, about=-1, order=2), "that p is positive"),
    ([p], Stationary((p + 1) ** 2, at={p: -1}), "that p is positive"),
    ([x, x > 1], Stationary(x**2, at={x: 0}), "that x > 1"),
    ([n], Stationary((n - HALF) ** 2, at={n: HALF}), "no slope in n"),
    ([n, f(n)], Equal(Derivative(f(n), n), 0), "no slope in n, since n is integer"),
    ([m], Equal(sp.Sum(Abs(m), (m, -1, 1)), 0), "that m is positive"),
    ([p], Equal(sp.Limit(Abs(p) / p, p, -1), 1), "that p is positive"),
    ([x, x > 0], Equal(sp.Subs(Abs(x), x, -1), -1), "that x is positive"),
]


@pytest.mark.parametrize(("given", "step", "message"), REFUSED)
def test_what_contradicts_an_assumption_is_refused(given: Given, step: Step, message: str) -> None:
    with pytest.raises(DerivationError, match=message):
        Derivation("page", given=given, steps=[step])


def test_limits_and_points_within_a_range_stay() -> None:
    inside = [
        TendsTo(Abs(p) / p, 1, variable=p, to=0, side="+"),
        TendsTo(p**2, q**2, variable=p, to=q),
        TendsTo(1 / p, 0, variable=p, to=oo),
        TendsTo(1 / m, 0, variable=m, to=oo),
        Expands(log(1 + p), p, variable=p, about=0, order=2),
        Stationary((p - q) ** 2, at={p: q}),
        Equal(sp.Sum(m, (m, 1, 3)), 6),
    ]
    assert statuses([p, q, m], *inside) == ["proved"] * 7
    assert statuses([p, a], TendsTo(Abs(p), a, variable=p, to=a)) == ["undecided"]
