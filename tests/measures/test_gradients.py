"""Derivatives in one pass back: against forward tangents, JAX by hand, and closed forms."""

import equinox
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from neural import R, h, room, room_of_numbers, u, units
from processes.test_learning import COUNT, trained  # noqa: F401  # a fixture

from causalopt import (
    CausaloptError,
    EvaluationError,
    QueryError,
    System,
    array,
    finite,
    function,
    gradients,
    normal,
    parameters,
    tangents,
    training,
    variables,
)
from causalopt import noise as noise_
from causalopt.backends import jax_reverse

(a,) = variables("a")


@pytest.mark.long
def test_reverse_is_forward_through_a_training_run(trained):  # noqa: F811
    W = trained.system.world(steps=600)
    read = np.random.default_rng(2).normal(size=trained.weights.shape)
    back = gradients(W, trained.weights[600], [trained.importance[0]], read=read)["importance[0]"]
    assert back.values[57] == pytest.approx(0.0974027500, abs=1e-9)
    some = np.eye(COUNT)[[0, 57, 101, 199]]
    X = W.perturb(trained.importance[0], along=some)
    forward = tangents(X, keep=trained.weights[600:]).theta.values[0, 0]
    scale = np.abs(back).max().item()
    np.testing.assert_allclose(back.values[[0, 57, 101, 199]], read @ forward, atol=1e-14 * scale)


def test_a_pass_back_keeps_the_root_of_the_steps(monkeypatch):
    """What a pass holds beside its inputs grows as sqrt(T): 4 times for 16 times the steps."""
    s = array("s", 500)
    system = System(
        {s: function(lambda s: jnp.sin(s) + jnp.roll(s, 1) / 3)(s)}, start={s: np.ones(500)}
    )
    sizes, whole = [], jax_reverse.compiled_pass_back

    def weighed(*asked):
        run = whole(*asked)

        def called(*given):
            sizes.append(run.lower(*given).compile().memory_analysis().temp_size_in_bytes)
            return run(*given)

        return called

    monkeypatch.setattr(jax_reverse, "compiled_pass_back", weighed)
    for steps in (400, 6400):
        gradients(system, s[steps].part[0], [s[0]])
    assert 500 * 8 * 2 * np.sqrt(400) < sizes[0] < 500 * 8 * 400
    assert sizes[1] < 5 * sizes[0]


def test_by_pixels_and_by_labels_too():
    x = np.random.default_rng(0).normal(size=(6, 2))
    y = x[:, 0] - 0.3 * x[:, 1]
    run = training(lambda t, x, y: (t @ x - y) ** 2 / 2, np.zeros(2), (x, y), 0.3)
    names = [run.importance[0], run.examples[0][0], run.examples[1][0], run.weights[0]]
    found = gradients(run.system, run.weights[7], names, read=[1.0, -2.0])

    def last(w, x, y, t):
        for _ in range(7):
            t = t - 0.3 * (w * (x @ t - y)) @ x / 6
        return t @ jnp.array([1.0, -2.0])

    with jax.enable_x64(True):
        given = [jnp.ones(6), jnp.asarray(x), jnp.asarray(y), jnp.zeros(2)]
        wanted = jax.grad(last, argnums=(0, 1, 2, 3))(*given)
    for name, slope in zip(found, wanted, strict=True):
        np.testing.assert_allclose(found[name].values, slope, atol=1e-14)
    assert found["data0[0]"].dims == ("data0[0]_axis0", "data0[0]_axis1")


# Each is compiled anew: four at every run.
@pytest.mark.long
@settings(max_examples=settings.default.max_examples // 10)
@given(st.integers(0, 30), st.integers(0, 30))
def test_a_node_in_the_middle_is_that_of_a_tangent(first, last):
    system = room()
    first, last = sorted((first, last))
    found = gradients(system, R[last], [h[first], R[first], u[first]])
    for node in (h[first], R[first], u[first]):
        shape = getattr(node.domain, "shape", ())
        along = {"along": np.eye(3)} if shape else {}
        X = system.world(steps=max(last, 1)).perturb(node, **along)
        wanted = tangents(X, keep=R[last:]).R.values[0, 0]
        np.testing.assert_allclose(found[str(node)].values, wanted, atol=1e-14)


def test_parts_and_repeated_nodes():
    found = gradients(room(), R[9], [h[2], h[2].part[1:3], h[2].along([[1, 1, 0]], read=[1, 0, 0])])
    whole, part, along = (value.values for value in found.values())
    np.testing.assert_allclose(part, whole[1:3], rtol=1e-14)
    np.testing.assert_allclose(along, [whole[0] + whole[1]], rtol=1e-14)


def test_entries_are_the_variables_of_the_same_system():
    found = gradients(room(), R[20], [h[0]])["h[0]"].values
    numbers = gradients(room_of_numbers(), R[20], [unit[0] for unit in units])
    np.testing.assert_allclose(found, [value.item() for value in numbers.values()], rtol=1e-12)


def test_around_a_world_with_interventions():
    system = room()
    W = system.world(steps=12).do(h.part[1], 0.3).perturb(R[3], by=0.5).perturb(h[2], by=0.1)
    W = W.perturb(u[5], to=0.25)
    nodes = [R[3], h[2], u[5], R[0]]
    found = gradients(W, R[12], nodes)
    for node in nodes:
        along = {"along": np.eye(3)} if node == h[2] else {}
        wanted = tangents(W.nudge(node, **along), keep=R[12:]).R.values[0, 0]
        np.testing.assert_allclose(found[str(node)].values, wanted, atol=1e-14)
    assert np.abs(found["u[5]"]) > 1e-3


def test_parameters_numbers_arrays_and_trees():
    k, W = parameters("k W")
    net = equinox.nn.MLP(2, 1, 3, 1, key=jax.random.key(0))
    arrays, rest = equinox.partition(net, equinox.is_array)
    arrays = jax.tree.map(lambda leaf: np.asarray(leaf, dtype=np.float64), arrays)
    s = array("s", 2)

    def step(s, W, k):
        return s - k * s * equinox.combine(W, rest)(s)[0]

    system = System(
        {s: function(step)(s, W, k)}, start={s: [0.4, -0.2]}, parameters={k: 0.5, W: arrays}
    )
    found = gradients(system, s[5], [k, W, s[0]], read=[1.0, 3.0])

    def last(k, W, s):
        for _ in range(5):
            s = step(s, W, k)
        return s @ jnp.array([1.0, 3.0])

    with jax.enable_x64(True):
        given = (jnp.asarray(0.5), jax.tree.map(jnp.asarray, arrays), jnp.array([0.4, -0.2]))
        by_k, by_W, by_s = jax.grad(last, argnums=(0, 1, 2))(*given)
        by_W = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(by_W)])
    assert found["k"].item() == pytest.approx(float(by_k), abs=1e-15)
    np.testing.assert_allclose(found["W"].values, by_W, atol=1e-15)
    np.testing.assert_allclose(found["s[0]"].values, by_s, atol=1e-15)


