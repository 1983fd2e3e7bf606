"""Fixed points: where a system that starts there stays."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from causalopt.ground.errors import (
    DeclarationError,
    EvaluationError,
    LongStepsWarning,
    QueryError,
)
from causalopt.ground.scaled import stacked
from causalopt.ground.types import Floats, Ints
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Label, Time, Variable
from causalopt.linearisation.still import Still
from causalopt.linearisation.world import linearised
from causalopt.model.asked import as_system
from causalopt.model.interface import Model
from causalopt.model.system import System
from causalopt.runs.simulation import Want, simulate
from causalopt.runs.sweeps import swept

_ROUNDS = 100
# How small a step of Newton's method is where it has arrived, beside the sizes that enter it.
_NEAR = 1e-12
# What rounding leaves of a gap, and which part of the sizes is a long way.
_ROUNDING, _FAR = 1e-15, 1e-3
# The same of a gap where no step of Newton's method has closed it.
_CLOSED = 1e-14
# The least that sizes are, beside the largest that they have been on the way: what comes to 0 has
# no size of its own there.
_LEAST = 1e-10
# What is nothing beside the largest strength of a matrix of even rows.
_FLAT = 1e-13


def fixed_point(model: Model) -> System:
    """The system, starting at the fixed point that Newton's method reaches from its start.

    A fixed point x has f(x) = x, with f one step. From the start, x <- x + (I - Df(x))^-1 (f(x) -
    x), each step halved until it comes nearer. It has arrived where a step would move each variable
    by less than 1e-12 of the sizes that enter it, whatever their units. The fixed point need not be
    stable. Equations (``algebraic``) are followed; what is delayed was the same before the start.

    Raises ``QueryError`` for a system with named values, noise, time or events in its formulas, or
    a history, which has none, and ``EvaluationError`` where Newton's method arrives nowhere.

    >>> from causalopt.language.symbols import variables
    >>> (x,) = variables("x")
    >>> round(fixed_point(System({x: (x + 2 / x) / 2}, start={x: 1})).start_values[x], 12)
    1.414213562373
    """
    system = as_system(model, ", and so no fixed point.")
    system.check_numbers("fixed_point")
    _check(system)
    with _told_once():
        return _found(system)


@contextlib.contextmanager
def _told_once() -> Iterator[None]:
    """Tell the first of the warnings that steps are too long, of the many of a search."""
    told: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as told:
            yield
    finally:
        is_long = [issubclass(one.category, LongStepsWarning) for one in told]
        first = is_long.index(True) if any(is_long) else -1
        for place, one in enumerate(told):
            if place == first or not is_long[place]:
                warnings.warn(one.message, one.category, stacklevel=4)


def _found(system: System) -> System:
    free = [v for v in system.variables if v not in system.algebraic]
    begun = np.array([system.start_values[v] for v in free])
    state = _State.at(system, free, begun, np.zeros(len(free)))
    for _ in range(_ROUNDS):
        if state.has_arrived:
            return system.with_start(dict(zip(free, state.x.tolist(), strict=True)))
        nearer = None if state.is_lost else _nearer(system, free, state)
        if nearer is None:
            break
        state = nearer
    raise EvaluationError(
        "Newton's method reaches no fixed point from here: a step still moves by "
        f"{float(np.abs(state.gap).max()):.3g}. Start nearer to one, with_start, or let the system "
        "run to where it stays."
    )


@dataclass(frozen=True, eq=False)
class _State:
    """Where Newton's method is: f(x) - x, the step that it takes, and what enters each variable.

    ``sizes`` are |x| + sum_j |df/dx_j x_j|, ``reach`` the largest that they have been, all
    (variables,). Where it ``is_flat``, I - Df has no inverse, and the step is the shortest of those
    that leave the least of the gap.
    """

    x: Floats
    gap: Floats
    move: Floats
    sizes: Floats
    reach: Floats
    is_flat: bool

    @property
    def has_arrived(self) -> bool:
        """Whether no step would move it any more, and nothing is left that no step can close.

        At x + 1 there is no step, and at the bottom of x^2 + 1 - x none: neither is a fixed point.
        """
        is_near = bool((np.abs(self.move) <= _NEAR * self.sizes).all())
        is_closed = not self.is_flat or bool((np.abs(self.gap) <= _CLOSED * self.sizes).all())
        return is_near and is_closed

    @property
    def is_lost(self) -> bool:
        """Whether no more than rounding is left of the gap, and the fixed point is far still.

        So it is where a step becomes ever smaller on the way to infinity.
        """
        is_rounding = np.abs(self.gap) <= _ROUNDING * self.sizes
        return bool(is_rounding.all() and (np.abs(self.move) > _FAR * self.sizes).any())

    @classmethod
    def at(cls, system: System, free: Sequence[Variable], x: Floats, before: Floats) -> _State:
        """The state at x, where ``before`` is what was reached until now."""
        start: dict[Label, float] = dict(zip(free, x.tolist(), strict=True))
        W = system.with_start(start).world(steps=1)
        none = swept(system, None, None, ())
        wants = [Want(W, v) for v in free]
        gap = simulate(wants, range(1, 2), none, "numpy", stacked)[:, 0] - x
        linear = linearised(W)
        slopes = linear.slopes(range(1, 2))[0]
        linear.check(slopes)
        still = Still(linear, slopes)
        delays = still.delays(1.0).real
        ends = still.ends_of([linear.place_of(v) for v in free])
        # What is there at once, by the nodes of a step in their order, from sizes one step before.
        enters = np.abs(np.eye(len(delays)) - delays)
        sizes = np.abs(x) + (enters[np.ix_(ends, ends)] @ np.abs(x))
        reach = np.maximum(before, sizes)
        move, is_flat = _solved(delays, ends, gap, reach)
        return cls(x, gap, move, np.maximum(sizes, _LEAST * reach), reach, is_flat)


def _solved(delays: Floats, ends: Ints, gap: Floats, reach: Floats) -> tuple[Floats, bool]:
    """The step of each variable that closes the gap, and whether no one step does.

    Then it is the shortest of those that leave the least, beside what each variable has been: where
    a sum is conserved, a whole line of points is fixed, and rounding alone would say how far to go.
    """
    rest = np.setdiff1d(np.arange(len(delays)), ends)
    within, out = (delays[np.ix_(rest, side)] for side in (rest, ends))
    try:
        inner = np.linalg.solve(within, out)
    except np.linalg.LinAlgError:
        push = np.zeros(len(delays))
        push[ends] = gap
        return np.linalg.lstsq(delays, push, rcond=None)[0][ends].astype(np.float64), True
    matrix = delays[np.ix_(ends, ends)] - delays[np.ix_(ends, rest)] @ inner
    scale = _without_zeros(reach)
    even = matrix * scale
    rows = _without_zeros(np.abs(even).max(axis=1))
    even = even / rows[:, np.newaxis]
    strengths = np.linalg.svd(even, compute_uv=False)
    if strengths[-1] > _FLAT * strengths[0]:
        return np.linalg.solve(matrix, gap).astype(np.float64), False
    shortest = np.linalg.lstsq(even, gap / rows, rcond=_FLAT)[0]
    return (scale * shortest).astype(np.float64), True


def _without_zeros(sizes: Floats) -> Floats:
    return np.where(sizes > 0.0, sizes, 1.0)


def _nearer(system: System, free: Sequence[Variable], state: _State) -> _State | None:
    """One step of Newton's method, shortened until the gap is smaller; None where none is."""
    for halvings in range(40):
        with np.errstate(all="ignore"):
            there = state.x + state.move * 0.5**halvings
            try:
                beyond = _State.at(system, free, there, state.reach)
            except (EvaluationError, DeclarationError, QueryError):
                continue
        # Beside the sizes of each, so that none is lost beside a larger unit.
        scale = _without_zeros(state.sizes)
        if np.linalg.norm(beyond.gap / scale) < np.linalg.norm(state.gap / scale):
            return beyond
    return None


def _check(system: System) -> None:
    for variable in system.variables:
        why = domain_of(variable).why_no_difference()
        if why is not None:
            raise QueryError(f"{variable} takes no differences: {why}.")
    if system.noises:
        raise QueryError(f"{system.noises[0]} is drawn at every step: nothing stays where it is.")
    system.stepping.check_whole("Looking for what stays as it is", system.parameter_values)
    if system.history:
        raise QueryError("What was before the start is given, by history: leave it out.")
    if system.events:
        raise QueryError("Events make a value jump, and stay nowhere: leave them out.")
    for variable, rule in system.template.items():
        if any(isinstance(symbol, Time) for symbol in rule.arguments):
            raise QueryError(f"{variable} follows the time: nothing stays where it is.")
