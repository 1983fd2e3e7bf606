"""What a graph's picture shows: its nodes and edges, and in which worlds a node differs.

Two nodes differ by structure where something that differs acts on them. Each node of each world
gets a version, the same for the same history of causes; nothing is run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

import networkx as nx
from sympy import Symbol

from causalopt.ground.errors import QueryError
from causalopt.language.symbols import Next, Node, Noise, Parameter, Stage, Time, Variable
from causalopt.model.network import Network
from causalopt.model.system import System
from causalopt.model.world import Held, Piece, Replaced, World

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


def skeleton(model: System | Network, steps: int) -> Skeleton:
    """The nodes of a network, or of a system's first steps, with stages left out."""
    return _of_network(model) if isinstance(model, Network) else _of_system(model, steps)


def _of_network(network: Network) -> Skeleton:
    columns, nodes = network.columns, network.nodes
    known = (*nodes, *columns.inputs)
    # By the length of the longest path to each, so that causes come first.
    order = sorted(range(len(nodes)), key=columns.levels.__getitem__)
    parents: dict[Item, tuple[Item, ...]] = {}
    inputs: dict[Item, tuple[Item, ...]] = {}
    for i in order:
        entering = columns.arguments_of(i).tolist()
        own = [known[j] for j in entering if j < len(nodes)]
        parents[nodes[i]] = tuple(sorted(own, key=str))
        inputs[nodes[i]] = tuple(known[j] for j in entering if j >= len(nodes))
    timed = [node for node in nodes if isinstance(node, Node)]
    if len(timed) < len(nodes):
        return Skeleton(parents, inputs)
    steps = sorted({node.step for node in timed})
    return Skeleton(parents, inputs, tuple(steps), tuple(dict.fromkeys(n.variable for n in timed)))


def _of_system(system: System, steps: int) -> Skeleton:
    parents: dict[Item, tuple[Item, ...]] = {Node(v, 0): () for v in system.variables}
    inputs: dict[Item, tuple[Item, ...]] = {Node(v, 0): () for v in system.variables}
    ordered = [v for v in system.template if v in system.mechanisms]
    depends = {v: system.parents(v) for v in ordered}
    entering = {v: _inputs(system, v) for v in ordered}
    for step in range(1, steps + 1):
        for variable in ordered:
            before, same = (sorted(causes, key=str) for causes in depends[variable])
            node = Node(variable, step)
            parents[node] = (*(Node(v, step - 1) for v in before), *(Node(v, step) for v in same))
            inputs[node] = tuple(
                Node(symbol, step - 1) if isinstance(symbol, Noise | Time) else symbol
                for symbol in entering[variable]
            )
    return Skeleton(parents, inputs, tuple(range(steps + 1)), system.variables)


def _inputs(system: System, variable: Variable) -> list[Symbol]:
    """The parameters, noises and time that a variable's mechanism uses, its stages' too."""
    inputs: dict[Symbol, None] = {}
    waiting, seen = [variable], {variable}
    while waiting:
        for symbol in system.template[waiting.pop()].arguments:
            target = symbol.variable if isinstance(symbol, Next) else None
            if isinstance(target, Stage) and target not in seen:
                waiting.append(target)
                seen.add(target)
            elif isinstance(symbol, Parameter | Noise | Time):
                inputs[symbol] = None
    return sorted(inputs, key=str)


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


def causes_in(bones: Skeleton, world: World, node: Item) -> tuple[Item, ...]:
    """The parents that a node answers to in a world: none where it is held or set."""
    return _answers_to(bones.parents, bones, world, node)


def inputs_in(bones: Skeleton, world: World, node: Item) -> tuple[Item, ...]:
    """The parameters, noises and times that a node answers to in a world."""
    return _answers_to(bones.inputs, bones, world, node)


def _answers_to(declared: Causes, bones: Skeleton, world: World, node: Item) -> tuple[Item, ...]:
    own = node.first if isinstance(node, Gap) else node
    base = piece_at(world, own).base
    if not isinstance(base, Replaced):
        return declared[node] if base is None else ()
    wanted = bones.variables if declared is bones.parents else bones.aside
    causes = (bones.stand_in(_owner(world, own, symbol)) for symbol in base.mechanism.arguments)
    return tuple(c for c in causes if c in wanted and not _both_gaps(c, node))


