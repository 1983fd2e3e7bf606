"""Effective information: how much a system's next state says of its present one, set at random."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from sympy import Expr, Rational

from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.finite.states import substates
from causalopt.ground.checks import as_mapping, shown
from causalopt.ground.errors import QueryError
from causalopt.ground.masses import exact_array, sum_by_state, unit_of
from causalopt.ground.types import Ints
from causalopt.language.domains import Value
from causalopt.language.finite_variables import Finite, as_finite
from causalopt.language.words import listed
from causalopt.measures.literature.finite_worlds import Journey, Requirement, journey
from causalopt.measures.literature.measurement import Measurement
from causalopt.model.declaration import check_steps
from causalopt.model.system import System

NEEDS = Requirement("effective_information", "conditional_exponents, which asks real values")

#: Which values of a variable count as one, {T: {"high": "on", "low": "on", "off": "off"}}, or which
#: joint values of several, {(A, B): {(0, 0): "off", (0, 1): "off", (1, 0): "off", (1, 1): "on"}}.
Coarse: TypeAlias = Mapping[Finite | tuple[Finite, ...], Mapping[Value | tuple[Value, ...], Value]]

#: Variables that are grouped together, and the number of the group of each of their joint values.
Block: TypeAlias = tuple[tuple[Finite, ...], Ints]


def effective_information(
    system: System, *, coarse: Coarse | None = None, steps: int = 1, base: Expr | float = 2
) -> Measurement:
    """How much the next state says of the present one, where that is set at random.

        EI = I(X; X'),  X uniform over all states (an intervention: do(X = x) at random)

    In units of log(base), bits unless asked otherwise; between 0 and log(number of states), which
    a system reaches that permutes its states. ``parts``: ``determinism`` log n - H(X' | X), and
    ``degeneracy`` log n - H(X'), whose difference it is.

    ``coarse`` gives names to groups of values of a variable ({T: {"high": "on", "low": "on", "off":
    "off"}}), or of the joint values of several ({(A, B): {(0, 0): "off", ..., (1, 1): "on"}});
    variables left out stay as they are. Then X is uniform over the groups, and within each over
    its states, so that a coarse description can have more effective information than a fine one
    (causal emergence).

    Traps: it knows no goal and no split: a permutation, which steers nothing, has the most of all;
    and it depends on which states are listed, those that are never reached too.

    Raises ``QueryError`` for real values, and for groups that leave out a value or have
    a variable twice.

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
    blocks = _blocks(system, {} if coarse is None else coarse)
    moved = journey(system, Distribution.product(*map(_spread, blocks)), steps)
    now, later = _grouped(moved, blocks, before=True), _grouped(moved, blocks, before=False)
    pairs = Journey(_pairs(moved.joint, now, later), {})
    first, second = pairs.joint.variables
    value = pairs.information([first], [second], base=base)
    most = Distribution.uniform(first).entropy(base)
    degeneracy = most - pairs.entropy([second], base)
    parts = {"determinism": value + degeneracy, "degeneracy": degeneracy}
    return Measurement("effective_information", "EI", value, unit_of(base), parts)


def _blocks(system: System, coarse: Coarse) -> list[Block]:
    """What is grouped together; each variable that is not named, by itself and as it is."""
    blocks: list[Block] = []
    for named, groups in as_mapping(coarse, "coarse", '{T: {"high": "on", "off": "off"}}').items():
        variables = named if isinstance(named, tuple) else (named,)
        taken = [v for block, _ in blocks for v in block]
        for i, variable in enumerate(variables):
            if variable not in system.variables or variable in (*taken, *variables[:i]):
                raise QueryError(
                    f"coarse names {shown(variable)}, which is named twice or no variable of this "
                    f"system: name each of {listed(system.variables)} once at most."
                )
        blocks.append((variables, _numbers(variables, groups)))
    named_once = [v for block, _ in blocks for v in block]
    rest = [as_finite(v, "A finite world") for v in system.variables if v not in named_once]
    return [*blocks, *(((v,), np.arange(v.size)) for v in rest)]


def _numbers(variables: tuple[Finite, ...], given: object) -> Ints:
    """The number of the group of each joint value."""
    where = f"coarse[{listed(variables)}]"
    groups = as_mapping(given, where, '{"high": "on", "off": "off"}')
    joint = list(itertools.product(*(v.values for v in variables)))
    states = [state[0] for state in joint] if len(variables) == 1 else joint
    if set(groups) != set(states):
        raise QueryError(
            f"{where} is {shown(dict(groups))}: write one group for each of {listed(states)}, and "
            "for nothing else."
        )
    names = [groups[state] for state in states]
    if any(isinstance(name, np.ndarray) for name in names):
        raise QueryError(
            f"{where} names a group by an array, and arrays are not one and the same: write words "
            "or numbers."
        )
    # By what compares equal, since a name may be anything.
    numbers: Ints = np.unique([names.index(name) for name in names], return_inverse=True)[1]
    return numbers


def _spread(block: Block) -> Distribution:
    """Uniform over the groups, and within each over its states."""
    variables, numbers = block
    sizes = np.bincount(numbers)
    masses = [Rational(1, len(sizes) * int(sizes[number])) for number in numbers]
    return Distribution(variables, np.arange(len(numbers)), exact_array(masses))


def _grouped(moved: Journey, blocks: list[Block], *, before: bool) -> tuple[Ints, int]:
    """The joint group that each state is in, before or after, and how many there are."""
    place, total = np.zeros_like(moved.joint.states), 1
    for variables, numbers in blocks:
        columns = tuple(moved.now[v] for v in variables) if before else variables
        states = substates(moved.joint.states, moved.joint.variables, columns)
        count = int(numbers.max()) + 1
        place, total = place * count + numbers[states], total * count
    return place, total


def _pairs(joint: Distribution, now: tuple[Ints, int], later: tuple[Ints, int]) -> Distribution:
    """The distribution over (group before, group after)."""
    pair = Finite("before", range(now[1])), Finite("after", range(later[1]))
    states = now[0] * later[1] + later[0]
    return Distribution(pair, *sum_by_state(states, joint.masses, now[1] * later[1]))
