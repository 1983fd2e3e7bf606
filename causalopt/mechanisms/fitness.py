"""What a formula may hold: numbers and conditions, constants that floats hold, nesting to walk."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator

import sympy
from sympy import Basic, Expr, Symbol
from sympy.core.function import Application
from sympy.core.relational import Relational
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean, BooleanAtom, BooleanFunction

from causalopt.ground.checks import shown
from causalopt.ground.errors import DeclarationError

# sympy walks formulas by calls within calls, some five for each part, and Python has about 1000.
_DEEPEST = 150

_NUMBERS = (
    *(Symbol, sympy.Number, sympy.NumberSymbol, sympy.Add, sympy.Mul, sympy.Pow),
    *(Application, sympy.UnevaluatedExpr),
)
_CONDITIONS = (
    *(Relational, BooleanAtom, ExprCondPair, sympy.And, sympy.Or, sympy.Not, sympy.Xor),
    *(sympy.Nand, sympy.Nor, sympy.Implies, sympy.Equivalent, sympy.ITE),
)

# Inverse functions that every backend takes to NaN beyond their domains.
_INVERSE = sympy.asin, sympy.acos, sympy.atanh


def check_parts(formula: Expr, where: str) -> None:
    """Raise ``DeclarationError`` for a part that is neither a number nor a comparison of numbers.

    >>> x = sympy.Symbol("x", real=True)
    >>> check_parts(sympy.Piecewise((1, sympy.S.Integers.contains(x)), (2, True)), "x")
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.DeclarationError: The mechanism of x asks whether Contains(x, Integers):
    numbers are compared with numbers, so write Eq(Mod(x, 1), 0) for whole numbers, and for a
    stretch (x >= 0) & (x < 10).
    """
    for part in parts_of(formula):
        is_condition = isinstance(part, Boolean) and not isinstance(part, Symbol)
        if isinstance(part, _CONDITIONS):
            continue
        if is_condition or isinstance(part, BooleanFunction):
            raise DeclarationError(
                f"The mechanism of {where} asks whether {shown(part)}: numbers are compared with "
                "numbers, so write Eq(Mod(x, 1), 0) for whole numbers, and for a stretch "
                "(x >= 0) & (x < 10)."
            )
        if not isinstance(part, _NUMBERS):
            raise DeclarationError(
                f"The mechanism of {where} holds {shown(part)} ({type(part).__name__}), which is "
                f"no number: {_instead_of(part)}."
            )


def _instead_of(part: Basic) -> str:
    """What to write in place of a part that is no number."""
    if isinstance(part, sympy.Lambda):
        return "call it, as Lambda(u, u**2)(x), which writes its formula out"
    if isinstance(part, sympy.ComplexRootOf):
        return "write its digits, with .evalf()"
    return "write a formula of variables, parameters and numbers"


# A formula is asked many questions in a row, each of which is of all of its parts.
@functools.lru_cache(maxsize=16)
def parts_of(formula: Basic) -> tuple[Basic, ...]:
    """Each part once, before its own parts."""
    parts: list[Basic] = []
    seen: set[Basic] = {formula}
    waiting = [formula]
    while waiting:
        parts.append(waiting.pop())
        inner = [arg for arg in parts[-1].args if arg not in seen]
        seen.update(inner)
        waiting += inner
    return tuple(parts)


def check_nesting(formula: Expr, where: str) -> None:
    """Raise ``DeclarationError`` where more than 150 parts are nested in one another."""
    depths: dict[Basic, int] = {}
    for part in inside_out(formula):
        depths[part] = 1 + max((depths[arg] for arg in part.args), default=0)
        if depths[part] > _DEEPEST:
            raise DeclarationError(
                f"The mechanism of {where} nests more than {_DEEPEST} parts in one another: give "
                "some of them variables of their own, which others use in the same step, as u.next."
            )


def check_constants(formula: Expr, where: str) -> None:
    """Raise ``DeclarationError`` for a constant that no float holds: complex, or too large.

    An inverse function beyond its domain in a branch of a choice may never be taken: where it is, a
    run says so. Roots of negative numbers are refused there too, for Python makes numbers of them.

    >>> x = sympy.Symbol("x", real=True)
    >>> check_constants(sympy.Piecewise((x, x < 1), (sympy.asin(5), True)), "x")
    """
    constants: set[Basic] = set()
    asked, beyond = _always_asked(formula), set[Basic]()
    for part in inside_out(formula):
        if not isinstance(part, Symbol) and constants.issuperset(part.args):
            constants.add(part)
            why = _why_unfit(part) if isinstance(part, Expr) else None
            is_beyond = isinstance(part, _INVERSE) or not beyond.isdisjoint(part.args)
            if why is not None and is_beyond and part.is_real is False and part not in asked:
                beyond.add(part)
            elif why is not None:
                raise DeclarationError(
                    f"The mechanism of {where} holds {_written(part)}, which is {why}."
                )


def _always_asked(formula: Basic) -> set[Basic]:
    """The parts of a formula that are not in branches of choices alone."""
    seen: set[Basic] = {formula}
    waiting = [formula]
    while waiting:
        part = waiting.pop()
        inner = part.args[1:] if isinstance(part, ExprCondPair) else part.args
        inner = [arg for arg in inner if arg not in seen]
        seen.update(inner)
        waiting += inner
    return seen


@functools.lru_cache(maxsize=16)
def inside_out(formula: Basic) -> tuple[Basic, ...]:
    """Each part once, after its own parts."""
    return tuple(each_inside_out(formula))


def each_inside_out(formula: Basic, key: Callable[[Basic], bytes] | None = None) -> Iterator[Basic]:
    """The same one by one: formulas are graphs, and deeper than Python's stack.

    ``key`` orders the parts of a part, the last first.
    """
    seen: set[Basic] = set()
    # A part comes up twice where it has parts: first to wait for these.
    waiting = [(formula, False)]
    while waiting:
        part, has_waited = waiting.pop()
        if part in seen:
            continue
        inner = () if has_waited else [arg for arg in part.args if arg not in seen]
        if inner:
            waiting.append((part, True))
            waiting += [(arg, False) for arg in (inner if key is None else sorted(inner, key=key))]
        else:
            seen.add(part)
            yield part


@functools.lru_cache(maxsize=4096)
def _why_unfit(constant: Expr) -> str | None:
    """What is wrong with a constant; None where it is a finite real number."""
    value = constant if constant.is_Number else constant.evalf(15)
    _, imaginary = value.as_real_imag()
    if imaginary != 0:
        return (
            f"complex ({value.evalf(6)}), and nodes hold finite real numbers: for a real root of a "
            "negative number, write real_root(-8, 3)"
        )
    if value.is_Number and not abs(value) <= sys.float_info.max:
        return "beyond the largest float, 1.8e308, and nodes hold finite real numbers"
    return None


def _written(part: Basic) -> str:
    return shown(int(part)) if part.is_Integer else shown(part)
