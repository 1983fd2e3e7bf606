"""SBML feature by feature: small models, and what their equations come to in closed form."""

import math
import random
import re

import mpmath
import numpy as np
import pytest
import sympy
from exchange import oracles
from exchange.sbml_texts import (
    algebraic,
    assignment,
    compartment,
    element,
    event,
    function,
    local,
    model,
    parameter,
    rate,
    reaction,
    reader,
    reference,
    species,
    start,
)

from causalopt import FileError, run
from causalopt.exchange import read_sbml
from causalopt.language.symbols import time

pytestmark = pytest.mark.usefixtures("in_this_process")


@pytest.fixture
def read(tmp_path):
    return reader(tmp_path, dt=0.01)


def refusal(read, *parts, **how):
    """What is told of a model, with a place in it."""
    with pytest.raises(FileError, match=r"m\.xml, line \d+, column \d+: ") as caught:
        read(*parts, **how)
    return str(caught.value)


def course(system, steps):
    """The values of each variable over a run, by name."""
    data = run(system.world(steps=steps)).sel(world="W")
    return {str(name): data[name].values.ravel() for name in data.data_vars}


def at(values, t):
    return values[round(t / 0.01)]


C = compartment("c", 1)


# -- species and compartments ----------------------------------------------------------------------


def test_a_concentration_changes_by_its_compartments_size(read):
    system = read(
        compartment("c", 2),
        species("S", 3),
        species("A", amount=3, is_amount=True),
        reaction("r", reference("S"), "", "0.5*S*c"),
        reaction("q", reference("A"), "", "0.5*A"),
    )
    found = course(system, 100)
    expected = 3 * np.exp(-0.5 * np.arange(101) * 0.01)
    np.testing.assert_allclose(found["S"], expected, rtol=1e-9)
    np.testing.assert_allclose(found["A"], expected, rtol=1e-9)


def test_amounts_are_kept_between_compartments_of_two_sizes(read):
    system = read(
        compartment("c", 2), compartment("d", 5),
        species("S", 3), species("T", 1, within="d"),
        reaction("r", reference("S"), reference("T", 2), "0.7*c*S*T"),
    )  # fmt: skip
    found = course(system, 200)
    np.testing.assert_allclose(2 * 2 * found["S"] + 5 * found["T"], 2 * 2 * 3 + 5, rtol=1e-13)
    assert found["S"][-1] < 1


@pytest.mark.parametrize(
    ("infix", "expected"),
    [
        ("tanh(exp(-time^2))", math.tanh(1)),
        ("sin(cos(x))", math.sin(1)),
        ("arctan(exp(x))", math.pi / 4),
    ],
)
def test_whole_numbers_inside_of_formulas_are_numbers_at_the_start(course, infix, expected):
    changing = parameter("x", 0, constant=False), rate("x", "0.1")
    found = course("y", *changing, parameter("y", constant=False), assignment("y", infix))
    assert found[0] == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("given", "is_amount", "size", "expected"),
    [
        ({"amount": 6}, False, 2, 3.0),
        ({"amount": 6}, True, 2, 6.0),
        ({"concentration": 6}, False, 2, 6.0),
        ({"concentration": 6}, True, 2, 12.0),
    ],
)
def test_starts_are_given_as_amounts_or_as_concentrations(
    read, given, is_amount, size, expected
):  # fmt: skip
    system = read(
        compartment("c", size),
        species("S", is_amount=is_amount, **given),
        reaction("r", reference("S"), "", "c"),
    )
    assert system.start_values[oracles.named(system, "S")] == expected


def growing(ruled, **more):
    return (
        compartment("c", 2, constant=False),
        *ruled,
        species("S", 3),
        species("B", 3, boundaryCondition=True),
        species("A", amount=6, is_amount=True),
        reaction("r", reference("S"), "", "k*S*c"),
        parameter("k", 0.5),
    )


def test_what_a_growing_compartment_holds_is_diluted(read):
    t = np.arange(201) * 0.01
    for ruled in ([rate("c", "0.3")], [assignment("c", "2 + 0.3*time")]):
        found = course(read(*growing(ruled)), 200)
        np.testing.assert_allclose(found["c"], 2 + 0.3 * t, rtol=1e-12)
        # The amount decays by k, whatever holds it.
        np.testing.assert_allclose(found["S"], 6 * np.exp(-0.5 * t) / (2 + 0.3 * t), rtol=1e-9)
        np.testing.assert_allclose(found["B"], 6 / (2 + 0.3 * t), rtol=1e-12)
        np.testing.assert_allclose(found["amount of S"], 6 * np.exp(-0.5 * t), rtol=1e-9)


