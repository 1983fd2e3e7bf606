"""What a step may claim, and by which rule: small frozen records, without any checking."""

from __future__ import annotations

import dataclasses
import enum
import numbers
from collections.abc import Iterator, Mapping
from typing import TypeAlias, TypeVar

import sympy as sp
from sympy.core.relational import Relational

from causalopt.derive.statement.arguments import (
    as_formula,
    as_listed,
    as_pairs,
    as_scalar,
    as_symbol,
    as_words,
)
from causalopt.derive.statement.expressions import Formula, expression
from causalopt.ground.errors import DerivationError

HIGHEST_ORDER = 40  # of a series: terms beyond it take minutes each


class Status(enum.StrEnum):
    """What checking a step can end with.

    ``UNDECIDED``: all ways were gone to their ends, and none decides. ``EXHAUSTED``: one of them
    was stopped at a limit on work or memory, so that more of it might decide.
    """

    PROVED = "proved"
    REFUTED = "refuted"
    UNDECIDED = "undecided"
    EXHAUSTED = "exhausted"


@dataclasses.dataclass(frozen=True)
class Substitution:
    """The step is claimed for special values: put each right-hand side for its left-hand side.

    >>> x = sp.Symbol("x")
    >>> Substitution({x: 1}).values
    {x: 1}
    """

    values: Mapping[sp.Expr, sp.Expr]

    def __post_init__(self) -> None:
        listed = as_pairs(self.values, "Substitution")
        pairs = {as_scalar(old): as_scalar(new) for old, new in listed}
        # a Dict of sympy is frozen, hashed by value, and itself an expression
        object.__setattr__(self, "values", sp.Dict(pairs))


@dataclasses.dataclass(frozen=True)
class Apply:
    """Do the same to both sides of every hypothesis: from a = b to f(a) = f(b).

    ``function`` is a ``sympy.Lambda``; ``Lambda(u, Derivative(u, x))`` differentiates both sides.
    """

    function: sp.Lambda

    def __post_init__(self) -> None:
        if not isinstance(self.function, sp.Lambda):
            raise DerivationError(f"Apply takes a sympy.Lambda, not {self.function!r}.")
        if len(self.function.variables) != 1:
            raise DerivationError(f"Apply takes a Lambda of one variable, not {self.function}.")
        as_scalar(self.function.expr)


@dataclasses.dataclass(frozen=True)
class OverTheLine:
    """Integrals over the whole line: that of d(primitive)/d(variable) is zero.

    The checker proves that the integrands of both sides differ by exactly this derivative, and that
    the primitive has no pole and no jump. That it vanishes at both ends is proved too; it is a
    condition, told in the verdict, where it rests on unknown functions or on parameters.
    """

    variable: sp.Symbol
    primitive: sp.Expr

    def __post_init__(self) -> None:
        as_symbol(self.variable)
        object.__setattr__(self, "primitive", as_scalar(self.primitive))


