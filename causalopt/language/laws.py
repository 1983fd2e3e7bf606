"""Laws of chance: which number a noise takes, by a number between 0 and 1 that is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import sympy
from sympy import And, Expr, Piecewise, Symbol

from causalopt.ground.checks import TOLERANCE, as_float, as_list, beside_one, finite, shown, switch
from causalopt.ground.errors import DeclarationError
from causalopt.ground.types import Floats as Floats

# Where scipy.stats keeps its families of laws.
_FAMILIES = ("scipy.stats._continuous_distns", "scipy.stats._discrete_distns")

# With no more bounds than this, comparing with each is faster than searching.
_FEW = 4


@runtime_checkable
class HasQuantiles(Protocol):
    """What scipy's frozen laws have: the quantile function."""

    def ppf(self, chance: Floats, /) -> npt.ArrayLike:
        """The number below which a draw falls with each chance (n,)."""


class Law(Protocol):
    """A law is its quantile function: of uniform chances it makes draws, each by itself alone."""

    def quantiles(self, chances: Floats) -> Floats:
        """The numbers below which a draw falls with these chances, in [0, 1), of any shape."""


# A sum of so large weights may leave the range of floats.
_SUMMED = 1e290


@dataclass(frozen=True)
class Normal:
    """The normal law with a mean and a standard deviation."""

    mean: float = 0.0
    deviation: float = 1.0
    of: str = ""  #: the law whose standard draws these are, if it has formulas in it

    def quantiles(self, chances: Floats) -> Floats:
        """The numbers below which a draw falls with these chances."""
        from scipy.special import ndtri

        # In the middle of what a chance of 53 bits stands for, so that 0 is no infinity.
        standard: Floats = ndtri(chances + 2.0**-54)
        return self.mean + self.deviation * standard


@dataclass(frozen=True)
class Uniform:
    """The uniform law on [low, high)."""

    low: float = 0.0
    high: float = 1.0
    of: str = ""

    def quantiles(self, chances: Floats) -> Floats:
        """The numbers below which a draw falls with these chances."""
        is_standard = (self.low, self.high) == (0.0, 1.0)
        return chances if is_standard else self.low + (self.high - self.low) * chances


@dataclass(frozen=True)
class Choice:
    """One of finitely many values, with weights that sum to 1."""

    values: tuple[float, ...]
    weights: tuple[float, ...]
    of: str = ""

    def quantiles(self, chances: Floats) -> Floats:
        """The first value up to which the weights sum to more than a chance."""
        bounds = self.bounds
        if len(bounds) > _FEW:
            return np.asarray(self.values)[np.searchsorted(bounds, chances, side="right")]
        places = np.zeros(np.shape(chances), dtype=np.int8)
        for bound in bounds:
            places += chances >= bound
        return np.asarray(self.values).take(places)

    @property
    def bounds(self) -> Floats:
        """The chances from which on each value but the first is taken."""
        # The last sum is 1 but for rounding; without it the last value takes the rest.
        return np.cumsum(self.weights)[:-1]


@dataclass(frozen=True, eq=False, repr=False)
class Inverse:
    """A continuous or discrete law of scipy's, by its quantile function ``ppf``.

    Two are the same where they are of one family with one set of numbers: ``gamma(2.5)``. What a
    user makes of data (``rv_histogram``) has no family, and is the same as itself alone.
    """

    distribution: HasQuantiles

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Inverse) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    @property
    def has_family(self) -> bool:
        """Whether its family is scipy's own; one that a user has made may share a name."""
        family = getattr(self.distribution, "dist", None)
        return type(family).__module__ in _FAMILIES and not hasattr(family, "_histogram")

    @property
    def numbers(self) -> tuple[object, ...]:
        """The numbers that its family was given."""
        named = getattr(self.distribution, "kwds", {})
        return (*getattr(self.distribution, "args", ()), *named.values())

    def __repr__(self) -> str:
        family = getattr(self.distribution, "dist", None)
        if not self.has_family:
            return repr(self.distribution)
        given = [*map(_number, getattr(self.distribution, "args", ()))]
        named = getattr(self.distribution, "kwds", {})
        given += [f"{name}={_number(named[name])}" for name in sorted(named)]
        return f"{getattr(family, 'name', '')}({', '.join(given)})"

    def quantiles(self, chances: Floats) -> Floats:
        """The numbers below which a draw falls with these chances."""
        return np.asarray(self.distribution.ppf(chances), dtype=np.float64)


def is_standard(law: Law) -> bool:
    """Whether draws are of a standard law, of which a formula makes those of another."""
    return bool(getattr(law, "of", ""))


def law_text(law: Law) -> str:
    """A law as it was written; one with formulas in it is made of standard draws.

    >>> k = Symbol("k")
    >>> law_text(choice([0, 1], [1 - k, k]).standard), law_text(Normal())
    ('choice([0, 1], [1 - k, k])', 'Normal(mean=0.0, deviation=1.0)')
    """
    return getattr(law, "of", "") or repr(law).replace(", of=''", "")