def test_a_compartment_that_jumps_keeps_amounts(read):
    jump = event("time >= 0.505", {"c": "4"})
    found = course(read(*growing([jump])), 100)
    assert at(found["S"], 0.5) == pytest.approx(3 * math.exp(-0.25), rel=1e-9)
    assert at(found["S"], 1) == pytest.approx(6 * math.exp(-0.5) / 4, rel=1e-9)


def test_a_concentration_is_set_in_the_compartment_that_is_set_with_it(read):
    jump = event("time >= 0.505", {"c": "4", "S": "7"})
    found = course(read(*growing([jump])), 51)
    assert found["S"][-1] == pytest.approx(7 * math.exp(-0.5 * 0.005), rel=1e-9)
    assert found["amount of S"][-1] == pytest.approx(28 * math.exp(-0.5 * 0.005), rel=1e-9)


def test_what_nothing_changes_is_a_parameter(read):
    system = read(
        C, species("S", 3), species("B", 2, boundaryCondition=True),
        species("K", 5, boundaryCondition=True, constant=True),
        parameter("free", 4, constant=False),
        reaction("r", reference("B") + reference("K"), reference("S"), "k*B*K", local("k", 7)),
    )  # fmt: skip
    assert set(map(str, system.parameters)) == {"c", "B", "K", "free", "r.k", "dt"}
    assert list(map(str, system.mechanisms)) == ["S"]
    assert course(system, 100)["S"][-1] == pytest.approx(3 + 70, rel=1e-12)


# -- reactions -------------------------------------------------------------------------------------


def test_stoichiometries_may_change(read):
    system = read(
        C, species("P", 0), species("Q", 0),
        reaction("r", "", reference("P", None, False, id="n") + reference("Q", 1.5, id="m"), "2"),
        assignment("n", "3*time"), parameter("twice", constant=False), assignment("twice", "2*m"),
    )  # fmt: skip
    found = course(system, 100)
    assert found["P"][-1] == pytest.approx(3, rel=1e-12)
    assert found["Q"][-1] == pytest.approx(3, rel=1e-12)
    assert found["twice"][-1] == 3
    assert "m" not in found


def test_stoichiometries_of_level_2_may_be_formulas(read):
    from exchange.sbml_texts import math as written

    told = element("stoichiometryMath", {}, written("3*time"))
    product = f'<speciesReference species="P">{told}</speciesReference>'
    text = model(
        '<compartment id="c" size="1"/>\n',
        '<species id="P" compartment="c" initialConcentration="0"/>\n',
        '<reaction id="r"><listOfProducts>' + product + "</listOfProducts><kineticLaw>"
        + written("2") + "</kineticLaw></reaction>\n",
        level=2, version=4,
    )  # fmt: skip
    assert course(read(text, units=False), 100)["P"][-1] == pytest.approx(3, rel=1e-12)


def test_level_1_is_read(read):
    text = (
        '<?xml version="1.0"?>\n<sbml xmlns="http://www.sbml.org/sbml/level1" level="1" '
        'version="2"><model name="m"><listOfCompartments><compartment name="c" volume="2"/>'
        '</listOfCompartments><listOfSpecies><species name="S" compartment="c" initialAmount="6"/>'
        '</listOfSpecies><listOfParameters><parameter name="k" value="0.5"/></listOfParameters>'
        '<listOfReactions><reaction name="r"><listOfReactants><speciesReference species="S"/>'
        '</listOfReactants><kineticLaw formula="k*S*pow(c, 1)"/></reaction></listOfReactions>'
        "</model></sbml>"
    )
    found = course(read(text), 100)["S"]
    assert found[0] == 3
    assert found[-1] == pytest.approx(3 * math.exp(-0.5), rel=1e-9)


def test_conversion_factors_turn_extents_into_amounts(read):
    parts = (
        C, species("S", 0, conversionFactor="f"), species("T", 0), parameter("f", 10),
        parameter("g", 100), reaction("r", "", reference("S") + reference("T"), "2"),
    )  # fmt: skip
    text = model(*parts).replace('<model id="m">', '<model id="m" conversionFactor="g">')
    found = course(read(text), 100)
    assert found["S"][-1] == pytest.approx(20, rel=1e-12)
    assert found["T"][-1] == pytest.approx(200, rel=1e-12)


