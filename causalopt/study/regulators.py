"""A question that every system can be asked: which variables regulate which, and how strongly."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from causalopt.ground.errors import EvaluationError, LongStepsWarning, QueryError
from causalopt.language.symbols import Parameter, Variable
from causalopt.measures.response.every_part import every_A
from causalopt.model.system import System

#: What has an Op of so many nats or more is told as a regulator.
THRESHOLD = 0.1
#: Of so many variables no one is asked, and of so many that move each is nudged.
MOST_VARIABLES, MOST_NUDGED = 60, 20
#: The fewest and the most steps that a run is cut in, and the most of steps x variables x nudged.
FEWEST_STEPS, MOST_STEPS, MOST_WORK = 1000, 32_000, 4_000_000
# An Op is settled where twice the steps move it by no more than this, and this part of it.
_SETTLED, _PART = 0.01, 0.01

_Pair = tuple[str, str]


@dataclass(frozen=True)
class Regulator:
    """A compresses a nudge of m: ``op`` is Op(A; n, m), in nats."""

    A: str
    m: str
    op: float

    def __str__(self) -> str:
        return f"{self.A} on {self.m}: {self.op:.2f}"


@dataclass(frozen=True)
class Regulators:
    """The regulators found, the strongest first, and ``told``, how they were asked for."""

    found: tuple[Regulator, ...]
    told: str


def regulators_of(system: System, steps: int, moving: Sequence[Variable]) -> Regulators:
    """Who regulates what over a run of so many steps: each m that moves is nudged early.

        Op(A; n, m),    n = m at a tenth of the run,    m at its end,

    for each variable A but m, held by itself (``every_A``). A regulator is one with an Op of 0.1
    nats or more.

    A system whose steps are whole is asked as it is. One whose steps are taken in parts has no
    arrows of a step, and so is asked of steps of rk4: 1,000 of them, 2,000, and so on, until twice
    as many move no Op by more than 0.01 nats and a hundredth of it, or there are 32,000 of them.
    What has not settled then is counted, and is no regulator. Of variables that an event sets
    together none can be held alone, and so none is asked about.

    Raises ``QueryError`` where the system is too large, or where no such steps stay finite, as
    those of stiff systems do not.

    >>> from causalopt.language.symbols import variables
    >>> T, R = variables("T R")
    >>> room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35})
    >>> print(*regulators_of(room, 100, [T, R]).found, sep=", ")
    T on R: 10.63
    """
    if len(system.variables) > MOST_VARIABLES:
        raise QueryError(f"{len(system.variables)} variables are more than {MOST_VARIABLES}.")
    nudged = list(moving[:MOST_NUDGED])
    if not nudged:
        raise QueryError("nothing moves.")
    if steps < 1:
        raise QueryError("the run has no steps.")
    told = f"; the first {len(nudged)} of {len(moving)} that move" if moving[len(nudged) :] else ""
    if system.tolerance is not None and isinstance(system.dt, Parameter):
        answers, count, settled = _until_settled(system, steps, nudged)
        words = f"{count:,} steps of rk4"
    else:
        _refuse_much_work(system, steps, nudged)
        answers, words = _asked(system, steps, nudged), f"{steps:,} steps"
        settled = set(answers)
    if len(settled) < len(answers):
        told = f", {len(answers) - len(settled)} of {len(answers)} not settled{told}"
    found = [Regulator(*pair, answers[pair]) for pair in answers if pair in settled]
    strong = sorted((r for r in found if r.op >= THRESHOLD), key=lambda r: -r.op)
    return Regulators(tuple(strong), f"{words}{told}")


def _asked(system: System, steps: int, nudged: Sequence[Variable]) -> dict[_Pair, float]:
    """Op of each A on each m."""
    together = {v for several in system.jumping if len(several) > 1 for v in several}
    found: dict[_Pair, float] = {}
    world = system.world(steps=steps)
    for m in nudged:
        among = [v for v in system.variables if v not in together and v != m]
        if among:
            strengths = every_A(world, n=m[steps // 10], m=m[steps], among=among)
            for A, value in zip(among, strengths.values.tolist(), strict=True):
                found[str(A), str(m)] = value
    return found


def _until_settled(
    system: System, steps: int, nudged: Sequence[Variable]
) -> tuple[dict[_Pair, float], int, set[_Pair]]:
    """Op of steps of rk4, how many of them there are, and what has settled."""
    answers: dict[_Pair, float] = {}
    settled: set[_Pair] = set()
    asked = 0
    for count, finer in _finer(system, steps, nudged):
        try:
            with warnings.catch_warnings():
                # Whether steps are too long is what twice as many of them say.
                warnings.simplefilter("ignore", LongStepsWarning)
                new = _asked(finer, count, nudged)
        except EvaluationError:
            continue
        settled = {pair for pair in new if _is_settled(answers, new, pair)}
        answers, asked = new, count
        if len(settled) == len(answers):
            break
    if not asked:
        raise QueryError("stiff: the explicit steps that may be taken leave the finite numbers.")
    return answers, asked, settled


def _finer(system: System, steps: int, nudged: Sequence[Variable]) -> Iterator[tuple[int, System]]:
    """The system in ever more steps of rk4 over the same time, as far as the work allows."""
    whole = replace(system, tolerance=None, method="rk4")
    time = steps * (system.step_size or 1.0)
    count = FEWEST_STEPS
    _refuse_much_work(system, count, nudged)
    while count <= MOST_STEPS and count * _size(system, nudged) <= MOST_WORK:
        yield count, whole.with_parameters({system.dt: time / count})  # type: ignore[dict-item]  # checked
        count *= 2


def _size(system: System, nudged: Sequence[Variable]) -> int:
    return len(system.variables) * len(nudged)


def _refuse_much_work(system: System, steps: int, nudged: Sequence[Variable]) -> None:
    if steps * _size(system, nudged) > MOST_WORK:
        raise QueryError(
            f"{steps:,} steps of {len(system.variables)} variables, {len(nudged)} of them nudged, "
            f"are more than {MOST_WORK:,} in all."
        )


def _is_settled(before: Mapping[_Pair, float], now: Mapping[_Pair, float], pair: _Pair) -> bool:
    """Whether an Op has stayed what it was."""
    if pair not in before:
        return False
    first, second = before[pair], now[pair]
    if not (math.isfinite(first) and math.isfinite(second)):
        # Where nothing arrives there is nothing to settle, but it was looked at twice.
        return first == second or (math.isnan(first) and math.isnan(second))
    return abs(first - second) <= _SETTLED + _PART * abs(second)
