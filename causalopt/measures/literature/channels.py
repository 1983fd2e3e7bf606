"""The most that can be got through a channel, and out of one: concave, by turns, with the gap."""

from __future__ import annotations

import numpy as np

from causalopt.ground.types import Floats

# What is left to gain is then below the digits that are shown.
_NEAR = 1e-13
_MOST_TURNS = 100_000


def capacity(channel: Floats) -> tuple[float, float, Floats]:
    """max over p of I(a; o) for a channel p(o | a) (k, n), in nats; the gap, and the p (k,).

    By Blahut and Arimoto: p is multiplied by exp(KL(p(o | a), p(o))), which never loses. The
    maximum lies between log sum p exp(KL) and the largest KL; the gap is what is between.

    >>> noisy = np.array([[0.9, 0.1], [0.1, 0.9]])
    >>> most, gap, p = capacity(noisy)
    >>> round(float(most / np.log(2)), 9), gap < 1e-12, p
    (0.531004406, True, array([0.5, 0.5]))
    """
    p = np.full(len(channel), 1 / len(channel))
    low, gap = 0.0, np.inf
    for _ in range(_MOST_TURNS):
        distance = _relative(channel, p @ channel)
        weights = p * np.exp(distance)
        low = float(np.log(weights.sum()))
        gap = float(distance.max()) - low
        if gap < _NEAR:
            break
        p = weights / weights.sum()
    return max(low, 0.0), max(gap, 0.0), p


def most_lost(channel: Floats) -> tuple[float, float]:
    """max over p of H(x) - H(x') for a channel p(x' | x) (n, n'), in nats, and the gap.

    H(x) - H(x') = H(x | x') - H(x' | x) is concave in p: the tangent at p bounds it from above by
    its largest entry, -log p(x) + sum_x' p(x' | x) log p(x'). Each turn makes these entries equal.

    >>> merge = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> round(float(most_lost(merge)[0] / np.log(2)), 9)
    1.0
    """
    p = np.full(len(channel), 1 / len(channel))
    low, gap = 0.0, np.inf
    for _ in range(_MOST_TURNS):
        after = p @ channel
        # The logarithm is taken where there is mass alone: what is at 0 has no weight.
        kept = channel @ np.log(after, where=after > 0, out=np.zeros_like(after))
        weights = np.exp(kept)
        slope = kept - np.log(p, where=p > 0, out=np.full_like(p, -np.inf))
        low = float(p[p > 0] @ slope[p > 0])
        gap = float(slope.max()) - low
        if gap < _NEAR:
            break
        p = weights / weights.sum()
    return max(low, 0.0), max(gap, 0.0)


def _relative(channel: Floats, mean: Floats) -> Floats:
    """KL(p(o | a), p(o)) for each a (k,)."""
    ratio = np.divide(channel, mean, out=np.ones_like(channel), where=channel > 0)
    distances: Floats = (channel * np.log(ratio)).sum(axis=1)
    return distances