def test_the_rate_of_a_reaction_has_its_name(read):
    system = read(
        C, species("S", 1), species("P", 0), parameter("flow", constant=False),
        assignment("flow", "2*r + 1"), reaction("r", reference("S"), "", "0.5*S*c"),
        reaction("q", "", reference("P"), "r"),
    )  # fmt: skip
    found = course(system, 100)
    np.testing.assert_allclose(found["flow"], 1 + found["S"], rtol=1e-12)
    np.testing.assert_allclose(found["P"], 1 - found["S"], rtol=1e-9, atol=1e-15)


# -- rules and starts ------------------------------------------------------------------------------


def test_each_assignment_rule_is_a_node_of_its_own(read):
    system = read(
        parameter("x", 2, constant=False), rate("x", "-y"),
        parameter("y", constant=False), assignment("y", "2*z"),
        parameter("z", constant=False), assignment("z", "x/2"),
    )  # fmt: skip
    assert list(map(str, system.algebraic)) == ["y", "z"]
    found = course(system, 100)
    assert found["y"][-1] == pytest.approx(2 * math.exp(-1), rel=1e-9)
    assert found["z"][-1] == pytest.approx(math.exp(-1), rel=1e-9)


def test_an_algebraic_rule_is_solved_for_what_is_left(read):
    system = read(
        parameter("x", 2, constant=False), rate("x", "-x"), parameter("k", 4),
        parameter("y", 0, constant=False), algebraic("x + k*y - 10"),
    )  # fmt: skip
    found = course(system, 100)
    np.testing.assert_allclose(found["y"], (10 - found["x"]) / 4, rtol=1e-14)


def test_starts_may_be_formulas(read):
    system = read(
        compartment("c", 2), species("S", 3), species("T"), parameter("k", 4),
        parameter("twice"), parameter("total"), start("total", "S + T"), start("T", "twice + S"),
        start("twice", "2*k + 3*time"), reaction("r", reference("S"), "", "c"),
        reaction("q", reference("T"), "", "c"),
    )  # fmt: skip
    values = {str(v): value for v, value in system.start_values.items()}
    assert (values["T"], values["total"]) == (11, 14)
    # What follows from a start is a node, so that a nudge of the start reaches it.
    assert oracles.named(system, "total") in system.mechanisms
    assert system.parameter_values[oracles.named(system, "twice")] == 8


def test_functions_are_written_out(read):
    system = read(
        parameter("x", 1, constant=False), rate("x", "f(g(x), 2)"),
        function("g", "lambda(x, -x)"), function("f", "lambda(u, v, u*v)"),
    )  # fmt: skip
    assert course(system, 100)["x"][-1] == pytest.approx(math.exp(-2), rel=1e-8)


def test_rates_are_asked_for_by_name(read):
    system = read(
        compartment("c", 2), species("S", 3), parameter("k", 0.5),
        parameter("y", constant=False), assignment("y", "rateOf(S) + rateOf(k)"),
        reaction("r", reference("S"), "", "k*S*c"),
    )  # fmt: skip
    found = course(system, 100)
    np.testing.assert_allclose(found["y"], -0.5 * found["S"], rtol=1e-14)


def test_delays_are_lags(read):
    # x' = -x(t - 1), and x = 1 before: x = 1 - t up to 1, then 1 - t + (t - 1)^2/2.
    found = course(
        read(parameter("x", 1, constant=False), rate("x", "-delay(x, tau)"), parameter("tau", 1)),
        200,
    )["x"]
    t = np.arange(201) * 0.01
    np.testing.assert_allclose(found, 1 - t + np.where(t > 1, (t - 1) ** 2 / 2, 0), atol=1e-12)


def test_delays_of_what_follows_from_others(read):
    system = read(
        parameter("x", 1, constant=False), rate("x", "-1"),
        parameter("y", constant=False), assignment("y", "2*x"),
        parameter("z", 0, constant=False), rate("z", "delay(y, 0.5) + delay(time, 0.5)"),
    )  # fmt: skip
    # y(t - 1/2) is 2 up to 1/2, and 3 - 2t then; t - 1/2 goes on as it is.
    assert course(system, 100)["z"][-1] == pytest.approx(1 + (1.5 - 0.75) + 0, rel=1e-12)


