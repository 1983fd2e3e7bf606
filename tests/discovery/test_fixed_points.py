"""Fixed points where I - Df has no inverse: found, or refused where there is none."""

import pytest
from sympy import Abs, Piecewise, sin

from causalopt import EvaluationError, System, fixed_point, variables
from causalopt.ground.errors import LongStepsWarning

x, y, z = variables("x y z")


@pytest.mark.parametrize(
    ("rule", "start"),
    [
        (x + 1, 0),
        (x + 1e-13, 0.2),
        (x**2 + 1, 0),
        (x**2 + 1, 0.5),
        (Abs(x) + 1, -0.2),
        (Piecewise((x + 1, x > 0), (x - 1, True)), 3),
    ],
)
def test_what_stays_nowhere_has_no_fixed_point(rule, start):
    with pytest.raises(EvaluationError, match="reaches no fixed point"):
        fixed_point(System({x: rule}, start={x: start}))
    rate = System.from_ode({x: rule - x, y: -y}, start={x: start, y: 1}, dt=0.1)
    with pytest.raises(EvaluationError, match="reaches no fixed point"):
        fixed_point(rate)


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_where_a_sum_is_conserved_one_of_many_is_found(method):
    """Rounding alone gave I - Df an inverse here, and with it a point anywhere on the line."""
    rates = {x: -0.3 * x + 0.1 * y, y: 0.3 * x - 0.1 * y}
    there = fixed_point(System.from_ode(rates, start={x: 1.7, y: 0.4}, dt=0.1, method=method))
    assert there.start[y] == pytest.approx(3 * there.start[x], rel=1e-12)
    assert 0 < there.start[x] < 1.7
    ill = System.from_ode(
        {x: -0.3 * x * y, y: 0.3 * x * y - 0.1 * y, z: 0.1 * y},
        start={x: 1.7, y: 0.4, z: 0},
        dt=0.1,
        method=method,
    )
    assert abs(fixed_point(ill).start[y]) < 1e-20


def test_what_is_fixed_already_stays_as_it_is():
    still = System({x: x + y, y: y / 2}, start={x: 7, y: 3})
    assert fixed_point(still).start[x] == 7.0
    assert fixed_point(System({x: x}, start={x: 3})).start[x] == 3.0


@pytest.mark.parametrize(
    ("rate", "method", "is_found"),
    [(100 * sin(x) + 200, "rk4", False), (1 + 100 * x**2 - 50 * x**3, "euler", True)],
)
def test_steps_that_are_too_long_are_told_once(rate, method, is_found):
    system = System.from_ode({x: rate}, start={x: 30}, dt=0.1, method=method)
    with pytest.warns(LongStepsWarning) as told:  # noqa: PT031  # whether it is found or not
        if is_found:
            fixed_point(system)
        else:
            with pytest.raises(EvaluationError, match="reaches no fixed point"):
                fixed_point(system)
    assert len(told) == 1
    assert told[0].filename == __file__
