"""Derivatives at kinks: which branch counts where two of them meet."""

import pytest
import sympy as sp

from causalopt import System, tangents, variables
from causalopt.mechanisms.differentiation import derivative
from tests.backends.cases import BY_NAME

x, y = variables("x y")


@pytest.mark.parametrize("extreme", [sp.Max, sp.Min])
@pytest.mark.parametrize("values", [(x, 3 * x), (-2 * x, x), (x, 2 * x, 5 * x), (0, x), (7 * x, 0)])
def test_at_a_tie_the_first_argument_counts(extreme, values):
    # The first in sympy's own order, in which the formula is printed too.
    formula = extreme(*values)
    first = sp.diff(formula.args[0], x)
    assert derivative(formula, x).subs(x, 0) == first


@pytest.mark.parametrize("backend", BY_NAME)
def test_at_a_tie_every_backend_takes_that_branch(backend):
    system = System({x: sp.Max(x, 3 * x), y: sp.Min(x, 3 * x)}, start={x: 0, y: 0})
    found = tangents(system.world(steps=1).perturb(x[0]), backend=backend)
    largest, smallest = sp.Max(x, 3 * x).args[0], sp.Min(x, 3 * x).args[0]
    assert found["x"].values.ravel()[1] == float(sp.diff(largest, x))
    assert found["y"].values.ravel()[1] == float(sp.diff(smallest, x))


def test_other_kinks():
    # |x| as x >= 0, floor, sign and Heaviside as constant between their jumps.
    assert derivative(sp.Abs(x), x).subs(x, 0) == 1
    for jump in (sp.floor(x), sp.sign(x), sp.Heaviside(x), sp.ceiling(x)):
        assert derivative(jump, x) == 0
