"""Equations that go round in a circle, solved by Newton's method: the number, and how it moves.

The unknowns are found by an iteration, as numbers that move with nothing. From there one more
step of the method is taken by formulas. It leads nowhere, and moves as the implicit function
theorem says: du = (1 - dg/du)^-1 (dg/dp) dp of u = g(u, p).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sympy import Abs, Add, Expr, Float, Mul, Symbol

from causalopt.language.symbols import Next, Stage
from causalopt.mechanisms.elimination import eliminated, order_of, solved
from causalopt.mechanisms.interface import ONE, ZERO, Mechanism
from causalopt.mechanisms.rebuilding import with_terms
from causalopt.mechanisms.settled import Settled, Turn, Unmoved
from causalopt.mechanisms.symbolic import Expression

# Which stage of an equation's variable a number is, beside the one that the equation gives: what is
# found, what equations say there, what is left of a right-hand side, a step, and entries of a row.
_FOUND, _SAID, _LEFT, _STEP, _ENTRY = range(1, 6)
#: How many stages there are of each, but for a circle of more equations than this.
ROLES = 1 << 12


# Beside the sizes of what an equation adds up, what is left of it may be rounding: four times that
# of one operation.
_ROUNDING = Float(2.0**-50)


def solved_by_newton(
    equations: Mapping[Stage, Mechanism], guesses: Mapping[Stage, Expr]
) -> dict[Stage, Mechanism]:
    """What gives the unknowns of equations, those with a guess, which the others follow.

    The search for them begins at the ``guesses``.

    ``equations`` stand under the stages that they give, which they are of by ``stage.next``; those
    of the others come in the order in which they follow. The equations of the unknowns are replaced
    by what solves them all, and the stages that this takes are added.
    """
    unknowns = [v for v in equations if v in guesses]
    others = [v for v in equations if v not in guesses]
    seen: dict[Symbol, Expr] = {v.next: _stage(v, _FOUND).next for v in unknowns}
    seen |= {v.next: _stage(v, _SAID).next for v in others}
    # Of an equation u = u + ..., what is added, so that it is not rounded as u is.
    added = {v: more for v in unknowns if (more := _added(v, equations[v]))}
    told = {v: added.get(v, equations[v]) for v in (*others, *unknowns)}
    said = {_stage(v, _SAID): rule.renamed(seen) for v, rule in told.items()}
    slopes = {v: _slopes(equations[v], seen) for v in (*others, *unknowns)}
    rows = {v: _row(v, slopes[v], seen) for v in equations}
    order = order_of(rows, unknowns)
    entries, named = eliminated(rows, order, lambda v, place: _stage(v, _ENTRY + place))
    off = dict.fromkeys(others, ZERO)
    off |= {
        v: _stage(v, _SAID).next - (ZERO if v in added else _stage(v, _FOUND).next)
        for v in unknowns
    }
    steps = solved(named, order, off, lambda v: _stage(v, _LEFT), lambda v: _stage(v, _STEP))
    results = [_stage(v, _FOUND).next + _stage(v, _STEP).next for v in unknowns]
    way = [(s.next, rule.value({})) for s, rule in said.items()]
    way += [(s.next, term) for s, term in (*entries.items(), *steps.items())]
    sizes = _sizes({v: _slopes(rule, seen) for v, rule in told.items()}, seen, unknowns)
    doubts = [Abs(off[v]) - _ROUNDING * _size(v) for v in unknowns]
    turn = _turn([seen[v.next] for v in unknowns], [*way, *sizes.items()], results, doubts)
    begun = [guesses[v] for v in unknowns]
    found: dict[Stage, Mechanism] = {
        _stage(v, _FOUND): Unmoved(Settled.of(place, turn, begun))
        for place, v in enumerate(unknowns)
    }
    moving = {**steps, **dict(zip(unknowns, results, strict=True))}
    return {
        **{v: equations[v] for v in others},
        **found,
        **said,
        **{stage: Unmoved(term) for stage, term in entries.items()},
        **{stage: Expression(term) for stage, term in moving.items()},
    }


def _stage(owner: Stage, role: int) -> Stage:
    return Stage(owner.owner, owner.number + role)


def _size(variable: Stage) -> Symbol:
    """How large the parts are that an equation adds up, as it is called in a search."""
    return Symbol(f"size of {variable}", real=True)


def _added(variable: Stage, equation: Mechanism) -> Expression | None:
    """What an equation adds to its own variable; None where it is no such sum.

    >>> from causalopt.language.symbols import variables
    >>> u, x = variables("u x")
    >>> v = Stage(u, 0)
    >>> print(_added(v, Expression(v.next + x)), _added(v, Expression(x / v.next)))
    x None
    """
    formula = equation.formula if isinstance(equation, Expression) else ZERO
    is_sum = isinstance(formula, Add) and variable.next in formula.args
    return Expression(formula - variable.next) if is_sum else None


def _slopes(equation: Mechanism, seen: Mapping[Symbol, Expr]) -> dict[Symbol, Expr]:
    """The derivatives of an equation by its arguments, where those on the circle are as seen."""
    return equation.reverse({s: seen.get(s, s) for s in equation.arguments}, ONE)


def _row(
    variable: Stage, slopes: Mapping[Symbol, Expr], seen: Mapping[Symbol, Expr]
) -> dict[Stage, Expr]:
    """The row of a variable in 1 - dg/dv, where its equation is v = g."""
    row = {
        s.variable: -e for s, e in slopes.items() if isinstance(s, Next) and s in seen and e != 0
    }
    return row | {variable: ONE + row.get(variable, ZERO)}


def _sizes(
    slopes: Mapping[Stage, Mapping[Symbol, Expr]],
    seen: Mapping[Symbol, Expr],
    unknowns: Collection[Stage],
) -> dict[Symbol, Expr]:
    """|g| + sum_s |dg/ds| |s| of each equation; in place of |s|, the same of those that it follows.

    The rounding of an equation's value is a part of that.
    """
    known = {v.next: _size(v) for v in slopes if v not in unknowns}
    return {
        _size(v): Add(
            Abs(_stage(v, _SAID).next),
            *(Mul(Abs(e), known.get(s, Abs(seen.get(s, s)))) for s, e in own.items()),
        )
        for v, own in slopes.items()
    }


def _turn(
    unknowns: Sequence[Expr],
    way: Sequence[tuple[Symbol, Expr]],
    results: Sequence[Expr],
    doubts: Sequence[Expr],
) -> Turn:
    """A step of the method as a turn of an iteration, in symbols of its own."""
    needed = set[Symbol]().union(*(part.free_symbols for part in (*results, *doubts)))
    kept: list[tuple[Symbol, Expr]] = []
    for symbol, term in reversed(way):
        if symbol in needed:
            kept.append((symbol, term))
            needed |= term.free_symbols
    steps = kept[::-1]
    inner = (*unknowns, *(symbol for symbol, _ in steps))
    names = {symbol: Symbol(f"z{number}", real=True) for number, symbol in enumerate(inner)}
    return Turn(
        unknowns=tuple(names[unknown] for unknown in unknowns),
        steps=tuple((names[symbol], with_terms(term, names)) for symbol, term in steps),
        results=tuple(with_terms(result, names) for result in results),
        doubts=tuple(with_terms(doubt, names) for doubt in doubts),
    )
