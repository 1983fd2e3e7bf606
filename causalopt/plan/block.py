"""A block: assignments in single static form, with shared subexpressions and names of its own."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy
from sympy import Basic, Expr, Symbol, Tuple, numbered_symbols

from causalopt.language.domains import Coded
from causalopt.language.subspaces import Directions
from causalopt.mechanisms.fitness import each_inside_out
from causalopt.mechanisms.found import bound_in
from causalopt.mechanisms.rebuilding import NO_VALUE, compares_many, rebuilt, with_parts, with_terms
from causalopt.mechanisms.routines import Routine

# With more parts than this, parts of sums and products that are the same are not looked for: that
# compares each sum with all others.
_MANY = 2000


@dataclass(frozen=True)
class Input:
    """What a run starts from: a start value, a parameter, a ``do`` or a difference.

    ``label`` is what a sweep names (a parameter, or the symbol of a swept value); None where
    nothing can. Of several ``directions`` each gives tangents of its own: the value is (k, *shape).
    """

    symbol: Symbol
    label: object
    value: Coded
    directions: Directions | None = None


@dataclass(frozen=True)
class Block:
    """A function of ``arguments``: assign in order, then give ``results``.

    Every symbol is generated here (``s0``, ``p1``, ``x2``), so that names given by users never
    reach generated code.
    """

    arguments: tuple[Symbol, ...]
    assignments: tuple[tuple[Symbol, Expr], ...]
    results: tuple[Expr, ...]

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        # Once: its code is looked up at each step, and it may be made of thousands of formulas.
        return hash((self.arguments, self.assignments, self.results))


def single_form(
    arguments: Sequence[Symbol], raw: Mapping[Symbol, Expr], results: Sequence[Expr]
) -> Block:
    """The block that computes ``results``, which may use the symbols that ``raw`` assigns.

    Subexpressions are shared over all assignments, those that no result needs are dropped, and
    the rest comes in an order in which each symbol is assigned before it is used.

    >>> a, b = sympy.symbols("a b")
    >>> single_form([a], {b: sympy.sin(a) ** 2}, [b + sympy.sin(a)])
    Block(arguments=(a,), assignments=((x0, sin(a)), (b, x0**2)), results=(b + x0,))
    """
    raw, results = _filled_in(raw, results, frozenset(arguments))
    targets = needed_in_order(raw, results)
    fresh = numbered_symbols("x", exclude={*arguments, *targets})
    # Shared over lanes too: X and Y have most of their slopes in common. What a search is over is
    # left in it, where alone it means something.
    written = [*(raw[s] for s in targets), *results]
    every = Tuple(*written)
    parts = list(each_inside_out(every))
    is_large, bound = len(parts) > _MANY or compares_many(every), bound_in(parts)
    own = functools.partial(_shared, parts)
    share = sympy.cse if not is_large and all(map(_is_tidy, parts)) else own
    try:
        shared, reduced = share(written, symbols=fresh, ignore=bound)
    except NO_VALUE:
        shared, reduced = rebuilt(lambda: own(written, fresh, bound))
    assigned = {**dict(shared), **dict(zip(targets, reduced[: len(targets)], strict=True))}
    finals = tuple(reduced[len(targets) :])
    order = needed_in_order(assigned, finals)
    return _one(Block(tuple(arguments), tuple((s, assigned[s]) for s in order), finals))


def _is_tidy(part: Basic) -> bool:
    """Whether a sum or product is as sympy writes it: of what is not, its ``cse`` mixes up parts.

    >>> a = sympy.symbols("a", real=True)
    >>> _is_tidy(2 / a), _is_tidy(sympy.Mul(-1, sympy.Integer(1), 1 / a, evaluate=False))
    (True, False)
    """
    if not isinstance(part, sympy.Add | sympy.Mul):
        return True
    numbers = [arg for arg in part.args if arg.is_Number]
    is_flat = not any(isinstance(arg, type(part)) for arg in part.args)
    return is_flat and len(numbers) <= 1 and part.identity not in numbers


@functools.lru_cache(maxsize=4096)
def _one(block: Block) -> Block:
    """The block itself, or an equal one that was made before: what is one is compared at once."""
    return block


@functools.lru_cache(maxsize=4096)
def block_of(routine: Routine) -> Block:
    """A routine as a block of its places, with one result."""
    # That has a name, for sympy writes results out as text too, whatever their length.
    result = Symbol("result", real=True)
    return single_form(routine.places, {result: routine.formula}, [result])


def _shared(
    parts: Sequence[Basic],
    formulas: Sequence[Expr],
    symbols: Iterator[Symbol],
    ignore: frozenset[Symbol],
) -> tuple[list[tuple[Symbol, Expr]], list[Expr]]:
    """As sympy's ``cse``, for parts that are the same alone, and in linear time.

    The ``parts`` of the formulas come inside out, and last the tuple of all.
    """
    users: Counter[Basic] = Counter(formulas)
    parts = parts[:-1]
    for part in parts:
        users.update(set(part.args))
    shared: list[tuple[Symbol, Expr]] = []
    new: dict[Basic, Basic] = {}
    for part in parts:
        new[part] = with_parts(part, [new[arg] for arg in part.args])
        if (
            users[part] > 1
            and part.args
            and isinstance(part, Expr)
            and not (ignore and ignore.intersection(part.free_symbols))
        ):
            shared.append((next(symbols), new[part]))
            new[part] = shared[-1][0]
    return shared, [new[formula] for formula in formulas]


def _filled_in(
    raw: Mapping[Symbol, Expr], results: Sequence[Expr], arguments: frozenset[Symbol]
) -> tuple[Mapping[Symbol, Expr], Sequence[Expr]]:
    """The same assignments, with every symbol that is a mere number or argument written as that."""
    # Again and again: what uses a number may become one.
    while True:
        known = {s: value for s, value in raw.items() if value.is_Number or value in arguments}
        if not known:
            return raw, results
        filled = frozenset(known)
        raw = {
            s: value if filled.isdisjoint(symbols_of(value)) else with_terms(value, known)
            for s, value in raw.items()
            if s not in known
        }
        results = [with_terms(value, known) for value in results]


def needed_in_order(assigned: Mapping[Symbol, Expr], finals: Iterable[Expr]) -> list[Symbol]:
    """The assigned symbols that some formulas need, each after those that it needs itself."""
    order: list[Symbol] = []
    unplaced = set(assigned)
    # Depth first with a stack of its own, since chains can be longer than Python's: a symbol comes
    # up twice, first to wait for what it uses, then to be placed after it.
    waiting = [(s, False) for final in reversed(list(finals)) for s in _uses(final)]
    while waiting:
        symbol, expanded = waiting.pop()
        if symbol not in unplaced:
            continue
        if expanded:
            order.append(symbol)
            unplaced.remove(symbol)
        else:
            waiting.append((symbol, True))
            waiting.extend((s, False) for s in _uses(assigned[symbol]) if s in unplaced)
    return order


@functools.lru_cache(maxsize=1 << 14)
def _uses(formula: Expr) -> tuple[Symbol, ...]:
    """The symbols of a formula in a fixed order, so that the same plan gives the same code."""
    return tuple(sorted(symbols_of(formula), key=lambda s: str(s.name), reverse=True))


@functools.lru_cache(maxsize=1 << 14)
def symbols_of(formula: Expr) -> frozenset[Symbol]:
    """The symbols of a formula, which several questions about a plan are of: found once."""
    return frozenset(formula.free_symbols)
