"""A plan for a network: groups of nodes that share a mechanism, in topological order."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sympy import Integer, Symbol

from causalopt.ground.types import Bools, Floats, Ints
from causalopt.language.symbols import Label, Node, Noise
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.symbolic import Expression
from causalopt.model.columns import Columns
from causalopt.model.network import Network
from causalopt.model.selection import Key
from causalopt.plan.block import Block, Input, single_form
from causalopt.plan.lanes import Lane, Lanes
from causalopt.plan.patches import (
    Form,
    NetworkInputs,
    Patch,
    by_group,
    patches_of,
    treated_nodes,
)


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
    lanes that the group is computed in. A mechanism that goes ``by_index`` has no block; without a
    ``mechanism`` these are roots, which have their ``starts`` as values.
    """

    block: Block | None
    targets: Ints
    arguments: Ints
    lanes: tuple[int, ...]
    patches: tuple[Patch, ...]
    weightings: tuple[Weighting, ...] = ()
    mechanism: Mechanism | None = None

    @functools.cached_property
    def rows(self) -> slice | Ints:
        """The targets, as an index of a table."""
        return _run_of(self.targets)

    @functools.cached_property
    def columns(self) -> tuple[slice | Ints, ...]:
        """The ids of each argument, as indices of a table."""
        return tuple(map(_run_of, self.arguments.T))

    @property
    def is_finite(self) -> bool:
        """Whether it has finite values whatever it sees: the places of a table, as they are."""
        return self.block is None and self.mechanism is not None and not self.patches


def _run_of(ids: Ints) -> slice | Ints:
    """Ids as an index; of such as follow one another as a slice, which copies nothing."""
    is_run = len(ids) > 0 and bool((ids[1:] - ids[:-1] == 1).all())
    return slice(int(ids[0]), int(ids[-1]) + 1) if is_run else ids


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

    @functools.cached_property
    def noises(self) -> tuple[Input, ...]:
        """Those of the inputs that are drawn, each once."""
        return tuple(entry for entry in self.inputs if isinstance(entry.label, Noise))

    @property
    def nodes(self) -> int:
        """The number of nodes."""
        return len(self.labels)

    @functools.cached_property
    def passing(self) -> Mapping[int, Input]:
        """The noises that one node alone sees, in one lane, by a table: they need not be kept.

        No slope and no message asks for them.
        """
        if self.lanes > 1 or not self.groups:
            return {}
        count = np.bincount(np.concatenate([g.arguments.reshape(-1) for g in self.groups]))
        drawn = {self.nodes + i: e for i, e in enumerate(self.inputs) if e in self.noises}
        alone = (g for g in self.groups if g.is_finite and len(g.targets) == 1)
        seen = (i for group in alone for i in group.arguments[0].tolist())
        return {i: drawn[i] for i in seen if i in drawn and count[i] == 1}

    @functools.cached_property
    def rows(self) -> int:
        """How many nodes and inputs are kept: all but the last ones, where these only pass."""
        kept = self.nodes + len(self.inputs)
        while kept - 1 in self.passing:
            kept -= 1
        return kept

    @property
    def drawn(self) -> int:
        """The number of noises that are drawn, each in one or several nodes."""
        labels = (entry.label for entry in self.inputs)
        owners = {label.variable if isinstance(label, Node) else label for label in labels}
        return sum(isinstance(owner, Noise) for owner in owners)

    def carried(self, wanted: Sequence[tuple[int, Key]]) -> Sequence[tuple[int, Key]]:
        """What is recorded of what is wanted: all of it."""
        return wanted

    def culprit(self, place: tuple[int, ...]) -> tuple[int, Key]:
        """The lane and the label of a node, the place of a value that is not finite."""
        lane, node = place
        return lane, self.labels[node]

    def known(self, given: Mapping[int, float]) -> dict[Label, float]:
        """Values of nodes and noises by their labels, from values by ids."""
        drawn = {self.nodes + i: entry.label for i, entry in enumerate(self.inputs)
                 if isinstance(entry.label, Noise | Node)}  # fmt: skip
        labels = {i: self.labels[i] for i in given if i < self.nodes} | drawn
        return {labels[i]: value for i, value in given.items() if i in labels}

    def kept(self, rows: int) -> tuple[int, str]:
        """How many of what a result keeps, as a user counts them."""
        return rows, "nodes"

    def cut_off(self, lane: int) -> Ints:
        """The nodes that no longer answer to their parents in a lane."""
        patches = [patch for group in self.groups for patch in group.patches]
        cut = [patch.nodes for patch in patches if patch.lane == lane and not patch.keep]
        return np.concatenate([np.empty(0, dtype=np.int64), *cut])

    def size(self, points: int, rows: int) -> int:
        """How many numbers a run holds: every node and input in every lane, powers of tangents.

        And what the largest group is computed from, a copy of each argument and the result.
        """
        tables = self.lanes + len(self.tangents)
        table = self.rows
        group = max((g.arguments.size + g.targets.size for g in self.groups), default=0)
        return points * (tables * table + group + len(self.wanted) * rows)


