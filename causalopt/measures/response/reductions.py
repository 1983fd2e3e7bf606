"""What two derivatives of an array by an array come to as one number, or a few: their reductions.

``x`` and ``y`` are J_X and J_Y, (..., q, p): how m (q) follows n (p) in the worlds X and Y, each
column times a power of two of its own (..., p). The metric G of m enters as its factor, G = L L'.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from causalopt.ground.scaled import Ratio, Scaled, shifted
from causalopt.ground.types import Array, Floats, Ints

_LOG2 = math.log(2.0)
_EPSILON = float(np.finfo(np.float64).eps)
# Where rounding may move a number by this part of itself, nothing is known of it.
_UNKNOWN = 0.5


@dataclass(frozen=True, eq=False)
class Jacobian:
    """Derivatives (..., q, p) as mantissas, and the power of two of each column (..., p)."""

    mantissas: Floats
    powers: Ints
    #: The part of the largest number below which nothing is known, (...): it grows along a run.
    rounding: Floats = field(default_factory=lambda: np.array(_EPSILON))

    def under(self, metric: Floats | None) -> Jacobian:
        """In coordinates in which the metric of m is the identity."""
        if metric is None:
            return self
        return replace(self, mantissas=np.linalg.cholesky(metric).T @ self.mantissas)

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

    def log_volume(self) -> tuple[Floats, Ints, Floats]:
        """The logarithm of the volume of what unit volume becomes, and what rounding hides of it.

        That is the sum of the logarithms of singular values; of those that are below the rounding
        of the largest nothing is known, and they count as 0. Last, how far rounding may move it.
        """
        q, p = self.mantissas.shape[-2:]
        alike, added = (self, self.powers.sum(axis=-1)) if q >= p else self._for_rows()
        values = np.linalg.svd(alike.mantissas, compute_uv=False)
        least = max(q, p) * self.rounding[..., None] * values[..., :1]
        hidden = values <= least
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(np.where(hidden, 0.0, values)).sum(axis=-1)
            unknown = hidden & (values > 0)
            parts = np.where(values > 0, least / values, 0.0)
            moved = np.where(unknown, np.inf, parts).sum(axis=-1)
        return logs + added * _LOG2, unknown.sum(axis=-1), moved

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
    return Ratio.of(x.columns, y.columns)


def sizes(x: Jacobian, y: Jacobian) -> Ratio:
    """The ratio of the roots of all squares (Frobenius), (...)."""
    return Ratio.of(x.size, y.size)


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


@dataclass(frozen=True, eq=False)
class Reduced:
    """What two Jacobians come to, (..., k), in nats, and what rounding leaves of it.

    ``hidden`` (...) counts the numbers behind it that rounding hides, which count as 0;
    ``rounding`` (..., k) is how far, to first order, rounding may have moved what is told, infinite
    where it hides a number.
    """

    values: Array
    hidden: Ints
    rounding: Floats


def volumes(x: Jacobian, y: Jacobian) -> Reduced:
    """log vol(J_Y) - log vol(J_X), (..., 1).

    For n normal with covariance S it is the entropy of m in Y less that in X. 0/0 is NaN.
    """
    (of_x, hidden, one), (of_y, others, other) = x.log_volume(), y.log_volume()
    with np.errstate(invalid="ignore"):
        return Reduced((of_y - of_x)[..., None], hidden + others, (one + other)[..., None])


def spectrum(x: Jacobian, y: Jacobian) -> Reduced:
    """-log(c/s) of the generalised singular values (c, s), (..., p), the largest first.

    They are the stationary values of |J_Y v| / |J_X v| over directions v. Directions that both
    leave at 0 are NaN, and come last. Source: Van Loan (1976); Golub and Van Loan, section 6.1.6.
    """
    return _each_pair(x, y, _generalised)


def _generalised(x: Floats, y: Floats, unit: float) -> tuple[Array, int, Floats]:
    q, p = x.shape
    left, both, _ = np.linalg.svd(np.vstack([x, y]), full_matrices=False)
    known = both > (2 * q) * unit * both[0] if both[0] > 0 else np.zeros(len(both), bool)
    rank = int(known.sum())
    _, c, turned = np.linalg.svd(left[:q, :rank], full_matrices=True)
    cosines = np.concatenate([c, np.zeros(rank - len(c))])
    sines = _norm(left[q:, :rank] @ turned.T, axis=0) if rank else np.zeros(0)
    least = 2 * max(q, p) * unit
    sides = np.array([cosines, sines])
    hidden = (sides <= least) & (sides > 0)
    # What is known of the directions that are left is the less, the nearer one is to being lost.
    worse = both[0] / both[rank - 1] if rank else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        of_c, of_s = np.log(np.where(sides <= least, 0.0, sides))
        parts = np.where(sides > 0, worse * least / sides, 0.0)
    found, moved = of_s - of_c, np.where(hidden, np.inf, parts).sum(axis=0)
    order = np.argsort(-found, kind="stable")
    lost = p - rank
    values = np.append(found[order], np.full(lost, np.nan))
    return values, int(hidden.sum()), np.append(moved[order], np.zeros(lost))


def pencil(x: Jacobian, y: Jacobian) -> Reduced:
    """-log of the eigenvalues of J_X v = lambda J_Y v, (..., p), by the size of lambda, complex.

    They are all that depends on no coordinates of n and m, where these have one size. The imaginary
    part is -arg(lambda). What J_X or J_Y makes of an eigenvector counts as 0 where it is below the
    rounding of the matrix: then Op is infinite, or NaN for both.
    """
    return _each_pair(x, y, _eigenvalues)


def _eigenvalues(x: Floats, y: Floats, unit: float) -> tuple[Array, int, Floats]:
    import scipy

    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        nothing = np.full(len(x), np.nan)
        return nothing.astype(complex), 0, nothing
    (above, below), left, right = scipy.linalg.eig(x, y, left=True, homogeneous_eigvals=True)
    # How far a number u'Mv may be moved by the rounding of M, where u and v have the length 1.
    least = len(x) * unit * np.array([[np.linalg.norm(x, 2)], [np.linalg.norm(y, 2)]])
    sizes = np.abs([np.einsum("ij,ik,kj->j", left.conj(), part, right) for part in (x, y)])
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(sizes == 0.0, np.inf, least / sizes)
        exact, gone = sizes == 0.0, parts >= _UNKNOWN
        ratios = np.where(below == 0, np.inf, above / below)
        sizes = np.where(gone[0], 0.0, np.where(gone[1], np.inf, np.abs(ratios)))
        turn = np.where(gone.any(axis=0) | ~np.isfinite(ratios), 0.0, np.angle(ratios))
        logs = np.where(gone.all(axis=0), np.nan, -np.log(sizes)) - 1j * turn
    hidden = (gone & ~exact).any(axis=0)
    moved = np.where(hidden, np.inf, np.where(exact, 0.0, parts).sum(axis=0))
    order = np.lexsort((logs.imag, -logs.real))
    return logs[order], int(hidden.sum()), moved[order]


def _each_pair(
    x: Jacobian, y: Jacobian, of_pair: Callable[[Floats, Floats, float], tuple[Array, int, Floats]]
) -> Reduced:
    """What each pair of matrices of two stacks comes to, (..., p)."""
    (of_x, up), (of_y, down) = x.at_one_power(), y.at_one_power()
    shape = of_x.mantissas.shape
    least = np.broadcast_to(x.rounding, shape[:-2]).reshape(-1).tolist()
    pairs = zip(_matrices(of_x.mantissas), _matrices(of_y.mantissas), least, strict=True)
    rows = [of_pair(a, b, unit) for a, b, unit in pairs]
    several = *shape[:-2], shape[-1]
    values, moved = (np.stack([row[i] for row in rows]).reshape(several) for i in (0, 2))
    hidden = np.array([count for _, count, _ in rows]).reshape(shape[:-2])
    # Taken out of X and Y were different powers.
    return Reduced(values - ((up - down) * _LOG2)[..., None], hidden, moved)


def _matrices(stack: Floats) -> Floats:
    return stack.reshape(-1, *stack.shape[-2:])