def test_names_that_results_have_already_get_a_low_line(read):
    text = model(
        parameter("T", 1, constant=False), rate("T", "-dt*T"), parameter("dt", 2),
        parameter("time_", 3),
    ).replace('"T"', '"time"').replace("> T <", "> time <")  # fmt: skip
    system = read(text)
    assert set(map(str, system.parameters)) == {"dt", "dt_", "time_"}
    assert list(map(str, system.mechanisms)) == ["time__"]
    assert course(system, 100)["time__"][-1] == pytest.approx(math.exp(-2), rel=1e-8)


# -- formulas --------------------------------------------------------------------------------------

# What each operation comes to, by functions of Python alone.
OPERATIONS = {
    "x + y + 2": lambda x, y: x + y + 2,
    "x - y": lambda x, y: x - y,
    "-x": lambda x, y: -x,
    "x*y*3": lambda x, y: x * y * 3,
    "x/y": lambda x, y: x / y,
    "x^y": lambda x, y: x**y,
    "2^3": lambda x, y: 8,
    "x^(1/3)": lambda x, y: x ** (1 / 3),
    "sqrt(x)": lambda x, y: math.sqrt(x),
    "root(3, x)": lambda x, y: x ** (1 / 3),
    "abs(-x)": lambda x, y: abs(x),
    "exp(x)": lambda x, y: math.exp(x),
    "exponentiale^x": lambda x, y: math.exp(x),
    "ln(x)": lambda x, y: math.log(x),
    "log10(x)": lambda x, y: math.log10(x),
    "log(3, x)": lambda x, y: math.log(x, 3),
    "floor(-x)": lambda x, y: math.floor(-x),
    "ceil(x)": lambda x, y: math.ceil(x),
    "factorial(5)": lambda x, y: 120,
    "sin(x)": lambda x, y: math.sin(x),
    "cos(pi*x)": lambda x, y: math.cos(math.pi * x),
    "tan(x)": lambda x, y: math.tan(x),
    "sec(x)": lambda x, y: 1 / math.cos(x),
    "csc(x)": lambda x, y: 1 / math.sin(x),
    "cot(x)": lambda x, y: 1 / math.tan(x),
    "sinh(x)": lambda x, y: math.sinh(x),
    "cosh(x)": lambda x, y: math.cosh(x),
    "tanh(x)": lambda x, y: math.tanh(x),
    "sech(x)": lambda x, y: 1 / math.cosh(x),
    "csch(x)": lambda x, y: 1 / math.sinh(x),
    "coth(x)": lambda x, y: 1 / math.tanh(x),
    "asin(y)": lambda x, y: math.asin(y),
    "acos(y)": lambda x, y: math.acos(y),
    "atan(y)": lambda x, y: math.atan(y),
    "arcsec(x)": lambda x, y: math.acos(1 / x),
    "arccsc(x)": lambda x, y: math.asin(1 / x),
    "arccot(x)": lambda x, y: math.atan(1 / x),
    "asinh(x)": lambda x, y: math.asinh(x),
    "acosh(x)": lambda x, y: math.acosh(x),
    "atanh(y)": lambda x, y: math.atanh(y),
    "arcsech(y)": lambda x, y: math.acosh(1 / y),
    "arccsch(x)": lambda x, y: math.asinh(1 / x),
    "arccoth(x)": lambda x, y: math.atanh(1 / x),
    "min(x, y, 3)": lambda x, y: min(x, y, 3),
    "max(x, y)": lambda x, y: max(x, y),
    "quotient(-7*x, 2)": lambda x, y: math.trunc(-7 * x / 2),
    "rem(-7*x, 2)": lambda x, y: math.fmod(-7 * x, 2),
    "piecewise(x, x < y, y)": lambda x, y: y,
    "piecewise(x, x >= y, y)": lambda x, y: x,
    "piecewise(1, x > y && y > 0, 2)": lambda x, y: 1,
    "piecewise(1, x > y && y > 5, 2)": lambda x, y: 2,
    "piecewise(1, x < y || y > 5, 2)": lambda x, y: 2,
    "piecewise(1, !(x < y), 2)": lambda x, y: 1,
    "piecewise(1, xor(x > y, y > 0), 2)": lambda x, y: 2,
    "piecewise(1, implies(x > y, y > 5), 2)": lambda x, y: 2,
    "piecewise(1, gt(x, y, 0.1), 2)": lambda x, y: 1,
    "piecewise(1, gt(x, y, 0.9), 2)": lambda x, y: 2,
    "piecewise(1, y <= 0.25, 2)": lambda x, y: 1,
    "piecewise(1, x == 1.75, 2, x == 1, 3)": lambda x, y: 1,
    "piecewise(1, x != 1.75, 3)": lambda x, y: 3,
    "piecewise(1, true, 3)": lambda x, y: 1,
    "piecewise(1, false, 3)": lambda x, y: 3,
    "(x > y) + 1": lambda x, y: 2,
    "time + 1": lambda x, y: 1,
    "avogadro": lambda x, y: 6.02214179e23,
}  # fmt: skip


