"""Comp and Op of random systems against central differences in 50 digits, and laws of both."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import System, comp, op, run, variables

from .oracle import Steps, as_sympy, formulas

SYMBOLS = variables("u v w")
COUNT = len(SYMBOLS)

systems = st.builds(
    Steps,
    st.tuples(*(formulas([i, (i + 1) % COUNT, (i + 2) % COUNT]) for i in range(COUNT))),
    st.tuples(*(st.integers(-8, 8).map(lambda n: n / 4 + 0.1) for _ in range(COUNT))),
)


def declared(case):
    trees = [as_sympy(tree, SYMBOLS) for tree in case.formulas]
    return System(
        dict(zip(SYMBOLS, trees, strict=True)), start=dict(zip(SYMBOLS, case.start, strict=True))
    )


def sets_of_nodes(steps):
    """A as the package takes it, and as pairs (variable, step), for variable 0."""
    whole = (SYMBOLS[0], {(0, t) for t in range(steps + 1)})
    early = (SYMBOLS[0][:3], {(0, t) for t in range(3)})
    mixed = ([SYMBOLS[0][2:4], SYMBOLS[0][5]], {(0, 2), (0, 3), (0, 5)})
    return st.sampled_from([whole, early, mixed])


STEPS = 7


@settings(max_examples=30, deadline=None)
@given(systems, sets_of_nodes(STEPS), st.integers(1, 2), st.integers(0, 2), st.integers(1, 2))
def test_exact_comp_is_the_derivative(case, held, which, when, m):
    A, pairs = held
    found = comp(declared(case), A=A, n=SYMBOLS[which][when], m=SYMBOLS[m], steps=STEPS).values
    with mpmath.workdps(50):
        expected = case.comp(STEPS, (which, when), pairs, m)
        for t, (x, y) in enumerate(expected):
            # Below this size the difference quotient itself is rounding.
            x, y = (mpmath.mpf(0) if abs(v) < 1e-25 else v for v in (x, y))
            if y == 0:
                if x == 0 and np.isnan(found[t]):
                    continue
                assert (x != 0 and np.isinf(found[t])) or abs(x) < 1e-15
            elif abs(x) > 1e-14 and abs(y) > 1e-14:
                assert found[t] == pytest.approx(float(x / y), rel=1e-7)


@settings(max_examples=25, deadline=None)
@given(systems, sets_of_nodes(STEPS), st.integers(1, 2))
def test_measuring_the_unrolled_network_is_measuring_the_system(case, held, m):
    A, _ = held
    system = declared(case)
    network = system.unroll(STEPS)
    for step in (1, STEPS):
        question = {"A": A, "n": SYMBOLS[1][0], "m": SYMBOLS[m][step]}
        along, flat = op(system, **question), op(network, **question)
        assert flat.item() == pytest.approx(along.item(), rel=1e-9, abs=1e-10, nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(systems, st.floats(0.01, 100))
def test_op_does_not_depend_on_the_units_of_m(case, unit):
    # Variable 2 in other units: v = unit * old.
    trees = [as_sympy(t, [*SYMBOLS[:2], SYMBOLS[2] / unit]) for t in case.formulas]
    other = System(
        {SYMBOLS[0]: trees[0], SYMBOLS[1]: trees[1], SYMBOLS[2]: unit * trees[2]},
        start={**dict(zip(SYMBOLS, case.start, strict=True)), SYMBOLS[2]: unit * case.start[2]},
    )
    question = {"A": SYMBOLS[0], "n": SYMBOLS[1][0], "m": SYMBOLS[2], "steps": STEPS}
    one, two = op(declared(case), **question).values, op(other, **question).values
    assert two == pytest.approx(one, rel=1e-6, abs=1e-8, nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(systems)
def test_a_small_finite_difference_is_near_the_exact_measure(case):
    question = {"A": SYMBOLS[0], "n": SYMBOLS[1][0], "m": SYMBOLS[1], "steps": 4}
    exact = comp(declared(case), **question).values
    found = comp(declared(case), delta=1e-6, **question).values
    W = declared(case).world(steps=4)
    apart = run(W, W.perturb(SYMBOLS[1][0], by=1e-6).clamp(SYMBOLS[0], to=W))["v"].diff("world")[0]
    # Where y - w is not far above the rounding of w, the quotient says nothing.
    clear = (np.abs(apart.values) > 1e-8) & np.isfinite(exact) & (np.abs(exact) < 1e2)
    assert np.allclose(found[clear], exact[clear], rtol=1e-3, atol=1e-3)


@settings(max_examples=15, deadline=None)
@given(systems, st.lists(st.floats(-2, 2), min_size=1, max_size=5, unique=True))
def test_a_sweep_is_every_point_on_its_own(case, starts):
    system = declared(case)
    question = {"A": SYMBOLS[0], "n": SYMBOLS[1][0], "m": SYMBOLS[2], "steps": 5}
    together = op(system, over={SYMBOLS[2][0]: starts}, **question).values
    for i, start in enumerate(starts):
        base = system.world(steps=5).do(SYMBOLS[2][0], start)
        alone = op(base, **question).values
        assert together[:, i] == pytest.approx(alone, rel=1e-10, abs=1e-12, nan_ok=True)
