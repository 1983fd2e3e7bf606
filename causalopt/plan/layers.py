"""A plan for a network: groups of nodes that share a mechanism, in topological order."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from sympy import Integer, Symbol

from causalopt.ground.types import Array, Bools, Floats, Ints
from causalopt.language.symbols import Label, Node, Noise, Parameter
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.symbolic import Expression
from causalopt.model.columns import Columns
from causalopt.model.interventions import Gate
from causalopt.model.network import Network
from causalopt.model.selection import Key, Stretch
from causalopt.plan.block import Block, Input, single_form
from causalopt.plan.lanes import AnyWorld, Lane, Lanes


@dataclass(frozen=True, eq=False)
class Patch:
    """What an intervention makes of nodes in one lane, all in the same way.

    Each node's own value is kept, or it is ``source`` (the ids of inputs, (k,)), or the same node
    in lane ``held``, or, where both are None, zero. With ``blend``, a lane (None: zero) and the id
    of an input w, it becomes (1 - w) of that and w of the same node in that lane. Then the inputs
    ``shift`` (k,) are added, or one to tangents that are seeded. ``nodes`` is (k,).
    """

    lane: int
    nodes: Ints
    keep: bool = True
    source: Ints | None = None
    held: int | None = None
    blend: tuple[int | None, int] | None = None
    shift: Ints | None = None
    seed: bool = False

    def only(self, which: Array) -> Patch:
        """The same for some of its nodes."""
        source = None if self.source is None else self.source[which]
        shift = None if self.shift is None else self.shift[which]
        return replace(self, nodes=self.nodes[which], source=source, shift=shift)


@dataclass(frozen=True, eq=False)
class Weighting:
    """Arguments of some nodes of a group that are seen through a gate in one lane.

    Argument j of the node in ``rows[i]`` (k,) of the group is (1 - w) own + w of the same argument
    in lane ``other`` (None: zero) where ``outside[i, j]``; ``weight`` is the id of the input w.
    """

    lane: int
    other: int | None
    weight: int
    rows: Ints
    outside: Bools


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
    weightings: tuple[Weighting, ...] = ()


@dataclass(frozen=True, eq=False)
class Layers:
    """Groups in order, the roots first. Ids below ``len(labels)`` are nodes, the rest inputs.

    ``lanes`` counts the lanes; ``tangents`` gives the value lane of each tangent lane; ``starts``
    (nodes,) holds the values of the roots; ``wanted`` the lanes that are recorded.
    """

    labels: Sequence[Label]
    starts: Floats
    inputs: tuple[Input, ...]
    groups: tuple[Group, ...]
    lanes: int
    tangents: Mapping[int, int]
    wanted: tuple[int, ...] = ()

    #: The noises of a network are among its inputs: each has one value.
    noises: tuple[Input, ...] = ()

    @property
    def nodes(self) -> int:
        """The number of nodes."""
        return len(self.labels)

    def culprit(self, place: tuple[int, ...]) -> tuple[int, Key]:
        """The lane and the label of a node, the place of a value that is not finite."""
        lane, node = place
        return lane, self.labels[node]

    def known(self, given: Mapping[int, float]) -> dict[Label, float]:
        """Values of nodes and noises by their labels, from values by ids."""
        drawn = {self.nodes + i: one.label for i, one in enumerate(self.inputs)
                 if isinstance(one.label, Noise | Node)}  # fmt: skip
        labels = {i: self.labels[i] for i in given if i < self.nodes} | drawn
        return {labels[i]: value for i, value in given.items() if i in labels}

    def size(self, points: int, rows: int) -> int:
        """How many numbers a run holds: every node and input in every lane, powers of tangents.

        And what the largest group is computed from, a copy of each argument and the result.
        """
        tables = self.lanes + len(self.tangents)
        table = self.nodes + len(self.inputs)
        group = max((g.arguments.size + g.targets.size for g in self.groups), default=0)
        return points * (tables * table + group + len(self.wanted) * rows)


def flatten_network(
    network: Network, lanes: Lanes, wanted: tuple[int, ...] = (), *, with_partials: bool = False
) -> Layers:
    """The layers that compute every node of a network in every lane.

    Blocks give the partial derivatives too where there are tangents, or where they are asked for.
    """
    inputs = _Inputs(network)
    with_partials = with_partials or bool(lanes.tangents)
    # First the groups, for these say which inputs there are.
    groups = tuple(_groups(network, lanes, inputs, with_partials))
    return Layers(
        labels=network.columns.labels,
        starts=network.starts,
        inputs=tuple(inputs.known),
        groups=groups,
        lanes=len(lanes.lanes),
        tangents=lanes.tangents,
        wanted=wanted,
    )


@dataclass
class _Inputs:
    """The inputs of one plan: the network's own first, then start values and constants."""

    network: Network
    known: list[Input] = field(default_factory=list)
    place: dict[object, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for label in self.network.columns.inputs:
            drawn = label not in self.network.parameters
            named = label if drawn or isinstance(label, Parameter) else None
            self._add(label, named, self.network.parameters.get(label, float("nan")))

    def constant(self, value: float | Symbol) -> int:
        """The id of a number from outside; that of a parameter, if it is one of the network's."""
        if isinstance(value, Symbol):
            return self._add(value, value, float("nan"))
        return self._add(("constant", value), None, value)

    def _add(self, key: object, label: object, value: float) -> int:
        if key not in self.place:
            self.place[key] = len(self.network.columns.labels) + len(self.known)
            self.known.append(Input(Symbol(f"p{len(self.known)}", real=True), label, value))
        return self.place[key]


# -- what is done to nodes, as patches -------------------------------------------------------------


@dataclass(frozen=True)
class _Form:
    """What a patch does, all but to which nodes; ``source`` and ``shift`` are ids, -1 for none.

    ``gate`` is a lane (None: zero), the id of a weight, and the nodes inside.
    """

    keep: bool = True
    source: int = -1
    held: int | None = None
    blend: tuple[int | None, int] | None = None
    shift: int = -1
    seed: bool = False
    gate: tuple[int | None, int, frozenset[Stretch]] | None = None


@dataclass(frozen=True)
class _NodeForms:
    """What a node of one lane becomes, as the form of a patch: the view of a network's plan."""

    lanes: Lanes
    lane: Lane
    inputs: _Inputs

    def computed(self, mechanism: Mechanism | None, gate: Gate[AnyWorld] | None) -> _Form:
        # Another mechanism is a part of the lane's graph already.
        if gate is None:
            return _Form()
        other = self.lanes.of_world(self.lane, gate.world)
        return _Form(gate=(other, self.inputs.constant(gate.by), gate.among))

    def constant(self, value: float | Symbol) -> _Form:
        source = -1 if self.lane.is_tangent else self.inputs.constant(value)
        return _Form(keep=False, source=source)

    def copied(self, world: AnyWorld) -> _Form:
        return _Form(keep=False, held=self.lanes.of_world(self.lane, world))

    def mixed(self, own: _Form, other: _Form, by: float | Parameter) -> _Form:
        return replace(own, blend=(other.held, self.inputs.constant(by)))

    def moved(self, term: _Form, by: float | Symbol) -> _Form:
        return term if self.lane.is_tangent else replace(term, shift=self.inputs.constant(by))

    def nudged(self, term: _Form) -> _Form:
        return replace(term, seed=True) if self.lane.is_tangent else term


def _treated(network: Network, lanes: Lanes, inputs: _Inputs) -> Iterator[tuple[int, _Form, Ints]]:
    """The lane, the form and the ids of all nodes that something is done to."""
    for place, lane in enumerate(lanes.lanes):
        view = _NodeForms(lanes, lane, inputs)
        for (treatment,), keys in lane.world.courses.items():
            nodes = np.array([network.index[key] for key in keys], dtype=np.int64)
            yield place, treatment.apply(view), nodes


def _patches(treated: Sequence[tuple[int, _Form, Ints]], columns: Columns) -> list[Patch]:
    """The patches of each lane, nodes that are treated in the same way together."""
    alike: dict[tuple[int, _Form], list[tuple[Ints, int, int]]] = {}
    for place, treatment, treated_nodes in treated:
        for form, nodes in _without_gate(treatment, treated_nodes, columns):
            # Sources and shifts may differ from node to node: whether there are any is the form.
            common = replace(form, source=min(form.source, 0), shift=min(form.shift, 0))
            alike.setdefault((place, common), []).append((nodes, form.source, form.shift))
    patches = []
    for (place, form), parts in alike.items():
        counts = [len(nodes) for nodes, *_ in parts]
        sources = np.repeat([source for _, source, _ in parts], counts)
        shifts = np.repeat([shift for *_, shift in parts], counts)
        patches.append(
            Patch(
                lane=place,
                nodes=np.concatenate([nodes for nodes, *_ in parts]),
                keep=form.keep,
                source=sources if form.source >= 0 else None,
                held=form.held,
                blend=form.blend,
                shift=shifts if form.shift >= 0 else None,
                seed=form.seed,
            )
        )
    return patches


def _without_gate(form: _Form, nodes: Ints, columns: Columns) -> Iterator[tuple[_Form, Ints]]:
    """What is done to nodes once a gate has weighted their arguments."""
    if form.gate is None:
        yield form, nodes
        return
    # What has no arguments to weight is weighted itself.
    is_root = columns.kinds[nodes] < 0
    yield replace(form, gate=None, blend=form.gate[:2]), nodes[is_root]
    # On the others there may still be a difference, made on top of what they are computed to be.
    yield replace(form, gate=None), nodes[~is_root]


def _groups(
    network: Network, lanes: Lanes, inputs: _Inputs, with_partials: bool
) -> Iterator[Group]:
    """Groups by level and mechanism, for all lanes together where no mechanism is replaced.

    Where one is, worlds differ in their graphs, and so in their order: each value lane goes through
    a graph of its own, with its tangents, after those that it may be held to.
    """
    treated = list(_treated(network, lanes, inputs))
    columns_of = {
        place: network.columns.replaced(changes)
        for place, lane in enumerate(lanes.lanes)
        if not lane.is_tangent and (changes := _replacements(network, lane))
    }
    everywhere = tuple(range(len(lanes.lanes)))
    if not columns_of:
        yield from _part(network, network.columns, everywhere, treated, with_partials)
        return
    for place, lane in enumerate(lanes.lanes):
        if lane.is_tangent:
            continue
        own = tuple(i for i in everywhere if lanes.lanes[i].values == place)
        columns = columns_of.get(place, network.columns)
        theirs = [part for part in treated if part[0] in own]
        yield from _part(network, columns, own, theirs, with_partials)


def _part(
    network: Network,
    columns: Columns,
    lanes: tuple[int, ...],
    treated: Sequence[tuple[int, _Form, Ints]],
    with_partials: bool,
) -> Iterator[Group]:
    """The groups of some lanes that share a graph."""
    patches = _patches(treated, columns)
    touched = _shared_out(patches, [nodes for *_, nodes in columns.layers], len(columns.kinds))
    for number, (_, kind, nodes) in enumerate(columns.layers):
        block = None if kind < 0 else _block(columns.mechanisms[kind], with_partials)
        seen = columns.seen[number]
        weightings = tuple(_weightings(network, treated, nodes, seen)) if kind >= 0 else ()
        yield Group(block, nodes, seen, lanes, touched.get(number, ()), weightings)


def _weightings(
    network: Network, treated: Sequence[tuple[int, _Form, Ints]], targets: Ints, arguments: Ints
) -> Iterator[Weighting]:
    """The gates that some targets of a group see their arguments through."""
    for place, form, nodes in treated:
        if form.gate is None:
            continue
        rows = np.flatnonzero(np.isin(targets, nodes))
        # A constant has no arguments to weight.
        if not rows.size or not arguments.shape[1] or place == form.gate[0]:
            continue
        other, weight, among = form.gate
        inside = np.array([network.index[stretch.key] for stretch in among], dtype=np.int64)
        # Inputs, whose ids come after those of the nodes, are the same in every lane.
        seen = arguments[rows]
        outside = (seen < len(network.columns.labels)) & ~np.isin(seen, inside)
        yield Weighting(place, other, weight, rows, outside)


def _shared_out(
    patches: Sequence[Patch], groups: Sequence[Ints], nodes: int
) -> dict[int, tuple[Patch, ...]]:
    """The patches of each group, by its number, in the order of the lanes."""
    if not patches:
        return {}
    owner = np.empty(nodes, dtype=np.int64)
    owner[np.concatenate(groups)] = np.repeat(np.arange(len(groups)), [len(g) for g in groups])
    by_group: dict[int, tuple[Patch, ...]] = {}
    for patch in patches:
        if not patch.nodes.size:
            continue
        owners = owner[patch.nodes]
        # Sorted by group, the nodes of one group are a run between two cuts.
        order = np.argsort(owners, kind="stable")
        cuts = np.flatnonzero(np.diff(owners[order])) + 1
        for part in np.split(order, cuts):
            number = int(owners[part[0]])
            by_group[number] = (*by_group.get(number, ()), patch.only(part))
    return by_group


def _replacements(network: Network, lane: Lane) -> dict[int, tuple[Mechanism, list[int]]]:
    """The nodes with another mechanism in this lane: the mechanism, and the ids it sees.

    Where there are such nodes, those that are fixed or held see nothing, lest the arrows that an
    intervention cuts close a cycle.
    """
    bases = [(treatment.base, keys) for (treatment,), keys in lane.world.courses.items()]
    if all(base is None or base.replacement is None for base, _ in bases):
        return {}
    changes: dict[int, tuple[Mechanism, list[int]]] = {}
    for base, keys in bases:
        if base is None or (base.replacement is None and not base.cuts):
            continue
        mechanism = base.replacement or _NOTHING
        seen = [network.index[symbol] for symbol in mechanism.arguments]
        changes |= {network.index[key]: (mechanism, seen) for key in keys}
    return changes


_NOTHING = Expression(Integer(0))


@functools.lru_cache(maxsize=4096)
def _block(mechanism: Mechanism, with_partials: bool) -> Block:
    """Value, and the partial derivatives by all arguments, in names of its own."""
    names = [Symbol(f"a{i}", real=True) for i in range(len(mechanism.arguments))]
    renamed = mechanism.renamed(dict(zip(mechanism.arguments, names, strict=True)))
    return _block_in(tuple(names), renamed, with_partials)


# Differentiated in names of its own, for sympy remembers what it has found out about these.
@functools.lru_cache(maxsize=4096)
def _block_in(names: tuple[Symbol, ...], renamed: Mechanism, with_partials: bool) -> Block:
    slopes = renamed.reverse({}, Integer(1)) if with_partials else {}
    partials = [slopes[name] for name in names] if with_partials else []
    return single_form(names, {}, [renamed.value({}), *partials])
