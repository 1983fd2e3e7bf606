"""Ways to show that an expression is zero: sound rewritings, tried until 0 comes out."""

from __future__ import annotations

import dataclasses

import sympy as sp
from sympy.logic.boolalg import Boolean

from causalopt.derive.proof import rewritings
from causalopt.derive.proof.ends import by_ends
from causalopt.derive.proof.integrals import all_hidden
from causalopt.derive.proof.monotone import constant_value
from causalopt.derive.proof.sums import evaluable, leaves_sums, without_endless
from causalopt.derive.statement.expressions import Rewriting, as_kept, unknown_functions
from causalopt.derive.trial.directions import is_on_line
from causalopt.derive.trial.seams import SEAMED
from causalopt.ground.work import Exhausted, at_most

SHARE = 0.12  # of the work that a step may take, for one route; the cheap ones come first
OF_SUMS = 0.02  # for one that evaluates what has sums in it of which sympy knows no value


@dataclasses.dataclass(frozen=True)
class Route:
    """A name for the reader, and a rewriting that gives 0 for nothing but what is 0.

    Where it ``evaluates`` integrals, or may, it is given those that a proof is known for worked out
    already, and none of the others.
    """

    name: str
    rewrite: Rewriting
    share: float = SHARE
    evaluates: bool = False


# A proof is told by the name of the first route that comes out at zero: so the order runs from what
# a reader does by hand to what only sympy can follow, and with that from the cheap to the dear.
# Each starts from the difference itself, not from what another route left of it: a proof has one
# reason, and a rewriting that leads away from zero harms none of the others.
ROUTES = (
    # algebra, which decides rational expressions for good
    Route("written out", lambda whole: whole),
    Route("expand", sp.expand),
    Route("common denominator", rewritings.numerator),
    Route("derivatives by their place", rewritings.derivatives_at),
    # one family of functions each: they change nothing where no such function occurs
    Route("powers", rewritings.powers),
    Route("logarithms", rewritings.logarithms),
    Route("logarithms of factors", rewritings.factored_logarithms),
    Route("absolute values", rewritings.absolute),
    Route("trigonometry", rewritings.trigonometric),
    # after trigonometry, most of which it would settle too, by a longer way
    Route("exponentials", rewritings.exponentials),
    Route("radicals", rewritings.radicals),
    Route("algebraic number", rewritings.algebraic_number),
    Route("factorials", rewritings.combinatorial),
    Route("real and imaginary parts", rewritings.parts),
    # integrals with unknown functions can be compared, but not worked out: gather before that
    Route("integrals over one range", rewritings.gather_integrals),
    Route("integrals and sums by their ends", by_ends),
    Route("integrals and sums evaluated", rewritings.evaluate, evaluates=True),
    # whatever sympy has: dear, and no reason that a reader could follow
    Route("simplify", sp.simplify, evaluates=True),
    Route("cases", rewritings.piecewise, evaluates=True),
    Route("cases by sign", rewritings.by_sign, evaluates=True),
    Route(
        "integrals and sums evaluated, simplified",
        rewritings.evaluate_and_simplify,
        2 * SHARE,
        evaluates=True,
    ),
    Route("derivative zero, and zero at a point", constant_value, 2 * SHARE, evaluates=True),
)

#: Names of which no route knows anything, for functions that the gamma function would stand for.
HIDDEN = {
    kind: sp.Function(f"hidden {kind.__name__}")
    for kind in (sp.binomial, sp.RisingFactorial, sp.FallingFactorial, sp.catalan)
}

ALGEBRA = ROUTES[:4]  # enough for rational expressions in symbols, functions and derivatives


def to_zero(
    difference: sp.Expr,
    routes: tuple[Route, ...] = ROUTES,
    known: tuple[Boolean, ...] = (),
    *,
    on_conditions: bool = False,
) -> tuple[str | None, sp.Expr]:
    """The name of the first route that brings a difference to zero, and the shortest form met.

    ``known`` is what is assumed between symbols, which integrals may need. What else these take is
    for whoever asks ``on_conditions`` to find; for others such integrals are not worked out.

    >>> x = sp.Symbol("x")
    >>> to_zero(sp.sin(x) ** 2 + sp.cos(x) ** 2 - 1)
    ('trigonometry', 0)
    >>> to_zero(x + 1)
    (None, x + 1)
    """
    shortest = difference
    opaque = {limit: sp.Dummy("limit") for limit in difference.atoms(sp.Limit) if _is_open(limit)}
    masked, shown = difference.xreplace(opaque), {name: limit for limit, name in opaque.items()}
    masked = masked.replace(_is_off_gamma, lambda node: HIDDEN[node.func](*node.args))
    done = evaluable(masked, known) if any(route.evaluates for route in routes) else None
    if done is not None and done.conditions and not on_conditions:
        done = without_endless(all_hidden(masked))
    # sympy looks long for what a sum without a value may be
    most = OF_SUMS if done is not None and leaves_sums(done.whole) else 1
    for route in routes:
        try:
            with at_most(min(route.share, most) if route.evaluates else route.share):
                if route.evaluates and done is not None:
                    rewritten = done.shown(route.rewrite(done.whole))
                else:
                    rewritten = route.rewrite(masked)
                for kind, hidden in HIDDEN.items():
                    rewritten = rewritten.replace(hidden, kind)
                rewritten = rewritten.xreplace(shown)
        except Exhausted:
            continue
        except Exception:  # sympy fails in many ways on what it was not made for: try the next
            continue
        if rewritten == 0:
            return route.name, sp.S.Zero
        if _in_the_same_names(rewritten, difference) and _length(rewritten) < _length(shortest):
            shortest = rewritten
    return None, shortest


def _is_off_gamma(node: sp.Basic) -> bool:
    """Whether a binomial or the like may have a value that the gamma functions for it have not.

    At a whole number below 0 these have poles: binomial(-2, 1) is -2, binomial(-2, -3) is 0, and as
    quotients of gamma functions they are written alike. What is continuous there is what it is
    beside it, as binomial(x, 2) is.
    """
    if node.func not in HIDDEN or node.args[0].is_nonnegative:
        return False
    base, *rest = node.args
    if base.is_integer is False or (rest and rest[0].is_Integer):
        return False
    return base.is_integer is True or not (rest and rest[0].is_integer)


def _is_open(limit: sp.Limit) -> bool:
    """Whether symbols, seams or directions may decide on a limit, which sympy does not look at."""
    in_plane = not is_on_line(limit.args[1])
    return bool(limit.free_symbols or limit.atoms(*SEAMED) or in_plane)


def _in_the_same_names(rewritten: sp.Expr, difference: sp.Expr) -> bool:
    """Whether a rewritten difference can be shown: no names of the route's own are left in it."""
    return (
        not rewritten.has(sp.nan, sp.zoo)
        and rewritten.free_symbols <= difference.free_symbols
        and unknown_functions(rewritten) <= unknown_functions(difference)
    )


def _length(whole: sp.Expr) -> int:
    return len(as_kept(whole))
