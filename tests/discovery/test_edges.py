"""Zeros, infinities and other ends: what the graph says is exact; what moves has no frequency."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Piecewise, cos, exp, sin

from causalopt import (
    EvaluationError,
    QueryError,
    System,
    authority,
    find_optimizers,
    fixed_point,
    loop_coupling,
    natural_division,
    noise,
    normal,
    optimization_basins,
    self_regulation,
    sensitivity,
    steering_shares,
    time,
    variables,
    waterbed,
)
from tests.discovery.test_laws import matrix_of, system_of

x, y, z, w = variables("x y z w")
heard = System({x: x / 2 - y / 5, y: y / 2 + x / 4, w: w / 2 + x}, start={x: 0, y: 0, w: 0})


@given(seed=st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_where_no_path_leads_there_is_nothing_and_no_rounding(seed):
    matrix = matrix_of(seed, count=6, density=0.2)
    # Small enough that what is left is stable, whatever is held.
    matrix *= 0.9 / np.abs(np.linalg.eigvals(np.abs(matrix))).max()
    system, v = system_of(matrix)
    reach = np.linalg.matrix_power(np.eye(6) + (matrix != 0), 6) > 0
    gamma = loop_coupling(system, at=[0.3, 1.7]).values
    together = reach & reach.T
    assert (gamma[:, ~together] == 0).all()
    division = natural_division(system, at=[0.3, 1.7])
    on_loop = [(together[i] & (np.arange(6) != i)).any() for i in range(6)]
    assert division.on_loop.values.tolist() == on_loop
    for n, m, a in ((0, 1, 2), (3, 4, 5), (2, 0, 1)):
        found = sensitivity(system, v[a], v[n], v[m], at=[0.3, 1.7]).comp.values
        there = reach.T  # there[i, j]: whether i comes to j
        without = np.delete(np.delete(matrix, a, 0), a, 1) != 0
        left = [i for i in range(6) if i != a]
        free = np.linalg.matrix_power(np.eye(5) + without, 6) > 0
        kept = free.T[left.index(n), left.index(m)]
        if not there[n, m]:
            assert np.isnan(found).all()
        elif not kept:
            assert np.isinf(found).all()
        elif not (there[n, a] and there[a, m]):
            assert (found == 1.0).all()


def test_perfect_integral_action_leaves_nothing():
    loop = System({x: x - y / 100, y: x}, start={x: 0, y: 0})
    found = sensitivity(loop, y, x, x, at=0.0)
    assert found.comp.item() == 0
    assert found.op.item() == np.inf


def test_what_only_listens_has_no_say():
    counted = System({x: y, y: y - x.next / 10, z: z + y}, start={x: 0, y: 0, z: 0})
    alone = System({x: y, y: y - x.next / 10}, start={x: 0, y: 0})
    assert authority(counted, y).sel(variable=["x", "y"]).values.tolist() == pytest.approx(
        authority(alone, y).values.tolist()
    )
    assert authority(counted, y).sel(variable="z").item() == 0
    both = [sensitivity(s, x, y, y, at=0.0).comp.item() for s in (counted, alone)]
    assert both[0] == pytest.approx(both[1])
    pairs = [loop_coupling(s, at=0.1).sel(variable="x", other="y") for s in (counted, alone)]
    assert pairs[0].item() == pytest.approx(pairs[1].item())


@pytest.mark.parametrize(
    "moving",
    [
        System({x: x / 2 + y / 9 * time, y: y / 2 + x / 9}, start={x: 0, y: 0}),
        System({x: x / 2 + y * Piecewise((1, time < 5), (0, True)), y: x / 9}, start={x: 0, y: 0}),
        System({x: x / 2 + y * noise("e", normal()), y: y / 2 + x / 9}, start={x: 0, y: 0}),
        System({x: x / 2 + y / 9, y: x / 9}, start={x: 0, y: 0}).world(9).replace(y[5], x / 3),
        System({x: x / 2 + y / 9, y: x / 9}, start={x: 0, y: 0}).world(9).do(y[3:], 0),
    ],
)
def test_what_changes_from_step_to_step_has_no_frequencies(moving):
    for ask in (
        lambda: loop_coupling(moving),
        lambda: sensitivity(moving, y, x, x),
        lambda: waterbed(moving, y, x),
        lambda: natural_division(moving),
    ):
        with pytest.raises(QueryError, match="no frequencies"):
            ask()


def test_frequencies_follow_the_modes_and_not_the_step():
    def cell(dt):
        rates = {x: y - x / 10, y: -x / 10 - y / 5}
        return System.from_ode(rates, start={x: 0, y: 0}, dt=dt)

    coarse, fine = (abs(loop_coupling(cell(dt))).mean("frequency") for dt in (0.05, 0.005))
    between = [part.sel(variable="x", other="y").item() for part in (coarse, fine)]
    assert between[1] > 0.4 * between[0]


@pytest.mark.parametrize("count", [4, 12, 20])
def test_a_ring_of_equals_has_no_border(count):
    a = variables("a", count=count)
    rules = {a[i]: a[i] / 2 - a[(i + 1) % count] / 5 for i in range(count)}
    found = natural_division(System(rules, start=dict.fromkeys(a, 0)), at=0.1)
    assert found.attrs["chance"] == 1.0
    assert found.attrs["border"] == 0


def test_long_delays_are_answered_or_refused():
    late = System({x: x / 2 - y.lag(300) / 5, y: y / 2 + x / 4}, start={x: 0, y: 0})
    gamma = loop_coupling(late, at=[0.01, 0.02]).sel(variable="x", other="y").values
    at = np.exp(1j * np.array([0.01, 0.02]))
    loop = -(at**-301) / 5 / (1 - at**-1 / 2) * (at**-1 / 4) / (1 - at**-1 / 2)
    assert gamma == pytest.approx(loop, rel=1e-10)
    with pytest.raises(Exception, match="take too long"):
        loop_coupling(System({x: x / 2 - x.lag(9000) / 5}, start={x: 0}), at=0.1)


# -- fixed points ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [x + 1 / x, x - exp(-x)])
def test_where_there_is_no_fixed_point_none_is_found(rule):
    with pytest.raises(EvaluationError, match="no fixed point"):
        fixed_point(System({x: rule}, start={x: 1}))


def test_time_moves_what_follows_it():
    with pytest.raises(QueryError, match="follows the time"):
        fixed_point(System({x: x / 2 + sin(time)}, start={x: 0}))


@pytest.mark.parametrize("large", [1.0, 1e10, 1e14])
def test_a_fixed_point_does_not_depend_on_the_units_of_others(large):
    beside = {y: y / 2 + large / 2}
    found = fixed_point(System({x: x + cos(x) / 1000, **beside}, start={x: 1, y: large}))
    assert found.start_values[x] == pytest.approx(np.pi / 2, rel=1e-10)
    found = fixed_point(System({x: x + 1e-7 * (7 - x), **beside}, start={x: 1, y: large}))
    assert found.start_values[x] == pytest.approx(7.0, rel=1e-9)


def test_fixed_points_of_many_variables_come_at_once():
    v = variables("v", count=120)
    ring = {v[i]: v[i] / 2 + sin(v[i - 1]) / 5 + 0.1 for i in range(120)}
    found = fixed_point(System(ring, start=dict.fromkeys(v, 0)))
    value = found.start_values[v[0]]
    assert value / 2 == pytest.approx(np.sin(value) / 5 + 0.1, rel=1e-12)


# -- parts and stretches ---------------------------------------------------------------------------


def test_a_part_of_a_variable_is_not_taken_for_all_of_it():
    for ask in (
        lambda: steering_shares(heard, x, among=[y[2:4]], steps=9),
        lambda: find_optimizers(heard, m=x[2:5], steps=9),
        lambda: sensitivity(heard, y[:3], x, x),
        lambda: sensitivity(heard, y, x[0], x),
    ):
        with pytest.raises(QueryError, match="a part of"):
            ask()
    with pytest.raises(QueryError, match="lies after the last step"):
        self_regulation(heard, y, x[10:50], steps=3)


def test_inner_stages_are_no_part_of_m():
    swing = System.from_ode(
        {x: -y, y: x - y + z**2, z: x - z}, start={x: 1, y: 0.5, z: 1}, dt=0.1, method="rk4"
    )
    expected = self_regulation(swing, [y, z], x[:9], nudge="pulse").item()
    flat = swing.unroll(8)
    for m in (x, [x[i] for i in range(9)]):
        assert self_regulation(flat, [y, z], m, nudge="pulse").item() == pytest.approx(expected)
    shares = steering_shares(flat, x).total.item()
    assert shares == pytest.approx(steering_shares(swing, x[:9]).total.item())


def test_slopes_behind_a_gate_are_those_of_what_comes_through():
    bent = System(
        {x: 0.9 * x - y / 5, y: y / 2 + z / 4 + x**2 / 9, z: z / 2 + x / 3},
        start={x: 1, y: 0.5, z: 1},
    )
    W = bent.world(30)
    for gated in (y, [y, z]):
        V = W.perturb(y[0], by=1).clamp(gated, to=W, by=0.5)
        found = steering_shares(V, x).total.item()
        assert found == pytest.approx(self_regulation(V, [y, z], x).item(), rel=1e-10)


def test_shares_that_do_not_converge_name_nobody():
    wild = System({x: x / 2 + y / 9 + z / 7, y: 50 * y + x, z: z / 3 + x}, start={x: 0, y: 0, z: 0})
    found = find_optimizers(wild, m=x, steps=100).data
    if not found.converged.item():
        assert found.A.item() == ""
        assert found.op2.item() == 0.0
    assert abs(found.missing.item()) < 1e-6 or not found.converged.item()


def test_pushes_that_grow_beyond_floats_are_told():
    fast = System({x: 20 * x - 10 * y, y: y / 50 + 10 * x}, start={x: 0, y: 0})
    with pytest.raises(EvaluationError, match="largest float"):
        authority(fast, x, steps=10_000)


# -- landscapes ------------------------------------------------------------------------------------


def on(values, axis, name="op", dim="R"):
    return xr.DataArray(values, {dim: axis}, [dim], name=name)


def test_complex_comp_is_its_size():
    found = optimization_basins(on([0.1 + 3j, 0.1 - 2j], [0.0, 1.0], "comp"))
    assert found.sizes["basin"] == 0


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: optimization_basins(on([1, -1.0, 2], np.uint8([200, 100, 0]))), "increase"),
        (lambda: optimization_basins(on([1.0, 2], [0.0, np.inf])), "increase"),
        (lambda: optimization_basins(on([1.0, 2], [0, 1j])), "increase"),
        (lambda: optimization_basins(on(["a", "b"], [0.0, 1])), "of the kind"),
        (lambda: optimization_basins(on([1.0, -1], [0.0, 1], dim="low")), "rename"),
        (lambda: optimization_basins(on([1.0, -1], [0.0, 1]), refine=3), "a function"),
        (lambda: optimization_basins(on([1.0, -1], [0.0, 1]), refine=lambda a: None), "no value"),
        (lambda: optimization_basins(on([1.0, -1], [0.0, 1]), refine=lambda a: [1, 2]), "no value"),
        (lambda: optimization_basins(on([1.0, 2], [0.0, 1]), above=-np.inf), "write a number"),
        (lambda: natural_division(heard, seed=-1), "seed"),
        (lambda: find_optimizers(heard, steps=5, seed=1.5), "seed"),
        (lambda: sensitivity(heard, y, x, x, at=4.0), "beyond pi/dt"),
        (lambda: sensitivity(heard, y, x, x, at="a"), "finite frequencies"),
    ],
)  # fmt: skip
def test_what_is_no_landscape_or_frequency_is_told(ask, message):
    with pytest.raises(Exception, match=message):
        ask()


def test_a_refined_landscape_of_comp_is_one():
    def comp(at):
        return np.asarray(at) * 2.0

    found = optimization_basins(on([0.0, 0.4, 2.0], [0.0, 0.2, 1.0], "comp"), refine=comp)
    assert found.high.item() == pytest.approx(0.5, abs=1e-8)


@pytest.mark.parametrize("steps", [0, -1, True, 2.0])
def test_a_course_of_no_steps_is_refused(steps):
    with pytest.raises(QueryError, match="whole number of 1 or more"):
        loop_coupling(heard, steps=steps)
