"""Laws of chance: how the numbers that a noise takes are drawn from a generator."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from causalopt.ground.errors import DeclarationError

Floats = npt.NDArray[np.float64]

# With no more bounds than this, comparing with each is faster than searching.
_FEW = 4


class Law(Protocol):
    """A law gives numbers in sequence: two draws of 5 are the same as one of 10."""

    def draw(self, generator: np.random.Generator, count: int) -> Floats:
        """The next ``count`` numbers (count,)."""


@dataclass(frozen=True)
class Normal:
    """The normal law with a mean and a standard deviation."""

    mean: float = 0.0
    deviation: float = 1.0

    def draw(self, generator: np.random.Generator, count: int) -> Floats:
        """The next ``count`` numbers (count,)."""
        return self.mean + self.deviation * generator.standard_normal(count)


@dataclass(frozen=True)
class Uniform:
    """The uniform law on [low, high)."""

    low: float = 0.0
    high: float = 1.0

    def draw(self, generator: np.random.Generator, count: int) -> Floats:
        """The next ``count`` numbers (count,)."""
        return self.low + (self.high - self.low) * generator.random(count)


@dataclass(frozen=True)
class Choice:
    """One of finitely many values, with weights that sum to 1."""

    values: tuple[float, ...]
    weights: tuple[float, ...]

    def draw(self, generator: np.random.Generator, count: int) -> Floats:
        """The next ``count`` numbers (count,)."""
        bounds, drawn = np.cumsum(self.weights)[:-1], generator.random(count)
        if len(bounds) > _FEW:
            return np.asarray(self.values)[np.searchsorted(bounds, drawn, side="right")]
        places = np.zeros(count, dtype=np.int8)
        for bound in bounds:
            places += drawn >= bound
        return np.asarray(self.values).take(places)


@dataclass(frozen=True, eq=False)
class Inverse:
    """A continuous or discrete law of scipy's, by its quantile function ``ppf``."""

    distribution: Any

    def draw(self, generator: np.random.Generator, count: int) -> Floats:
        """The next ``count`` numbers (count,)."""
        numbers: Floats = np.asarray(self.distribution.ppf(generator.random(count)), dtype=np.float64)
        return numbers


def normal(mean: float = 0.0, deviation: float = 1.0) -> Normal:
    """The normal law.

    >>> normal(0, 2).draw(np.random.default_rng(1), 2).round(3)
    array([0.691, 1.643])
    """
    _finite(mean, "mean")
    if not _finite(deviation, "deviation") > 0:
        raise DeclarationError(f"normal(deviation={deviation}): write a number above 0.")
    return Normal(float(mean), float(deviation))


def uniform(low: float = 0.0, high: float = 1.0) -> Uniform:
    """The uniform law on [low, high)."""
    if not _finite(low, "low") < _finite(high, "high"):
        raise DeclarationError(f"uniform({low}, {high}) is empty: write uniform({high}, {low}).")
    return Uniform(float(low), float(high))


def choice(values: Iterable[float], weights: Iterable[float] | None = None) -> Choice:
    """One of finitely many values; equal weights where none are given.

    Raises ``DeclarationError`` for weights that are negative or do not sum to 1 (within 1e-9);
    nothing is renormalised.

    >>> choice([-1, 1], weights=[0.25, 0.75]).draw(np.random.default_rng(1), 3)
    array([ 1.,  1., -1.])
    """
    outcomes = tuple(_finite(value, "values") for value in values)
    if not outcomes:
        raise DeclarationError("choice([]) chooses among nothing: write one value or more.")
    shares = [1 / len(outcomes)] * len(outcomes) if weights is None else list(weights)
    chances = tuple(_finite(weight, "weights") for weight in shares)
    if len(chances) != len(outcomes):
        raise DeclarationError(
            f"choice has {len(outcomes)} values and {len(chances)} weights: write one for each."
        )
    if min(chances) < 0 or abs(math.fsum(chances) - 1) > 1e-9:
        raise DeclarationError(
            f"The weights {list(chances)} of choice sum to {math.fsum(chances):g}, or one is "
            "negative: write numbers from 0 that sum to 1."
        )
    return Choice(outcomes, chances)


def as_law(given: object) -> Law:
    """A law as it is, or a frozen distribution of scipy's."""
    if isinstance(given, Normal | Uniform | Choice | Inverse):
        return given
    if callable(getattr(given, "ppf", None)):
        return Inverse(given)
    raise DeclarationError(
        f"{given!r} is no law of chance: write normal(0, 1), uniform(0, 1), choice([-1, 1]) or a "
        "frozen distribution of scipy.stats."
    )


def _finite(given: object, what: str) -> float:
    try:
        value = float(given)  # type: ignore[arg-type]  # the except clause is for the rest
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise DeclarationError(f"{what} of a law is {given!r}: write finite numbers.")
    return value
