"""Optimizing strength of a split: the entropy that its correlation takes out of the future."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Expr

from causalopt.distributions.spread import Entropy, Spread, as_spread
from causalopt.ground.checks import as_list
from causalopt.ground.errors import QueryError, TooLargeError
from causalopt.ground.masses import check_base, unit_of
from causalopt.language.splits import Split, partitions
from causalopt.language.words import listed
from causalopt.model.asked import as_system
from causalopt.model.declaration import check_steps
from causalopt.model.system import System

if TYPE_CHECKING:
    import xarray as xr

# Each is pushed and measured by itself.
_MOST_SPLITS = 20_000


@dataclass(frozen=True)
class Strength:
    """Optimizing strength and its parts: ``value`` = ``decorrelated`` - ``correlated``.

    ``correlated`` is S[push(P)], ``decorrelated`` S[push(decorrelate(P))]; in ``unit``.
    """

    split: Split
    steps: int
    unit: str
    correlated: Entropy
    decorrelated: Entropy

    @property
    def value(self) -> Entropy:
        """The strength: positive where correlation lowers the entropy of the future."""
        return self.decorrelated - self.correlated

    def __float__(self) -> float:
        return float(self.value)


@dataclass(frozen=True)
class AdjustedStrength:
    """Adjusted optimizing strength and its parts: ``value`` = ``strength.value`` - ``information``.

    ``before`` is S[P], ``before_decorrelated`` S[decorrelate(P)].
    """

    strength: Strength
    before: Entropy
    before_decorrelated: Entropy

    @property
    def information(self) -> Entropy:
        """S[decorrelate(P)] - S[P], the mutual information of the parts at the start."""
        return self.before_decorrelated - self.before

    @property
    def value(self) -> Entropy:
        """The strength less what the correlation already took out at the start."""
        return self.strength.value - self.information

    def __float__(self) -> float:
        return float(self.value)


def optimizing_strength(
    system: System, split: object, P: Spread, *, steps: int = 1, base: Expr | float = 2
) -> Strength:
    """The entropy that the correlation between the parts of P removes from the future.

    strength = S[push(decorrelate(P))] - S[push(P)]

    Parameters: ``split`` a ``Split`` of two or more parts, or ``A | B``; ``P`` a ``Distribution``
    over the system's variables now, or a ``Box``, a ``Gaussian`` or an ``Ensemble`` of a system
    with real values; ``steps`` how many steps both versions are pushed; ``base`` the base of the
    logarithm, 2 for bits. Entropies are sympy expressions where P is exact, floats where it is
    not, and an ``Estimate`` with an error for an ensemble.

    Raises ``QueryError`` for a split that is no partition of P's variables, and for a system that
    P cannot be pushed through.

    Source: "Defining Optimization in a Deeper Way", part 1.

    >>> import sympy
    >>> from causalopt.distributions import Distribution
    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.tables import table
    >>> A, B = finite("A", [0, 1]), finite("B", [0, 1])
    >>> differ = table((A, B), {0: {0: 0, 1: 1}, 1: {0: 1, 1: 0}})
    >>> meet = System({A: differ, B: B}, start={A: 0, B: 0})
    >>> P = Distribution.of((A, B), [[sympy.Rational(1, 2), 0], [0, sympy.Rational(1, 2)]])
    >>> optimizing_strength(meet, A | B, P).value
    1
    """
    chosen = as_spread(P).split(split)
    return _strength(system, chosen, P, P.decorrelate(chosen), steps, base)


def adjusted_optimizing_strength(
    system: System, split: object, P: Spread, *, steps: int = 1, base: Expr | float = 2
) -> AdjustedStrength:
    """Optimizing strength, less the entropy that the correlation already removes at the start.

    adjusted = (S[push(decorrelate(P))] - S[push(P)]) - (S[decorrelate(P)] - S[P])

    The part in the second bracket is the mutual information I(A; B) of P (for more than two parts
    the total correlation). To ask about parts that start independent, as part 2 does, give P one
    step later: ``adjusted_optimizing_strength(system, A | B, start.push(system))``. Parameters,
    results and errors as in ``optimizing_strength``.

    Source: "Defining Optimization in a Deeper Way", part 2.

    >>> import sympy
    >>> from causalopt.distributions import Distribution
    >>> from causalopt.language.finite_variables import finite
    >>> A, B = finite("A", [0, 1]), finite("B", [0, 1])
    >>> swap = System({A: B, B: A}, start={A: 0, B: 0})
    >>> P = Distribution.of((A, B), [[sympy.Rational(1, 2), 0], [0, sympy.Rational(1, 2)]])
    >>> adjusted_optimizing_strength(swap, A | B, P).value
    0
    """
    chosen = as_spread(P).split(split)
    apart = P.decorrelate(chosen)
    strength = _strength(system, chosen, P, apart, steps, base)
    return AdjustedStrength(strength, P.entropy(base), apart.entropy(base))


def split_strengths(
    system: System,
    P: Spread,
    *,
    splits: Iterable[Split] | None = None,
    steps: int = 1,
    base: Expr | float = 2,
) -> xr.Dataset:
    """Strength and adjusted strength of many splits after 1, 2, ..., ``steps`` steps.

    ``splits`` are all splits of the variables into two parts, unless given. Returns a dataset of
    floats with dims (split, step) and variables ``strength``, ``adjusted``, ``correlated``,
    ``decorrelated``, and, with dim split, ``information``; each entropy is computed once.

    >>> from causalopt.distributions import Distribution
    >>> from causalopt.language.finite_variables import finite
    >>> A, B = finite("A", [0, 1]), finite("B", [0, 1])
    >>> swap = System({A: B, B: A}, start={A: 0, B: 0})
    >>> P = Distribution.of((A, B), [[0.5, 0], [0, 0.5]])
    >>> split_strengths(swap, P, steps=2).strength.values
    array([[1., 1.]])
    """
    import xarray as xr

    count = 2 ** (len(_stepping(system).variables) - 1) - 1
    if splits is None and count > _MOST_SPLITS:
        raise TooLargeError(
            f"{len(system.variables)} variables have {count:,} splits into two parts, and at most "
            f"{_MOST_SPLITS:,} are asked about at once: write splits=[...] with those that you "
            "mean, or take the marginal of fewer variables first."
        )
    check_steps(steps)
    check_base(base)
    named = partitions(system.variables) if splits is None else as_list(splits, "splits", "[T | R]")
    chosen = [as_spread(P).split(split) for split in named]
    if not chosen:
        raise QueryError("splits is empty: write one or more, such as [T | R], or leave it out.")
    for split in chosen:
        _warn_of_unread(system, split)
    # The way of P itself is the same for every split.
    correlated = _entropies(system, P, steps, base)
    decorrelated: list[list[float]] = []
    information: list[float] = []
    for split in chosen:
        apart = P.decorrelate(split)
        decorrelated.append(_entropies(system, apart, steps, base))
        information.append(float(apart.entropy(base) - P.entropy(base)))
    attrs = {"units": unit_of(base)}
    dims = ["split", "step"]
    data = xr.Dataset(
        {
            "correlated": ("step", correlated, attrs),
            "decorrelated": (dims, decorrelated, attrs),
            "information": ("split", information, attrs),
        },
        {"split": [str(split) for split in chosen], "step": list(range(1, steps + 1))},
    )
    data["strength"] = (data.decorrelated - data.correlated).assign_attrs(attrs)
    data["adjusted"] = (data.strength - data.information).assign_attrs(attrs)
    return data


def _stepping(system: System) -> System:
    return as_system(system, ", and strength is what steps do: give a System.")


def _warn_of_unread(system: System, split: Split) -> None:
    """Say so where no mechanism reads the present of a part, so that its correlation is lost."""
    known = _stepping(system)
    read = {before for v in known.variables for before in known.parents(v)[0]}
    for part in split.parts:
        if read.isdisjoint(part):
            names = listed(part)
            warnings.warn(
                f"No mechanism reads the present value of {names} (only {names}.next, if any): the "
                f"future does not depend on what it is correlated with now, and with two parts the "
                f"strength of {split} is 0 whatever P is. Where the present is meant, read "
                f"{part[0]} in place of {part[0]}.next.",
                RuntimeWarning,
                stacklevel=4,
            )


def _strength(
    system: System, split: Split, P: Spread, apart: Spread, steps: int, base: Expr | float
) -> Strength:
    _warn_of_unread(system, split)
    correlated = P.push(system, steps).entropy(base)
    decorrelated = apart.push(system, steps).entropy(base)
    return Strength(split, steps, unit_of(base), correlated, decorrelated)


def _entropies(system: System, P: Spread, steps: int, base: Expr | float) -> list[float]:
    entropies = []
    for _ in range(steps):
        P = P.push(system)
        entropies.append(float(P.entropy(base)))
    return entropies
