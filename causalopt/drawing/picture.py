"""What a graph's picture shows: its nodes and edges, and in which worlds a node differs.

Two nodes differ by structure where something that differs acts on them. Each node of each world
gets a version, the same for the same history of causes; nothing is run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

import networkx as nx

from causalopt.ground.errors import QueryError
from causalopt.language.subspaces import Directions, Subspace
from causalopt.language.symbols import Node, Noise, Parameter, Time, Variable
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.interface import Model
from causalopt.model.shifting import Shift
from causalopt.model.treatments import Treatment
from causalopt.model.views import Difference, Gate, Outside
from causalopt.model.world import World

AnyWorld = World[Model]
#: What a mark stands for: a node, by its label or its step; an input; or a gap.
Item = Hashable
#: For each item, those with an arrow to it.
Causes = Mapping[Item, tuple[Item, ...]]


@dataclass(frozen=True)
class Gap:
    """The steps from ``first`` to ``last`` of one variable or input, left out of a long picture."""

    owner: Variable | Noise | Time
    first: Node
    last: Node


@dataclass(frozen=True)
class Skeleton:
    """Nodes in topological order with their parents.

    ``inputs`` holds the parameters, noises and times that enter each node. ``columns`` are the
    steps from left to right, None for those left out, and ``rows`` the variables from top to
    bottom; both are empty where the nodes have no time.
    """

    parents: Causes
    inputs: Causes
    columns: tuple[int | None, ...] = ()
    rows: tuple[Variable | Noise | Time, ...] = ()

    @property
    def variables(self) -> Set[Item]:
        """The nodes that have parents or could have them."""
        return self.parents.keys()

    @functools.cached_property
    def aside(self) -> Set[Item]:
        """Every input of the picture, in order."""
        return dict.fromkeys(item for entering in self.inputs.values() for item in entering).keys()

    def stand_in(self, node: Item) -> Item:
        """What stands for a node on the picture: itself, or the gap that leaves it out."""
        return self._gaps.get(getattr(node, "variable", None), node) if self._hides(node) else node

    def _hides(self, node: Item) -> bool:
        return node not in self.parents and node not in self.aside

    @functools.cached_property
    def _gaps(self) -> dict[Item, Gap]:
        items = (*self.parents, *self.aside)
        return {item.owner: item for item in items if isinstance(item, Gap)}


def skeleton(model: Model, steps: int, *, written: bool = False) -> Skeleton:
    """The nodes of a network, or of a system's first steps, with stages left out.

    Arrows are those that reach a node by inner stages too, or, as ``written``, its formula's own.
    """
    wiring = model.wiring(steps, written=written)
    return Skeleton(wiring.parents, wiring.inputs, wiring.steps, wiring.variables)


def shorten(bones: Skeleton, columns: int) -> Skeleton:
    """The first and last steps of a long picture, with one ``Gap`` a row between them."""
    if len(bones.columns) <= columns:
        return bones
    first, last = (columns + 1) // 2, columns // 2
    begin, hidden, end = bones.columns[:first], bones.columns[first:-last], bones.columns[-last:]
    left_out = set(hidden)
    bounds = [step for step in (hidden[0], hidden[-1]) if step is not None]

    def stand_in(node: Item) -> Item:
        if not isinstance(node, Node) or node.step not in left_out:
            return node
        return Gap(node.variable, *(Node(node.variable, step) for step in bounds))

    def edges(causes: Causes) -> dict[Item, tuple[Item, ...]]:
        merged: dict[Item, dict[Item, None]] = {}
        for node, entering in causes.items():
            target = stand_in(node)
            kept = merged.setdefault(target, {})
            sources = dict.fromkeys(stand_in(cause) for cause in entering)
            # What goes on among the steps left out has no arrow: gaps lead to no gaps.
            kept.update((source, None) for source in sources if not _both_gaps(source, target))
        return {node: tuple(entering) for node, entering in merged.items()}

    steps = (*begin, None, *end)
    return Skeleton(edges(bones.parents), edges(bones.inputs), steps, bones.rows)


def _both_gaps(source: Item, target: Item) -> bool:
    return isinstance(source, Gap) and isinstance(target, Gap)


def causes_in(bones: Skeleton, world: AnyWorld, node: Item) -> tuple[Item, ...]:
    """The parents that a node answers to in a world: none where it is held or set."""
    return _answers_to(bones.parents, bones, world, node)


def inputs_in(bones: Skeleton, world: AnyWorld, node: Item) -> tuple[Item, ...]:
    """The parameters, noises and times that a node answers to in a world."""
    return _answers_to(bones.inputs, bones, world, node)


def _answers_to(declared: Causes, bones: Skeleton, world: AnyWorld, node: Item) -> tuple[Item, ...]:
    base = treatment_at(world, node).base
    return declared[node] if base is None else base.apply(_Arrows(declared, bones, world, node))


@dataclass(frozen=True)
class _Arrows:
    """The items that a node answers to: the view of a picture's arrows."""

    declared: Causes
    bones: Skeleton
    world: AnyWorld
    node: Item

    def computed(
        self, mechanism: Mechanism | None, gate: Gate[AnyWorld] | None
    ) -> tuple[Item, ...]:
        if mechanism is None:
            return self.declared[self.node]
        model = self.world.model
        names = model.account(*model.key_of(first_of(self.node)), mechanism).names
        wanted = self.bones.variables if self.declared is self.bones.parents else self.bones.aside
        owners = (names[symbol] for symbol in mechanism.arguments)
        causes = (self.bones.stand_in(owner) for owner in owners)
        return tuple(c for c in causes if c in wanted and not _both_gaps(c, self.node))

    def constant(self, value: Outside) -> tuple[Item, ...]:
        return ()

    def copied(self, world: AnyWorld) -> tuple[Item, ...]:
        return ()

    def there(self, world: AnyWorld) -> tuple[Item, ...]:
        return ()

    def mixed(
        self, own: tuple[Item, ...], other: tuple[Item, ...], by: float | Parameter
    ) -> tuple[Item, ...]:
        return own

    def blended(
        self, own: tuple[Item, ...], other: tuple[Item, ...], part: Subspace, by: float
    ) -> tuple[Item, ...]:
        return own

    def moved(self, term: tuple[Item, ...], by: Difference) -> tuple[Item, ...]:
        return term

    def nudged(self, term: tuple[Item, ...], along: Directions | None) -> tuple[Item, ...]:
        return term


