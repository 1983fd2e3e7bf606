"""Op where n or m holds an array: which number the two derivatives come to, asked by name."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground import checks
from causalopt.ground.errors import QueryError, nearest
from causalopt.ground.scaled import Ratio, Scaled
from causalopt.ground.tensors import Tensor, finite_tensor
from causalopt.ground.types import Array, Floats, Ints
from causalopt.language.domains import domain_of
from causalopt.language.subspaces import Directions
from causalopt.measures.question import Question
from causalopt.measures.record import Measure
from causalopt.measures.response.answers import labelled
from causalopt.measures.response.reductions import (
    Jacobian,
    Reduced,
    error_of_probes,
    lengths,
    pencil,
    sizes,
    spectrum,
    volumes,
)
from causalopt.runs.masking import OnFailure, computed
from causalopt.runs.simulation import Want, simulate
from causalopt.runs.sweeps import Sweep

if TYPE_CHECKING:
    import xarray as xr

_WHICH = """\
{what} holds an array, and how much it is compressed is asked in one of these ways:
  along=v, read=u    the number u.m, of a difference along v: as of two numbers
  along=v            the length of m's difference, in metric= (several v: each by itself)
  reduce="volume"    the volume that differences fill: for normal n, entropy in Y less that in X
  reduce="rms"       the mean square over all directions
  reduce="spectrum"  all ratios of lengths that a direction can have at an extreme
  reduce="eigen"     the eigenvalues of J_X by J_Y, where n and m have one size
