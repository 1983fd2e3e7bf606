"""Whether what is put in for a name is shown to be all that is assumed of the name."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp
from sympy.logic.boolalg import Boolean

from causalopt.derive.proof.conditions import conditions_of, is_granted
from causalopt.derive.statement.fitting import Values, as_sign, facts_of, relations_put, tell

#: Real for real arguments wherever they have values.
_REAL = (sp.Add, sp.Mul, sp.sin, sp.cos, sp.tan, sp.atan, sp.sinh, sp.cosh, sp.tanh, sp.sign,
         sp.Max, sp.Min, sp.floor, sp.ceiling, sp.erf)  # fmt: skip


def unshown(
    values: Values,
    relations: Sequence[Boolean],
    borrowed: Sequence[Boolean] = (),
    *,
    defined: bool = False,
) -> str | None:
    """The assumption that is not shown to hold of what is put in, in words; None where all are.

    ``borrowed`` relations are asked of the values as the others are, and grant nothing.
    ``defined``: where a logarithm or a root in the values is not real, nothing is claimed.

    >>> x, p = sp.Symbol("x", real=True), sp.Symbol("p", positive=True)
    >>> unshown({p: x}, []), unshown({p: sp.exp(x)}, []), unshown({p: x - 1}, [x > 1])
    ('p is positive', None, None)
    """
    for old, new in values.items():
        if old == new:
            continue
        for fact, truth in facts_of(old).items():
            if not _is_shown(new, fact, truth, relations, defined):
                return tell(old, fact, truth)
    moved = {old: new for old, new in values.items() if old != new}
    for relation, there in relations_put(moved, (*relations, *borrowed)):
        if not is_granted(there, relations):
            return str(relation)
    return None


def _is_shown(
    value: sp.Expr, fact: str, truth: bool, relations: Sequence[Boolean], defined: bool
) -> bool:
    if getattr(value, f"is_{fact}") is truth:
        return True
    if not truth:
        return False
    if fact == "real":
        return _is_real(value, defined)
    sign = as_sign(value, fact)
    if sign is not None and is_granted(sign, relations):
        return True
    whole = _with_divisors(value)
    return whole != value and getattr(whole, f"is_{fact}") is True


def _with_divisors(value: sp.Expr) -> sp.Expr:
    """A value in symbols that are known not to be zero, where it is defined for no other."""
    for need in conditions_of([value]):
        if isinstance(need, sp.Unequality) and need.lhs.is_Symbol and need.rhs == 0:
            known = need.lhs.assumptions0 | {"zero": False}
            known = {fact: truth for fact, truth in known.items() if truth is not None}
            value = value.xreplace({need.lhs: sp.Dummy(need.lhs.name, **known)})
    return value


def _is_real(value: sp.Expr, defined: bool) -> bool:
    """Whether a value is real wherever it is one: 1/x is for real x, though it is none at 0."""
    if value.is_real:
        return True
    parts = value.args
    if isinstance(value, sp.Pow):
        base, exponent = value.as_base_exp()
        root = base.is_nonnegative or (defined and exponent.is_Rational)
        if not (exponent.is_integer or root):
            return False
        parts = (base, exponent)
    elif isinstance(value, sp.Abs | sp.re | sp.im):
        return True
    elif isinstance(value, sp.log):
        if not (defined or value.args[0].is_nonnegative):
            return False
    elif isinstance(value, sp.Piecewise):
        parts = tuple(branch for branch, _ in value.args)
    elif isinstance(value, sp.Derivative):
        parts = (value.expr, *value.variables)
    elif not isinstance(value, _REAL):
        return False
    return all(_is_real(part, defined) for part in parts)
