"""Lanes: the copies of the state that a run carries side by side, and what happens to each node.

A value lane holds the values of a world. A tangent lane holds the derivatives, by its infinitesimal
perturbation, of a world whose values are in a value lane; worlds with the same values share one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from causalopt.model.world import Held, Key, Piece, World


@dataclass(frozen=True)
class Lane:
    """One copy of the state; ``values`` is the place of its value lane, or its own."""

    world: World
    values: int
    is_tangent: bool

    def at(self, key: Key, step: int = 0) -> Piece:
        """What this lane's interventions do to a node."""
        return self.world.at(key, step)


@dataclass(frozen=True)
class Lanes:
    """All lanes of a run, each after those that it is held to; and where each world is found."""

    lanes: tuple[Lane, ...]
    value_of: dict[World, int] = field(compare=False)
    tangent_of: dict[World, int] = field(compare=False)

    def held_to(self, lane: Lane, held: Held) -> int | None:
        """The lane that a clamped node of this lane copies; None for a tangent that is zero."""
        if lane.is_tangent:
            return self.tangent_of.get(held.world)
        return self.value_of[held.world.values_only()]


def lanes_of(values: Sequence[World], tangents: Sequence[World]) -> Lanes:
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
    value_of: dict[World, int] = {}
    tangent_of: dict[World, int] = {}

    def add_values(world: World) -> int:
        plain = world.values_only()
        if plain not in value_of:
            for other in _held_worlds(plain):
                add_values(other)
            lanes.append(Lane(plain, len(lanes), False))
            value_of[plain] = len(lanes) - 1
        value_of[world] = value_of[plain]
        return value_of[plain]

    def add_tangent(world: World) -> None:
        if world in tangent_of or not _is_infinitesimal(world):
            return
        for other in _held_worlds(world):
            add_tangent(other)
        place = add_values(world)
        lanes.append(Lane(world, place, True))
        tangent_of[world] = len(lanes) - 1

    for world in values:
        add_values(world)
    for world in tangents:
        add_tangent(world)
    return Lanes(tuple(lanes), value_of, tangent_of)


def _held_worlds(world: World) -> list[World]:
    pieces = [piece for found in world.treatments for piece in found]
    return [p.base.world for p in pieces if isinstance(p.base, Held)]


def _is_infinitesimal(world: World) -> bool:
    shifted = (p.shift for pieces in world.treatments for p in pieces)
    return any(s is not None and s.by is None for s in shifted) or any(
        _is_infinitesimal(other) for other in _held_worlds(world)
    )
