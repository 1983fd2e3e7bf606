"""What interventions make of a network's nodes: patches of arrays, alike ones together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from sympy import Symbol

from causalopt.ground.errors import QueryError
from causalopt.ground.types import Array, Ints
from causalopt.language.domains import Coded
from causalopt.language.subspaces import Directions, Subspace
from causalopt.language.symbols import Parameter
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.columns import Columns
from causalopt.model.network import Network
from causalopt.model.selection import Key, Stretch
from causalopt.model.treatments import Treatment
from causalopt.model.views import Difference, Gate, Outside
from causalopt.plan.block import Input
from causalopt.plan.lanes import AnyWorld, Lane, Lanes


@dataclass(frozen=True)
class Blend:
    """What a node's value is mixed with: (1 - w) own + w other, w the input ``weight``.

    The other is the same node in ``lane``, less the input ``less`` and, in a tangent lane, less the
    nudge that is made to it there; or the input ``source``; or, where there is neither, zero. Ids
    are -1 for none.
    """

    weight: int
    lane: int | None = None
    source: int = -1
    less: int = -1
    less_nudge: bool = False


@dataclass(frozen=True, eq=False)
class Patch:
    """What an intervention makes of nodes in one lane, all in the same way.

    Each node's own value is kept, or it is ``source`` (the ids of inputs, (k,)), or the same node
    in lane ``held``, or, where both are None, zero. Then it is mixed with other values, one of the
    ``blends`` after another. Then the inputs ``shift`` (k,) are added, or one to tangents that are
    seeded. ``nodes`` is (k,).
    """

    lane: int
    nodes: Ints
    keep: bool = True
    source: Ints | None = None
    held: int | None = None
    blends: tuple[Blend, ...] = ()
    shift: Ints | None = None
    seed: bool = False

    def only(self, which: Array) -> Patch:
        """The same for some of its nodes."""
        source = None if self.source is None else self.source[which]
        shift = None if self.shift is None else self.shift[which]
        return replace(self, nodes=self.nodes[which], source=source, shift=shift)


@dataclass
class NetworkInputs:
    """The inputs of one plan: the network's own first, then start values and constants."""

    network: Network
    known: list[Input] = field(default_factory=list)
    place: dict[object, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for label in self.network.columns.inputs:
            drawn = label not in self.network.parameters
            follows = self.network.formula_of(label) is not None
            named = label if drawn or follows or isinstance(label, Parameter) else None
            self._add(label, named, self.network.parameter_values.get(label, float("nan")))

    def constant(self, value: Outside) -> int:
        """The id of a number from outside; that of a parameter, if it is one of the network's."""
        if isinstance(value, Symbol):
            return self._add(value, value, float("nan"))
        return self._add(("constant", value), None, value)

    def argument(self, symbol: Symbol) -> int:
        """The id of an argument of a mechanism: a node, an input, or a noise that is new here."""
        known = self.network.index.get(symbol)
        return self._add(symbol, symbol, float("nan")) if known is None else known

    def _add(self, key: object, label: object, value: Coded) -> int:
        if key not in self.place:
            self.place[key] = len(self.network.columns.labels) + len(self.known)
            self.known.append(Input(Symbol(f"p{len(self.known)}", real=True), label, value))
        return self.place[key]


@dataclass(frozen=True)
class Passage:
    """A gate in one lane: what comes from nodes that are not ``among`` its own is mixed.

    It is mixed with what it is in ``lane``, or with zero where that is None, by the input
    ``weight``. A node that has no arguments is mixed itself, by ``of_root``.
    """

    lane: int | None
    weight: int
    among: frozenset[Stretch]
    of_root: Blend


@dataclass(frozen=True)
class Form:
    """What a patch does, all but to which nodes; ``source`` and ``shift`` are ids, -1 for none."""

    keep: bool = True
    source: int = -1
    held: int | None = None
    blends: tuple[Blend, ...] = ()
    shift: int = -1
    seed: bool = False
    gate: Passage | None = None


@dataclass(frozen=True)
class _NodeForms:
    """What a node of one lane becomes, as the form of a patch: the view of a network's plan."""

    lanes: Lanes
    lane: Lane
    inputs: NetworkInputs
    key: Key

    def computed(self, mechanism: Mechanism | None, gate: Gate[AnyWorld] | None) -> Form:
        # Another mechanism is a part of the lane's graph already.
        if gate is None:
            return Form()
        other = self.lanes.of_world(self.lane, gate.world)
        (of_root,) = self.mixed(Form(), self.there(gate.world), gate.by).blends
        return Form(gate=Passage(other, self.inputs.constant(gate.by), gate.among, of_root))

    def constant(self, value: Outside) -> Form:
        source = -1 if self.lane.is_tangent else self.inputs.constant(value)
        return Form(keep=False, source=source)

    def copied(self, world: AnyWorld) -> Form:
        return Form(keep=False, held=self.lanes.of_world(self.lane, world))

    def there(self, world: AnyWorld) -> Form:
        # The form of a difference, on what is copied: a blend takes it away again.
        copied, shift = self.copied(world), world.at(self.key).shift
        return copied if shift is None else shift.apply(self, copied)

    def mixed(self, own: Form, other: Form, by: float | Parameter) -> Form:
        weight = self.inputs.constant(by)
        blend = Blend(weight, other.held, other.source, other.shift, other.seed)
        return replace(own, blends=(*own.blends, blend))

    def blended(self, own: Form, other: Form, part: Subspace, by: float) -> Form:
        raise QueryError(f"{part} is a part of an array, and networks hold numbers.")

    def moved(self, term: Form, by: Difference) -> Form:
        return term if self.lane.is_tangent else replace(term, shift=self.inputs.constant(by))

    def nudged(self, term: Form, along: Directions | None) -> Form:
        return replace(term, seed=True) if self.lane.is_tangent else term


def treated_nodes(
    network: Network, lanes: Lanes, inputs: NetworkInputs
) -> Iterator[tuple[int, Form, Ints]]:
    """The lane, the form and the ids of all nodes that something is done to."""
    for place, lane in enumerate(lanes.lanes):
        for (treatment,), keys in lane.world.courses.items():
            for alike in _alike_there(treatment, keys):
                view = _NodeForms(lanes, lane, inputs, alike[0])
                nodes = np.array([network.index[key] for key in alike], dtype=np.int64)
                yield place, treatment.apply(view), nodes


def _alike_there(treatment: Treatment[AnyWorld], keys: Sequence[Key]) -> list[Sequence[Key]]:
    """Keys that are treated alike here, parted by what is done to them behind a gate."""
    gate = None if treatment.base is None else treatment.base.gate_on_it
    if gate is None:
        return [keys]
    parts: dict[object, list[Key]] = {}
    for key in keys:
        parts.setdefault(gate.world.at(key), []).append(key)
    return list(parts.values())


def patches_of(treated: Sequence[tuple[int, Form, Ints]], columns: Columns) -> list[Patch]:
    """The patches of each lane, nodes that are treated in the same way together."""
    alike: dict[tuple[int, Form], list[tuple[Ints, int, int]]] = {}
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
                blends=form.blends,
                shift=shifts if form.shift >= 0 else None,
                seed=form.seed,
            )
        )
    return patches


