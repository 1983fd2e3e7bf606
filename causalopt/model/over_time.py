"""Models over time: variables that have a node at every step, how these are named and laid out."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from causalopt.ground.errors import QueryError
from causalopt.language.parts import PartOf
from causalopt.language.symbols import Label, Moment, Node, Parameter, Variable
from causalopt.model.amounts import Kept, followed
from causalopt.model.declaration import check_steps
from causalopt.model.interface import Axis, Model, Place, Series
from causalopt.model.selection import ENDLESS, Key, Stretch
from causalopt.model.shapes import refuse_swept_array, what_is_no_number
from causalopt.model.timeline import Timeline


class OverTime(Model):
    """A model of variables over steps."""

    parameters: Mapping[Parameter, Kept]
    dt: float | Parameter | None

    @property
    @abstractmethod
    def variables(self) -> tuple[Variable, ...]:
        """The variables, in the order of their declaration."""

    @property
    def step_size(self) -> float | None:
        """The length of a step in units of time; None where time counts steps."""
        if self.dt is None:
            return None
        return self.parameter_values[self.dt] if isinstance(self.dt, Parameter) else float(self.dt)

    # -- which nodes are meant -------------------------------------------------------------------

    @functools.cached_property
    def timeline(self) -> Timeline:
        """The variables over time: how users name nodes, and when these are."""
        return Timeline(self.variables, self.step_size)

    def time_of(self, step: int) -> float:
        """The time of a step: step * dt, or the step itself where the system has no dt."""
        return self.timeline.time_of(step)

    def select(self, target: object, steps: int | None = None) -> tuple[Stretch, ...]:
        """The stretches of nodes that a user names: R, R[0], R[:100], R.at(2.5), or a list.

        A set that reaches past the end of the run ends with it; a node past the end is an error.
        """
        return self.timeline.select(target, steps)

    def onward(self, target: object, steps: int | None = None) -> tuple[Stretch, ...]:
        """The nodes that a user names, and the same variables at every later step."""
        end = ENDLESS if steps is None else steps + 1
        return tuple(replace(stretch, stop=end) for stretch in self.select(target, steps))

    def single(self, target: object, steps: int | None, name: str) -> Stretch:
        """The one node that a user names as ``name``."""
        places = () if isinstance(target, Variable) else self.select(target, steps)
        if len(places) == 1 and places[0].stop == places[0].start + 1:
            return places[0]
        example = target if isinstance(target, Variable) else self.variables[0]
        raise QueryError(
            f"{name} = {target} is not one node: write {example}[0], where the difference is made."
        )

    def check_swept(self, target: object) -> None:
        """What takes many values in one run is a node or a parameter, dt left out."""
        length = {self.dt} if isinstance(self.dt, Parameter) else set()
        fixed = length | followed(self.parameters, length)
        if isinstance(target, Parameter) and target in fixed:
            follows = "" if target == self.dt else f" follows from it through {self.dt}, and"
            raise QueryError(
                f"over names {target}: the length of a step{follows} sets the time axis, which all "
                "points share. Run the system once for each value."
            )
        refuse_swept_array(target, self.parameter_arrays)
        if isinstance(target, Parameter) and target in self.parameters:
            return
        self.timeline.check_swept(target, self.parameters)

    def label(self, key: Key, step: int) -> Label:
        """R[3]."""
        return Node(cast(Variable, key), step)

    def key_of(self, label: Label) -> tuple[Key, int]:
        """The variable and the step of a node."""
        node = cast(Node, label)
        return node.variable, node.step

    def size(self, steps: int) -> int:
        """The number of variables, at every step."""
        return len(self.variables) * (steps + 1)

    def find(self, text: str) -> Variable | Node:
        """The variable or node of this name, such as T or R[0]; text is compared, never run."""
        return self.timeline.find(text)

    # -- runs and results ------------------------------------------------------------------------

    def run_length(self, steps: int | None, named: Sequence[object] = ()) -> int:
        """The number of steps: as given, or up to the last node that is named."""
        if steps is not None:
            return check_steps(steps)
        if not named:
            raise QueryError("steps is missing: write steps=1000, the length of the run.")
        return self.timeline.last_step(named)

    @property
    def has_time(self) -> bool:
        """They are."""
        return True

    @property
    def series(self) -> tuple[Series, ...]:
        """The variables, each over the steps of a run."""
        return tuple(Series(v, v.name, v.unit, v.domain) for v in self.variables)

    def place(self, stretch: Stretch) -> Place:
        """A variable, over some steps."""
        return Place(stretch.key, range(stretch.start, stretch.stop))

    def rows(self, steps: int | None) -> range:
        """The steps of a run."""
        return range((steps or 0) + 1)

    def axis(self, rows: range | Sequence[int]) -> Axis:
        """Time, in units of dt, or in steps where there is none."""
        size, unit = self.step_size, self.dt.unit if isinstance(self.dt, Parameter) else ""
        steps = rows if isinstance(rows, range) else range(rows[0], rows[-1] + 1)
        return Axis("time", steps, *((1.0, "steps") if size is None else (size, unit)))

    def check_numbers(self, act: str) -> None:
        """Raise ``QueryError`` for the first variable with an array or a function."""
        for variable in self.variables:
            rule = self.account(variable, 1).declared
            if variable.domain.shape or (rule is not None and rule.is_opaque):
                raise QueryError(what_is_no_number(act, variable, rule))

    def along_rows(self, target: object) -> bool:
        """Whether a name stands for nodes over time: all but single nodes."""
        named = target.nodes if isinstance(target, PartOf) else target
        return not isinstance(named, Node | Moment)
