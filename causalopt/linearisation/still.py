"""A linearised world whose slopes stay the same: a fixed point, or a linear system, in frequencies.

With d(z) = sum_t d_t z^-t, a difference u added at nodes gives N(z) d = u, where
N(z) = I - sum over edges of slope z^-lag. Differences that are held at zero lose their rows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from causalopt.ground.errors import QueryError
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.ground.scaled import stacked
from causalopt.ground.types import Complexes, Floats, Ints
from causalopt.linearisation.world import Linear, linearised
from causalopt.model.interface import Model, as_model
from causalopt.model.world import World
from causalopt.runs.simulation import Want, simulate
from causalopt.runs.sweeps import swept

# By how much values may move along a run and still be called the same.
_STILL = 1e-9
# How near the unit circle a mode is taken to neither grow nor die out.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Still:
    """The edges of a linearised world, with slopes (edges,) that no step changes."""

    linear: Linear
    slopes: Floats

    @property
    def dt(self) -> float:
        """The length of a step in units of time; 1 where time counts steps."""
        return float(self.linear.world.model.time_of(1))

    def nodes_of(self, members: Collection[int]) -> Ints:
        """The nodes of a row that belong to members: themselves, and the stages of their steps."""
        return np.flatnonzero(np.isin(self.linear.owners, list(members)))

    def ends_of(self, members: Collection[int]) -> Ints:
        """The nodes of members at the ends of steps, one for each."""
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
        count = len(linear.keys)
        refuse_what_does_not_fit(
            16 * (count * longest) ** 2 * 4,
            f"The modes of {count:,} nodes that look back {longest:,} steps",
            "Ask about a smaller system, or along the run, with self_regulation.",
        )
        parts = np.zeros((longest + 1, count, count))
        ends = linear.lags[inside], linear.targets[inside], linear.sources[inside]
        np.add.at(parts, ends, self.slopes[inside])
        now = np.linalg.inv(np.eye(count) - parts[0])
        companion = np.eye(count * longest, k=-count)
        companion[:count] = np.concatenate([now @ part for part in parts[1:]], axis=1)
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


def still_world(of: Model | World[Model]) -> Still:
    """The world linearised where it stays: at a fixed point, or anywhere if it is linear.

    Raises ``QueryError`` where its derivatives change from step to step.
    """
    world = of if isinstance(of, World) else _short(as_model(of))
    if world.steps is None:
        raise QueryError("A network has no time, and so no frequencies: ask about a System.")
    linear = linearised(world)
    last = linear.rows[-1]
    slopes: Floats = linear.slopes(range(last, last + 1))[0]
    if not linear.constant.all():
        _check_still(world)
    return Still(linear, slopes)


def _check_still(world: World[Model]) -> None:
    """Raise ``QueryError`` where values change: their derivatives are to stay the same."""
    rows, series = world.model.rows(world.steps), world.model.series
    wants = [Want(world, entry.key) for entry in series]
    none = swept(world.model, None, None, world.noises)
    for entry, course in zip(series, simulate(wants, rows, none, "auto", stacked), strict=True):
        moved = float(np.ptp(course))
        if moved > _STILL * max(1.0, float(np.abs(course).max())):
            raise QueryError(
                f"{entry.name} moves by {moved:.3g} along the run, and derivatives with it: a "
                "world has frequencies at a fixed point, or where it is linear. Start it at one, "
                "fixed_point(model), or ask along the run, with self_regulation."
            )


def _short(model: Model) -> World[Model]:
    """A run that is long enough to see whether derivatives change."""
    return World(model, model.run_length(model.memory + 8))


def frequencies_of(at: npt.ArrayLike | None, dt: float) -> Floats:
    """Frequencies as given, in radians per unit of time, or a grid of all there are."""
    if at is None:
        # Between the ends, where a mode may stand still.
        return np.pi / dt * (np.arange(_GRID) + 0.5) / _GRID
    given = np.atleast_1d(np.asarray(at, dtype=np.float64))
    if given.ndim != 1 or not given.size or not np.isfinite(given).all():
        raise QueryError("at takes finite frequencies, in radians per unit of time: [0.1, 1.0].")
    return given


_GRID = 256
