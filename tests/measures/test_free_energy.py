"""Free energy: laws in both conventions, exact values, over time, and what is refused."""

import mpmath
import numpy as np
import pytest
import sympy as sp
import xarray as xr
from hypothesis import assume, given
from hypothesis import strategies as st

from causalopt import (
    Distribution,
    Enthalpies,
    QueryError,
    boltzmann,
    equilibrium_free_energy,
    finite,
    free_energy,
    free_energy_gap,
    free_energy_over,
    heat_capacity,
    mean_enthalpy,
)

level = finite("level", ["a", "b", "c", "d"])
side = finite("side", ["left", "right"])

values = st.lists(st.floats(-20, 20), min_size=4, max_size=4)
temperatures = st.floats(0.05, 50)
conventions = st.sampled_from(["maximise", "minimise"])
chances = st.lists(st.floats(0.01, 1), min_size=4, max_size=4).map(
    lambda found: Distribution.of(level, np.array(found) / sum(found))
)


@given(chances, values, temperatures, conventions)
def test_the_gap_is_temperature_times_relative_entropy(P, given, T, convention):
    H = Enthalpies.of(level, given, convention)
    with mpmath.workdps(50):
        sign = 1 if convention == "maximise" else -1
        weights = [mpmath.exp(sign * mpmath.mpf(v) / mpmath.mpf(T)) for v in given]
        chance = [w / mpmath.fsum(weights) for w in weights]
        masses = [mpmath.mpf(m) for m in P.to_xarray().values.tolist()]
        pairs = zip(masses, chance, strict=True)
        expected = float(T * mpmath.fsum(p * mpmath.log(p / q) for p, q in pairs))
    assert free_energy_gap(P, H, T) == pytest.approx(expected, rel=1e-9, abs=1e-10)


@given(chances, values, temperatures)
def test_physics_has_the_other_sign(P, given, T):
    G = free_energy(P, Enthalpies.of(level, given), T)
    F = free_energy(P, Enthalpies.of(level, [-v for v in given], "minimise"), T)
    assert pytest.approx(-F, rel=1e-12, abs=1e-12) == G


@given(values, temperatures, conventions)
def test_equilibrium_has_the_free_energy_of_its_distribution(given, T, convention):
    H = Enthalpies.of(level, given, convention)
    expected = free_energy(boltzmann(H, T), H, T)
    assert equilibrium_free_energy(H, T) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(values, st.floats(0.5, 50), conventions)
def test_heat_capacity_is_the_slope_of_the_mean(given, T, convention):
    assume(max(given) - min(given) > 0.1)
    H = Enthalpies.of(level, given, convention)
    with mpmath.workdps(50):
        sign = 1 if convention == "maximise" else -1

        def mean(temperature):
            weights = [mpmath.exp(sign * mpmath.mpf(v) / temperature) for v in given]
            pairs = zip(given, weights, strict=True)
            return mpmath.fsum(v * w for v, w in pairs) / mpmath.fsum(weights)

        slope = float(-sign * mpmath.diff(mean, mpmath.mpf(T)))
    assert heat_capacity(H, T) == pytest.approx(slope, rel=1e-8, abs=1e-12)


def test_exact_values_stay_exact():
    H = Enthalpies.of(side, {"left": 0, "right": sp.log(3)})
    third = sp.Rational(1, 4)
    P = boltzmann(H, 1)
    assert P.mass({side: "left"}) == third
    assert sp.simplify(mean_enthalpy(P, H) - 3 * sp.log(3) / 4) == 0
    assert sp.simplify(equilibrium_free_energy(H, 1) - sp.log(4)) == 0
    assert sp.simplify(free_energy(P, H, 1) - sp.log(4)) == 0
    assert sp.simplify(heat_capacity(H, 1) - 3 * sp.log(3) ** 2 / 16) == 0
    T = sp.Symbol("T", positive=True)
    assert sp.limit(equilibrium_free_energy(H, T), T, 0, "+") == sp.log(3)


def test_a_float_temperature_gives_floats():
    H, P = Enthalpies.of(side, {"left": 0, "right": 3}), Distribution.uniform(side)
    found = [f(H, 0.5) for f in (equilibrium_free_energy, heat_capacity)]
    found += [f(P, H, 0.5) for f in (free_energy, free_energy_gap)]
    assert [type(one) for one in found] == [float] * 4


@pytest.mark.parametrize("T", [1e-300, 1e-12])
def test_the_coldest_free_energy_is_the_best_enthalpy(T):
    H = Enthalpies.of(level, [3.0, 1.0, 2.0, -np.inf])
    assert equilibrium_free_energy(H, T) == 3.0
    assert heat_capacity(H, T) == 0.0
    assert free_energy_gap(Distribution.delta({level: "c"}), H, T) == 1.0


def test_a_forbidden_state_with_mass_has_the_worst_free_energy():
    even = Distribution.uniform(side)
    up = Enthalpies.of(side, {"left": 0, "right": -sp.oo})
    down = Enthalpies.of(side, {"left": 0, "right": sp.oo}, "minimise")
    assert free_energy(even, up, 1) == -sp.oo
    assert free_energy(even, down, 1) == sp.oo


@given(st.lists(chances, min_size=3, max_size=3), values, conventions)
def test_over_time_it_is_that_of_each_time(found, given, convention):
    H = Enthalpies.of(level, given, convention)
    T = xr.DataArray([0.5, 1.0, 4.0], dims="time")
    P = xr.concat([one.to_xarray() for one in found], "time")
    expected = [free_energy(one, H, t) for one, t in zip(found, T.values.tolist(), strict=True)]
    np.testing.assert_allclose(free_energy_over(P, H, T), expected, rtol=1e-9, atol=1e-9)


def test_over_time_with_two_variables_and_empty_states():
    H = Enthalpies.of((level, side), np.arange(8.0).reshape(4, 2))
    P = Distribution.delta({side: "right", level: "c"})
    assert free_energy_over(P.to_xarray(), H, 2.0).item() == 5.0


def test_what_does_not_fit_is_refused():
    H = Enthalpies.of(level, [0, 1, 2, 3])
    with pytest.raises(QueryError, match="must be the same variables"):
        free_energy(Distribution.uniform(side), H, 1)
    with pytest.raises(QueryError, match="P has no dim 'level'"):
        free_energy_over(Distribution.uniform(side).to_xarray(), H, 1)
    cooled = xr.DataArray([1.0, 0.0], dims="time")
    P = xr.concat([Distribution.uniform(level).to_xarray()] * 2, "time")
    with pytest.raises(QueryError, match=r"T reaches 0.*Let the schedule"):
        free_energy_over(P, H, cooled)
