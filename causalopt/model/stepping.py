"""What one step assigns: formulas as they are, a method's stages, and jumps where events are."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from sympy import Basic, Expr, Float

from causalopt.ground.errors import QueryError
from causalopt.language.symbols import Label, Noise, Parameter, Variable
from causalopt.mechanisms.borders import Border, is_between
from causalopt.mechanisms.events import Event
from causalopt.mechanisms.integrators import Stride
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.jumps import Jumps
from causalopt.mechanisms.methods import METHODS, on_clock
from causalopt.model.circles import WHOLE, Cuts, opened
from causalopt.model.template import in_order

# What to write where equations go round in a circle.
_REMEDY = (
    "Have them solved for together, by Newton's method, newton={{{name}: 1.0}}, from a value near "
    "to what it is; or let one of them depend on an earlier step."
)


def step_term(dt: float | Parameter | None) -> Expr:
    """The length of a step as a term: dt, or 1 where time counts steps."""
    return dt if isinstance(dt, Parameter) else Float(dt or 1)


@dataclass(frozen=True)
class Stepping:
    """What makes steps of what is declared of each variable: values, or by a method rates.

    ``algebraic`` are the variables with equations, which hold at the end of a step, in terms of
    R.next; circles of them are solved by Newton's method for those in ``newton``. Where some
    variables are ``delayed``, the middle of each step is kept. Rules are ``written`` at a time.
    """

    algebraic: frozenset[Variable]
    events: Sequence[Event]
    dt: float | Parameter | None
    length: float | None
    method: str | None
    delayed: bool
    newton: Mapping[Variable, float]
    tolerance: float | None
    written: tuple[Mechanism, ...]

    @functools.cached_property
    def borders(self) -> frozenset[Border]:
        """The times at which what is ``written`` jumps, where steps are divided."""
        rules = self.written if self.divides else ()
        return frozenset[Border]().union(*(rule.borders for rule in rules))

    @functools.cached_property
    def divides(self) -> bool:
        """Whether steps are divided where a formula jumps inside of them.

        With delays, noise and formulas of its length a step is one whole; Euler's looks at its
        start alone.
        """
        looks = () if self.method is None else METHODS[self.method].nodes
        drawn = any(isinstance(s, Noise) for rule in self.written for s in rule.arguments)
        is_whole = self.delayed or drawn or not self.is_plain
        return len(looks) > 1 and not (is_whole and self.tolerance is None)

    @functools.cached_property
    def is_plain(self) -> bool:
        """Whether no formula knows how long a step is."""
        asked = {s for event in self.events for s in event.when.free_symbols}
        rules = (*self.written, *(rule for event in self.events for rule in event.set.values()))
        asked = asked.union(*(rule.arguments for rule in rules))
        return isinstance(self.dt, Parameter) and self.dt not in asked

    def check_whole(self, what: str, numbers: Mapping[Label, float]) -> None:
        """Raise ``QueryError`` where steps are taken in parts, of which ``what`` knows nothing."""
        if self.tolerance is not None:
            raise QueryError(
                f"{what} is made of one step, and with tolerance={self.tolerance:g} the steps of "
                "this system are taken in parts: leave tolerance out, and take a dt that is short "
                "enough."
            )
        size = self.length or 1.0
        for border in self.borders:
            times = [border.first] + [border.period] * (border.period is not None)
            known = np.array(
                [float(time.xreplace(cast(dict[Basic, float], {**numbers}))) for time in times]
            )
            # What comes again does so after the start, whenever it was first.
            comes = (known > 0.0) | (len(times) > 1)
            inside = known[comes & is_between(known / size)]
            if inside.size:
                raise QueryError(
                    f"{what} is made of one step, and a formula jumps at {inside[0]:g}, inside of "
                    f"one of {size:g}: take a dt of which that is a multiple."
                )

    def of(
        self,
        mechanisms: Mapping[Variable, Mechanism],
        held: frozenset[Variable] = frozenset(),
        cuts: Cuts = WHOLE,
        *,
        errors: bool = False,
    ) -> dict[Variable, Mechanism]:
        """The variables, and stages of them, each with what gives it, in order.

        ``held`` are the variables whose stages may be held in the step; ``cuts`` say at what
        circles are cut open. With ``errors`` there are stages for the estimates of its errors too.
        """
        rules = {v: rule for v, rule in mechanisms.items() if v not in self.algebraic}
        given = [v for v in mechanisms if v in self.algebraic]
        equations = in_order({v: mechanisms[v] for v in given if v not in self.newton}, _REMEDY)
        equations |= {v: mechanisms[v] for v in given if v in self.newton}
        method = None if self.method is None else METHODS[self.method]
        is_looked_into = method is not None and len(method.nodes) > 1
        at = Stride(
            *(step_term(self.dt), self.delayed, held, errors),
            between_borders=is_looked_into,
        )
        if self.events:
            assigned = Jumps(rules, equations, self.events, at, self.length).of(method)
        elif method is None:
            assigned = {**rules, **equations}
        else:
            assigned = method.assigned(rules, equations, at)
        # From where each was one step before.
        guesses = {v: v for v in self.newton}
        return opened(on_clock(assigned, self.length, self.method), guesses, cuts)
