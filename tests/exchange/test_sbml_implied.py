"""Algebraic rules of SBML that no formula solves: which root is found, and how exactly."""

import re

import numpy as np
import pytest
import sympy
from exchange import oracles
from exchange.sbml_texts import (
    algebraic,
    assignment,
    compartment,
    event,
    model,
    parameter,
    rate,
    reaction,
    reference,
    species,
    start,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import lambertw

from causalopt import FileError, op, run, tangents
from causalopt.exchange.biology.implied import root_of

pytestmark = pytest.mark.usefixtures("in_this_process")


def course(system, steps=60):
    data = run(system.world(steps=steps)).sel(world="W")
    return {str(name): data[name].values.ravel() for name in data.data_vars}


X = (parameter("x", 4, constant=False), rate("x", "-x"))


def implied(infix, near, name="y"):
    return (*X, parameter(name, near, constant=False), algebraic(infix))


# What a rule determines, in closed form.
ROOTS = {
    "y^2 - x": (1, np.sqrt),
    "x - y^2": (-3, lambda x: -np.sqrt(x)),
    "y^3 - x^2": (2, lambda x: np.cbrt(x**2)),
    "y*exp(y) - x": (1, lambda x: lambertw(x).real),
    "y + 2*y^2 - x": (1, lambda x: 2 * x / (1 + np.sqrt(1 + 8 * x))),
    # Two roots, by where the file begins.
    "y^2 - 2*y - x": (3, lambda x: 1 + np.sqrt(1 + x)),
    "y^2 - 2*y - x + 0": (-1, lambda x: -x / (1 + np.sqrt(1 + x))),
    # A rate that is saturated.
    "x - 7*y/(0.5 + y)": (0.6, lambda x: 0.5 * x / (7 - x)),
    "ln(y) + time - x": (20, None),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("infix", ROOTS)
@pytest.mark.parametrize("method", ["rk4", "auto"])
def test_a_root_is_followed_from_where_the_file_begins(read, infix, method):
    near, solved = ROOTS[infix]
    found = course(read(*implied(infix, near), method=method))
    x, t = found["x"], np.arange(61) * 0.1
    expected = np.exp(x - t) if solved is None else solved(x)
    np.testing.assert_allclose(found["y"], expected, rtol=3e-15)


def test_a_root_that_becomes_far_smaller_keeps_its_digits(read):
    found = course(read(*implied("y^2 - x", 1), dt=0.5), steps=130)
    assert found["x"][-1] < 1e-27
    np.testing.assert_allclose(found["y"], np.sqrt(found["x"]), rtol=1e-15)


def test_a_rule_of_numbers_that_are_far_smaller_than_its_root_keeps_digits(read):
    K, b = 1e-18, 1e-9
    found = course(read(*implied("y^2 + 1e-9*y - 1e-18*x", 1e-9)))
    expected = 2 * K * found["x"] / (b + np.sqrt(b**2 + 4 * K * found["x"]))
    np.testing.assert_allclose(found["y"], expected, rtol=1e-15)


def test_what_follows_from_a_root_by_rules_closes_a_circle(read):
    """x is what is free and what is bound, k y^2: the rule is linear in y, and its end is not."""
    system = read(
        *X, parameter("k", 2), parameter("y", 1, constant=False), algebraic("x - y - bound"),
        parameter("bound", constant=False), assignment("bound", "k*y^2"),
        parameter("w", 0, constant=False), rate("w", "bound"),
    )  # fmt: skip
    assert {str(v): near for v, near in system.newton.items()} == {"y": 1.0}
    found = course(system)
    y = 2 * found["x"] / (1 + np.sqrt(1 + 8 * found["x"]))
    np.testing.assert_allclose(found["y"], y, rtol=2e-15)
    np.testing.assert_allclose(found["bound"], 2 * y**2, rtol=5e-15)


def test_a_root_moves_as_the_implicit_function_does(read):
    system = read(*implied("y*exp(y) - x", 1), parameter("u", 1, constant=False),
                  rate("u", "-y*u"))  # fmt: skip
    x, y, u = (oracles.named(system, name) for name in "xyu")
    W = system.world(steps=20)
    data, moved = run(W), tangents(W.perturb(x[0]))
    values = data.y.values.ravel()
    expected = 1 / (np.exp(values) * (1 + values)) * moved.x.values.ravel()
    np.testing.assert_allclose(moved.y.values.ravel(), expected, rtol=1e-13)
    # It is a node like any other, and all that u hears of x goes through it.
    assert op(W, A=[y], n=x[0], m=u[20]).item() == -np.inf


def test_rules_determine_together_what_is_left_for_them(read):
    """A binding in balance: all of A and of B, free and bound, and bound K = free A times free B.

    None of the three rules has one symbol alone. In closed form bound is the smaller root of
    (A - bound) (B - bound) = K bound.
    """
    system = read(
        *X, *(parameter(name, 0.5, constant=False) for name in ("a", "b", "bound")),
        parameter("B", 3), parameter("K", 0.25), algebraic("x - a - bound"),
        algebraic("a*b - K*bound"), algebraic("B - b - bound"),
    )  # fmt: skip
    assert {str(v) for v in system.algebraic} == {"a", "b", "bound"}
    found = course(system)
    x, B, K = found["x"], 3, 0.25
    total = x + B + K
    bound = 2 * x * B / (total + np.sqrt(total**2 - 4 * x * B))
    np.testing.assert_allclose(found["bound"], bound, rtol=1e-14)
    np.testing.assert_allclose(found["a"] * found["b"], K * bound, rtol=1e-14)
    np.testing.assert_allclose(found["b"], B - bound, rtol=1e-14)


def test_a_species_may_be_what_is_sought(read):
    """A concentration in 2 litres, of which the file gives the amount; it feeds a reaction."""
    system = read(
        *X, compartment("c", 2), species("Y", amount=3), species("P", 0), algebraic("Y^2 + Y - x"),
        reaction("r", "", reference("P"), "Y*c"),
    )  # fmt: skip
    assert {str(v): near for v, near in system.newton.items()} == {"Y": 1.5}
    found = course(system)
    np.testing.assert_allclose(
        found["Y"], 2 * found["x"] / (1 + np.sqrt(1 + 4 * found["x"])), rtol=2e-15
    )
    assert found["P"][-1] > 0


def test_where_the_search_begins_may_follow_from_numbers(read):
    for sign in (1, -1):
        given = (parameter("y", constant=False), start("y", "2*k"), parameter("k", sign))
        found = course(read(*X, *given, algebraic("y^2 - x")))
        np.testing.assert_allclose(found["y"], sign * np.sqrt(found["x"]), rtol=1e-15)


def test_what_starts_from_a_root_and_what_waits_for_it(read):
    system = read(
        *implied("y^2 - x", 1), parameter("z", constant=False), start("z", "3*y"),
        parameter("v", 0, constant=False), rate("v", "delay(y, 1)"),
    )  # fmt: skip
    found = course(system, 10)
    assert found["z"][0] == 6
    # Before the start there is what is there: 2, over a unit of time.
    assert found["v"][-1] == pytest.approx(2, rel=1e-14)


def test_units_of_the_rule_are_those_of_its_parts(read):
    parts = (
        compartment("c", 1), parameter("K", 3, units="per_mole"), parameter("k", 1, units="per_s"),
        species("x", 4), reaction("r", reference("x"), "", "k*x*c"),
        species("y", 1), algebraic("K*y^2 + y - x"),
    )  # fmt: skip
    kinds = {"per_mole": ("litre", 1, "mole", -1), "per_s": ("second", -1, "litre", 0)}
    units = "".join(
        f'<unitDefinition id="{name}"><listOfUnits>'
        f'<unit kind="{a}" exponent="{p}" scale="0" multiplier="1"/>'
        f'<unit kind="{b}" exponent="{q}" scale="0" multiplier="1"/>'
        "</listOfUnits></unitDefinition>"
        for name, (a, p, b, q) in kinds.items()
    )
    text = model(*parts).replace(
        '<model id="m">', '<model id="m" substanceUnits="mole" timeUnits="second" '
        f'volumeUnits="litre" extentUnits="mole"><listOfUnitDefinitions>{units}'
        "</listOfUnitDefinitions>",
    )  # fmt: skip
    system = read(text)
    assert oracles.named(system, "y").unit == "mol/L"
    found = course(system)
    np.testing.assert_allclose(
        found["y"], 2 * found["x"] / (1 + np.sqrt(1 + 12 * found["x"])), rtol=2e-15
    )
    # What is added within it is still compared.
    with pytest.raises(FileError, match=r"m\.xml: The mechanism of y .* not alike"):
        read(text.replace('id="per_mole"', 'id="p"').replace('"per_mole"', '"per_s"'))


@settings(max_examples=40, deadline=None)
@given(*[st.floats(0.1, 10)] * 2, st.floats(0.01, 20))
def test_the_root_of_what_rises_and_bends_up_is_that_of_another_program(a, b, d):
    y, z = sympy.symbols("y z", real=True)
    # a y^3 + b y = d, cut in two: from above Newton's method comes to it.
    found = root_of([z, y], {z: a * y**3, y: (d - z) / b}, {y: 20.0}, {})
    expected = brentq(lambda v: a * v**3 + b * v - d, 0, 300, xtol=1e-15)
    assert found[y] == pytest.approx(expected, rel=1e-13)
    assert found[z] == pytest.approx(a * expected**3, rel=1e-12)


def test_a_root_at_nothing_is_found_to_rounding():
    x, y, z = sympy.symbols("x y z", real=True)
    found = root_of([z, y], {z: y / 3 + 100, y: x - z}, {y: 7.0}, {x: 100.0})
    assert abs(found[y]) < 1e-13
    # Where nothing is added up nothing is rounding: y^3 has a root that turns come near by a third.
    assert root_of([y], {y: y - y**3}, {y: 1.0}, {}) is None


REFUSED = {
    "a slope of 0": (implied("y^2 - x", 0),
                     "comes to no root of the algebraic rule from y = 0, as the file says: write"),
    "no root": (implied("y^2 + x", 1), "no root of the algebraic rule from y = 1"),
    "no number there": (implied("ln(y) - x", -1), "no root|not real"),
    "no value": (implied("y^2 - x", None), "does not say near to which number: give 'y' a value"),
    "a value that changes": ((*X, parameter("y", constant=False), start("y", "x"),
                              algebraic("y^2 - x")), "give 'y' a value"),
    "an event": ((*implied("y^2 - x", 2), event("time > 1", {"x": "9"})),
                 "where events are found: solve it, and write an assignment rule"),
    "more rules than symbols": (
        (*implied("y + z - x", 1), parameter("z", 1, constant=False), algebraic("y*z - 1"),
         algebraic("y - z")), "as many as the symbols .*y, z is left here|no sound SBML"),
    "no symbol for a rule": (
        (*implied("y + z + w", 1), *(parameter(n, 1, constant=False) for n in "zw"),
         algebraic("y*z - 1")), "as many as the symbols .*, y, z|w, y, z is left here"),
    "nothing of it": (implied("x + 0*y", 1), "says nothing of 'y'"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_found_is_told_with_its_place(read, case):
    parts, told = REFUSED[case]
    with pytest.raises(FileError, match=r"m\.xml, line \d+, column \d+: ") as caught:
        read(*parts)
    assert re.search(told, str(caught.value)), caught.value
