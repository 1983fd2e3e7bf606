"""Whether numbers ever nearer to a point go to a value: what a limit is looked at with."""

from __future__ import annotations

import enum

import sympy as sp

#: What no finite value is.
INFINITE = (sp.nan, sp.zoo, sp.oo, -sp.oo)
#: Powers of ten of the distances at which it is looked, with the digits that are kept.
DISTANCES = (((2, 4, 8), 120), ((8, 16, 32), 300), ((100, 200, 400), 1300))


class Nearby(enum.Enum):
    """What numbers near a point say of a limit there."""

    AGREE = enum.auto()
    DISAGREE = enum.auto()
    NOTHING = enum.auto()


def approaches(
    whole: sp.Expr, variable: sp.Symbol, to: sp.Expr, side: str, target: sp.Expr
) -> bool:
    """Whether numbers of ``whole`` ever nearer to a point come ever nearer to ``target``.

    >>> x = sp.Symbol("x")
    >>> approaches(sp.sin(x) / x, x, sp.S.Zero, "+-", sp.S.One)
    True
    """
    signs = {"+": (1,), "-": (-1,), "+-": (1, -1)}[side]
    return all(nearby_from(whole, variable, to, sign, target) is Nearby.AGREE for sign in signs)


def nearby_from(
    whole: sp.Expr,
    variable: sp.Symbol,
    to: sp.Expr,
    sign: sp.Expr | None,
    target: sp.Expr,
    looks: int = len(DISTANCES),
) -> Nearby:
    """What numbers on one side of a point say of the limit ``target``, which may be infinite.

    ``sign`` is 1, -1 or another number of size 1, or None for numbers along a spiral; ``looks`` is
    how often it is looked nearer where they do not agree.
    """
    outcome = Nearby.NOTHING
    # what goes there slowly, as x^(1/50), shows it only much nearer to the point
    for powers, digits in DISTANCES[:looks]:
        gaps = [
            _gap(number_near(whole, variable, to, sign, power, digits), target) for power in powers
        ]
        if None in gaps:
            break
        outcome = Nearby.AGREE if _shrink(gaps, target) else Nearby.DISAGREE
        if outcome is Nearby.AGREE:
            break
    return outcome


def number_near(
    whole: sp.Expr,
    variable: sp.Symbol,
    to: sp.Expr,
    sign: sp.Expr | None,
    power: int,
    digits: int,
) -> sp.Expr:
    """The number of an expression at a distance of 10^-power from a point, on one way to it."""
    small = sp.Rational(1, 10**power)
    turn = sp.exp(sp.I * power) if sign is None else sign  # each time in another direction
    near = {sp.oo: turn / small, -sp.oo: -turn / small}.get(to, to + turn * small)
    # a float, since an exact one would have factorials of 10^8 written out
    return whole.subs(variable, near.evalf(digits)).evalf(40, maxn=max(400, digits))


def _gap(number: sp.Expr, target: sp.Expr) -> sp.Expr | None:
    """How far a number is from the target: from an infinite one, 1 over it."""
    if not number.is_number or number is sp.nan:
        return None
    if target in (sp.oo, -sp.oo):
        if number in (sp.zoo, 0) or not number.is_extended_real:
            return None if number is sp.zoo else sp.S.One
        return 1 / abs(number) if (number > 0) == (target > 0) else sp.S.One
    gap = abs(number - target).evalf(20)
    if not gap.is_number or gap in INFINITE or not gap.is_comparable:
        return None
    return gap


def _shrink(gaps: list[sp.Expr], target: sp.Expr) -> bool:
    size = 1 if target in (sp.oo, -sp.oo) else max(1, abs(target).evalf(20))
    # near in the end, and nearer than at first: a gap that is small but stays is another limit,
    # unless it is as small as rounding leaves it
    nearer = gaps[2] <= gaps[0] * 9 / 10 or gaps[2] < size / 10**12
    return bool(gaps[2] < size / 100 and nearer)
