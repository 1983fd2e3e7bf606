"""Functions beyond the elementary ones, where scipy's own are wrong, or real where none is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import mpmath
import numpy as np
from numpy.typing import ArrayLike

from causalopt.ground.types import Array, Bools, Floats, Number
from causalopt.mechanisms.crossing import HALVINGS
from causalopt.mechanisms.settled import TURNS, leads_nowhere

# 1/e as the sum of two floats: x + 1/e is then exact near the branch point of Lambert's W.
_INVERSE_E = 0.36787944117144233, -1.2428753672788363e-17

# Below this, W + 1 is a series in p = sqrt(2 (e x + 1)): of 16 terms the last is below 1e-16.
_NEAR = 0.15

# Beyond this, what scipy's beta function gives as zero is zero.
_LARGE = 1e4


def _branch_series(count: int) -> list[float]:
    """The coefficients of W + 1 in powers of p, from p^1 on (Corless et al. 1996, section 4)."""
    mu, alpha = [-1.0, 1.0], [2.0, -1.0]
    for k in range(2, count + 1):
        total = sum(mu[j] * mu[k + 1 - j] for j in range(2, k))
        alpha.append(total)
        mu.append((k - 1) / (k + 1) * (mu[k - 2] / 2 + alpha[k - 2] / 4) - total / 2
                  - mu[k - 1] / (k + 1))  # fmt: skip
    return mu[1:]


_SERIES = _branch_series(16)


def above_branch(x: ArrayLike, branch: ArrayLike = 0) -> Floats:
    """W(x) + 1 on the branches 0 and -1, NaN where it is complex.

    >>> float(above_branch(-0.3678794411)), float(above_branch(0.0))
    (1.97077...e-05, 1.0)
    """
    import scipy

    at, order = np.asarray(x, dtype=np.float64), np.asarray(branch)
    square = 2 * math.e * ((at + _INVERSE_E[0]) + _INVERSE_E[1])
    is_real = (square >= 0) & ((order == 0) | (order == -1))
    p = np.sqrt(np.where(is_real, square, 0.0)) * np.where(order == 0, 1.0, -1.0)
    series, near = np.zeros_like(p), np.where(np.abs(p) < _NEAR, p, 0.0)
    for coefficient in reversed(_SERIES):
        series = (series + coefficient) * near
    elsewhere: Array = scipy.special.lambertw(at, order)
    far = np.where(elsewhere.imag == 0, elsewhere.real + 1, np.nan)
    found: Floats = np.where(np.abs(p) < _NEAR, np.where(is_real, series, np.nan), far)[()]
    return found


def lambert(x: ArrayLike, branch: ArrayLike = 0) -> Floats:
    """Lambert's W, NaN where it is complex: scipy's loses half its digits near -1/e."""
    import scipy

    above = above_branch(x, branch)
    far: Array = scipy.special.lambertw(x, branch)
    real = np.where(far.imag == 0, far.real, np.nan)
    found: Floats = np.where(np.abs(above) < _NEAR / 2, above - 1, real)[()]
    return found


def log_gamma(x: ArrayLike) -> Floats:
    """The logarithm of the gamma function, which is complex below zero."""
    import scipy

    at = np.asarray(x)
    found: Floats = np.where(at >= 0, scipy.special.gammaln(at), np.nan)[()]
    return found


def cosine_integral(x: ArrayLike) -> Floats:
    """Ci, which is complex below zero."""
    import scipy

    at = np.asarray(x)
    found: Floats = np.where(at >= 0, scipy.special.sici(at)[1], np.nan)[()]
    return found


def factorial(x: ArrayLike) -> Floats:
    """Gamma(x + 1), for numbers that are not whole too; NaN at its poles."""
    import scipy

    at = np.asarray(x)
    is_pole = (at < 0) & (at == np.floor(at))
    found: Floats = np.where(is_pole, np.nan, scipy.special.gamma(at + 1.0))[()]
    return found


def beta(x: ArrayLike, y: ArrayLike) -> Floats:
    """The beta function; scipy gives zero for what is small and negative."""
    import scipy

    parts = [np.asarray(u, dtype=np.float64) for u in (x, y)]
    parts.append(parts[0] + parts[1])
    own = scipy.special.beta(*parts[:2])
    logs = [scipy.special.gammaln(u) for u in parts]
    signs = [scipy.special.gammasgn(u) for u in parts]
    by_logs = np.prod(np.broadcast_arrays(*signs), axis=0) * np.exp(logs[0] + logs[1] - logs[2])
    is_lost = ((own == 0) | ~np.isfinite(own)) & (np.abs(parts[0]) < _LARGE)
    found: Floats = np.where(is_lost & (np.abs(parts[1]) < _LARGE), by_logs, own)[()]
    return found


def came_true(is_on: Bools, holds: Callable[[Number], Bools]) -> Number:
    """Where in [0, 1] a condition comes true that is false at 0 and true at 1; 1 where it is off.

    >>> came_true(np.True_, lambda share: share >= 0.25)
    np.float64(0.25)
    """
    early, late = np.zeros(np.shape(is_on))[()], np.ones(np.shape(is_on))[()]
    for _ in range(HALVINGS if np.any(is_on) else 0):
        middle = 0.5 * (early + late)
        is_after = holds(middle)
        early, late = np.where(is_after, early, middle)[()], np.where(is_after, middle, late)[()]
    return np.where(is_on, late, 1.0)[()]


def came_true_precisely(is_on: bool, holds: Callable[[mpmath.mpf], bool]) -> mpmath.mpf:
    """The same in as many digits as are set."""
    early, late = mpmath.mpf(0), mpmath.mpf(1)
    for _ in range(mpmath.mp.prec if is_on else 0):
        middle = (early + late) / 2
        early, late = (early, middle) if holds(middle) else (middle, late)
    return late


def settled(
    place: int, guesses: Sequence[Number], turn: Callable[..., tuple[Sequence[Number], ...]]
) -> Number:
    """What an unknown settles at when turns are taken again and again; NaN where it does not.

    A turn gives where the unknowns come to, and whether there is doubt of where they were.

    >>> settled(0, (np.float64(1.0),), lambda u: (((u + 2 / u) / 2,), (abs(u * u - 2) - 1e-15,)))
    np.float64(1.41421356237309...)
    """
    begun = np.broadcast_arrays(*(np.asarray(guess, dtype=np.float64) for guess in guesses))
    now, is_done = [np.array(guess) for guess in begun], np.zeros(begun[0].shape, dtype=np.bool_)
    for _ in range(TURNS):
        new, doubts = turn(*(number[()] for number in now))
        moved = [np.abs(y - x) for x, y in zip(now, new, strict=True)]
        nowhere = np.broadcast_arrays(*map(leads_nowhere, moved, new, doubts))
        # Each point goes its own way, whatever others are beside it.
        now = [np.where(is_done, x, y) for x, y in zip(now, new, strict=True)]
        is_done = is_done | np.logical_and.reduce(nowhere)
        if is_done.all():
            break
    return np.where(is_done, now[place], np.nan)[()]


def settled_precisely(
    place: int,
    guesses: Sequence[mpmath.mpf],
    turn: Callable[..., tuple[Sequence[mpmath.mpf], ...]],
) -> mpmath.mpf:
    """The same in as many digits as are set."""
    now = guesses
    for _ in range(TURNS):
        new, doubts = turn(*now)
        moved = (abs(y - x) for x, y in zip(now, new, strict=True))
        if all(map(leads_nowhere, moved, new, doubts)):
            return new[place]
        now = new
    return mpmath.nan


def size_precisely(number: mpmath.mpf | mpmath.mpc) -> mpmath.mpf:
    """|u| in as many digits as are set; NaN for a complex u, which has a size too.

    >>> size_precisely(mpmath.mpf(-2)), size_precisely(mpmath.sqrt(-2))
    (mpf('2.0'), mpf('nan'))
    """
    return mpmath.nan if isinstance(number, mpmath.mpc) else abs(number)
