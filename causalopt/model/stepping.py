"""What one step assigns: formulas as they are, a method's stages, and jumps where events are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import Expr, Float

from causalopt.language.symbols import Parameter, Variable
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
    variables are ``delayed``, the middle of each step is kept.
    """

    algebraic: frozenset[Variable]
    events: Sequence[Event]
    dt: float | Parameter | None
    length: float | None
    method: str | None
    delayed: bool
    newton: Mapping[Variable, float]

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
            assigned = Jumps(rules, equations, self.events, at).of(method)
        elif method is None:
            assigned = {**rules, **equations}
        else:
            assigned = method.assigned(rules, equations, at)
        # From where each was one step before.
        guesses = {v: v for v in self.newton}
        return opened(on_clock(assigned, self.length, self.method), guesses, cuts)