#: By what a step is claimed: words for the reader, or data that the checker uses.
Rule: TypeAlias = str | Substitution | Apply | OverTheLine
#: What a step follows from: an equation, or the number or the name of an earlier step.
Hypothesis: TypeAlias = sp.Equality | int | str
Kind = TypeVar("Kind")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """What all steps have. Use one of the kinds: Equal, Follows, TendsTo, Expands, Stationary.

    Parameters
    ----------
    by : rules: words for the reader ("product rule"), or data that the checker uses.
    name : a label, under which later steps can refer to this one.
    assuming : relations that this step takes for granted beyond the givens.
    expect : the verdict that is recorded for this step; a check fails where it comes out otherwise.
    source : where the step is printed.
    """

    by: Rule | tuple[Rule, ...] = ()
    name: str = ""
    assuming: tuple[Relational, ...] = ()
    expect: Status = Status.PROVED
    source: str = ""

    def __post_init__(self) -> None:
        by = as_listed(self.by, "by")
        for rule in by:
            if not isinstance(rule, str | Substitution | Apply | OverTheLine):
                raise DerivationError(
                    f"by={rule!r}: write words, or Substitution, Apply or OverTheLine."
                )
            if isinstance(rule, str):
                as_words(rule, "by")
        object.__setattr__(self, "by", by)
        as_words(self.name, "name")
        as_words(self.source, "source")
        many = as_listed(self.assuming, "assuming")
        object.__setattr__(self, "assuming", tuple(expression(each) for each in many))
        if not isinstance(self.expect, str) or self.expect not in tuple(Status):
            raise DerivationError(
                f"expect={self.expect!r} is no verdict: write one of {', '.join(Status)}."
            )
        object.__setattr__(self, "expect", Status(self.expect))

    def rules(self, kind: type[Kind]) -> Iterator[Kind]:
        """The rules of one kind that this step goes by."""
        by = self.by if isinstance(self.by, tuple) else (self.by,)
        return (rule for rule in by if isinstance(rule, kind))

    @property
    def left_side(self) -> Formula | None:
        """What an equation says something of; None where the step is no equation."""
        return None

    def with_right(self, right: sp.Expr) -> Step | None:
        """The same claim with another right-hand side; None where it has none."""
        return None

    def _keep(self, **values: object) -> None:
        # frozen from outside: a record is written to only while it is made
        for field, value in values.items():
            object.__setattr__(self, field, value)
        Step.__post_init__(self)


@dataclasses.dataclass(frozen=True)
class Equal(Step):
    """left = right, wherever both sides are defined.

    Logarithms and powers take their principal branches, so that log(x²) = 2 log(x) is false for
    real x and true for positive x. Both sides may be explicit matrices of one shape.
    """

    left: Formula
    right: Formula

    def __post_init__(self) -> None:
        left, right = as_formula(self.left), as_formula(self.right)
        if getattr(left, "shape", ()) != getattr(right, "shape", ()):
            raise DerivationError(
                f"the left side has shape {getattr(left, 'shape', 'of a scalar')}, "
                f"the right side {getattr(right, 'shape', 'of a scalar')}: they cannot be equal."
            )
        self._keep(left=left, right=right)

    @property
    def left_side(self) -> Formula:
        """The left-hand side."""
        return self.left

    def with_right(self, right: sp.Expr) -> Equal:
        """left = another right-hand side."""
        return dataclasses.replace(self, right=right)


@dataclasses.dataclass(frozen=True)
class Follows(Step):
    """``conclusion`` holds wherever the hypotheses do: ``Follows(Eq(x, y), since=[Eq(2*x, 2*y)])``.

    A hypothesis is an equation, or the number or the name of an earlier step. One that holds
    unknown functions holds at every value of their arguments, so that it may be differentiated.
    """

    conclusion: sp.Equality
    since: tuple[Hypothesis, ...] = dataclasses.field(kw_only=True)

    def __post_init__(self) -> None:
        _check_equation(self.conclusion)
        since = as_listed(self.since, "since")
        for hypothesis in since:
            if not isinstance(hypothesis, int | str):
                _check_equation(hypothesis)
        self._keep(conclusion=self.conclusion, since=tuple(since))

    @property
    def left_side(self) -> sp.Expr:
        """The left-hand side of the conclusion."""
        return self.conclusion.lhs

    def with_right(self, right: sp.Expr) -> Follows:
        """The conclusion with another right-hand side, from the same hypotheses."""
        conclusion = sp.Eq(self.conclusion.lhs, right, evaluate=False)
        return dataclasses.replace(self, conclusion=conclusion)

    @property
    def equations(self) -> tuple[sp.Equality, ...]:
        """The hypotheses that stand here as equations; references to other steps are left out."""
        return tuple(each for each in self.since if not isinstance(each, int | str))