@dataclass
class Versions:
    """A number for each node of each world: equal where the nodes have the same history."""

    bones: Skeleton
    numbers: dict[Hashable, int] = field(default_factory=dict)
    known: dict[AnyWorld, dict[Item, int]] = field(default_factory=dict)

    def of(self, world: AnyWorld) -> dict[Item, int]:
        """The version of every node in a world."""
        if world not in self.known:
            versions: dict[Item, int] = {}
            for node in self._order(world):
                causes = causes_in(self.bones, world, node)
                history = _Histories(self, node, causes, versions)
                versions[node] = treatment_at(world, node).apply(history)
            self.known[world] = versions
        return self.known[world]

    def _order(self, world: AnyWorld) -> Iterable[Item]:
        """An order in which causes come first; another mechanism can ask for another one."""
        bases = [treatment.base for treatment in world.treatments]
        if all(base is None or base.replacement is None for base in bases):
            return self.bones.parents
        graph = nx.DiGraph()
        graph.add_nodes_from(self.bones.parents)
        for node in self.bones.parents:
            graph.add_edges_from((cause, node) for cause in causes_in(self.bones, world, node))
        return list(nx.topological_sort(graph))

    def number(self, *history: Hashable) -> int:
        """The number of a history, the same for the same one."""
        return self.numbers.setdefault(history, len(self.numbers))