def flatten_network(
    network: Network, lanes: Lanes, wanted: tuple[int, ...] = (), *, with_partials: bool = False
) -> Layers:
    """The layers that compute every node of a network in every lane.

    Blocks give the partial derivatives too where there are tangents, or where they are asked for.
    Plans of networks that are not large are made once.
    """
    is_small = len(network.columns.labels) <= _LARGEST_KEPT
    how = _flattened_kept if is_small else _flattened
    plan = how(network, lanes, wanted, with_partials=with_partials)
    # Labels that are equal may be written in other ways, 1 and 1.0, and are told as they are here.
    labels = network.columns.labels
    return plan if plan.labels is labels else replace(plan, labels=labels)


# A plan of a network with more nodes than this takes as much memory as what is asked of it.
_LARGEST_KEPT = 1 << 12


def _flattened(
    network: Network, lanes: Lanes, wanted: tuple[int, ...], *, with_partials: bool
) -> Layers:
    inputs = NetworkInputs(network)
    with_partials = with_partials or bool(lanes.tangents)
    # First the groups, for these say which inputs there are.
    groups = tuple(_groups(network, lanes, inputs, with_partials))
    return Layers(
        labels=network.columns.labels,
        starts=network.roots.numbers,
        inputs=tuple(inputs.known),
        groups=groups,
        lanes=len(lanes.lanes),
        tangents=lanes.tangents,
        wanted=wanted,
    )


_flattened_kept = functools.lru_cache(maxsize=64)(_flattened)


def _groups(
    network: Network, lanes: Lanes, inputs: NetworkInputs, with_partials: bool
) -> Iterator[Group]:
    """Groups by level and mechanism, for all lanes together where no mechanism is replaced.

    Where one is, worlds differ in their graphs, and so in their order: each value lane goes through
    a graph of its own, with its tangents, after those that it may be held to.
    """
    treated = list(treated_nodes(network, lanes, inputs))
    columns_of = {
        place: network.columns.replaced(changes)
        for place, lane in enumerate(lanes.lanes)
        if not lane.is_tangent and (changes := _replacements(network, lane, inputs))
    }
    everywhere = tuple(range(len(lanes.lanes)))
    if not columns_of:
        yield from _part(network, inputs, network.columns, everywhere, treated, with_partials)
        return
    for place, lane in enumerate(lanes.lanes):
        if lane.is_tangent:
            continue
        own = tuple(i for i in everywhere if lanes.lanes[i].values == place)
        columns = columns_of.get(place, network.columns)
        theirs = [part for part in treated if part[0] in own]
        yield from _part(network, inputs, columns, own, theirs, with_partials)


def _part(
    network: Network,
    inputs: NetworkInputs,
    columns: Columns,
    lanes: tuple[int, ...],
    treated: Sequence[tuple[int, Form, Ints]],
    with_partials: bool,
) -> Iterator[Group]:
    """The groups of some lanes that share a graph."""
    patches = patches_of(treated, columns)
    sets = list(_sets(columns, inputs))
    touched = by_group(patches, [own.nodes for own in sets], len(columns.kinds))
    for number, own in enumerate(sets):
        is_formula = own.mechanism is not None and own.mechanism.by_index is None
        block = _block(own.mechanism, own.moving, with_partials) if is_formula else None
        weightings = tuple(_weightings(network, treated, own.nodes, own.seen))
        yield Group(
            block, own.nodes, own.seen, lanes, touched.get(number, ()), weightings, own.mechanism
        )


