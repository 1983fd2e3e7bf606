"""What a graph's picture shows: its nodes and edges, and in which worlds a node differs.

Two nodes differ by structure where something that differs acts on them. Each node of each world
gets a version, the same for the same history of causes; nothing is run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from causalopt.errors import QueryError
from causalopt.network import Network
from causalopt.symbols import Node
from causalopt.system import System
from causalopt.world import Held, Piece, World


@dataclass(frozen=True)
class Skeleton:
    """Nodes in topological order with their parents, and where each stands: (column, row)."""

    parents: Mapping[Any, tuple[Any, ...]]
    places: Mapping[Any, tuple[int, int]]

    @property
    def has_time(self) -> bool:
        """Whether the nodes stand on a grid of steps and variables."""
        return bool(self.places)


def skeleton(model: System | Network, steps: int) -> Skeleton:
    """The nodes of a network, or of a system's first steps, with stages left out."""
    if isinstance(model, Network):
        levels = model.columns.levels
        order = sorted(range(len(model.nodes)), key=lambda i: int(levels[i]))
        nodes = [model.nodes[i] for i in order]
        return Skeleton({n: tuple(sorted(model.parents(n), key=str)) for n in nodes}, {})
    parents: dict[Any, tuple[Any, ...]] = {Node(v, 0): () for v in model.variables}
    ordered = [v for v in model.template if v in model.mechanisms]
    depends = {v: model.parents(v) for v in ordered}
    for step in range(1, steps + 1):
        for variable in ordered:
            before, same = (sorted(found, key=str) for found in depends[variable])
            parents[Node(variable, step)] = (
                *(Node(v, step - 1) for v in before),
                *(Node(v, step) for v in same),
            )
    rows = {v: i for i, v in enumerate(model.variables)}
    return Skeleton(parents, {n: (n.step, rows[n.variable]) for n in parents})


@dataclass
class Versions:
    """A number for each node of each world: equal where the nodes have the same history."""

    bones: Skeleton
    numbers: dict[Any, int] = field(default_factory=dict)
    known: dict[World, dict[Any, int]] = field(default_factory=dict)

    def of(self, world: World) -> dict[Any, int]:
        """The version of every node in a world."""
        if world not in self.known:
            found: dict[Any, int] = {}
            for node, parents in self.bones.parents.items():
                piece = piece_at(world, node)
                causes = tuple(found[parent] for parent in parents)
                found[node] = self._version(node, piece, causes)
            self.known[world] = found
        return self.known[world]

    def _version(self, node: Any, piece: Piece, causes: tuple[int, ...]) -> int:
        if isinstance(piece.base, Held):
            own = self.of(piece.base.world)[node]
        else:
            own = self._number((node, piece.base, causes if piece.base is None else ()))
        return own if piece.shift is None else self._number((own, piece.shift))

    def _number(self, history: Any) -> int:
        return self.numbers.setdefault(history, len(self.numbers))


def piece_at(world: World, node: Any) -> Piece:
    """What the interventions of a world do to a node of its picture."""
    if isinstance(world.model, System):
        return world.at(node.variable, node.step)
    return world.at(node)


def changes(bones: Skeleton, worlds: Sequence[World]) -> list[dict[Any, str]]:
    """For each world, the colour of each node that differs.

    ``red``: it differs from the first world, W. ``green``: in the third world and after, it differs
    from the second, X. So in Y green is what A no longer answers to, as in part 3's pictures.
    """
    versions = Versions(bones)
    found = [versions.of(world) for world in worlds]
    made: list[dict[Any, str]] = []
    for i, own in enumerate(found):
        colours = {node: "red" for node in own if own[node] != found[0][node]}
        if i >= 2:
            colours |= {node: "green" for node in own if own[node] != found[1][node]}
        made.append(colours)
    return made


def check_worlds(model: System | Network, worlds: Sequence[World]) -> None:
    """All worlds are of the model that is drawn."""
    for world in worlds:
        if not isinstance(world, World) or world.model is not model:
            raise QueryError("worlds are of another model: draw them with their own.")
