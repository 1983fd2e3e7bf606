"""Walks that come to few places: their densities on the grid of these, and what is refused."""

import numpy as np
import pytest
from sympy import Max, Min, Piecewise

from causalopt import QueryError, System, choice, noise, quasi_stationary, stationary, variables

x, y = variables("x y")


def walk(steps, start=4, **law):
    return System({x: x + noise("e", choice(steps, **law))}, start={x: start})


@pytest.mark.parametrize("places", [4, 8, 30])
@pytest.mark.parametrize("steps", [(-1, 1), (-1, 0, 1)])
def test_what_stays_of_a_walk_on_a_line_is_a_sine(places, steps):
    # The eigenvectors of a path graph: sin(pi k / N), k = 0, ..., N.
    found = quasi_stationary(walk(steps, 2), (0, places))
    k = np.arange(places + 1)
    assert found.x.values.tolist() == k.tolist()
    sine = np.sin(np.pi * k / places)
    assert found.values == pytest.approx(sine / sine.sum(), abs=1e-12)


def test_a_walk_by_two_has_the_density_of_its_own_places():
    found = quasi_stationary(walk((-2, 2), 1), (0, 8))
    # 1, 3, 5, 7: a path of four, with ends outside at -1 and 9.
    sine = np.sin(np.pi * np.arange(1, 5) / 5)
    assert found.values[1::2] == pytest.approx(sine / sine.sum(), abs=1e-12)
    assert not found.values[::2].any()


def test_decimals_are_read_as_written():
    found = quasi_stationary(walk((-0.1, 0.1), 0.3), (0, 0.8))
    sine = np.sin(np.pi * np.arange(9) / 8)
    assert found.values * 0.1 == pytest.approx(sine / sine.sum(), abs=1e-12)


def test_more_cells_have_the_same_chances():
    few, many = (quasi_stationary(walk((-1, 1)), (0, 8), cells=cells) for cells in (8, 24))
    assert many.values[::3] / 3 == pytest.approx(few.values, abs=1e-12)


def test_the_long_run_between_walls():
    # Where a step into a wall leads nowhere, all places are alike; one that turns back halves them.
    held = System({x: Max(1, Min(7, x + noise("e", choice([-1, 1]))))}, start={x: 4})
    assert stationary(held, (0, 8)).values == pytest.approx([0, *[1 / 7] * 7, 0], abs=1e-12)
    e = noise("e", choice([-1, 1]))
    turned = System({x: Piecewise((2, x <= 1), (6, x >= 7), (x + e, True))}, start={x: 4})
    assert stationary(turned, (0, 8)).values == pytest.approx(
        np.array([0, 1, 2, 2, 2, 2, 2, 1, 0]) / 12, abs=1e-12
    )


def test_two_dimensions():
    e, f = (noise(name, choice([-1, 1])) for name in ("e", "f"))
    found = quasi_stationary(
        System({x: x + e, y: y + f}, start={x: 2, y: 2}), {x: (0, 4), y: (0, 4)}
    )
    sine = np.sin(np.pi * np.arange(5) / 4)
    assert found.shape == (5, 5)
    assert found.values == pytest.approx(of_one_parity(np.outer(sine, sine)), abs=1e-12)


def of_one_parity(product):
    """Both change their parity in each step, so that those that agree in it stay among them."""
    own = np.where(np.add.outer(np.arange(5), np.arange(5)) % 2 == 0, product, 0)
    return own / own.sum()


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: quasi_stationary(walk((-1, 1)), (0, 8), cells=10), "7 places.*write cells=8, or"),
        (lambda: stationary(System({x: 7 - x}, start={x: 2}), (0, 8), cells=10), "2, 5.*cells=8"),
        (lambda: quasi_stationary(walk((-1, 1)), (0.0123457, 8)), "no grid"),
        (lambda: quasi_stationary(walk((1,)), (0, 8)), "finitely many steps"),
        (lambda: quasi_stationary(walk((-1, 2**0.5)), (0, 8)), "digits"),
    ],
)
def test_what_has_no_density_is_refused(ask, words):
    with pytest.raises(QueryError, match=words):
        ask()
