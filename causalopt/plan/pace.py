"""What a plan calls the length of a part of a step, and the time at which it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sympy import Expr, Symbol

from causalopt.ground.readonly import ReadOnly
from causalopt.language.symbols import Parameter
from causalopt.plan.block import Input
from causalopt.plan.names import Names, Slope


@dataclass(frozen=True)
class Pace:
    """Where steps are taken in parts: what has a new value in each, its length and its begin.

    These stand in the place of what is ``given`` of a step: its ``length``, an input, and its time.
    Where steps are taken whole, there is nothing.
    """

    inputs: tuple[Input, ...] = ()
    given: Mapping[Symbol, Expr] = field(default=ReadOnly({}))
    length: Symbol | None = None

    @property
    def kinds(self) -> int:
        """How many blocks a stretch of steps has: where there are parts, those inside have one."""
        return 2 if self.inputs else 1

    def seen_by(self, slope: Slope) -> Slope:
        """A slope in a part of a step."""
        return replace(slope, at={s: e.xreplace(self.given) for s, e in slope.at.items()})


WHOLE = Pace()


def pace_of(names: Names, dt: float | Parameter | None, *, is_in_parts: bool) -> Pace:
    """The pace of a plan whose steps are ``dt`` long."""
    if not is_in_parts or not isinstance(dt, Parameter):
        return WHOLE
    part, begin = (Input(Symbol(name, real=True), None, float("nan")) for name in ("h", "b"))
    length = names.parameter(dt)
    given = ReadOnly({length: part.symbol, names.time: begin.symbol})
    return Pace((part, begin), given, length)
