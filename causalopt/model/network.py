"""A causal network without time: an immutable directed acyclic graph of nodes with mechanisms."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

import networkx as nx
import numpy as np
import numpy.typing as npt
from sympy import Expr, Symbol

from causalopt.ground.errors import DeclarationError, QueryError, nearest
from causalopt.language import typeset
from causalopt.language.finite_variables import shown, tex
from causalopt.language.symbols import Node, NodeSet, Parameter, Stage, Variable
from causalopt.language.tables import Table
from causalopt.mechanisms.symbolic import Expression
from causalopt.model.arrays import Floats, from_arrays, start_values, template
from causalopt.model.columns import Binding, Columns, Ints, Label, Places, bind, edges
from causalopt.model.declaration import (
    check_formulas,
    check_seed,
    check_symbols,
    mechanism_of,
    noises_of,
    number,
    numbers,
)
from causalopt.model.world import Key, Stretch, World


class Network:
    """Nodes with mechanisms and no time: ``Network({c: a + b, e: sin(c)}, start={a: 1, b: 2})``.

    Parents come from the free symbols of each formula. Variables without a mechanism are roots and
    need a value in ``start``; parameters need one in ``parameters``. Raises ``DeclarationError``
    for a cycle (named node by node), an unknown symbol, and a value that is missing or not finite.

    >>> from sympy import sin
    >>> from causalopt.language.symbols import variables
    >>> a, b, c, e = variables("a b c e")
    >>> network = Network({c: a + b, e: sin(c)}, start={a: 1, b: 2})
    >>> sorted(network.ancestors(e), key=str)
    [a, b, c]
    """

    def __init__(
        self,
        mechanisms: Mapping[Variable, Expr | float | Table],
        *,
        start: Mapping[Variable, float | str],
        parameters: Mapping[Parameter, float] | None = None,
    ) -> None:
        formulas = check_formulas(mechanisms, same_step=False)
        values = numbers(start, Variable, "start")
        constants = numbers(parameters or {}, Parameter, "parameters")
        known = {*formulas, *values, *constants}
        check_symbols(formulas, known, "give it a mechanism, or a value in start=")
        both = [str(v) for v in values if v in formulas]
        if both:
            raise DeclarationError(
                f"{', '.join(both)}: has a mechanism and a value in start. A node of a network "
                "without time has one or the other."
            )
        labels = (*values, *formulas)
        roots: list[Binding | None] = [None] * len(values)
        bindings: list[Binding | None] = [(f, f.arguments) for f in formulas.values()]
        noises = noises_of(formulas.values())
        columns = bind(labels, (*constants, *noises), roots + bindings)
        self._set(columns, {**values, **constants})

    def _set(self, columns: Columns, values: Mapping[Label, float]) -> None:
        roots = np.flatnonzero(columns.kinds < 0)
        starts = np.full(len(columns.labels), np.nan)
        starts[roots] = [values[columns.labels[i]] for i in roots.tolist()]
        self._set_columns(columns, starts, {x: values[x] for x in columns.inputs if x in values})

    def _set_columns(
        self, columns: Columns, starts: Floats, constants: Mapping[Label, float]
    ) -> None:
        starts.setflags(write=False)
        self.columns = columns
        self.starts = starts
        self.constants = dict(constants)

    @classmethod
    def from_columns(cls, columns: Columns, values: Mapping[Label, float]) -> Network:
        """A network from ready columns, and the values of its roots and inputs."""
        made = cls.__new__(cls)
        made._set(columns, values)
        return made

    @classmethod
    def from_arrays(
        cls,
        mechanisms: Sequence[Callable[..., Expr]],
        kinds: npt.ArrayLike,
        parents: npt.ArrayLike,
        *,
        start: npt.ArrayLike,
        parameters: Mapping[Parameter, float] | None = None,
        labels: Sequence[Label] | None = None,
    ) -> Network:
        """A large network from arrays: which mechanism each node has, and which nodes it sees.

        ``mechanisms`` are functions that take one symbol per parent and give an expression.
        ``kinds`` (n,) names the mechanism of each node by its place, -1 for a root. ``parents``
        (n, p) holds the places of each node's parents in the order in which its mechanism takes
        them, -1 where there are fewer than p; nodes of one kind have the same number of parents.
        ``start`` (n,) holds the values of the roots, the rest of it is ignored; one number serves
        for all. ``labels`` are 0 to n - 1 where they are left out.

        Raises ``DeclarationError`` for a cycle, arrays that do not fit together, and a root without
        a finite value.

        >>> from sympy import tanh
        >>> network = Network.from_arrays(
        ...     [lambda u: 2 * u, lambda u, v: tanh(u - v)],
        ...     kinds=[-1, 0, 1],
        ...     parents=[[-1, -1], [0, -1], [0, 1]],
        ...     start=0.5,
        ... )
        >>> network.formula(2)
        tanh(0 - 1)
        """
        constants = numbers(parameters or {}, Parameter, "parameters")
        named = range(len(np.asarray(kinds))) if labels is None else labels
        columns = from_arrays(mechanisms, kinds, parents, tuple(constants), named)
        starts = start_values(columns, start)
        made = cls.__new__(cls)
        made._set_columns(columns, starts, constants)
        return made

    @classmethod
    def from_graph(
        cls,
        graph: nx.DiGraph,
        mechanism: Callable[..., Expr],
        *,
        start: Mapping[Label, float],
        parameters: Mapping[Parameter, float] | None = None,
    ) -> Network:
        """One mechanism bound to every node of a directed graph that has parents.

        ``mechanism`` takes one symbol per parent, in the graph's order of predecessors, and gives
        an expression; it is called once for each number of parents. Labels are the graph's own.

        >>> import networkx as nx
        >>> from sympy import tanh
        >>> chain = nx.DiGraph([("in", "mid"), ("mid", "out")])
        >>> network = Network.from_graph(chain, lambda *u: tanh(sum(u)), start={"in": 0.5})
        >>> network.parents("out")
        {'mid'}
        """
        if not isinstance(graph, nx.DiGraph):
            raise DeclarationError(
                f"from_graph takes a networkx.DiGraph, not {type(graph).__name__}: "
                "edges run from cause to effect."
            )
        constants = numbers(parameters or {}, Parameter, "parameters")
        roots = [label for label in graph if graph.in_degree(label) == 0]
        values = {label: _given(start, label) for label in roots}
        extra = [label for label in start if label not in values]
        if extra:
            raise DeclarationError(
                f"start gives a value for {extra[0]!r}, which is no root of the graph."
                + nearest(extra[0], roots)
            )
        shared = functools.cache(functools.partial(template, mechanism, tuple(constants)))
        bindings: list[Binding | None] = []
        for label in graph:
            parents = tuple(graph.predecessors(label))
            if not parents:
                bindings.append(None)
                continue
            made, slots = shared(len(parents))
            place = dict(zip(slots, parents, strict=True))
            bindings.append((made, tuple(place.get(s, s) for s in made.arguments)))
        columns = bind(tuple(graph), tuple(constants), bindings)
        return cls.from_columns(columns, {**values, **constants})

    # -- what it looks like ----------------------------------------------------------------------

    @property
    def nodes(self) -> Sequence[Label]:
        """All nodes, roots among them; parameters and times are inputs, not nodes."""
        return self.columns.labels

    @property
    def drawn(self) -> tuple[Label, ...]:
        """The inputs that are drawn by chance, in place of having a value."""
        return tuple(label for label in self.columns.inputs if label not in self.constants)

    @functools.cached_property
    def index(self) -> Mapping[Label, int]:
        """The place of each node and input in the columns."""
        return Places(self.columns.labels, self.columns.inputs)

    def value(self, label: Label) -> float:
        """The value of a root or input."""
        known = self.constants.get(label)
        return float(self.starts[self.index[label]]) if known is None else known

    @functools.cached_property
    def graph(self) -> nx.DiGraph:
        """The ``networkx.DiGraph`` of the nodes, edges from cause to effect; inputs left out."""
        made = nx.DiGraph()
        made.add_nodes_from(self.nodes)
        sources, targets = self.edges()
        labels = self.nodes
        made.add_edges_from(
            (labels[s], labels[t]) for s, t in zip(sources.tolist(), targets.tolist(), strict=True)
        )
        return made

    def edges(self) -> tuple[Ints, Ints]:
        """Sources and targets of all edges between nodes, as arrays of ids."""
        return edges(self.columns)

    def parents(self, node: Label) -> set[Label]:
        """The nodes that enter this node's mechanism."""
        return set(self.graph.predecessors(self.locate(node)))

    def children(self, node: Label) -> set[Label]:
        """The nodes whose mechanism this node enters."""
        return set(self.graph.successors(self.locate(node)))

    def causes(self) -> dict[str, list[str]]:
        """The graph in words: for each node that has parents, their names."""
        found = {node: sorted(map(str, self.parents(node))) for node in self.nodes}
        return {str(node): parents for node, parents in found.items() if parents}

    def ancestors(self, node: Label) -> set[Label]:
        """All nodes upstream of this node, itself left out."""
        found: set[Label] = nx.ancestors(self.graph, self.locate(node))
        return found

    def descendants(self, node: Label) -> set[Label]:
        """All nodes downstream of this node, itself left out."""
        found: set[Label] = nx.descendants(self.graph, self.locate(node))
        return found

    def d_separated(
        self, x: Label | Iterable[Label], y: Label | Iterable[Label], given: Iterable[Label] = ()
    ) -> bool:
        """Whether every path between x and y is blocked by ``given`` (Pearl 1988).

        >>> from causalopt.language.symbols import variables
        >>> a, b, c = variables("a b c")
        >>> chain = Network({b: 2 * a, c: b + 1}, start={a: 1})
        >>> chain.d_separated(a, c), chain.d_separated(a, c, given=[b])
        (False, True)
        """
        sets = [self._set_of(x), self._set_of(y), self._set_of(given)]
        separated: bool = nx.is_d_separator(self.graph, *sets)
        return separated

    def _set_of(self, given: Label | Iterable[Label]) -> set[Label]:
        if isinstance(given, Hashable) and given in self.index:
            return {given}
        if isinstance(given, list | tuple | set | frozenset):
            return {self.locate(one) for one in given}
        return {self.locate(given)}

    def world(self, *, seed: int = 0) -> World:
        """The world W: this network as declared, with the draws of its noise that a seed gives.

        >>> from causalopt.language.symbols import variables
        >>> a, b = variables("a b")
        >>> Network({b: 2 * a}, start={a: 1}).world().do(b, 5)
        World of Network, steps=None
            b: do 5.0
        """
        return World(self, None, seed=check_seed(seed))

    def select(self, target: object, steps: int | None = None) -> tuple[Stretch, ...]:
        """The nodes that a user names: a label, a variable over time (unrolled), or a list.

        Where a variable of an unrolled system is named over steps, its Runge-Kutta stages between
        two of these steps come along.
        """
        if isinstance(target, Hashable) and target in self.index:
            return (Stretch(self.locate(target), 0, 1),)
        if isinstance(target, np.ndarray):
            target = target.tolist()
        if isinstance(target, range) and len(target):
            return tuple(Stretch(self.locate(one), 0, 1) for one in target)
        if isinstance(target, list | tuple | set | frozenset) and target:
            return tuple(s for one in target for s in self.select(one))
        if isinstance(target, NodeSet | Variable):
            found = self._over_time(
                target if isinstance(target, NodeSet) else NodeSet(target, 0, None)
            )
            if found:
                return found
        self.locate(target)
        raise AssertionError("locate refuses what is no node")

    def _over_time(self, nodes: NodeSet) -> tuple[Stretch, ...]:
        stop = math.inf if nodes.stop is None else nodes.stop
        found = []
        for label in self.nodes:
            if not isinstance(label, Node):
                continue
            first = nodes.start
            variable = label.variable
            if isinstance(variable, Stage):
                variable, first = variable.owner, first + 1
            if variable == nodes.variable and first <= label.step < stop:
                found.append(Stretch(label, 0, 1))
        return tuple(found)

    def mechanism(self, key: Key, formula: object) -> Expression:
        """A formula for one of this network's nodes, its symbols checked."""
        made = mechanism_of(key, formula)
        if not self._symbols.issuperset(made.arguments):
            check_symbols({key: made}, self._symbols, "use a node of this network")
        return made

    @functools.cached_property
    def _symbols(self) -> frozenset[Symbol]:
        return frozenset(x for x in self.index if isinstance(x, Symbol))

    def locate(self, node: object) -> Label:
        """The node itself, or an error that names the nearest one."""
        if isinstance(node, Hashable) and self.index.get(node, math.inf) < len(self.nodes):
            return node
        raise QueryError(
            f"{node} is not a node of this network." + nearest(node, self.nodes[:1000])
        )

    def formula(self, node: Label) -> Expr | None:
        """The node's mechanism written with its parents' own symbols; None for a root."""
        i = self.index[self.locate(node)]
        if self.columns.kinds[i] < 0:
            return None
        mechanism = self.columns.mechanisms[self.columns.kinds[i]]
        labels, inputs = self.columns.labels, self.columns.inputs
        owners = [
            labels[j] if j < len(labels) else inputs[j - len(labels)]
            for j in self.columns.arguments_of(i).tolist()
        ]
        swap = {s: as_symbol(o) for s, o in zip(mechanism.arguments, owners, strict=True)}
        formula: Expr = mechanism.formula.xreplace(swap)
        return formula

    def __repr__(self) -> str:
        count = len(self.nodes)
        if count > 20:
            kinds = len(self.columns.mechanisms)
            return f"<Network of {count} nodes, {len(self.columns.arguments)} edges, {kinds} kinds>"
        lines = []
        for node in self.nodes:
            formula = self.formula(node)
            value = shown(node, self.value(node)) if formula is None else formula
            lines.append(f"{node} = {value}")
        lines += [f"{p} = {self.constants.get(p, 'drawn')}" for p in self.columns.inputs]
        return "Network(\n    " + "\n    ".join(lines) + "\n)"

    def _repr_latex_(self) -> str:
        rows = []
        for node in self.nodes[:20]:
            formula = self.formula(node)
            value = shown(node, self.value(node)) if formula is None else formula
            right = tex(value) if isinstance(value, str) else typeset.latex(value)
            rows.append((typeset.name(node), right))
        more = [(r"\vdots\;", rf"\;\text{{{len(self.nodes) - 20} more}}")]
        return typeset.aligned(rows + (more if len(self.nodes) > 20 else []))


def _given(start: Mapping[Label, float], label: Label) -> float:
    if label not in start:
        raise DeclarationError(
            f"The root {label!r} has no value: give one in start={{{label!r}: ...}}."
        )
    return number(start[label], f"start[{label!r}]")


def as_symbol(label: Label) -> Symbol:
    """A node's label as a symbol for printing."""
    return label if isinstance(label, Symbol) else Symbol(str(label))
