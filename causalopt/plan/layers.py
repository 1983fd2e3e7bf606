"""A plan for a network: groups of nodes that share a mechanism, in topological order."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import Symbol

from causalopt.columns import Ints, levels_of, runs_of
from causalopt.mechanism import Expression
from causalopt.network import Network
from causalopt.plan.block import Block, Input, block
from causalopt.plan.lanes import Lane, Lanes
from causalopt.symbols import Parameter
from causalopt.world import Fixed, Held, Piece, Replaced

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Patch:
    """What an intervention makes of nodes in one lane, all in the same way.

    Each node's own value is kept, or it is ``source`` (the ids of inputs, (k,)), or the same node
    in lane ``held``, or, where both are None, zero. Then the inputs ``shift`` (k,) are added, or
    one to tangents that are seeded. ``nodes`` is (k,).
    """

    lane: int
    nodes: Ints
    keep: bool = True
    source: Ints | None = None
    held: int | None = None
    shift: Ints | None = None
    seed: bool = False

    def only(self, which: npt.NDArray[Any]) -> Patch:
        """The same for some of its nodes."""
        source = None if self.source is None else self.source[which]
        shift = None if self.shift is None else self.shift[which]
        return replace(self, nodes=self.nodes[which], source=source, shift=shift)


@dataclass(frozen=True, eq=False)
class Group:
    """Nodes with one mechanism whose arguments are all there: computed in one call.

    ``targets`` (k,) and ``arguments`` (k, a) are ids of nodes and inputs. The block gives the value
    and, where tangents are carried, the partial derivative by each argument. ``lanes`` are the
    lanes that the group is computed in. Without a block these are roots, which have their
    ``starts`` as values.
    """

    block: Block | None
    targets: Ints
    arguments: Ints
    lanes: tuple[int, ...]
    patches: tuple[Patch, ...]


@dataclass(frozen=True, eq=False)
class Layers:
    """Groups in order, the roots first. Ids below ``nodes`` are nodes, the rest inputs.

    ``lanes`` counts the lanes; ``tangents`` gives the value lane of each tangent lane; ``starts``
    (nodes,) holds the values of the roots.
    """

    nodes: int
    starts: Floats
    inputs: tuple[Input, ...]
    groups: tuple[Group, ...]
    lanes: int
    tangents: Mapping[int, int]


def flatten_network(network: Network, lanes: Lanes, *, with_partials: bool = False) -> Layers:
    """The layers that compute every node of a network in every lane.

    Blocks give the partial derivatives too where there are tangents, or where they are asked for.
    """
    inputs = _Inputs(network)
    with_partials = with_partials or any(lane.is_tangent for lane in lanes.lanes)
    groups = _groups(network, lanes, inputs, with_partials)
    return Layers(
        nodes=len(network.columns.labels),
        starts=network.starts,
        inputs=tuple(inputs.found),
        groups=tuple(groups),
        lanes=len(lanes.lanes),
        tangents={i: lane.values for i, lane in enumerate(lanes.lanes) if lane.is_tangent},
    )


@dataclass
class _Inputs:
    """The inputs of one plan: the network's own first, then start values and constants."""

    network: Network
    found: list[Input] = field(default_factory=list)
    place: dict[object, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for label in self.network.columns.inputs:
            drawn = label not in self.network.constants
            named = label if drawn or isinstance(label, Parameter) else None
            self._add(("input", label), named, self.network.constants.get(label, float("nan")))

    def constant(self, value: float | Symbol) -> int:
        if isinstance(value, Symbol):
            return self._add(value, value, float("nan"))
        return self._add(("constant", value), None, value)

    def _add(self, key: object, label: object, value: float) -> int:
        if key not in self.place:
            self.place[key] = len(self.network.columns.labels) + len(self.found)
            self.found.append(Input(Symbol(f"p{len(self.found)}", real=True), label, value))
        return self.place[key]


def _patches(network: Network, lanes: Lanes, inputs: _Inputs) -> list[Patch]:
    """The patches of each lane, nodes that are treated in the same way together."""
    found: dict[tuple[Any, ...], list[tuple[Ints, int, int]]] = {}
    for i, lane in enumerate(lanes.lanes):
        for (piece,), keys in lane.world.treatments.items():
            nodes = np.array([network.index[key] for key in keys], dtype=np.int64)
            form, source, shift = _treatment(lanes, lane, piece, inputs)
            found.setdefault((i, *form), []).append((nodes, source, shift))
    made = []
    for (place, keep, has_source, held, has_shift, seed), alike in found.items():
        nodes = np.concatenate([part for part, *_ in alike])
        many = [len(part) for part, *_ in alike]
        sources = np.repeat([source for _, source, _ in alike], many) if has_source else None
        shifts = np.repeat([shift for *_, shift in alike], many) if has_shift else None
        made.append(Patch(place, nodes, keep, sources, held, shifts, seed))
    return made


def _treatment(
    lanes: Lanes, lane: Lane, piece: Piece, inputs: _Inputs
) -> tuple[tuple[Any, ...], int, int]:
    """The form of a patch (keep, has a source, held, has a shift, seed), its source and shift."""
    keep, source, held, shift, seed = True, -1, None, -1, False
    if isinstance(piece.base, Held):
        keep, held = False, lanes.held_to(lane, piece.base)
    elif isinstance(piece.base, Fixed):
        keep = False
        source = -1 if lane.is_tangent else inputs.constant(piece.base.value)
    if piece.shift is not None:
        seed = piece.shift.by is None and lane.is_tangent
        if piece.shift.by is not None and not lane.is_tangent:
            shift = inputs.constant(piece.shift.by)
    return (keep, source >= 0, held, shift >= 0, seed), source, shift


def _groups(network: Network, lanes: Lanes, inputs: _Inputs, with_partials: bool) -> list[Group]:
    """Groups by level and mechanism; a replaced node has a group of its own in its lanes."""
    columns = network.columns
    patches = _patches(network, lanes, inputs)
    replaced = _replacements(network, lanes)
    extra = [(node, _ids(network, mechanism)) for node, mechanism in replaced]
    levels = columns.levels if not extra else levels_of(columns, extra)
    everywhere = tuple(range(len(lanes.lanes)))
    ranked, seen = columns.runs, columns.seen
    if extra:
        ranked = runs_of(levels, columns.kinds)
        seen = tuple(columns.arguments_of_all(kind, nodes) for _, kind, nodes in ranked)
    elsewhere = np.array([node for node, _ in replaced], dtype=np.int64)
    simple = [patch.only(~np.isin(patch.nodes, elsewhere)) for patch in patches]
    mine = _shared_out(simple, [targets for *_, targets in ranked], len(columns.kinds))
    found: list[tuple[int, int, Group]] = []
    for number, ((level, kind, targets), arguments) in enumerate(zip(ranked, seen, strict=True)):
        made = None if kind < 0 else _block(columns.mechanisms[kind], with_partials)
        found.append((level, 0, Group(made, targets, arguments, everywhere, mine.get(number, ()))))
    last = dict(replaced.keys())
    for (node, mechanism), where in replaced.items():
        arguments = np.array([_ids(network, mechanism)], dtype=np.int64)
        # A lane that is held to another waits until the node is there in all lanes.
        own = [p.only(p.nodes == node) for p in patches if last[node] == mechanism]
        made = _block(mechanism, with_partials)
        touched = tuple(patch for patch in own if patch.nodes.size)
        group = Group(made, np.array([node]), arguments, where, touched)
        found.append((int(levels[node]), 1, group))
    return [made for *_, made in sorted(found, key=lambda one: one[:2])]


def _shared_out(
    patches: Sequence[Patch], groups: Sequence[Ints], nodes: int
) -> dict[int, tuple[Patch, ...]]:
    """The patches of each group, by its number, in the order of the lanes."""
    if not patches:
        return {}
    owner = np.empty(nodes, dtype=np.int64)
    owner[np.concatenate(groups)] = np.repeat(np.arange(len(groups)), [len(g) for g in groups])
    found: dict[int, tuple[Patch, ...]] = {}
    for patch in patches:
        if not patch.nodes.size:
            continue
        owners = owner[patch.nodes]
        order = np.argsort(owners, kind="stable")
        cuts = np.flatnonzero(np.diff(owners[order])) + 1
        for part in np.split(order, cuts):
            number = int(owners[part[0]])
            found[number] = (*found.get(number, ()), patch.only(part))
    return found


def _replacements(network: Network, lanes: Lanes) -> dict[tuple[int, Expression], tuple[int, ...]]:
    """The lanes in which a node has another mechanism, per node and mechanism."""
    found: dict[tuple[int, Expression], tuple[int, ...]] = {}
    for i, lane in enumerate(lanes.lanes):
        for (piece,), keys in lane.world.treatments.items():
            if isinstance(piece.base, Replaced):
                for key in keys:
                    which = (network.index[key], piece.base.mechanism)
                    found[which] = (*found.get(which, ()), i)
    return found


def _ids(network: Network, mechanism: Expression) -> list[int]:
    return [network.index[s] for s in mechanism.arguments]


@functools.lru_cache(maxsize=4096)
def _block(mechanism: Expression, with_partials: bool) -> Block:
    """Value, and the partial derivatives by all arguments, in names of its own."""
    names = [Symbol(f"a{i}", real=True) for i in range(len(mechanism.arguments))]
    swap = dict(zip(mechanism.arguments, names, strict=True))
    results = [mechanism.formula]
    if with_partials:
        results += [mechanism.partial(s) for s in mechanism.arguments]
    return block(names, {}, [r.xreplace(swap) for r in results])