def test_operations_are_what_mathematics_says(read):
    names = [f"v{i}" for i in range(len(OPERATIONS))]
    # Of constants the formula is worked out as it is read, of variables in the run.
    system = read(
        parameter("x", 1.75, constant=False), rate("x", "0"),
        parameter("y", 0.25, constant=False), rate("y", "0"),
        *(parameter(name, constant=False) for name in names),
        *(assignment(name, infix) for name, infix in zip(names, OPERATIONS, strict=True)),
    )  # fmt: skip
    found = course(system, 1)
    for name, (infix, by_hand) in zip(names, OPERATIONS.items(), strict=True):
        assert found[name][0] == pytest.approx(by_hand(1.75, 0.25), rel=1e-14), infix


def test_operations_on_numbers_are_those_of_floats(read):
    numeric = {infix: f for infix, f in OPERATIONS.items() if "time" not in infix}
    names = [f"v{i}" for i in range(len(numeric))]
    written = (
        infix.replace("exp", "E").replace("max", "M").replace("x", "1.75").replace("y", "0.25")
        .replace("E", "exp").replace("M", "max").replace("1.75or", "xor")
        for infix in numeric
    )  # fmt: skip
    parts = [parameter(name, constant=False) for name in names]
    parts += [assignment(name, infix) for name, infix in zip(names, written, strict=True)]
    system = read(parameter("x", 1, constant=False), rate("x", "0"), *parts)
    values = {str(v): m.formula for v, m in system.algebraic.items()}
    for name, (infix, by_hand) in zip(names, numeric.items(), strict=True):
        expected = by_hand(1.75, 0.25)
        assert float(values[name]) == pytest.approx(expected, rel=1e-14), infix


def random_formula(draw, depth):
    """A formula of x, y and numbers, all of which is positive, as text and as a function."""
    if depth == 0:
        return draw.choice(["x", "y", "k", "2", "0.5", "3.25"])
    a, b = (random_formula(draw, depth - 1) for _ in range(2))
    return draw.choice(
        [f"({a} + {b})", f"({a}*{b})", f"({a}/{b})", f"sqrt({a})", f"({a})^2", f"ln(1 + {a})",
         f"exp(-{a})", f"max({a}, {b})", f"piecewise({a}, {a} < {b}, {b})", f"tanh({a})",
         f"f({a}, {b})"]
    )  # fmt: skip


def value_of(infix, x, y, k):
    """What such a formula comes to, by mpmath, of text that this file has made itself."""
    scope = {
        "x": mpmath.mpf(x),
        "y": mpmath.mpf(y),
        "k": mpmath.mpf(k),
        "f": lambda a, b: a / (a + b),
        "piecewise": lambda a, condition, b: a if condition else b,
        "sqrt": mpmath.sqrt,
        "ln": mpmath.log,
        "exp": mpmath.exp,
        "tanh": mpmath.tanh,
        "max": max,
    }
    return float(eval(infix.replace("^", "**"), {"__builtins__": {}}, scope))


# -- units -----------------------------------------------------------------------------------------


def unit(name, *factors):
    inside = "".join(
        element("unit", {"kind": kind, "exponent": power, "scale": scale, "multiplier": size})
        for kind, power, scale, size in factors
    )
    return element("unitDefinition", {"id": name}, f"<listOfUnits>{inside}</listOfUnits>")


MEASURED = (
    unit("per_min", ("second", -1, 0, 60)), unit("umol", ("mole", 1, -6, 1)),
    unit("odd", ("second", 1, 0, 7)), unit("minute", ("second", 1, 0, 60)),
)  # fmt: skip
UNITS = 'substanceUnits="umol" timeUnits="minute" volumeUnits="litre" extentUnits="umol"'


def measured(*parts):
    return model(*MEASURED, *parts).replace('<model id="m">', f'<model id="m" {UNITS}>')


