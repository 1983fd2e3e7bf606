"""What each measure of the literature says of the two thermostats, of C, and of Lorenz' system."""

import math

import numpy as np
import pytest
import sympy as sp
from sympy import Abs, Rational, log
from thermostats import P0, R, T, dumb, smart

from causalopt import (
    Box,
    Distribution,
    basin_stability,
    causal_strength,
    comp,
    conditional_exponents,
    control_bound,
    effective_information,
    effects,
    empowerment,
    information_flow,
    op,
    optimization_bits,
    run,
    semantic_information,
    transfer_entropy,
    viability,
)
from tests.measures.literature.examples import (
    a,
    b,
    c,
    failing,
    linear_thermostat,
    lorenz,
    noisy_thermostat,
    r,
    settled,
    t,
)

U = Distribution.uniform(T, R)
TEN = 6e-11  # ten digits after the point
NINE = 6e-10

BOTH = pytest.mark.parametrize("system", [dumb, smart], ids=["dumb", "smart"])


def each(dumb_value, smart_value):
    return pytest.mark.parametrize(
        ("system", "value"), [(dumb, dumb_value), (smart, smart_value)], ids=["dumb", "smart"]
    )


@each(0.8805347226, 1.2327486117)
def test_bits_of_a_warm_room(system, value):
    bits = optimization_bits(system, R, U, better="warm", steps=2)
    assert float(bits) == pytest.approx(value, abs=TEN)
    # A third of the outcomes are as good as warm, and all are as good as the rest.
    warm = {dumb: Rational(5, 9), smart: Rational(7, 9)}[system]
    assert sp.simplify(bits.value - warm * log(3) / log(2)) == 0
    assert bits.unit == "bit"


def test_bits_of_the_linear_thermostat_are_those_of_op():
    C = linear_thermostat()
    w = float(run(C.world(1000))["r"].values[0, -1])
    bits = optimization_bits(
        C, r[1000], Box.of({r: (34, 36)}), better=-Abs(r - w), measure="clamped", A=t
    )
    strength = op(C, A=t, n=r[0], m=r[1000]).item()
    assert float(bits) == pytest.approx(16.0761901, abs=6e-8)
    assert float(bits) == pytest.approx((strength + 1) / math.log(2), abs=1e-7)
    # A thousand roundings of r may move what is left of its way to 35 by a millionth.
    assert abs(float(bits) - (strength + 1) / math.log(2)) < bits.gap < 1e-5
    # The thermostat is all that there is besides the room.
    assert bits == optimization_bits(
        C, r[1000], Box.of({r: (34, 36)}), better=-Abs(r - w), measure="clamped"
    )


@each(1 / 9, 1)
def test_basin_stability_of_a_warm_room(system, value):
    starts = {T[0]: T.values, R[0]: R.values}
    share = basin_stability(system, {R: "warm"}, over=starts, steps=9)
    assert share.item() == value
    assert share.attrs["starts"] == 9


def test_basin_stability_of_the_linear_thermostat():
    starts = {t[0]: np.linspace(0, 20, 401), r[0]: np.linspace(5, 45, 401)}
    share = basin_stability(
        linear_thermostat(), Abs(r - 25) <= Rational(1, 2), over=starts, steps=300
    )
    assert share.item() == pytest.approx(0.5191447814, abs=TEN)
    assert share.attrs["starts"] == 401**2


@BOTH
def test_empowerment_from_hot(system):
    assert empowerment(system, T, R, start={R: "hot"}).value == 1


@pytest.mark.parametrize(("start", "value"), [("hot", 0.762848252), ("warm", 1.259227061)])
def test_empowerment_where_commands_fail(start, value):
    power = empowerment(failing(), T, R, start={R: start})
    assert float(power) == pytest.approx(value, abs=NINE)
    assert power.gap < 1e-12


