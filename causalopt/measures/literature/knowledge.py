"""Viability: what the knowledge of one part is worth to another, and how much of it is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from sympy import Expr

from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.finite.states import outer, state_of, substates
from causalopt.ground.checks import shown
from causalopt.ground.errors import QueryError, TooLargeError
from causalopt.ground.masses import unit_of
from causalopt.ground.types import Ints
from causalopt.language.finite_variables import Finite
from causalopt.language.splits import Split
from causalopt.language.symbols import Nodes
from causalopt.measures.literature.finite_worlds import Requirement, variables_of
from causalopt.measures.literature.measurement import Measurement, as_number
from causalopt.model.declaration import check_steps
from causalopt.model.system import System

VIABILITY, SEMANTIC = (
    Requirement(measure, "log_variance_strength, which asks real values")
    for measure in ("viability", "semantic_information")
)

# Partitions of so many states are gone through one by one: 4,140.
_MOST_STATES = 8
# Entropies of floats that differ by less are the same.
_ROUNDING = 1e-12


def viability(
    system: System,
    split: object,
    P: Distribution,
    *,
    of: Nodes,
    steps: int = 1,
    base: Expr | float = 2,
) -> Measurement:
    """The entropy of a part after some steps that its knowledge of the rest keeps away.

        value = H(X[tau] scrambled) - H(X[tau])

    X is the part of the ``split`` that ``of`` names, tau ``steps``; scrambled means started from
    decorrelate(P). Viability itself is -H(X[tau]), the more the better; so this is the worth of
    what the parts know of each other, in units of log(base). ``parts``: ``actual`` and
    ``scrambled`` entropies, and ``information``, I of the parts at the start.

    Traps: negative where knowledge harms, or where a system keeps moving what it knows; low entropy
    is taken for existence, so that a corpse at equilibrium is as viable as can be.

    Raises ``QueryError`` for a system with real values, and an ``of`` that is no part of the split.

    Source: Kolchinsky and Wolpert 2018, "Semantic information, autonomous agency and
    non-equilibrium statistical physics", Interface Focus 8.

    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.tables import table
    >>> A, B = finite("A", [0, 1]), finite("B", [0, 1])
    >>> differ = table((A, B), {0: {0: 0, 1: 1}, 1: {0: 1, 1: 0}})
    >>> undone = System({A: A, B: differ}, start={A: 0, B: 0})
    >>> P = Distribution.of((A, B), [[0.5, 0], [0, 0.5]])  # A knows what is wrong with B
    >>> print(viability(undone, A | B, P, of=B))
    viability = 1 bit
    """
    part, chosen = _part_of(VIABILITY, system, split, P, of)
    apart = P.decorrelate(chosen)
    actual = _entropy(system, P, part, steps, base)
    scrambled = _entropy(system, apart, part, steps, base)
    information = apart.entropy(base) - P.entropy(base)
    parts = {"actual": actual, "scrambled": scrambled, "information": information}
    return Measurement("viability", "ΔV", scrambled - actual, unit_of(base), parts)


def semantic_information(
    system: System,
    split: object,
    P: Distribution,
    *,
    of: Nodes,
    steps: int = 1,
    base: Expr | float = 2,
) -> Measurement:
    """The least that a part must know of the rest to be as viable as it is.

        value = min over f of I(X; f(Y)) with H(X[tau] started from P_f) <= H(X[tau])
        P_f(x, y) = P(y) P(x | f(y))

    X is the part that ``of`` names, Y the rest, and f runs over all ways to take states of Y for
    one another. In units of log(base). ``parts``: ``information``, all that they know of each
    other, and ``kept``, the groups of states of Y that the least f keeps apart.

    Traps: where scrambling harms nothing (a viability of 0 or below) it is 0. Of several f with the
    same information the first is named.

    Raises ``QueryError`` as ``viability`` does, and ``TooLargeError`` for more than 8 states of Y.

    Source: Kolchinsky and Wolpert 2018, "stored semantic information", with "at least as viable"
    for their "as viable", so that what harms is not counted as needed.

    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.tables import table
    >>> A, B = finite("A", [0, 1, 2]), finite("B", [0, 1, 2])
    >>> P = Distribution.of((A, B), [[1, 0, 0], [0, 1, 0], [0, 0, 1]], normalise=True)
    >>> sink = table((A, B), {a: {b: 0 if b == 0 or a else b for b in range(3)} for a in range(3)})
    >>> known = semantic_information(System({A: A, B: sink}, start={A: 0, B: 0}), A | B, P, of=B)
    >>> print(known, known["kept"])
    semantic_information = 0.9182958341 bit (('A = 0',), ('A = 1', 'A = 2'))
    """
    part, chosen = _part_of(SEMANTIC, system, split, P, of)
    rest = tuple(v for v in P.variables if v not in part)
    most = as_number(_entropy(system, P, part, steps, base), "The entropy") + _ROUNDING
    states = np.unique(substates(P.states, P.variables, rest))
    if states.size > _MOST_STATES:
        raise TooLargeError(
            f"The rest has {states.size} states with mass, and the ways to take them for one "
            f"another are gone through one by one, for {_MOST_STATES} at most: merge values, or "
            "start from fewer states."
        )
    # Those that know least come first: one is enough.
    ways = [(_confused(P, rest, groups), groups) for groups in _groupings(states.tolist())]
    known = [(Q.mutual_information(*chosen.parts, base=base), Q, groups) for Q, groups in ways]
    known.sort(key=lambda way: as_number(way[0], "Information"))
    value, _, groups = next(
        way
        for way in known
        if as_number(_entropy(system, way[1], part, steps, base), "The entropy") <= most
    )
    parts = {
        "information": P.mutual_information(*chosen.parts, base=base),
        "kept": tuple(tuple(state_of(rest, state) for state in group) for group in groups),
    }
    return Measurement("semantic_information", "S", value, unit_of(base), parts)


def _part_of(
    needs: Requirement, system: System, split: object, P: Distribution, of: Nodes
) -> tuple[tuple[Finite, ...], Split]:
    """The part that is asked about, and the split."""
    needs.distribution(system, P)
    chosen = P.split(split)
    part = variables_of(system, of, "of")
    if len(chosen.parts) != 2 or set(part) not in [set(one) for one in chosen.parts]:
        raise QueryError(
            f"of = {shown(of)} is not one of two parts of {chosen}: write the split of a part and "
            f"the rest, and of = {chosen.parts[-1][0]}, say."
        )
    return part, chosen


def _entropy(
    system: System, P: Distribution, part: tuple[Finite, ...], steps: int, base: Expr | float
) -> Expr | float:
    return P.push(system, check_steps(steps)).marginal(*part).entropy(base)


def _confused(
    P: Distribution, rest: tuple[Finite, ...], groups: Sequence[Sequence[int]]
) -> Distribution:
    """P where states of the rest in one group are taken for one another: P(y) P(x | f(y))."""
    part = tuple(v for v in P.variables if v not in rest)
    of_rest = substates(P.states, P.variables, rest)
    rows: list[tuple[Ints, np.ndarray]] = []
    for group in groups:
        inside = np.isin(of_rest, group)
        mass = P.masses[inside].sum()
        states, masses = P.states[inside], P.masses[inside] / mass
        own = Distribution(P.variables, states, masses)
        pieces = [
            (m.variables, m.states, m.masses) for m in (own.marginal(*part), own.marginal(*rest))
        ]
        mixed, weights = outer(P.variables, pieces)
        rows.append((mixed, weights * mass))
    states = np.concatenate([row for row, _ in rows])
    order = np.argsort(states)
    return Distribution(P.variables, states[order], np.concatenate([w for _, w in rows])[order])


def _groupings(states: Sequence[int]) -> Iterator[list[list[int]]]:
    """All ways to put states into groups."""
    if not states:
        yield []
        return
    *before, last = states
    for groups in _groupings(before):
        for i, group in enumerate(groups):
            yield [*groups[:i], [*group, last], *groups[i + 1 :]]
        yield [*groups, [last]]
