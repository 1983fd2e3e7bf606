"""Worlds: the laws of do, perturb, clamp and replace, as values and as numbers."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from causalopt import QueryError, System, run, tangents, variables

STEPS = 6
a, b, c = variables("a b c")
system = System({a: b - a / 2, b: sp.sin(a) + b / 3, c: a.next * b / 4}, start={a: 0.3, b: 1, c: 0})
network = system.unroll(STEPS)
W = system.world(steps=STEPS)


def nodes():
    single = st.builds(lambda v, i: v[i], st.sampled_from([a, b, c]), st.integers(0, STEPS))
    stretch = st.builds(
        lambda v, i, n: v[i : i + n],
        st.sampled_from([a, b, c]),
        st.integers(0, STEPS),
        st.integers(1, 3),
    )
    return st.one_of(single, stretch, st.sampled_from([a, b, c]))


def is_no_start(nodes):
    return nodes not in (a[0], b[0], c[0], a[0:1], b[0:1], c[0:1])


def interventions():
    values = st.floats(-2, 2).map(lambda v: round(v, 3))
    other = W.perturb(a[0], by=0.1)
    return st.one_of(
        st.builds(lambda n, v: lambda w: w.do(n, v), nodes(), values),
        st.builds(lambda n, v: lambda w: w.perturb(n, by=v), nodes(), values),
        st.builds(lambda n: lambda w: w.perturb(n), nodes()),
        st.builds(lambda n: lambda w: w.clamp(n, to=other), nodes()),
        # A start by itself follows from no step, and has no mechanism to be replaced.
        st.builds(lambda n: lambda w: w.replace(n, a - b), nodes().filter(is_no_start)),
    )


@given(st.lists(interventions(), max_size=4), interventions())
def test_every_intervention_is_idempotent(before, change):
    world = W
    for one in before:
        world = one(world)
    assert change(change(world)) == change(world)


@given(interventions(), interventions())
def test_interventions_on_disjoint_nodes_commute(first, second):
    touched = [{(s, i) for s, ps in f(W).effects for p in ps for i in range(p.start, p.stop)}
               for f in (first, second)]  # fmt: skip
    if not touched[0] & touched[1]:
        assert first(second(W)) == second(first(W))


@given(nodes(), st.floats(-2, 2), st.floats(-2, 2))
def test_the_last_of_two_wins(node, one, two):
    assert W.do(node, one).do(node, two) == W.do(node, two)
    assert W.perturb(node, by=one).perturb(node, by=two) == W.perturb(node, by=two)
    assert W.do(node, one).clamp(node, to=W) == W.clamp(node, to=W)
    assert W.perturb(node, by=one).do(node, two) == W.do(node, two)


@given(nodes(), nodes(), st.floats(-2, 2))
def test_stretches_cut_and_join_to_the_same_world(first, second, value):
    both = W.do(first, value).do(second, value)
    assert both == W.do([first, second], value) == W.do([second, first], value)


def simulated(world):
    """The values of a world by a walk that shares nothing with the package's plans."""
    rows = []
    for i in range(STEPS + 1):
        row = {}
        for v in (a, b, c):
            piece = world.at(v, i)
            kind = type(piece.base).__name__
            if kind == "Fixed":
                row[v] = piece.base.value
            elif kind == "Held":
                row[v] = simulated(piece.base.world)[i][v]
            elif i == 0:
                row[v] = {a: 0.3, b: 1.0, c: 0.0}[v]
            else:
                p = rows[-1]
                if kind == "Replaced":
                    row[v] = p[a] - p[b]
                elif v == a:
                    row[v] = p[b] - p[a] / 2
                elif v == b:
                    row[v] = float(np.sin(p[a])) + p[b] / 3
                else:
                    row[v] = row[a] * p[b] / 4
            if piece.shift is not None and piece.shift.by is not None:
                row[v] += piece.shift.by
        rows.append(row)
    return rows


