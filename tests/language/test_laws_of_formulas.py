"""Laws whose numbers are formulas: what no law has is refused, or told by the run."""

import numpy as np
import pytest

from causalopt import (
    DeclarationError,
    EvaluationError,
    Network,
    System,
    noise,
    normal,
    parameter,
    parameters,
    run,
    tangents,
    uniform,
    variables,
)

x, y = variables("x y")
k, s = parameters("k s")
p = parameter("p", positive=True)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: normal(0, -p), r"negative, whatever its parameters are: write normal\(0, p\)"),
        (lambda: normal(k, -(s**2) - 1), r"write normal\(k, s\*\*2 \+ 1\)"),
        (lambda: uniform(p, -p), r"empty.*write uniform\(-p, p\)"),
        (lambda: uniform(s, s - 2), r"write uniform\(s - 2, s\)"),
    ],
)
def test_what_is_negative_for_all_parameters_is_refused(make, told):
    with pytest.raises(DeclarationError, match=told):
        make()


def walk(law, size):
    return System({x: x + noise("e", law)}, start={x: 1}, parameters={s: size})


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("law", [normal(0, s), uniform(0, s)])
def test_a_run_tells_what_its_law_asks_for(law, backend):
    with pytest.raises(EvaluationError, match=r"x\[1\] .*keep to where .*s >= 0"):
        run(walk(law, -1).world(steps=2), backend=backend)
    with pytest.raises(EvaluationError, match=r"where s = -2.*s >= 0"):
        run(walk(law, 1).world(steps=2), over={s: [1, 0, -2]}, backend=backend)
    with pytest.raises(EvaluationError, match="s >= 0"):
        tangents(walk(law, -1).world(steps=2).perturb(x[0]), backend=backend)


@pytest.mark.parametrize("law", [normal(0, s), uniform(0, s)])
def test_a_network_tells_it_too(law):
    network = Network({y: x + noise("e", law)}, start={x: 1}, parameters={s: -1})
    with pytest.raises(EvaluationError, match=r"y .*s >= 0"):
        run(network.world())


def test_draws_move_with_their_deviation_from_zero_on():
    found = run(walk(normal(0, s), 1).world(steps=50), over={s: [0.0, 1.0, 2.0]}).x
    moved = np.diff(found.squeeze().transpose("s", "time").values, axis=1)
    assert not moved[0].any()
    assert moved[2] == pytest.approx(2 * moved[1], rel=1e-9)
