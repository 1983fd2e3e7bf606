"""Whether a formula is continuous on the whole line, or along a range, with no pole and no jump."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import Boolean

from causalopt.derive.proof.conditions import is_granted, nonzero_conditions
from causalopt.derive.statement.fitting import SIGNS
from causalopt.derive.trial.expansion import ENTIRE, ON_REAL

EVERYWHERE = (sp.Add, sp.Mul, *ENTIRE)
ON_LINE = (sp.Abs, sp.Max, sp.Min, *ON_REAL)


class Discontinuous(Exception):
    """Raised with a part of a formula that is not known to be continuous."""

    def __init__(self, part: sp.Expr) -> None:
        super().__init__(str(part))
        self.part = part


@dataclasses.dataclass(frozen=True)
class Along:
    """A ``variable`` that runs from ``low`` to ``high``, its ends included unless it is open.

    ``known`` is what is assumed of what else there is.
    """

    variable: sp.Symbol
    low: sp.Expr
    high: sp.Expr
    known: tuple[Boolean, ...]
    is_open: bool = False

    @classmethod
    def of(cls, low: sp.Expr, high: sp.Expr, known: Sequence[Boolean]) -> Along:
        """A range with its ends, and a variable of the sign that both of them have."""
        if not (low.is_extended_real and high.is_extended_real):
            return cls(sp.Dummy("x"), low, high, tuple(known))
        for sign in ("positive", "negative", "nonnegative", "nonpositive"):
            if all(is_granted(SIGNS[sign](end, 0), known) for end in (low, high)):
                return cls(sp.Dummy("x", **{sign: True}), low, high, tuple(known))
        return cls(sp.Dummy("x", real=True), low, high, tuple(known))

    def inside(self) -> Along:
        """The range without its ends."""
        x = self.variable
        signs = {"positive": x.is_nonnegative, "negative": x.is_nonpositive}
        known = {sign: True for sign, holds in signs.items() if holds}
        inner = sp.Dummy("x", **(known or {"real": x.is_real}))
        return dataclasses.replace(self, variable=inner, is_open=True)

    def value_of(self, whole: sp.Expr, end: sp.Expr) -> sp.Expr | None:
        """What a continuous formula has, or tends to, at an end; None where that is not finite."""
        if self.is_open or end.is_infinite:
            value = sp.limit(whole, self.variable, end, "+" if end is self.low else "-")
        else:
            value = whole.subs(self.variable, end)
        is_strange = value.has(sp.nan, sp.zoo, sp.oo, -sp.oo, sp.Limit, sp.AccumBounds)
        return None if is_strange or value.has(self.variable) else value

    def off_zero(self, base: sp.Expr, positive: bool) -> list[Boolean] | None:
        """What keeps a line along it above 0, or off 0; None for what is no line between numbers.

        At open ends it may be 0, though not at both.
        """
        x = self.variable
        if not base.is_polynomial(x) or sp.degree(base, x) != 1:
            return None
        first, last = (base.subs(x, end) for end in (self.low, self.high))
        if not (first.is_real and last.is_real):
            return None
        if self.is_open:
            up = [first >= 0, last >= 0, first + last > 0]
            return up if positive or (first + last).is_positive else None
        if positive or first.is_positive or last.is_positive:
            return [first > 0, last > 0]
        if first.is_negative or last.is_negative:
            return [first < 0, last < 0]
        return [first * last > 0]


def continuous_if(
    whole: sp.Expr, x: sp.Symbol, assumed: Sequence[Boolean], along: Along | None = None
) -> Iterator[Boolean]:
    """Conditions under which a formula is continuous for all real ``x``, or ``along`` a range.

    They are on unknown functions, and on the ends of the range.

    Raises
    ------
    Discontinuous
        With the part that has a pole or a jump, or may have one.

    >>> x = sp.Symbol("x", real=True)
    >>> f = sp.Function("f", real=True)(x)
    >>> list(continuous_if(sp.exp(-x) / (1 + x**2) / f, x, []))
    [Ne(f(x), 0)]
    >>> list(continuous_if(1 / x, x, []))
    Traceback (most recent call last):
    causalopt.derive.proof.continuity.Discontinuous: 1/x
    """
    if x not in whole.free_symbols or whole == x:
        return
    if isinstance(whole, sp.Derivative | sp.Subs):
        if not isinstance(whole.expr, AppliedUndef | sp.Derivative):
            raise Discontinuous(whole)
        return
    if isinstance(whole, sp.Pow) and not isinstance(whole, sp.exp):
        yield from _power(whole, x, assumed, along)
    elif isinstance(whole, sp.log) and len(whole.args) == 1:
        yield from _off_zero(whole, whole.args[0], x, assumed, along, positive=True)
    elif isinstance(whole, sp.asin | sp.acos):
        for gap in (1 - whole.args[0], 1 + whole.args[0]):
            yield from _off_zero(whole, gap, x, assumed, along, positive=True)
    elif isinstance(whole, ON_LINE):
        if not all(arg.is_real for arg in whole.args):
            raise Discontinuous(whole)
    elif not isinstance(whole, (*EVERYWHERE, AppliedUndef)):
        raise Discontinuous(whole)
    for arg in whole.args:
        yield from continuous_if(arg, x, assumed, along)


def _power(
    whole: sp.Pow, x: sp.Symbol, assumed: Sequence[Boolean], along: Along | None
) -> Iterator[Boolean]:
    base, exponent = whole.as_base_exp()
    if base == sp.E or (exponent.is_Integer and exponent.is_positive):
        return
    if exponent.is_positive and not exponent.has(x) and base.is_nonnegative:
        return
    yield from _off_zero(whole, base, x, assumed, along, positive=not exponent.is_Integer)


def _off_zero(
    whole: sp.Expr,
    base: sp.Expr,
    x: sp.Symbol,
    assumed: Sequence[Boolean],
    along: Along | None,
    positive: bool,
) -> Iterator[Boolean]:
    """What must not vanish, or must be positive, for all x."""
    if base.is_positive or (base.is_nonzero and not positive) or _has_no_root(base, x, positive):
        return
    on_ends = None if along is None else along.off_zero(base, positive)
    if on_ends is not None:
        if sp.false in on_ends:
            raise Discontinuous(whole)
        yield from (need for need in on_ends if not is_granted(need, assumed))
        return
    needs = (base > 0,) if positive and base.is_real else nonzero_conditions(base)
    if positive and not base.is_real:
        raise Discontinuous(whole)
    for need in needs:
        if need == sp.true or (need != sp.false and is_granted(need, assumed)):
            continue
        # of an unknown function it may be asked; what is known of x decides by itself
        if need == sp.false or not need.atoms(AppliedUndef):
            raise Discontinuous(whole)
        yield need


def _has_no_root(base: sp.Expr, x: sp.Symbol, positive: bool) -> bool:
    if not base.is_polynomial(x) or base.free_symbols != {x}:
        return False
    polynomial = sp.Poly(base, x)
    if not all(c.is_Rational for c in polynomial.coeffs()) or polynomial.count_roots():
        return False
    return not positive or bool(base.subs(x, 0) > 0)
