"""What may keep a distribution from equilibrium, and how well each of these reasons fits it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from causalopt.distributions.finite.chain import Chain
from causalopt.ground.types import Bools, Floats
from causalopt.measures.thermal.goodness import deviance

# Up to this many states, all sets of states are tried.
_ALL_SETS = 12
# Sets of more states than this are not looked for, where not all sets are.
_MOST_TOUCHED = 512
# Up to this many states, each is tried as the place where a run began.
_ALL_STARTS = 64
# A run is looked at this often between n steps and twice as many.
_LOOKS = 32


class Fault(Enum):
    """What keeps a system from its greatest free energy."""

    NONE = "at equilibrium"
    NOT_CONVERGED = "not yet converged"
    PHASE = "a phase shift in imaginary time"
    CONSTRAINT = "a missing constraint"


@dataclass(frozen=True, eq=False)
class ScoredReason:
    """A fault in full, and the score that it gets: the less, the better it fits.

    score = G + (numbers fitted) log n - 2 log(prior), Schwarz' criterion for n draws; of the hidden
    enthalpy of a state n is how often that state is drawn, for no other draw tells of it.
    ``touched`` (k,) are the states that a constraint acts on, in the order of the enthalpies;
    ``fitted`` (k,) what the chain has come to, in the order of the chain's.
    """

    fault: Fault
    score: float
    touched: Bools | None = None
    fitted: Floats | None = None


def no_reason(observed: Floats, equilibrium: Floats, draws: float) -> ScoredReason:
    """Equilibrium itself: nothing is fitted."""
    return ScoredReason(Fault.NONE, draws * deviance(observed, equilibrium))


def phase_reason(observed: Floats, shifted: Floats, draws: float) -> ScoredReason:
    """A phase shift: one number, the angle, is fitted."""
    return ScoredReason(Fault.PHASE, draws * deviance(observed, shifted) + math.log(draws))


def constraints(observed: Floats, equilibrium: Floats, draws: float) -> list[ScoredReason]:
    """Sets of states that are pumped or filtered, the others in equilibrium among themselves.

    The mass of each state that is touched is fitted. Each number of states is as likely before as
    any other, and of one number each set. Up to 12 states all sets are tried; of more, the set that
    grows by the state that helps most, up to 512.
    """
    size = len(observed)
    costs = state_costs(observed, equilibrium, draws)
    sets = _all_sets(size) if size <= _ALL_SETS else _growing(observed, equilibrium)
    reasons = []
    for touched in sets:
        count = int(touched.sum())
        choices = math.lgamma(size + 1) - math.lgamma(count + 1) - math.lgamma(size - count + 1)
        prior = choices + math.log(size - 1)
        misfit = draws * _misfit(observed, equilibrium, ~touched)
        score = misfit + float(costs[touched].sum()) + 2 * prior
        reasons.append(ScoredReason(Fault.CONSTRAINT, score, touched))
    if all(math.isinf(reason.score) for reason in reasons):
        # All mass is where none may be: no state is left in equilibrium with another.
        reasons.append(
            ScoredReason(Fault.CONSTRAINT, float(costs.sum()), np.ones(size, dtype=bool))
        )
    return reasons


def state_costs(observed: Floats, equilibrium: Floats, draws: float) -> Floats:
    """What a hidden enthalpy of its own costs each state (k,), in the score."""
    # n p draws know the logarithm of a chance p to 1/sqrt(n p): as Schwarz has it for n and 1.
    costs: Floats = np.log1p(draws * np.maximum(observed, equilibrium))
    return costs


def _misfit(observed: Floats, equilibrium: Floats, left: Bools) -> float:
    """The deviance of the states left alone from their equilibrium among themselves."""
    mine, theirs = observed[left], equilibrium[left]
    if mine.sum() <= 0 or theirs.sum() <= 0:
        return math.inf
    return deviance(mine, theirs * (mine.sum() / theirs.sum()))


def _all_sets(size: int) -> Iterator[Bools]:
    """Every set of states but none and all."""
    for count in range(1, size):
        for states in itertools.combinations(range(size), count):
            touched = np.zeros(size, dtype=bool)
            touched[list(states)] = True
            yield touched


def _growing(observed: Floats, equilibrium: Floats) -> Iterator[Bools]:
    """Sets that grow by the state whose absence leaves the others nearest to equilibrium."""
    # What equilibrium does not allow is touched whatever else is.
    touched = (equilibrium <= 0) & (observed > 0)
    if touched.any():
        yield touched.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(observed > 0, observed * np.log(observed / equilibrium), 0.0)
    for _ in range(min(_MOST_TOUCHED, len(observed) - 1 - int(touched.sum()))):
        left = ~touched
        mine = observed[left].sum() - observed
        theirs = equilibrium[left].sum() - equilibrium
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = terms[left].sum() - terms - mine * np.log(mine / theirs)
        rest[touched | ~np.isfinite(rest)] = np.inf
        best = int(rest.argmin())
        if not math.isfinite(rest[best]):
            return
        touched[best] = True
        yield touched.copy()


def unfinished(
    observed: Floats, chain: Chain, start: Floats | None, draws: float, tolerance: float
) -> list[ScoredReason]:
    """A run that is not over: of each start the number of steps that fits best, and any start.

    The number of steps is fitted; each start is as likely before as any other: ``start``, or each
    single state and all states alike. A start that is none of these fits whatever the chain can
    come to in one step, and costs as much as hidden enthalpies of all states but one.
    """
    ways = _Ways(chain, start, tolerance)
    best: dict[int, tuple[float, Floats]] = {}
    for place, steps, stride in ways.nearest(observed):
        masses = ways.refined(place, steps, stride, observed)
        best[place] = draws * deviance(observed, masses), masses
    cost = math.log(draws) + 2 * math.log(len(best))
    reasons = [
        ScoredReason(Fault.NOT_CONVERGED, misfit + cost, fitted=masses)
        for misfit, masses in best.values()
    ]
    if start is None and _has_a_past(observed, chain, draws):
        costs = state_costs(observed, chain.masses(chain.settled()), draws)
        score = float(costs.sum() - costs.max()) + 2 * math.log(len(best))
        reasons.append(ScoredReason(Fault.NOT_CONVERGED, score, fitted=observed))
    return reasons


class _Ways:
    """What the starts of a chain come to, after any number of steps."""

    def __init__(self, chain: Chain, start: Floats | None, tolerance: float) -> None:
        self._end = chain.masses(chain.settled())
        self._starts = _starts(chain.size, start)
        self._near = tolerance / 4
        # K, K^2, K^4, ...: as many as the steps that are asked for need.
        self._powers: list[Floats] = [chain.kernel.toarray()]

    def nearest(self, observed: Floats) -> list[tuple[int, int, int]]:
        """Of each start its place, the steps that fit best, and the stride they were found at.

        Looks at 0, 1, 2, ... steps, and past the first at strides of 1/32 of the way so far, until
        all starts are near the end.
        """
        best = [(math.inf, 0, 1)] * len(self._starts)
        now, walked, exponent = self._starts, 0, 0
        while True:
            for place, masses in enumerate(now):
                best[place] = min(best[place], (deviance(observed, masses), walked, 2**exponent))
            if exponent > 48 or np.abs(now - self._end).sum(axis=1).max() / 2 <= self._near:
                return [(place, steps, stride) for place, (_, steps, stride) in enumerate(best)]
            now, walked = now @ self._power(exponent), walked + 2**exponent
            if walked >= 2 * _LOOKS * 2**exponent:
                exponent += 1

    def refined(self, place: int, steps: int, stride: int, observed: Floats) -> Floats:
        """What a start comes to after the number of steps near ``steps`` that fits best."""
        best = self._after(place, steps)
        least = deviance(observed, best)
        # The misfit falls and rises again about its least: half the stride, to the better side.
        while stride > 1:
            stride //= 2
            for other in (steps - stride, steps + stride):
                masses = self._after(place, max(0, other))
                if deviance(observed, masses) < least:
                    best, least, steps = masses, deviance(observed, masses), max(0, other)
                    break
        return best

    def _after(self, place: int, steps: int) -> Floats:
        masses: Floats = self._starts[place]
        for exponent in range(steps.bit_length()):
            if steps >> exponent & 1:
                masses = masses @ self._power(exponent)
        return masses

    def _power(self, exponent: int) -> Floats:
        while len(self._powers) <= exponent:
            self._powers.append(self._powers[-1] @ self._powers[-1])
        return self._powers[exponent]


def _starts(size: int, start: Floats | None) -> Floats:
    if start is not None:
        return start[None]
    alike = np.full((1, size), 1 / size)
    return np.concatenate([np.eye(size), alike]) if size <= _ALL_STARTS else alike


def _has_a_past(observed: Floats, chain: Chain, draws: float) -> bool:
    """Whether some distribution comes to the observed one in one step, but for what chance does."""
    from scipy.optimize import nnls

    if chain.size > _ALL_STARTS:
        return False
    _, residual = nnls(chain.kernel.toarray().T, observed)
    return bool(residual <= math.sqrt(1 / draws))
