"""A causal network without time: an immutable directed acyclic graph of nodes with mechanisms."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import TYPE_CHECKING

import numpy.typing as npt
from sympy import Expr, Symbol

from causalopt.ground.errors import QueryError
from causalopt.ground.readonly import ReadOnly
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Ints
from causalopt.language import typeset
from causalopt.language.symbols import Label, Node, Noise, Parameter, Variable
from causalopt.mechanisms.declared import Formula, mechanism_of
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.amounts import (
    Amount,
    Kept,
    amounts_of,
    changed,
    checked_parameters,
    of_numbers,
)
from causalopt.model.building import (
    as_labels,
    as_whole_numbers,
    by_label,
    check_graph,
    declared_columns,
    from_arrays,
    graph_columns,
    refuse_arrays_among,
    root_values,
    start_values,
)
from causalopt.model.columns import Columns, edges, graph_of
from causalopt.model.declaration import check_seed, check_symbols
from causalopt.model.interface import Account
from causalopt.model.roots import Roots, roots_of
from causalopt.model.selection import Key
from causalopt.model.shapes import check_shapes
from causalopt.model.showing import as_symbol, equation, latex_equation
from causalopt.model.timeless import Timeless
from causalopt.model.units import check_units
from causalopt.model.wiring import Wiring, is_separated, wired
from causalopt.model.world import World

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, eq=False, repr=False)
class Network(Timeless):
    """Nodes with mechanisms and no time: ``Network({c: a + b, e: sin(c)}, start={a: 1, b: 2})``.

    Parents come from the free symbols of each formula. Variables without a mechanism are roots and
    need a value in ``start``, or a prior, ``table((), ...)``; parameters one in ``parameters``.
    Nodes may hold arrays and follow by functions: ``Network({h: function(layer)(x, W)}, ...)``.
    Raises ``DeclarationError`` for a cycle, an unknown symbol, a value that is missing or infinite,
    and a mechanism that does not give what its node holds.

    >>> from sympy import sin
    >>> from causalopt.language.symbols import variables
    >>> a, b, c, e = variables("a b c e")
    >>> network = Network({c: a + b, e: sin(c)}, start={a: 1, b: 2})
    >>> sorted(network.ancestors(e), key=str)
    [a, b, c]
    """

    mechanisms: InitVar[Mapping[Variable, Formula] | Columns]
    _: KW_ONLY
    start: InitVar[Mapping[Label, Amount] | Roots | None] = None
    #: The values of the inputs that have one: parameters, and the times of an unrolled system.
    parameters: Mapping[Label, Kept] = ReadOnly({})
    columns: Columns = field(init=False)  #: the nodes as arrays: their mechanisms and parents
    roots: Roots = field(init=False)  #: the values of the roots

    def __post_init__(
        self,
        mechanisms: Mapping[Variable, Formula] | Columns,
        start: Mapping[Label, Amount] | Roots | None,
    ) -> None:
        # Frozen fields are set once, here, to what was checked of the declaration.
        put = functools.partial(object.__setattr__, self)
        if isinstance(mechanisms, Columns):
            put("columns", mechanisms)
            put("parameters", ReadOnly(self.parameters))
            put("roots", start)
            return
        constants = checked_parameters(self.parameters)
        given = amounts_of(start, Variable, "start")
        put("columns", declared_columns(mechanisms, given, constants))
        put("parameters", constants)
        put("roots", roots_of(self.columns, by_label(given)))
        self.check_arrays()

    @classmethod
    def from_arrays(
        cls,
        mechanisms: Sequence[Callable[..., Expr]],
        kinds: npt.ArrayLike,
        parents: npt.ArrayLike,
        *,
        start: npt.ArrayLike,
        parameters: Mapping[Parameter, float | Expr] | None = None,
        labels: Sequence[Label] | None = None,
    ) -> Network:
        """A large network from arrays: which mechanism each node has, and which nodes it sees.

        ``mechanisms`` are functions that take one symbol per parent and give an expression.
        ``kinds`` (n,) names the mechanism of each node by its place, -1 for a root. ``parents``
        (n, p) holds the places of each node's parents in the order in which its mechanism takes
        them, -1 where there are fewer than p; nodes of one kind have the same number of parents.
        ``start`` (n,) holds the values of the roots, the rest of it is ignored; one number serves
        for all. ``labels`` are 0 to n - 1 where they are left out. A noise is one for all nodes.

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
        constants = of_numbers(checked_parameters(parameters))
        kinds = as_whole_numbers(kinds, "kinds", 1)
        named = as_labels(labels, len(kinds))
        refuse_arrays_among(named)
        columns = from_arrays(mechanisms, kinds, parents, tuple(constants), named)
        roots = Roots(start_values(columns, start))
        return cls(columns, start=roots, parameters=by_label(constants))

    @classmethod
    def from_graph(
        cls,
        graph: nx.DiGraph,
        mechanism: Callable[..., Expr],
        *,
        start: Mapping[Label, float] | float,
        parameters: Mapping[Parameter, float | Expr] | None = None,
    ) -> Network:
        """One mechanism bound to every node of a directed graph that has parents.

        ``mechanism`` takes one symbol per parent, in the graph's order of predecessors, and gives
        an expression, or calls a function of them, where labels are variables; it is called once
        for each number of parents of each kind of node. Labels are the graph's own. ``start`` has a
        value for each root, or one number for all. A noise is one for all nodes.

        >>> import networkx as nx
        >>> from sympy import tanh
        >>> chain = nx.DiGraph([("in", "mid"), ("mid", "out")])
        >>> network = Network.from_graph(chain, lambda *u: tanh(sum(u)), start={"in": 0.5})
        >>> network.parents("out")
        {'mid'}
        """
        check_graph(graph, mechanism)
        constants = checked_parameters(parameters)
        given = root_values(graph, start)
        columns = graph_columns(graph, mechanism, tuple(constants))
        roots = roots_of(columns, given)
        network = cls(columns, start=roots, parameters=by_label(constants))
        network.check_arrays()
        return network

    @property
    def nodes(self) -> Sequence[Label]:
        """All nodes, roots among them; parameters and times are inputs, not nodes."""
        return self.columns.labels

    @property
    def drawn(self) -> tuple[Label, ...]:
        """The inputs that are drawn by chance, in place of having a value."""
        return tuple(label for label in self.columns.inputs if label not in self.parameters)

    @functools.cached_property
    def noises(self) -> tuple[Noise, ...]:
        """The noises that its mechanisms use, by name."""
        drawn = (label.variable if isinstance(label, Node) else label for label in self.drawn)
        distinct = {noise for noise in drawn if isinstance(noise, Noise)}
        return tuple(sorted(distinct, key=lambda noise: noise.name))

    def with_parameters(self, values: Mapping[Parameter, float | Expr]) -> Network:
        """The same network with other values of some parameters."""
        constants = changed(self.parameters, values, "with_parameters")
        return self._given(self.roots, constants)

    def with_start(self, values: Mapping[Label, float | str]) -> Network:
        """The same network with other values of some roots.

        >>> from causalopt.language.symbols import variables
        >>> a, b = variables("a b")
        >>> Network({b: 2 * a}, start={a: 1}).with_start({a: 3}).value(a)
        3.0
        """
        roots = {label: self.value(label) for label in self.nodes if self.is_root(label)}
        return self._given(
            roots_of(self.columns, changed(roots, values, "with_start")), self.parameters
        )

    def _given(self, roots: Roots, parameters: Mapping[Label, Kept]) -> Network:
        """The same nodes with other values."""
        network = Network(self.columns, start=roots, parameters=parameters)
        if self.holds_arrays or network.parameter_arrays:
            network.check_arrays()
        return network

    def is_root(self, label: Label) -> bool:
        """Whether a node has a value of its own, and no mechanism."""
        return bool(self.columns.kinds[self.index[label]] < 0)

    def value(self, label: Label) -> float | Tensor:
        """The value of a root or input."""
        if label in self.roots.arrays:
            return self.roots.arrays[label]
        known = self.parameter_values.get(label)
        return float(self.roots.numbers[self.index[label]]) if known is None else known

    def mechanism(self, key: Key, formula: object) -> Mechanism:
        """A formula for one of this network's nodes, its symbols checked."""
        mechanism = mechanism_of(key, formula)
        if not self.index.symbols.issuperset(mechanism.arguments):
            check_symbols({key: mechanism}, self.index.symbols, "use a node of this network")
        check_units({key: mechanism})
        check_shapes({key: mechanism}, self.parameter_arrays)
        if mechanism.is_opaque and not self.holds_arrays:
            raise QueryError(
                f"{key} cannot follow by {mechanism} here: this network is of formulas alone, and "
                "runs as one table of numbers. Declare one of its nodes by a function, such as "
                f"{{{key}: function(f)(...)}}."
            )
        return mechanism

    def account(self, key: Key, step: int = 0, replacement: Mechanism | None = None) -> Account:
        """The value of a root, or the node's mechanism with the nodes and inputs that it sees."""
        label = self.locate(key)
        if replacement is not None:
            # Its symbols are nodes of this network, by their own names.
            itself = {symbol: symbol for symbol in replacement.arguments}
            return Account(None, replacement, replacement, itself)
        if self.is_root(label):
            return Account(start=self.value(label))
        place = self.index[label]
        mechanism = self.columns.mechanisms[self.columns.kinds[place]]
        return Account(None, mechanism, mechanism, self._owners(place))

    def formula(self, node: Label) -> Expr | None:
        """The node's mechanism written with its parents' own symbols; None for a root."""
        account = self.account(node)
        names = {symbol: as_symbol(label) for symbol, label in account.names.items()}
        rule = account.assigned
        if rule is not None and rule.is_opaque:
            raise QueryError(f"{node} follows by {rule}, a function, which has no formula.")
        return None if rule is None else rule.value(names)

    def _owners(self, place: int) -> dict[Symbol, Label]:
        """The node or input that each argument of a node's mechanism stands for."""
        if self.columns.kinds[place] < 0:
            return {}
        labels, inputs = self.columns.labels, self.columns.inputs
        mechanism = self.columns.mechanisms[self.columns.kinds[place]]
        seen = self.columns.arguments_of(place).tolist()
        owners = [labels[j] if j < len(labels) else inputs[j - len(labels)] for j in seen]
        return dict(zip(mechanism.arguments, owners, strict=True))

    @functools.cached_property
    def graph(self) -> nx.DiGraph:
        """The ``networkx.DiGraph`` of the nodes, edges from cause to effect; inputs left out."""
        return graph_of(self.columns)

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
        name = self.name_of
        causes = {name(node): sorted(map(name, self.parents(node))) for node in self.nodes}
        return {node: parents for node, parents in causes.items() if parents}

    def ancestors(self, node: Label) -> set[Label]:
        """All nodes upstream of this node, itself left out."""
        import networkx as nx

        return set(nx.ancestors(self.graph, self.locate(node)))

    def descendants(self, node: Label) -> set[Label]:
        """All nodes downstream of this node, itself left out."""
        import networkx as nx

        return set(nx.descendants(self.graph, self.locate(node)))

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
        return is_separated(self.graph, *map(self.index.select_any, (x, y, given)))

    def wiring(self, steps: int = 0, *, written: bool = False) -> Wiring:
        """All of its nodes, with their parents and inputs."""
        return wired(self.columns)

    def world(self, *, seed: int = 0) -> World[Network]:
        """The world W: this network as declared, with the draws of its noise that a seed gives.

        >>> from causalopt.language.symbols import variables
        >>> a, b = variables("a b")
        >>> Network({b: 2 * a}, start={a: 1}).world().do(b, 5)
        World of Network, steps=None
            b: do 5.0
        """
        return World(self, None, seed=check_seed(seed))

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Network)
            and self.columns == other.columns
            and self.parameters == other.parameters
            and self.roots == other.roots
        )

    def __hash__(self) -> int:
        return hash((self.columns, self.parameters))

    def __repr__(self) -> str:
        count = len(self.nodes)
        if count > 20:
            kinds = len(self.columns.mechanisms)
            return f"<Network of {count} nodes, {len(self.columns.arguments)} edges, {kinds} kinds>"
        lines = [equation(self.account(node), node) for node in self.nodes]
        lines += [f"{p} = {self.parameters.get(p, 'drawn')}" for p in self.columns.inputs]
        return "Network(\n    " + "\n    ".join(lines) + "\n)"

    def _repr_latex_(self) -> str:
        rows = [latex_equation(self.account(node), node) for node in self.nodes[:20]]
        more = [(r"\vdots\;", rf"\;\text{{{len(self.nodes) - 20} more}}")]
        return typeset.aligned(rows + (more if len(self.nodes) > 20 else []))
