"""Bits of optimization: how small a share of outcomes is at least as good as what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import numpy as np
import sympy
from sympy import Expr

from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.finite.states import substates
from causalopt.distributions.real.affine import Box
from causalopt.ground.checks import as_list, finite, is_single, shown
from causalopt.ground.errors import QueryError
from causalopt.ground.masses import log_of, to_one_kind
from causalopt.language.domains import Value
from causalopt.language.finite_variables import Finite, as_finite
from causalopt.language.symbols import Nodes, Variable
from causalopt.language.words import listed
from causalopt.measures.literature.bits_of_reals import bits_on_a_line
from causalopt.measures.literature.finite_worlds import (
    Requirement,
    beginning,
    ending,
    variables_of,
    with_commands,
    with_values,
)
from causalopt.measures.literature.measurement import Measurement
from causalopt.model.system import System

NEEDS = Requirement("optimization_bits", "op, which needs no goal")

#: Which outcomes are good: the best value, values from the best on, a score for each value, as a
#: mapping or a function, or, of real values, a formula in m. The larger the better.
Better: TypeAlias = (
    Value | Iterable[Value] | Mapping[Value, float] | Callable[[Value], float] | Expr
)

MEASURES = ("count", "decorrelated", "clamped")


def optimization_bits(
    system: System,
    m: Nodes,
    P: Distribution | Box,
    *,
    better: Better,
    measure: str = "count",
    A: Nodes | None = None,
    steps: int | None = None,
) -> Measurement:
    """How many times, in halvings, the outcome lies inside the outcomes that are as good, in bits.

        bits = E_P[ -log2 mu{o : o at least as good as the outcome} ]

    of m some steps after P. ``measure`` says what mu, the outcomes without optimization, is:
    "count" gives each value of m the same mass; "decorrelated" is the law of m where A is
    independent of the rest at the start; "clamped" that of m where A does what it does from the
    system's own start (the world Y about that start). A is every variable but m, unless named.

    ``better``: the best value, "warm" (all others are alike); values from the best on, ["warm",
    "hot"] (those left out are alike, and worst); or a score for each value, the larger the better,
    as a mapping or a function of the value.
    Of a real m it is a formula such as -Abs(m - 25), P is a ``Box`` over one variable, from whose
    ends the others start as the system does, and the measure is "clamped". The mean is that of
    straight lines between 2001 starts, exact where m is made of straight lines that break there;
    ``gap`` is how far every second start, and rounding, move it. For a linear system and
    -Abs(m - w), w being m in W, bits = (Op + 1) / ln 2, if Op is not negative.

    Traps: it needs a goal and a mu; "count" calls a stone that lies still an optimizer of lying
    there; what mu gives no mass is infinitely many bits.

    Raises ``QueryError`` for a ``better`` that leaves out what m is, an A that has m or leaves
    nothing, and, for "clamped", an A whose course is a matter of chance; ``EvaluationError`` where
    a real m comes so close to the best that floats tell its bits not to one bit.

    Source: Yudkowsky 2008, "Measuring optimization power"; Altair 2023, on which mu.

    >>> from causalopt.language.finite_variables import finite
    >>> H = finite("H", ["hot", "warm", "cold", "icy"])
    >>> still = System({H: H}, start={H: "hot"})
    >>> print(optimization_bits(still, H, Distribution.uniform(H), better="warm"))
    optimization_bits = 0.5 bit
    """
    if not isinstance(measure, str) or measure not in MEASURES:
        raise QueryError(f"measure is {shown(measure)}: write one of {', '.join(MEASURES)}.")
    NEEDS.system(system)
    if isinstance(P, Box):
        NEEDS.numbers(system, P)
        return _real(system, m, P, better, measure, A, steps)
    if not any(isinstance(v, Finite) for v in system.variables):
        x = system.variables[0]
        raise QueryError(
            f"P is {shown(P)} ({type(P).__name__}), and bits of real values are asked from starts "
            f"along a line: write a Box over one variable, such as Box.of({{{x}: (0, 1)}}), with "
            "measure='clamped', or ask op, which needs no goal."
        )
    NEEDS.distribution(system, P)
    variable, length = ending(system, m, steps)
    target = as_finite(variable, "m")
    _check_who(system, target, A, length)
    outcome = P.push(system, length).marginal(target)
    others = _others(system, P, target, length, measure, A)
    value = _expected(outcome, others, scores_of(target, better))
    return Measurement("optimization_bits", "bits", value, "bit", {"measure": measure})


def _check_who(system: System, m: Variable, A: Nodes | None, length: int) -> None:
    """A is of the system, and without m, whatever the outcomes are held against."""
    if A is not None and m in {stretch.key for stretch in system.select(A, length)}:
        raise QueryError(
            f"m = {m} lies in A = {shown(A)}, which is who brings it about: choose m outside of A."
        )


def _who(system: System, m: Variable, A: Nodes | None) -> Nodes:
    """Who optimizes: every variable but m, unless it is said."""
    others = [v for v in system.variables if v != m]
    if A is None and not others:
        raise QueryError(f"There is nothing but {m}, and so no A to do without: count outcomes.")
    return others if A is None else A


def _others(
    system: System, P: Distribution, target: Finite, length: int, measure: str, A: Nodes | None
) -> Distribution:
    """The law mu of m without optimization."""
    if measure == "count":
        return Distribution.uniform(target)
    part = variables_of(system, _who(system, target, A), "A")
    rest = tuple(v for v in P.variables if v not in part)
    if not rest:
        raise QueryError("A is all that there is: name the part that optimizes.")
    if measure == "decorrelated":
        return P.decorrelate(part, rest).push(system, length).marginal(target)
    course = _course(system, part, length)
    now = with_values(P, course[0])
    for command in course[1:]:
        now = now.push(with_commands(system, command))
    return now.marginal(target)


def _course(system: System, part: tuple[Finite, ...], length: int) -> list[dict[Finite, Value]]:
    """What a part does from the system's own start, step by step."""
    now, course = beginning(system), []
    for step in range(length + 1):
        now = now.push(system) if step else now
        own = now.marginal(*part)
        if own.states.size > 1:
            raise QueryError(
                f"Chance decides what {listed(part)} is at step {step}, so that it has no one "
                "course to be held to: write measure='decorrelated'."
            )
        course.append({v: v.values[int(substates(own.states, part, (v,))[0])] for v in part})
    return course