A part with one entry, such as {what}.part[0], is a number."""


@dataclass(frozen=True, eq=False)
class Metrics:
    """In which metric G of m and covariance S of n differences are measured: identities if None."""

    metric: Floats | None = None
    covariance: Floats | None = None

    def attributes(self) -> dict[str, str]:
        """What a result says of them."""
        named = {"metric": self.metric, "covariance": self.covariance}
        return {name: "identity" if m is None else "given" for name, m in named.items()}


@dataclass(frozen=True, eq=False)
class Reduction:
    """What two Jacobians come to: one number, or several along a dim of their own.

    Where it ``rounds``, small numbers beside large ones decide it: what rounding leaves is told.
    """

    function: Callable[[Jacobian, Jacobian, Measure], Reduced]
    dim: str | None = None
    rounds: bool = True


def _with_nothing_hidden(values: Array) -> Reduced:
    return Reduced(values, np.zeros(values.shape[:-1], dtype=np.int64), np.zeros(values.shape))


def _along(x: Jacobian, y: Jacobian, measure: Measure) -> Reduced:
    return _with_nothing_hidden(measure.function(lengths(x, y)))


def _single(x: Jacobian, y: Jacobian, measure: Measure) -> Reduced:
    # Numbers keep their signs, which lengths have not.
    sides = (Scaled(side.mantissas[..., 0, :], side.powers) for side in (x, y))
    return _with_nothing_hidden(measure.function(Ratio.of(*sides)))


def _rms(x: Jacobian, y: Jacobian, measure: Measure) -> Reduced:
    return _with_nothing_hidden(measure.function(sizes(x, y))[..., None])


def _volume(x: Jacobian, y: Jacobian, measure: Measure) -> Reduced:
    return volumes(x, y)


def _spectrum(x: Jacobian, y: Jacobian, measure: Measure) -> Reduced:
    return spectrum(x, y)


def _eigen(x: Jacobian, y: Jacobian, measure: Measure) -> Reduced:
    q, p = x.mantissas.shape[-2:]
    if q != p:
        raise QueryError(
            f'reduce="eigen" is of an n and an m of one size, and here they have {p} and {q}: '
            'write reduce="spectrum" or "volume".'
        )
    return pencil(x, y)


#: The reductions by the name that users give.
REDUCTIONS = {
    "volume": Reduction(_volume),
    "rms": Reduction(_rms, rounds=False),
    "spectrum": Reduction(_spectrum, "direction"),
    "eigen": Reduction(_eigen, "direction"),
}


def is_of_arrays(asked: Question) -> bool:
    """Whether n or m holds an array."""
    return any(domain_of(key).shape for key in (asked.place_of_n.key, asked.key_of_m))


@dataclass(frozen=True, eq=False)
class ArrayQuestion:
    """A question about arrays: how its derivatives are reduced, and in which metrics."""

    asked: Question
    reduce: str | None = None
    metric: object = None
    covariance: object = None
    probes: int | None = None

    def answer(
        self, measure: Measure, backend: str, on_failure: OnFailure = "raise"
    ) -> xr.DataArray:
        """The measure of the ratio, or the reduction, over the rows of m and the sweep."""
        if self.asked.by is not None:
            raise QueryError("delta is of numbers: of arrays, ask for exact derivatives.")
        probed = replace(self, asked=self._probed())
        _, X, Y = probed.asked.worlds()
        wants = [Want(world, self.asked.key_of_m, tangent=True) for world in (X, Y)]
        reduced = functools.partial(probed.reduced, measure=measure)
        rows = self.asked.rows

        def compute(sweep: Sweep, in_words: bool) -> Array:
            return simulate(wants, rows, sweep, backend, reduced, in_words=in_words)

        found = computed(self.asked.sweep, compute, on_failure)
        *both, hidden, error = found.values
        values, moved = np.split(np.stack(both), 2)
        several = len(values) > 1
        own = [str(self._reduction().dim)] if several else []

        def shown(numbers: Array) -> Array:
            stack = np.moveaxis(numbers, 0, -1) if several else numbers[0]
            part: Array = stack if self.asked.over_rows else stack[0]
            return part

        array = labelled(self.asked, measure, replace(found, values=shown(values)), own)
        array.attrs |= self._metrics().attributes()
        array.attrs |= {"below_rounding": int(np.nansum(hidden.real))}
        array.attrs |= {"reduce": self.reduce} if self.reduce else {}
        beside = {}
        if self._reduction().rounds:
            beside["rounding"] = (array.dims, shown(moved).real)
        if self.probes is not None:
            beside["standard_error"] = (array.dims, shown(error[None]).real)
        return array.assign_coords(beside)

    def reduced(self, numbers: list[Scaled], measure: Measure) -> Array:
        """What the tangents of m in X and Y come to, (2 k + 2, rows, points).

        After k numbers comes how far rounding may have moved each; last, how many singular values
        are hidden, and the standard error of an estimate.
        """
        (x, y), found = self._found(numbers, measure)
        error = np.zeros(found.hidden.shape) if self.probes is None else error_of_probes(x, y)
        several = (np.moveaxis(part, -1, 0) for part in (found.values, found.rounding))
        return np.concatenate([*several, found.hidden[None], error[None]])

    def values(self, numbers: list[Scaled], measure: Measure) -> Array:
        """The same numbers alone, (k, rows, points)."""
        return np.moveaxis(self._found(numbers, measure)[1].values, -1, 0)

    def _found(
        self, numbers: list[Scaled], measure: Measure
    ) -> tuple[tuple[Jacobian, Jacobian], Reduced]:
        metric = self._metrics().metric
        x, y = (_jacobian(number, self.asked).under(metric) for number in numbers)
        return (x, y), self._reduction().function(x, y, measure)

    def _reduction(self) -> Reduction:
        """How it is reduced, or an error that lists the ways."""
        asked = self.asked
        if self.reduce is not None:
            if self.reduce not in REDUCTIONS:
                raise QueryError(
                    f"There is no reduce={self.reduce!r}." + nearest(self.reduce, REDUCTIONS)
                )
            return REDUCTIONS[self.reduce]
        single = _size_of_m(asked) == 1
        is_named = (
            asked.along is not None or asked.directions is None or asked.directions.count == 1
        )
        if not is_named:
            raise QueryError(_WHICH.format(what=asked.n))
        if not single and asked.along is None:
            raise QueryError(_WHICH.format(what=asked.m))
        return Reduction(_single if single else _along, "direction", rounds=False)

    def _probed(self) -> Question:
        """The question, along directions whose mean square is the covariance of n, or random ones.

        For a volume they are a frame, if m has room for them.
        """
        asked = self.asked if self.probes is None else self._with_probes()
        if asked.directions is None:
            return asked
        rows = asked.directions.rows.numbers
        covariance = self._metrics().covariance
        if covariance is not None:
            root = np.linalg.cholesky(covariance)
            flat = rows.reshape(len(rows), -1)
            rows = (root.T @ flat if self.probes is None else flat @ root.T).reshape(rows.shape)
        # Where m has no room for them, their volume says nothing of what is read.
        as_frame = self.reduce == "volume" and len(rows) <= _size_of_m(asked)
        return replace(asked, along=Directions(Tensor(rows), as_frame))

    def _with_probes(self) -> Question:
        asked, count = self.asked, checks.whole(self.probes, "probes", 2)
        place = asked.place_of_n
        if self.reduce != "rms" or asked.along is not None or place.part is not None:
            raise QueryError(
                'probes estimate reduce="rms" over all directions of n: leave along and parts out.'
            )
        shape = domain_of(place.key).shape
        # One seed for all: X and Y share them, and so their noise.
        return replace(asked, along=np.random.default_rng(0).normal(size=(count, *shape)))

    def _metrics(self) -> Metrics:
        q, p = _size_of_m(self.asked), _size_of_n(self.asked, self.probes is not None)
        return Metrics(
            _positive(self.metric, q, "metric", "m"),
            _positive(self.covariance, p, "covariance", "n"),
        )


def _size_of_m(asked: Question) -> int:
    """How many numbers are read of m."""
    readings = asked.readings
    return int(np.prod(domain_of(asked.key_of_m).shape)) if readings is None else len(readings)


def _size_of_n(asked: Question, in_all_directions: bool) -> int:
    """How many directions of n are asked about."""
    if in_all_directions:
        return math.prod(domain_of(asked.place_of_n.key).shape)
    return 1 if asked.directions is None else asked.directions.count


def _positive(given: object, size: int, name: str, of: str) -> Floats | None:
    """A positive definite matrix of a size, or an error."""
    if given is None:
        return None
    matrix = finite_tensor(given, name, (size, size)).numbers
    if not np.allclose(matrix, matrix.T) or np.linalg.eigvalsh(matrix)[0] <= 0:
        raise QueryError(
            f"{name} is not positive definite: write a symmetric matrix ({size}, {size}) whose "
            f"eigenvalues are positive, for the {size} coordinates of {of}."
        )
    return matrix


def _jacobian(tangent: Scaled, asked: Question) -> Jacobian:
    """The derivatives of what is read of m, (rows, points, q, p)."""
    shape, directions = domain_of(asked.key_of_m).shape, asked.directions
    mantissas, power = tangent.mantissa, tangent.power
    p = 1 if directions is None else directions.count
    rows, points = mantissas.shape[:2]
    if mantissas.ndim == 2 + len(shape):
        # One direction, or a tangent that nothing reaches.
        mantissas = np.broadcast_to(mantissas[..., None], (*mantissas.shape, p))
    table = mantissas.reshape(rows, points, -1, p)
    powers: Ints = np.zeros((rows, points, p), dtype=np.int64) + np.reshape(
        power, (1, 1, 1) if np.ndim(power) == 0 else (rows, points, -1)
    )
    readings = asked.readings
    if readings is not None:
        table = readings.reshape(len(readings), -1) @ table
    # Each step rounds once more.
    steps = np.array(asked.rows, dtype=np.float64)
    rounding = np.finfo(np.float64).eps * (1.0 + steps[steps.size - rows :, None])
    return Jacobian(table, powers, np.broadcast_to(rounding, (rows, points)))
