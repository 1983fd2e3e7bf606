"""Goal-directedness: how well a decision is foretold by supposing that it serves a utility."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import sympy

from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.inference.influence import at_random, seen_by
from causalopt.distributions.inference.inquiry import Inquiry, named_spots
from causalopt.distributions.inference.rules import Spot, utility_at
from causalopt.distributions.inference.worth import Goal, amounts_of, prospects
from causalopt.ground.checks import as_mapping
from causalopt.ground.errors import QueryError
from causalopt.ground.masses import as_floats
from causalopt.ground.types import Array, Bools, Floats
from causalopt.language.symbols import Label, Nodes
from causalopt.measures.literature.measurement import Measurement
from causalopt.mechanisms.decisions import utility as utility_of
from causalopt.model.interface import Model, as_model
from causalopt.model.world import World

# A slope of less than this, in parts of all that the worths span, is none.
_SAME = 1e-12
# Sums of floats are off by a few roundings, in parts of all that is added up.
_ROUNDING = 4 * float(np.finfo(np.float64).eps)


def goal_directedness(
    system: Model | World[Model],
    A: Nodes,
    utility: object,
    P: Distribution | None = None,
) -> Measurement:
    """How far a decision is foretold by supposing that it serves a utility, in nats.

        MEG = max over beta of E[ log( pi_beta(d | pa) |dom d| ) ]
        pi_beta(d | pa) = exp(beta E[U | d, pa]) / sum over d' of exp(beta E[U | d', pa])

    where d is the decision ``A``, pa what it sees (the parents of its table) and the mean is over
    the system as it is. The policies pi_beta have the largest entropy of all with one expected
    utility; their softmax is held against chance, so that 0 is a decision that tells nothing of
    U, and log |dom d| one that is never unsure and always best (or, with beta below 0, worst).

    ``A`` is one node with named values, such as T[1]. ``utility`` is what is wanted: nodes with the
    values that they should have, {R[2]: "warm"} (1 if all have them, else 0); nodes with numbers,
    {R[2]: {"hot": 0, "warm": 1, "cold": 0}}, which add up; or one or more nodes that ``utility``
    has made. ``P`` is over the variables at the start, or over roots, in place of their values.
    The part ``beta`` is the one at which the largest value is reached, or +-inf where it is
    approached: where each decision is the best (worst) for what it sees.

    Traps: it depends on P; of a utility that the decision cannot change it is 0; where several
    values are best it is below log |dom d|, whoever chooses; and it does not see whether A moves
    if U does, for one system is all that is asked.

    Raises ``QueryError`` for an A of more than one node, one that follows from nothing (a start),
    and a utility of nodes that are not there.

    Source: MacDermott, Fox, Belardinelli and Everitt 2024, "Measuring Goal-Directedness" (NeurIPS).

    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.tables import table
    >>> from causalopt.model.network import Network
    >>> sky, umbrella = finite("sky", ["sun", "rain"]), finite("umbrella", ["yes", "no"])
    >>> shoes = finite("shoes", ["wet", "dry"])
    >>> person = Network({
    ...     sky: table((), {"sun": 0.5, "rain": 0.5}),
    ...     umbrella: table(sky, {"sun": "no", "rain": "yes"}),
    ...     shoes: table((sky, umbrella), {"sun": "yes -> dry, no -> dry",
    ...                                    "rain": "yes -> dry, no -> wet"}),
    ... })
    >>> print(goal_directedness(person, umbrella, {shoes: "dry"}))  # it matters in rain alone
    goal_directedness = 0.3465735903 nat
    """
    world = _world_of(system, A, utility)
    spots = named_spots(world, [A])
    if len(spots) != 1:
        raise QueryError(f"A = {A} names {len(spots)} nodes, and one decision is asked about.")
    (spot,) = spots
    goals = _goals(world, utility)
    if not goals or not all(goal.spots for goal in goals):
        raise QueryError(f"utility is {utility!r}, and nothing is wanted: write {{R[2]: ...}}.")
    seen = [*seen_by(spot), spot]
    behaviour = prospects(Inquiry.about(world, (), None, P), [], seen).chances
    free = world.replace(spot.label, at_random(spot))
    moved = [replace(g, spots=tuple(replace(s, world=free) for s in g.spots)) for g in goals]
    inquiry = Inquiry.about(free, (), None, P)
    last = [replace(s, world=free) for s in seen]
    worth = prospects(inquiry, moved, last).worth
    sizes = [replace(g, amounts=np.abs(g.amounts)) for g in moved]
    size = worth if worth.dtype == object else prospects(inquiry, sizes, last).worth
    rows = (-1, spot.variable.size)
    chances = as_floats(behaviour.reshape(-1)).astype(np.float64).reshape(rows)
    supposed, power = _supposed(chances, worth.reshape(rows), size.reshape(rows))
    value, scaled = supposed.most()
    with np.errstate(over="ignore"):
        beta = float(np.ldexp(scaled, -power))
    return Measurement("goal_directedness", f"MEG({spot.name})", value, "nat", {"beta": beta})


@dataclass(frozen=True, eq=False)
class Supposed:
    """How often each value is chosen (rows, values), by what is seen, and its worth there.

    ``worth`` is what is lost beside the best of a row, 0 or less; ``best`` and ``worst`` say which
    values are so, since floats of very different size, or rounded, do not tell.
    """

    chances: Floats
    worth: Floats
    best: Bools
    worst: Bools

    def most(self) -> tuple[float, float]:
        """The largest value over beta, and that beta, where the slope, which falls with it, is 0.

        With beta at infinity all that is best (worst) is alike: log |dom d| less the mean of the
        log of how many values are.
        """
        span = -float(self.worth.min(initial=0.0))
        if abs(self._slope(0)) <= _SAME * span:
            return 0.0, 0.0
        for sign, ties in ((1, self.best), (-1, self.worst)):
            if not self.chances[~ties].any():
                alike = np.log(ties.shape[1] / ties.sum(axis=1))
                return float(self.chances.sum(axis=1) @ alike), sign * math.inf
        low, high = -1 / span, 1 / span
        while self._slope(low) < 0:
            low *= 2
        while self._slope(high) > 0:
            high *= 2
        from scipy.optimize import brentq

        beta = float(brentq(self._slope, low, high, xtol=1e-14 * (high - low), rtol=1e-14))
        return max(0.0, self._value(beta)), beta

    def _policy(self, beta: float) -> tuple[Floats, Floats]:
        """log pi_beta, and pi_beta."""
        from scipy.special import log_softmax

        logs: Floats = log_softmax(beta * self.worth, axis=1)
        return logs, np.exp(logs)

    def _value(self, beta: float) -> float:
        logs, _ = self._policy(beta)
        used = self.chances > 0
        return float((self.chances[used] * logs[used]).sum()) + math.log(self.worth.shape[1])

    def _slope(self, beta: float) -> float:
        """The derivative by beta: the mean worth of what is chosen, less that of pi_beta."""
        _, policy = self._policy(beta)
        # Value by value, so that a row in which much is at stake does not hide one with little.
        apart = self.chances - self.chances.sum(axis=1, keepdims=True) * policy
        return float((apart * self.worth).sum())


def _supposed(chances: Floats, worth: Array, size: Array) -> tuple[Supposed, int]:
    """The same of any worth (rows, values), in parts of a power of two, which comes with it.

    Exact worths are alike where they are the same; floats where their difference is below their
    rounding, in parts of ``size``, the mean of what is added up, whatever its sign.
    """
    if worth.dtype == object and all(number.is_Rational for number in worth.flat):
        top, bottom = worth.max(axis=1, keepdims=True), worth.min(axis=1, keepdims=True)
        lost = worth - top
        best, worst = (lost == 0).astype(bool), (worth == bottom).astype(bool)
        power = max(_power(number) for number in lost.flat)
        scaled = as_floats((lost * sympy.Integer(2) ** -power).reshape(-1)).reshape(lost.shape)
    else:
        numbers, sizes = (
            as_floats(table.reshape(-1)).reshape(table.shape) for table in (worth, size)
        )
        power = math.frexp(float(np.abs(numbers).max(initial=0.0)))[1] + 1
        numbers, sizes = np.ldexp(numbers, -power), np.ldexp(sizes, -power)
        within = _ROUNDING * sizes.max(axis=1, keepdims=True)
        scaled = numbers - numbers.max(axis=1, keepdims=True)
        best = scaled >= -within
        worst = scaled <= scaled.min(axis=1, keepdims=True) + within
    # What is alike has one worth: else a slope at a large beta would tell it apart.
    scaled = np.where(best, 0.0, np.where(worst, scaled.min(axis=1, keepdims=True), scaled))
    return Supposed(chances, scaled.astype(np.float64), best, worst), power


def _power(number: sympy.Rational) -> int:
    """The power of two about a number's size; one far below all others for 0."""
    return abs(number.p).bit_length() - number.q.bit_length() if number else -2000


