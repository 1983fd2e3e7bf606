"""Columns of a network from what users declare: formulas, or arrays checked as a whole."""

from __future__ import annotations

import collections
import functools
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
import numpy.typing as npt
from sympy import Expr, Integer, Symbol

from causalopt.ground.checks import as_floats, as_list, as_mapping, is_single, refuse_masked, shown
from causalopt.ground.errors import CausaloptError, DeclarationError, nearest
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Floats, Ints
from causalopt.language.arrays import ArrayVariable
from causalopt.language.domains import REAL, Domain, domain_of
from causalopt.language.naming import check_letters
from causalopt.language.symbols import Label, Noise, Parameter, Shifted, Time, Variable
from causalopt.mechanisms.declared import Formula
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.symbolic import Expression, expression
from causalopt.model.amounts import Kept, check_formulas_of, formulas_of
from causalopt.model.columns import Binding, Columns, bind
from causalopt.model.declaration import (
    check_formulas,
    check_not_empty,
    check_symbols,
    noises_of,
)
from causalopt.model.units import check_units

if TYPE_CHECKING:
    import networkx as nx

K = TypeVar("K")
V = TypeVar("V")


def by_label(values: Mapping[K, V]) -> dict[Label, V]:
    """Values by symbols or nodes as values by labels, of which these are some."""
    return {label: value for label, value in values.items()}  # noqa: C416  # dict() keeps the type


def shared_mechanism(
    mechanism: Callable[..., Formula],
    constants: tuple[Parameter, ...],
    count: int,
    domain: Domain = REAL,
) -> tuple[Mechanism, tuple[Symbol, ...]]:
    """The mechanism of nodes of a domain with a number of parents, and the symbols for these."""
    slots = tuple(Variable(f"u{i}") for i in range(count))
    where = f"a node with {count} parents"
    try:
        given = mechanism(*slots)
    except CausaloptError:
        raise
    except Exception as error:  # whatever the code of a user raises
        told = f"{type(error).__name__}: {error}"
        raise DeclarationError(f"The mechanism of {where} fails ({told}).") from error
    is_made = isinstance(given, Mechanism)
    shared = given.fit(domain, where) if is_made else expression(given, where)
    timed = [s for s in shared.arguments if isinstance(s, Shifted | Time)]
    if timed:
        raise DeclarationError(
            f"The mechanism of {where} uses {timed[0]}, but a Network has no time: declare a "
            "System."
        )
    check_symbols({where: shared}, {*slots, *constants}, "use the parents that it is called with")
    check_units({where: shared})
    return shared, slots


def _noises_of(shared: Iterable[Mechanism]) -> tuple[Noise, ...]:
    """The noises of mechanisms that are shared, each drawn once for all nodes that have it."""
    noises = noises_of(shared)
    check_symbols({}, noises, "")
    return noises


def as_labels(labels: Sequence[Label] | None, count: int) -> Sequence[Label]:
    """The labels of nodes, for good: a range where they are 0, 1, 2, ...; no two the same."""
    if labels is None:
        return range(count)
    names: Sequence[Label] = labels if isinstance(labels, range) else _as_tuple(labels)
    if names == tuple(range(len(names))) or names == range(len(names)):
        return range(len(names))
    check_labels(names)
    if len(set(names)) < len(names):
        counted = collections.Counter(names)
        raise DeclarationError(
            f"labels has {counted.most_common(1)[0][0]!r} twice: each node has its own label."
        )
    return names


def _as_tuple(labels: object) -> tuple[Label, ...]:
    refuse_masked(labels, "labels")
    given = labels.tolist() if isinstance(labels, np.ndarray) else labels
    names = []
    for label in as_list(given, "labels", '["a", "b"]'):
        try:
            hash(label)
        except TypeError:
            raise DeclarationError(
                f"labels has {label!r} ({type(label).__name__}), which cannot be a key: write a "
                "text, a number or a tuple of them."
            ) from None
        names.append(label)
    return tuple(names)


def check_labels(labels: Iterable[Label]) -> None:
    """Raise ``DeclarationError`` for a label that is text and holds half of a letter."""
    for label in labels:
        if isinstance(label, str):
            check_letters(label, "the label of a node")


