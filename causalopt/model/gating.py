"""What a soft clamp can weight, a difference be added to, and another mechanism be given to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from causalopt.ground.errors import QueryError
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Parameter
from causalopt.language.units import PURE, unit_of
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


def weighing(parameter: Parameter, act: str) -> Parameter:
    """The part by which nodes are clamped; ``QueryError`` where it has a dimension."""
    if unit_of(parameter.unit) not in (None, PURE):
        raise QueryError(
            f"{act}: {parameter} is in {parameter.unit}, and the part by which nodes are clamped "
            'is a number: take a parameter without a unit, or with unit="1".'
        )
    return parameter


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


def replaceable(model: Model, nodes: object, steps: int | None, formula: object) -> list[Stretch]:
    """The nodes that a user names to give them another mechanism.

    Raises ``QueryError`` for a start by itself: of a stretch of steps it is left as it is.
    """
    stretches = list(model.select(nodes, steps))
    parts = [stretch.part for stretch in stretches if stretch.part is not None]
    if parts:
        raise QueryError(
            f"replace({nodes}, ...): a mechanism gives a node as a whole. Replace the node, by a "
            "function that gives the rest of it too."
        )
    for stretch in stretches if steps is not None else ():
        if (stretch.start, stretch.stop) == (0, 1):
            mechanism = model.mechanism(stretch.key, formula)
            if model.account(stretch.key, 0, mechanism).declared is not mechanism:
                start = model.label(stretch.key, 0)
                raise QueryError(
                    f"replace({start}, {mechanism}): {start} is a start value, which follows from "
                    f"no step and so has no mechanism to be replaced. Write do({start}, ...) for a "
                    f"value, or with_start({{{stretch.key}: {mechanism}}}) for a formula."
                )
    return stretches
