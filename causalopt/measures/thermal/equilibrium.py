"""Why an observed distribution is not the Boltzmann distribution: three reasons, told apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sympy import Expr

from causalopt.distributions.finite.chain import Chain, dense_masses
from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.finite.states import state_of
from causalopt.distributions.thermal import Enthalpies, as_enthalpies, as_temperature, boltzmann
from causalopt.ground.checks import as_float, of_kind, shown, whole
from causalopt.ground.errors import QueryError
from causalopt.ground.types import Bools, Floats, Ints
from causalopt.measures.thermal.energies import free_energy_gap
from causalopt.measures.thermal.goodness import sample_chance
from causalopt.measures.thermal.reasons import (
    Fault,
    ScoredReason,
    constraints,
    no_reason,
    phase_reason,
    unfinished,
)


@dataclass(frozen=True)
class Diagnosis:
    """Which of the reasons fits, how sure that is, and the figures that say so.

    ``confidence`` is the share of the evidence for just this, from 0 to 1: for the fault, and of a
    missing constraint for this very set of states. ``evidence`` has the share of each fault.
    ``chance`` is the p-value of the test whether P is a fair sample of equilibrium, None without
    ``draws``.

    ``distance`` is the total variation to the Boltzmann distribution, ``gap`` the free energy that
    is missing (units of the enthalpy). ``steps_left``: until within the tolerance, where a chain
    was given and it has not converged; else None. ``temperature`` is that of
    the Boltzmann distribution nearest in shape (inf where enthalpy makes no difference, negative
    where the unlikely states are preferred); ``phase`` the angle theta with
    cos(theta) = T / ``temperature``, NaN where there is none. ``hidden`` (n,) is what each state's
    enthalpy would have to be larger by to make P the equilibrium; of a missing constraint it is 0
    for the states that are left alone, all together, else for the median state. ``touched`` (n,)
    are the states that a constraint would act on.
    """

    fault: Fault
    confidence: float
    evidence: Mapping[Fault, float]
    chance: float | None
    distance: float
    gap: float
    steps_left: int | None
    temperature: float
    phase: float
    hidden: Floats
    touched: Bools
    H: Enthalpies
    tolerance: float

    @property
    def pumped(self) -> dict[str, float]:
        """The states that something pays for, by name, and by how much, in units of enthalpy."""
        return self._by_name(self.touched & (self.H.sign * self.hidden > 0))

    @property
    def filtered(self) -> dict[str, float]:
        """The states that something keeps out, and by how much; infinite where they are empty."""
        return self._by_name(self.touched & (self.H.sign * self.hidden < 0))

    def _by_name(self, which: Bools) -> dict[str, float]:
        places = np.flatnonzero(which).tolist()
        return {state_of(self.H.variables, i): float(self.hidden[i]) for i in places}

    def __str__(self) -> str:
        lines = [
            f"{self.fault.value} (total variation {self.distance:.3g}, free energy missing "
            f"{self.gap:.3g}, confidence {self.confidence:.2f})"
        ]
        if self.fault is Fault.NOT_CONVERGED:
            lines.append(f"    {self.steps_left:,} more steps")
        if self.fault is Fault.PHASE:
            lines.append(f"    phase {self.phase:.3g} rad, as if at T = {self.temperature:.3g}")
        if self.fault is Fault.CONSTRAINT:
            lines += [f"    pumped: {state}, by {by:.3g}" for state, by in self.pumped.items()]
            lines += [f"    filtered: {state}, by {by:.3g}" for state, by in self.filtered.items()]
        if self.chance is not None:
            lines.append(f"    a fair sample is as far off with chance {self.chance:.2g}")
        return "\n".join(lines)


def why_not_equilibrium(
    P: Distribution,
    H: Enthalpies,
    T: Expr | float,
    *,
    chain: Chain | None = None,
    start: Distribution | None = None,
    draws: int | None = None,
    level: float = 0.01,
    tolerance: float = 1e-3,
) -> Diagnosis:
    """Which of three reasons keeps P from the Boltzmann distribution of H at temperature T.

    1. It has not run long enough: ``chain``, one step of the dynamics, does settle at the Boltzmann
       distribution, and P is on its way there from ``start``, or, if left out, from a single state
       or all states alike. Then ``steps_left`` says how long it still needs.
    2. It moves through imaginary time with a phase shift: log P = a + cos(theta) H/T, for the
       modulus of exp(exp(i theta) H/T).
    3. A constraint is missing: some states are pumped or filtered, and ``hidden`` says by how
       much, hidden = T log(P / Boltzmann) up to a constant.

    First it is asked whether there is a fault at all. There is none where the total variation is at
    most ``tolerance``. ``draws`` is the number of draws that P was estimated from (P are their
    counts, divided by it); then there is none either where a fair sample of equilibrium is as far
    off with a chance of ``level`` or more: of fair samples, ``level`` are called a fault. The test
    is of the likelihood ratio, G = 2 sum_s n_s log(n_s / (n p_s)), by chi-square with Williams'
    correction where each state is expected 20 times, else by 1,999 samples of equilibrium.

    Then the reasons are weighed, each by exp(-score/2), score = G + (numbers fitted) log n - 2 log
    of its prior (Schwarz 1978): G of P and what fits it best. A phase is one number; an unfinished
    run is one number, the steps so far, and one of the starts, each as likely; a constraint has one
    number for each state s that it touches, for which n is how often s is drawn, and each number of
    states, and of these each set, is as likely. A run from any other start costs as much as hidden
    enthalpies of all states but one, if the chain can come to P in a step. Without
    ``draws``, n is 1/tolerance^2. The weights, which sum to 1, are the ``evidence``; the reason of
    the largest is named.

    One distribution alone cannot tell the second reason from a wrong thermometer, T / cos(theta),
    or from a tax of the fraction 1 - cos(theta) on enthalpies: they are the same distribution.

    Raises ``QueryError`` for T <= 0, for different variables, and for a P that ``draws`` draws
    cannot give.

    Source: the comment on free energy and mode collapse, its three possibilities.

    >>> from causalopt.language.finite_variables import finite
    >>> level = finite("level", ["low", "mid", "high"])
    >>> H = Enthalpies.of(level, {"low": 0.0, "mid": 1.0, "high": 2.0})
    >>> lit = boltzmann(Enthalpies.of(level, {"low": 0.0, "mid": 1.0, "high": 5.0}), T=1.0)
    >>> print(why_not_equilibrium(lit, H, T=1.0))
    a missing constraint (total variation 0.31, free energy missing 0.31, confidence 0.99)
        pumped: level = high, by 3
    >>> seen = Distribution.of(level, [8, 27, 65], normalise=True)
    >>> print(why_not_equilibrium(seen, H, T=1.0, draws=100))
    at equilibrium (total variation 0.0253, free energy missing 0.00202, confidence 0.81)
        a fair sample is as far off with chance 0.82
    """
    temperature, H = float(as_temperature(T)), as_enthalpies(H)
    _check_kinds(P, chain, start)
    _check_share(tolerance, "tolerance")
    _check_share(level, "level")
    equilibrium, observed = boltzmann(H, temperature), P.floats()
    distance = float(equilibrium.total_variation(observed))
    gap = float(free_energy_gap(observed, H, temperature))
    ours, theirs = dense_masses(observed, H.variables), dense_masses(equilibrium, H.variables)
    chance = None if draws is None else sample_chance(_counts(ours, draws), theirs, level)
    fair = distance <= tolerance or (chance is not None and chance >= level)
    slope = _slope(ours, H.floats, fitted=draws is not None)
    number = 1 / tolerance**2 if draws is None else float(draws)
    reasons = _reasons(ours, theirs, H.floats, slope, temperature, number)
    if chain is not None and chain.settled().total_variation(equilibrium) <= tolerance:
        begun = None if start is None else chain.masses(start)
        reasons += unfinished(chain.masses(observed), chain, begun, number, tolerance)
    evidence, best, confidence = _weighed(reasons, fair)
    steps = None
    if best.fault is Fault.NOT_CONVERGED and chain is not None and best.fitted is not None:
        # A sample is never as near as the chain itself comes: the steps are counted from its fit.
        reached = observed if draws is None else chain.distribution(best.fitted)
        steps = chain.steps_to(reached, tolerance)
    touched = _touched(reasons, fair, len(theirs))
    left = ~touched if best.fault is Fault.CONSTRAINT else None
    ratio = temperature * slope
    return Diagnosis(
        best.fault, confidence, evidence, chance, distance, gap, steps,
        1 / slope if slope else math.inf, math.acos(ratio) if abs(ratio) <= 1 else math.nan,
        _hidden_enthalpies(ours, H, temperature, left), touched, H, tolerance,
    )  # fmt: skip


def _check_kinds(P: object, chain: object, start: object) -> None:
    such_as = 'a Distribution, such as Distribution.of(T, {"low": 1})'
    of_kind(P, Distribution, "P", such_as)
    if start is not None:
        of_kind(start, Distribution, "start", such_as)
        if chain is None:
            raise QueryError(
                "start is where a chain begins, and there is none: write chain=, or leave it out."
            )
    if chain is not None:
        of_kind(chain, Chain, "chain", "the Chain of a step, such as Chain.of(system)")


def _check_share(given: float, name: str) -> None:
    share = as_float(given)
    if share is None or not 0 < share < 1:
        raise QueryError(f"{name} is {shown(given)}: write a number between 0 and 1.")


def _counts(masses: Floats, draws: int) -> Ints:
    """How often each state was drawn; an error where these are no whole numbers."""
    number = whole(draws, "draws", 1)
    counts = np.rint(masses * number)
    off = int(np.abs(masses * number - counts).argmax())
    if abs(masses[off] * number - counts[off]) > 1e-6 * max(1.0, counts[off]):
        raise QueryError(
            f"P has the mass {masses[off]:g}, which is {masses[off] * number:g} of {number:,} "
            "draws: give the number of draws that P was counted from, and P as their counts, "
            "Distribution.of(variables, counts, normalise=True)."
        )
    return counts.astype(np.int64)


def _reasons(
    observed: Floats, equilibrium: Floats, rewards: Floats, slope: float, T: float, draws: float
) -> list[ScoredReason]:
    """The reasons that need no chain, those with one prior in the order in which they are told."""
    # The modulus of exp(exp(i theta) H/T) is exp(cos(theta) H/T), so that 1/T appears shrunk.
    shifted = _shape(rewards, min(max(slope, -1 / T), 1 / T))
    return [
        no_reason(observed, equilibrium, draws),
        phase_reason(observed, shifted, draws),
        *constraints(observed, equilibrium, draws),
    ]


def _weighed(
    reasons: list[ScoredReason], fair: bool
) -> tuple[dict[Fault, float], ScoredReason, float]:
    """The share of each fault in the evidence, the reason that is named, and its own share."""
    # Where there is a fault by the test, that there is none is no reason for it.
    heard = [reason for reason in reasons if fair or reason.fault is not Fault.NONE]
    scores = np.array([reason.score for reason in heard])
    weights = np.exp((scores.min() - scores) / 2)
    weights /= weights.sum()
    evidence = dict.fromkeys(Fault, 0.0)
    for reason, weight in zip(heard, weights.tolist(), strict=True):
        evidence[reason.fault] += weight
    # The first of those that are alike but for rounding: the order of Fault is that of the source.
    fault = Fault.NONE if fair else max(Fault, key=lambda fault: round(evidence[fault], 9))
    own = [i for i, reason in enumerate(heard) if reason.fault is fault]
    place = max(own, key=lambda i: round(float(weights[i]), 9))
    sure = float(weights[place]) if fault is Fault.CONSTRAINT else evidence[fault]
    return evidence, heard[place], sure


def _touched(reasons: list[ScoredReason], fair: bool, size: int) -> Bools:
    """The states that the likeliest constraint acts on; none where there is no fault."""
    sets = [reason for reason in reasons if reason.touched is not None]
    best = min(sets, key=lambda reason: reason.score, default=None)
    if fair or best is None or best.touched is None:
        return np.zeros(size, dtype=bool)
    return best.touched


def _hidden_enthalpies(masses: Floats, H: Enthalpies, T: float, left: Bools | None) -> Floats:
    """T log(P / Boltzmann), with the sign of the enthalpies, and 0 for the states left alone.

    Where none are named, 0 is for the median state.
    """
    rewards = H.floats
    missing = np.zeros(len(rewards))
    held, allowed = masses > 0, np.isfinite(rewards)
    both = held & allowed
    # log P = (H + hidden)/T - log Z, so that hidden = T log P - H up to the constant T log Z.
    missing[both] = T * np.log(masses[both]) - rewards[both]
    if left is not None and (left & both).any():
        mass, best = masses[left].sum(), rewards[left & allowed].max()
        # log of the part of Z that the states left alone have, the largest term taken out first.
        part = np.log(np.exp((rewards[left & allowed] - best) / T).sum())
        zero = T * (np.log(mass) - part) - best
    elif not both.any():
        zero = 0.0
    else:
        # A state of the middle rank, not between two: most states then stay exactly as they are.
        zero = np.sort(missing[both])[(both.sum() - 1) // 2]
    missing[both] -= zero
    # No enthalpy is low enough for a state that is allowed and empty, none high enough for the mass
    # of one that is forbidden.
    missing[~held & allowed] = -np.inf
    missing[held & ~allowed] = np.inf
    hidden: Floats = H.sign * missing
    return hidden


def _shape(rewards: Floats, slope: float) -> Floats:
    """The distribution with log P = slope H up to a constant; forbidden states have no mass."""
    allowed = np.isfinite(rewards)
    # The inner choice keeps 0 * inf out of forbidden states; the outer one leaves them no mass.
    exponents = np.where(allowed, slope * np.where(allowed, rewards, 0.0), -np.inf)
    masses = np.exp(exponents - exponents.max())
    return np.asarray(masses / masses.sum())


def _slope(masses: Floats, rewards: Floats, *, fitted: bool) -> float:
    """1/T of the Boltzmann distribution nearest to P in shape.

    The slope of log P against H, by least squares with the masses as weights; where P is a sample
    it is ``fitted`` further to the most likely one, whose mean enthalpy is that of P.
    """
    both = (masses > 0) & np.isfinite(rewards)
    if not both.any():
        return 0.0
    weights = masses[both] / masses[both].sum()
    x, y = rewards[both], np.log(masses[both])
    # A Boltzmann distribution has log P = H/T - log Z: a line of slope 1/T over H.
    mean = float(weights @ x)
    spread = float(weights @ (x - mean) ** 2)
    slope = float(weights @ ((x - mean) * (y - weights @ y)) / spread) if spread > 0 else 0.0
    return _likeliest(mean, rewards, slope) if fitted else slope


def _likeliest(mean: float, rewards: Floats, slope: float) -> float:
    """The slope at which the mean enthalpy is ``mean``, by Newton's method in bounded steps."""
    allowed = np.isfinite(rewards)
    x = rewards[allowed]
    width = float(x.max() - x.min())
    if width == 0:
        return 0.0
    for _ in range(200):
        shape = _shape(x, slope)
        here = float(shape @ x)
        spread = float(shape @ (x - here) ** 2)
        # Where all is at one end the slope has no bound: there it stops by the number of steps.
        move = (mean - here) / spread if spread > 0 else math.copysign(math.inf, mean - here)
        move = min(max(move, -1 / width), 1 / width)
        slope += move
        if abs(move) * width < 1e-12:
            break
    return slope
