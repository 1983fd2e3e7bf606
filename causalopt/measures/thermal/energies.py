"""Free energy of any distribution, at equilibrium and away from it; entropy, heat capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy
from sympy import Expr

from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.thermal import (
    Enthalpies,
    as_enthalpies,
    as_temperature,
    boltzmann,
    log_partition,
)
from causalopt.ground.checks import of_kind
from causalopt.ground.errors import QueryError, stranger
from causalopt.ground.masses import Masses, is_exact
from causalopt.ground.types import Array

if TYPE_CHECKING:
    import xarray as xr


def mean_enthalpy(P: Distribution, H: Enthalpies) -> Expr | float:
    """<H> = sum_s P(s) H(s), in the units of the enthalpy, with its own sign.

    Infinite where a forbidden state has mass. Exact where both are.

    >>> from causalopt.language.finite_variables import finite
    >>> level = finite("level", ["low", "high"])
    >>> mean_enthalpy(Distribution.uniform(level), Enthalpies.of(level, {"low": 0, "high": 3}))
    3/2
    """
    masses, values = _align(P, H)
    if is_exact(masses) and is_exact(values):
        return sympy.Add(*(mass * value for mass, value in zip(masses, values, strict=True)))
    return float(sum(float(m) * float(v) for m, v in zip(masses, values, strict=True)))


def free_energy(P: Distribution, H: Enthalpies, T: Expr | float) -> Expr | float:
    """The free energy of any distribution, at equilibrium or not.

    G = <H> + T S, which is maximised, where enthalpies are maximised (the source's sign); and
    F = <E> - T S, which is minimised, where energies are minimised (physics; F = -G for E = -H).
    S = -sum P log P is in nats, T and the result are in the units of the enthalpy. Of all
    distributions the Boltzmann distribution has the best: T log Z, or -T log Z. Infinite on the
    unlikely side where a forbidden state has mass.

    Exact where P, H and T are. Raises ``QueryError`` for T <= 0 and for other variables than P's.

    Source: the comment on free energy and mode collapse.

    >>> from causalopt.language.finite_variables import finite
    >>> level = finite("level", ["low", "high"])
    >>> H = Enthalpies.of(level, {"low": 0, "high": 3})
    >>> free_energy(Distribution.uniform(level), H, T=2)
    2*log(2) + 3/2
    >>> free_energy(Distribution.delta({level: "high"}), H, T=2)
    3
    """
    temperature, H = as_temperature(T), as_enthalpies(H)
    return _number(mean_enthalpy(P, H) + H.sign * _times(temperature, P.entropy(sympy.E)))


def equilibrium_free_energy(H: Enthalpies, T: Expr | float) -> Expr | float:
    """The best free energy that there is: T log Z maximised, -T log Z minimised.

    Units of the enthalpy. Tends to that of the best states as T goes to 0.

    >>> from causalopt.language.finite_variables import finite
    >>> level = finite("level", ["low", "high"])
    >>> equilibrium_free_energy(Enthalpies.of(level, {"low": 0, "high": 0}), T=2)
    2*log(2)
    """
    temperature, H = as_temperature(T), as_enthalpies(H)
    # At a temperature near 0 the largest term is beyond the range of floats, its product is not.
    best = _best(H)
    shifted = Enthalpies(H.variables, H.values - best, H.convention)
    return _number(best + H.sign * _times(temperature, log_partition(shifted, T)))


def free_energy_gap(P: Distribution, H: Enthalpies, T: Expr | float) -> Expr | float:
    """How much free energy P lacks of the best: T KL(P || Boltzmann), 0 or more.

    Units of the enthalpy, in both conventions: T log Z - G(P), or F(P) + T log Z.
    """
    best = equilibrium_free_energy(H, T)
    return _number(H.sign * (best - free_energy(P, H, T)))


def heat_capacity(H: Enthalpies, T: Expr | float) -> Expr | float:
    """C = Var(H) / T^2 at equilibrium, in nats (units of k_B); 0 or more in both conventions.

    The change of the mean with temperature: d<E>/dT where energies are minimised, -d<H>/dT where
    enthalpies are maximised.

    >>> from causalopt.language.finite_variables import finite
    >>> level = finite("level", ["low", "high"])
    >>> heat_capacity(Enthalpies.of(level, {"low": 0, "high": sympy.log(2)}), T=1).simplify()
    2*log(2)**2/9
    """
    temperature = as_temperature(T)
    P = boltzmann(H, T)
    mean = mean_enthalpy(P, H)
    masses, values = _align(P, H)
    # Divided before it is squared, lest a cold T**2 leave the range of floats.
    terms = [m * ((v - mean) / temperature) ** 2 for m, v in zip(masses, values, strict=True)]
    return _number(sum(terms, start=sympy.Integer(0)) if P.exact else sum(terms))


def free_energy_over(P: xr.DataArray, H: Enthalpies, T: float | xr.DataArray) -> xr.DataArray:
    """The free energy of a distribution over time, or over any other dims.

    ``P`` has one dim for each variable of H, by name, as ``Distribution.to_xarray`` gives them,
    and others such as time; ``T`` is a temperature, or an array over some of these. G = <H> + T S,
    or F = <E> - T S where energies are minimised, as ``free_energy`` gives it, over the other dims.

    Raises ``QueryError`` for a temperature that is not above 0, and where a dim is missing.

    >>> import xarray as xr
    >>> from causalopt.language.finite_variables import finite
    >>> level = finite("level", ["low", "high"])
    >>> H = Enthalpies.of(level, {"low": 0.0, "high": 3.0})
    >>> later = [Distribution.delta({level: "low"}), Distribution.uniform(level)]
    >>> P = xr.concat([one.to_xarray() for one in later], "time")
    >>> free_energy_over(P, H, T=2.0).values.round(3)
    array([0.   , 2.886])
    """
    import xarray as xr

    dims = [v.name for v in H.variables]
    missing = [name for name in dims if name not in P.dims]
    if missing:
        raise QueryError(
            f"P has no dim {missing[0]!r}: stack the to_xarray() of distributions, such as "
            'xr.concat([P.to_xarray() for P in found], "time").'
        )
    temperatures = xr.DataArray(T)
    if not bool((temperatures > 0).all()):
        raise QueryError(
            f"T reaches {float(temperatures.min()):g}: a temperature is above 0. Let the schedule "
            "end at a small T, such as 1e-9."
        )
    shape = [v.size for v in H.variables]
    values = xr.DataArray((H.sign * H.floats).reshape(shape), dims=dims)
    # Where nothing is, 0 times the infinity of a forbidden state is to count as 0.
    mean = (P * values).where(P > 0, 0.0).sum(dims)
    entropy = -(P * np.log(P.where(P > 0, 1.0))).sum(dims)
    energy = mean + H.sign * temperatures * entropy
    name = "G" if H.sign > 0 else "F"
    return energy.rename(name).assign_attrs(long_name="free energy")


def _align(P: Distribution, H: Enthalpies) -> tuple[Masses, Array]:
    """The masses of the states that have one, and their enthalpies."""
    of_kind(P, Distribution, "P", 'a Distribution, such as Distribution.of(T, {"low": 1})')
    H = as_enthalpies(H)
    if set(P.variables) != set(H.variables):
        raise QueryError(
            f"The distribution is over {', '.join(map(str, P.variables))}, the enthalpies over "
            f"{', '.join(map(str, H.variables))}: they must be the same variables."
            + stranger(P.variables, H.variables)
        )
    same = P if P.variables == H.variables else P.marginal(*H.variables)
    return same.masses, H.values[same.states]


def _best(H: Enthalpies) -> Expr | float:
    """The best enthalpy; a symbolic one serves as well, since it is added again."""
    if not H.exact or all(value.is_number for value in H.values):
        return H.sign * max(H.rewards)
    return H.values[np.flatnonzero(H.allowed)[0]]


def _number(value: Expr | float) -> Expr | float:
    """An exact value as it is, any other as a float."""
    return value if isinstance(value, Expr) and not value.has(sympy.Float) else float(value)


def _times(T: Expr | float, nats: Expr | float) -> Expr | float:
    """T times a number of nats, exact where both are; 0 nats are 0 at any temperature."""
    if nats == 0:
        return 0
    if isinstance(nats, Expr) and isinstance(T, Expr):
        return T * nats
    return float(T) * float(nats)
