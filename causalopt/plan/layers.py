"""A plan for a network: groups of nodes that share a mechanism, in topological order."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from sympy import Symbol

from causalopt.columns import Ints, levels_of
from causalopt.mechanism import Expression
from causalopt.network import Network
from causalopt.plan.block import Block, Input, block
from causalopt.plan.lanes import Lanes
from causalopt.symbols import Parameter
from causalopt.world import Fixed, Held, Piece, Replaced


@dataclass(frozen=True)
class Patch:
    """What an intervention makes of one node in one lane.

    The node's own value is kept, or it is ``source`` (the id of an input, or the same node in lane
    ``held``; None for zero); then the input ``shift`` is added, or one to a tangent that is seeded.
    """

    lane: int
    node: int
    keep: bool = True
    source: int | None = None
    held: int | None = None
    shift: int | None = None
    seed: bool = False


@dataclass(frozen=True, eq=False)
class Group:
    """Nodes with one mechanism whose arguments are all there: computed in one call.

    ``targets`` (k,) and ``arguments`` (k, a) are ids of nodes and inputs. The block gives the value
    and, where tangents are carried, the partial derivative by each argument. ``lanes`` are the
    lanes that the group is computed in.
    """

    block: Block | None
    targets: Ints
    arguments: Ints
    lanes: tuple[int, ...]
    patches: tuple[Patch, ...]


@dataclass(frozen=True, eq=False)
class Layers:
    """Groups in order, the roots first. Ids below ``nodes`` are nodes, the rest inputs.

    ``lanes`` counts the lanes; ``tangents`` gives the value lane of each tangent lane.
    """

    nodes: int
    inputs: tuple[Input, ...]
    groups: tuple[Group, ...]
    lanes: int
    tangents: Mapping[int, int]


def flatten_network(network: Network, lanes: Lanes) -> Layers:
    """The layers that compute every node of a network in every lane."""
    inputs = _Inputs(network)
    groups = _groups(network, lanes, inputs)
    return Layers(
        nodes=len(network.columns.labels),
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
            drawn = label not in self.network.values
            named = label if drawn or isinstance(label, Parameter) else None
            self._add(("input", label), named, self.network.values.get(label, float("nan")))

    def start(self, node: int) -> int:
        label = self.network.columns.labels[node]
        return self._add(("start", label), None, self.network.values[label])

    def constant(self, value: float | Symbol) -> int:
        if isinstance(value, Symbol):
            return self._add(value, value, float("nan"))
        return self._add(("constant", value), None, value)

    def _add(self, key: object, label: object, value: float) -> int:
        if key not in self.place:
            self.place[key] = len(self.network.columns.labels) + len(self.found)
            self.found.append(Input(Symbol(f"p{len(self.found)}", real=True), label, value))
        return self.place[key]


def _patches(network: Network, lanes: Lanes, inputs: _Inputs) -> dict[int, list[Patch]]:
    """The patches of each node, in the order of the lanes."""
    found: dict[int, list[Patch]] = {}
    for i, lane in enumerate(lanes.lanes):
        for key, (piece,) in lane.world.effects:
            node = network.index[key]
            found.setdefault(node, []).append(_patch(lanes, i, node, piece, inputs))
    return found


def _patch(lanes: Lanes, place: int, node: int, piece: Piece, inputs: _Inputs) -> Patch:
    lane = lanes.lanes[place]
    keep, source, held, shift, seed = True, None, None, None, False
    if isinstance(piece.base, Held):
        keep, held = False, lanes.held_to(lane, piece.base)
    elif isinstance(piece.base, Fixed):
        keep = False
        source = None if lane.is_tangent else inputs.constant(piece.base.value)
    if piece.shift is not None:
        seed = piece.shift.by is None and lane.is_tangent
        if piece.shift.by is not None and not lane.is_tangent:
            shift = inputs.constant(piece.shift.by)
    return Patch(place, node, keep, source, held, shift, seed)


def _groups(network: Network, lanes: Lanes, inputs: _Inputs) -> list[Group]:
    """Groups by level and mechanism; a replaced node has a group of its own in its lanes."""
    columns = network.columns
    patches = _patches(network, lanes, inputs)
    replaced = _replacements(network, lanes)
    extra = [(node, _ids(network, mechanism)) for node, mechanism in replaced]
    levels = columns.levels if not extra else levels_of(columns, extra)
    everywhere = tuple(range(len(lanes.lanes)))
    with_partials = any(lane.is_tangent for lane in lanes.lanes)

    def group(
        mechanism: Expression | None, targets: Ints, arguments: Ints, where: tuple[int, ...]
    ) -> Group:
        made = None if mechanism is None else _block(mechanism, with_partials)
        touched = [p for t in targets.tolist() for p in patches.get(t, ())] if patches else []
        return Group(made, targets, arguments, where, tuple(p for p in touched if p.lane in where))

    found: list[tuple[int, int, Group]] = []
    for level, kind, targets in _by_level_and_kind(levels, columns.kinds):
        if kind < 0:
            sources = [[inputs.start(node)] for node in targets.tolist()]
            made = group(None, targets, np.array(sources, dtype=np.int64), everywhere)
        else:
            mechanism = columns.mechanisms[kind]
            places = columns.offsets[targets][:, None] + np.arange(len(mechanism.arguments))
            made = group(mechanism, targets, columns.arguments[places], everywhere)
        found.append((level, 0, made))
    for (node, mechanism), where in replaced.items():
        arguments = np.array([_ids(network, mechanism)], dtype=np.int64)
        made = group(mechanism, np.array([node]), arguments, where)
        found.append((int(levels[node]), 1, made))
    return [made for *_, made in sorted(found, key=lambda one: one[:2])]


def _by_level_and_kind(levels: Ints, kinds: Ints) -> Iterator[tuple[int, int, Ints]]:
    order = np.lexsort((kinds, levels))
    keys = np.stack([levels[order], kinds[order]])
    cuts = np.flatnonzero((np.diff(keys, axis=1) != 0).any(axis=0)) + 1
    for targets in np.split(order, cuts):
        yield int(levels[targets[0]]), int(kinds[targets[0]]), targets


def _replacements(network: Network, lanes: Lanes) -> dict[tuple[int, Expression], tuple[int, ...]]:
    """The lanes in which a node has another mechanism, per node and mechanism."""
    found: dict[tuple[int, Expression], tuple[int, ...]] = {}
    for i, lane in enumerate(lanes.lanes):
        for key, (piece,) in lane.world.effects:
            if isinstance(piece.base, Replaced):
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