@dataclass(frozen=True, eq=False)
class _Alike:
    """Nodes of one level that are computed alike, and what they see: ``moving`` arguments first."""

    mechanism: Mechanism | None
    nodes: Ints
    seen: Ints
    moving: int


def _sets(columns: Columns, inputs: NetworkInputs) -> Iterator[_Alike]:
    """The nodes level by level, those with alike mechanisms together, their numbers as inputs."""
    patterns = _patterns(columns)
    for _, layers in itertools.groupby(enumerate(columns.layers), key=lambda layer: layer[1][0]):
        alike: dict[Mechanism, list[tuple[Ints, Ints, int]]] = {}
        for number, (_, kind, nodes) in layers:
            seen = columns.seen[number]
            if kind not in patterns:
                own = None if kind < 0 else columns.mechanisms[kind]
                yield _Alike(own, nodes, seen, seen.shape[1])
                continue
            mechanism, numbers = patterns[kind]
            places = np.array([inputs.constant(n) for n in numbers], dtype=np.int64)
            both = np.hstack([seen, np.broadcast_to(places, (len(nodes), len(numbers)))])
            alike.setdefault(mechanism, []).append((nodes, both, seen.shape[1]))
        for mechanism, parts in alike.items():
            nodes, seen = (np.concatenate([part[j] for part in parts]) for j in range(2))
            yield _Alike(mechanism, nodes, seen, parts[0][2])


def _patterns(columns: Columns) -> dict[int, tuple[Mechanism, list[float]]]:
    """The pattern of each mechanism that is like another one, and its numbers."""
    kinds: dict[Mechanism, list[tuple[int, list[float]]]] = {}
    for kind, mechanism in enumerate(columns.mechanisms):
        pattern, at = mechanism.pattern()
        numbers = [float(number) for number in at[len(mechanism.arguments) :]]
        kinds.setdefault(pattern, []).append((kind, numbers))
    return {
        kind: (pattern, numbers)
        for pattern, members in kinds.items()
        if len(members) > 1
        for kind, numbers in members
    }


def _weightings(
    network: Network, treated: Sequence[tuple[int, Form, Ints]], targets: Ints, arguments: Ints
) -> Iterator[Weighting]:
    """The gates that some targets of a group see their arguments through."""
    for place, form, nodes in treated:
        gate = form.gate
        if gate is None:
            continue
        rows = np.flatnonzero(np.isin(targets, nodes))
        # A constant has no arguments to weight.
        if not rows.size or not arguments.shape[1] or place == gate.lane:
            continue
        inside = np.array([network.index[stretch.key] for stretch in gate.among], dtype=np.int64)
        # Inputs, whose ids come after those of the nodes, are the same in every lane.
        seen = arguments[rows]
        outside = (seen < len(network.columns.labels)) & ~np.isin(seen, inside)
        yield Weighting(place, gate.lane, gate.weight, rows, outside)


def _replacements(
    network: Network, lane: Lane, inputs: NetworkInputs
) -> dict[int, tuple[Mechanism, list[int]]]:
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
        seen = [inputs.argument(symbol) for symbol in mechanism.arguments]
        changes |= {network.index[key]: (mechanism, seen) for key in keys}
    return changes


_NOTHING = Expression(Integer(0))


@functools.lru_cache(maxsize=4096)
def _block(mechanism: Mechanism, moving: int, with_partials: bool) -> Block:
    """Value, and the partial derivatives by all arguments, in names of its own.

    Those by what comes after the ``moving`` arguments, which are numbers, are zero.
    """
    names = [Symbol(f"a{i}", real=True) for i in range(len(mechanism.arguments))]
    renamed = mechanism.renamed(dict(zip(mechanism.arguments, names, strict=True)))
    return _block_in(tuple(names), renamed, moving, with_partials)


# Differentiated in names of its own, for sympy remembers what it has found out about these.
@functools.lru_cache(maxsize=4096)
def _block_in(
    names: tuple[Symbol, ...], renamed: Mechanism, moving: int, with_partials: bool
) -> Block:
    if not with_partials:
        return single_form(names, {}, [renamed.value({})])
    slopes = renamed.reverse({}, Integer(1))
    partials = [*(slopes[name] for name in names[:moving]), *[Integer(0)] * (len(names) - moving)]
    return single_form(names, {}, [renamed.value({}), *partials])
