"""What a graph's picture shows: its nodes and edges, and in which worlds a node differs.

Two nodes differ by structure where something that differs acts on them. Each node of each world
gets a version, the same for the same history of causes; nothing is run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

import networkx as nx
from sympy import Symbol

from causalopt.ground.errors import QueryError
from causalopt.language.symbols import Next, Node, Noise, Parameter, Stage, Time, Variable
from causalopt.model.network import Network
from causalopt.model.system import System
from causalopt.model.world import Held, Piece, Replaced, World

Causes = Mapping[Any, tuple[Any, ...]]


@dataclass(frozen=True)
class Gap:
    """The steps from ``first`` to ``last`` of one variable or input, left out of a long picture."""

    owner: Any
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
    rows: tuple[Any, ...] = ()

    @property
    def variables(self) -> Set[Any]:
        """The nodes that have parents or could have them."""
        return self.parents.keys()

    @functools.cached_property
    def aside(self) -> Set[Any]:
        """Every input of the picture, in order."""
        return dict.fromkeys(one for found in self.inputs.values() for one in found).keys()

    def shown(self, node: Any) -> Any:
        """What stands for a node on the picture: itself, or the gap that leaves it out."""
        return self._gaps.get(getattr(node, "variable", None), node) if self._hides(node) else node

    def _hides(self, node: Any) -> bool:
        return node not in self.parents and node not in self.aside

    @functools.cached_property
    def _gaps(self) -> dict[Any, Gap]:
        return {one.owner: one for one in (*self.parents, *self.aside) if isinstance(one, Gap)}


def skeleton(model: System | Network, steps: int) -> Skeleton:
    """The nodes of a network, or of a system's first steps, with stages left out."""
    return _of_network(model) if isinstance(model, Network) else _of_system(model, steps)


def _of_network(network: Network) -> Skeleton:
    columns, nodes = network.columns, network.nodes
    known = (*nodes, *columns.inputs)
    order = sorted(range(len(nodes)), key=columns.levels.__getitem__)
    parents: dict[Any, tuple[Any, ...]] = {}
    inputs: dict[Any, tuple[Any, ...]] = {}
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
    parents: dict[Any, tuple[Any, ...]] = {Node(v, 0): () for v in system.variables}
    inputs: dict[Any, tuple[Any, ...]] = {Node(v, 0): () for v in system.variables}
    ordered = [v for v in system.template if v in system.mechanisms]
    depends = {v: system.parents(v) for v in ordered}
    entering = {v: _inputs(system, v) for v in ordered}
    for step in range(1, steps + 1):
        for variable in ordered:
            before, same = (sorted(found, key=str) for found in depends[variable])
            node = Node(variable, step)
            parents[node] = (*(Node(v, step - 1) for v in before), *(Node(v, step) for v in same))
            inputs[node] = tuple(
                Node(one, step - 1) if isinstance(one, Noise | Time) else one
                for one in entering[variable]
            )
    return Skeleton(parents, inputs, tuple(range(steps + 1)), system.variables)


def _inputs(system: System, variable: Variable) -> list[Symbol]:
    """The parameters, noises and time that a variable's mechanism uses, its stages' too."""
    found: dict[Symbol, None] = {}
    waiting, seen = [variable], {variable}
    while waiting:
        for symbol in system.template[waiting.pop()].arguments:
            target = symbol.variable if isinstance(symbol, Next) else None
            if isinstance(target, Stage) and target not in seen:
                waiting.append(target)
                seen.add(target)
            elif isinstance(symbol, Parameter | Noise | Time):
                found[symbol] = None
    return sorted(found, key=str)


def shortened(bones: Skeleton, columns: int) -> Skeleton:
    """The first and last steps of a long picture, with one ``Gap`` a row between them."""
    if len(bones.columns) <= columns:
        return bones
    first, last = (columns + 1) // 2, columns // 2
    begin, hidden, end = bones.columns[:first], bones.columns[first:-last], bones.columns[-last:]
    left_out = set(hidden)
    bounds = [step for step in (hidden[0], hidden[-1]) if step is not None]

    def stand_in(node: Any) -> Any:
        if not isinstance(node, Node) or node.step not in left_out:
            return node
        return Gap(node.variable, *(Node(node.variable, step) for step in bounds))

    def edges(causes: Causes) -> dict[Any, tuple[Any, ...]]:
        made: dict[Any, dict[Any, None]] = {}
        for node, entering in causes.items():
            target = stand_in(node)
            kept = made.setdefault(target, {})
            found = dict.fromkeys(stand_in(one) for one in entering)
            kept.update((one, None) for one in found if {type(one), type(target)} != {Gap})
        return {node: tuple(entering) for node, entering in made.items()}

    return Skeleton(
        edges(bones.parents), edges(bones.inputs), (*begin, None, *end), bones.rows
    )  # fmt: skip