def scores_of(target: Finite, better: Better) -> list[float]:
    """How good each value is, the larger the better."""
    if isinstance(better, Mapping):
        missing = [v for v in target.values if v not in better]
        if missing or len(better) > target.size:
            raise QueryError(
                f"better is {shown(dict(better))}: write a score for each of "
                f"{listed(target.values)}, and for nothing else."
            )
        return [finite(better[v], f"better[{v!r}]") for v in target.values]
    if isinstance(better, Expr):
        raise QueryError(
            f"better is the formula {better}, and {target} takes named values: write the best "
            f"of them, such as better={target.values[0]!r}."
        )
    if callable(better):
        return [finite(better(v), f"better({v!r})") for v in target.values]
    tiers = [better] if is_single(better) else as_list(better, "better", f"[{target.values[0]!r}]")
    if not tiers:
        raise QueryError(
            f"better is {shown(better)}, and nothing is wanted: write the best of "
            f"{listed(target.values)}, or several from the best on."
        )
    for value in tiers:
        target.code(value, "better")
    return [float(-tiers.index(v) if v in tiers else -len(tiers)) for v in target.values]


def _expected(outcome: Distribution, others: Distribution, scores: list[float]) -> Expr | float:
    """E[-log2 mu{at least as good}]."""
    masses, weights = to_one_kind(outcome.masses, others.masses)
    total: Expr | float = 0
    for state, mass in zip(outcome.states.tolist(), masses, strict=True):
        good = [scores[o] >= scores[state] for o in others.states.tolist()]
        share = weights[np.array(good)].sum()
        total += mass * _bits(share)
    return sympy.expand(total) if isinstance(total, Expr) else float(total)


def _bits(share: Expr | float) -> Expr | float:
    if share == 0:
        return sympy.oo
    if isinstance(share, Expr):
        return -log_of(share) / sympy.log(2)
    return float(-np.log2(share))


def _real(
    system: System,
    m: Nodes,
    P: Box,
    better: Better,
    measure: str,
    A: Nodes | None,
    steps: int | None,
) -> Measurement:
    """Of a real m, from starts along one variable."""
    if measure != "clamped":
        raise QueryError(
            f"measure is {measure!r}, and m takes real values, which cannot be counted: write "
            "measure='clamped', with the world in which A is held as what would be."
        )
    variable, length = ending(system, m, steps)
    _check_who(system, variable, A, length)
    if not isinstance(better, Expr) or better.free_symbols - {variable}:
        raise QueryError(
            f"better is {shown(better)}: write a formula in {variable} that is larger where it is "
            f"better, such as -Abs({variable} - 25)."
        )
    who = _who(system, variable, A)
    value, gap = bits_on_a_line(system, variable, length, P, better, who)
    return Measurement("optimization_bits", "bits", value, "bit", {"measure": measure}, gap)
