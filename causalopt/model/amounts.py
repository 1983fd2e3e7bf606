"""What a model is given: its parameters and starts, as numbers or as formulas of others."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from graphlib import CycleError
from typing import TypeAlias, TypeVar

import sympy
from sympy import Expr, MatrixExpr, Symbol

from causalopt.ground import checks
from causalopt.ground.errors import DeclarationError, nearest
from causalopt.ground.order import ordered
from causalopt.ground.readonly import ReadOnly
from causalopt.ground.tensors import Tensor, finite_tensor, real_numbers
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Parameter, Quantity, Variable
from causalopt.language.trees import Tree
from causalopt.language.vectors import spread
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.rebuilding import NO_VALUE
from causalopt.mechanisms.symbolic import expression

J = TypeVar("J")
K = TypeVar("K")
Q = TypeVar("Q", bound=Quantity)

#: What a parameter or a start is given as: a number, an array, a named value, or a formula.
Amount: TypeAlias = float | str | Expr | Tensor | Tree
#: The same as a model keeps it.
Kept: TypeAlias = float | Expr | Tensor | Tree

# More digits than a float has, so that a formula is rounded once.
_DIGITS = 25


def amounts_of(entries: object, kind: type[Q], where: str) -> ReadOnly[Q, Kept]:
    """The numbers and formulas of a mapping whose keys are all of one kind of symbol, for good."""
    given = {} if entries is None else checks.as_mapping(entries, where, f"{where}={{...: 1.0}}")
    values: dict[Q, Kept] = {}
    for key, value in spread(given, where).items():
        if not isinstance(key, kind):
            raise DeclarationError(
                f"{where} has the key {key!r} ({type(key).__name__}): "
                f"its keys are {kind.__name__.lower()}s."
            )
        values[key] = _given(key, value, f"{where}[{key}]")
    return ReadOnly(values)


def changed(before: Mapping[K, Kept], values: Mapping[J, Amount], where: str) -> dict[K, Kept]:
    """Values with some of them changed; what is not there to be changed is refused."""
    given = spread(checks.as_mapping(values, where, f"{where}={{...: 1.0}}"), where, before)
    for key in given:
        if key not in before:
            raise DeclarationError(
                f"{where} names {key}, which is not there.{nearest(key, before)}"
            )
    new: dict[object, Kept] = {
        key: _given(key, value, f"{where}: the value of {key}") for key, value in given.items()
    }
    return {key: new.get(key, value) for key, value in before.items()}


def _given(key: object, value: object, where: str) -> Kept:
    """A value as a number or an array, or as the formula that it follows from."""
    if isinstance(key, Parameter) and not isinstance(value, Expr | str) and _holds_arrays(value):
        return _array(value, where)
    if not isinstance(value, Expr) or isinstance(value, MatrixExpr) or value.is_number:
        return domain_of(key).code(value, where)
    why = domain_of(key).why_no_difference()
    if why is not None:
        raise DeclarationError(f"{where} is the formula {value}, but {why}.")
    return value


def _holds_arrays(value: object) -> bool:
    """Whether a parameter's value is an array, or something that is built of arrays."""
    if isinstance(value, Tensor | Tree | Mapping | list | tuple):
        return True
    is_array = getattr(value, "ndim", 0) > 0
    return is_array or (checks.as_float(value) is None and is_dataclass(value))


def _array(value: object, where: str) -> Tensor | Tree:
    """The value of a parameter that is an array, of numbers of any kind, or a tree of arrays."""
    if isinstance(value, Tensor | Tree):
        return value
    if hasattr(value, "ndim") or _is_of_numbers(value):
        numbers = real_numbers(value, where, "an array, or a tree of arrays")
        return Tensor(numbers) if numbers.dtype.kind in "iub" else finite_tensor(numbers, where)
    return Tree.of(value, where)


def _is_of_numbers(value: object) -> bool:
    """Whether lists hold numbers alone: then they are one array, and no tree of arrays."""
    parts = list(value) if isinstance(value, list | tuple) else []
    return bool(parts) and all(_is_of_numbers(p) or checks.as_float(p) is not None for p in parts)


def arrays_in(given: Mapping[K, Kept]) -> dict[K, Tensor | Tree]:
    """The arrays among some values."""
    return {key: value for key, value in given.items() if isinstance(value, Tensor | Tree)}


def numbers_in(given: Mapping[K, Kept]) -> dict[K, float | Expr]:
    """The numbers among some values, and the formulas of numbers."""
    return {key: v for key, v in given.items() if not isinstance(v, Tensor | Tree)}


def of_numbers(given: Mapping[K, Kept]) -> ReadOnly[K, float | Expr]:
    """The same, if none of it is an array: ``Network.from_arrays`` is of numbers."""
    arrays = arrays_in(given)
    if arrays:
        first = next(iter(arrays))
        raise DeclarationError(
            f"{first} is {arrays[first]}, and Network.from_arrays is of numbers: declare the "
            f"network by its nodes, Network({{h: function(f)(x, {first})}}, ...)."
        )
    return ReadOnly(numbers_in(given))