def _owner(world: World, node: Item, symbol: Symbol) -> Item:
    """The node or input that a symbol of another mechanism stands for."""
    if not isinstance(world.model, System) or not isinstance(node, Node):
        owner: Item = symbol
        return owner
    if isinstance(symbol, Next):
        return Node(symbol.variable, node.step)
    timed = isinstance(symbol, Variable | Noise | Time)
    return Node(symbol, node.step - 1) if timed else symbol


@dataclass
class Versions:
    """A number for each node of each world: equal where the nodes have the same history."""

    bones: Skeleton
    numbers: dict[Hashable, int] = field(default_factory=dict)
    known: dict[World, dict[Item, int]] = field(default_factory=dict)

    def of(self, world: World) -> dict[Item, int]:
        """The version of every node in a world."""
        if world not in self.known:
            versions: dict[Item, int] = {}
            for node in self._order(world):
                causes = tuple(versions[cause] for cause in causes_in(self.bones, world, node))
                versions[node] = self._version(node, piece_at(world, node), causes)
            self.known[world] = versions
        return self.known[world]

    def _order(self, world: World) -> Iterable[Item]:
        """An order in which causes come first; another mechanism can ask for another one."""
        bases = (piece.base for pieces in world.treatments for piece in pieces)
        if not any(isinstance(base, Replaced) for base in bases):
            return self.bones.parents
        graph = nx.DiGraph()
        graph.add_nodes_from(self.bones.parents)
        for node in self.bones.parents:
            graph.add_edges_from((cause, node) for cause in causes_in(self.bones, world, node))
        return list(nx.topological_sort(graph))

    def _version(self, node: Item, piece: Piece, causes: tuple[int, ...]) -> int:
        # A held node has the history that it has in the other world, whatever its causes do here.
        if isinstance(piece.base, Held):
            own = self.of(piece.base.world)[node]
        else:
            own = self._number((node, piece.base, causes))
        return own if piece.shift is None else self._number((own, piece.shift))

    def _number(self, history: Hashable) -> int:
        return self.numbers.setdefault(history, len(self.numbers))


def piece_at(world: World, node: Item) -> Piece:
    """What the interventions of a world do to a node of its picture; of a gap, to its first."""
    if isinstance(node, Gap):
        return piece_at(world, node.first)
    if not isinstance(world.model, System) or not isinstance(node, Node):
        return world.at(node)
    piece = world.at(node.variable, node.step)
    # No mechanism gives the start: another one has no say there either.
    started = node.step == 0 and isinstance(piece.base, Replaced)
    return replace(piece, base=None) if started else piece


def perturbed_within(world: World, gap: Gap) -> list[tuple[Node, Piece]]:
    """The nodes that a gap leaves out and the world perturbs."""
    steps = range(gap.first.step, gap.last.step + 1)
    treated = ((node, piece_at(world, node)) for node in (Node(gap.owner, i) for i in steps))
    return [(node, piece) for node, piece in treated if piece.shift is not None]


def changes(bones: Skeleton, worlds: Sequence[World]) -> list[dict[Item, str]]:
    """For each world, the colour of each node that differs.

    ``red``: it differs from the first world, W. ``green``: in the third world and after, it differs
    from the second, X. So in Y green is what A no longer answers to, as in part 3's pictures.
    """
    known = Versions(bones)
    versions = [known.of(world) for world in worlds]
    colours: list[dict[Item, str]] = []
    for i, own in enumerate(versions):
        differs = {node: "red" for node in own if own[node] != versions[0][node]}
        if i >= 2:
            differs |= {node: "green" for node in own if own[node] != versions[1][node]}
        colours.append(differs)
    return colours


def check_worlds(model: System | Network, worlds: Sequence[World]) -> None:
    """All worlds are of the model that is drawn."""
    for world in worlds:
        if not isinstance(world, World) or world.model is not model:
            raise QueryError("worlds are of another model: draw them with their own.")


def members(model: System | Network, A: object, steps: int) -> set[Item]:
    """The nodes of a set that a user names; none where it is left out."""
    if A is None:
        return set()
    if isinstance(model, Network):
        return {stretch.key for stretch in model.select(A)}
    return {Node(s.key, i) for s in model.select(A, steps) for i in range(s.start, s.stop)}  # type: ignore[arg-type]  # keys of a system are variables


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
