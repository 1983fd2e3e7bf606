"""Lanes: the copies of the state that a run carries side by side, and what happens to each node.

A value lane holds the values of a world. A tangent lane holds the derivatives, by its infinitesimal
perturbation, of a world whose values are in a value lane; worlds with the same values share one.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

from causalopt.model.interface import Model
from causalopt.model.selection import Key
from causalopt.model.treatments import Treatment
from causalopt.model.world import World

AnyWorld = World[Model]


@dataclass(frozen=True)
class Lane:
    """One copy of the state; ``values`` is the place of its value lane, or its own."""

    world: AnyWorld
    values: int
    is_tangent: bool

    @functools.cached_property
    def treated(self) -> frozenset[Key]:
        """What something is done to at some step."""
        return frozenset(key for key, _ in self.world.effects)

    def at(self, key: Key, step: int = 0) -> Treatment[AnyWorld]:
        """What this lane's interventions do to a node."""
        return self.world.at(key, step)


@dataclass(frozen=True)
class Lanes:
    """All lanes of a run, each after those that it is held to; and where each world is found."""

    lanes: tuple[Lane, ...]
    value_of: dict[AnyWorld, int] = field(compare=False)
    tangent_of: dict[AnyWorld, int] = field(compare=False)

    def of_world(self, lane: Lane, world: AnyWorld) -> int | None:
        """The lane of another world of this lane's kind; None for a tangent that is zero."""
        return self.tangent_of.get(world) if lane.is_tangent else self.values_of(world)

    def values_of(self, world: AnyWorld) -> int:
        """The lane of another world's values."""
        return self.value_of[world.values_only()]

    @property
    def tangents(self) -> dict[int, int]:
        """The value lane of each tangent lane."""
        return {i: lane.values for i, lane in enumerate(self.lanes) if lane.is_tangent}


def lanes_of(values: Sequence[AnyWorld], tangents: Sequence[AnyWorld]) -> Lanes:
    """The lanes for the values of some worlds and the tangents of others.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> a, b = variables("a b")
    >>> W = System({a: b, b: a}, start={a: 1, b: 2}).world(steps=3)
    >>> X = W.perturb(b[0])
    >>> len(lanes_of([W], [X, X.clamp(a, to=W)]).lanes)
    3
    """
    lanes: list[Lane] = []
    value_of: dict[AnyWorld, int] = {}
    tangent_of: dict[AnyWorld, int] = {}

    def add_values(world: AnyWorld) -> int:
        plain = world.values_only()
        if plain not in value_of:
            # Held nodes are copied within a step, so that what they copy has to come before.
            for other in plain.held_worlds():
                add_values(other)
            lanes.append(Lane(plain, len(lanes), False))
            value_of[plain] = len(lanes) - 1
        value_of[world] = value_of[plain]
        return value_of[plain]

    def add_tangent(world: AnyWorld) -> None:
        if world in tangent_of or not world.is_infinitesimal:
            return
        for other in world.held_worlds():
            add_tangent(other)
            # A gate mixes what comes from there at its values, even where nothing moves there.
            add_values(other)
        place = add_values(world)
        lanes.append(Lane(world, place, True))
        tangent_of[world] = len(lanes) - 1

    for world in values:
        add_values(world)
    for world in tangents:
        add_tangent(world)
    return Lanes(tuple(lanes), value_of, tangent_of)