def formulas_of(given: Mapping[K, Kept]) -> dict[K, Mechanism]:
    """The formulas among some values, as mechanisms."""
    return {k: expression(v, str(k)) for k, v in given.items() if isinstance(v, Expr)}


def check_formulas_of(
    formulas: Mapping[K, Mechanism], known: Iterable[Symbol], where: str, what: str
) -> None:
    """Every symbol of every formula is one of the ``known``, which are ``what``."""
    everything = set(known)
    for key, mechanism in formulas.items():
        for symbol in mechanism.arguments:
            if symbol not in everything:
                raise DeclarationError(
                    f"{where}[{key}] is {mechanism}, and {symbol} is none of {what}."
                    + nearest(symbol, sorted(map(str, everything)))
                )


def settled(given: Mapping[K, float | Expr], where: str) -> ReadOnly[K, float]:
    """The number that each value comes to, in the order in which they were given.

    Raises ``DeclarationError`` for formulas that go round in a circle, and for one that comes to no
    finite real number, or to one that its symbol is assumed not to be.
    """
    formulas = {key: value for key, value in given.items() if isinstance(value, Expr)}
    numbers = {key: value for key, value in given.items() if not isinstance(value, Expr)}
    for key in in_turn(formulas, where):
        number = comes_to(formulas[key], numbers, f"{where}[{key}]")
        numbers[key] = domain_of(key).code(number, f"{where}[{key}] = {formulas[key]}")
    return ReadOnly({key: numbers[key] for key in given})


def followed(given: Mapping[K, float | Expr], ends: Iterable[K]) -> set[Symbol]:
    """All symbols that some values follow from, by formulas of formulas."""
    seen: set[Symbol] = set()
    waiting = list(ends)
    while waiting:
        value = given.get(waiting.pop())
        more = value.free_symbols - seen if isinstance(value, Expr) else ()
        seen.update(more)
        waiting.extend(more)
    return seen


def in_turn(formulas: Mapping[K, Expr], where: str) -> list[K]:
    """The keys of formulas, each after those that it follows from."""
    sources = {key: formula.free_symbols for key, formula in formulas.items()}
    try:
        return ordered(sources)
    except CycleError as circle:
        loop = [str(key) for key in circle.args[1][:-1]]
        raise DeclarationError(
            f"{where} goes round in a circle, {' -> '.join([*loop, loop[0]])}: give one of them a "
            "number."
        ) from None


def comes_to(formula: Expr, numbers: Mapping[K, float], where: str) -> float:
    """The number that a formula comes to, or a ``DeclarationError`` that says that it is none."""
    known = {s: sympy.Float(numbers[s], _DIGITS) for s in sorted(formula.free_symbols, key=str)}
    value = _evaluated(formula, tuple(known.items()))
    real, imaginary = value.as_real_imag()
    if imaginary != 0 or not real.is_Number or not math.isfinite(float(real)):
        at = ", ".join(f"{s} = {numbers[s]:g}" for s in known)
        raise DeclarationError(
            f"{where} is {formula}, which is no finite real number{at and f' at {at}'}."
        )
    return float(real)


@functools.lru_cache(maxsize=1024)
def _evaluated(formula: Expr, known: tuple[tuple[Symbol, Expr], ...]) -> Expr:
    try:
        value: Expr = formula.xreplace(dict(known)).evalf(_DIGITS)
    except NO_VALUE:
        # At a pole some functions have no value, and say so; a condition may compare what has none.
        return sympy.nan
    return value


def checked_parameters(entries: object) -> ReadOnly[Parameter, Kept]:
    """The values of parameters: numbers, formulas of parameters that are numbers, and arrays."""
    given = amounts_of(entries, Parameter, "parameters")
    known = numbers_in(given)
    check_formulas_of(formulas_of(given), known, "parameters", "the parameters with numbers")
    return given


def checked_starts(
    entries: object, variables: Iterable[Variable], parameters: Iterable[Parameter]
) -> ReadOnly[Variable, Amount]:
    """The start values as users write them: formulas are of parameters and of start values."""
    given = amounts_of(entries, Variable, "start")
    known = (*variables, *parameters)
    check_formulas_of(formulas_of(given), known, "start", "the variables and parameters")
    in_turn({key: value for key, value in given.items() if isinstance(value, Expr)}, "start")
    return ReadOnly({v: n if isinstance(n, Expr) else v.domain.value(n) for v, n in given.items()})


def coded(start: Mapping[Variable, Amount]) -> dict[Variable, Kept]:
    """Start values as a run computes with them: named values by their places."""
    return {v: n if isinstance(n, Expr) else v.domain.code(n, str(v)) for v, n in start.items()}
