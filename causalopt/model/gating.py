"""What a soft clamp can weight: numbers, since nothing lies between two names."""

from __future__ import annotations

from collections.abc import Sequence

from causalopt.ground.errors import QueryError
from causalopt.language.domains import domain_of
from causalopt.model.interface import Model
from causalopt.model.selection import Stretch


def check_weighable(model: Model, stretches: Sequence[Stretch], what: str) -> None:
    """Raise ``QueryError`` where nodes, or what enters them, take named values."""
    for stretch in stretches:
        entering = model.account(stretch.key, max(stretch.start, 1)).names.values()
        # What is inside is not weighted when it enters, but is where it has no inputs of its own.
        for node in (model.label(stretch.key, stretch.start), *entering):
            why = domain_of(node).why_no_difference()
            if why is not None:
                raise QueryError(
                    f"{what} weights {node}, but {why}, and no value lies between two names. Leave "
                    "by out, to hold the nodes."
                )
