"""The parts that compiled code finds are those of the reference pass, point by point."""

import contextlib
import math
from itertools import pairwise

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Event, System, op, parameters, run, tangents, time, variables
from causalopt.backends import compiled_pacing, demand
from causalopt.backends.demand import GivesWay, NoParts, TooManyParts
from causalopt.backends.pacing import division_of
from causalopt.ground.errors import QueryError
from causalopt.runs import parts
from tests.runs.oscillator import mu, van_der_pol, x, y

(z,) = variables("z")
(k,) = parameters("k")


@pytest.fixture
def asked(monkeypatch):
    """What ``division_of`` is asked by a run: all but the patience."""

    def asked_by(ask):
        kept = []

        def remember(*arguments):
            kept.append(arguments[:-1])
            return division_of(*arguments)

        monkeypatch.setattr(parts, "division_of", remember)
        with contextlib.suppress(QueryError):
            ask()
        return kept[0]

    return asked_by


def system(rates, start=None, **more):
    how = {"dt": 0.5, "method": "dopri5", "tolerance": 1e-6} | more
    return System.from_ode(rates, start=start or dict.fromkeys(rates, 1.0), **how)


def lorenz(**more):
    rates = {x: 10 * (y - x), y: x * (k - z) - y, z: x * y - 8 * z / 3}
    return system(rates, parameters={k: 28.0}, **more)


bouncing = system(
    {x: y, y: -1 + 0 * y}, {x: 1.0, y: 0.0}, events=[Event(x < 0, {y: -y / 2, x: 0.01})]
)
day = sympy.Piecewise((1, sympy.Lt(time, sympy.Rational(3, 10))), (3, True))

oscillator = van_der_pol("dopri5", tolerance=1e-6)
resting = system({x: x * (1 - x)}, {x: 0.0})
filling = system({x: -x, y: x - y, z: y - z}, {x: 1, y: 0, z: 0})
follower = system({x: -5 * (x - y)}, algebraic={y: sympy.cos(time)})
fading = system({x: -k * x}, parameters={k: 1.0})

ASKS = {
    "dopri5": lambda: run(lorenz().world(steps=6)),
    "rodas4": lambda: run(lorenz(method="rodas4").world(steps=6)),
    "auto": lambda: run(lorenz(method="auto", tolerance=1e-7).world(steps=6)),
    "stiff": lambda: run(van_der_pol(stiff=1000.0, dt=300.0, tolerance=1e-6).world(steps=3)),
    "tangents that grow": lambda: op(lorenz(), A=x, n=y[0], m=z, steps=9),
    "tangents at rest": lambda: tangents(resting.world(steps=4).perturb(x[0])),
    "nothing at first": lambda: run(filling.world(steps=3)),
    "a nudge and a hold": lambda: op(oscillator, A=y[2:5], n=x[3], m=x, steps=8),
    "a difference": lambda: op(oscillator, A=y, n=x[0], m=x, steps=4, delta=0.1),
    "what follows at once": lambda: run(follower.world(steps=5).do(y[:2], 0.5)),
    "an event": lambda: run(bouncing.world(steps=7)),
    "a border": lambda: run(system({x: day - x}, {x: 0}).world(steps=5)),
    "a sweep": lambda: op(lorenz(), A=x, n=y[0], m=z, steps=4, over={k: [0.5, 20, 28, 99]}),
    "a sweep of starts": lambda: run(fading.world(steps=3), over={x[0]: [0.0, 1.0, 1e6]}),
}


LONG = {"a sweep", "tangents that grow"}


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(ask, marks=[pytest.mark.long] * (name in LONG), id=name)
        for name, ask in ASKS.items()
    ],
)
def test_the_parts_are_those_of_the_reference(ask, asked):
    arguments = asked(ask)
    want, found = division_of(*arguments, math.inf), division_of(*arguments, 0)
    assert found.counts.tolist() == want.counts.tolist()
    # Where an error is mostly rounding, so is what it says of a length.
    np.testing.assert_allclose(found.lengths, want.lengths, rtol=2e-3, atol=1e-12)
    np.testing.assert_allclose(found.begins, want.begins, rtol=1e-4, atol=1e-12)
    assert found.counts.sum() > len(found.counts)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("patience", [1, 25, 60, 100])
def test_points_that_are_passed_on_stand_beside_those_that_are_not(patience, asked):
    arguments = asked(ASKS["a sweep"])
    alone = [division_of(*arguments, many) for many in (math.inf, 0)]
    found = division_of(*arguments, patience)
    rows = [0, *np.cumsum(found.counts)]
    for point in range(4):
        lengths = found.lengths[:, point]
        taken = [lengths[a:b][lengths[a:b] > 0.0] for a, b in pairwise(rows)]
        want = [d.lengths[:, point][d.lengths[:, point] > 0.0].tolist() for d in alone]
        # All of one kind: nothing of a point depends on what it stands beside.
        assert np.concatenate(taken).tolist() in want
        assert [sum(t) for t in taken] == pytest.approx([0.5] * 4, rel=1e-12)


