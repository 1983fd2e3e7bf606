"""A linearised world whose slopes stay the same: a fixed point, or a linear system, in frequencies.

With d(z) = sum_t d_t z^-t, a difference u added at nodes gives N(z) d = u, where
N(z) = I - sum over edges of slope z^-lag. Differences that are held at zero lose their rows.
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from causalopt.ground import checks
from causalopt.ground.errors import QueryError, TooLargeError
from causalopt.ground.scaled import stacked
from causalopt.ground.types import Bools, Complexes, Floats, Ints
from causalopt.language.symbols import Noise, Time
from causalopt.linearisation.world import Linear, linearised
from causalopt.model.interface import Model, as_model
from causalopt.model.selection import Key
from causalopt.model.world import World
from causalopt.runs.simulation import Want, simulate
from causalopt.runs.sweeps import swept

# By how much values may move along a run and still be called the same.
_STILL = 1e-9
# How near the unit circle a mode is taken to neither grow nor die out.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Still:
    """The edges of a linearised world, with slopes (edges,) that no step changes.

    On a cycle no round changes them: there a row has the nodes of all steps of a round, ``period``
    of them, and a lag counts rounds.
    """

    linear: Linear
    slopes: Floats
    period: int = 1

    @property
    def dt(self) -> float:
        """The length of a step, or of a round, in units of time (in steps, where it has none)."""
        return float(self.linear.world.model.time_of(self.period))

    def only(self, members: Collection[int]) -> Still:
        """The same with the edges alone that go between these members."""
        inside = np.isin(self.linear.owners, list(members))
        return self.with_edges(inside[self.linear.sources] & inside[self.linear.targets])

    def with_edges(self, which: Bools) -> Still:
        """The same with some of its edges alone (edges,)."""
        linear = self.linear.with_edges(np.flatnonzero(which))
        return Still(linear, self.slopes[which], self.period)

    @functools.cached_property
    def rates(self) -> Floats:
        """How fast modes change, |log mode| / dt, in radians per unit of time, slow ones first."""
        modes = self.modes()
        changing = modes[(np.abs(modes) > 0.0) & (np.abs(modes - 1.0) > _ROUNDING)]
        return np.sort(np.abs(np.log(changing)) / self.dt)

    def nodes_of(self, members: Collection[int]) -> Ints:
        """The nodes of a row that belong to members: themselves, and the stages of their steps."""
        return np.flatnonzero(np.isin(self.linear.owners, list(members)))

    def ends_of(self, members: Collection[int]) -> Ints:
        """The nodes of members at the ends of steps, one for each; of a round, the first."""
        keys = self.linear.keys
        return np.array([keys.index(self.linear.members[p]) for p in members], dtype=np.int64)

    def delays(self, z: complex) -> Complexes:
        """N(z): what each node is, less what enters it."""
        linear, count = self.linear, len(self.linear.keys)
        matrix = np.eye(count, dtype=np.complex128)
        np.add.at(matrix, (linear.targets, linear.sources), -self.slopes * z ** (-linear.lags))
        return matrix

    def response(self, z: complex, held: Collection[int] = ()) -> Complexes:
        """What a difference at each node becomes at each (nodes, nodes), with members held."""
        matrix, cut = self.delays(z), self.nodes_of(held)
        matrix[cut] = 0.0
        matrix[cut, cut] = 1.0
        try:
            response: Complexes = np.linalg.inv(matrix).astype(np.complex128)
        except np.linalg.LinAlgError:
            raise QueryError(
                f"At z = {z:.6g} there is no frequency answer: a mode neither grows nor dies out "
                "there. Ask at another frequency, or along the run, with self_regulation."
            ) from None
        response[:, cut] = 0.0
        return response

    def modes(self, without: Collection[int] = ()) -> Complexes:
        """The factors by which modes grow in a step, with members held; those that die at once out.

        They are the z at which det N(z) = 0.
        """
        linear, free = self.linear, np.ones(len(self.linear.keys), dtype=np.bool_)
        free[self.nodes_of(without)] = False
        inside = free[linear.sources] & free[linear.targets]
        longest = int(linear.lags[inside].max(initial=0))
        if longest == 0:
            return np.empty(0, dtype=np.complex128)
        # The state: what each node was, for as many steps as it is looked back to.
        reach = np.zeros(len(linear.keys), dtype=np.int64)
        np.maximum.at(reach, linear.sources[inside], linear.lags[inside])
        place = np.concatenate([[0], np.cumsum(reach)])
        if place[-1] > _MOST_STATES:
            raise TooLargeError(
                f"The modes of {place[-1]:,} numbers, with all that is looked back to, take too "
                f"long: {_MOST_STATES:,} at most. Ask along the run, with self_regulation."
            )
        now = np.zeros((len(linear.keys), len(linear.keys)))
        past = np.zeros((len(linear.keys), place[-1]))
        for edge in np.flatnonzero(inside):
            target, source, lag = linear.targets[edge], linear.sources[edge], linear.lags[edge]
            if lag:
                past[target, place[source] + lag - 1] += self.slopes[edge]
            else:
                now[target, source] += self.slopes[edge]
        made = np.linalg.solve(np.eye(len(linear.keys)) - now, past)
        companion = np.eye(place[-1], k=-1)
        looked_at = reach > 0
        companion[place[:-1][looked_at]] = made[looked_at]
        modes: Complexes = np.linalg.eigvals(companion).astype(np.complex128)
        return modes

    def growth(self, without: Collection[int] = ()) -> float:
        """sum log+ |mode|: by how many nats a step all growing modes grow together."""
        sizes = np.abs(self.modes(without))
        return float(np.log(sizes[sizes > 1.0 + _ROUNDING]).sum())

    def check_stable(self) -> None:
        """Raise ``QueryError`` where some mode grows: then there is no frequency answer."""
        sizes = np.abs(self.modes())
        if (sizes > 1.0 + _ROUNDING).any():
            raise QueryError(
                f"A mode grows by a factor {sizes.max():.6g} in each step, so that no frequency "
                "has an answer that lasts. Ask along the run, with self_regulation or "
                "steering_shares, which need no stable loop."
            )

    def z_at(self, frequencies: Floats) -> Complexes:
        """The points of the unit circle at frequencies, in radians per unit of time."""
        z: Complexes = np.exp(1j * frequencies * self.dt)
        return z


def still_world(of: Model | World[Model], period: int = 1) -> Still:
    """The world linearised where it stays: at a fixed point, or anywhere if it is linear.

    Or on a cycle of ``period`` steps. Raises ``QueryError`` where its derivatives change otherwise.
    """
    count = checks.whole(period, "period", 1, 10_000)
    world = of if isinstance(of, World) else _short(as_model(of), count)
    if world.steps is None:
        raise QueryError("A network has no time, and so no frequencies: ask about a System.")
    linear = linearised(world)
    _check_alike(linear)
    last = linear.rows[-1]
    if last < count:
        raise QueryError(f"A run of {last} steps shows no round of {count}: run longer.")
    slopes = linear.slopes(range(last + 1 - count, last + 1))
    linear.check(slopes)
    if not linear.constant.all():
        _check_still(world, count)
    return Still(linear, slopes[0]) if count == 1 else _in_rounds(linear, slopes)


class _Later(NamedTuple):
    """A node at a later step of a round."""

    variable: Key
    phase: int


def _in_rounds(linear: Linear, slopes: Floats) -> Still:
    """A round of steps as one row; ``slopes`` are (steps of the round, edges)."""
    period, count = len(slopes), len(linear.keys)
    phase = np.arange(period)[:, None]
    ends = phase - linear.lags
    later = [_Later(key, r) for r in range(1, period) for key in linear.keys]
    whole = replace(
        linear,
        keys=(*linear.keys, *later),
        owners=np.tile(linear.owners, period),
        sources=(ends % period * count + linear.sources).ravel(),
        targets=(phase * count + linear.targets).ravel(),
        lags=-(ends // period).ravel(),
        contents=(),
    )
    return Still(whole, slopes.ravel(), period)


def _check_alike(linear: Linear) -> None:
    """Raise ``QueryError`` where time, chance or an intervention changes what enters a node."""
    why = "what enters it changes with an intervention" if linear.parts > 1 else ""
    for symbol in linear.needed:
        if isinstance(symbol, Time | Noise):
            why = "a derivative follows the time" if isinstance(symbol, Time) else (
                f"a derivative follows the noise {symbol}"
            )  # fmt: skip
    if why:
        raise QueryError(
            f"This world has no frequencies: {why}, from step to step. Ask along the run, with "
            "self_regulation or steering_shares."
        )


def _check_still(world: World[Model], period: int) -> None:
    """Raise ``QueryError`` where values are others a round later, and so derivatives."""
    rows, series = world.model.rows(world.steps), world.model.series
    wants = [Want(world, entry.key) for entry in series]
    none = swept(world.model, None, None, world.noises)
    for entry, course in zip(series, simulate(wants, rows, none, "auto", stacked), strict=True):
        moved = float(np.abs(course[period:] - course[:-period]).max(initial=0.0))
        if moved > _STILL * max(1.0, float(np.abs(course).max())):
            raise QueryError(
                f"{entry.name} moves by {moved:.3g} along the run, and derivatives with it: a "
                "world has frequencies at a fixed point, on a cycle, or where it is linear. Start "
                "it at one, fixed_point(model), say how long a round is, with period=, or ask "
                "along the run, with self_regulation."
            )


def _short(model: Model, period: int) -> World[Model]:
    """A run that is long enough to see whether derivatives change."""
    length = model.memory + 8 + 2 * period if model.has_time else None
    return World(model, model.run_length(length))


def frequencies_of(at: npt.ArrayLike | None, still: Still) -> Floats:
    """Frequencies as given, in radians per unit of time, or those in which the modes lie.

    Without any: 256, evenly by logarithm, from a tenth of the slowest rate of a mode to pi/dt.
    """
    dt = still.dt
    if at is None:
        slowest = min(0.1 * float(still.rates.min(initial=np.pi / dt)), 0.1 * np.pi / dt)
        # Short of the end, where a mode may stand still.
        return np.geomspace(slowest, np.pi / dt, _GRID + 1)[:-1]
    checks.refuse_masked(at, "at", QueryError)
    try:
        given = np.atleast_1d(np.asarray(at))
        is_real = np.issubdtype(given.dtype, np.integer) or np.issubdtype(given.dtype, np.floating)
        given = given.astype(np.float64) if is_real else np.empty(0)
    except (TypeError, ValueError, OverflowError):
        given = np.empty(0)
    if given.ndim != 1 or not given.size or not np.isfinite(given).all():
        raise QueryError("at takes finite frequencies, in radians per unit of time: [0.1, 1.0].")
    highest = np.pi / dt
    if (np.abs(given) > highest * (1.0 + 1e-9)).any():
        raise QueryError(
            f"at has the frequency {given[np.abs(given).argmax()]:.6g}, and steps of {dt:.6g} show "
            f"none beyond pi/dt = {highest:.6g} radians per unit of time."
        )
    if given.size > _MOST:
        raise QueryError(
            f"at has {given.size:,} frequencies, each of which takes the inverse of a matrix: ask "
            f"at {_MOST:,} at most."
        )
    return given


_GRID, _MOST = 256, 100_000

# Eigenvalues of so many numbers take a minute.
_MOST_STATES = 4000
