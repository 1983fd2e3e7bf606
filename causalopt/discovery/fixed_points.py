"""Fixed points: where a system that starts there stays."""

from __future__ import annotations

import numpy as np

from causalopt.ground.errors import EvaluationError, QueryError
from causalopt.ground.scaled import stacked
from causalopt.ground.types import Floats
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Label, Variable
from causalopt.model.interface import Model
from causalopt.model.system import System, as_system
from causalopt.runs.simulation import Want, simulate
from causalopt.runs.sweeps import swept

_ROUNDS = 100
# How near a step comes back to where it began, as a part of the size of the values.
_NEAR = 1e-13


def fixed_point(model: Model) -> System:
    """The system, starting at the fixed point that Newton's method reaches from its start.

    A fixed point x has f(x) = x, with f one step. From the start, x <- x + (I - Df(x))^-1 (f(x) -
    x), each step halved until it comes nearer. The fixed point need not be stable. Equations
    (``algebraic``) are followed; what is delayed is held at the same values before the start.

    Raises ``QueryError`` for a system with named values, noise, time in its formulas or histories,
    which has none, and ``EvaluationError`` where Newton's method ends elsewhere: start nearer.

    >>> from causalopt.language.symbols import variables
    >>> (x,) = variables("x")
    >>> round(fixed_point(System({x: (x + 2 / x) / 2}, start={x: 1})).start_values[x], 12)
    1.414213562373
    """
    system = as_system(model, ", and so no fixed point.")
    _check(system)
    free = [v for v in system.variables if v not in system.algebraic]
    at = np.array([system.start_values[v] for v in free])
    gap, slopes = _step(system, free, at)
    for _ in range(_ROUNDS):
        scale = max(1.0, float(np.abs(at).max(initial=0.0)))
        if np.abs(gap).max(initial=0.0) <= _NEAR * scale:
            start: dict[Label, float] = dict(zip(free, at.tolist(), strict=True))
            return system.with_start(start)
        at, gap, slopes = _nearer(system, free, at, gap, slopes)
    raise EvaluationError(_failed(gap))


def _nearer(
    system: System, free: list[Variable], at: Floats, gap: Floats, slopes: Floats
) -> tuple[Floats, Floats, Floats]:
    """One step of Newton's method, shortened until the gap is smaller."""
    move, *_ = np.linalg.lstsq(np.eye(len(at)) - slopes, gap, rcond=None)
    for halvings in range(40):
        there = at + move * 0.5**halvings
        try:
            beyond, slopes_there = _step(system, free, there)
        except (EvaluationError, QueryError):
            continue
        if np.linalg.norm(beyond) < np.linalg.norm(gap):
            return there, beyond, slopes_there
    if np.abs(gap).max() <= 1e3 * _NEAR * max(1.0, float(np.abs(at).max())):
        # As near as rounding lets it come.
        return at, np.zeros_like(gap), slopes
    raise EvaluationError(_failed(gap))


def _step(system: System, free: list[Variable], at: Floats) -> tuple[Floats, Floats]:
    """f(x) - x, and the derivatives of f, (to, from)."""
    start: dict[Label, float] = dict(zip(free, at.tolist(), strict=True))
    W = system.with_start(start).world(steps=1)
    wants = [Want(W, v) for v in free]
    worlds = [W.perturb(v[0]) for v in free]
    moved = [Want(world, v, tangent=True) for world in worlds for v in free]
    none = swept(system, None, None, ())
    table = simulate([*wants, *moved], range(1, 2), none, "numpy", stacked)[:, 0]
    count = len(free)
    return table[:count] - at, table[count:].reshape(count, count).T


def _check(system: System) -> None:
    for variable in system.variables:
        why = domain_of(variable).why_no_difference()
        if why is not None:
            raise QueryError(f"{variable} takes no differences: {why}.")
    if system.noises:
        raise QueryError(f"{system.noises[0]} is drawn at every step: nothing stays where it is.")
    if system.history:
        raise QueryError("What was before the start is given, by history: leave it out.")


def _failed(gap: Floats) -> str:
    return (
        "Newton's method reaches no fixed point from here: a step still moves by "
        f"{float(np.abs(gap).max()):.3g}. Start nearer to one, with_start, or let the system run "
        "to where it stays."
    )