def test_units_are_texts_of_the_house(read):
    text = measured(
        compartment("c", 2), species("S", 3), species("A", amount=1, is_amount=True),
        parameter("k", 0.5, units="per_min"), parameter("w", 1, units="odd"),
        reaction("r", reference("S") + reference("A"), "", "k*S*c"),
    )  # fmt: skip
    system = read(text)
    units = {str(s): s.unit for s in (*system.variables, *system.parameters)}
    assert units == {"c": "L", "S": "umol/L", "A": "umol", "k": "1/min", "w": "", "dt": "min"}


def test_units_that_do_not_fit_are_refused_and_may_be_left_out(read):
    text = measured(
        compartment("c", 2), species("S", 3), parameter("k", 0.5, units="per_min"),
        reaction("r", reference("S"), "", "k*S"),
    )  # fmt: skip
    with pytest.raises(FileError, match=r"m\.xml: The mechanism of S .*units=False\.$"):
        read(text)
    assert course(read(text, units=False), 100)["S"][-1] == pytest.approx(
        3 * math.exp(-0.25), rel=1e-9
    )


# -- refusals --------------------------------------------------------------------------------------

X = (parameter("x", 1, constant=False), rate("x", "-x"))
S = (C, species("S", 1))


def assigned(infix):
    return (*X, parameter("y", constant=False), assignment("y", infix))


REFUSED = {
    "an unknown symbol": (assigned("z + 1"), "uses 'z', which is no id"),
    "an unknown function": (assigned("f(x)"), "calls 'f', which is no function"),
    "too few arguments": ((*assigned("f(x)"), function("f", "lambda(a, b, a)")),
                          "takes 2 arguments, and is given 1"),
    "a function of itself": ((*assigned("f(x)"), function("f", "lambda(a, f(a))")),
                             "'f' -> 'f' goes round in a circle"),
    "rules in a circle": ((*assigned("2*z"), parameter("z", constant=False),
                           assignment("z", "y")), "goes round in a circle, "),
    "starts in a circle": ((*X, parameter("a"), parameter("b"), start("a", "b"), start("b", "a")),
                           "goes round in a circle, "),
    "a missing value": ((*X, parameter("k")), "'k' has no value"),
    "an infinite value": ((*X, parameter("k", "INF")), "'k' is the number inf"),
    "a missing start": ((*S, species("T"), reaction("r", reference("T"), "", "1")),
                        "'T' has no value"),
    "no size": ((element("compartment", {"id": "c", "constant": True, "spatialDimensions": 3}),
                 species("S", amount=1), reaction("r", reference("S"), "", "1")),
                "'c' has no value|no size"),
    "no law": ((*S, reaction("r", reference("S"), "", None)), "'r' has no kinetic law"),
    "no stoichiometry": ((*S, reaction("r", reference("S", None), "", "1")), "how much of 'S'"),
    "two rules": ((*X, assignment("x", "1")), "'x' has two rules|libsbml|no sound SBML"),
    "a constant that changes": ((parameter("x", 1), rate("x", "-x")), "declared to be constant"),
    "a rule and a reaction": ((*S, rate("S", "1"), reaction("r", reference("S"), "", "1")),
                              "reactions change it too"),
    "a rule and an event": ((*assigned("x"), event("time > 1", {"y": "1"})),
                            "an event sets it too"),
    "an open algebraic rule": ((*X, parameter("y", 0, constant=False),
                                parameter("z", 0, constant=False), algebraic("x + y + z")),
                               "y, z is left here"),
    "an algebraic rule of nothing": ((*X, algebraic("x - 1")), "nothing is left here"),
    "a rate of what has none": (assigned("rateOf(y)"), "goes round|no rate of its own"),
    "a delay that changes": (assigned("delay(x, x)"), "a delay of x: "),
    "an exponent": (assigned("x^1001"), "the exponent 1001"),
    "exponents of exponents": (assigned("(x^999)^999"), "the exponent 998001"),
    "a tower": (assigned("9^(9^(9^9))"), "beyond"),
    "a factorial": (assigned("factorial(1000)"), "not finite"),
    "no number": (assigned("sqrt(-2)"), "not real"),
    "no number at all": (assigned("notanumber"), "the number nan"),
    "infinity": (assigned("infinity"), "the number inf"),
    "a factor": (assigned("1e200*x*1e200"), "beyond the largest float"),
    "a parameter of units": ((*X, parameter("x", 2)), "given twice|no sound SBML"),
    "a species of nowhere": ((*X, species("S", 1, within="d")), "there is no compartment 'd'"),
    "a reaction of nothing": ((*S, reaction("r", reference("T"), "", "1")),
                              "there is no species 'T'"),
    "a rule for nothing": ((*X, rate("q", "1")), "there is no 'q'"),
    "an unknown factor": ((C, species("S", 1, conversionFactor="q"),
                           reaction("r", reference("S"), "", "1")), "there is no 'q'"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_told_with_its_place(case, read):
    parts, told = REFUSED[case]
    assert re.search(told, refusal(read, *parts))


def test_fast_reactions_are_refused(read):
    given = reaction("r", reference("S"), "", "1", fast=True)
    assert "'r' is fast" in refusal(read, *S, given, version=1)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ((parameter("k", 1),), "no variable"),
    ],
)  # fmt: skip
def test_what_cannot_be_as_a_whole_is_told(parts, told, read):
    with pytest.raises(FileError, match=f"m.xml: .*{told}"):
        read(*parts)


