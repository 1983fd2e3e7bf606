"""Reading a derivation before it is checked: every fault is told by the number of its line."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

from causalopt.derive.statement.contradiction import contradiction
from causalopt.derive.statement.expressions import check_size, unknown_functions
from causalopt.derive.statement.givens import Given, Let
from causalopt.derive.statement.steps import Equal, Expands, Follows, Step, TendsTo, expressions_of
from causalopt.ground.errors import DerivationError, nearest


@dataclasses.dataclass
class _Known:
    """The names met so far, with the line that gave each."""

    names: dict[str, tuple[Any, str]]
    relations: list[tuple[Any, str]]


def validate(givens: Sequence[Given | Let], steps: Sequence[Step]) -> None:
    """Refuse a derivation that cannot be, by the number of the given or step at fault.

    Raises
    ------
    DerivationError
        For an assumption that contradicts another, a symbol or function never given, a name that
        hides another, an expression of unbounded size, a reference to no earlier equation.
    """
    known = _Known({}, [])
    for number, one in enumerate(givens, 1):
        _read_given(one, f"given {number}", known)
    labels: dict[str, int] = {}
    for number, step in enumerate(steps, 1):
        where = f"step {number}"
        _read_step(step, where, known)
        _check_references(step, number, steps, labels)
        if step.name in labels:
            raise DerivationError(
                f"{where}: the name {step.name!r} hides that of step {labels[step.name]}: "
                "choose another."
            )
        if step.name:
            labels[step.name] = number


def _read_given(one: Given | Let, where: str, known: _Known) -> None:
    for whole in expressions_of(one):
        _checked(whole, where)
    if isinstance(one, Let):
        arguments = set(one.name.args) if isinstance(one.name, AppliedUndef) else set()
        _check_known(one.value, where, known, arguments)
        _add_name(one.name, where, known)
    elif isinstance(one.what, sp.Symbol | AppliedUndef):
        if isinstance(one.what, AppliedUndef):
            _check_known(sp.Tuple(*one.what.args), where, known, set())
        _add_name(one.what, where, known)
    else:
        _add_relation(one.what, where, known.relations, known)


def _add_name(name: Any, where: str, known: _Known) -> None:
    label = _label(name)
    if label in known.names:
        raise DerivationError(
            f"{where}: the name {label} hides that of {known.names[label][1]}: choose another."
        )
    known.names[label] = (name.func if isinstance(name, AppliedUndef) else name, where)


def _label(name: Any) -> str:
    return str(name.func) if isinstance(name, AppliedUndef) else str(name)


def _add_relation(
    relation: Any, where: str, relations: list[tuple[Any, str]], known: _Known
) -> None:
    if isinstance(relation, sp.Equality):
        raise DerivationError(
            f"{where}: {relation} is an equation: write Let(name, value), or give it to Follows as "
            "a hypothesis."
        )
    if not isinstance(relation, Relational | sp.logic.boolalg.BooleanAtom):
        raise DerivationError(f"{where}: {relation} is no assumption such as x > 0 or Ne(x, 0).")
    _check_known(relation, where, known, set())
    relations.append((relation, where))
    conflict = contradiction([one for one, _ in relations])
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
    if isinstance(step, Expands) and _label(step.variable) in known.names:
        bound = set()
    for whole in expressions_of(step):
        _checked(whole, where)
        _check_known(whole, where, known, bound)
    relations = list(known.relations)
    for relation in step.assuming:
        _add_relation(relation, where, relations, known)


def _checked(whole: Any, where: str) -> None:
    try:
        check_size(whole)
    except DerivationError as error:
        raise DerivationError(f"{where}: {error}") from None


def _check_known(whole: Any, where: str, known: _Known, bound: set[Any]) -> None:
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
        first, there = known.names[label]
        if first != name:
            raise DerivationError(
                f"{where}: the name {label} hides that of {there}, which is another "
                f"{_kind(first)}{_differing(first, name)}: use that one, or choose another name."
            )


def _names_in(whole: Any) -> Iterator[tuple[str, Any, bool]]:
    """The symbols (dummies aside) and unknown functions of an expression, and which are free."""
    free = whole.free_symbols
    for symbol in sorted(whole.atoms(sp.Symbol), key=str):
        if not isinstance(symbol, sp.Dummy):
            yield str(symbol), symbol, symbol in free
    for function in sorted(unknown_functions(whole), key=str):
        yield str(function), function, True


def _kind(name: Any) -> str:
    return "symbol" if isinstance(name, sp.Symbol) else "function"


def _differing(first: Any, second: Any) -> str:
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
