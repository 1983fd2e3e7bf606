"""Events: what makes values jump, and to what they jump."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import sympy
from sympy import And, Basic, Expr, Function, Not, Or, Piecewise, Symbol
from sympy.core.relational import GreaterThan, LessThan, StrictGreaterThan, StrictLessThan
from sympy.logic.boolalg import Boolean

from causalopt.ground.checks import as_mapping
from causalopt.ground.errors import DeclarationError
from causalopt.ground.readonly import ReadOnly
from causalopt.language.symbols import Earlier, Next, Noise, Variable
from causalopt.language.vectors import spread
from causalopt.mechanisms.declared import Formula, mechanism_of
from causalopt.mechanisms.interface import Mechanism, Terms
from causalopt.mechanisms.symbolic import expression


@dataclass(frozen=True)
class Event:
    """When a condition comes true, variables are set: ``Event(h < 0, {v: -v / 2})``.

    It comes true in a step at whose start it is false and at whose end it is true: what comes true
    and false again within a step is not seen. In steps, the values at the end of that step are set,
    from what the step gives. Under a method, the moment is found inside the step, to the last
    digit; the values there are set, and the rest of the step is taken from them. What rounding has
    left beyond its edge as a step begins, and is on its way out, counts as out.
    Of several at once, each sets what it sets, and where two set one variable, the one named first;
    a case in which a variable is set to itself leaves it to the others.
    One that another's jump makes true is a second event of a step, which a run refuses, and so is
    one that comes true again from its own edge, as ``Event(x < 0.6, {x: 0.6})`` does where x falls;
    in steps, conditions are asked of what the step gives, before any value is set.

    Raises ``DeclarationError`` for what is no condition, and for nothing to set.

    >>> from causalopt.language.symbols import variables
    >>> h, v = variables("h v")
    >>> Event(h < 0, {v: -v / 2})
    Event(when=h < 0, set={v: Expression(formula=-v/2)})
    """

    when: Boolean
    set: Mapping[Variable, Formula] = field(hash=False)

    def __post_init__(self) -> None:
        is_condition = isinstance(self.when, Boolean) and not isinstance(self.when, Symbol)
        if not is_condition or not self.when.free_symbols:
            raise DeclarationError(
                f"The condition of an event is {self.when!r}: write one with variables or time, "
                "such as R > 30."
            )
        told = "What an event sets"
        entries = spread(as_mapping(self.set, told, "{R: 20}"), told)
        if not entries:
            raise DeclarationError("The event sets nothing: write values, such as {R: 20}.")
        for target in entries:
            if not isinstance(target, Variable):
                raise DeclarationError(f"The event sets {target!r}, which is no variable.")
        when = self._checked()
        place = f"in the event when {self.when}"
        values = {v: mechanism_of(v, rule, f"{v} {place}") for v, rule in entries.items()}
        for symbol in self.when.free_symbols | {s for m in values.values() for s in m.arguments}:
            if isinstance(symbol, Next | Earlier | Noise):
                raise DeclarationError(
                    f"The event when {self.when} uses {symbol}: it happens at one moment, and sees "
                    "variables, parameters and time there."
                )
        object.__setattr__(self, "when", when)
        object.__setattr__(self, "set", ReadOnly(values))

    def _checked(self) -> Boolean:
        """The condition, of numbers that can be computed and compared."""
        chosen = expression(Piecewise((1, self.when), (0, True)), f"an event when {self.when}")
        # Functions that numeric libraries lack are written by others; else it is left as it is.
        formula = chosen.formula
        is_rewritten = _functions(self.when) - _functions(formula)
        return formula.args[0][1] if is_rewritten and isinstance(formula, Piecewise) else self.when

    def __str__(self) -> str:
        values = ", ".join(f"{v} = {rule}" for v, rule in self.set.items())
        return f"when {self.when}: {values}"

    @property
    def arguments(self) -> tuple[Symbol, ...]:
        """All that it depends on, by name."""
        values = {s for rule in self._values.values() for s in rule.arguments}
        return tuple(sorted(self.when.free_symbols | values, key=str))

    @property
    def _values(self) -> Mapping[Variable, Mechanism]:
        return cast(Mapping[Variable, Mechanism], self.set)

    @property
    def crossing(self) -> Expr:
        """What is positive where the condition holds: the difference of its two sides.

        Raises ``DeclarationError`` for a condition that is no inequality.
        """
        if isinstance(self.when, StrictGreaterThan | GreaterThan):
            return self.when.lhs - self.when.rhs
        if isinstance(self.when, StrictLessThan | LessThan):
            return self.when.rhs - self.when.lhs
        raise DeclarationError(
            f"The event when {self.when} has to be found inside a step: write one inequality, such "
            "as R > 30 or time >= 2, and an event for each of several."
        )

    @property
    def sets_its_edge(self) -> bool:
        """Whether what it sets decides its condition: no variable is left to ask about.

        >>> from causalopt.language.symbols import variables
        >>> h, v = variables("h v")
        >>> Event(h < 0.6, {h: 0.6}).sets_its_edge, Event(h < 0, {v: -v}).sets_its_edge
        (True, False)
        """
        asked, values = self.crossing.atoms(Variable), self.values
        return bool(asked & values.keys()) and not self.crossing.xreplace(values).atoms(Variable)

    @property
    def values(self) -> dict[Variable, Expr]:
        """What it sets each of its variables to."""
        return {v: rule.value({}) for v, rule in self._values.items()}

    def cases(self, variable: Variable, at: Terms) -> list[tuple[Expr, Boolean]]:
        """What it sets a variable to, and where; nothing where it leaves it as it is.

        >>> from causalopt.language.symbols import variables
        >>> h, v = variables("h v")
        >>> Event(h < 0, {v: Piecewise((-v, v < 0), (v, True))}).cases(v, {})
        [(-v, v < 0)]
        """
        rule = self._values.get(variable)
        if rule is None:
            return []
        whole = rule.value({})
        if not isinstance(whole, Piecewise) or variable not in (value for value, _ in whole.args):
            return [(rule.value(at), sympy.true)]
        found, left = [], list[Boolean]()
        for value, condition in whole.args:
            if value == variable:
                left.append(condition)
            else:
                here = And(condition, Not(Or(*left)))
                found.append((value.xreplace(dict(at)), here.xreplace(dict(at))))
        return found


def _functions(formula: Basic) -> set[Basic]:
    # A choice is written as it is, whatever sympy makes of it inside of another one.
    return {f for f in formula.atoms(Function) if not isinstance(f, Piecewise)}
