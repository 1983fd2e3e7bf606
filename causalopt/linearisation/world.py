"""A world linearised along its run: nodes, arrows between them, and their slopes at every row."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter

import networkx as nx
import numpy as np
from sympy import Expr, Symbol

from causalopt.backends.evaluation import evaluate
from causalopt.backends.limits import limit_at
from causalopt.ground.errors import EvaluationError
from causalopt.ground.types import Bools, Floats, Ints
from causalopt.language.naming import apart
from causalopt.language.symbols import Node, Parameter
from causalopt.linearisation.edges import Part, Partial, Partials, parts_of
from causalopt.linearisation.slopes import SlopeTerm, slope_terms
from causalopt.linearisation.values import Values, values_of
from causalopt.model.interface import Model
from causalopt.model.selection import Key, Stretch
from causalopt.model.template import is_inner, owner_of
from causalopt.model.world import World

# Slopes of a run that are so few are worked out once, for all passes.
_TOGETHER = 1 << 24

# So many of its parts are kept with a linearised world.
_MOST_KEPT = 4

#: The number of an arrow, the arrow, and a part of its derivative.
Use = tuple[int, Partial, SlopeTerm]

#: Edges as passes take them: where those into each node begin (keys + 1,), sources, lags, slopes
#: that do not change, the columns of those that do (-1 for none), and these, (rows, columns).
Table = tuple[Ints, Ints, Ints, Floats, Ints, Floats]


@dataclass(frozen=True, eq=False)
class Linear:
    """A linearised world: d[row, target] = sum over edges of slope[row, edge] d[row - lag, source].

    ``keys`` are the nodes of a row in the order of computation: the variables and inner stages of a
    system, the nodes of a network. ``owners`` (keys,) gives for each the place in ``members`` of
    the variable that it belongs to. ``sources``, ``targets`` and ``lags`` (edges,) say where edges
    go; they come in the order of their targets. ``contents`` are the arrows that each edge sums up,
    in each part of the run.
    """

    world: World[Model]
    keys: tuple[Key, ...]
    members: tuple[Key, ...]
    owners: Ints
    sources: Ints
    targets: Ints
    lags: Ints
    contents: tuple[tuple[range, tuple[tuple[Partial, ...], ...]], ...]
    backend: str = "auto"

    @property
    def rows(self) -> range:
        """The rows of the run; one, where there is no time."""
        return range((self.world.steps or 0) + 1)

    @property
    def edges(self) -> int:
        """The number of edges."""
        return len(self.sources)

    @property
    def memory(self) -> int:
        """How many rows back an edge goes at most."""
        return int(self.lags.max(initial=0))

    @functools.cached_property
    def declared(self) -> Bools:
        """Which members have a node of their own: all but the moments of events inside a step."""
        declared = np.zeros(len(self.members), dtype=np.bool_)
        declared[self.owners[[not is_inner(key) for key in self.keys]]] = True
        return declared

    def place_of(self, key: Key) -> int:
        """The place among the members of the variable that a node belongs to."""
        return self.members.index(_owner(key))

    def nodes_of(self, place: int) -> list[Key]:
        """The nodes of a member in a row, inner stages left out: one, but of an unrolled system."""
        here = np.flatnonzero(self.owners == place)
        return [self.keys[i] for i in here if not is_inner(self.keys[i])]

    def named_in_part(self, stretches: Sequence[Stretch]) -> str | None:
        """The member of which nodes are a part alone; None where all are named whole."""
        whole = {s.key for s in stretches if s.start == 0 and s.stop > self.rows[-1]}
        named = (self.place_of(stretch.key) for stretch in stretches)
        return next((self.names[p] for p in named if not whole.issuperset(self.nodes_of(p))), None)

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The members, as results call them."""
        return apart(self.members)

    @functools.cached_property
    def graph(self) -> nx.DiGraph:
        """The members; an edge a -> b where a enters b, at once or later."""
        graph = nx.DiGraph()
        graph.add_nodes_from(range(len(self.members)))
        ends = self.owners[self.sources], self.owners[self.targets]
        graph.add_edges_from(zip(*(end.tolist() for end in ends), strict=True))
        return graph

    def loops_through(self, members: Iterable[int]) -> set[int]:
        """The members on a cycle through some of them, these included."""
        inside = set(members)
        down = inside.union(*(nx.descendants(self.graph, m) for m in inside))
        up = inside.union(*(nx.ancestors(self.graph, m) for m in inside))
        return down & up

    def reaches(self, source: int, sink: int, held: Collection[int] = ()) -> bool:
        """Whether a difference at one member can come to another, by no member that is held."""
        free = self.graph.subgraph(set(self.graph) - set(held))
        return source == sink or bool(nx.has_path(free, source, sink))

    @functools.cached_property
    def loops(self) -> Ints:
        """Which members lie on loops together: the same number for these, (members,)."""
        numbers = np.empty(len(self.members), dtype=np.int64)
        for number, together in enumerate(nx.strongly_connected_components(self.graph)):
            numbers[list(together)] = number
        return numbers

    def between(self, first: int, last: int) -> set[int]:
        """The members on some path from one to another, both included."""
        down = {first, *nx.descendants(self.graph, first)}
        return {first, last} | (down & {last, *nx.ancestors(self.graph, last)})

    def among(self, members: Collection[int]) -> Linear:
        """The same with the edges alone that go between these members."""
        chosen = frozenset(members)
        if chosen not in self._among:
            if len(self._among) >= _MOST_KEPT:
                self._among.clear()
            inside = np.isin(self.owners, list(chosen))
            kept = np.flatnonzero(inside[self.sources] & inside[self.targets])
            self._among[chosen] = self.with_edges(kept)
        return self._among[chosen]

    @functools.cached_property
    def _among(self) -> dict[frozenset[int], Linear]:
        # Questions about one m share the edges that matter, and the slopes worked out of them.
        return {}

    def with_edges(self, kept: Ints) -> Linear:
        """The same with some of its edges alone, by their places."""
        contents = tuple((rows, tuple(e[i] for i in kept)) for rows, e in self.contents)
        ends = self.sources[kept], self.targets[kept], self.lags[kept]
        return replace(self, sources=ends[0], targets=ends[1], lags=ends[2], contents=contents)

    # -- slopes ----------------------------------------------------------------------------------

    @functools.cached_property
    def constant(self) -> Bools:
        """Which edges have one slope at all rows, whatever the values are."""
        # Before row 0 nothing has moved: there, edges from earlier rows carry nothing.
        later = [edges for rows, edges in self.contents if rows.start] or [self.contents[0][1]]
        constant = np.ones(self.edges, dtype=np.bool_)
        for place in range(self.edges):
            parts = later if self.lags[place] else [edges for _, edges in self.contents]
            carried = {tuple((_terms(a), a.factor) for a in edges[place]) for edges in parts}
            summed = (term for arrows in carried for terms, _ in arrows for term in terms)
            symbols = {symbol for term in summed for symbol in term.symbols}
            known = all(isinstance(symbol, Parameter) for symbol in symbols)
            constant[place] = len(carried) == 1 and (known or not self.world.steps)
        return constant

    @functools.cached_property
    def fixed(self) -> Floats:
        """The slopes of edges that have one, (edges,); 0 for the others."""
        last, which = self.rows[-1], np.flatnonzero(self.constant)
        fixed = np.zeros(self.edges)
        fixed[which] = self.slopes(range(last, last + 1), which)[0]
        return fixed

    @functools.cached_property
    def changing(self) -> Ints:
        """The edges whose slopes change from row to row."""
        return np.flatnonzero(~self.constant)

    def table(self, rows: range) -> Table:
        """Edges and slopes as passes take them: where those into each node begin, and so on."""
        first = np.searchsorted(self.targets, np.arange(len(self.keys) + 1)).astype(np.int64)
        column = np.full(self.edges, -1, dtype=np.int64)
        column[self.changing] = np.arange(len(self.changing))
        if len(self.changing) * len(self.rows) <= _TOGETHER:
            slopes = self._whole[rows.start : rows.stop]
        else:
            slopes = self.slopes(rows, self.changing)
        return first, self.sources, self.lags, self.fixed, column, slopes

    @functools.cached_property
    def _whole(self) -> Floats:
        return self.slopes(self.rows, self.changing)

    @property
    def _values(self) -> Values:
        return self._values_in(self.world)

    def _values_in(self, world: World[Model]) -> Values:
        """The values of this world, or of one that a gate blends with it."""
        if world not in self._known:
            self._known[world] = values_of(world.model, world, self.backend, self.needed)
        return self._known[world]

    @functools.cached_property
    def _known(self) -> dict[World[Model], Values]:
        return {}

    @property
    def parts(self) -> int:
        """How many parts of the run differ in what enters the nodes; the start left out."""
        return len({edges for rows, edges in self.contents if rows.start})

    @functools.cached_property
    def needed(self) -> frozenset[Symbol]:
        """The symbols in slopes."""
        carried = {_terms(a) for _, edges in self.contents for arrows in edges for a in arrows}
        return frozenset().union(*(term.symbols for terms in carried for term in terms))

    def slopes(self, rows: range, which: Ints | None = None) -> Floats:
        """The slope of each edge (of some of them) at rows, (rows, edges)."""
        which = np.arange(self.edges) if which is None else which
        slopes = np.zeros((len(rows), len(which)))
        for part, entering in self.contents:
            edges = [entering[place] for place in which]
            inside = range(max(part.start, rows.start), min(part.stop, rows.stop))
            if inside:
                within = slice(inside.start - rows.start, inside.stop - rows.start)
                self._fill(slopes[within], edges, np.arange(inside.start, inside.stop))
        return slopes

    def _fill(self, slopes: Floats, edges: Sequence[Sequence[Partial]], rows: Ints) -> None:
        """Add the slopes of arrows at rows; those with one formula are evaluated together."""
        arrows = [(place, arrow) for place, into in enumerate(edges) for arrow in into]
        alike: dict[tuple[Expr, tuple[Symbol, ...]], list[Use]] = {}
        for number, (_, arrow) in enumerate(arrows):
            for term in _terms(arrow):
                alike.setdefault((term.formula, term.places), []).append((number, arrow, term))
        column = self._columns(rows)
        total = np.zeros((len(arrows), len(rows)))
        for (formula, symbols), uses in alike.items():
            columns = {
                symbol: np.stack([column(arrow, term.terms[j]) for _, arrow, term in uses])
                for j, symbol in enumerate(symbols)
            }
            (found,) = evaluate([formula], columns) if symbols else [np.float64(formula)]
            table = np.broadcast_to(found, (len(uses), len(rows)))
            for (number, arrow, term), row in zip(uses, table, strict=True):
                total[number] += row if term.weight == 1 else column(arrow, term.weight) * row
        for (place, arrow), row in zip(arrows, total, strict=True):
            self._mend(arrow, row, rows)
            slopes[:, place] += arrow.factor * row

    def _columns(self, rows: Ints) -> Callable[[Partial, Expr], Floats]:
        """What terms are at rows, worked out once for all arrows that see the same."""
        known: dict[tuple[Expr, int, int], Floats] = {}

        def column(arrow: Partial, term: Expr) -> Floats:
            key = term, id(arrow.names), id(arrow.behind)
            if key not in known:
                known[key] = self._column(arrow, term, rows)
            return known[key]

        return column

    def _column(self, arrow: Partial, term: Expr, rows: Ints) -> Floats:
        """What an argument, a number, or a formula of them, is at rows."""
        if not isinstance(term, Symbol):
            parts = {s: self._column(arrow, s, rows) for s in term.free_symbols}
            found = evaluate([term], parts)[0] if parts else np.float64(term)
            return np.broadcast_to(found, rows.shape)
        column = self._values.column(term, arrow.names, rows)
        behind = arrow.behind
        if behind is not None and term in behind.arguments:
            there = self._values_in(behind.world).column(term, arrow.names, rows)
            column = (1.0 - behind.by) * np.asarray(column) + behind.by * np.asarray(there)
        return np.broadcast_to(column, rows.shape)

    def _mend(self, arrow: Partial, row: Floats, rows: Ints) -> None:
        """Slopes whose formula gives no number are limits, where there are some."""
        for place in np.flatnonzero(~np.isfinite(row)):
            at = {
                s: float(self._column(arrow, s, rows[place : place + 1])[0])
                for s in arrow.mechanism.arguments
            }
            limit = limit_at(arrow.mechanism, arrow.argument, at)
            number = np.nan if limit is None else float(limit)
            # Where nothing passes it, a derivative that is not there is not missed.
            row[place] = number if np.isfinite(number) else np.nan
            if not np.isfinite(number):
                self._lacking.append((arrow, int(rows[place])))

    @functools.cached_property
    def _lacking(self) -> list[tuple[Partial, int]]:
        """Derivatives that are not there, or no floats, and at which rows."""
        return []

    def check(self, *passed: Floats) -> None:
        """Raise ``EvaluationError`` where what a pass has carried is no number: who lacks a slope.

        Nothing that a pass makes of finite slopes is NaN.
        """
        if all(np.isfinite(numbers).all() for numbers in passed):
            return
        lacking = sorted(self._lacking, key=lambda pair: pair[1])
        arrow, row = lacking[0] if lacking else (None, None)
        told = "A derivative" if arrow is None else f"The derivative of {arrow.mechanism}"
        by = "" if arrow is None else f" by {arrow.argument}, at step {row},"
        raise EvaluationError(
            f"{told}{by} is not there or no float: a mechanism has a kink, a vertical slope or "
            "overflows. Start elsewhere, ask by a finite difference (comp with delta=0.01, say), "
            "or write a mechanism that is smooth."
        )


