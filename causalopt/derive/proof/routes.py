"""Ways to show that an expression is zero: sound rewritings, tried until 0 comes out."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from causalopt.derive.proof.monotone import constant_value
from causalopt.derive.statement.expressions import unknown_functions
from causalopt.derive.trial.alarm import TookTooLong, at_most

SECONDS = 4.0  # for one route; the cheap ones come first


@dataclasses.dataclass(frozen=True)
class Route:
    """A name for the reader, and a rewriting that does not change the value of an expression."""

    name: str
    rewrite: Callable[[Any], Any]
    seconds: float = SECONDS


def _numerator(whole: Any) -> Any:
    return sp.expand(sp.fraction(sp.together(whole))[0])


def _powers(whole: Any) -> Any:
    return sp.powsimp(sp.expand(sp.powdenest(sp.expand(whole))))


def _exponentials(whole: Any) -> Any:
    return _numerator(sp.powsimp(sp.expand(whole.rewrite(sp.exp).expand(complex=False))))


def _trigonometric(whole: Any) -> Any:
    return _numerator(sp.trigsimp(sp.expand_trig(_numerator(whole))))


def _logarithms(whole: Any) -> Any:
    return _numerator(sp.expand_log(sp.logcombine(sp.expand_log(sp.expand(whole)))))


def _factored_logarithms(whole: Any) -> Any:
    inside = whole.replace(sp.log, lambda arg: sp.expand_log(sp.log(sp.factor(arg))))
    return _numerator(inside)


def _absolute(whole: Any) -> Any:
    """|a b| = |a| |b|, and then every |a| as a positive number: it is one, or on the edge of it."""
    plain = (sp.Add, sp.Mul, sp.Pow, sp.log, sp.Abs)
    outside = whole.replace(sp.Abs, lambda arg: sp.Mul(*map(_absolute_factor, _factors(arg))))
    sizes = {size: sp.Dummy("size", positive=True) for size in outside.atoms(sp.Abs)}
    bare = outside.xreplace(sizes)
    if not all(isinstance(node, plain) for node in sp.preorder_traversal(bare) if node.args):
        return whole
    return _numerator(sp.expand_log(sp.expand(bare)))


def _factors(whole: Any) -> tuple[Any, ...]:
    return tuple(sp.Mul.make_args(sp.factor(whole)))


def _absolute_factor(factor: Any) -> Any:
    if isinstance(factor, sp.Pow) and factor.exp.is_real:
        return sp.Abs(factor.base) ** factor.exp
    return sp.Abs(factor)


def _combinatorial(whole: Any) -> Any:
    return _numerator(sp.gammasimp(sp.combsimp(sp.expand_func(whole).rewrite(sp.gamma))))


def _derivatives_at(whole: Any) -> Any:
    """F' at a place has one name, however it is written: ∂F(s, y)/∂s at s = x, or ∂F(x, y)/∂x."""
    named = whole.replace(sp.Derivative, lambda *args: _named(sp.Derivative(*args)))
    return sp.expand(
        named.replace(sp.Subs, lambda inside, old, new: _substituted(inside, old, new))
    )


def _named(node: Any) -> Any:
    if not isinstance(node, sp.Derivative) or not isinstance(node.expr, AppliedUndef):
        return node
    args, counts = node.expr.args, dict(node.variable_count)
    free = [symbol for arg in args for symbol in arg.free_symbols]
    if any(args.count(v) != 1 or free.count(v) != 1 for v in counts):
        return node
    orders = ",".join(str(counts.get(arg, 0)) for arg in args)
    return sp.Function(f"{node.expr.func}^({orders})")(*args)


def _substituted(inside: Any, old: Any, new: Any) -> Any:
    if inside.has(sp.Derivative):
        return sp.Subs(inside, old, new)
    return inside.subs(list(zip(old, new, strict=True)), simultaneous=True)


def _by_sign(whole: Any) -> Any:
    """Each real symbol above, below and at zero: an expression that is 0 in all cases is 0."""
    if not whole.has(sp.Piecewise, sp.Abs, sp.sign, sp.Max, sp.Min, sp.Heaviside):
        return whole
    symbols = [s for s in whole.free_symbols if s.is_real and not (s.is_positive or s.is_negative)]
    if not 0 < len(symbols) <= 2:
        return whole
    size = {s: sp.Dummy("size", positive=True) for s in symbols}
    for signs in itertools.product((1, -1, 0), repeat=len(symbols)):
        case = whole.subs({s: k * size[s] for s, k in zip(symbols, signs, strict=True)})
        if sp.simplify(case) != 0:
            return whole
    return sp.S.Zero