#: What stands for a draw of the standard law in the formula of a law that depends on parameters.
DRAWN = Symbol("drawn", real=True)


@dataclass(frozen=True, repr=False)
class Dependent:
    """A law with formulas of parameters in it: what is made, by a ``formula``, of standard draws.

    So its draws move with the parameters, and a derivative goes through them: normal(0, s) is
    s times a draw of normal(0, 1).
    """

    words: str
    standard: Law
    formula: Expr

    def quantiles(self, chances: Floats) -> Floats:
        """Those of the standard law, of which a mechanism makes those of this one."""
        return self.standard.quantiles(chances)

    def __repr__(self) -> str:
        return self.words


def _number(given: object) -> str:
    """A number of a law as text, the same for NumPy's and Python's own."""
    number = as_float(given)
    return repr(given if number is None else number)


def normal(mean: float | Expr = 0.0, deviation: float | Expr = 1.0) -> Normal | Dependent:
    """The normal law; its numbers may be formulas of parameters.

    Where a formula makes the deviation negative, draws are mirrored about the mean: it is the law
    of the deviation's size.

    >>> normal(0, 2).quantiles(np.array([0.5, 0.975])).round(3)
    array([0.  , 3.92])
    """
    if _is_formula(mean) or _is_formula(deviation):
        middle, spread = _term(mean, "mean of a law"), _term(deviation, "deviation of a law")
        words = f"normal({mean}, {deviation})"
        return Dependent(words, Normal(of=words), middle + spread * DRAWN)
    finite(mean, "mean of a law")
    if not finite(deviation, "deviation of a law") > 0:
        raise DeclarationError(f"normal(deviation={deviation}): write a number above 0.")
    return Normal(float(mean), float(deviation))


def uniform(low: float | Expr = 0.0, high: float | Expr = 1.0) -> Uniform | Dependent:
    """The uniform law on [low, high); its numbers may be formulas of parameters.

    Where formulas make high less than low, draws are mirrored: they lie between the two as well.
    """
    if _is_formula(low) or _is_formula(high):
        floor, width = _term(low, "low of a law"), _term(high, "high of a law") - _term(low, "low")
        words = f"uniform({low}, {high})"
        return Dependent(words, Uniform(of=words), floor + width * DRAWN)
    least, most = finite(low, "low of a law"), finite(high, "high of a law")
    if least == most:
        raise DeclarationError(
            f"uniform({low}, {high}) is empty: write a low and a higher number, or choice([{low}]) "
            "for one that is sure."
        )
    if least > most:
        raise DeclarationError(f"uniform({low}, {high}) is empty: write uniform({high}, {low}).")
    return Uniform(float(low), float(high))


def choice(
    values: Iterable[float | Expr],
    weights: Iterable[float | Expr] | None = None,
    *,
    normalise: bool = False,
) -> Choice | Dependent:
    """One of finitely many values; equal weights where none are given.

    Values and weights may be formulas of parameters: weights p and 1 - p, say.

    ``normalise=True`` divides the weights by their sum: counts, or published chances that are
    rounded. Raises ``DeclarationError`` for weights that are negative, and, where this was not
    asked for, for weights that do not sum to 1 (within 1e-9).

    >>> choice([-1, 1], weights=[0.25, 0.75]).quantiles(np.array([0.1, 0.25, 0.9]))
    array([-1.,  1.,  1.])
    >>> choice([-1, 1], weights=[1, 3], normalise=True).weights
    (0.25, 0.75)
    """
    each = as_list(values, "The values of choice", "choice([-1, 1])")
    chosen = None if weights is None else as_list(weights, "The weights of choice", "[0.5, 0.5]")
    is_divided = switch(normalise, "normalise")
    if any(map(_is_formula, [*each, *(chosen or ())])):
        return _dependent_choice(each, chosen, normalise=is_divided)
    outcomes = tuple(finite(value, "values of a law") for value in each)
    if not outcomes:
        raise DeclarationError("choice([]) chooses among nothing: write one value or more.")
    equal: list[object] = [1 / len(outcomes)] * len(outcomes)
    given = equal if chosen is None else chosen
    chances = tuple(finite(weight, "weights of a law") for weight in given)
    if len(chances) != len(outcomes):
        raise DeclarationError(
            f"choice has {len(outcomes)} values and {len(chances)} weights: write one for each."
        )
    least = min(chances)
    if least < 0:
        raise DeclarationError(f"choice has the negative weight {least:g}: write numbers from 0.")
    if is_divided:
        return Choice(outcomes, _divided(chances))
    # Of weights near the largest float there is no sum.
    total = math.fsum(chances) if max(chances) < _SUMMED else math.inf
    if abs(total - 1) > TOLERANCE:
        raise DeclarationError(
            f"The weights {list(chances)} of choice sum to {total:.12g}, {beside_one(total)} "
            f"(tolerance {TOLERANCE:g}): write numbers that sum to 1, or normalise=True to divide "
            "them by their sum."
        )
    return Choice(outcomes, chances)