# Questions about one world share what it is made of.
@functools.lru_cache(maxsize=4)
def linearised(world: World[Model], backend: str = "auto") -> Linear:
    """A world, linearised along its run.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> room = System({T: R - 25, R: R - 0.1 * T**2}, start={T: 10, R: 35})
    >>> linear = linearised(room.world(steps=1))
    >>> linear.slopes(range(1, 2)).tolist()  # of T by R, of R by T and by R
    [[1.0, -2.0, 1.0]]
    """
    world.model.check_numbers("This")
    parts = parts_of(world.model, world)
    keys = _in_order(parts)
    place = {key: i for i, key in enumerate(keys)}
    edges: dict[tuple[int, int, int], int] = {}
    for part in parts:
        for target, arrows in part.entering.items():
            for arrow in arrows:
                edges.setdefault((place[target], place[arrow.source], arrow.lag), len(edges))
    order = sorted(edges)
    contents = tuple((part.rows, _by_edge(part, place, order)) for part in parts)
    targets, sources, lags = np.array(order, dtype=np.int64).reshape(-1, 3).T.copy()
    owners = [_owner(key) for key in keys]
    members = tuple(dict.fromkeys([*_declared(world.model), *owners]))
    member = {key: i for i, key in enumerate(members)}
    return Linear(
        world=world,
        keys=keys,
        members=members,
        owners=np.array([member[owner] for owner in owners], dtype=np.int64),
        sources=sources,
        targets=targets,
        lags=lags,
        contents=contents,
        backend=backend,
    )


