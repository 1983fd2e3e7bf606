"""Joint states of finite variables as whole numbers: the last variable runs fastest."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from causalopt.ground.checks import as_list
from causalopt.ground.errors import DeclarationError
from causalopt.ground.masses import Masses, is_exact, sum_by_state, to_one_kind
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.ground.types import Ints
from causalopt.language.finite_variables import Finite, as_finite

Variables = tuple[Finite, ...]

#: Variables, their states that have mass, and the masses.
Marginal = tuple[Variables, Ints, Masses]


def check_variables(given: Finite | Iterable[Finite]) -> Variables:
    """One or more different finite variables, whose joint states can be numbered."""
    each = (
        [given]
        if isinstance(given, Finite)
        else as_list(given, "What a distribution is of", "[T, R]")
    )
    known = tuple(as_finite(variable, "A distribution") for variable in each)
    if not known:
        raise DeclarationError("A distribution has no variables: name one or more.")
    twice = [str(v) for i, v in enumerate(known) if v in known[:i]]
    if twice:
        raise DeclarationError(f"A distribution has {twice[0]} twice: name each variable once.")
    # Numbers of states are int64, and sums of two of them must fit as well.
    if math.prod(v.size for v in known) >= 2**62:
        raise DeclarationError(
            f"{len(known)} variables have 2**62 joint states or more, too many to number: "
            "take fewer variables, or fewer values."
        )
    return known


# What is made beside a mass of each state: its number, sums, and their order.
_FOR_STATE = 64


def refuse_too_many(states: int, what: str, each: int = _FOR_STATE) -> None:
    """Refuse, before anything is made, so many states at ``each`` as many bytes."""
    refuse_what_does_not_fit(
        each * states,
        f"{what} of {states:,} joint states",
        "Take fewer variables, or fewer values, or name the states that have mass.",
    )


def strides(variables: Variables) -> tuple[int, ...]:
    """How far one value of each variable is from the next, among the joint states."""
    sizes = [v.size for v in variables]
    return tuple(math.prod(sizes[i + 1 :]) for i in range(len(sizes)))


def codes_of(states: Ints, variables: Variables, variable: Finite) -> Ints:
    """The place of one variable's value in each state."""
    i = variables.index(variable)
    above = states // strides(variables)[i]
    return above if i == 0 else above % variable.size


def substates(states: Ints, variables: Variables, wanted: Variables) -> Ints:
    """The states of ``wanted``, some of the variables in any order, that the states hold."""
    if wanted == variables:
        return states
    places = np.zeros_like(states)
    for variable, stride in zip(wanted, strides(wanted), strict=True):
        places += codes_of(states, variables, variable) * stride
    return places


def marginal_masses(variables: Variables, masses: Masses, wanted: Variables) -> tuple[Ints, Masses]:
    """The masses of ``wanted`` where every state has mass: sums over the axes of the others."""
    cube = masses.reshape([v.size for v in variables])
    others = tuple(i for i, v in enumerate(variables) if v not in wanted)
    left = [v for v in variables if v in wanted]
    total = cube.sum(axis=others).transpose([left.index(v) for v in wanted]).reshape(-1)
    return np.arange(total.size, dtype=np.int64), total


def state_of(variables: Variables, state: int | np.int64) -> str:
    """A state in words: T = high, R = hot."""
    places = np.unravel_index(int(state), [v.size for v in variables])
    pairs = zip(variables, places, strict=True)
    return ", ".join(f"{v} = {v.domain.names[int(i)]}" for v, i in pairs)


def outer(variables: Variables, pieces: Sequence[Marginal]) -> tuple[Ints, Masses]:
    """The product of independent pieces, as states of ``variables`` in their order."""
    place = dict(zip(variables, strides(variables), strict=True))
    refuse_too_many(math.prod(own.size for _, own, _ in pieces), "A product")
    states = np.zeros(1, dtype=np.int64)
    masses: Masses | None = None
    for owners, own, weights in pieces:
        shift = np.zeros_like(own)
        for variable in owners:
            shift += codes_of(own, owners, variable) * place[variable]
        states = (states[:, None] + shift).reshape(-1)
        if masses is None:
            masses = weights
        else:
            first, second = to_one_kind(masses, weights)
            masses = np.multiply.outer(first, second).reshape(-1)
    assert masses is not None
    # Pieces in the order of the variables come out ascending and distinct: there is nothing to sum.
    if not is_exact(masses) and (states[1:] > states[:-1]).all() and masses.all():
        return states, masses
    return sum_by_state(states, masses, math.prod(v.size for v in variables))
