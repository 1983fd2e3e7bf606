"""Cases aimed at where claims fail: zeros of gaps, each sign and zero of each symbol."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import sympy as sp

from causalopt.derive.statement.scope import Scope
from causalopt.derive.statement.verdict import Point
from causalopt.derive.trial.failures import FAILURES
from causalopt.derive.trial.sampling import fits, points, satisfies
from causalopt.ground.work import Exhausted, at_most

MOST_GAPS = 8
MOST_SIGNED = 3  # symbols of which all signs are tried together
SIZES = (sp.Integer(1), sp.Rational(7, 3))
MOST_TURNED = 2  # symbols of which all directions are tried together
GRID = tuple(map(sp.Integer, range(-3, 3)))
ROOTS = (sp.Rational(1, 2), sp.Integer(2), sp.Rational(-1, 3))
TURNS = (-1, sp.I, -sp.I, -1 + sp.I, -1 - sp.I)
SHARE = 0.03  # of the work that a step may take, for solving one gap


def aimed_points(scope: Scope, gaps: Sequence[sp.Expr], usual: int) -> Iterator[Point]:
    """Points of the scope: a few random ones, all signs of its symbols, then the zeros of gaps.

    >>> x, y = sp.symbols("x y", real=True)
    >>> aimed = list(aimed_points(Scope((x, y)), [x - 2 * y], 1))
    >>> any(dict(p.symbols)[x] == 2 * dict(p.symbols)[y] != 0 for p in aimed)
    True
    """
    seen: set[Point] = set()
    random = list(itertools.islice(points(scope), max(usual, 2)))
    for point in (*random[:usual], *_by_sign(scope, random), *_on_gaps(scope, gaps, random)):
        if point not in seen and satisfies(point, scope.relations):
            seen.add(point)
            yield point


def points_on(scope: Scope, gaps: Sequence[sp.Expr]) -> Iterator[Point]:
    """Points of the scope on the zeros of gaps and beside them."""
    random = list(itertools.islice(points(scope), 2))
    return (p for p in _on_gaps(scope, gaps, random) if satisfies(p, scope.relations))


def points_around(scope: Scope) -> Iterator[Point]:
    """Points of the scope at which what may be complex lies in all directions, cuts among them.

    >>> z = sp.Symbol("z")
    >>> [str(point) for point in points_around(Scope((z,)))]
    ['z = -1', 'z = I', 'z = -I', 'z = -1 + I', 'z = -1 - I']
    """
    turned = [s for s in scope.symbols if s.is_extended_real is None][:MOST_TURNED]
    random = list(itertools.islice(points(scope), 2)) if turned else []
    for number, turns in enumerate(itertools.product(TURNS, repeat=len(turned))):
        sizes = (SIZES[k % 2] for k in range(len(turned)))
        chosen = {s: sp.expand(t * k) for s, t, k in zip(turned, turns, sizes, strict=True)}
        if random and all(fits(s, v) for s, v in chosen.items()):
            point = _with_values(random[number % len(random)], chosen)
            if satisfies(point, scope.relations):
                yield point


def points_of_powers(scope: Scope, exponents: Sequence[sp.Expr]) -> Iterator[Point]:
    """Points of the scope at which exponents are no whole numbers, and what is raised lies around.

    For whole ones much holds of powers that does not for others.

    >>> z, w, a = *sp.symbols("z w"), sp.Symbol("a", real=True)
    >>> str(next(points_of_powers(Scope((z, w, a)), [a])))
    'z = -1, w = -7/3, a = 1/2'
    """
    raised = [s for e in exponents for s in sorted(e.free_symbols, key=str) if not s.is_integer]
    free = [s for s in dict.fromkeys(raised) if s in scope.symbols][:MOST_TURNED]
    others = [s for s in scope.symbols if s not in free][:MOST_TURNED]
    random = list(itertools.islice(points(scope), 1)) if free else []
    choices = [*([ROOTS] * len(free)), *([(-1, sp.I, 1)] * len(others))]
    for point, values in itertools.product(random, itertools.product(*choices)):
        sizes = (*([sp.S.One] * len(free)), *SIZES)
        pairs = zip((*free, *others), values, sizes, strict=False)
        chosen = {s: value * size for s, value, size in pairs}
        if all(fits(s, v) for s, v in chosen.items()):
            moved = _with_values(point, chosen)
            if satisfies(moved, scope.relations):
                yield moved


def points_on_grid(scope: Scope) -> Iterator[Point]:
    """Points of the scope at which whole numbers lie about 0, in all signs and orders.

    >>> n = sp.Symbol("n", integer=True)
    >>> [str(point) for point in points_on_grid(Scope((n,)))]
    ['n = -3', 'n = -2', 'n = -1', 'n = 0', 'n = 1', 'n = 2']
    """
    whole = [s for s in scope.symbols if s.is_integer][:MOST_TURNED]
    random = list(itertools.islice(points(scope), 1)) if whole else []
    for point, values in itertools.product(random, itertools.product(GRID, repeat=len(whole))):
        chosen = dict(zip(whole, values, strict=True))
        if all(fits(s, v) for s, v in chosen.items()):
            moved = _with_values(point, chosen)
            if satisfies(moved, scope.relations):
                yield moved


def _by_sign(scope: Scope, random: Sequence[Point]) -> Iterator[Point]:
    if not random:
        return
    signed = scope.symbols[:MOST_SIGNED]
    for signs in itertools.product((1, -1, 0), repeat=len(signed)):
        sizes = (SIZES[k % 2] + k // 2 for k in range(len(signed)))
        chosen = {s: sign * size for s, sign, size in zip(signed, signs, sizes, strict=True)}
        if all(fits(s, v) for s, v in chosen.items()):
            yield _with_values(random[0], chosen)


def _on_gaps(scope: Scope, gaps: Sequence[sp.Expr], random: Sequence[Point]) -> Iterator[Point]:
    for gap, point in itertools.product(gaps[:MOST_GAPS], random[:2]):
        for symbol in scope.symbols:
            if not gap.has(symbol):
                continue
            others = {s: v for s, v in point.symbols if s != symbol}
            # on the zero, and on both sides of it
            for root, step in itertools.product(_roots(gap.subs(others), symbol)[:2], (0, 1, -1)):
                if fits(symbol, root + step):
                    yield _with_values(point, {symbol: root + step})


def _roots(gap: sp.Expr, symbol: sp.Symbol) -> list[sp.Expr]:
    plain = sp.Dummy("x", real=True)
    if gap.is_polynomial(symbol) and sp.degree(gap, symbol) == 1:  # most are, and solving is slow
        slope, rest = sp.Poly(gap, symbol).all_coeffs()
        return [-rest / slope] if (rest / slope).is_number else []
    try:
        with at_most(SHARE):
            roots = sp.solve(gap.subs(symbol, plain), plain)
    except (Exhausted, *FAILURES):
        return []
    return [root for root in roots if isinstance(root, sp.Expr) and root.is_number]


def _with_values(point: Point, values: dict[sp.Symbol, sp.Expr]) -> Point:
    symbols = tuple((s, values.get(s, v)) for s, v in point.symbols)
    return Point(symbols, point.functions)
