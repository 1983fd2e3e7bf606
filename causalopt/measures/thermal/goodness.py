"""Whether counts are a fair sample of a distribution: the likelihood ratio, and how rare it is."""

from __future__ import annotations

import math

import numpy as np

from causalopt.ground.types import Floats, Ints

#: From this many expected in every state on, the law of the statistic is that of chi-square.
_LARGE = 20
#: Samples that the statistic is compared with where it is not.
_FAIR = 1999
#: Numbers drawn at a time.
_TOGETHER = 1 << 20


def deviance(observed: Floats, expected: Floats) -> float:
    """2 sum_s observed log(observed / expected), infinite where what is seen was not expected.

    Of counts and expected counts it is the statistic G of the likelihood ratio; of masses twice the
    relative entropy in nats.

    >>> round(deviance(np.array([0.5, 0.5]), np.array([0.5, 0.5])), 12)
    0.0
    """
    seen = observed > 0
    if (expected[seen] <= 0).any():
        return math.inf
    return max(0.0, 2 * float(observed[seen] @ np.log(observed[seen] / expected[seen])))


def sample_chance(counts: Ints, chances: Floats, level: float) -> float:
    """The p-value of ``counts`` (k,): the chance that a sample of ``chances`` (k,) is as far off.

    By G of ``deviance``. Where each state is expected 20 times or more, G over Williams' correction
    q = 1 + (sum 1/p - 1) / (6 n (k - 1)) has the law of chi-square with k - 1 degrees of freedom
    (Williams 1976). Else by 1,999 fair samples, drawn from a fixed seed, or more for a small
    ``level``: (1 + those as far off) / (1 + all), which is below any level that is a multiple of
    1/2000 as often as it says and no more often (Barnard 1963).

    >>> sample_chance(np.array([50, 50]), np.array([0.5, 0.5]), 0.01)
    1.0
    """
    from scipy.stats import chi2

    possible = chances > 0
    if counts[~possible].any():
        return 0.0
    counts, chances = counts[possible], chances[possible] / chances.sum()
    draws, freedom = int(counts.sum()), len(chances) - 1
    if freedom == 0:
        return 1.0
    statistic = deviance(counts.astype(np.float64), draws * chances)
    if draws * chances.min() >= _LARGE:
        correction = 1 + float((1 / chances).sum() - 1) / (6 * draws * freedom)
        return float(chi2.sf(statistic / correction, freedom))
    return _by_samples(statistic, draws, chances, max(_FAIR, math.ceil(20 / level) - 1))


def _by_samples(statistic: float, draws: int, chances: Floats, samples: int) -> float:
    generator = np.random.default_rng(0)
    logs, as_far, left = np.log(draws * chances), 0, samples
    # What is as far off by another order of the same sum counts as it should.
    edge = statistic * (1 - 1e-12) - 1e-12
    while left:
        part = min(left, max(1, _TOGETHER // len(chances)))
        fair = generator.multinomial(draws, chances, part)
        terms = fair * (np.log(np.maximum(fair, 1)) - logs)
        as_far += int((2 * terms.sum(axis=1) >= edge).sum())
        left -= part
    return (1 + as_far) / (1 + samples)