@dataclass(frozen=True)
class _Histories:
    """The version of a node by what it comes from: the view of what differs between worlds."""

    versions: Versions
    node: Item
    causes: tuple[Item, ...]
    here: Mapping[Item, int]

    def computed(self, mechanism: Mechanism | None, gate: Gate[AnyWorld] | None) -> int:
        seen = tuple(self.here[cause] for cause in self.causes)
        if gate is None:
            return self.versions.number(self.node, mechanism, seen)
        there = self.versions.of(gate.world)
        # Behind a gate to what is the same anyway, a node is what it would be without one.
        other = tuple(there[cause] for cause in self.causes)
        weight = () if other == seen else (gate.by, other)
        return self.versions.number(self.node, mechanism, seen, *weight)

    def constant(self, value: Outside) -> int:
        return self.versions.number(self.node, value)

    def copied(self, world: AnyWorld) -> int:
        # A held node has the history that it has there, whatever its causes do here.
        return self.versions.of(world)[self.node]

    def there(self, world: AnyWorld) -> int:
        treatment = treatment_at(world, self.node)
        here = self.versions.of(world)
        unshifted = replace(treatment, shift=None)
        causes = causes_in(self.versions.bones, world, self.node)
        return unshifted.apply(_Histories(self.versions, self.node, causes, here))

    def mixed(self, own: int, other: int, by: float | Parameter) -> int:
        return own if own == other else self.versions.number(own, other, by)

    def blended(self, own: int, other: int, part: Subspace, by: float) -> int:
        return own if own == other else self.versions.number(own, other, part, by)

    def moved(self, term: int, by: Difference) -> int:
        return self.versions.number(term, "moved", by)

    def nudged(self, term: int, along: Directions | None) -> int:
        return self.versions.number(term, "nudged", along)


def first_of(item: Item) -> Item:
    """The node itself; of a gap, the first that it leaves out."""
    return item.first if isinstance(item, Gap) else item


def treatment_at(world: AnyWorld, node: Item) -> Treatment[AnyWorld]:
    """What the interventions of a world do to a node of its picture; of a gap, to its first."""
    key, step = world.model.key_of(first_of(node))
    treatment = world.at(key, step)
    replacement = None if treatment.base is None else treatment.base.replacement
    if replacement is None:
        return treatment
    # No mechanism gives the start: another one has no say there either.
    started = world.model.account(key, step, replacement).start is not None
    return replace(treatment, base=None) if started else treatment


def perturbed_within(world: AnyWorld, gap: Gap) -> list[tuple[Node, Shift]]:
    """The nodes that a gap leaves out and the world perturbs, each with what is added."""
    nodes = [Node(gap.owner, step) for step in range(gap.first.step, gap.last.step + 1)]
    shifts = [(node, treatment_at(world, node).shift) for node in nodes]
    return [(node, shift) for node, shift in shifts if shift is not None]


def changes(bones: Skeleton, worlds: Sequence[AnyWorld]) -> list[dict[Item, str]]:
    """For each world, the colour of each node that differs.

    ``red``: it differs from the first world, W. ``green``: in the third world and after, it differs
    from the second, X, and is as in W: what is held, and what hears of the nudge by A alone.
    ``both``: it differs from W and from X, so that the nudge reaches it, and A's answer is missed.
    """
    known = Versions(bones)
    versions = [known.of(world) for world in worlds]
    colours: list[dict[Item, str]] = []
    for i, own in enumerate(versions):
        from_w = {node for node in own if own[node] != versions[0][node]}
        from_x = {node for node in own if i >= 2 and own[node] != versions[1][node]}
        colours.append(
            dict.fromkeys(from_w - from_x, "red")
            | dict.fromkeys(from_x - from_w, "green")
            | dict.fromkeys(from_x & from_w, "both")
        )
    return colours


def check_worlds(model: Model, worlds: Sequence[AnyWorld]) -> None:
    """All worlds are of the model that is drawn."""
    if not isinstance(worlds, Sequence):
        raise QueryError(f"worlds is {worlds!r}: write a list of worlds, such as [W, X].")
    for world in worlds:
        if not isinstance(world, World) or world.model != model:
            raise QueryError("worlds are of another model: draw them with their own.")


def members(model: Model, A: object, steps: int) -> set[Item]:
    """The nodes of a set that a user names; none where it is left out."""
    if A is None:
        return set()
    stretches = model.select(A, steps)
    return {model.label(s.key, i) for s in stretches for i in range(s.start, s.stop)}


#: How an item is written on the picture.
Name = Callable[[Item], str]


def name_by_step(node: Item) -> str:
    """A node as users write it: R[3], or its label."""
    return f"{node.variable}[{node.step}]" if isinstance(node, Node) else str(node)


def name_by_slice(node: Item) -> str:
    """A node of the template: R[i], or R[i+1] one step later."""
    if not isinstance(node, Node):
        return str(node)
    return f"{node.variable}[{'i+1' if node.step else 'i'}]"
