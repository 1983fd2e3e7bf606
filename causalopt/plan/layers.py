"""A plan for a network: groups of nodes that share a mechanism, in topological order."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr, Symbol

from causalopt.language.symbols import Parameter
from causalopt.mechanisms.symbolic import Expression
from causalopt.model.columns import Columns, Ints
from causalopt.model.network import Network
from causalopt.model.world import Fixed, Held, Piece, Replaced
from causalopt.plan.block import Block, Input, block
from causalopt.plan.lanes import Lane, Lanes

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
    """Groups by level and mechanism, for all lanes together where no mechanism is replaced.

    Where one is, worlds differ in their graphs, and so in their order: each value lane goes through
    a graph of its own, with its tangents, after those that it may be held to.
    """
    patches = _patches(network, lanes, inputs)
    replaced = {
        i: changes
        for i, lane in enumerate(lanes.lanes)
        if not lane.is_tangent and (changes := _replacements(network, lane))
    }
    everywhere = tuple(range(len(lanes.lanes)))
    if not replaced:
        return list(_part(network.columns, everywhere, patches, with_partials))
    made: list[Group] = []
    for place, lane in enumerate(lanes.lanes):
        if lane.is_tangent:
            continue
        own = tuple(i for i in everywhere if lanes.lanes[i].values == place)
        columns = network.columns
        if place in replaced:
            columns = columns.replaced(replaced[place])
        made += _part(columns, own, [p for p in patches if p.lane in own], with_partials)
    return made


def _part(
    columns: Columns, lanes: tuple[int, ...], patches: Sequence[Patch], with_partials: bool
) -> Iterator[Group]:
    """The groups of some lanes that share a graph."""
    touched = _shared_out(patches, [nodes for *_, nodes in columns.runs], len(columns.kinds))
    for number, (_, kind, nodes) in enumerate(columns.runs):
        made = None if kind < 0 else _block(columns.mechanisms[kind], with_partials)
        yield Group(made, nodes, columns.seen[number], lanes, touched.get(number, ()))


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


def _replacements(network: Network, lane: Lane) -> dict[int, tuple[Expression, list[int]]]:
    """The nodes with another mechanism in this lane: the mechanism, and the ids it sees.

    Where there are such nodes, those that are fixed or held see nothing, lest the arrows that an
    intervention cuts close a cycle.
    """
    treatments = [(piece.base, keys) for (piece,), keys in lane.world.treatments.items()]
    if not any(isinstance(base, Replaced) for base, _ in treatments):
        return {}
    found: dict[int, tuple[Expression, list[int]]] = {}
    for base, keys in treatments:
        if base is not None:
            mechanism = base.mechanism if isinstance(base, Replaced) else _NOTHING
            seen = [network.index[symbol] for symbol in mechanism.arguments]
            found |= {network.index[key]: (mechanism, seen) for key in keys}
    return found


_NOTHING = Expression(sympy.Integer(0))


@functools.lru_cache(maxsize=4096)
def _block(mechanism: Expression, with_partials: bool) -> Block:
    """Value, and the partial derivatives by all arguments, in names of its own."""
    names = [Symbol(f"a{i}", real=True) for i in range(len(mechanism.arguments))]
    swap = dict(zip(mechanism.arguments, names, strict=True))
    return _block_in(tuple(names), mechanism.formula.xreplace(swap), with_partials)


# Differentiated in names of its own, for sympy remembers what it has found out about these.
@functools.lru_cache(maxsize=4096)
def _block_in(names: tuple[Symbol, ...], formula: Expr, with_partials: bool) -> Block:
    renamed = Expression(formula)
    partials = [renamed.partial(name) for name in names] if with_partials else []
    return block(names, {}, [formula, *partials])