def from_arrays(
    mechanisms: Sequence[Callable[..., Expr]],
    kinds: npt.ArrayLike,
    parents: npt.ArrayLike,
    constants: tuple[Parameter, ...],
    labels: Sequence[Label],
) -> Columns:
    """The columns of ``Network.from_arrays``."""
    kind, seen = as_whole_numbers(kinds, "kinds", 1), as_whole_numbers(parents, "parents", 2)
    if not isinstance(mechanisms, Sequence) or not all(map(callable, mechanisms)):
        raise DeclarationError(
            f"mechanisms is {mechanisms!r}: write a list of functions of a node's parents, such as "
            "[lambda u: 2 * u]."
        )
    count = len(kind)
    if len(seen) != count or len(labels) != count:
        raise DeclarationError(
            f"kinds has {count} nodes, parents {len(seen)} and labels {len(labels)}: "
            "all of them have one row per node."
        )
    _check_range(kind, len(mechanisms), "kinds", "a mechanism")
    _check_range(seen, count, "parents", "a node")
    every = _each_kind(mechanisms, kind, _widths(kind, seen, len(mechanisms)), constants)
    shared_by_kind = tuple(shared for shared, _ in every)
    inputs = (*constants, *_noises_of(shared_by_kind))
    # The last place belongs to kind -1, a root.
    sizes = np.array([*(len(shared.arguments) for shared in shared_by_kind), 0], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(sizes[kind])]).astype(np.int64)
    arguments = np.empty(offsets[-1], dtype=np.int64)
    order = np.argsort(kind, kind="stable")
    first = np.searchsorted(kind[order], np.arange(len(mechanisms) + 1))
    for number, (shared, slots) in enumerate(every):
        nodes = order[first[number] : first[number + 1]]
        for j, symbol in enumerate(shared.arguments):
            is_parent = symbol in slots
            arguments[offsets[nodes] + j] = (
                seen[nodes, slots.index(symbol)] if is_parent else count + inputs.index(symbol)
            )
    return Columns(labels, inputs, shared_by_kind, kind, offsets, arguments)


def _each_kind(
    mechanisms: Sequence[Callable[..., Expr]],
    kind: Ints,
    widths: Ints,
    constants: tuple[Parameter, ...],
) -> list[tuple[Mechanism, tuple[Symbol, ...]]]:
    """The mechanism of each kind of node, and the symbols that stand for its parents."""
    used = set(np.unique(kind).tolist())
    every: list[tuple[Mechanism, tuple[Symbol, ...]]] = []
    for number, mechanism in enumerate(mechanisms):
        if number not in used:
            # Nobody says how many parents it has.
            every.append((Expression(Integer(0)), ()))
            continue
        every.append(shared_mechanism(mechanism, constants, int(widths[number])))
        if every[-1][0].is_opaque:
            raise DeclarationError(
                f"Mechanism {number} is {every[-1][0]}, a function, and Network.from_arrays is of "
                "formulas: declare the network by its nodes, Network({h: function(f)(x)}, ...)."
            )
    return every


def refuse_arrays_among(labels: Sequence[Label]) -> None:
    """Raise ``DeclarationError`` for a label that is a variable with an array."""
    named = () if isinstance(labels, range) else labels
    strange = next((label for label in named if isinstance(label, ArrayVariable)), None)
    if strange is not None:
        raise DeclarationError(
            f"labels has {strange}, {strange.domain}, and Network.from_arrays holds numbers: "
            f"declare the network by its nodes, Network({{{strange}: function(f)(x)}}, ...)."
        )


def start_values(columns: Columns, given: npt.ArrayLike) -> Floats:
    """The values of the roots (n,), NaN elsewhere."""
    values = as_floats(given)
    if values is None:
        raise DeclarationError(f"start holds what is no number: {shown(given)}.")
    if values.shape not in ((), columns.kinds.shape):
        raise DeclarationError(
            f"start has shape {values.shape}: write one number, or one for each of the "
            f"{len(columns.kinds)} nodes (those of nodes with a mechanism are ignored)."
        )
    # Adding 0 makes one zero of the two, as everywhere.
    starts: Floats = np.where(columns.kinds < 0, values + 0.0, np.nan)
    masked = np.broadcast_to(np.ma.getmaskarray(np.ma.asarray(given)), starts.shape)
    bad = np.flatnonzero((columns.kinds < 0) & (masked | ~np.isfinite(starts)))
    if bad.size:
        told = "masked" if masked[bad[0]] else starts[bad[0]]
        raise DeclarationError(
            f"start of the root {columns.labels[bad[0]]} is {told}: write a finite real number."
        )
    return starts


def as_whole_numbers(given: npt.ArrayLike, name: str, axes: int) -> Ints:
    """An array of whole numbers with so many axes, or an error that says what was given."""
    refuse_masked(given, name)
    try:
        array = np.asarray(given)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.ndim != axes or not np.issubdtype(array.dtype, np.integer):
        raise DeclarationError(
            f"{name} has {array.ndim} axes of {array.dtype}: write whole numbers in an array with "
            f"{axes}."
        )
    if array.dtype.kind == "u" and array.max(initial=0) > np.iinfo(np.int64).max:
        raise DeclarationError(
            f"{name} holds {array.max()}, and counts from 0 on what there is: write smaller "
            "numbers, and -1 for none."
        )
    return array.astype(np.int64)


def _check_range(numbers: Ints, stop: int, name: str, what: str) -> None:
    bad = np.argwhere((numbers < -1) | (numbers >= stop))
    if len(bad):
        value = numbers[tuple(bad[0])]
        raise DeclarationError(
            f"{name} of node {bad[0][0]} is {value}, but {what} is a number from 0 to {stop - 1}, "
            "and -1 stands for none."
        )


