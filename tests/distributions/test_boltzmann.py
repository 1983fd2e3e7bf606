"""The Boltzmann distribution: exact, in floats at any temperature, and what is refused."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from causalopt import (
    DeclarationError,
    Distribution,
    Enthalpies,
    QueryError,
    boltzmann,
    finite,
    log_partition,
)

level = finite("level", ["a", "b", "c", "d"])
side = finite("side", ["left", "right"])
T = sp.Symbol("T", positive=True)

values = st.lists(st.floats(-50, 50), min_size=4, max_size=4)
temperatures = st.floats(1e-3, 1e3)
conventions = st.sampled_from(["maximise", "minimise"])


def in_fifty_digits(given, temperature, sign):
    """Masses and log Z by mpmath, from the definition."""
    with mpmath.workdps(50):
        weights = [mpmath.exp(sign * mpmath.mpf(v) / mpmath.mpf(temperature)) for v in given]
        total = mpmath.fsum(weights)
        return [float(w / total) for w in weights], float(mpmath.log(total))


@given(values, temperatures, conventions)
def test_masses_and_partition_are_those_of_the_definition(given, temperature, convention):
    H = Enthalpies.of(level, given, convention)
    masses, log_z = in_fifty_digits(given, temperature, 1 if convention == "maximise" else -1)
    found = boltzmann(H, temperature).to_xarray().values
    np.testing.assert_allclose(found, masses, rtol=1e-9, atol=1e-300)
    assert log_partition(H, temperature) == pytest.approx(log_z, rel=1e-12, abs=1e-12)


@given(values, temperatures)
def test_minimised_energies_are_maximised_enthalpies_of_the_other_sign(given, temperature):
    down = boltzmann(Enthalpies.of(level, given, "minimise"), temperature)
    up = boltzmann(Enthalpies.of(level, [-v for v in given]), temperature)
    assert down == up


@given(st.lists(st.fractions(-3, 3), min_size=4, max_size=4), st.fractions("1/4", 4))
def test_exact_masses_are_the_float_ones(given, temperature):
    exact = boltzmann(Enthalpies.of(level, given), temperature)
    near = boltzmann(Enthalpies.of(level, [float(v) for v in given]), float(temperature))
    assert exact.exact
    np.testing.assert_allclose(exact.to_xarray(), near.to_xarray(), rtol=1e-12)


def test_logarithms_of_whole_numbers_give_rationals():
    H = Enthalpies.of(level, [sp.log(n) for n in (1, 2, 3, 4)])
    assert [boltzmann(H, 1).mass({level: v}) for v in level.values] == [
        sp.Rational(n, 10) for n in (1, 2, 3, 4)
    ]
    assert sp.simplify(log_partition(H, sp.Rational(1, 2)) - sp.log(30)) == 0


def test_a_symbolic_temperature_has_both_limits():
    P = boltzmann(Enthalpies.of(side, {"left": 0, "right": 1}), T)
    right = P.mass({side: "right"})
    assert sp.limit(right, T, 0, "+") == 1
    assert sp.limit(right, T, sp.oo) == sp.Rational(1, 2)


@pytest.mark.parametrize("temperature", [1e-300, 1e-9, 1e300, np.inf])
def test_no_temperature_is_too_cold_or_too_hot(temperature):
    H = Enthalpies.of(level, [1e8, 1e8 - 1.0, -1e8, -np.inf])
    found = boltzmann(H, temperature).to_xarray().values
    expected = [1, 0, 0, 0] if temperature < 1 else [1 / 3, 1 / 3, 1 / 3, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_forbidden_states_have_no_mass_and_no_part_in_the_partition():
    for infinite in (-sp.oo, -np.inf):
        H = Enthalpies.of((level, side), {(v, s): 0 for v in "abcd" for s in side.values})
        some = H.values.copy()
        some[3] = infinite
        forbidding = Enthalpies.of((level, side), some.reshape(4, 2))
        assert boltzmann(forbidding, 1).mass({level: "b", side: "right"}) == 0
        assert float(log_partition(forbidding, 1)) == pytest.approx(np.log(7))


@given(values, temperatures, st.floats(0.01, 0.99))
def test_a_tax_is_a_higher_temperature(given, temperature, fraction):
    H = Enthalpies.of(level, given)
    taxed = boltzmann(H.scaled(1 - fraction), temperature)
    warmer = boltzmann(H, temperature / (1 - fraction))
    np.testing.assert_allclose(taxed.to_xarray(), warmer.to_xarray(), rtol=1e-9, atol=1e-300)


def test_states_are_in_the_order_of_distributions():
    table = {(v, s): i for i, (v, s) in enumerate((v, s) for v in "abcd" for s in side.values)}
    listed = Enthalpies.of((level, side), np.arange(8.0).reshape(4, 2))
    mixed = Enthalpies.of((level, side), dict(reversed(table.items())))
    assert [float(v) for v in mixed.values] == listed.values.tolist()
    P = boltzmann(listed, 2.0)
    assert isinstance(P, Distribution)
    ratio = P.mass({level: "d", side: "right"}) / P.mass({level: "a", side: "left"})
    assert ratio == pytest.approx(np.exp(3.5))


@pytest.mark.parametrize(
    ("given", "convention", "said"),
    [
        ([0, 1, 2], "maximise", r"have shape \(3,\)"),
        ({"a": 0, "b": 1, "c": 2}, "maximise", "level = d has no enthalpy"),
        ({"a": 0, "b": 1, "c": 2, "e": 3}, "maximise", "no value of level"),
        ([0, 1, 2, float("nan")], "maximise", "level = d has the enthalpy nan, .* not a real"),
        ([0, 1, 2, np.inf], "maximise", "infinite on the likely side.* -inf for a state"),
        ([0, 1, 2, -sp.oo], "minimise", "infinite on the likely side.* inf for a state"),
        ([0, 1, 2, sp.I], "maximise", "not a real number"),
        ([0, 1, 2, "high"], "maximise", "write a number"),
        ([0, 1.5, 2, sp.Symbol("h", real=True)], "maximise", "mix the symbol h with floats"),
        ([-np.inf] * 4, "maximise", "Every state is forbidden"),
        ([0, 1, 2, 3], "physics", 'write "maximise"'),
    ],
)
def test_what_is_no_enthalpy_is_refused(given, convention, said):
    with pytest.raises(DeclarationError, match=said):
        Enthalpies.of(level, given, convention)


@pytest.mark.parametrize(
    ("temperature", "said"),
    [
        (0, "T is 0: a temperature is above 0.*small T"),
        (-1.0, "T is -1.0: a temperature is above 0"),
        (float("nan"), "T is nan"),
        ("warm", "write a temperature"),
        (None, "write a temperature"),
        (sp.Symbol("x", real=True), "make its symbols positive"),
    ],
)
def test_what_is_no_temperature_is_refused(temperature, said):
    with pytest.raises(QueryError, match=said):
        boltzmann(Enthalpies.of(level, [0, 1, 2, 3]), temperature)


def test_a_tax_of_all_leaves_what_is_forbidden_so():
    for nothing, number in ((0, 0), (0.0, 0.0)):
        H = Enthalpies.of(level, [1, 2, 3, -sp.oo], "maximise").scaled(nothing)
        assert [float(v) for v in H.values] == [number] * 3 + [-np.inf]
    assert boltzmann(H, 1.0).mass({level: "a"}) == pytest.approx(1 / 3)


def test_enthalpies_that_cannot_be_are_told():
    x = sp.Symbol("x")
    for ask, told in (
        (lambda: Enthalpies.of(level, [x, 1, 2, 3]).scaled(0.5), "write a real number"),
        (lambda: Enthalpies.of(level, {"a": 1, "b": 2, "c": 3, "d": 4, ("a",): 5}), "second value"),
        (lambda: Enthalpies.of(level, [1, 2, 3, 4], np.ones(2)), "convention is"),
        (lambda: Enthalpies.tabulated([level], "x"), "never parsed"),
    ):
        with pytest.raises(DeclarationError, match=told):
            ask()
    assert Enthalpies.tabulated([level], 3).values.tolist() == [3.0] * 4
