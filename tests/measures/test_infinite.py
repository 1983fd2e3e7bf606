"""x/0: an infinite Comp has the sign of x, by whichever route it is asked for."""

import numpy as np
import pytest
from sympy import Max, tanh

from causalopt import System, comp, every_A, every_m, every_n, variables
from causalopt.backends import BACKENDS

x, y, z = variables("x y z")

# With A = y held nothing comes to m.
WALL = System({x: x, y: x, z: y - Max(x - 5, 0)}, start={x: 1, y: 2, z: 3})
LATE = System(
    {x: tanh(x.lag(4) * y.lag(2)), y: 0.3 * z + 0.4 * y.lag(2), z: 0.3 * x.lag(4) - y},
    start={x: 1, y: -0.5, z: 0.2},
)

# Without, m moves by 1 for n, and by -0.3 * 0.3 through x, y and z.
SIGN = {WALL: 1, LATE: -1}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("system", "step"), [(WALL, 2), (LATE, 7)], ids=["a wall", "late"])
def test_every_route_gives_the_sign_of_what_is_left(system, step, backend):
    found = [
        comp(system, A=y, n=x[0], m=z[step], backend=backend),
        every_m(system, A=y, n=x[0], steps=step, backend=backend).sel(variable="z")[step],
        every_n(system, A=y, m=z[step], backend=backend).sel(variable="x")[0],
        every_A(system, n=x[0], m=z[step], among=[y], measure="comp")[0],
    ]
    sign = SIGN[system]
    assert [float(number) for number in found] == [sign * np.inf] * 4