def _widths(kind: Ints, seen: Ints, mechanisms: int) -> Ints:
    """The number of parents of each kind, the same for all of its nodes."""
    have = (seen >= 0).sum(axis=1)
    gaps = np.flatnonzero((np.diff((seen < 0).astype(np.int8), axis=1) < 0).any(axis=1))
    if gaps.size:
        raise DeclarationError(
            f"parents of node {gaps[0]} are {seen[gaps[0]].tolist()}: fill up with -1 at the end."
        )
    widths = np.zeros(mechanisms + 1, dtype=np.int64)
    widths[kind] = have
    odd = np.flatnonzero(widths[kind] != have)
    if odd.size:
        node, other = int(odd[0]), int(np.flatnonzero(kind == kind[odd[0]])[-1])
        raise DeclarationError(
            f"Node {node} has {have[node]} parents and node {other} has {have[other]}, but both "
            f"are of kind {kind[node]}: nodes of one kind have the same number of parents, and a "
            "root (kind -1) has none."
        )
    if widths[-1]:
        node = int(np.flatnonzero(kind < 0)[0])
        raise DeclarationError(f"Node {node} is a root (kind -1), but it has parents.")
    return widths[:-1]


def declared_columns(
    mechanisms: Mapping[Variable, Formula],
    start: Mapping[Variable, Kept],
    constants: Mapping[Parameter, object],
) -> Columns:
    """The columns of a declaration by formulas; a start value that is one gives its node."""
    formulas = check_formulas(mechanisms, same_step=False)
    check_not_empty({**formulas, **start})
    known = {*formulas, *start, *constants}
    check_symbols(formulas, known, "give it a mechanism, or a value in start=")
    check_units(formulas)
    both = [str(v) for v in start if v in formulas]
    if both:
        raise DeclarationError(
            f"{', '.join(both)}: has a mechanism and a value in start. A node of a network "
            "without time has one or the other."
        )
    given = formulas_of(start)
    check_formulas_of(given, {*start, *constants}, "start", "the roots and parameters")
    formulas, start = {**given, **formulas}, {v: n for v, n in start.items() if v not in given}
    roots: list[Binding | None] = [None] * len(start)
    bindings: list[Binding | None] = [(f, f.arguments) for f in formulas.values()]
    noises = noises_of(formulas.values())
    return bind((*start, *formulas), (*constants, *noises), roots + bindings)


def check_graph(graph: object, mechanism: object) -> None:
    """Raise ``DeclarationError`` for what no network can be made of."""
    import networkx as nx

    if not isinstance(graph, nx.DiGraph):
        raise DeclarationError(
            f"from_graph takes a networkx.DiGraph, not {type(graph).__name__}: "
            "edges run from cause to effect."
        )
    twice = collections.Counter(iter(graph.edges())).most_common(1)
    if twice and twice[0][1] > 1:
        (source, target), count = twice[0]
        raise DeclarationError(
            f"The graph has {count} edges from {source!r} to {target!r}, and a mechanism takes "
            "each parent once: give it one edge, as networkx.DiGraph(graph) does, and the weight "
            "of the others in the formula."
        )
    if not callable(mechanism):
        raise DeclarationError(
            f"The mechanism of a graph is {mechanism!r}: write a function of a node's parents, "
            "such as lambda *u: tanh(sum(u))."
        )


def root_values(graph: nx.DiGraph, start: object) -> dict[Label, float | Tensor]:
    """The values of the roots of a graph, each by its label; one number serves for all."""
    roots = [label for label in graph if graph.in_degree(label) == 0]
    given: Mapping[Hashable, object]
    if is_single(start):
        given = dict.fromkeys(roots, start)
    else:
        given = as_mapping(start, "start", 'start={"in": 0.5}')
    missing = [label for label in roots if label not in given]
    if missing:
        raise DeclarationError(
            f"The root {missing[0]!r} has no value: give one in start={{{missing[0]!r}: ...}}."
        )
    extra = next((label for label in given if label not in roots), None)
    if extra is not None:
        raise DeclarationError(
            f"start gives a value for {extra!r}, which is no root of the graph."
            + nearest(extra, roots)
        )
    values = {label: _root_value(label, given[label]) for label in roots}
    return {label: v if isinstance(v, Tensor) else float(v) for label, v in values.items()}


def _root_value(label: Label, given: object) -> float | Tensor:
    """The value of a root; a number for an array stands in all of its entries."""
    domain = domain_of(label)
    filled = np.full(domain.shape, given) if domain.shape and is_single(given) else given
    return cast("float | Tensor", domain.code(filled, f"start[{label!r}]"))


def graph_columns(
    graph: nx.DiGraph, mechanism: Callable[..., Formula], constants: tuple[Parameter, ...]
) -> Columns:
    """The columns of one mechanism bound to every node of a graph that has parents."""
    shared = functools.cache(functools.partial(shared_mechanism, mechanism, constants))
    bindings: list[Binding | None] = []
    for label in graph:
        parents = tuple(graph.predecessors(label))
        if not parents:
            bindings.append(None)
            continue
        rule, slots = shared(len(parents), domain_of(label))
        place = dict(zip(slots, parents, strict=True))
        bindings.append((rule, tuple(place.get(s, s) for s in rule.arguments)))
    check_labels(graph)
    noises = _noises_of(binding[0] for binding in bindings if binding)
    return bind(tuple(graph), (*constants, *noises), bindings)
