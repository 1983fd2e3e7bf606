"""What a slope without a formula is asked at: arguments that no formula of a slope has needed."""

import numpy as np
import pytest
import sympy as sp

from causalopt import System, comp, every_A, every_n, parameters, variables
from causalopt.backends import BACKENDS
from causalopt.ground.errors import UndefinedError

a, b, c = variables("a b c")
(k,) = parameters("k")

UNDEFINED = {
    "a vertical slope": System({a: c, b: -1, c: a * sp.sqrt(b)}, start={a: -0.19, b: -0.33, c: 1}),
    "a parameter": System(
        {a: 0, b: 2, c: c * k / sp.floor(k)}, start={a: 0.75, b: 1, c: 1}, parameters={k: 0.82}
    ),
    "a fraction": System(
        {a: sp.frac(b), b: 1, c: a**k + b - c}, start={a: -0.3, b: 1.78, c: 1}, parameters={k: -0.1}
    ),
}


def told(ask):
    with pytest.raises(UndefinedError) as caught:
        ask()
    return str(caught.value)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("system", UNDEFINED.values(), ids=UNDEFINED)
def test_what_is_undefined_is_told_on_every_route(system, backend):
    n = a[0] if a in system.template[c].arguments else c[0]
    for ask in (
        lambda: comp(system, A=b, n=n, m=c[3], backend=backend),
        lambda: every_n(system, A=b, m=c[3], backend=backend),
        lambda: every_A(system, n=n, m=c[3], among=[b], measure="comp"),
    ):
        assert "c[" in (words := told(ask))
        assert "its mechanism is" in words


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_undefined_where_nothing_passes_is_not_missed(backend):
    system = System({a: c / b, b: 0, c: 1}, start={a: 0.75, b: 1.49, c: 0.99})
    found = every_A(system, n=a[0], m=c[2], among=[b], measure="comp")
    assert np.isnan(found.values).all()
    assert np.isnan(comp(system, A=b, n=a[0], m=c[2], backend=backend).values)
