"""How much each group of examples moves each weight in training: a node that only watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from causalopt.language.trees import jax_module
from causalopt.processes.examples import Places


@dataclass(frozen=True)
class Tallied:
    """A tally (groups, weights) after a step, as a function of what the step sees and does.

    The size of the update is added, once, in the row of each group of which an example is seen.
    """

    places: Places | None
    __name__ = "tallied"

    def __call__(self, tally: Any, update: Any, groups: Any, *batch: Any) -> object:
        """The tally, the weights' update, the group of each example, and the batch if any."""
        jnp = jax_module().numpy
        size = jnp.abs(update).reshape(-1)
        seen = groups if self.places is None else jnp.take(groups, self.places(*batch))
        if len(seen) < len(tally):
            # What a batch has twice is set to one sum, and not added twice.
            return tally.at[seen].set(tally[seen] + size)
        is_seen = jnp.zeros(len(tally)).at[seen].set(1.0)
        return tally + is_seen[:, None] * size