@BOTH
def test_flow_from_the_thermostat_to_the_room(system):
    assert float(information_flow(system, T, R, U, do=R)) == pytest.approx(1.140518056, abs=NINE)


@each(1.584962501, 0.823323282)
def test_flow_from_the_room_to_the_thermostat(system, value):
    assert float(information_flow(system, R, T, U)) == pytest.approx(value, abs=NINE)


@BOTH
def test_a_perfect_controller_leaves_no_trace(system):
    assert transfer_entropy(system, T, R, P0).value == 0
    assert float(information_flow(system, T, R, P0, do=R)) > 1


@each(1.584962501, 0.918295834)
def test_strength_of_the_arrow_from_the_room(system, value):
    assert float(causal_strength(system, [(R, T)], P0)) == pytest.approx(value, abs=NINE)


def test_strength_of_an_arrow_of_the_noisy_thermostat():
    strength = causal_strength(noisy_thermostat(), [(t, r)], settled())
    assert float(strength) == pytest.approx(0.0037241653, abs=TEN)
    variance = settled().covariance[0, 0]
    closed = log(1 + variance / 10_000) / (2 * log(2))
    assert sp.simplify(sp.expand_log(strength.value - closed, force=True)) == 0


@each(2.725480557, 2.197159723)
def test_effective_information(system, value):
    assert float(effective_information(system)) == pytest.approx(value, abs=NINE)


@each(-0.149441996, 0.986426729)
def test_viability_of_the_room(system, value):
    worth = viability(system, T | R, P0, of=R, steps=2)
    assert float(worth) == pytest.approx(value, abs=NINE)


def test_semantic_information_of_the_room():
    needed = semantic_information(smart, T | R, P0, of=R, steps=2)
    assert float(needed) == pytest.approx(0.918295834, abs=NINE)
    assert float(needed["information"]) == pytest.approx(1.584962501, abs=NINE)
    assert set(needed["kept"]) == {("T = high", "T = off"), ("T = low",)}
    # In the dumb one knowledge harms, and so none is needed.
    assert semantic_information(dumb, T | R, P0, of=R, steps=2).value == 0


@each((0.149441996, 0.444444444), (0.598535772, 0.823323282))
def test_control_bound(system, value):
    closed, information = value
    bound = control_bound(system, T | R, U.push(system))
    assert float(bound) == pytest.approx(closed, abs=NINE)
    assert bound["open"] == 1
    assert float(bound["information"]) == pytest.approx(information, abs=NINE)
    assert float(bound) <= float(bound["bound"])


def test_effects_of_the_linear_thermostat():
    found = effects(linear_thermostat(), t, r[0], r[100])
    values = [found[name].item() for name in ("total", "direct", "through")]
    assert values == pytest.approx([0.3660136067, 1, -0.6339863933], abs=TEN)
    assert found.comp.item() == comp(linear_thermostat(), A=t, n=r[0], m=r[100]).item()


def test_effects_in_the_lorenz_system():
    found = effects(lorenz(), a, b[0], b.at(1.0))
    values = [found[name].item() for name in ("total", "direct")]
    assert values == pytest.approx([0.5552746376, 0.1738561415], abs=TEN)


@pytest.mark.parametrize(
    ("held", "total"), [(a, Rational(-11, 3)), (b, Rational(-38, 3)), (c, Rational(-11))]
)
def test_sums_of_conditional_exponents(held, total):
    system = lorenz(dt=0.005, method="rk4")
    found = conditional_exponents(system, held, steps=4000)
    # The divergence of the rates, which is constant, to the last bit but rounding.
    assert found.conditional_sum.item() == pytest.approx(float(total), rel=1e-15)
    assert found.whole_sum.item() == pytest.approx(-41 / 3, rel=1e-15)
    # That of the method is of the order of dt^4.
    assert found.conditional.sum().item() == pytest.approx(float(total), abs=1e-4)
    assert found.whole.sum().item() == pytest.approx(-41 / 3, abs=1e-3)
