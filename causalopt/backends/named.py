"""The backends by the name that users give; what compiles is imported when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import causalopt.backends as room
from causalopt.backends.auto import AutoBackend
from causalopt.backends.interface import Backend, Inputs, Recording
from causalopt.backends.numpy import REFERENCE
from causalopt.ground.types import Ints
from causalopt.plan import Layers, Loop


@dataclass(frozen=True)
class OnFirstUse:
    """A backend that is made when it is first asked for something."""

    made: Callable[[], Backend]

    def loop(
        self, plan: Loop, inputs: Inputs, recorded: range, points: int | None
    ) -> Iterator[Recording]:
        """Run a system's plan."""
        return self.made().loop(plan, inputs, recorded, points)

    @property
    def patience(self) -> int:
        """That of the backend."""
        return self.made().patience

    def generators(self, plan: Loop | Layers, points: int, chains: int) -> int:
        """Those that it holds at once."""
        return self.made().generators(plan, points, chains)

    def layers(self, plan: Layers, inputs: Inputs, points: int | None) -> Recording:
        """Run a network's plan."""
        return self.made().layers(plan, inputs, points)

    def gradients(
        self,
        plan: Layers,
        inputs: Inputs,
        points: int | None,
        node: int,
        lane: int,
        held: Sequence[Ints],
    ) -> Recording:
        """The derivatives of one node by all nodes."""
        return self.made().gradients(plan, inputs, points, node, lane, held)


_COMPILED = OnFirstUse(lambda: room.COMPILED)
_OF_ARRAYS = OnFirstUse(lambda: room.OF_ARRAYS)

#: The backends by the name that users give.
BACKENDS: dict[str, Backend] = {
    "auto": AutoBackend(REFERENCE, _COMPILED, _OF_ARRAYS),
    "numpy": REFERENCE,
    "numba": _COMPILED,
    "jax": _OF_ARRAYS,
}