# What begins the line that is told: an element of its own for each.
GIVEN = {
    "a start": ((*X, parameter("a"), parameter("b", 900), start("a", "exp(exp(b))")),
                "<initialAssignment", "beyond the largest float"),
    "a rule": ((*assigned("1/(x - 1)"), parameter("w", 0, constant=False), rate("w", "y")),
               "<assignmentRule", "no finite real number"),
    "a fault of a formula": (assigned("z + 1"), "<assignmentRule", "is no id"),
    "a value": ((*X, '<parameter  id="k" constant="true"/>\n'), "<parameter  ", "'k' has no value"),
    "an amount": (
        (compartment("c", 2, constant=False), rate("c", "1"), species("T"), parameter("k", 1e300),
         start("T", "k*k"), reaction("r", reference("T"), "", "1")),
        "<initialAssignment", "beyond the largest float"),
    "what is no SBML": ((*X, '<parameter  id="k" constant="maybe"/>\n'), "<parameter  ",
                        "no sound SBML"),
}  # fmt: skip


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("case", GIVEN)
def test_the_line_that_is_told_is_that_of_the_file(case, declared, tmp_path):
    parts, begins, told = GIVEN[case]
    text = model(*parts)
    if not declared:
        text = "\n" + text.partition("\n")[2]
    path = tmp_path / "m.xml"
    path.write_text(text)
    (line,) = (n for n, one in enumerate(text.splitlines(), 1) if one.startswith(begins))
    with pytest.raises(FileError, match=rf"m\.xml, line {line}, column \d+: .*{told}"):
        read_sbml(path, dt=0.1)


# -- beside another program ------------------------------------------------------------------------

MANY = (
    compartment("c", 2), compartment("d", 5),
    species("S", 3), species("T", 1, within="d"), species("A", amount=4, is_amount=True),
    species("B", 2, boundaryCondition=True), parameter("k", 0.5), parameter("K", 2),
    parameter("p", 1, constant=False), rate("p", "S - 0.1*p*A"),
    parameter("q", constant=False), assignment("q", "K/(K + T) + p"),
    function("mm", "lambda(v, s, m, v*s/(m + s))"),
    reaction("r", reference("S"), reference("T", 2), "c*mm(k, S, K)*q"),
    reaction("u", reference("T") + reference("A", 3), reference("B") + reference("S"),
             "m*T*A*B/(1 + (A/K)^n)", local("m", 0.3) + local("n", 4)),
    reaction("w", "", reference("A"), "d*piecewise(k, T > S, k*K)*cos(S) + r"),
)  # fmt: skip


def test_rates_are_those_of_another_program(read, tmp_path):
    system = read(*MANY)
    beside = oracles.RoadRunner(tmp_path / "m.xml")
    draw = random.Random(3)
    for _ in range(12):
        state = {v: draw.uniform(0.1, 3) for v in system.mechanisms}
        ours = oracles.rates_at(system, state)
        for name, theirs in beside.rates(system, state).items():
            assert ours[name] == pytest.approx(theirs, rel=1e-12), name


def test_time_stands_for_itself(read):
    system = read(parameter("x", 0, constant=False), rate("x", "time"))
    (mechanism,) = system.mechanisms.values()
    assert mechanism.formula == time
    assert isinstance(mechanism.formula, sympy.Symbol)
