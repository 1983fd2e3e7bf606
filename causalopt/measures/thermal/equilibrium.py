"""Why an observed distribution is not the Boltzmann distribution: three reasons, told apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from sympy import Expr

from causalopt.distributions.finite.chain import Chain
from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.finite.states import state_of, substates
from causalopt.distributions.thermal import Enthalpies, as_temperature, boltzmann
from causalopt.ground.errors import QueryError
from causalopt.ground.types import Bools, Floats
from causalopt.measures.thermal.energies import free_energy_gap


class Fault(Enum):
    """What keeps a system from its greatest free energy."""

    NONE = "at equilibrium"
    NOT_CONVERGED = "not yet converged"
    PHASE = "a phase shift in imaginary time"
    CONSTRAINT = "a missing constraint"


@dataclass(frozen=True)
class Diagnosis:
    """Which of the reasons fits, and the figures that say so.

    ``distance`` is the total variation to the Boltzmann distribution, ``gap`` the free energy that
    is missing (units of the enthalpy). ``steps_left``: until within the tolerance, where a chain
    was given and it has not converged; else None. ``temperature`` is that of
    the Boltzmann distribution nearest in shape (inf where enthalpy makes no difference, negative
    where the unlikely states are preferred); ``phase`` the angle theta with
    cos(theta) = T / ``temperature``, NaN where there is none. ``hidden`` (n,) is what each state's
    enthalpy would have to be larger by to make P the equilibrium; the median state's is 0.
    """

    fault: Fault
    distance: float
    gap: float
    steps_left: int | None
    temperature: float
    phase: float
    hidden: Floats
    H: Enthalpies
    tolerance: float

    @property
    def pumped(self) -> dict[str, float]:
        """The states that something pays for, by name, and by how much, in units of enthalpy."""
        return self._by_name(self.H.sign * self.hidden > self.tolerance)

    @property
    def filtered(self) -> dict[str, float]:
        """The states that something keeps out, and by how much; infinite where they are empty."""
        return self._by_name(self.H.sign * self.hidden < -self.tolerance)

    def _by_name(self, which: Bools) -> dict[str, float]:
        places = np.flatnonzero(which).tolist()
        return {state_of(self.H.variables, i): float(self.hidden[i]) for i in places}

    def __str__(self) -> str:
        lines = [
            f"{self.fault.value} (total variation {self.distance:.3g}, free energy missing "
            f"{self.gap:.3g})"
        ]
        if self.fault is Fault.NOT_CONVERGED:
            lines.append(f"    {self.steps_left:,} more steps")
        if self.fault is Fault.PHASE:
            lines.append(f"    phase {self.phase:.3g} rad, as if at T = {self.temperature:.3g}")
        if self.fault is Fault.CONSTRAINT:
            lines += [f"    pumped: {state}, by {by:.3g}" for state, by in self.pumped.items()]
            lines += [f"    filtered: {state}, by {by:.3g}" for state, by in self.filtered.items()]
        return "\n".join(lines)


def why_not_equilibrium(
    P: Distribution,
    H: Enthalpies,
    T: Expr | float,
    *,
    chain: Chain | None = None,
    tolerance: float = 1e-3,
) -> Diagnosis:
    """Which of three reasons keeps P from the Boltzmann distribution of H at temperature T.

    1. It has not run long enough: ``chain``, one step of the dynamics, does settle at the Boltzmann
       distribution. Then ``steps_left`` says how long it still needs.
    2. It moves through imaginary time with a phase shift: log P = a + cos(theta) H/T, for the
       modulus of exp(exp(i theta) H/T).
    3. A constraint is missing: some states are pumped or filtered, and ``hidden`` says by how
       much, hidden = T log(P / Boltzmann) up to a constant.

    They are tried in this order; "fits" is a total variation of at most ``tolerance``. One
    distribution alone cannot tell the second reason from a wrong thermometer, T / cos(theta), or
    from a tax of the fraction 1 - cos(theta) on enthalpies: they are the same distribution.

    Raises ``QueryError`` for T <= 0 and for different variables.

    Source: the comment on free energy and mode collapse, its three possibilities.

    >>> from causalopt.language.finite_variables import finite
    >>> level = finite("level", ["low", "mid", "high"])
    >>> H = Enthalpies.of(level, {"low": 0.0, "mid": 1.0, "high": 2.0})
    >>> lit = boltzmann(Enthalpies.of(level, {"low": 0.0, "mid": 1.0, "high": 5.0}), T=1.0)
    >>> print(why_not_equilibrium(lit, H, T=1.0))
    a missing constraint (total variation 0.31, free energy missing 0.31)
        pumped: level = high, by 3
    """
    temperature = float(as_temperature(T))
    if not 0 < tolerance < 1:
        raise QueryError(f"tolerance is {tolerance!r}: write a number between 0 and 1.")
    equilibrium, observed = boltzmann(H, temperature), P.floats()
    distance = float(equilibrium.total_variation(observed))
    gap = float(free_energy_gap(observed, H, temperature))
    hidden = _hidden_enthalpies(observed, H, temperature)
    apparent, misfit = _apparent_temperature(observed, H)
    steps, fault = None, Fault.CONSTRAINT
    ratio = temperature / apparent
    if distance <= tolerance:
        fault = Fault.NONE
    elif chain is not None and chain.settled().total_variation(equilibrium) <= tolerance:
        fault, steps = Fault.NOT_CONVERGED, chain.steps_to(observed, tolerance)
    # The modulus of exp(exp(i theta) H/T) is exp(cos(theta) H/T), so that 1/T appears shrunk.
    elif misfit <= tolerance and abs(ratio) <= 1:
        fault = Fault.PHASE
    phase = math.acos(ratio) if abs(ratio) <= 1 else math.nan
    return Diagnosis(fault, distance, gap, steps, apparent, phase, hidden, H, tolerance)


def _logs(P: Distribution, H: Enthalpies) -> Floats:
    """log P (n,) in the order of the enthalpies; -inf without mass."""
    logs = np.full(len(H.values), -np.inf)
    logs[substates(P.states, P.variables, H.variables)] = np.log(P.masses)
    return logs


def _hidden_enthalpies(P: Distribution, H: Enthalpies, T: float) -> Floats:
    """T log(P / Boltzmann), with the sign of the enthalpies, and 0 for the median state."""
    rewards = H.floats
    logs = _logs(P, H)
    missing = np.zeros(len(rewards))
    both = np.isfinite(logs) & np.isfinite(rewards)
    # log P = (H + hidden)/T - log Z, so that hidden = T log P - H up to the constant T log Z.
    missing[both] = T * logs[both] - rewards[both]
    # A state of the middle rank, not between two: most states then stay exactly as they are.
    middle = np.sort(missing[both])[(both.sum() - 1) // 2]
    missing[both] -= middle
    # No enthalpy is low enough for a state that is allowed and empty, none high enough for the mass
    # of one that is forbidden.
    missing[np.isneginf(logs) & np.isfinite(rewards)] = -np.inf
    missing[np.isfinite(logs) & np.isneginf(rewards)] = np.inf
    hidden: Floats = H.sign * missing
    return hidden


def _apparent_temperature(P: Distribution, H: Enthalpies) -> tuple[float, float]:
    """The temperature of the Boltzmann distribution nearest to P in shape, and how far it is.

    The slope of log P against H is fitted by least squares with the masses as weights.
    """
    rewards = H.floats
    logs = _logs(P, H)
    both = np.isfinite(logs) & np.isfinite(rewards)
    weights = np.exp(logs[both])
    weights /= weights.sum()
    x, y = rewards[both], logs[both]
    # A Boltzmann distribution has log P = H/T - log Z: a line of slope 1/T over H.
    spread = weights @ (x - weights @ x) ** 2
    slope = float(weights @ ((x - weights @ x) * (y - weights @ y)) / spread) if spread > 0 else 0.0
    # The inner choice keeps 0 * inf out of forbidden states; the outer one leaves them no mass.
    exponents = np.where(H.allowed, slope * np.where(H.allowed, rewards, 0.0), -np.inf)
    fitted = np.exp(exponents - exponents.max())
    fitted /= fitted.sum()
    return (1 / slope if slope else math.inf), float(np.abs(fitted - np.exp(logs)).sum()) / 2