def test_a_call_that_ends_early_is_taken_up_where_it_ended(asked, monkeypatch):
    arguments = asked(ASKS["an event"])
    want = division_of(*arguments, 0)
    monkeypatch.setattr(compiled_pacing, "_KEPT", 3)
    few = division_of(*arguments, 0)
    monkeypatch.setattr(compiled_pacing, "_CALL", 1.0)
    single = division_of(*arguments, 0)
    for found in (few, single):
        assert (found.lengths == want.lengths).all()
        assert (found.begins == want.begins).all()


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0.1, 30), st.floats(-3, 3), st.floats(-8, -4), st.sampled_from(["dopri5", "rodas4"])
)
def test_what_is_run_in_these_parts_is_within_the_tolerance(rate, begin, digits, method):
    """x' = -r (x - sin t): the solution in closed form."""
    model = system(
        {x: -k * (x - sympy.sin(time))}, {x: begin}, parameters={k: rate}, method=method,
        tolerance=10**digits,
    )  # fmt: skip
    found = run(model.world(steps=4), backend="numba").x.values[0]
    t, r = 0.5 * np.arange(5), rate
    course = (r * r * np.sin(t) - r * np.cos(t)) / (1 + r * r)
    exact = course + (begin - course[0]) * np.exp(-r * t)
    assert found == pytest.approx(exact, abs=50 * 10**digits * max(1, abs(begin)))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("patience", [0, math.inf])
def test_what_has_no_parts_is_told_alike(patience, asked, monkeypatch):
    leaves = system({x: x**2}, {x: 1}, dt=0.3, tolerance=1e-9)
    with pytest.raises(NoParts, match=r"Near time (1|0\.99999\d*), in step 4, no part") as told:
        division_of(*asked(lambda: run(leaves.world(steps=5))), patience)
    assert told.value.points == [0]
    over = {x[0]: [1.0, 0.1, 0.8, 1.0]}
    with pytest.raises(NoParts, match="in step 4, no part") as told:
        division_of(*asked(lambda: run(leaves.world(steps=5), over=over)), patience)
    # All that fail, or those that fail first.
    assert set(told.value.points) in ({0, 3}, {0, 2, 3})
    monkeypatch.setattr(demand, "MOST", 2000)
    endless = van_der_pol("dopri5", dt=2000, stiff=1e6)
    with pytest.raises(TooManyParts, match="Step 1, to time 2000, takes more than 2,000 attempts"):
        division_of(*asked(lambda: run(endless.world(steps=1))), patience)


@pytest.mark.parametrize("patience", [0, math.inf])
def test_stiffness_gives_way_where_it_keeps_many_parts_short(patience, asked):
    def along(length, method):
        model = system(
            {x: -50 * (x - sympy.cos(time))}, {x: 0}, dt=length, method=method, tolerance=1e-3
        )
        return asked(lambda: run(model.world(steps=1)))

    assert division_of(*along(5.0, "auto"), patience).counts[0] < 500
    assert division_of(*along(100.0, "dopri5"), patience).counts[0] > 2000
    with pytest.raises(GivesWay):
        division_of(*along(100.0, "auto"), patience)


def test_what_has_no_compiled_form_stays_with_the_reference(asked):
    model = system({x: sympy.besselj(0, x) - x})
    arguments = asked(lambda: run(model.world(steps=3)))
    want, found = division_of(*arguments, math.inf), division_of(*arguments, 0)
    assert (found.lengths == want.lengths).all()
    assert compiled_pacing.walker(arguments[0], arguments[3]) is None


@pytest.mark.long
def test_a_system_of_many_alike_is_paced_by_its_loops(asked):
    many = variables(" ".join(f"v{i}" for i in range(40)))
    pull = sum(sympy.sin(v) for v in many)
    model = system({v: i / 10 - v + pull / 40 for i, v in enumerate(many)})
    arguments = asked(lambda: run(model.world(steps=2)))
    want, found = division_of(*arguments, math.inf), division_of(*arguments, 0)
    assert found.counts.tolist() == want.counts.tolist()
    np.testing.assert_allclose(found.lengths, want.lengths, rtol=1e-4)


def test_the_numba_backend_gives_what_numpy_gives():
    for method in ("dopri5", "rodas4"):
        asked = {"A": y, "n": x[0], "m": x, "steps": 4, "over": {mu: [0.5, 5.0, 40.0]}}
        model = van_der_pol(method, tolerance=1e-8)
        want = op(model, backend="numpy", **asked).values
        found = op(model, backend="numba", **asked).values
        np.testing.assert_allclose(found, want, rtol=1e-8, atol=1e-9)
