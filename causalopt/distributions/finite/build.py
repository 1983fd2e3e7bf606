"""Masses from what a user writes: mappings, nested lists, arrays, and neighbourhoods."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from sympy import Add, Expr

from causalopt.distributions.finite.states import Variables, refuse_too_many, state_of, strides
from causalopt.ground.checks import TOLERANCE, switch
from causalopt.ground.errors import DeclarationError
from causalopt.ground.masses import Masses, check_masses, is_exact, masses_of
from causalopt.ground.types import Ints
from causalopt.language.domains import Value
from causalopt.language.finite_variables import Finite
from causalopt.language.words import listed


def listed_masses(
    variables: Variables, given: object, normalise: bool = False
) -> tuple[Ints, Masses]:
    """The states that have mass, ascending, and their masses; negative ones refused by name."""
    head, is_divided = f"P({listed(variables)})", switch(normalise, "normalise")
    if isinstance(given, Mapping):
        places = [_place(variables, key, head) for key in given]
        refuse_twice(list(given), places, f"{head} has a second mass")
        states = np.array(places, dtype=np.int64)
        masses = masses_of(given.values(), head)
    else:
        states, masses = _from_array(variables, given, head)
    masses = _divided(masses, head) if is_divided else _as_summed(masses, head)
    check_masses(masses, head, lambda i: state_of(variables, states[i]))
    kept = np.array([mass != 0 for mass in masses]) if is_exact(masses) else masses != 0
    if not kept.all():
        states, masses = states[kept], masses[kept]
    # Tables are in order as they are written; a dict has its states in any order.
    if (states[1:] > states[:-1]).all():
        return states, masses
    order = np.argsort(states, kind="stable")
    return states[order], masses[order]


def _divided(masses: Masses, head: str) -> Masses:
    """Masses divided by their sum; of what has no sum above 0, the masses that are refused."""
    total = Add(*masses) if is_exact(masses) else float(np.abs(masses).max(initial=0.0))
    if total == 0 or not masses.size:
        raise DeclarationError(f"The masses of {head} are all 0: there is nothing to normalise by.")
    # A negative mass, NaN or infinity is for the check to name.
    refused = not is_exact(masses) and (not math.isfinite(total) or masses.min() < 0)
    if refused or (is_exact(masses) and any(mass.is_negative for mass in masses)):
        return masses
    if is_exact(masses):
        return masses / total
    with np.errstate(over="ignore"):
        scale = 1.0 if math.isfinite(masses.sum()) else total
    shares: Masses = masses / scale
    divided: Masses = shares / shares.sum()
    return divided


def _as_summed(masses: Masses, head: str) -> Masses:
    """The masses themselves, unless they are chances but for their sum: the way out is said."""
    numbers = not is_exact(masses) or all(mass.is_Rational for mass in masses)
    if not numbers or not masses.size or min(masses) < 0:
        return masses
    with np.errstate(over="ignore"):
        total = sum(masses) if is_exact(masses) else float(masses.sum())
    # Exact masses sum to 1 exactly or not at all.
    off = abs(total - 1)
    if math.isfinite(total) and off > (0 if is_exact(masses) else TOLERANCE):
        shown = (str(total), str(off)) if is_exact(masses) else (f"{total:.12g}", f"{off:.3g}")
        raise DeclarationError(
            f"The masses of {head} sum to {shown[0]}, {shown[1]} too "
            f"{'much' if total > 1 else 'little'} (tolerance {TOLERANCE:g}): give masses that sum "
            "to 1, or write normalise=True to divide them by their sum."
        )
    return masses


def refuse_twice(keys: Sequence[object], places: Sequence[int], what: str) -> None:
    """Refuse a state that two keys name, "a" and ("a",)."""
    seen: set[int] = set()
    for key, place in zip(keys, places, strict=True):
        if place in seen:
            raise DeclarationError(f"{what} for the state {key!r}: write each state once.")
        seen.add(place)


def _place(variables: Variables, key: object, head: str) -> int:
    values = key if isinstance(key, tuple) else (key,)
    if len(values) != len(variables):
        raise DeclarationError(
            f"{head} has the state {key!r}: a state has one value for each of {listed(variables)}."
        )
    where = f"{head}, state {key!r}: {{}}"
    return sum(
        variable.code(value, where.format(variable)) * stride
        for variable, value, stride in zip(variables, values, strides(variables), strict=True)
    )


def _from_array(variables: Variables, given: object, head: str) -> tuple[Ints, Masses]:
    shape = tuple(v.size for v in variables)
    if isinstance(given, np.ndarray):
        array = given
    else:
        refuse_too_many(math.prod(shape), "A table")
        # As objects: NumPy would make text and expressions into arrays of their own kind.
        try:
            array = np.array(given, dtype=object)
        except (TypeError, ValueError):
            raise DeclarationError(_wrong_shape(head, shape, "a list of another form")) from None
    if array.shape != shape:
        raise DeclarationError(_wrong_shape(head, shape, f"an array of shape {array.shape}"))
    states = np.arange(math.prod(shape), dtype=np.int64)
    return states, masses_of(array.reshape(-1), head)


def _wrong_shape(head: str, shape: tuple[int, ...], given: str) -> str:
    return (
        f"{head} is given by {given}: write one mass for each state, with shape {shape}, or a "
        "dict from states to masses."
    )


def chances(variables: Variables, epsilon: object) -> dict[Finite, object]:
    """The chance of each variable to leave its value: one for all, or one for each."""
    if not isinstance(epsilon, Mapping):
        return dict.fromkeys(variables, epsilon)
    for variable in epsilon:
        if variable not in variables:
            raise DeclarationError(f"epsilon has {variable}, which the state does not give.")
    for variable in variables:
        if variable not in epsilon:
            raise DeclarationError(
                f"epsilon has no entry for {variable}: write one, 0 where it keeps its value."
            )
    return {variable: epsilon[variable] for variable in variables}


def around(variable: Finite, value: Value, epsilon: object) -> dict[Value, Expr | float]:
    """1 - epsilon at one value of a variable, the rest shared alike by the others."""
    centre = variable.code(value, f"neighbourhood: {variable}")
    (chance,) = masses_of([epsilon], "epsilon")
    if variable.size == 1:
        return {value: 1}
    if isinstance(chance, Expr):
        valid = not (chance.is_negative or (1 - chance).is_negative)
    else:
        valid = bool(0 <= chance <= 1)
    if not valid:
        raise DeclarationError(f"epsilon is {epsilon}: it is a chance, from 0 to 1.")
    share = chance / (variable.size - 1)
    return {
        other: 1 - chance if place == centre else share
        for place, other in enumerate(variable.values)
    }