def _without_gate(form: Form, nodes: Ints, columns: Columns) -> Iterator[tuple[Form, Ints]]:
    """What is done to nodes once a gate has weighted their arguments."""
    if form.gate is None:
        yield form, nodes
        return
    # What has no arguments to weight is weighted itself.
    is_root = columns.kinds[nodes] < 0
    yield replace(form, gate=None, blends=(form.gate.of_root, *form.blends)), nodes[is_root]
    # On the others there may still be a difference, made on top of what they are computed to be.
    yield replace(form, gate=None), nodes[~is_root]


def by_group(
    patches: Sequence[Patch], groups: Sequence[Ints], nodes: int
) -> dict[int, tuple[Patch, ...]]:
    """The patches of each group, by its number, in the order of the lanes."""
    if not patches:
        return {}
    owner = np.empty(nodes, dtype=np.int64)
    owner[np.concatenate(groups)] = np.repeat(np.arange(len(groups)), [len(g) for g in groups])
    shared: dict[int, tuple[Patch, ...]] = {}
    for patch in patches:
        if not patch.nodes.size:
            continue
        owners = owner[patch.nodes]
        # Sorted by group, the nodes of one group are a run between two cuts.
        order = np.argsort(owners, kind="stable")
        cuts = np.flatnonzero(np.diff(owners[order])) + 1
        for part in np.split(order, cuts):
            number = int(owners[part[0]])
            shared[number] = (*shared.get(number, ()), patch.only(part))
    return shared
