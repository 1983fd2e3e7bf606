"""A question about Comp as a derivation that checks itself: slopes, paths, X, Y, their ratio."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import networkx as nx
import sympy
from sympy import Abs, Add, Derivative, Expr, Function, Mul, Symbol, log
from sympy.core.relational import Relational

from causalopt.derive import Derivation, Equal, Given, Let, Substitution
from causalopt.ground.errors import QueryError
from causalopt.ground.work import bounded
from causalopt.language.symbols import Label, Nodes
from causalopt.measures.question import Question, nodes_as_text
from causalopt.measures.symbolic.asking import WORK, Numbers, branches_at
from causalopt.measures.symbolic.assigned import AnyWorld, assigned_in
from causalopt.measures.symbolic.courses import Courses
from causalopt.measures.symbolic.inputs import WorldInputs, put_for
from causalopt.measures.symbolic.lines import Lines
from causalopt.measures.symbolic.response import label_of
from causalopt.measures.symbolic.tidying import tidied
from causalopt.model.interface import Model
from causalopt.model.world import World

# With more paths than this, a page is none.
_MOST_PATHS = 24
# Of a ratio with more operations than this, the logarithm is not written.
_LONGEST_RATIO = 40


def derivation_of(
    of: Model | World[Model],
    A: Nodes,
    n: Nodes,
    m: Nodes,
    *,
    steps: int | None = None,
    values: Numbers | None = None,
    at: Numbers | None = None,
) -> Derivation:
    """How Comp(A; n, m) comes about, as a ``Derivation`` that checks itself.

    It goes by the slopes along which the nudge at n goes, the chain rule along each path to m in X,
    the paths that are left in Y, where A is held, and the ratio. What is checked: each slope, that
    the sums over paths are the derivatives of m as it follows from n, and each simplification.

    Parameters are those of ``symbolic_comp``; a Piecewise is best given a point, by ``at``.

    Raises ``QueryError`` as ``symbolic_comp`` does, and where there are more than 24 paths.

    >>> from causalopt.language.symbols import parameters, variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> k, d = parameters("k d")
    >>> thermostat = System(
    ...     {T: R - d, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 0.01, d: 25}
    ... )
    >>> page = derivation_of(thermostat, A=T, n=R[0], m=R[2])
    >>> page.steps[-1].right
    1 - k
    >>> page.check().as_expected
    True
    """
    asked = Question(of, A, n, m, steps=steps)
    inputs = WorldInputs(asked.base, put_for(asked.base, values, "values"))
    lines = Lines(None if at is None else branches_at(inputs, at, None), every=True)
    courses = Courses(inputs, lines)
    with bounded("This derivation", "ask about fewer steps, or give numbers by values=", WORK):
        W, X, Y = asked.worlds()
        letters = _Letters(courses, courses.values(W))
        ends = label_of(asked, asked.n, "n"), label_of(asked, asked.m, "m")
        x, y = (_side(courses, letters, W, world, name, ends)
                for world, name in ((X, "x"), (Y, "y")))  # fmt: skip
        page: list[Equal] = [*_of_slopes(letters, x), *_of_side(letters, x)]
        page += [*_of_side(letters, y), *_of_ratio(x, y)]
        title = f"Comp({nodes_as_text(A)}; {ends[0]}, {ends[1]})"
        return Derivation(title, given=_givens(letters, x, y, page), steps=tuple(page))


@dataclass
class _Letters:
    """Plain symbols for a page: those of a model know of units and time, which a proof does not."""

    courses: Courses
    values: Mapping[Label, Expr]
    known: dict[Symbol, Symbol] = field(default_factory=dict)

    def plain(self, formula: Expr) -> Expr:
        """A formula in plain symbols."""
        for symbol in sorted(formula.free_symbols - self.known.keys(), key=str):
            name = symbol.name.removeprefix("w.").replace("[", "_").replace("]", "")
            name = name.replace(".", "_")
            while any(letter.name == name for letter in self.known.values()):
                name += "_"
            self.known[symbol] = Symbol(name, **symbol._assumptions_orig)
        return formula.xreplace(self.known)

    def node(self, label: Label) -> Symbol:
        """The plain symbol of a node of W."""
        return self.plain(self.values[label])

    def formula(self, label: Label) -> Expr:
        """What gives a node of W, in plain symbols of others."""
        return self.plain(self.courses.lines.formulas[self.values[label]])


@dataclass(frozen=True, eq=False)
class _PageSide:
    """X or Y on a page: the slopes along which the nudge goes from n to m, and its paths.

    ``moved`` has the functions of n that stand for the nodes on the way, ``products`` the paths.
    """

    name: str
    start: Symbol
    slopes: Mapping[tuple[Label, Label], Expr]
    moved: Mapping[Label, Expr]
    end: Label
    products: Mapping[Symbol, tuple[Expr, str]]

    def at_moved(self, letters: _Letters) -> dict[Symbol, Expr]:
        """The functions of n, by the symbols of the same nodes in W."""
        return {letters.node(label): function for label, function in self.moved.items()}


def _side(
    courses: Courses,
    letters: _Letters,
    W: AnyWorld,
    world: AnyWorld,
    name: str,
    ends: tuple[Label, Label],
) -> _PageSide:
    n, m = ends
    slopes = _slopes(courses, letters, W, world)
    graph = nx.DiGraph(slopes.keys())
    graph.add_nodes_from(ends)
    between = (nx.descendants(graph, n) | {n}) & (nx.ancestors(graph, m) | {m})
    way = nx.DiGraph(graph.subgraph(between))
    every = nx.all_simple_paths(way, n, m) if {n, m} <= way.nodes else ()
    paths = list(itertools.islice(every, _MOST_PATHS + 1))
    if len(paths) > _MOST_PATHS:
        raise QueryError(
            f"More than {_MOST_PATHS} paths lead from {n} to {m}, too many for a page: derive "
            "fewer steps, or ask symbolic_comp for the formula alone."
        )
    start = letters.node(n)
    moved: dict[Label, Expr] = {
        label: Function(f"{name}_{letters.node(label)}", real=True)(start)
        for label in nx.topological_sort(way) if label != n
    }  # fmt: skip
    products = {
        Symbol(f"{'p' if name == 'x' else 'q'}_{j}", real=True): (
            Mul(*(slopes[edge] for edge in itertools.pairwise(path))),
            " → ".join(map(str, path)),
        )
        for j, path in enumerate(paths, 1)
    }
    used = {edge: slopes[edge] for path in paths for edge in itertools.pairwise(path)}
    return _PageSide(name, start, used, moved, m, products)


def _slopes(
    courses: Courses, letters: _Letters, W: AnyWorld, world: AnyWorld
) -> dict[tuple[Label, Label], Expr]:
    """The slope of each node by each that enters it, those of zero left out."""
    slopes: dict[tuple[Label, Label], Expr] = {}
    for assigned in assigned_in(world.model, world):
        for arrow in courses.seen(world, assigned, at=W).arrows:
            slope = tidied(letters.plain(courses.lines.settled(arrow.slope)))
            if slope != 0:
                slopes[arrow.source, assigned.label] = slope
    return slopes


def _of_slopes(letters: _Letters, x: _PageSide) -> Iterator[Equal]:
    """One step for each slope that is not like an earlier one."""
    told = set()
    for (source, target), slope in x.slopes.items():
        own = letters.courses.inputs.world.model
        kind = own.key_of(source)[0], own.key_of(target)[0], _shape(letters.formula(target))
        if kind not in told:
            told.add(kind)
            change = Derivative(letters.formula(target), letters.node(source))
            yield Equal(change, slope, by=f"how {target} answers to {source}")


def _shape(formula: Expr) -> Expr:
    """A formula whatever its symbols are called, by their order."""
    order = [s for s in sympy.preorder_traversal(formula) if isinstance(s, Symbol)]
    names = {symbol: Symbol(f"_{j}") for j, symbol in enumerate(dict.fromkeys(order))}
    return formula.xreplace(names)


def _of_side(letters: _Letters, side: _PageSide) -> list[Equal]:
    """The derivative of m by n as a sum over paths, and what that comes to."""
    held = "A varies" if side.name == "x" else "A is held"
    end = side.moved.get(side.end, letters.node(side.end))
    total = Add(*side.products)
    where = {s: f for s, f in side.at_moved(letters).items()
             if any(product.has(s) for product, _ in side.products.values())}  # fmt: skip
    if not side.products:
        return [Equal(Derivative(end, side.start), 0, by=f"{held}: no path is left")]
    words = f"chain rule along each path, where {held}"
    by = (words, Substitution(where)) if where else words
    steps = [Equal(Derivative(end, side.start), total, by=by, name=side.name.upper())]
    whole = _total(side)
    return [*steps, Equal(total, whole, by="summed up")] if total != whole else steps


def _total(side: _PageSide) -> Expr:
    """The sum over all paths, tidied."""
    return tidied(Add(*(product for product, _ in side.products.values())))


def _of_ratio(x: _PageSide, y: _PageSide) -> list[Equal]:
    """Comp and Op, where there is something to divide by."""
    above, below = _total(x), _total(y)
    if below == 0 or above == 0:
        return []
    ratio = tidied(above / below)
    comp = Equal(Add(*x.products) / Add(*y.products), ratio, by="X over Y", name="Comp")
    apart = log(Abs(below)) - log(Abs(above))
    op = Equal(-log(Abs(ratio)), apart, by="Op is a difference of two logarithms", name="Op")
    # Of a y that is 1 there is nothing to say, and of a long ratio nothing new.
    is_worth_it = op.left != op.right and sympy.count_ops(ratio) <= _LONGEST_RATIO
    return [comp, op] if is_worth_it else [comp]


def _givens(
    letters: _Letters, x: _PageSide, y: _PageSide, steps: Sequence[Equal]
) -> tuple[Given | Let, ...]:
    """What the steps speak of: symbols, each node as it follows from n, and the paths."""
    lets: list[Let] = []
    for side, held in ((x, "in X"), (y, "in Y, where A is held")):
        moved = side.at_moved(letters)
        lets += [
            Let(function, letters.formula(label).xreplace(moved), f"{label} {held}")
            for label, function in side.moved.items()
        ]
        lets += [
            Let(name, product, f"along {path}") for name, (product, path) in side.products.items()
        ]
    sides = [side for step in steps for side in (step.left, step.right)]
    spoken = [*(let.value for let in lets), *sides]
    taken = list(_taken(letters))
    free = {x.start}.union(*(each.free_symbols for each in (*spoken, *taken)))
    free -= {*x.products, *y.products}
    symbols = (Given(s, _meaning(letters, s, x.start)) for s in sorted(free, key=str))
    branches = (Given(condition, "where this branch is taken") for condition in taken)
    return (*symbols, *branches, *lets)


def _taken(letters: _Letters) -> Iterator[Relational]:
    """The conditions of the branches that were chosen, one comparison each."""
    branches = letters.courses.lines.branches
    for condition in () if branches is None else branches.conditions:
        plain = letters.plain(condition)
        yield from (part for part in sympy.And.make_args(plain) if isinstance(part, Relational))


def _meaning(letters: _Letters, symbol: Symbol, start: Symbol) -> str:
    """What a symbol stands for, in words."""
    (own,) = (known for known, plain in letters.known.items() if plain == symbol)
    if symbol == start:
        return f"{str(own).removeprefix('w.')}, which is nudged"
    if own in letters.courses.inputs.world.model.parameters:
        return ""
    if own in letters.values.values():
        return f"{str(own).removeprefix('w.')} in W"
    return f"{own}, in a world that others are held to"
