"""What runs systems in a way of its own, and leaves networks without time to a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from causalopt.backends.interface import Backend, Inputs, Recording
from causalopt.ground.types import Ints
from causalopt.plan import Layers


@dataclass(frozen=True)
class ReferringBackend:
    """The half of a backend that is about networks: ``reference`` computes them."""

    reference: Backend

    @property
    def patience(self) -> int:
        """That of the reference: how much work there will be is not known before."""
        return self.reference.patience

    def layers(self, plan: Layers, inputs: Inputs, points: int | None) -> Recording:
        """Run a network's plan."""
        return self.reference.layers(plan, inputs, points)

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
        return self.reference.gradients(plan, inputs, points, node, lane, held)
