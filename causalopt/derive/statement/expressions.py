"""What may stand in a derivation: exact sympy expressions of bounded size, never text."""

from __future__ import annotations

import fractions
import numbers
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import sympy as sp
from sympy.core.function import AppliedUndef, UndefinedFunction

from causalopt.ground.errors import DerivationError

MOST_NODES = 4_000
DEEPEST = 120

#: One side of an equation: a scalar, or an explicit matrix.
Formula: TypeAlias = sp.Expr | sp.MatrixBase
#: What a page introduces: a symbol, or an unknown function at symbols.
Name: TypeAlias = sp.Symbol | AppliedUndef
#: One expression made of another.
Rewriting: TypeAlias = Callable[[sp.Expr], sp.Expr]


def expression(value: object) -> sp.Basic:
    """``value`` as an exact, immutable sympy expression.

    Text is refused, since reading it would run it; floats are refused, since a proof needs to know
    whether 0.1 means one tenth.

    Raises
    ------
    DerivationError
        For text, floats and whatever else is no exact expression.

    >>> expression(3), expression(fractions.Fraction(1, 2))
    (3, 1/2)
    >>> expression("x + 1")
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.DerivationError: 'x + 1' is text: build it from sympy symbols.
    """
    if isinstance(value, sp.MatrixBase):
        return value.as_immutable()
    if isinstance(value, sp.Basic):
        return value
    if isinstance(value, bool) or not isinstance(value, numbers.Rational):
        raise DerivationError(_why_not(value))
    fraction = fractions.Fraction(value)
    return sp.Rational(fraction.numerator, fraction.denominator)


def as_kept(whole: sp.Basic) -> str:
    """The text of an expression, with the terms of its sums as they are kept.

    sympy's own order asks for the number of each term, which may take for ever to come.

    >>> x = sp.Symbol("x")
    >>> as_kept(x**2 + x + 1) == str(x**2 + x + 1)
    False
    """
    return str(sp.sstr(whole, order="none"))


def _why_not(value: object) -> str:
    if isinstance(value, str):
        return f"{value!r} is text: build it from sympy symbols."
    if isinstance(value, float):
        return f"{value!r} is a float: write an exact number, such as sympy.Rational(1, 10)."
    return f"{value!r} ({type(value).__name__}) is no sympy expression."


def nodes(whole: sp.Basic) -> Iterator[tuple[sp.Basic, int]]:
    """Every node of an expression with its depth; without recursion, so that depth cannot hurt."""
    stack = [(whole, 0)]
    while stack:
        node, depth = stack.pop()
        yield node, depth
        stack.extend((arg, depth + 1) for arg in _parts(node))


def _parts(node: sp.Basic) -> Sequence[sp.Basic]:
    # sympy takes classes, such as sin, for parts of some expressions
    return node.args if isinstance(node, sp.Basic) else ()


def check_size(whole: sp.Basic) -> None:
    """Refuse an expression too large to check in bounded time, or one that is not exact.

    Shared parts count once for every use, as that is what checking them costs, and the count stops
    at the limit.

    Raises
    ------
    DerivationError
        Above ``MOST_NODES`` nodes or ``DEEPEST`` levels, with a float inside, or with a derivative
        of which sympy does not tell by what it is.
    """
    for count, (node, depth) in enumerate(nodes(whole)):
        if count >= MOST_NODES:
            raise DerivationError(
                f"the expression has more than {MOST_NODES} parts: name some of them with Let, "
                "or split the step."
            )
        if depth > DEEPEST:
            raise DerivationError(
                f"the expression is nested more than {DEEPEST} deep: name its parts with Let."
            )
        if isinstance(node, sp.Float):
            raise DerivationError(f"{node} is a float: write an exact number, such as Rational.")
        if not isinstance(node, sp.Basic):
            raise DerivationError(f"{node!r} inside of it is no sympy expression.")
        if not isinstance(node, AppliedUndef) and type(node).__module__.split(".")[0] != "sympy":
            raise DerivationError(
                f"{type(node).__name__} is a class of your own, which the checker does not run: "
                "use sympy's functions, or an unknown one such as Function('f')."
            )
        if _is_ambiguous(node):
            raise DerivationError(
                f"{node}: at a point of equal values sympy takes a derivative by one of these for "
                "that by another, and adds them up: put in all but one before it is taken, as in "
                "Subs(Derivative(H(u, x), u), u, x)."
            )


def _is_ambiguous(node: sp.Basic) -> bool:
    if not isinstance(node, sp.Subs) or len(set(node.point)) == len(node.point):
        return False
    return bool(node.expr.has(sp.Derivative))


def unknown_functions(whole: sp.Basic) -> frozenset[UndefinedFunction]:
    """The undefined functions that an expression applies, such as P in P(W, t).

    >>> x = sp.Symbol("x")
    >>> sorted(str(f) for f in unknown_functions(sp.Function("f")(x) + sp.sin(x)))
    ['f']
    """
    return frozenset(applied.func for applied in whole.atoms(AppliedUndef))


def define(whole: sp.Basic, name: Name, value: sp.Expr) -> sp.Basic:
    """``whole`` with a defined symbol, or a defined function at any arguments, written out.

    A derivative by a value of the function is one by a place, which is taken there.

    >>> x, y = sp.symbols("x y")
    >>> f = sp.Function("f")
    >>> define(f(y) + 1, f(x), x**2)
    y**2 + 1
    >>> define(sp.Derivative(x * f(x), f(x)), f(x), x**2).doit()
    x
    """
    if not isinstance(name, AppliedUndef):
        return whole.subs(name, value)
    if not whole.has(name.func):
        return whole
    by_places = whole.replace(
        lambda node: _is_by(node, name.func), lambda node: _by_places(node, name.func)
    )
    return by_places.replace(name.func, sp.Lambda(name.args, value))


def _is_by(node: sp.Basic, function: UndefinedFunction) -> bool:
    return isinstance(node, sp.Derivative) and any(v.has(function) for v in node.variables)


def _by_places(derivative: sp.Derivative, function: UndefinedFunction) -> sp.Expr:
    """A derivative by values of a function, by symbols for them, which have these values then."""
    whole = derivative.expr
    for variable, count in derivative.variable_count:
        if not variable.has(function):
            whole = sp.Derivative(whole, (variable, count))
            continue
        # its own slopes stay what they are, as they do in sympy's derivative by it
        slopes = {d: sp.Dummy() for d in whole.atoms(sp.Derivative) if d.expr == variable}
        place = sp.Dummy("place", **variable.assumptions0)
        there = whole.xreplace(slopes).xreplace({variable: place})
        there = there.xreplace({stands: slope for slope, stands in slopes.items()})
        whole = sp.Subs(sp.Derivative(there, (place, count)), place, variable)
    return whole