def _world_of(system: Model | World[Model], A: Nodes, utility: object) -> World[Model]:
    """The world that is asked about: long enough for all that is named."""
    if isinstance(system, World):
        return system
    nodes = list(utility) if isinstance(utility, Mapping | list | tuple) else [utility]
    model = as_model(system)
    return World(model, model.run_length(None, [*nodes, A]))


def _goals(world: World[Model], utility: object) -> list[Goal]:
    """What is wanted, as amounts by the states of nodes."""
    if not isinstance(utility, Mapping):
        nodes = utility if isinstance(utility, list | tuple) else [utility]
        return [_made(spot) for spot in named_spots(world, nodes)]
    wanted: Mapping[Label, object] = as_mapping(utility, "utility", '{R: "warm"}')
    spots = [named_spots(world, [node]) for node in wanted]
    if any(len(each) != 1 for each in spots):
        raise QueryError("utility names a variable over several steps: name its nodes one by one.")
    ends = [each[0] for each in spots]
    if all(isinstance(value, Mapping) for value in wanted.values()):
        return [_by_numbers(spot, value) for spot, value in zip(ends, wanted.values(), strict=True)]
    places = [
        spot.variable.code(value, f"utility: {spot.name}")
        for spot, value in zip(ends, wanted.values(), strict=True)
    ]
    amounts = np.zeros([spot.variable.size for spot in ends])
    amounts[tuple(places)] = 1
    return [Goal(tuple(ends), amounts)]


def _made(spot: Spot) -> Goal:
    """What a node that is a utility wants."""
    made = utility_at(spot)
    if made is None:
        raise QueryError(
            f"{spot.name} is no utility: write which value of it is wanted, such as "
            f"utility={{{spot.name}: ...}}."
        )
    return Goal(made[1], amounts_of(made[0].amounts, made[1]))


def _by_numbers(spot: Spot, numbers: object) -> Goal:
    """What each value of a node is worth."""
    made = utility_of(spot.variable, numbers)
    return Goal((spot,), amounts_of(made.amounts, [spot]))
