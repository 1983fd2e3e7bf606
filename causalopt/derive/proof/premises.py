"""What a step rests on beside its own claim: that what is put in for names is what they may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import Boolean

from causalopt.derive.proof.conditions import BINDERS, conditions_of
from causalopt.derive.proof.fitting import unshown
from causalopt.derive.statement.domains import listed, strays_in, values_put_in
from causalopt.derive.statement.givens import Given, Let
from causalopt.derive.statement.reading import Reading
from causalopt.derive.statement.records import expressions_of
from causalopt.derive.statement.steps import Equal, Follows, Step


def open_premise(step: Step, givens: Sequence[Given | Let], reading: Reading) -> str | None:
    """Why a step, as it is on its page, cannot be judged: what is not shown to fit; or None."""
    scope, read = reading.scope, reading.step(step)
    for values in values_put_in(read):
        fault = unshown(values, scope.relations, scope.borrowed)
        if fault is not None:
            return f"{listed(values)} is put in, and not shown to fit that {fault}"
    for stray in strays_in(read, scope.relations):
        return stray.needs
    return next(_open_definitions(step, givens, reading), None)


def _open_definitions(step: Step, givens: Sequence[Given | Let], reading: Reading) -> Iterator[str]:
    """Definitions that are not shown to be what their names are assumed to be.

    Those that the step does not speak of count too: sympy takes sign(p) for 1 as it is written, and
    p is gone.
    """
    told = list(expressions_of(step))
    in_one_place = _is_in_one_place(step, told)
    for let in reversed(_lets(givens)):
        bearer = let.name.func if isinstance(let.name, AppliedUndef) else let.name
        is_told = any(whole.has(bearer) for whole in told)
        values = {let.name: reading.read(let.value)}
        fault = unshown(values, reading.scope.relations, defined=in_one_place or not is_told)
        if fault is not None:
            yield (
                f"{let.name} = {let.value} is not shown to fit that {fault}: "
                "define a name of which that is not assumed"
            )
        if is_told and isinstance(let.name, AppliedUndef):
            yield from _open_uses(let.name, told, reading)
        if is_told:  # and of what it is defined by
            told.append(let.value)


def _lets(givens: Sequence[Given | Let]) -> list[Let]:
    return [given for given in givens if isinstance(given, Let)]


def _is_in_one_place(step: Step, told: Sequence[sp.Basic]) -> bool:
    """Whether nothing in a step moves: what it needs can then be told with the verdict."""
    return isinstance(step, Equal | Follows) and not any(w.atoms(*BINDERS) for w in told)


def needs_of_definitions(
    step: Step, givens: Sequence[Given | Let], reading: Reading
) -> tuple[Boolean, ...]:
    """What definitions need to be real, as their names are: the step was written as if it held."""
    relations = reading.scope.relations
    if not _is_in_one_place(step, list(expressions_of(step))):
        return ()
    needs: list[Boolean] = []
    for let in _lets(givens):
        values = {let.name: reading.read(let.value)}
        if unshown(values, relations) is not None:
            needs.extend(conditions_of(values.values(), relations))
    return tuple(dict.fromkeys(needs))


def _open_uses(name: AppliedUndef, told: Sequence[sp.Basic], reading: Reading) -> Iterator[str]:
    """Arguments at which a defined function is used, and for which it may not be defined."""
    places = [reading.read(place) for place in name.args]
    for whole in told:
        for use in _uses(whole, name):
            values = dict(zip(places, map(reading.read, use.args), strict=False))
            fault = unshown(values, reading.scope.relations)
            if fault is not None:
                yield f"{use}: {name} is defined where {fault}, which is not shown here"


def _uses(whole: sp.Basic, name: AppliedUndef) -> Iterator[AppliedUndef]:
    """A function as it is applied; in a derivative at a place, at that place."""
    inside = whole.atoms(sp.Subs)
    for use in sorted(whole.atoms(AppliedUndef), key=str):
        if use.func != name.func:
            continue
        places = [node for node in inside if use.free_symbols & set(node.variables)]
        for node in places:
            yield use.xreplace(dict(zip(node.variables, node.point, strict=True)))
        if not places:
            yield use