def test_what_leads_nowhere_has_no_slope():
    W, V = parameters("W V")
    s, t = array("s", 2), array("t", 2)
    system = System(
        {s: function(lambda s, W: W @ s)(s, W), t: function(lambda t, V: V @ t)(t, V)},
        start={s: [1, 2], t: [1, 2]},
        parameters={W: np.eye(2), V: np.eye(2)},
    )
    found = gradients(system, s[3].part[0], [t[0], V, s[2], t[3]])
    assert all(not found[name].values.any() for name in ("t[0]", "V", "t[3]"))
    assert found["V"].shape == (2, 2)
    assert found["s[2]"].values.tolist() == [1.0, 0.0]


def test_noise_is_that_of_the_world():
    e = noise_("e", normal(0, 1))
    s = array("s", 1)
    system = System({s: function(lambda s, e: s + e * s**2 / 9)(s, e)}, start={s: [0.5]})
    W = system.world(steps=6, seed=4)
    found = gradients(W, s[6], [s[0]])["s[0]"].item()
    wanted = tangents(W.perturb(s[0], along=[1.0]), keep=s[6:]).s.values.item()
    assert found == pytest.approx(wanted, rel=1e-14)
    assert found != pytest.approx(
        gradients(system.world(steps=6, seed=5), s[6], [s[0]])["s[0]"].item(), rel=1e-6
    )


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: gradients(room(), h[5], [R[0]]), "write read=u"),
        (lambda: gradients(room(), h[5], [R[0]], read=np.eye(3)), "several numbers"),
        (lambda: gradients(room(), h[5], [R[0]], read=[1.0, 2.0]), "shape"),
        (lambda: gradients(room(), R[5], [R[0]], read=[1.0]), "leave it out"),
        (lambda: gradients(room(), R, [R[0]]), "not one node"),
        (lambda: gradients(room(), R[5], R[0]), "write a list"),
        (lambda: gradients(room(), R[5], [R]), "not one node"),
        (lambda: gradients(room(), R[5], [parameters("nobody")[0]]), "no parameter of this model"),
        (lambda: gradients(room().world(steps=3), R[5], [R[0]]), "3"),
    ],
)
def test_what_has_no_gradient_is_told(ask, told):
    with pytest.raises(CausaloptError, match=told):
        ask()


def test_named_values_have_no_gradient():
    mood = finite("mood", ["glad", "sad"])
    system = System({mood: mood, a: a / 2}, start={mood: "glad", a: 1})
    with pytest.raises(QueryError, match="no derivatives"):
        gradients(system, a[3], [mood[0]])


def test_formulas_of_parameters_are_told():
    k, double = parameters("k double")
    system = System({a: double * a}, start={a: 1}, parameters={k: 0.3, double: 2 * k})
    with pytest.raises(QueryError, match="double follows by a formula"):
        gradients(system, a[3], [k])


def test_what_leaves_the_floats_is_told_by_node_and_step():
    system = System({a: function(lambda a: a**2)(a)}, start={a: 10.0})
    with pytest.raises(EvaluationError, match=r"a\[9\] is infinite"):
        gradients(system, a[9], [a[0]])
    blows_up = System({a: function(lambda a: a * 1e60)(a)}, start={a: 1e-300})
    with pytest.raises(EvaluationError, match="leaves the range of floats"):
        gradients(blows_up, a[6], [a[0]])


def test_places_that_are_written_alike_have_names_of_their_own():
    big, (v,) = array("big", 12), variables("v")
    system = System(
        {big: function(lambda big, v: big * 0.5 + v)(big, v), v: v},
        start={big: np.arange(12.0), v: 1},
    )
    masks = np.arange(12) % 2 == 0, np.arange(12) % 3 == 0
    directions = np.eye(12)[:2]
    by = [*(big[0].part[mask] for mask in masks), *(big[0].along(d, read=d) for d in directions)]
    found = gradients(system, big[2].part[0], by=by)
    assert [part.size for part in found.values()] == [6, 4, 1, 1]
    assert [str(name) for name in found] == [
        "big[0].part[6 of 12 entries]",
        "big[0].part[4 of 12 entries]",
        "big[0].along(1 directions)",
        "big[0].along(1 directions) (2)",
    ]
    assert found["big[0].along(1 directions)"].values == pytest.approx(0.25)
    assert found["big[0].along(1 directions) (2)"].values == pytest.approx(0.0)
