"""What a backend is: something that carries out a plan and records what was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.ground.readonly import ReadOnly
from causalopt.ground.scaled import LogSize, Ratio, RatioForm, Scaled, log_size
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Floats, Ints
from causalopt.language.symbols import Label
from causalopt.language.trees import Tree
from causalopt.plan import Layers, Loop
from causalopt.plan.draws import Stream


@dataclass(frozen=True)
class Inputs:
    """What a plan is given, by the names of its symbols.

    ``values`` are numbers, or one per point of a sweep, and ``arrays`` what is the same at all; a
    noise has a stream in ``draws``, which gives the value of each step in turn.
    """

    values: Mapping[str, float | Floats]
    draws: Mapping[str, Stream]
    arrays: Mapping[str, Tensor | Tree] = ReadOnly({})


@dataclass(frozen=True)
class Recording:
    """What a run recorded.

    A loop's ``values`` have shape (recorded slots, recorded steps, points), a network's (lanes,
    nodes, points); they may be a list, which has (steps, points, *shape) for each slot that holds
    arrays, and (steps, points, *shape, k) for tangents in k directions. Where the plan has
    quotients, these are there in place of slots, in its form. A tangent, or a scaled quotient of
    two, is ``values * 2**exponents``: ``exponents`` is there for those alone, by place among the
    recorded slots, with shape (recorded steps, points), or (steps, points, 1, ..., k); of a network
    by lane, (nodes, points). ``rows`` and ``points`` say which of the recorded steps and points a
    part of a loop's recording holds; points that do not lie side by side are listed.
    ``log`` takes logarithms of its quotients, all of one run in one way.
    """

    values: Floats | Sequence[Floats]
    exponents: Mapping[int, Ints]
    rows: slice = field(default_factory=lambda: slice(None))
    points: slice | Ints = field(default_factory=lambda: slice(None))
    log: LogSize = log_size

    @property
    def size(self) -> tuple[int, ...]:
        """The number of recorded steps, or nodes, and of points."""
        values = self.values
        return values.shape[1:3] if isinstance(values, np.ndarray) else values[0].shape[:2]


def as_wanted(plan: Loop, part: Recording) -> Recording:
    """What is recorded of a plan's slots as it is wanted: as quotients, where the plan has some."""
    if not plan.quotients:
        return part
    sides = {place: Scaled(part.values[place], power) for place, power in part.exponents.items()}
    ratios = [Ratio.of(sides[x], sides[y], log=part.log) for x, y in plan.quotients]
    if plan.form is not RatioForm.SCALED:
        return replace(part, values=[ratio.told(plan.form) for ratio in ratios], exponents={})
    powers = {place: ratio.power for place, ratio in enumerate(ratios)}
    mantissas = [ratio.mantissa for ratio in ratios]
    return replace(part, values=mantissas, exponents=powers)


def refuse_arrays(plan: Loop, name: str) -> None:
    """Raise ``QueryError`` for a plan that only a backend of arrays can run."""
    if plan.has_arrays:
        raise QueryError(
            f'backend="{name}" computes with numbers, and this model holds arrays or functions: '
            'leave backend out, or write backend="jax".'
        )


class NotFinite(Exception):
    """A value left the finite numbers: at which slot or (lane, node), step and sweep point.

    ``given`` are the values, by their ids, of what a node of a network is computed from. With an
    ``argument``, it is the derivative by that argument of a mechanism that is not there, or, where
    the value is infinite, too large for a float. ``points`` are those of which it is known that
    they leave the finite numbers, the named one among them.
    """

    def __init__(
        self,
        place: tuple[int, ...],
        step: int,
        point: int,
        value: float,
        given: Mapping[int, float] | None = None,
        argument: Label | None = None,
        points: Ints | None = None,
    ) -> None:
        super().__init__(place, step, point, value)
        self.place = place
        self.step = step
        self.point = point
        self.value = value
        self.given = given or {}
        self.argument = argument
        self.points: Ints = np.array([point]) if points is None else points

    def at(self, step: int) -> NotFinite:
        """The same at another step."""
        rest = self.given, self.argument, self.points
        return NotFinite(self.place, step, self.point, self.value, *rest)


class Stopped(Exception):
    """A function of a plan stopped the run by an error: what it says, and what may have done it."""

    def __init__(self, said: str, functions: Sequence[str]) -> None:
        super().__init__(said)
        self.said = said
        self.functions = functions


class Backend(Protocol):
    """Carries out the two kinds of plan. It never sees a world."""

    def loop(
        self, plan: Loop, inputs: Inputs, recorded: range, points: int | None
    ) -> Iterator[Recording]:
        """Run a system's plan and record its slots at the steps in ``recorded``.

        The recording comes in parts, so that what is made of it is made while it is in the cache,
        and no more of it is ever held than is wanted. Each step and point comes once.

        ``points`` is the number of points of the sweep, None where there is none. Raises
        ``NotFinite`` as soon as a value is NaN or infinite, and ``Stopped`` where a function stops
        the run.
        """

    @property
    def patience(self) -> int:
        """How often a point tries parts of steps before compiled code looks for them."""

    def generators(self, plan: Loop | Layers, points: int, chains: int) -> int:
        """How many generators of draws it holds at once: one for each noise of each chain."""

    def layers(self, plan: Layers, inputs: Inputs, points: int | None) -> Recording:
        """Run a network's plan and record every node in every lane."""

    def gradients(
        self,
        plan: Layers,
        inputs: Inputs,
        points: int | None,
        node: int,
        lane: int,
        held: Sequence[Ints],
    ) -> Recording:
        """The derivatives of one node by all nodes, in one pass against the arrows (adjoint).

        They are those in a value ``lane`` of the plan, whose blocks give partial derivatives. For
        each array in ``held``, of nodes that pass nothing on, there is one row of derivatives and
        of exponents.
        """
