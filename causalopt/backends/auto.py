"""The default backend: compiled code for long work, NumPy for short."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from causalopt.backends.interface import Backend, Inputs, Recording
from causalopt.backends.referring import ReferringBackend
from causalopt.plan import Layers, Loop

# A step of the NumPy backend costs as much as this many more points of a sweep do.
_POINTS_PER_STEP = 500
# With this many steps of a small system the NumPy backend takes about as long as compiling does.
_LONG = 20_000
# A step costs as much again with this many statements more. To compile them takes longer too: no
# run of fewer steps than _SHORT is worth it.
_STATEMENTS_PER_STEP, _SHORT = 30, 1_000

#: The points of the sweep that is computed in parts, by the points of the present part.
_whole: ContextVar[tuple[int, int]] = ContextVar("whole", default=(0, 0))


@contextlib.contextmanager
def as_part(points: int, whole: int) -> Iterator[None]:
    """Within this, runs of so many points have the backend that a run of the whole would have.

    What is computed in parts, on whichever machines, has the digits of one run then.
    """
    token = _whole.set((points, whole))
    try:
        yield
    finally:
        _whole.reset(token)


@dataclass(frozen=True)
class AutoBackend(ReferringBackend):
    """Chooses by the size of the work alone, so that the same call always gives the same digits.

    A run of a system whose step is k statements is compiled where steps * (1 + points / 500) is at
    least 1,000, and times 1 + k / 30 at least 20,000: some 18,000 steps of a thermostat, or 100 of
    100,000 points, or 2,000 steps of ten oscillators that hear of each other. All else, networks
    without time among it, runs with NumPy; what has arrays and functions with the backend of
    arrays.
    """

    long: Backend
    arrays: Backend

    def loop(
        self, plan: Loop, inputs: Inputs, recorded: range, points: int | None
    ) -> Iterator[Recording]:
        """Run a system's plan."""
        return self._chosen(plan, points or 1).loop(plan, inputs, recorded, points)

    def generators(self, plan: Loop | Layers, points: int, chains: int) -> int:
        """Those of the backend that is chosen."""
        chosen = self.reference if isinstance(plan, Layers) else self._chosen(plan, points)
        return chosen.generators(plan, points, chains)

    def _chosen(self, plan: Loop, points: int) -> Backend:
        if plan.has_arrays:
            return self.arrays
        part, whole = _whole.get()
        work = plan.steps * (1 + (whole if points == part else points) / _POINTS_PER_STEP)
        is_long = work >= _SHORT and work * (1 + _statements(plan) / _STATEMENTS_PER_STEP) >= _LONG
        return self.long if is_long else self.reference


def _statements(plan: Loop) -> int:
    """How many statements a step has, where it has most."""
    blocks = (segment.block for segment in plan.segments)
    return max((len(b.assignments) + len(b.results) for b in blocks), default=0)
