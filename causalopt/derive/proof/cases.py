"""Cases that satisfy equations: all is drawn at random but what the equations determine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

from causalopt.derive.proof.elimination import ways_to_solve
from causalopt.derive.proof.routes import ALGEBRA, to_zero
from causalopt.derive.statement.fitting import facts_of
from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.verdict import Point
from causalopt.derive.trial.comparison import Compared, compare
from causalopt.derive.trial.failures import FAILURES
from causalopt.derive.trial.sampling import points, satisfies
from causalopt.derive.trial.values import NoValue, at, instantiate
from causalopt.ground.work import Exhausted, at_most

MOST_WAYS = 30
MOST_EQUATIONS = 4  # differential equations to be solved, which takes long
SHARE = 0.03  # of the work that a step may take, for solving one of them

Numbers: TypeAlias = Mapping[sp.Symbol, sp.Expr]
Functions: TypeAlias = Mapping[AppliedUndef, sp.Expr]


def cases_satisfying(gaps: Sequence[sp.Expr], scope: Scope) -> Iterator[Point]:
    """Cases in which every gap is zero: all is drawn at random but what the gaps determine.

    A gap that holds unknown functions is zero at every value of their arguments.

    >>> x, y = sp.symbols("x y", real=True)
    >>> case = next(cases_satisfying([x - 2 * y - 1], Scope((x, y))))
    >>> x.subs(dict(case.symbols)) - 2 * y.subs(dict(case.symbols))
    1
    """
    for number, point in enumerate(points(scope, tries=MOST_WAYS)):
        case = _fitted_case(gaps, point, number, movable_in(scope))
        # solving may have failed, or put another gap off zero: whatever comes out is looked at
        if _is_case(gaps, case, scope):
            yield case


def _is_case(gaps: Sequence[sp.Expr], point: Point, scope: Scope) -> bool:
    try:
        if not all(_is_zero(gap, point) for gap in gaps):
            return False
    except (NoValue, *FAILURES):
        return False
    return satisfies(point, (*scope.relations, *_kept_signs(point)))


def _is_zero(gap: sp.Expr, point: Point) -> bool:
    if compare(at(gap, point), sp.S.Zero) is not Compared.SAME:
        return False
    if not gap.atoms(AppliedUndef):
        return True
    everywhere = _concrete(gap, dict(point.symbols), dict(point.functions))
    return to_zero(everywhere, ALGEBRA)[0] is not None


def _concrete(gap: sp.Expr, numbers: Numbers, functions: Functions) -> sp.Expr:
    """A gap with its functions and parameters put in, as a function of their arguments."""
    arguments = {arg for function in functions for arg in function.args}
    parameters = {s: v for s, v in numbers.items() if s not in arguments}
    return instantiate(gap, Point((), tuple(functions.items()))).subs(parameters)


def _kept_signs(point: Point) -> list[Relational]:
    """What sympy assumes of a function, as relations to be looked at in a case made up for it."""
    signs = []
    for function, _ in point.functions:
        # not evaluated: sympy would answer at once by what it assumes of the name
        if function.is_positive:
            signs.append(sp.StrictGreaterThan(function, 0, evaluate=False))
        elif function.is_nonnegative:
            signs.append(sp.GreaterThan(function, 0, evaluate=False))
        elif function.is_negative:
            signs.append(sp.StrictLessThan(function, 0, evaluate=False))
    return signs


def movable_in(scope: Scope) -> frozenset[AppliedUndef]:
    """The functions of which nothing is assumed that a number more or less could put off.

    A sign, say, is looked at in a case where the function is drawn, and at no other place.

    >>> x = sp.Symbol("x", real=True)
    >>> f, g = sp.Function("f")(x), sp.Function("g", positive=True)(x)
    >>> movable_in(Scope((x,), (f, g))), movable_in(Scope((x,), (f, g), (f > 1,)))
    (frozenset({f(x)}), frozenset())
    """
    known = (*scope.relations, *scope.borrowed)
    return frozenset(
        f for f in scope.functions
        if facts_of(f).keys() <= {"real"} and not any(relation.has(f.func) for relation in known)
    )  # fmt: skip


def _fitted_case(
    gaps: Sequence[sp.Expr], point: Point, number: int, movable: frozenset[AppliedUndef]
) -> Point:
    """One case: solve the first gap for something undifferentiated, then the next, and so on.

    ``number`` turns through the ways to solve, so that successive cases differ in kind; functions
    that are ``movable`` may be moved up or down.
    """
    numbers, functions = dict(point.symbols), dict(point.functions)
    for gap in gaps:
        known = _concrete(gap, numbers, functions)
        if gap.atoms(AppliedUndef) and sp.expand(sp.together(known)) == 0:
            continue
        # from the surest way to the dearest: linear in a function, a differential equation, a root
        solutions = _function_solutions(gap, numbers, functions)
        if solutions:
            what, formula = solutions[number % len(solutions)]
            functions[what] = formula
            continue
        solution = None
        if number < MOST_EQUATIONS:
            solution = _differential_solution(gap, numbers, functions, number)
        if solution is not None:
            functions[solution[0]] = solution[1]
            continue
        # roots of what is drawn for every second case, complex quartics among it, take seconds
        moved = _moved_function(gap, numbers, functions, movable) if number % 2 else None
        root = None if moved else _symbol_solution(gap, numbers, functions, number)
        if moved is not None:
            functions[moved[0]] = moved[1]
        elif root is not None:
            numbers[root[0]] = root[1]
    return Point(tuple(numbers.items()), tuple(functions.items()))


def _function_solutions(
    gap: sp.Expr, numbers: Numbers, functions: Functions
) -> list[tuple[AppliedUndef, sp.Expr]]:
    """Functions that enter the gap undifferentiated, with the formulas that make it zero."""
    solutions: list[tuple[AppliedUndef, sp.Expr]] = []
    for what in functions:
        others = {f: formula for f, formula in functions.items() if f != what}
        concrete = instantiate(gap, Point((), tuple(others.items())))
        concrete = concrete.subs({s: v for s, v in numbers.items() if s not in what.args})
        if concrete.has(what) and not concrete.atoms(sp.Derivative):
            ways = [way for way in ways_to_solve(concrete) if way.what == what]
            solutions.extend((what, way.value) for way in ways)
    return solutions


def _moved_function(
    gap: sp.Expr, numbers: Numbers, functions: Functions, movable: frozenset[AppliedUndef]
) -> tuple[AppliedUndef, sp.Expr] | None:
    """A function whose value at one place enters the gap, up or down by what makes that zero."""
    for what, formula in functions.items():
        places = {f for f in gap.atoms(AppliedUndef) if f.func == what.func}
        is_inside = bool(gap.atoms(sp.Derivative, sp.Integral, sp.Sum))
        if what not in movable or len(places) != 1 or is_inside:
            continue
        (place,) = places
        value = sp.Dummy("value")
        others = {f: known for f, known in functions.items() if f != what}
        rest = instantiate(gap.xreplace({place: value}), Point((), tuple(others.items())))
        rest = sp.expand(rest.subs(dict(numbers)))
        slope = rest.coeff(value)
        if not slope or rest.free_symbols != {value} or (rest - slope * value).has(value):
            continue
        at_place = [argument.subs(dict(numbers)) for argument in place.args]
        there = formula.subs(dict(zip(what.args, at_place, strict=True)), simultaneous=True)
        by = -rest.coeff(value, 0) / slope - there
        if by.is_real or not facts_of(what):
            return what, formula + by
    return None


def _differential_solution(
    gap: sp.Expr, numbers: Numbers, functions: Functions, number: int
) -> tuple[AppliedUndef, sp.Expr] | None:
    """A function of one argument for which the gap is a differential equation, and a solution."""
    options = [f for f in functions if len(f.args) == 1 and gap.has(f.func)]
    for what in options[number % max(1, len(options)) :]:
        others = {f: formula for f, formula in functions.items() if f != what}
        concrete = _concrete(gap, {s: v for s, v in numbers.items() if s not in what.args}, others)
        if not concrete.atoms(sp.Derivative) or concrete.atoms(AppliedUndef) != {what}:
            continue
        try:
            with at_most(SHARE):
                solution = sp.dsolve(concrete, what)
        except (Exhausted, *FAILURES):
            continue
        if isinstance(solution, sp.Equality) and solution.lhs == what:
            # constants of integration are free: a number for each, another one each time
            constants = solution.rhs.free_symbols - set(what.args)
            return what, solution.rhs.subs(dict.fromkeys(constants, 1 + number % 3))
    return None


def _symbol_solution(
    gap: sp.Expr, numbers: Numbers, functions: Functions, number: int
) -> tuple[sp.Symbol, sp.Expr] | None:
    """A symbol and a number that make the gap zero, by solving for it; it is looked at later."""
    concrete = instantiate(gap, Point((), tuple(functions.items())))
    arguments = {a for f in functions if gap.has(f.func) for a in f.args}
    options = [s for s in numbers if concrete.has(s) and s not in arguments]
    if not options or sp.expand(concrete.subs(numbers)) == 0:
        return None
    chosen = options[number % len(options)]
    rest = concrete.subs({s: v for s, v in numbers.items() if s != chosen})
    try:
        roots = [root for root in sp.solve(rest, chosen) if root.is_number]
    except FAILURES:
        return None
    return (chosen, roots[number % len(roots)]) if roots else None
