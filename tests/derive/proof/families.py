"""Falsehoods that are false by the order of a remainder, by a direction, by a pole or by an end.

Why each is false is read off the way in which it was made, and by nothing that the checker does.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

import sympy as sp
from sympy import I, Rational, oo, pi, sqrt
from sympy.logic.boolalg import Boolean

from causalopt.derive import Equal, Expands, OverTheLine, TendsTo
from causalopt.derive.statement.steps import Step

x, a = sp.symbols("x a", real=True)
p = sp.Symbol("p", positive=True)
z, w = sp.symbols("z w")
GIVEN = (x, a, p, z, w)
Draw = random.Random


class Claim(NamedTuple):
    """A step, and values of its symbols at which it is false; none where it is true."""

    step: Step
    false_at: dict[sp.Symbol, sp.Expr] | None

    def is_excluded_by(self, conditions: tuple[Boolean, ...]) -> bool:
        """Whether conditions make nothing be claimed of the values at which it is false."""
        return any(condition.subs(self.false_at or {}) == sp.false for condition in conditions)


def nonzero(draw: Draw) -> sp.Expr:
    return Rational(draw.choice((-1, 1)) * draw.randint(1, 9), draw.randint(1, 4))


def analytic(draw: Draw, u: sp.Expr) -> tuple[sp.Expr, list[sp.Expr]]:
    """A function that is analytic where u = 0, and its coefficients there."""
    k = nonzero(draw)
    return draw.choice(
        [
            (sp.exp(k * u), [1, k, k**2 / 2, k**3 / 6]),
            (1 / (1 - k * u), [1, k, k**2, k**3]),
            (sp.log(1 + k * u), [0, k, -(k**2) / 2, k**3 / 3]),
            (sqrt(1 + k * u), [1, k / 2, -(k**2) / 8, k**3 / 16]),
            (sp.sin(k * u), [0, k, 0, -(k**3) / 6]),
            (sp.asin(k * u), [0, k, 0, k**3 / 6]),
            (sp.atan(k * u), [0, k, 0, -(k**3) / 3]),
        ]
    )


def rough(draw: Draw, u: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """What is u^q on one side of u = 0 at the least, up to a factor that is not zero, and q."""
    q = Rational(draw.randint(1, 11), draw.choice((2, 3, 4, 5)))
    q = q + Rational(1, 7) if q.is_Integer else q
    return draw.choice(
        [
            (u**q, q),
            (sp.Abs(u) ** q, q),
            (sp.Max(u, 0) ** q, q),
            ((1 - sp.cos(u)) ** (q / 2), q),
            (sp.sin(u) ** q, q),
            ((sp.exp(u) - 1) ** q, q),
            (sp.exp(u**q) - 1, q),
            (sp.erf(u**q), q),
            (sp.log(1 + u**q), q),
            (u * sp.log(u), Rational(9, 10)),
            (u**2 * sp.log(u), Rational(19, 10)),
            (u**u - 1, Rational(9, 10)),
            (1 / sp.log(u), Rational(1, 10)),
            (sp.acos(1 - u), Rational(1, 2)),
            (sp.acosh(1 + u), Rational(1, 2)),
            (sp.LambertW(u - sp.exp(-1)) + 1, Rational(1, 2)),
            (sp.asin(1 - u**2) - pi / 2, sp.Integer(1)),
            (sp.besselj(0, sqrt(u)) - 1, sp.Integer(1)),
            (u ** sqrt(2), sqrt(2)),
        ]
    )


def remainder_too_large(draw: Draw) -> Claim:
    """A true series with u^q added to the function, claimed to an order above q."""
    at = Rational(draw.randint(-3, 3), draw.randint(1, 2))
    u = x - at
    whole, known = analytic(draw, u)
    extra, q = rough(draw, u)
    lowest = int(sp.floor(q)) + 1
    order = draw.randint(lowest, max(lowest, 4))
    series = sum(c * u**k for k, c in enumerate(known[:order]))
    if draw.random() < 0.4:
        whole, series = sp.S.Zero, sp.S.Zero
    return Claim(
        Expands(whole + nonzero(draw) * extra, series, variable=x, about=at, order=order), {}
    )


def symbolic_power(draw: Draw) -> Claim:
    """u^p with p > 0 is not O(u^n) for p below n."""
    order, c = draw.randint(1, 3), nonzero(draw)
    whole, series = draw.choice(
        [
            (x**p, 0),
            (c * x**p + x, x if order > 1 else 0),
            (sp.exp(x**p), 1),
            ((1 - sp.cos(x)) ** p, 0),
            (sp.sin(x) ** p, 0),
            (sp.Abs(x) ** p, 0),
            (sp.log(1 + x**p), 0),
        ]
    )
    step = Expands(whole, series, variable=x, about=0, order=order)
    return Claim(step, {p: Rational(1, 3)})


#: (function, where, its value as the point is reached along the real line), with another elsewhere
OFF_LINE = (
    (sqrt(z), -1, I),
    (sqrt(z), -4, 2 * I),
    (sp.log(z), -1, I * pi),
    (sp.arg(z), -2, pi),
    (z ** Rational(1, 3), -1, sp.Integer(-1) ** Rational(1, 3)),
    (sp.conjugate(z) / z, 0, 1),
    (sp.re(z) / z, 0, 1),
    (sp.im(z) / z, 0, 0),
    (sp.exp(-1 / z**2), 0, 0),
    (sp.exp(-1 / z**4), 0, 0),
    (z / sp.conjugate(z), 0, 1),
    (sqrt(z**2) / z * z, I, I),
    (sp.acos(z), 2, sp.acos(2)),
    (sp.asin(z), 3, sp.asin(3)),
    (sp.atanh(z), 2, sp.atanh(2)),
    (sp.acosh(z), -2, sp.acosh(-2)),
    (sp.atan(z), 2 * I, sp.atan(2 * I)),
    (sp.LambertW(z), -2, sp.LambertW(-2)),
    (sp.Abs(z) ** 2 / z**2, 0, 1),
    (z * sp.exp(-1 / z**2), 0, 0),
    (sp.erf(1 / z**2), 0, 1),
    (sp.tanh(1 / z**2), 0, 1),
    (sp.cos(sp.arg(z)) ** 2, 0, 1),
)


def limit_off_the_line(draw: Draw) -> Claim:
    """A limit that the real line has, and the plane has not."""
    whole, at, value = draw.choice(OFF_LINE)
    k, c = nonzero(draw), draw.choice((0, nonzero(draw)))
    good, known = analytic(draw, z - at)
    if draw.random() < 0.5:
        whole, value = whole + good, value + known[0]
    return Claim(TendsTo(k * whole + c, k * value + c, variable=z, to=at), {})


def series_off_the_line(draw: Draw) -> Claim:
    """A series that the real line has, and the plane has not."""
    order, at = draw.randint(3, 4), draw.choice((0, 1, Rational(-3, 2)))
    u = z - at
    good, known = analytic(draw, u)
    bad, likeness = draw.choice(
        [
            (sp.conjugate(u), u),
            (sp.re(u), u),
            (sp.im(u), sp.S.Zero),
            (u * sp.conjugate(u), u**2),
            (sp.Abs(1 + u), 1 + u),
            (sp.sign(2 + u), sp.S.One),
            (sp.arg(1 + u), sp.S.Zero),
            (sqrt((1 + sp.conjugate(u)) ** 2), 1 + u),
            (sp.exp(sp.conjugate(u)), sum(u**k / sp.factorial(k) for k in range(order))),
        ]
    )
    c = nonzero(draw)
    series = sum(k * u**n for n, k in enumerate(known[:order])) + c * likeness
    return Claim(Expands(good + c * bad, series, variable=z, about=at, order=order), {})


def parameter_on_a_cut(draw: Draw) -> Claim:
    """True for a complex parameter off the negative line, and false on it."""
    c = abs(nonzero(draw))
    r = draw.choice((Rational(1, 2), Rational(1, 3), Rational(-1, 2)))
    power, value = (w + I * c * x) ** r, w**r
    series = value + I * c * r * x * w ** (r - 1)
    claims = [
        Expands(power, series, variable=x, about=0, order=2),
        Expands(power, value, variable=x, about=0, order=1),
        Expands(sp.log(w + I * c * x), sp.log(w) + I * c * x / w, variable=x, about=0, order=2),
        Expands(sp.log(w * (1 + I * c * x)), sp.log(w) + I * c * x, variable=x, about=0, order=2),
        TendsTo(power, value, variable=x, to=0),
        TendsTo(sp.log(w + I * c * x), sp.log(w), variable=x, to=0),
        TendsTo(sp.arg(w + I * c * x), sp.arg(w), variable=x, to=0),
    ]
    return Claim(draw.choice(claims), {w: sp.S.NegativeOne})


def decaying(draw: Draw) -> sp.Expr:
    k = abs(nonzero(draw))
    return draw.choice(
        [sp.exp(-k * x**2), 1 / (k + x**2), sp.S.One / sp.cosh(x), x * sp.exp(-k * x**2)]
    )


def false_integral(draw: Draw) -> Claim:
    """A primitive with a pole or a jump inside, or with ends of which one is not zero."""
    at, c, k = nonzero(draw), nonzero(draw), abs(nonzero(draw))
    u, good = x - at, decaying(draw)
    primitive = draw.choice(
        [
            c / u,
            c / u**2,
            c / (x**2 - k),
            good / u,
            good / (u * (x**2 + 1)),
            c / (sp.exp(u) - 1) * sp.exp(-(x**2)),
            sp.tan(u) / (1 + x**2),
            sp.log(u**2) * sp.exp(-(x**2)),
            sp.atan(c / u) * sp.exp(-(x**2)),
            good + c * sp.atan(x),
            good + c * sp.tanh(k * x),
            good + c * sp.erf(u),
            good + sp.exp(c * x),
            good + c * x,
            c * sp.exp(x) / (1 + sp.exp(x)),
            c * x / sqrt(1 + x**2),
            c / (1 + sp.exp(-k * x)) + good,
            sp.sin(k * x) * c,
        ]
    )
    integral = sp.Integral(sp.diff(primitive, x), (x, -oo, oo))
    return Claim(Equal(integral, 0, by=OverTheLine(x, primitive)), {})


FALSE = (
    remainder_too_large,
    remainder_too_large,
    symbolic_power,
    limit_off_the_line,
    series_off_the_line,
    parameter_on_a_cut,
    false_integral,
)


def true_series(draw: Draw) -> Claim:
    variable, at = draw.choice((x, z)), Rational(draw.randint(-3, 3), draw.randint(1, 2))
    u, order = variable - at, draw.randint(1, 4)
    whole, known = analytic(draw, u)
    series = sum(c * u**k for k, c in enumerate(known[:order]))
    if variable == x and draw.random() < 0.5:
        whole += nonzero(draw) * sp.Abs(u) ** (order + Rational(draw.randint(0, 3), 2))
    return Claim(Expands(whole, series, variable=variable, about=at, order=order), None)


def true_limit(draw: Draw) -> Claim:
    variable, at = draw.choice((x, z)), Rational(draw.randint(-3, 3), draw.randint(1, 2))
    u = variable - at
    whole, known = analytic(draw, u)
    whole, value = draw.choice([(whole, known[0]), ((whole - known[0]) / u, known[1])])
    return Claim(TendsTo(whole, value, variable=variable, to=at), None)


def true_integral(draw: Draw) -> Claim:
    primitive = decaying(draw) + nonzero(draw) * decaying(draw)
    integral = sp.Integral(sp.diff(primitive, x), (x, -oo, oo))
    return Claim(Equal(integral, 0, by=OverTheLine(x, primitive)), None)


TRUE = (true_series, true_series, true_limit, true_integral)


def claims(count: int, seed: int, families: Sequence[Callable[[Draw], Claim]]) -> list[Claim]:
    """So many claims, the same for the same seed."""
    draw = random.Random(seed)
    return [families[k % len(families)](draw) for k in range(count)]
