"""Slopes that are too small for a float say what they say: Comp and Op go on through them."""

import numpy as np
import pytest
from sympy import exp

from causalopt import Network, comp, every_n, op, parameters, tangents, variables

x, y, z, a, m = variables("x y z a m")
(k,) = parameters("k")

# The node z, where x and y are, and what z is divided by to be a number again: by hand.
TINY = {
    "a square": (x**2 * y, 1e-200, 3.0),
    "below all floats twice": (x**4 * y, 1e-200, 3.0),
    "with few digits left": (x**2 * y, 1.7e-160, 3.0),
    "an exponential": (exp(-x) * y, 800.0, 3.0),
    "a quotient": (y / x**2, 1e200, 3.0),
}


def declared(formula, at_x, at_y):
    return Network({z: formula, a: 2 * z, m: a + z}, start={x: at_x, y: at_y})


@pytest.mark.parametrize("backend", ["numpy", "numba", "auto"])
@pytest.mark.parametrize("name", TINY)
def test_what_passes_through_a_slope_that_is_no_float_is_measured(name, backend):
    network = declared(*TINY[name])
    found = comp(network, A=a, n=y, m=m, backend=backend)
    assert found.item() == pytest.approx(3.0, rel=1e-15)
    assert found.attrs["undefined"] == 0
    strength = op(network, A=a, n=y, m=m, backend=backend)
    assert strength.item() == pytest.approx(-np.log(3.0), rel=1e-15)


def test_all_digits_of_a_sum_of_slopes_that_are_no_floats():
    # d(x**2 y + x**3)/dx = 2 x y + 3 x**2, and by y x**2: in Y m keeps the half that is not via a.
    network = Network({z: x**2 * y, a: x**2 * y * 7, m: a + 3 * z}, start={x: 1e-200, y: 3.0})
    assert comp(network, A=a, n=y, m=m).item() == pytest.approx(10 / 3, rel=1e-15)


def test_a_half_clamp_lets_half_of_a_slope_through():
    network = Network(
        {z: x**2 * y, m: 1e300 * z, a: 1e200 * m}, start={x: 1e-200, y: 3.0}, parameters={k: 0.5}
    )
    W = network.world()
    X = W.perturb(y).clamp([z], to=W, by=k)
    assert tangents(X).sel(node="a").value.item() == pytest.approx(0.5e100, rel=1e-14)


def test_a_pass_back_carries_what_is_no_float():
    network = declared(*TINY["a square"])
    found = every_n(network, A=a, m=m)
    assert found.sel(node="y").item() == pytest.approx(3.0, rel=1e-15)


def test_points_of_a_sweep_have_slopes_of_their_own():
    network = declared(*TINY["a square"])
    found = comp(network, A=a, n=y, m=m, over={x: [0.0, 1e-300, 1e-200, 1.0]})
    # At 0 nothing moves at all.
    assert np.isnan(found.values[0])
    assert found.values[1:] == pytest.approx([3.0] * 3, rel=1e-15)
    assert (found.attrs["undefined"], found.attrs["saturated"]) == (1, 1)


def test_a_derivative_that_is_a_float_again():
    network = Network({z: x**2 * y, m: 1e300 * z, a: 1e200 * m}, start={x: 1e-200, y: 3.0})
    found = tangents(network.world().perturb(y)).sel(node="a").value
    assert found.item() == pytest.approx(1e100, rel=1e-14)
