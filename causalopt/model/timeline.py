"""The variables of a system over time: how users name their nodes, and when these are."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sympy import Symbol

from causalopt.ground.errors import QueryError, nearest
from causalopt.language.parts import PartOf
from causalopt.language.symbols import Moment, Node, NodeSet, Parameter, Span, Variable
from causalopt.model.selection import ENDLESS, Stretch, held_together, parameter_message


@dataclass(frozen=True)
class Timeline:
    """Variables with a value at every step; a step takes ``step_size`` (None: time counts steps).

    >>> from causalopt.language.symbols import variables
    >>> R, T = variables("R T")
    >>> Timeline((R, T), 0.5).select([R.at(1.0), T[2:]], steps=4)
    (Stretch(key=R, start=2, stop=3), Stretch(key=T, start=2, stop=5))
    """

    variables: tuple[Variable, ...]
    step_size: float | None

    def time_of(self, step: int) -> float:
        """The time of a step: step * dt, or the step itself where there is no dt."""
        return step if self.step_size is None else step * self.step_size

    def step_at(self, instant: float, node: object) -> int:
        """The step at a point in time; an error where time falls between two steps."""
        size = self.step_size
        if size is None:
            raise QueryError(
                f"{node}: this system counts steps and has no dt. Index it by steps, such as "
                f"{self.variables[0]}[{round(instant)}], or declare the system with dt=."
            )
        step = round(instant / size)
        if abs(step * size - instant) > 1e-6 * size:
            below = math.floor(instant / size)
            raise QueryError(
                f"{node} falls between two steps of dt = {size:g}: the nearest times are "
                f"{below * size:g} and {(below + 1) * size:g}."
            )
        return step

    def select(self, target: object, steps: int | None = None) -> tuple[Stretch, ...]:
        """The stretches of nodes that a user names: R, R[0], R[:100], R.at(2.5), or a list.

        A set that reaches past the end of the run ends with it; a node past the end is an error.
        """
        last = ENDLESS - 1 if steps is None else steps
        match target:
            case Node(variable, step):
                return (self._node(variable, step, last, target),)
            case Moment(variable, instant):
                return (self._node(variable, self.step_at(instant, target), last, target),)
            case NodeSet(variable, start, stop):
                return (self._stretch(variable, start, stop, last, target),)
            case Span(variable, begin, end):
                start, stop = self.step_at(begin, target), self.step_at(end, target) + 1
                return (self._stretch(variable, start, stop, last, target),)
            case Variable():
                return (self._stretch(target, 0, None, last, target),)
            case PartOf(nodes, subspace):
                return tuple(replace(s, part=subspace) for s in self.select(nodes, steps))
            case list() | tuple() | set() | frozenset() if target:
                return held_together([s for part in target for s in self.select(part, steps)])
        if isinstance(target, Parameter):
            raise QueryError(parameter_message(target))
        raise QueryError(
            f"{target!r} names no nodes of this system: write a variable such as "
            f"{self.variables[0]}, a node such as {self.variables[0]}[0], or a list of them."
        )

    def _node(self, variable: Symbol, step: int, last: int, target: object) -> Stretch:
        if step > last:
            raise QueryError(
                f"{target} lies after the last step, {last}: ask for an earlier node, or run the "
                f"system for more steps (steps={step})."
            )
        return Stretch(self._known(variable), step, step + 1)

    def _stretch(
        self, variable: Symbol, start: int, stop: int | None, last: int, target: object
    ) -> Stretch:
        if start > last:
            raise QueryError(f"{target} lies after the last step, {last}.")
        end = last + 1 if stop is None else min(stop, last + 1)
        return Stretch(self._known(variable), start, end)

    def _known(self, variable: Symbol) -> Symbol:
        if variable not in self.variables:
            raise QueryError(
                f"{variable} is not a variable of this system." + nearest(variable, self.variables)
            )
        return variable

    def last_step(self, named: Sequence[object]) -> int:
        """The step of the last node that is named; the first of them has to end."""
        ends = [stretch.stop for stretch in self.select(named[0], None)]
        if max(ends) == ENDLESS:
            example = named[0] if isinstance(named[0], Variable) else self.variables[0]
            raise QueryError(
                f"steps is missing: m = {named[0]} has no last node. Write steps=1000, or name one "
                f"node, such as m={example}[1000]."
            )
        for target in named[1:]:
            ends += [s.stop for s in self.select(target, None) if s.stop != ENDLESS]
        return max(max(ends) - 1, 1)

    def check_swept(self, target: object, parameters: Collection[Parameter]) -> None:
        """Raise ``QueryError`` for what is no node of one of the variables."""
        if isinstance(target, Parameter):
            raise QueryError(
                f"over names the parameter {target}, which this model does not have."
                + nearest(target, parameters)
            )
        if isinstance(target, Variable):
            raise QueryError(
                f"over names the variable {target}, which has a value at every step: "
                f"write {target}[0] to sweep its start value."
            )
        if not isinstance(target, Node | Moment):
            raise QueryError(
                f"over names {target!r}, which is no node or parameter of this system."
                + nearest(target, [*self.variables, *parameters])
            )
        self.select(target, None)

    def find(self, text: str) -> Variable | Node:
        """The variable or node of this name, such as T or R[0]; text is compared, never run."""
        known = {variable.name: variable for variable in self.variables}
        if not isinstance(text, str):
            raise QueryError(f"{text!r} is no name of a variable: write text, such as 'R[0]'.")
        name, bracket, step = text.removesuffix("]").rpartition("[")
        is_node = bracket and text.endswith("]") and step.isdecimal() and name in known
        # A variable can be named like a node, such as "R[0]": then its own name comes first.
        if is_node and text not in known:
            return Node(known[name], int(step))
        if text not in known:
            raise QueryError(f"{text} is not a variable of this system." + nearest(text, known))
        return known[text]
