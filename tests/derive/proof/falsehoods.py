"""False statements without number, each made of a true one by a slip, with a case against it."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import sympy as sp
from sympy import Abs, Eq, Max, Ne, Piecewise, Rational, exp, floor, oo, sign, sin
from sympy.logic.boolalg import Boolean

from causalopt.derive import Equal, Expands, Follows, Stationary, TendsTo
from causalopt.derive.statement.steps import Step

x, y, a, b = sp.symbols("x y a b", real=True)
GIVEN = (x, y, a, b)
Draw = random.Random


@dataclasses.dataclass(frozen=True)
class Falsehood:
    """A step that is false wherever its symbols have the values of the witness."""

    step: Step
    witness: dict[sp.Symbol, sp.Expr]

    def is_excluded_by(self, conditions: tuple[Boolean, ...]) -> bool:
        """Whether conditions make nothing be claimed of the witness."""
        return any(condition.subs(self.witness) == sp.false for condition in conditions)


Family: TypeAlias = Callable[[Draw], Falsehood]


def number(draw: Draw) -> sp.Expr:
    return Rational(draw.randint(-12, 12), draw.randint(1, 4))


def nonzero(draw: Draw) -> sp.Expr:
    return Rational(draw.choice((-1, 1)) * draw.randint(1, 9), draw.randint(1, 4))


def smooth(draw: Draw, u: sp.Expr) -> tuple[sp.Expr, list[sp.Expr]]:
    """A function of u and its coefficients about u = 0, from the tables of any book."""
    k = nonzero(draw)
    fact = sp.factorial
    return draw.choice(
        [
            (exp(k * u), [k**n / fact(n) for n in range(6)]),
            (1 / (1 - k * u), [k**n for n in range(6)]),
            (sp.log(1 + k * u), [0, *(-((-k) ** n) / n for n in range(1, 6))]),
            (sin(k * u), [0, k, 0, -(k**3) / 6, 0, k**5 / 120]),
            (sp.cos(k * u), [1, 0, -(k**2) / 2, 0, k**4 / 24, 0]),
            (2 + k * u - u**3, [2, k, 0, -1, 0, 0]),
        ]
    )


def bump(draw: Draw, u: sp.Expr, power: int) -> sp.Expr:
    """What is zero at u = 0, and of this power of u on one side of it at least."""
    c, flat = nonzero(draw), u ** (power - 1) if power > 1 else sp.S.One
    return c * draw.choice(
        [
            flat * Abs(u),
            flat * Max(u, 0),
            Piecewise((u**power, u > 0), (0, True)),
            Piecewise((u**power, u < 0), (-(u**power) / 2, True)),
        ]
    )


def false_series(draw: Draw) -> Falsehood:
    p, order = number(draw), draw.randint(1, 4)
    u = x - p
    whole, known = smooth(draw, u)
    power = draw.randrange(order)
    terms = [c * u**n for n, c in enumerate(known[:order])]
    slip = draw.choice(["seam", "coefficient", "value", "branch"])
    if slip == "seam" and power:
        whole += bump(draw, u, power)
    elif slip == "value":
        whole = Piecewise((whole, Ne(x, p)), (known[0] + nonzero(draw), True))
    elif slip == "branch":
        other = whole + nonzero(draw) * u**power
        whole = Piecewise((whole, draw.choice((u > 0, u < 0))), (other, True))
    else:
        terms[power] += nonzero(draw) * u**power
    return Falsehood(Expands(whole, sp.Add(*terms), variable=x, about=p, order=order), {})


def false_series_with_sign(draw: Draw) -> Falsehood:
    c, k = nonzero(draw), draw.randint(1, 3)
    whole, series, witness = draw.choice(
        [
            (Abs(a + c * x), Abs(a) + c * x * sign(a), 0),
            (Abs(a + c * x), a + c * x, -k),
            (Max(a, c * x), a, -k),
            (Max(a, c * x), Max(a, 0), 0),
            (Piecewise((exp(x), a > k), (1, True)), 1 + x, k),
            (Piecewise((exp(x), Ne(a, k)), (1 + 2 * x, True)), 1 + x, k),
        ]
    )
    return Falsehood(Expands(whole, series, variable=x, about=0, order=2), {a: sp.S(witness)})


def false_limit(draw: Draw) -> Falsehood:
    """Numbers only: a seam, a side or a value that is another."""
    p, c = number(draw), nonzero(draw)
    u, whole_number = x - p, sp.Integer(draw.randint(-5, 5))
    good, known = smooth(draw, u)
    side = draw.choice(["+", "-", "+-"])
    seam = Piecewise((good, u < 0), (good + c, True))
    claims = [
        (good, known[0] + c, p, side),
        (seam, known[0], p, draw.choice(["+", "+-"])),
        (seam, known[0] + c, p, draw.choice(["-", "+-"])),
        (good + c * sign(u), known[0] + c, p, draw.choice(["-", "+-"])),
        (Abs(c * u) / u, abs(c), p, draw.choice(["-", "+-"])),
        (floor(x), whole_number, whole_number, draw.choice(["-", "+-"])),
        (sp.ceiling(x) + good, whole_number + good.subs(x, whole_number), whole_number, "+"),
        (Piecewise((good, Eq(x, p)), (good + c, True)), known[0], p, side),
        ((good - known[0]) / u, known[1] + c, p, side),
        (sin(c / u), 0, p, side),
        (c / u, oo * sp.sign(c), p, draw.choice(["-", "+-"])),
        ((c * x + 1) / (x - 3), c + 1, oo, "+"),
        (exp(-abs(c) * x) + c, 0, oo, "+"),
        (x * exp(-x), 0, -oo, "-"),
    ]
    whole, value, to, side = draw.choice(claims)
    if whole.has(sp.ceiling) and value.has(sp.zoo, sp.nan, sp.I):
        whole, value = sp.ceiling(x), whole_number
    return Falsehood(TendsTo(whole, value, variable=x, to=to, side=side), {})


def false_limit_at_a_value(draw: Draw) -> Falsehood:
    """True but for one value of a parameter, or for one sign of it: the condition was dropped."""
    c, k = nonzero(draw), draw.randint(1, 4)
    e = a - draw.randint(0, 3)
    special = -(e - a)
    whole, value, to, witness = draw.choice(
        [
            (e * x / (e * x + c), 1, oo, special),
            (x / (x + e * exp(x)), 0, oo, special),
            (x**k / (x**k + e), 0, 0, special),
            (Piecewise((0, Ne(e, 0)), (x, True)), a, a, special + 1),
            (Piecewise((x, e > 0), (1, True)), 1, 0, special + k),
            (Piecewise((c, e > 0), (c + 1, True)), c, 0, special),
            (floor(x), floor(a), a, sp.Integer(k)),
            (exp(e * x), 0, oo, special),
            (exp(e * x), oo, oo, special - 1),
            (Abs(e + x) / (e + x), 1, 0, special - k),
            (sin(e * x) / (e * x + x**2), 1, 0, special),
            (Max(e, c * x), 0, 0, special + k),
            (sign(e + x), sign(e), 0, special),
            ((x + e) / (b * x + 1), 1 / b, oo, special),
        ]
    )
    if whole.has(b):
        whole, value = (e * x + 1) / (x + 2), e + c
    witnessed = {a: sp.S(witness)}
    return Falsehood(TendsTo(whole, value, variable=x, to=to), witnessed)


def false_equation(draw: Draw) -> Falsehood:
    p, c, k = number(draw), nonzero(draw), draw.randint(1, 4)
    u = x - p
    only = Piecewise((c, Eq(x, p)), (0, True))
    left, right, where = draw.choice(
        [
            (only, sp.S.Zero, p),
            (u**k, u**k + only, p),
            (sp.Derivative(u * Abs(u), x), 2 * Abs(u) + only, p),
            (sp.Derivative(u**2 * sign(u), x), 2 * u * sign(u) + only, p),
            (sp.Derivative(Piecewise((u**2, u > 0), (0, True)), x), 2 * Abs(u), p - 1),
            (sp.Derivative(Abs(u), x), sp.S.One, p - 1),
            (sp.sqrt(u**2), u, p - k),
            (Max(u, 0) ** 2, u**2, p - k),
            (sign(u) ** 2, sp.S.One, p),
            (sin(u) ** 2 + sp.cos(u) ** 2, 1 + only, p),
            (Abs(u + y), Abs(u) + Abs(y), p + 1),
            (floor(x + Rational(1, 2)), floor(x), Rational(2, 3)),
            (sp.Limit(floor(y), y, x, "-"), floor(x), sp.Integer(k)),
            (sp.Limit(x * y / (x * y + abs(c)), y, oo), sp.S.One, sp.S.Zero),
        ]
    )
    return Falsehood(Equal(left, right), {x: sp.S(where), y: -sp.S.One})


def false_point(draw: Draw) -> Falsehood:
    p, c = number(draw), nonzero(draw)
    u = x - p
    smooth_part = draw.choice([u**2, u**3 - u**2, sp.cos(u)])
    objective = draw.choice(
        [smooth_part + bump(draw, u, 1), smooth_part + c * u, smooth_part + c * u + Abs(u) * u]
    )
    return Falsehood(Stationary(objective, at={x: p}), {})


def false_conclusion(draw: Draw) -> Falsehood:
    k, c = 2 * draw.randint(1, 2), nonzero(draw)
    conclusion, since, witness = draw.choice(
        [
            (Eq(x, y), Eq(x**k, y**k), {x: 1, y: -1}),
            (Eq(x, y), Eq((a - k) * x, (a - k) * y), {x: 1, y: 2, a: k}),
            (Eq(x, y), Eq(x * c * (a - b), y * c * (a - b)), {x: 1, y: 2, a: 1, b: 1}),
            (Eq(x, y), Eq(Abs(x), Abs(y)), {x: 1, y: -1}),
            (Eq(x, y), Eq(x**3 - k**2 * x, y**3 - k**2 * y), {x: k, y: -k}),
            (Eq(x, y + c), Eq(x, y), {x: 1, y: 1}),
            (Eq(Abs(x), y), Eq(x, y), {x: -1, y: -1}),
            (Eq(x, sp.sqrt(y)), Eq(x**2, y), {x: -1, y: 1}),
        ]
    )
    numbers = {symbol: sp.S(value) for symbol, value in witness.items()}
    return Falsehood(Follows(conclusion, since=[since]), numbers)


FAMILIES: tuple[Family, ...] = (
    false_series,
    false_series,
    false_series_with_sign,
    false_limit,
    false_limit,
    false_limit_at_a_value,
    false_limit_at_a_value,
    false_equation,
    false_point,
    false_conclusion,
)


#: The same with most of what is told in a few milliseconds.
QUICK = (
    *(false_series, false_limit, false_point) * 4,
    *(false_limit_at_a_value, false_series_with_sign, false_equation, false_conclusion),
)


def falsehoods(count: int, seed: int, families: Sequence[Family] = FAMILIES) -> Iterator[Falsehood]:
    """So many false statements, the same for the same seed."""
    draw = random.Random(seed)
    for k in range(count):
        yield families[k % len(families)](draw)
