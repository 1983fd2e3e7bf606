"""What a model is given: its parameters and starts, as numbers or as formulas of others."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from typing import TypeAlias, TypeVar

import networkx as nx
import sympy
from sympy import Expr, MatrixExpr, Symbol

from causalopt.ground import checks
from causalopt.ground.errors import DeclarationError, nearest
from causalopt.ground.readonly import ReadOnly
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Parameter, Quantity, Variable
from causalopt.language.vectors import spread
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.symbolic import expression

J = TypeVar("J")
K = TypeVar("K")
Q = TypeVar("Q", bound=Quantity)

#: What a parameter or a start is given as: a number, a named value, or a formula of others.
Amount: TypeAlias = float | str | Expr

# More digits than a float has, so that a formula is rounded once.
_DIGITS = 25


def amounts_of(entries: object, kind: type[Q], where: str) -> ReadOnly[Q, float | Expr]:
    """The numbers and formulas of a mapping whose keys are all of one kind of symbol, for good."""
    given = {} if entries is None else checks.as_mapping(entries, where, f"{where}={{...: 1.0}}")
    values: dict[Q, float | Expr] = {}
    for key, value in spread(given, where).items():
        if not isinstance(key, kind):
            raise DeclarationError(
                f"{where} has the key {key!r} ({type(key).__name__}): "
                f"its keys are {kind.__name__.lower()}s."
            )
        values[key] = _given(key, value, f"{where}[{key}]")
    return ReadOnly(values)


def changed(
    before: Mapping[K, float | Expr], values: Mapping[J, Amount], where: str
) -> dict[K, float | Expr]:
    """Values with some of them changed; what is not there to be changed is refused."""
    given = spread(checks.as_mapping(values, where, f"{where}={{...: 1.0}}"), where, before)
    for key in given:
        if key not in before:
            raise DeclarationError(
                f"{where} names {key}, which is not there.{nearest(key, before)}"
            )
    new: dict[object, float | Expr] = {
        key: _given(key, value, f"{where}: the value of {key}") for key, value in given.items()
    }
    return {key: new.get(key, value) for key, value in before.items()}


def _given(key: object, value: object, where: str) -> float | Expr:
    """A value as a number, or as the formula that it follows from."""
    if not isinstance(value, Expr) or isinstance(value, MatrixExpr) or value.is_number:
        return domain_of(key).code(value, where)
    why = domain_of(key).why_no_difference()
    if why is not None:
        raise DeclarationError(f"{where} is the formula {value}, but {why}.")
    return value


def formulas_of(given: Mapping[K, float | Expr]) -> dict[K, Mechanism]:
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
    graph = nx.DiGraph()
    graph.add_nodes_from(formulas)
    for key, formula in formulas.items():
        graph.add_edges_from((s, key) for s in formula.free_symbols if s in formulas)
    try:
        return list(nx.lexicographical_topological_sort(graph, key=list(formulas).index))
    except nx.NetworkXUnfeasible:
        loop = [str(source) for source, _ in nx.find_cycle(graph)]
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
    value: Expr = formula.xreplace(dict(known)).evalf(_DIGITS)
    return value


def checked_parameters(entries: object) -> ReadOnly[Parameter, float | Expr]:
    """The values of parameters, as numbers or as formulas of parameters."""
    given = amounts_of(entries, Parameter, "parameters")
    check_formulas_of(formulas_of(given), given, "parameters", "the parameters")
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


def coded(start: Mapping[Variable, Amount]) -> dict[Variable, float | Expr]:
    """Start values as a run computes with them: named values by their places."""
    return {v: n if isinstance(n, Expr) else v.domain.code(n, str(v)) for v, n in start.items()}
