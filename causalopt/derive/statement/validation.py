"""Reading a derivation before it is checked: every fault is told by the number of its line."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import sympy as sp
from sympy.core.function import AppliedUndef, UndefinedFunction
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean, BooleanAtom

from causalopt.derive.statement.contradiction import find_conflict
from causalopt.derive.statement.domains import check_definition, check_step
from causalopt.derive.statement.expressions import Name, check_size, unknown_functions
from causalopt.derive.statement.givens import Given, Let
from causalopt.derive.statement.records import expressions_of
from causalopt.derive.statement.steps import Equal, Expands, Follows, Step, TendsTo
from causalopt.ground.errors import DerivationError, nearest

#: What a name on a page stands for: a symbol, or a function whatever its arguments.
Bearer: TypeAlias = sp.Symbol | UndefinedFunction
#: An assumption, with the line that gave it.
Placed: TypeAlias = tuple[Boolean, str]


@dataclasses.dataclass
class _Known:
    """The names met so far, with the line that gave each."""

    names: dict[str, tuple[Bearer, str]]
    relations: list[Placed]


def validate(givens: Sequence[Given | Let], steps: Sequence[Step]) -> None:
    """Refuse a derivation that cannot be, by the number of the given or step at fault.

    Raises
    ------
    DerivationError
        For an assumption that contradicts another, a symbol or function never given, a name that
        hides another, an expression of unbounded size, a reference to no earlier equation.
    """
    known = _Known({}, [])
    for number, given in enumerate(givens, 1):
        _read_given(given, f"given {number}", known)
        if isinstance(given, Let):
            check_definition(given, givens[:number], f"given {number}")
    labels: dict[str, int] = {}
    for number, step in enumerate(steps, 1):
        where = f"step {number}"
        _read_step(step, where, known)
        check_step(step, givens, where)
        _check_references(step, number, steps, labels)
        if step.name in labels:
            raise DerivationError(
                f"{where}: the name {step.name!r} hides that of step {labels[step.name]}: "
                "choose another."
            )
        if step.name:
            labels[step.name] = number


def _read_given(given: Given | Let, where: str, known: _Known) -> None:
    # size first: what is done with an expression below takes as long as it is large
    for whole in expressions_of(given):
        _check_parts(whole, where)
    if isinstance(given, Let):
        # the arguments of a defined function are its own, and need not be given
        arguments = set(given.name.args) if isinstance(given.name, AppliedUndef) else set()
        _check_known(given.value, where, known, arguments)
        _add_name(given.name, where, known)
    elif isinstance(given.what, sp.Symbol | AppliedUndef):
        if isinstance(given.what, AppliedUndef):
            _check_known(sp.Tuple(*given.what.args), where, known, set())
        _add_name(given.what, where, known)
    else:
        _add_relation(given.what, where, known.relations, known)


def _add_name(name: Name, where: str, known: _Known) -> None:
    label = _label(name)
    if label in known.names:
        raise DerivationError(
            f"{where}: the name {label} hides that of {known.names[label][1]}: choose another."
        )
    known.names[label] = (name.func if isinstance(name, AppliedUndef) else name, where)


def _label(name: Name) -> str:
    return str(name.func) if isinstance(name, AppliedUndef) else str(name)


def _add_relation(relation: Boolean, where: str, relations: list[Placed], known: _Known) -> None:
    if isinstance(relation, sp.Equality):
        raise DerivationError(
            f"{where}: {relation} is an equation: write Let(name, value), or give it to Follows as "
            "a hypothesis."
        )
    if not isinstance(relation, Relational | BooleanAtom):
        raise DerivationError(f"{where}: {relation} is no assumption such as x > 0 or Ne(x, 0).")
    _check_known(relation, where, known, set())
    relations.append((relation, where))
    # after each one, so that the line to blame is the first that makes them impossible
    conflict = find_conflict([earlier for earlier, _ in relations])
    if conflict is None:
        return
    others = [relations[place][1] for place in conflict if place != len(relations) - 1]
    against = ", ".join(dict.fromkeys(others)) or "what its symbols are declared to be"
    raise DerivationError(
        f"{where}: the assumption {relation} contradicts {against}: nothing fits both, and "
        "anything would follow."
    )


def _read_step(step: Step, where: str, known: _Known) -> None:
    if not isinstance(step, Step):
        raise DerivationError(
            f"{where}: {step!r} is no step: write Equal, Follows, TendsTo, Expands or Stationary."
        )
    bound = {step.variable} if isinstance(step, TendsTo | Expands) else set()
    # a series is about a point of its variable: where the page gave it, it must be that one
    if isinstance(step, Expands) and _label(step.variable) in known.names:
        bound = set()
    for whole in expressions_of(step):
        _check_parts(whole, where)
        _check_known(whole, where, known, bound)
    # a copy: what a step assumes holds for that step alone
    relations = list(known.relations)
    for relation in step.assuming:
        _add_relation(relation, where, relations, known)


def _check_parts(whole: sp.Basic, where: str) -> None:
    try:
        check_size(whole)
    except DerivationError as error:
        raise DerivationError(f"{where}: {error}") from None


def _check_known(whole: sp.Basic, where: str, known: _Known, bound: set[sp.Symbol]) -> None:
    for label, name, free in _names_in(whole):
        if name in bound:
            continue
        if label not in known.names:
            if free:
                kind = "function" if not isinstance(name, sp.Symbol) else "symbol"
                hint = nearest(label, known.names)
                raise DerivationError(
                    f"{where}: the {kind} {label} was never given: add it to given=[...].{hint}"
                )
            continue
        # sympy tells symbols of one name apart by their assumptions, and a reader cannot
        first, there = known.names[label]
        if first != name:
            raise DerivationError(
                f"{where}: the name {label} hides that of {there}, which is another "
                f"{_kind(first)}{_difference(first, name)}: use that one, or choose another name."
            )


def _names_in(whole: sp.Basic) -> Iterator[tuple[str, Bearer, bool]]:
    """The symbols (dummies aside) and unknown functions of an expression, and which are free."""
    free = whole.free_symbols
    for symbol in sorted(whole.atoms(sp.Symbol), key=str):
        if not isinstance(symbol, sp.Dummy):
            yield str(symbol), symbol, symbol in free
    for function in sorted(unknown_functions(whole), key=str):
        yield str(function), function, True


def _kind(name: Bearer) -> str:
    return "symbol" if isinstance(name, sp.Symbol) else "function"


def _difference(first: Bearer, second: Bearer) -> str:
    """In which assumption two symbols of one name differ."""
    if not (isinstance(first, sp.Symbol) and isinstance(second, sp.Symbol)):
        return ""
    here, there = first.assumptions0, second.assumptions0
    names = [
        n for n in ("real", "positive", "nonnegative", "integer") if here.get(n) != there.get(n)
    ]
    return f" (they differ in being {names[0]})" if names else " (they differ in assumptions)"


def _check_references(
    step: Step, number: int, steps: Sequence[Step], labels: dict[str, int]
) -> None:
    if not isinstance(step, Follows):
        return
    for reference in step.since:
        if isinstance(reference, str) and reference not in labels:
            raise DerivationError(
                f"step {number}: no earlier step is named {reference!r}."
                f"{nearest(reference, labels)}"
            )
        if isinstance(reference, int | str):
            place = reference if isinstance(reference, int) else labels[reference]
            if not 1 <= place < number:
                raise DerivationError(
                    f"step {number}: there is no earlier step {place}: write its number, from 1."
                )
            if not isinstance(steps[place - 1], Equal | Follows):
                raise DerivationError(
                    f"step {number}: step {place} is no equation: refer to an Equal or Follows."
                )
