"""What a variable is indexed by: steps, stretches of steps, times and delays, each checked."""

from __future__ import annotations

import math
from typing import Any

from sympy import Basic

from causalopt.ground import checks
from causalopt.ground.errors import DeclarationError, QueryError

# Where sympy keeps what it has computed once.
_hash_of = Basic.__dict__["_mhash"].__get__


class Endless:
    """What is indexed without end, R[0], R[1], ..., and so is one thing and no collection."""

    __slots__ = ()
    __iter__ = None

    def __getattribute__(self, name: str) -> Any:
        # Python asks the class, and is told None; sympy asks for the attribute, whatever it is.
        if name == "__iter__":
            raise AttributeError(name)
        return object.__getattribute__(self, name)

    def __hash__(self) -> int:
        # Formulas are looked up by their symbols, millions of times: not by the way above.
        known: int | None = _hash_of(self)
        return Basic.__hash__(self) if known is None else known


def as_step(variable: object, step: object) -> int:
    """A step, counted from 0."""
    index = checks.as_whole(step)
    if index is None:
        hint = f"; for a time, write {variable}.at({step})" if isinstance(step, float) else ""
        raise QueryError(
            f"{variable}[{step!r}]: a step is a whole number, such as {variable}[0]{hint}."
        )
    if index < 0:
        back = "a step" if index == -1 else f"{-index} steps"
        raise QueryError(
            f"{variable}[{index}] lies before the start: steps count from 0, so write "
            f"{variable}[0] for the first. In a formula, {variable} is the value one step before, "
            f"and {variable}.lag({-index}) that of {back} before it."
        )
    return index


def as_delay(variable: object, delay: object) -> float:
    """A delay, above 0."""
    length = checks.as_float(delay)
    if length is None or not math.isfinite(length) or length <= 0:
        now = f": {variable} itself is the value one step before" if length == 0 else ""
        raise DeclarationError(
            f"{variable}.lag({checks.shown(delay)}): a delay is a positive number of units of "
            f"time, such as {variable}.lag(5){now}."
        )
    return length


def as_bounds(variable: object, steps: slice) -> tuple[int, int | None]:
    """The first step of a stretch and the one after its last, None for no end."""
    if steps.step is not None:
        raise QueryError(
            f"{variable}[{steps.start}:{steps.stop}:{steps.step}]: a set of nodes is a stretch of "
            f"consecutive steps; for others, list them: [{variable}[0], {variable}[2]]."
        )
    start = 0 if steps.start is None else as_step(variable, steps.start)
    stop = None if steps.stop is None else as_step(variable, steps.stop)
    if stop is not None and stop <= start:
        raise QueryError(f"{variable}[{start}:{stop}] is empty: write {variable}[{start}:].")
    return start, stop


def as_instant(variable: object, time: object) -> float:
    """A time, 0 or later."""
    instant = checks.as_float(time)
    if instant is None or not math.isfinite(instant) or instant < 0:
        raise QueryError(
            f"{variable}.at({time!r}): a time is a finite number, 0 or later, "
            f"such as {variable}.at(2.5)."
        )
    return instant
