"""Whether numbers ever nearer to a point confirm the order of a remainder."""

from __future__ import annotations

import sympy as sp

from causalopt.derive.trial.nearby import Nearby, number_near

POWERS = (2, 5, 10, 20, 40)  # of ten: the distances at which it is looked
NOISE = sp.Rational(1, 10**12)


def remainder_beside(
    gap: sp.Expr, variable: sp.Symbol, about: sp.Expr, direction: sp.Expr, order: int
) -> Nearby:
    """Whether gap = O(|variable - about|^order), by numbers on one way to the point.

    What is no larger than that comes to a bound, and what is larger grows beyond any: by
    a logarithm at the least, so that it still grows between the last two distances.

    >>> x = sp.Symbol("x", real=True)
    >>> [str(remainder_beside(sp.sqrt(x), x, sp.S.Zero, sp.S.One, n).name) for n in (0, 1)]
    ['AGREE', 'DISAGREE']
    """
    ratios = []
    for power in POWERS:
        digits = 60 + (order + 1) * power
        number = number_near(gap, variable, about, direction, power, digits)
        if not number.is_number or number.has(sp.nan, sp.zoo, sp.oo, -sp.oo):
            return Nearby.NOTHING
        ratios.append((abs(number) * 10 ** (order * power)).evalf(20))
    if not all(ratio.is_Float or ratio.is_Rational for ratio in ratios):
        return Nearby.NOTHING
    *_, before, last = ratios
    grows = last > NOISE and last > before * (1 + NOISE)
    return Nearby.DISAGREE if grows else Nearby.AGREE
