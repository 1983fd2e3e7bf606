"""What an entropy becomes as a symbol in it, such as epsilon, goes to zero from above.

Entropies of distributions with a small mass are sums of f(e) log g(e) with rational f and g. Each
g is c e**j (1 + r(e)) / (1 + q(e)) with r(0) = q(0) = 0, so that, with L = log e,

    log g = log c + j L + log(1 + r) - log(1 + q),

and the last two are analytic at 0. So the whole is a polynomial in e and L up to O(e**n L**m),
in exact arithmetic, and e**j L**m outweighs e**i L**k where j < i, or j = i and m > k.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy
from sympy import Add, Expr, Integer, Poly, Symbol

from causalopt.ground.checks import whole
from causalopt.ground.errors import QueryError
from causalopt.ground.masses import log_of
from causalopt.ground.work import bounded

#: Orders of epsilon that are looked at before a limit is given up.
DEEPEST = 32

# log(epsilon) as a symbol of its own, so that what is left is a polynomial in two symbols.
_L = sympy.Dummy("L")


class Term(NamedTuple):
    """coefficient * epsilon**order * log(epsilon)**power."""

    order: int
    power: int
    coefficient: Expr


@bounded("This limit", "give it a shorter expression, or numbers for symbols")
def limit_at_zero(expression: Expr, epsilon: Symbol) -> Expr:
    """lim of an expression as epsilon -> 0 from above; exact, by leading terms.

    The expression is made of rational functions of epsilon and logarithms of such, or is a
    quotient of two such sums. Raises ``QueryError`` for anything else, and where all of the first
    orders vanish.

    Source: the limit that "Defining Optimization in a Deeper Way", part 2, fits by eye: the
    adjusted strength of the smart thermostat tends to half of the entropy.

    >>> e = Symbol("epsilon", positive=True)
    >>> entropy = -e * sympy.log(e) - (1 - e) * sympy.log(1 - e)
    >>> limit_at_zero(entropy / (e * sympy.log(e)), e)
    -1
    """
    top, bottom = _quotient(expression, epsilon)
    above, below = _leading(top, epsilon), _leading(bottom, epsilon)
    if above is None:
        return Integer(0)
    assert below is not None
    order, power = above.order - below.order, above.power - below.power
    ratio = sympy.simplify(above.coefficient / below.coefficient)
    if order == power == 0:
        return ratio
    if order > 0 or (order == 0 and power < 0):
        return Integer(0)
    # log(epsilon) tends to minus infinity, so that an odd power of it turns the sign.
    return sympy.oo * ratio * (-1) ** power


@bounded("This series", "give it a shorter expression, or numbers for symbols")
def series_at_zero(expression: Expr, epsilon: Symbol, order: int = 2) -> Expr:
    """The terms of an expression below epsilon**order, and what is left as O(...).

    >>> e = Symbol("epsilon", positive=True)
    >>> series_at_zero(-e * sympy.log(e) - (1 - e) * sympy.log(1 - e), e)
    epsilon - epsilon*log(epsilon) + O(epsilon**2*log(epsilon))
    """
    order = whole(order, "order", 1)
    top, bottom = _quotient(expression, epsilon)
    if bottom.has(sympy.log) and _expand_logs(bottom, epsilon, 1).has(_L):
        raise QueryError(
            f"The denominator {bottom} holds log({epsilon}), and its inverse has no series in "
            f"powers of {epsilon}: ask for limit_at_zero, or expand the two sides apart."
        )
    lowest = _leading(bottom, epsilon)
    assert lowest is not None
    depth = order + lowest.order
    # e**lowest / bottom is analytic at 0 and without logarithms, so that sympy can expand it.
    below = sympy.cancel(epsilon**lowest.order / _expand_logs(bottom, epsilon, depth))
    inverse = sympy.series(below, epsilon, 0, depth).removeO()
    terms = _terms(_expand_logs(top, epsilon, depth) * inverse, epsilon, depth)
    shown = Add(
        *(
            t.coefficient * epsilon ** (t.order - lowest.order) * sympy.log(epsilon) ** t.power
            for t in terms
        )
    )
    power = max((t.power for t in terms), default=0)
    return shown + sympy.O(epsilon**order * sympy.log(epsilon) ** power)


def _quotient(expression: Expr, epsilon: Symbol) -> tuple[Expr, Expr]:
    """Numerator and denominator, each a sum of products of polynomials and logarithms."""
    if not isinstance(expression, Expr) or not isinstance(epsilon, Symbol):
        raise QueryError(f"There is no limit of {expression!r} in {epsilon!r}: give an expression.")
    if epsilon.is_positive is False or epsilon.is_real is False:
        raise QueryError(f"{epsilon} is declared so that it cannot tend to zero from above.")
    top, bottom = sympy.fraction(sympy.together(expression))
    return top, bottom


def _leading(expression: Expr, epsilon: Symbol) -> Term | None:
    """The term that outweighs all others; None where the expression is zero."""
    # Low orders may cancel one another; how many is not known before, so that ever more are taken.
    depth = 2
    while depth <= DEEPEST:
        terms = _terms(_expand_logs(expression, epsilon, depth), epsilon, depth)
        if terms:
            # The lowest power of epsilon wins, and of equal ones the highest power of log(epsilon).
            return min(terms, key=lambda term: (term.order, -term.power))
        depth *= 2
    if sympy.simplify(expression) == 0:
        return None
    raise QueryError(
        f"The first {DEEPEST} orders of {expression} in {epsilon} vanish: there is no leading term "
        "to take a limit by."
    )


def _terms(expression: Expr, epsilon: Symbol, depth: int | None) -> list[Term]:
    """The terms of a polynomial in epsilon and L below an order; those that are zero left out."""
    try:
        polynomial = Poly(sympy.expand(expression), epsilon, _L)
    except sympy.PolynomialError:
        raise QueryError(
            f"{expression.subs(_L, sympy.log(epsilon))} is not made of rational functions of "
            f"{epsilon} and their logarithms."
        ) from None
    return [
        Term(order, power, coefficient)
        for (order, power), coefficient in polynomial.terms()
        if (depth is None or order < depth) and not coefficient.equals(0)
    ]


def _expand_logs(expression: Expr, epsilon: Symbol, depth: int) -> Expr:
    """The expression with its logarithms expanded below epsilon**depth, L for log(epsilon)."""
    return expression.replace(sympy.log, lambda inner: _log_series(inner, epsilon, depth))


def _log_series(inner: Expr, epsilon: Symbol, depth: int) -> Expr:
    if epsilon not in inner.free_symbols:
        return log_of(inner)
    top, bottom = sympy.fraction(sympy.cancel(inner))
    above, below = (_leading_factor(part, epsilon, inner) for part in (top, bottom))
    first = sympy.cancel(above[1] / below[1])
    if not first.is_positive:
        raise QueryError(
            f"log({inner}) is not known to be real for small {epsilon}: declare the symbols in it "
            "positive."
        )
    smooth = _log_of_one_plus(above[2], epsilon, depth) - _log_of_one_plus(below[2], epsilon, depth)
    return log_of(first) + (above[0] - below[0]) * _L + smooth


def _leading_factor(polynomial: Expr, epsilon: Symbol, whole: Expr) -> tuple[int, Expr, Expr]:
    """j, c and r of c epsilon**j (1 + r)."""
    try:
        terms = Poly(polynomial, epsilon).terms()
    except sympy.PolynomialError:
        raise QueryError(f"log({whole}) is not the logarithm of a rational function.") from None
    (order,), first = terms[-1]
    rest = Add(*(c * epsilon ** (power - order) / first for (power,), c in terms[:-1]))
    return order, first, rest


def _log_of_one_plus(rest: Expr, epsilon: Symbol, depth: int) -> Expr:
    """log(1 + r) below epsilon**depth: sum_n (-1)**(n+1) r**n / n, where r vanishes at 0."""
    total, power = Integer(0), Poly(1, epsilon)
    if rest == 0:
        return total
    whole = Poly(rest, epsilon)
    for n in range(1, depth):
        power = _truncate(power * whole, epsilon, depth)
        total += Integer(-1) ** (n + 1) * power.as_expr() / n
    return total


def _truncate(polynomial: Poly, epsilon: Symbol, depth: int) -> Poly:
    kept = {powers: c for powers, c in polynomial.terms() if powers[0] < depth}
    return Poly.from_dict(kept, epsilon) if kept else Poly(0, epsilon)