def _in_order(parts: Sequence[Part]) -> tuple[Key, ...]:
    """All nodes of a row, each after those of the same row that enter it."""
    sorter: TopologicalSorter[Key] = TopologicalSorter()
    for part in parts:
        for target, arrows in part.entering.items():
            sorter.add(target, *(arrow.source for arrow in arrows if arrow.lag == 0))
    return tuple(sorter.static_order())


def _by_edge(
    part: Part, place: Mapping[Key, int], order: Sequence[tuple[int, int, int]]
) -> tuple[Partials, ...]:
    """The arrows of a part that each edge sums up."""
    sums: dict[tuple[int, int, int], list[Partial]] = {edge: [] for edge in order}
    for target, arrows in part.entering.items():
        for arrow in arrows:
            sums[place[target], place[arrow.source], arrow.lag].append(arrow)
    return tuple(tuple(arrows) for arrows in sums.values())


def _declared(model: Model) -> tuple[Key, ...]:
    """The variables of a system, in the order of their declaration."""
    return tuple(series.key for series in model.series if series.key is not None)


def _owner(key: Key) -> Key:
    """The variable that a node of an unrolled system, or an inner stage, belongs to."""
    return owner_of(key.variable) if isinstance(key, Node) else owner_of(key)


def _terms(arrow: Partial) -> tuple[SlopeTerm, ...]:
    """The derivative that an arrow carries, without its factor."""
    return slope_terms(arrow.mechanism, arrow.argument)
