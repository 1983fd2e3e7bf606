"""Effective information: how much a system's next state says of its present one, set at random."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sympy import Expr, Rational

from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.finite.states import codes_of
from causalopt.ground.checks import as_mapping, shown
from causalopt.ground.errors import QueryError
from causalopt.ground.masses import sum_by_state, unit_of
from causalopt.ground.types import Ints
from causalopt.language.domains import Value
from causalopt.language.finite_variables import Finite, as_finite
from causalopt.language.words import listed
from causalopt.measures.literature.finite_worlds import Journey, Requirement, journey
from causalopt.measures.literature.measurement import Measurement
from causalopt.model.declaration import check_steps
from causalopt.model.system import System

NEEDS = Requirement("effective_information", "conditional_exponents, which asks real values")

#: Which values of a variable count as one: {"high": "on", "low": "on", "off": "off"}.
Coarse = Mapping[Finite, Mapping[Value, Value]]


def effective_information(
    system: System, *, coarse: Coarse | None = None, steps: int = 1, base: Expr | float = 2
) -> Measurement:
    """How much the next state says of the present one, where that is set at random.

        EI = I(X; X'),  X uniform over all states (an intervention: do(X = x) at random)

    In units of log(base), bits unless asked otherwise; between 0 and log(number of states), which
    a system reaches that permutes its states. ``parts``: ``determinism`` log n - H(X' | X), and
    ``degeneracy`` log n - H(X'), whose difference it is.

    ``coarse`` gives names to groups of values, variable by variable ({T: {"high": "on", "low":
    "on", "off": "off"}}; variables left out stay as they are). Then X is uniform over the groups,
    and within each over its states, so that a coarse description can have more effective
    information than a fine one (causal emergence).

    Traps: it knows no goal and no split: a permutation, which steers nothing, has the most of all;
    and it depends on which states are listed, those that are never reached too.

    Raises ``QueryError`` for a system with real values, and for groups that leave out a value.

    Source: Hoel, Albantakis and Tononi 2013, "Quantifying causal emergence shows that macro can
    beat micro", PNAS 110.

    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.tables import table
    >>> A, B = finite("A", [0, 1]), finite("B", [0, 1])
    >>> both = table((A, B), {0: {0: 0, 1: 0}, 1: {0: 0, 1: 1}})
    >>> gates = System({A: both, B: both}, start={A: 0, B: 0})
    >>> round(float(effective_information(gates)), 6)
    0.811278
    """
    NEEDS.finite(system)
    check_steps(steps)
    groups = _groups(system, {} if coarse is None else coarse)
    moved = journey(system, _spread(groups), steps)
    now, later = _grouped(moved, groups, before=True), _grouped(moved, groups, before=False)
    pairs = Journey(_pairs(moved.joint, now, later), {})
    first, second = pairs.joint.variables
    value = pairs.information([first], [second], base=base)
    most = Distribution.uniform(first).entropy(base)
    degeneracy = most - pairs.entropy([second], base)
    parts = {"determinism": value + degeneracy, "degeneracy": degeneracy}
    return Measurement("effective_information", "EI", value, unit_of(base), parts)


def _groups(system: System, coarse: Coarse) -> dict[Finite, Ints]:
    """The group that each value of each variable is in, by number: its own, where none is named."""
    for variable in as_mapping(coarse, "coarse", '{T: {"high": "on", "off": "off"}}'):
        if variable not in system.variables:
            raise QueryError(
                f"coarse names {shown(variable)}, which is no variable of this system: its "
                f"variables are {listed(system.variables)}."
            )
    return {known: _numbers(known, coarse.get(known)) for known in map(_finite, system.variables)}


def _finite(variable: object) -> Finite:
    return as_finite(variable, "A finite world")


def _numbers(variable: Finite, named: Mapping[Value, Value] | None) -> Ints:
    if named is None:
        return np.arange(variable.size)
    given = as_mapping(named, f"coarse[{variable}]", '{"high": "on", "off": "off"}')
    if set(given) != set(variable.values):
        raise QueryError(
            f"coarse[{variable}] is {shown(dict(given))}: write one group for each of "
            f"{listed(variable.values)}, and for nothing else."
        )
    names = [given[value] for value in variable.values]
    # By what compares equal, since a name may be anything.
    return np.unique([names.index(name) for name in names], return_inverse=True)[1]


def _spread(groups: Mapping[Finite, Ints]) -> Distribution:
    """Uniform over the groups, and within each over its values."""
    factors = []
    for variable, numbers in groups.items():
        sizes = np.bincount(numbers)
        masses = [Rational(1, len(sizes) * int(sizes[number])) for number in numbers]
        factors.append(Distribution.of(variable, masses))
    return Distribution.product(*factors)


def _grouped(moved: Journey, groups: Mapping[Finite, Ints], *, before: bool) -> tuple[Ints, int]:
    """The joint group that each state is in, before or after, and how many there are."""
    place, total = np.zeros_like(moved.joint.states), 1
    for variable, numbers in groups.items():
        column = moved.now[variable] if before else variable
        codes = codes_of(moved.joint.states, moved.joint.variables, column)
        count = int(numbers.max()) + 1
        place, total = place * count + numbers[codes], total * count
    return place, total


def _pairs(joint: Distribution, now: tuple[Ints, int], later: tuple[Ints, int]) -> Distribution:
    """The distribution over (group before, group after)."""
    pair = Finite("before", range(now[1])), Finite("after", range(later[1]))
    states = now[0] * later[1] + later[0]
    return Distribution(pair, *sum_by_state(states, joint.masses, now[1] * later[1]))
