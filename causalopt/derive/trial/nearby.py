"""Whether numbers ever nearer to a point go to a value: what a limit is looked at with."""

from __future__ import annotations

import sympy as sp

#: What no finite value is.
INFINITE = (sp.nan, sp.zoo, sp.oo, -sp.oo)


def approaches(
    whole: sp.Expr, variable: sp.Symbol, to: sp.Expr, side: str, target: sp.Expr
) -> bool:
    """Whether numbers of ``whole`` ever nearer to a point come ever nearer to ``target``.

    >>> x = sp.Symbol("x")
    >>> approaches(sp.sin(x) / x, x, sp.S.Zero, "+-", sp.S.One)
    True
    """
    signs = {"+": (1,), "-": (-1,), "+-": (1, -1)}[side]
    return all(_approaches_from(whole, variable, to, sign, target) for sign in signs)


def _approaches_from(
    whole: sp.Expr, variable: sp.Symbol, to: sp.Expr, sign: int, target: sp.Expr
) -> bool:
    gaps = []
    for power in (2, 4, 8):
        small = sp.Rational(1, 10**power)
        near = {sp.oo: 1 / small, -sp.oo: -1 / small}.get(to, to + sign * small)
        # a float, since an exact one would have factorials of 10^8 written out
        number = whole.subs(variable, sp.Float(near, 120)).evalf(40, maxn=400)
        gap = abs(number - target).evalf(20)
        if not gap.is_number or gap in INFINITE or not gap.is_comparable:
            return False
        gaps.append(gap)
    size = max(1, abs(target).evalf(20))
    # near at 10^-8, and nearer than at 10^-2: a gap that is small but stays is another limit,
    # unless it is as small as rounding leaves it
    return bool(gaps[2] < size / 100 and (gaps[2] <= gaps[0] * 9 / 10 or gaps[2] < size / 10**12))