@dataclasses.dataclass(frozen=True)
class TendsTo(Step):
    """The limit of ``whole`` as ``variable`` goes ``to`` a point is ``value``.

    ``side`` is "+" (from above), "-" (from below) or "+-" (from both sides). A variable that is not
    said to be real comes to the point from both sides as from everywhere in the plane.
    """

    whole: sp.Expr
    value: sp.Expr
    variable: sp.Symbol = dataclasses.field(kw_only=True)
    to: sp.Expr = dataclasses.field(kw_only=True)
    side: str = dataclasses.field(default="+-", kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.side, str) or self.side not in ("+", "-", "+-"):
            raise DerivationError(f"side={self.side!r}: write '+', '-' or '+-'.")
        as_symbol(self.variable)
        self._keep(whole=as_scalar(self.whole), value=as_scalar(self.value), to=as_scalar(self.to))

    def with_right(self, right: sp.Expr) -> TendsTo:
        """Another limit at the same point."""
        return dataclasses.replace(self, value=right)


@dataclasses.dataclass(frozen=True)
class Expands(Step):
    """``whole`` = ``series`` + O((variable - about)^order): Taylor's series, cut off.

    On both sides of the point, or all around it where the variable is not said to be real.
    """

    whole: sp.Expr
    series: sp.Expr
    variable: sp.Symbol = dataclasses.field(kw_only=True)
    about: sp.Expr = dataclasses.field(default=0, kw_only=True)
    order: int = dataclasses.field(kw_only=True)

    def __post_init__(self) -> None:
        # not by ground.checks: it would load NumPy, whose threads take of the worker's memory
        whole_number = isinstance(self.order, numbers.Integral) and not isinstance(self.order, bool)
        if not whole_number or not 1 <= self.order <= HIGHEST_ORDER:
            raise DerivationError(
                f"order={self.order!r}: write a whole number from 1 to {HIGHEST_ORDER}."
            )
        as_symbol(self.variable)
        self._keep(
            order=int(self.order),
            whole=as_scalar(self.whole),
            series=as_scalar(self.series),
            about=as_scalar(self.about),
        )

    def with_right(self, right: sp.Expr) -> Expands:
        """Another series about the same point."""
        return dataclasses.replace(self, series=right)


@dataclasses.dataclass(frozen=True)
class Stationary(Step):
    """``objective`` is stationary ``at`` a point ``under`` constraints (equations).

    The constraints hold at the point, and there are multipliers λ_j with

        ∂(objective)/∂x_i = Σ_j λ_j ∂(constraint_j)/∂x_i    for each x_i,

    where constraint_j is left minus right. ``multipliers``, one for each constraint, are checked
    where they are given and solved for where not.
    """

    objective: sp.Expr
    at: Mapping[sp.Symbol, sp.Expr] = dataclasses.field(kw_only=True)
    under: tuple[sp.Equality, ...] = dataclasses.field(default=(), kw_only=True)
    multipliers: tuple[sp.Expr, ...] = dataclasses.field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        under = as_listed(self.under, "under")
        for constraint in under:
            _check_equation(constraint)
        multipliers = tuple(map(as_scalar, as_listed(self.multipliers, "multipliers")))
        if multipliers and len(multipliers) != len(under):
            raise DerivationError(
                f"{len(multipliers)} multipliers for {len(under)} constraints: give one for each."
            )
        at = {as_symbol(old): as_scalar(new) for old, new in as_pairs(self.at, "at")}
        if not at:
            raise DerivationError("at={} is no point: write the value of each variable there.")
        self._keep(
            objective=as_scalar(self.objective),
            at=sp.Dict(at),
            under=tuple(under),
            multipliers=multipliers,
        )


def _check_equation(equation: object) -> None:
    if isinstance(equation, sp.Equality):
        as_scalar(equation.lhs)
        as_scalar(equation.rhs)
        return
    if equation is sp.true or equation is sp.false or isinstance(equation, bool):
        raise DerivationError(
            f"an equation came out as {equation} before it could be checked: sympy decides "
            "Eq(a, b) when it is made; write Eq(a, b, evaluate=False), or an Equal step."
        )
    raise DerivationError(f"{equation!r} is no equation: write sympy.Eq(left, right).")
