"""A causal network without time: an immutable directed acyclic graph of nodes with mechanisms."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, InitVar, dataclass, field

import networkx as nx
import numpy as np
import numpy.typing as npt
from sympy import Expr, Symbol

from causalopt.ground.errors import QueryError
from causalopt.ground.readonly import ReadOnly
from causalopt.ground.types import Floats, Ints
from causalopt.language import typeset
from causalopt.language.domains import REAL, Domain
from causalopt.language.symbols import Label, Node, Noise, Parameter, Variable
from causalopt.mechanisms.declared import Formula, mechanism_of
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.amounts import amounts_of, changed, checked_parameters, of_numbers
from causalopt.model.building import (
    as_labels,
    as_whole_numbers,
    by_label,
    check_graph,
    declared_columns,
    from_arrays,
    graph_columns,
    root_values,
    start_values,
    starts_of,
)
from causalopt.model.columns import Columns, edges, graph_of
from causalopt.model.declaration import check_seed, check_symbols
from causalopt.model.interface import Account, Axis, Model, Place, Series
from causalopt.model.labels import Labels
from causalopt.model.selection import Key, Stretch
from causalopt.model.showing import as_symbol, equation, latex_equation
from causalopt.model.units import check_units
from causalopt.model.wiring import Wiring, is_separated, wired
from causalopt.model.world import World


@dataclass(frozen=True, eq=False, repr=False)
class Network(Model):
    """Nodes with mechanisms and no time: ``Network({c: a + b, e: sin(c)}, start={a: 1, b: 2})``.

    Parents come from the free symbols of each formula. Variables without a mechanism are roots and
    need a value in ``start``, or a prior, ``table((), ...)``; parameters one in ``parameters``.
    Raises ``DeclarationError`` for a cycle, an unknown symbol, a value that is missing or infinite.

    >>> from sympy import sin
    >>> from causalopt.language.symbols import variables
    >>> a, b, c, e = variables("a b c e")
    >>> network = Network({c: a + b, e: sin(c)}, start={a: 1, b: 2})
    >>> sorted(network.ancestors(e), key=str)
    [a, b, c]
    """

    mechanisms: InitVar[Mapping[Variable, Formula] | Columns]
    _: KW_ONLY
    start: InitVar[Mapping[Label, float | str] | Mapping[Label, float] | Floats | None] = None
    #: The values of the inputs that have one: parameters, and the times of an unrolled system.
    parameters: Mapping[Label, float | Expr] = ReadOnly({})
    columns: Columns = field(init=False)  #: the nodes as arrays: their mechanisms and parents
    starts: Floats = field(init=False)  #: the values of the roots (nodes,), NaN elsewhere

    def __post_init__(
        self,
        mechanisms: Mapping[Variable, Formula] | Columns,
        start: Mapping[Label, float | str] | Mapping[Label, float] | Floats | None,
    ) -> None:
        # Frozen fields are set once, here, to what was checked of the declaration.
        put = functools.partial(object.__setattr__, self)
        if isinstance(mechanisms, Columns):
            put("columns", mechanisms)
            put("parameters", ReadOnly(self.parameters))
            put("starts", starts_of(mechanisms, start))  # type: ignore[arg-type]  # made by this package, as numbers
            return
        constants = of_numbers(checked_parameters(self.parameters))
        given = of_numbers(amounts_of(start, Variable, "start"))
        roots = {v: value for v, value in given.items() if not isinstance(value, Expr)}
        put("columns", declared_columns(mechanisms, given, constants))
        put("parameters", constants)
        put("starts", starts_of(self.columns, by_label(roots)))

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
        columns = from_arrays(mechanisms, kinds, parents, tuple(constants), named)
        return cls(columns, start=start_values(columns, start), parameters=by_label(constants))

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
        an expression; it is called once for each number of parents. Labels are the graph's own.
        ``start`` has a value for each root, or one number for all. A noise is one for all nodes.

        >>> import networkx as nx
        >>> from sympy import tanh
        >>> chain = nx.DiGraph([("in", "mid"), ("mid", "out")])
        >>> network = Network.from_graph(chain, lambda *u: tanh(sum(u)), start={"in": 0.5})
        >>> network.parents("out")
        {'mid'}
        """
        check_graph(graph, mechanism)
        constants = of_numbers(checked_parameters(parameters))
        given = root_values(graph, start)
        columns = graph_columns(graph, mechanism, tuple(constants))
        return cls(columns, start=given, parameters=by_label(constants))

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
        return Network(self.columns, start=self.starts, parameters=constants)

    def with_start(self, values: Mapping[Label, float | str]) -> Network:
        """The same network with other values of some roots.

        >>> from causalopt.language.symbols import variables
        >>> a, b = variables("a b")
        >>> Network({b: 2 * a}, start={a: 1}).with_start({a: 3}).value(a)
        3.0
        """
        roots = {label: self.value(label) for label in self.nodes if self.is_root(label)}
        numbers = {n: float(v) for n, v in of_numbers(changed(roots, values, "with_start")).items()}
        return Network(self.columns, start=numbers, parameters=self.parameters)

    def is_root(self, label: Label) -> bool:
        """Whether a node has a value of its own, and no mechanism."""
        return bool(self.columns.kinds[self.index[label]] < 0)

    def value(self, label: Label) -> float:
        """The value of a root or input."""
        known = self.parameter_values.get(label)
        return float(self.starts[self.index[label]]) if known is None else known

    def mechanism(self, key: Key, formula: object) -> Mechanism:
        """A formula for one of this network's nodes, its symbols checked."""
        mechanism = mechanism_of(key, formula)
        if not self.index.symbols.issuperset(mechanism.arguments):
            check_symbols({key: mechanism}, self.index.symbols, "use a node of this network")
        check_units({key: mechanism})
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
        return None if account.assigned is None else account.assigned.value(names)

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
        return set(nx.ancestors(self.graph, self.locate(node)))

    def descendants(self, node: Label) -> set[Label]:
        """All nodes downstream of this node, itself left out."""
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

    @functools.cached_property
    def index(self) -> Labels:
        """The place of each node and input in the columns, and how users name them."""
        return Labels(self.columns.labels, self.columns.inputs)

    def select(self, target: object, steps: int | None = None) -> tuple[Stretch, ...]:
        """The nodes that a user names: a label, a variable over time (unrolled), or a list.

        Of an unrolled system, the Runge-Kutta stages between two steps in a row come along.
        """
        return tuple(Stretch(label, 0, 1) for label in self.index.select(target))

    def onward(self, target: object, steps: int | None = None) -> tuple[Stretch, ...]:
        """The nodes that a user names of an unrolled system, and the same at every later step."""
        return tuple(Stretch(label, 0, 1) for label in self.index.onward(target))

    def single(self, target: object, steps: int | None, name: str) -> Stretch:
        """The one node that a user names as ``name``."""
        places = self.select(target)
        if len(places) != 1:
            raise QueryError(
                f"{name} = {target} names {len(places)} nodes: name one, such as {places[0].key}."
            )
        return places[0]

    def check_swept(self, target: object) -> None:
        """What takes many values in one run is a node or a parameter."""
        self.index.check_swept(target)

    def size(self, steps: int) -> int:
        """The number of its nodes."""
        return len(self.nodes)

    def find(self, text: str) -> object:
        """The node of this name, or the text itself."""
        return self.index.find(text)

    def name_of(self, label: Label) -> str:
        """Its text, and its kind where another node has the same text."""
        return self.index.name_of(label)

    def locate(self, node: object) -> Label:
        """The node itself, or an error that names the nearest one."""
        return self.index.locate(node)

    def world(self, *, seed: int = 0) -> World[Network]:
        """The world W: this network as declared, with the draws of its noise that a seed gives.

        >>> from causalopt.language.symbols import variables
        >>> a, b = variables("a b")
        >>> Network({b: 2 * a}, start={a: 1}).world().do(b, 5)
        World of Network, steps=None
            b: do 5.0
        """
        return World(self, None, seed=check_seed(seed))

    @property
    def series(self) -> tuple[Series, ...]:
        """All of the nodes, as one series."""
        return (Series(None, "value", "", REAL),)

    def place(self, stretch: Stretch) -> Place:
        """The row of a node."""
        row = self.index[stretch.key]
        return Place(None, range(row, row + 1))

    def node(self, series: Key, row: int) -> Label:
        """The node in a row."""
        return self.nodes[row]

    def limited(self, series: Series) -> Sequence[tuple[int | None, Domain]]:
        """The rows of nodes whose values are assumed to be positive, whole, ..."""
        return self.index.limited

    def rows(self, steps: int | None) -> range:
        """A row for each node."""
        return range(len(self.nodes))

    def axis(self, rows: range | Sequence[int]) -> Axis:
        """The nodes' labels as text; as whole numbers where they are a range."""
        if isinstance(self.nodes, range):
            numbers = np.arange(self.nodes.start, self.nodes.stop, self.nodes.step)
            part = slice(rows.start, rows.stop, rows.step) if isinstance(rows, range) else rows
            return Axis("node", range(len(rows)), labels=numbers[part])
        return Axis("node", range(len(rows)), labels=[self.index.names[row] for row in rows])

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Network)
            and self.columns == other.columns
            and self.parameters == other.parameters
            and np.array_equal(self.starts, other.starts, equal_nan=True)
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