@given(st.lists(interventions(), min_size=1, max_size=5))
def test_values_are_those_of_a_plain_walk(changes):
    world = W
    for change in changes:
        world = change(world)
    expected = simulated(world)
    found = run(world)
    for v in (a, b, c):
        walked = [row[v] for row in expected]
        assert found[str(v)].values[0] == pytest.approx(walked, rel=1e-12, abs=1e-13)


def plain_interventions():
    values = st.floats(-2, 2).map(lambda v: round(v, 3))
    single = st.builds(lambda v, i: v[i], st.sampled_from([a, b]), st.integers(0, STEPS))
    return st.one_of(
        st.builds(lambda n, v: lambda w, _: w.do(n, v), single, values),
        st.builds(lambda n, v: lambda w, _: w.perturb(n, by=v), single, values),
        st.builds(
            lambda n: lambda w, base: w.clamp(n, to=base), st.sampled_from([a, b, c, a[2:5]])
        ),
    )


@given(st.lists(plain_interventions(), min_size=1, max_size=4), st.integers(0, 3))
def test_an_unrolled_system_gives_the_same_worlds_and_tangents(changes, nudged):
    along, flat = W.perturb(b[nudged]), network.world().perturb(b[nudged])
    for change in changes:
        along, flat = change(along, W), change(flat, network.world())
    for measure in (run, tangents):
        expected, found = measure(along, labels=["w"]), measure(flat, labels=["w"])["value"]
        for v in (a, b, c):
            row = [found.values[0][network.index[v[i]]] for i in range(STEPS + 1)]
            assert row == pytest.approx(expected[str(v)].values[0].tolist(), rel=1e-12, abs=1e-13)


def test_a_perturbed_node_is_w_plus_the_difference_whether_or_not_it_has_parents():
    base = run(W)["a"].sel(world="W").values
    for step in (0, 3):
        nudged = run(W.perturb(a[step], by=0.5))["a"].sel(world="X").values
        assert nudged[step] == base[step] + 0.5
        assert np.array_equal(nudged[:step], base[:step])


def test_clamping_to_another_world_copies_it():
    X = W.perturb(a[0], by=0.5)
    held = run(W.clamp(b, to=X), X, labels=["held", "X"])["b"]
    assert np.array_equal(held.sel(world="held"), held.sel(world="X"))


def test_replace_in_a_rate_keeps_the_integrator():
    ode = System.from_ode({a: -a, b: a}, start={a: 1, b: 0}, dt=0.1, method="rk4")
    other = System.from_ode({a: -2 * a, b: a}, start={a: 1, b: 0}, dt=0.1, method="rk4")
    found = run(ode.world(steps=10).replace(a, -2 * a))
    expected = run(other.world(steps=10))
    for name in "ab":
        assert np.allclose(found[name], expected[name], rtol=1e-14)


def test_worlds_of_one_kind_are_numbered():
    X = W.perturb(a[0], by=0.1)
    found = run(W, X, W.perturb(a[0], by=0.2), X.clamp(b, to=W))
    assert found["world"].values.tolist() == ["W", "X", "X2", "Y"]


def test_w_x_and_y_of_1000_steps_come_back_as_one_dataset(tmp_path):
    long = system.world(steps=1000)
    X = long.perturb(a[0], by=1e-3)
    found = run(long, X, X.clamp(b, to=long))
    assert dict(found.sizes) == {"world": 3, "time": 1001}
    found.to_netcdf(tmp_path / "found.nc")
    assert found["a"].sel(world="Y", time=1000).ndim == 0


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: run(), "no world to run"),
        (lambda: run(system), "System is no world"),
        (lambda: run(W, system.world(steps=5)), "different models or lengths"),
        (lambda: run(W, labels=["a", "b"]), "one name of its own"),
        (lambda: run(W, backend="nunpy"), "Did you mean numpy"),
        (lambda: run(W.do(a[0], 1), over={a[0]: [1, 2]}), "leave out one of the two"),
        (lambda: W.clamp(b, to=3), "``to`` must be a world"),
    ],
)
def test_impossible_runs_are_refused(ask, told):
    with pytest.raises(QueryError, match=told):
        ask()
