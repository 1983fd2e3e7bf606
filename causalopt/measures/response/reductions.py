"""What two derivatives of an array by an array come to as one number, or a few: their reductions.

``x`` and ``y`` are J_X and J_Y, (..., q, p): how m (q) follows n (p) in the worlds X and Y, each
column times a power of two of its own (..., p). The metric G of m and the covariance S of n enter
as their factors, G = L L' and S = C C'.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.linalg

from causalopt.ground.scaled import Ratio, Scaled, shifted
from causalopt.ground.types import Array, Complexes, Floats, Ints

_LOG2 = math.log(2.0)
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Jacobian:
    """Derivatives (..., q, p) as mantissas, and the power of two of each column (..., p)."""

    mantissas: Floats
    powers: Ints
    #: The part of the largest number below which nothing is known, (...): it grows along a run.
    rounding: Floats = field(default_factory=lambda: np.array(_EPSILON))

    def under(self, metric: Floats | None, covariance: Floats | None) -> Jacobian:
        """In coordinates in which the metric of m, and the covariance of n, are identities."""
        measured = self
        if metric is not None:
            root = np.linalg.cholesky(metric).T
            measured = replace(measured, mantissas=root @ measured.mantissas)
        if covariance is not None:
            one, top = measured.at_one_power()
            mantissas = one.mantissas @ np.linalg.cholesky(covariance)
            powers = np.broadcast_to(top[..., None], mantissas.shape[:-2] + mantissas.shape[-1:])
            measured = replace(measured, mantissas=mantissas, powers=powers)
        return measured

    def at_one_power(self) -> tuple[Jacobian, Ints]:
        """All columns at the power of the largest of them, (...)."""
        sizes = np.abs(self.mantissas).max(axis=-2)
        lifted = np.where(sizes > 0, np.frexp(sizes)[1] + self.powers, np.iinfo(np.int32).min)
        top = lifted.max(axis=-1)
        top = np.where(top == np.iinfo(np.int32).min, 0, top)
        moved = shifted(self.mantissas, (self.powers - top[..., None])[..., None, :])
        return replace(self, mantissas=moved, powers=np.zeros_like(self.powers)), top

    @property
    def columns(self) -> Scaled:
        """The length of each column, (..., p)."""
        return Scaled(_norm(self.mantissas, axis=-2), self.powers)

    @property
    def size(self) -> Scaled:
        """The root of the sum of all squares, (...)."""
        one, top = self.at_one_power()
        return Scaled(_norm(one.mantissas.reshape(*one.mantissas.shape[:-2], -1), axis=-1), top)

    def log_volume(self) -> tuple[Floats, Ints]:
        """The logarithm of the volume of what unit volume becomes, and what rounding hides of it.

        That is the sum of the logarithms of singular values; of those that are below the rounding
        of the largest nothing is known, and they count as 0.
        """
        q, p = self.mantissas.shape[-2:]
        alike, added = (self, self.powers.sum(axis=-1)) if q >= p else self._for_rows()
        values = np.linalg.svd(alike.mantissas, compute_uv=False)
        hidden = values <= max(q, p) * self.rounding[..., None] * values[..., :1]
        with np.errstate(divide="ignore"):
            logs = np.log(np.where(hidden, 0.0, values)).sum(axis=-1)
        unknown = (hidden & (values > 0)).sum(axis=-1)
        return logs + added * _LOG2, unknown

    def _for_rows(self) -> tuple[Jacobian, Ints]:
        one, top = self.at_one_power()
        return one, top * self.mantissas.shape[-2]


def _norm(numbers: Floats, axis: int) -> Floats:
    """The length along an axis, of numbers whose squares may be no floats."""
    largest = np.abs(numbers).max(axis=axis, keepdims=True)
    safe = np.where(largest > 0, largest, 1.0)
    lengths: Floats = np.sqrt(((numbers / safe) ** 2).sum(axis=axis)) * np.squeeze(largest, axis)
    return lengths


def lengths(x: Jacobian, y: Jacobian) -> Ratio:
    """The ratio of the lengths of columns, each direction of n by itself, (..., p)."""
    return Ratio(x.columns, y.columns)


def sizes(x: Jacobian, y: Jacobian) -> Ratio:
    """The ratio of the roots of all squares (Frobenius), (...)."""
    return Ratio(x.size, y.size)


def error_of_probes(x: Jacobian, y: Jacobian) -> Floats:
    """The standard error of 1/2 log(sum_k b_k / sum_k a_k), to first order, (...).

    a_k and b_k are the squared lengths of what becomes of the k-th of p independent directions in X
    and in Y: it is the root of sum_k (b_k / mean b - a_k / mean a)^2 / (4 p (p - 1)).
    """
    p = x.powers.shape[-1]
    parts = [_parts(side) for side in (x, y)]
    apart: Floats = ((parts[1] - parts[0]) ** 2).sum(axis=-1)
    error: Floats = np.sqrt(apart * p / (4 * (p - 1)))
    return error


def _parts(side: Jacobian) -> Floats:
    """The part that each column has of the sum of all squares, (..., p)."""
    one, _ = side.at_one_power()
    squares = one.columns.plain() ** 2
    whole = squares.sum(axis=-1, keepdims=True)
    return squares / np.where(whole > 0, whole, 1.0)


def volumes(x: Jacobian, y: Jacobian) -> tuple[Floats, Ints]:
    """log vol(J_Y) - log vol(J_X) (...), and how many singular values rounding hides.

    For n normal with covariance S it is the entropy of m in Y less that in X. 0/0 is NaN.
    """
    (of_x, hidden), (of_y, others) = x.log_volume(), y.log_volume()
    with np.errstate(invalid="ignore"):
        return of_y - of_x, hidden + others


def spectrum(x: Jacobian, y: Jacobian) -> tuple[Floats, Ints]:
    """-log(c/s) of the generalised singular values (c, s), (..., p), the largest first.

    They are the stationary values of |J_Y v| / |J_X v| over directions v. Directions that both
    leave at 0 are NaN, and come last. Source: Van Loan (1976); Golub and Van Loan, section 6.1.6.
    """
    (of_x, up), (of_y, down) = x.at_one_power(), y.at_one_power()
    shape = of_x.mantissas.shape
    least = _each(x.rounding, shape)
    pairs = zip(_matrices(of_x.mantissas), _matrices(of_y.mantissas), least, strict=True)
    rows = [_generalised(a, b, unit) for a, b, unit in pairs]
    values = np.stack([values for values, _ in rows]).reshape(*shape[:-2], shape[-1])
    hidden = np.array([count for _, count in rows]).reshape(shape[:-2])
    # Taken out of X and Y were different powers.
    return values - ((up - down) * _LOG2)[..., None], hidden


def _generalised(x: Floats, y: Floats, unit: float) -> tuple[Floats, int]:
    q, p = x.shape
    left, both, _ = np.linalg.svd(np.vstack([x, y]), full_matrices=False)
    known = both > (2 * q) * unit * both[0] if both[0] > 0 else np.zeros(len(both), bool)
    rank = int(known.sum())
    _, c, turned = np.linalg.svd(left[:q, :rank], full_matrices=True)
    cosines = np.concatenate([c, np.zeros(rank - len(c))])
    sines = _norm(left[q:, :rank] @ turned.T, axis=0) if rank else np.zeros(0)
    least = 2 * max(q, p) * unit
    hidden = int(
        ((cosines <= least) & (cosines > 0)).sum() + ((sines <= least) & (sines > 0)).sum()
    )
    cosines, sines = (np.where(part <= least, 0.0, part) for part in (cosines, sines))
    with np.errstate(divide="ignore"):
        found = np.log(sines) - np.log(cosines)
    return np.concatenate([np.sort(found)[::-1], np.full(p - rank, np.nan)]), hidden


def pencil(x: Jacobian, y: Jacobian) -> Array:
    """The eigenvalues of J_X v = lambda J_Y v, (..., p), complex, by their size from the smallest.

    They are all that depends on no coordinates of n and m, where these have one size.
    """
    (of_x, up), (of_y, down) = x.at_one_power(), y.at_one_power()
    shape = of_x.mantissas.shape
    least = _each(x.rounding, shape)
    pairs = zip(_matrices(of_x.mantissas), _matrices(of_y.mantissas), least, strict=True)
    rows = [_eigenvalues(a, b, unit) for a, b, unit in pairs]
    scales = np.ldexp(1.0, np.clip(up - down, -1000, 1000).astype(np.int32))
    values: Complexes = np.stack(rows).reshape(*shape[:-2], shape[-1])
    # Infinities have no imaginary part to be multiplied.
    finite = np.isfinite(values)
    return np.where(finite, np.where(finite, values, 0.0) * scales[..., None], values)


def _eigenvalues(x: Floats, y: Floats, unit: float) -> Array:
    above, below = scipy.linalg.eigvals(x, y, homogeneous_eigvals=True)
    least = len(x) * unit * np.array([np.abs(x).max(), np.abs(y).max()])
    above = np.where(np.abs(above) <= least[0], 0.0, above)
    below = np.where(np.abs(below) <= least[1], 0.0, below)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(below == 0, np.inf, above / below)
        values: Complexes = np.where((above == 0) & (below == 0), np.nan, ratios)
    ordered: Complexes = values[np.lexsort((values.imag, np.abs(values)))]
    return ordered


def _each(rounding: Floats, shape: tuple[int, ...]) -> list[float]:
    """The rounding of each matrix of a stack."""
    return np.broadcast_to(rounding, shape[:-2]).reshape(-1).tolist()


def _matrices(stack: Floats) -> Floats:
    return stack.reshape(-1, *stack.shape[-2:])