def causes_in(bones: Skeleton, world: World, node: Any) -> tuple[Any, ...]:
    """The parents that a node answers to in a world: none where it is held or set."""
    return _answers_to(bones.parents, bones, world, node)


def inputs_in(bones: Skeleton, world: World, node: Any) -> tuple[Any, ...]:
    """The parameters, noises and times that a node answers to in a world."""
    return _answers_to(bones.inputs, bones, world, node)


def _answers_to(declared: Causes, bones: Skeleton, world: World, node: Any) -> tuple[Any, ...]:
    own = node.first if isinstance(node, Gap) else node
    base = piece_at(world, own).base
    if not isinstance(base, Replaced):
        return declared[node] if base is None else ()
    wanted = bones.variables if declared is bones.parents else bones.aside
    found = (bones.shown(_owner(world, own, symbol)) for symbol in base.mechanism.arguments)
    both = (one for one in found if {type(one), type(node)} != {Gap})
    return tuple(one for one in both if one in wanted)


def _owner(world: World, node: Any, symbol: Symbol) -> Any:
    """The node or input that a symbol of another mechanism stands for."""
    if not isinstance(world.model, System):
        return symbol
    if isinstance(symbol, Next):
        return Node(symbol.variable, node.step)
    timed = isinstance(symbol, Variable | Noise | Time)
    return Node(symbol, node.step - 1) if timed else symbol


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
            for node in self._order(world):
                causes = tuple(found[one] for one in causes_in(self.bones, world, node))
                found[node] = self._version(node, piece_at(world, node), causes)
            self.known[world] = found
        return self.known[world]

    def _order(self, world: World) -> Iterable[Any]:
        """An order in which causes come first; another mechanism can ask for another one."""
        bases = (piece.base for pieces in world.treatments for piece in pieces)
        if not any(isinstance(base, Replaced) for base in bases):
            return self.bones.parents
        graph = nx.DiGraph()
        graph.add_nodes_from(self.bones.parents)
        for node in self.bones.parents:
            graph.add_edges_from((one, node) for one in causes_in(self.bones, world, node))
        return list(nx.topological_sort(graph))

    def _version(self, node: Any, piece: Piece, causes: tuple[int, ...]) -> int:
        if isinstance(piece.base, Held):
            own = self.of(piece.base.world)[node]
        else:
            own = self._number((node, piece.base, causes))
        return own if piece.shift is None else self._number((own, piece.shift))

    def _number(self, history: Any) -> int:
        return self.numbers.setdefault(history, len(self.numbers))


def piece_at(world: World, node: Any) -> Piece:
    """What the interventions of a world do to a node of its picture; of a gap, to its first."""
    if isinstance(node, Gap):
        return piece_at(world, node.first)
    if not isinstance(world.model, System):
        return world.at(node)
    piece = world.at(node.variable, node.step)
    # No mechanism gives the start: another one has no say there either.
    started = node.step == 0 and isinstance(piece.base, Replaced)
    return replace(piece, base=None) if started else piece


def perturbed_within(world: World, gap: Gap) -> list[tuple[Node, Piece]]:
    """The nodes that a gap leaves out and the world perturbs."""
    steps = range(gap.first.step, gap.last.step + 1)
    found = ((node, piece_at(world, node)) for node in (Node(gap.owner, i) for i in steps))
    return [(node, piece) for node, piece in found if piece.shift is not None]


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


def members(model: System | Network, A: Any, steps: int) -> set[Any]:
    """The nodes of a set that a user names; none where it is left out."""
    if A is None:
        return set()
    if isinstance(model, Network):
        return {stretch.key for stretch in model.select(A)}
    return {Node(s.key, i) for s in model.select(A, steps) for i in range(s.start, s.stop)}  # type: ignore[arg-type]  # keys of a system are variables


Name = Callable[[Any], str]


def indexed(node: Any) -> str:
    """A node as users write it: R[3], or its label."""
    return f"{node.variable}[{node.step}]" if isinstance(node, Node) else str(node)


def sliced(node: Any) -> str:
    """A node of the template: R[i], or R[i+1] one step later."""
    if not isinstance(node, Node):
        return str(node)
    return f"{node.variable}[{'i+1' if node.step else 'i'}]"