def _dependent_choice(
    values: Sequence[object], weights: Sequence[object] | None, *, normalise: bool
) -> Dependent:
    """One of values, by chances, of which some are formulas."""
    equal: Sequence[object] = [sympy.Rational(1, len(values))] * len(values)
    chosen = equal if weights is None else weights
    if len(chosen) != len(values):
        raise DeclarationError(
            f"choice has {len(values)} values and {len(chosen)} weights: write one for each."
        )
    outcomes = [_term(value, "values of a law") for value in values]
    chances = [_term(weight, "weights of a law") for weight in chosen]
    total = sympy.expand(sympy.Add(*chances))
    if normalise:
        chances = [chance / total for chance in chances]
    elif not (total.is_number and abs(total - 1) <= TOLERANCE):
        raise DeclarationError(
            f"The weights of choice sum to {total}, which is not 1 for all values of its "
            "parameters: write p and 1 - p, say, or normalise=True to divide them by their sum."
        )
    # Where a weight is negative no case holds, and there is no value: a run says so.
    sound = And(*(chance >= 0 for chance in chances))
    ends = [sympy.Add(*chances[: i + 1]) for i in range(len(chances))]
    cases = [And(sound, end > DRAWN) for end in ends[:-1]] + [sound]
    words = f"choice({list(values)}, {list(chosen)})"
    formula = Piecewise(*zip(outcomes, cases, strict=True))
    return Dependent(words, Uniform(of=words), formula)


def _is_formula(given: object) -> bool:
    return isinstance(given, Expr) and bool(given.free_symbols)


def _term(given: object, where: str) -> Expr:
    """A number of a law as a term: a formula as it is."""
    if isinstance(given, Expr) and _is_formula(given):
        return given
    return sympy.sympify(finite(given, where), strict=True)


def _divided(weights: tuple[float, ...]) -> tuple[float, ...]:
    largest = max(weights)
    if largest == 0:
        raise DeclarationError("The weights of choice are all 0: there is nothing to normalise by.")
    # By the largest first, so that no sum overflows, and none is below the normal range.
    shares = [weight / largest for weight in weights]
    total = math.fsum(shares)
    return tuple(share / total for share in shares)


def as_law(given: object) -> Law:
    """A law as it is, or a frozen distribution of scipy's."""
    if isinstance(given, Normal | Uniform | Choice | Inverse | Dependent):
        return given
    if isinstance(given, HasQuantiles):
        return _by_quantiles(given)
    raise DeclarationError(
        f"{given!r} is no law of chance: write normal(0, 1), uniform(0, 1), choice([-1, 1]) or a "
        "frozen distribution of scipy.stats."
    )


def _by_quantiles(given: HasQuantiles) -> Inverse:
    """What scipy made, as a law, if it is the law of a single number."""
    law = Inverse(given)
    for number in law.numbers:
        _refuse_unless_number(number)
    found = _median(law)
    if found.shape != (1,) or not np.isfinite(found).all():
        raise DeclarationError(
            f"{shown(law)} is no law of chance: its quantiles at [0.5] are "
            f"{shown(found.tolist())}. Write numbers that its family takes, such as "
            "scipy.stats.gamma(2.5, scale=2)."
        )
    return law


def _refuse_unless_number(given: object) -> None:
    if _is_formula(given):
        raise DeclarationError(
            f"A law of scipy's is given the formula {given}, and takes numbers alone: write "
            "normal(mean, deviation), uniform(low, high) or choice(values, weights) for a law with "
            "parameters, or put the formula in the mechanism."
        )
    number = as_float(given)
    if number is None or math.isnan(number):
        raise DeclarationError(
            f"A law of scipy's is given {shown(given)} ({type(given).__name__}), and takes numbers "
            "alone. Write a noise for each law; or one of an array, each entry of which is drawn "
            'by itself, noise("e", scipy.stats.norm(), shape=2), and shift and scale it in the '
            "mechanism."
        )


def _median(law: Inverse) -> Floats:
    """The number below which half of the draws fall (1,), asked for as draws are."""
    try:
        with np.errstate(all="ignore"):
            return law.quantiles(np.array([0.5]))
    except Exception as error:  # whatever the code of scipy or of a user raises
        named = getattr(law.distribution, "name", None) or shown(law)
        raise DeclarationError(
            f"{named} gives no quantiles ({type(error).__name__}: {error}): write a frozen "
            "distribution, with all of its numbers, such as scipy.stats.gamma(2.5)."
        ) from error
