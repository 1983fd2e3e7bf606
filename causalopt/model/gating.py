"""What a soft clamp can weight and a difference be added to: numbers, and no names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from causalopt.ground.errors import QueryError
from causalopt.language.domains import domain_of
from causalopt.model.interface import Model
from causalopt.model.selection import Key, Stretch
from causalopt.model.template import is_inner


def check_weighable(
    model: Model, stretches: Sequence[Stretch], what: str, moved: Collection[Key] = ()
) -> None:
    """Raise ``QueryError`` where nodes, or what enters them, take named values.

    And where they are ``moved`` to a value, so that what they would be without is not there.
    """
    for stretch in stretches:
        if stretch.key in moved:
            raise QueryError(
                f"{what} weights {stretch.key}, which is perturbed to a value where it is held to: "
                "write the difference, by=, in place of to=."
            )
        entering = model.account(stretch.key, max(stretch.start, 1)).names.values()
        # What is inside is not weighted when it enters, but is where it has no inputs of its own.
        for node in (model.label(stretch.key, stretch.start), *entering):
            why = domain_of(node).why_no_difference()
            if why is not None:
                raise QueryError(
                    f"{what} weights {node}, but {why}, and no value lies between two names. Leave "
                    "by out, to hold the nodes."
                )


def movable(named: Iterable[Stretch], nodes: object, *, added: bool = True) -> list[Stretch]:
    """The nodes that can be moved, by a value that is ``added`` or to one; else why they cannot."""
    # The inner stages of a step are computed: a difference is added where a step ends.
    stretches = [stretch for stretch in named if not is_inner(stretch.key)]
    for stretch in stretches:
        domain = domain_of(stretch.key)
        why = domain.why_no_difference()
        if why is not None and added:
            raise QueryError(
                f"{nodes} cannot be perturbed by a difference: {why}. Name the value that it is "
                f"moved to, perturb({nodes}, to={domain.example()!r})."
            )
    return stretches