def _piecewise(whole: Any) -> Any:
    folded = sp.piecewise_fold(whole.rewrite((sp.Abs, sp.sign, sp.Max, sp.Min), sp.Piecewise))
    return sp.simplify(folded)


def _radicals(whole: Any) -> Any:
    return sp.expand(sp.radsimp(sp.sqrtdenest(sp.expand(whole))))


def _algebraic_number(whole: Any) -> Any:
    if whole.free_symbols or not whole.is_algebraic:
        return whole
    x = sp.Dummy("x")
    return sp.S.Zero if sp.minimal_polynomial(whole, x) == x else whole


def _parts(whole: Any) -> Any:
    """Every complex symbol as a + i b, with a and b real."""
    unknown = [s for s in whole.free_symbols if s.is_extended_real is None]
    if not unknown:
        return whole
    split = {s: sp.Dummy("a", real=True) + sp.I * sp.Dummy("b", real=True) for s in unknown}
    return _numerator(sp.expand_complex(whole.subs(split)))


def _gathered(whole: Any) -> Any:
    """Integrals over the same range as one, whatever their variables are called."""
    integrands: dict[Any, Any] = {}
    rest = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(whole).as_dummy()):
        integrals = list(term.atoms(sp.Integral))
        factor = term / integrals[0] if len(integrals) == 1 else term
        if len(integrals) != 1 or factor.has(sp.Integral, *integrals[0].variables):
            rest += term
            continue
        limits = integrals[0].limits
        integrands[limits] = integrands.get(limits, 0) + factor * integrals[0].function
    return sp.expand(sum((sp.Integral(f, *lim).doit() for lim, f in integrands.items()), rest))


def _evaluated(whole: Any) -> Any:
    return _numerator(whole.doit())


def _evaluated_and_simplified(whole: Any) -> Any:
    return sp.simplify(whole.doit())


ROUTES = (
    Route("written out", lambda whole: whole),
    Route("expand", sp.expand),
    Route("common denominator", _numerator),
    Route("derivatives by their place", _derivatives_at),
    Route("powers", _powers),
    Route("logarithms", _logarithms),
    Route("logarithms of factors", _factored_logarithms),
    Route("absolute values", _absolute),
    Route("trigonometry", _trigonometric),
    Route("exponentials", _exponentials),
    Route("radicals", _radicals),
    Route("algebraic number", _algebraic_number),
    Route("factorials", _combinatorial),
    Route("real and imaginary parts", _parts),
    Route("integrals over one range", _gathered),
    Route("integrals and sums evaluated", _evaluated),
    Route("simplify", sp.simplify),
    Route("cases", _piecewise),
    Route("cases by sign", _by_sign),
    Route("integrals and sums evaluated, simplified", _evaluated_and_simplified, 8.0),
    Route("derivative zero, and zero at a point", constant_value, 8.0),
)

ALGEBRA = ROUTES[:4]  # enough for rational expressions in symbols, functions and derivatives


def to_zero(difference: Any, routes: tuple[Route, ...] = ROUTES) -> tuple[str | None, Any]:
    """The name of the first route that brings a difference to zero, and the shortest form met.

    >>> x = sp.Symbol("x")
    >>> to_zero(sp.sin(x) ** 2 + sp.cos(x) ** 2 - 1)
    ('trigonometry', 0)
    >>> to_zero(x + 1)
    (None, x + 1)
    """
    shortest = difference
    for route in routes:
        try:
            with at_most(route.seconds):
                found = route.rewrite(difference)
        except TookTooLong:
            continue
        except Exception:  # sympy fails in many ways on what it was not made for: try the next
            continue
        if found == 0:
            return route.name, sp.S.Zero
        if _in_the_same_names(found, difference) and _length(found) < _length(shortest):
            shortest = found
    return None, shortest


def _in_the_same_names(found: Any, difference: Any) -> bool:
    """Whether a rewritten difference can be shown: no names of the route's own are left in it."""
    return (
        not found.has(sp.nan, sp.zoo)
        and found.free_symbols <= difference.free_symbols
        and unknown_functions(found) <= unknown_functions(difference)
    )


def _length(whole: Any) -> int:
    return len(str(whole))
