"""Using equations that hold: eliminating what they determine, making cases that satisfy them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from causalopt.derive.proof.routes import ALGEBRA, to_zero
from causalopt.derive.statement.expressions import define
from causalopt.derive.statement.verdict import Point
from causalopt.derive.trial.alarm import TookTooLong, at_most
from causalopt.derive.trial.sampling import Domain, allowed, points
from causalopt.derive.trial.values import Compared, NoValue, at, compare, differentiate, instantiate

MOST_WAYS = 30
MOST_EQUATIONS = 4  # differential equations to be solved, which takes long


@dataclasses.dataclass(frozen=True)
class Solved:
    """A hypothesis solved for one thing in it, and what was divided by.

    ``everywhere``: it holds for all arguments, since the function stands as it was given; at other
    arguments, as in R(high) for a given R(s), it is one value only.
    """

    what: Any
    value: Any
    divisor: Any
    everywhere: bool = False


def ways_to_solve(gap: Any, declared: Sequence[Any] = ()) -> Iterator[Solved]:
    """Everything that ``gap = 0`` determines because it enters linearly, derivatives first.

    A logarithm determines its argument; a positive thing is determined by its exponential.

    >>> x, y = sp.symbols("x y", real=True)
    >>> [(one.what, one.value) for one in ways_to_solve(2 * x - y)]
    [(x, y/2), (y, 2*x)]
    """
    numerator = sp.expand(sp.fraction(sp.cancel(sp.together(gap)))[0])
    for what in _kernels(numerator):
        mark = sp.Dummy("mark")
        marked = numerator.xreplace({what: mark})
        if mentions(marked, what) or not marked.is_polynomial(mark):
            continue
        polynomial = sp.Poly(marked, mark)
        if polynomial.degree() != 1:
            continue
        slope, rest = polynomial.all_coeffs()
        value = sp.cancel(-rest / slope) if _small(rest) else -rest / slope
        function = what.expr if isinstance(what, sp.Derivative) else what
        yield from _unwrapped(Solved(what, value, slope, function in declared), declared)


def _small(whole: Any) -> bool:
    return bool(sp.count_ops(whole) < 200)


def _kernels(whole: Any) -> list[Any]:
    derivatives = whole.atoms(sp.Derivative)
    applied = whole.atoms(AppliedUndef)
    wrapped = whole.atoms(sp.log, sp.exp)
    inside = set().union(*(one.free_symbols for one in applied)) if applied else set()
    symbols = whole.free_symbols - inside
    return [
        *sorted(derivatives, key=lambda d: (-d.derivative_count, str(d))),
        *sorted(applied, key=str),
        *sorted(symbols, key=str),
        *sorted(wrapped, key=str),
    ]


def mentions(marked: Any, what: Any) -> bool:
    """Whether a thing still occurs, itself or inside a derivative of itself."""
    if isinstance(what, sp.Derivative):
        return any(_is_higher(d, what) for d in marked.atoms(sp.Derivative))
    return bool(marked.has(what))


def _is_higher(one: Any, than: Any) -> bool:
    if one.expr != than.expr:
        return False
    counts = dict(one.variable_count)
    return all(counts.get(v, 0) >= n for v, n in than.variable_count)


def _unwrapped(solved: Solved, declared: Sequence[Any]) -> Iterator[Solved]:
    what = solved.what
    if not isinstance(what, sp.log | sp.exp):
        yield solved
        return
    inner = what.args[0]
    plain = isinstance(inner, sp.Symbol | AppliedUndef)
    if plain and (isinstance(what, sp.log) or inner.is_real):
        value = sp.exp(solved.value) if isinstance(what, sp.log) else sp.log(solved.value)
        yield Solved(inner, value, solved.divisor, inner in declared)


def put(whole: Any, solved: Solved) -> Any:
    """``whole`` with the solved thing, and derivatives of it, written out."""
    what = solved.what
    if not solved.everywhere:
        return differentiate(whole.subs(what, solved.value))
    if isinstance(what, AppliedUndef):
        return differentiate(define(whole, what, solved.value))
    while any(_is_higher(one, what) for one in whole.atoms(sp.Derivative)):
        # the value may hold lower derivatives, which raise again: each round lowers the order
        whole = differentiate(whole.replace(sp.Derivative, lambda *args: _lowered(args, solved)))
    return whole


def _lowered(args: Sequence[Any], solved: Solved) -> Any:
    node = sp.Derivative(*args)
    if not isinstance(node, sp.Derivative) or not _is_higher(node, solved.what):
        return node
    left = dict(node.variable_count)
    for variable, times in solved.what.variable_count:
        left[variable] -= times
    more = [(variable, times) for variable, times in left.items() if times]
    return sp.diff(solved.value, *more) if more else solved.value


def eliminations(
    gaps: Sequence[Any], wanted: Any = None, declared: Sequence[Any] = ()
) -> Iterator[tuple[Solved, ...]]:
    """Ways to solve all hypotheses one after the other; each solution enters those after it.

    Those that solve for ``wanted`` come first, those that leave a hypothesis unused come last.
    """
    if not gaps:
        yield ()
        return
    for solved in sorted(ways_to_solve(gaps[0], declared), key=lambda one: one.what != wanted):
        rest = [put(gap, solved) for gap in gaps[1:]]
        for others in eliminations([gap for gap in rest if sp.expand(gap) != 0], wanted, declared):
            yield (solved, *others)
    yield from eliminations(gaps[1:], wanted, declared)


def satisfying(gaps: Sequence[Any], domain: Domain) -> Iterator[Point]:
    """Cases in which every gap is zero: all is drawn at random but what the gaps determine.

    A gap that holds unknown functions is zero at every value of their arguments.
    """
    for number, point in enumerate(points(domain, tries=MOST_WAYS)):
        found = _solved_point(gaps, point, number)
        if found is not None and _satisfies(gaps, found, domain):
            yield found


def _satisfies(gaps: Sequence[Any], point: Point, domain: Domain) -> bool:
    try:
        if not all(_is_zero(gap, point) for gap in gaps):
            return False
    except (NoValue, ArithmeticError, ValueError, TypeError, NotImplementedError):
        return False
    return allowed(point, (*domain.relations, *_kept_signs(point)))


def _is_zero(gap: Any, point: Point) -> bool:
    if compare(at(gap, point), sp.S.Zero) is not Compared.SAME:
        return False
    if not gap.atoms(AppliedUndef):
        return True
    everywhere = _concrete(gap, dict(point.symbols), dict(point.functions))
    return to_zero(everywhere, ALGEBRA)[0] is not None


def _concrete(gap: Any, symbols: Mapping[Any, Any], functions: Mapping[Any, Any]) -> Any:
    """A gap with its functions and parameters put in, as a function of their arguments."""
    arguments = {arg for function in functions for arg in function.args}
    parameters = {s: v for s, v in symbols.items() if s not in arguments}
    return instantiate(gap, Point((), tuple(functions.items()))).subs(parameters)


def _kept_signs(point: Point) -> list[Any]:
    """What sympy assumes of a function, as relations to be looked at in a case made up for it."""
    signs = []
    for function, _ in point.functions:
        if function.is_positive:
            signs.append(sp.StrictGreaterThan(function, 0, evaluate=False))
        elif function.is_nonnegative:
            signs.append(sp.GreaterThan(function, 0, evaluate=False))
        elif function.is_negative:
            signs.append(sp.StrictLessThan(function, 0, evaluate=False))
    return signs


def _solved_point(gaps: Sequence[Any], point: Point, number: int) -> Point | None:
    """One case: solve the first gap for something undifferentiated, then the next, and so on."""
    symbols, functions = dict(point.symbols), dict(point.functions)
    for gap in gaps:
        known = _concrete(gap, symbols, functions)
        if gap.atoms(AppliedUndef) and sp.expand(sp.together(known)) == 0:
            continue
        solutions = _function_solutions(gap, symbols, functions)
        if solutions:
            what, formula = solutions[number % len(solutions)]
            functions[what] = formula
            continue
        solution = None
        if number < MOST_EQUATIONS:
            solution = _differential_solution(gap, symbols, functions, number)
        if solution is not None:
            functions[solution[0]] = solution[1]
            continue
        root = _symbol_solution(gap, symbols, functions, number)
        if root is not None:
            symbols[root[0]] = root[1]
    return Point(tuple(symbols.items()), tuple(functions.items()))


def _function_solutions(
    gap: Any, symbols: Mapping[Any, Any], functions: Mapping[Any, Any]
) -> list[tuple[Any, Any]]:
    """Functions that enter the gap undifferentiated, with the formulas that make it zero."""
    found: list[tuple[Any, Any]] = []
    for what in functions:
        others = {f: formula for f, formula in functions.items() if f != what}
        arguments = {a: a for a in what.args}
        concrete = instantiate(gap, Point((), tuple(others.items())))
        concrete = concrete.subs({s: v for s, v in symbols.items() if s not in arguments})
        if concrete.has(what) and not concrete.atoms(sp.Derivative):
            solved = [one for one in ways_to_solve(concrete) if one.what == what]
            found.extend((what, one.value) for one in solved)
    return found


def _differential_solution(
    gap: Any, symbols: Mapping[Any, Any], functions: Mapping[Any, Any], number: int
) -> tuple[Any, Any] | None:
    """A function of one argument for which the gap is a differential equation, and a solution."""
    options = [f for f in functions if len(f.args) == 1 and gap.has(f.func)]
    for what in options[number % max(1, len(options)) :]:
        others = {f: formula for f, formula in functions.items() if f != what}
        concrete = _concrete(gap, {s: v for s, v in symbols.items() if s not in what.args}, others)
        if not concrete.atoms(sp.Derivative) or concrete.atoms(AppliedUndef) != {what}:
            continue
        try:
            with at_most(1.0):
                found = sp.dsolve(concrete, what)
        except (TookTooLong, ArithmeticError, ValueError, TypeError, NotImplementedError):
            continue
        if isinstance(found, sp.Equality) and found.lhs == what:
            constants = found.rhs.free_symbols - set(what.args)
            return what, found.rhs.subs(dict.fromkeys(constants, 1 + number % 3))
    return None


def _symbol_solution(
    gap: Any, symbols: Mapping[Any, Any], functions: Mapping[Any, Any], number: int
) -> tuple[Any, Any] | None:
    """A symbol and a number that make the gap zero, found by solving; it is looked at later."""
    concrete = instantiate(gap, Point((), tuple(functions.items())))
    arguments = {a for f in functions if gap.has(f.func) for a in f.args}
    options = [s for s in symbols if concrete.has(s) and s not in arguments]
    if not options or sp.expand(concrete.subs(symbols)) == 0:
        return None
    chosen = options[number % len(options)]
    rest = concrete.subs({s: v for s, v in symbols.items() if s != chosen})
    roots = [root for root in sp.solve(rest, chosen) if root.is_number]
    return (chosen, roots[number % len(roots)]) if roots else None
