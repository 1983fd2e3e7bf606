"""Numbers estimated from samples, with an error; the entropy of samples."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.ground.types import Floats

#: The samples are divided into this many batches, whose scatter gives the error.
BATCHES = 10

#: Neighbours that the entropy estimator looks at.
NEIGHBOURS = 4


@dataclass(frozen=True)
class Estimate:
    """A value from all samples, and the same from each of several batches of them.

    ``error`` is the standard error of the mean of the batches, std / sqrt(count). Sums and
    differences are taken batch by batch, so that what two estimates of the same samples share
    leaves the error of their difference. The bias of an estimator is not in the error.

    >>> a, b = Estimate(1.0, (0.75, 1.25)), Estimate(0.5, (0.25, 0.75))
    >>> a, a - b
    (1 ± 0.25, 0.5 ± 0)
    """

    value: float
    batches: tuple[float, ...]

    @property
    def error(self) -> float:
        """The standard error, in the unit of the value."""
        values = np.array(self.batches)
        return float(values.std(ddof=1) / math.sqrt(values.size))

    def __add__(self, other: Estimate) -> Estimate:
        if not isinstance(other, Estimate):
            return NotImplemented
        pairs = zip(self.batches, other.batches, strict=True)
        return Estimate(self.value + other.value, tuple(a + b for a, b in pairs))

    def __neg__(self) -> Estimate:
        return Estimate(-self.value, tuple(-value for value in self.batches))

    def __sub__(self, other: Estimate) -> Estimate:
        return self + -other

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        return f"{self.value:.6g} ± {self.error:.2g}"


def with_error(function: Callable[[Floats], float], samples: Floats) -> Estimate:
    """A function of samples (n, d), with its error from batches of consecutive samples."""
    if len(samples) < 10 * BATCHES:
        raise QueryError(
            f"{len(samples)} samples are too few for an estimate: draw {10 * BATCHES} or more."
        )
    batches = tuple(function(batch) for batch in np.array_split(samples, BATCHES))
    return Estimate(function(samples), batches)


def knn_entropy(samples: Floats) -> float:
    """Differential entropy of samples (n, d) in nats, by distances to the k-th neighbour.

    S = digamma(n) - digamma(k) + d log 2 + d <log r_k>, r_k in the maximum norm, k = 4: the
    estimator of Kozachenko and Leonenko (1987), as in Kraskov, Stögbauer, Grassberger (2004), on
    scipy's k-d tree. Samples are first brought to unit covariance, log|det| added back, so that
    a narrow rhombus costs no accuracy.

    Raises ``QueryError`` where samples coincide or lie on a surface: there S is minus infinity.
    """
    from scipy.spatial import cKDTree
    from scipy.special import digamma

    count, size = samples.shape
    whitened, shift = _to_unit_covariance(samples)
    # The nearest neighbour of a sample is the sample itself: the k-th of the others is the last of
    # k + 1. In the maximum norm the ball of radius r has the volume (2 r)^d.
    radii = cKDTree(whitened).query(whitened, NEIGHBOURS + 1, p=math.inf)[0][:, -1]
    if not radii.all():
        raise QueryError(
            "Some samples coincide, so that the distribution has no density and its differential "
            "entropy is minus infinity: does a step clip or round its values?"
        )
    # The density is the mass of the ball over its volume, and the log of the mass of a ball that
    # holds k of n samples is digamma(k) - digamma(n) in the mean, where log(k/n) would be biased.
    volume = size * (math.log(2) + np.log(radii).mean())
    return float(digamma(count) - digamma(NEIGHBOURS) + volume + shift)


def covariance_of_density(samples: Floats) -> Floats:
    """The covariance (d, d) of samples (n, d) that may have a density.

    Raises ``QueryError`` for samples that are too few to tell, and for those on a surface.

    >>> covariance_of_density(np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 3.0]])).tolist()
    [[1.0, 0.0], [0.0, 3.0]]
    """
    count, size = samples.shape
    if count <= size:
        raise QueryError(
            f"{count} samples are too few for the covariance of {size} variables: draw "
            f"{BATCHES * (size + 1)} or more."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        covariance: Floats = np.atleast_2d(np.cov(samples, rowvar=False))
        scales = np.sqrt(np.diag(covariance))
    # Asked of the samples: the mean of equal numbers may differ from them by rounding.
    varies = (samples != samples[0]).any(axis=0)
    if not np.isfinite(covariance).all() or not scales[varies].all():
        raise QueryError(
            "The covariance of the samples is beyond the range of floats: measure the variables in "
            "other units."
        )
    # Of the correlations: a variable in small units makes no surface.
    if not varies.all() or np.linalg.cond(covariance / scales / scales[:, None]) > 1e14:
        raise QueryError(
            "The samples lie on a surface (their covariance is singular), where the differential "
            "entropy and the log of the variance are minus infinity."
        )
    return covariance


def _to_unit_covariance(samples: Floats) -> tuple[Floats, float]:
    # An affine map adds log|det| to the entropy. Samples that are alike in all directions make near
    # balls small ones, over which the density is level, as the estimator supposes.
    lower = np.linalg.cholesky(covariance_of_density(samples))
    centred = samples - samples.mean(axis=0)
    return np.linalg.solve(lower, centred.T).T, float(np.log(np.diag(lower)).sum())
