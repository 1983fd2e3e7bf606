"""Op of arrays, against numbers that were computed apart from this package."""

import jax
import jax.numpy as jnp
import neural
import numpy as np
import pytest
from neural import R, h, room, room_of_numbers, u, units

from causalopt import (
    DeclarationError,
    Network,
    QueryError,
    System,
    array,
    comp,
    every_A,
    find_optimizers,
    function,
    gradients,
    op,
    parameters,
    run,
    series,
    tangents,
    variables,
)
from causalopt.backends.jax_loop import compiled_run

DIMS = (64, 16, 10)
h3 = array("h", 3)


def test_hidden_units_steer_a_room():
    system = room()
    steps = [10, 100, 400]
    wanted = {
        h.part[0]: [0.4065728452, 1.2796427057, 2.8578395375],
        h.part[1:3]: [0.1089679135, 0.8007965510, 2.8929689735],
        h[:50].part[1:3]: [0.1089679135, 0.4295870144, 0.4295870144],
        u: [0.5290870379, 2.1825989518, 6.0510977995],
    }
    for A, values in wanted.items():
        got = op(system, A=A, n=R[0], m=R, steps=400).values[steps]
        assert got == pytest.approx(values, abs=1e-10)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("part", "alike"),
    [(h.part[0], [units[0]]), (h.part[[1, 2]], [*units[1:]]), (h, [*units]), (u, u)],
)
def test_the_array_is_as_good_as_a_variable_for_each_entry(part, alike):
    got = op(room(), A=part, n=R[0], m=R, steps=60)
    wanted = op(room_of_numbers(), A=alike, n=R[0], m=R, steps=60, backend="numpy")
    assert got.values == pytest.approx(wanted.values, abs=1e-11)
    signs = comp(room(), A=part, n=R[0], m=R, steps=60)
    assert signs.values == pytest.approx(np.exp(-wanted.values), rel=1e-10)


def test_finite_differences_agree_with_the_exact_ones():
    exact = op(room(), A=h.part[1:], n=R[0], m=R[40]).item()
    assert op(room(), A=h.part[1:], n=R[0], m=R[40], delta=1e-5).item() == pytest.approx(
        exact, abs=1e-5
    )


def test_the_lorenz_equations_as_one_array():
    s = array("s", 3)

    def step(s):
        a, b, c = s
        return s + 0.001 * jnp.array([10 * (b - a), a * (28 - c) - b, a * b - 8 / 3 * c])

    system = System({s: function(step)(s)}, start={s: [1, 2, 20]})
    got = op(system, A=s.part[0:1], n=s[0].part[1], m=s[2000].part[1])
    assert got.item() == pytest.approx(-5.0952057320, abs=1e-9)


def test_every_unit_at_once_is_each_by_itself():
    steps, (system, hidden, room_) = 200, neural.controller(16)
    whole = op(system, A=hidden, n=room_[0], m=room_[steps]).item()
    assert whole == pytest.approx(15.9314967274, abs=1e-10)
    every = every_A(system, n=room_[0], m=room_[steps], among=hidden)
    assert every.values[:3] == pytest.approx([-0.08197454, 0.29206081, 0.07105361], abs=1e-8)
    alone = op(system, A=hidden.part[5], n=room_[0], m=room_[steps]).item()
    assert every.sel(A="hidden.part[5]").item() == pytest.approx(alone, abs=1e-12)
    halves = every_A(
        system, n=room_[0], m=room_, steps=20, among=[hidden.part[:8], hidden.part[8:]]
    )
    alone = op(system, A=hidden.part[8:], n=room_[0], m=room_, steps=20)
    assert halves.values[1] == pytest.approx(alone.values, abs=1e-12)


def directions(size):
    V = np.random.default_rng(1).normal(size=(3, size))
    return V / np.linalg.norm(V, axis=1, keepdims=True)


@pytest.mark.long
def test_the_gradient_steers_the_weights():
    system, theta, g = neural.descent(neural.cross_entropy, DIMS, 0.5, *neural.digits())
    V = directions(theta.shape[0])
    along = op(system, A=g, n=theta[0], m=theta, steps=200, along=V)
    wanted = [-0.052779292004, -0.556349096853, -0.751075231517]
    assert along.values[[10, 100, 200], 0] == pytest.approx(wanted, abs=1e-10)
    assert along.values[200, 1] == pytest.approx(-0.606031471568, abs=1e-10)
    volume = op(system, A=g, n=theta[0], m=theta, steps=200, along=V, reduce="volume")
    wanted = [-0.157981634426, -1.574281152134, -2.084677526485]
    assert volume.values[[10, 100, 200]] == pytest.approx(wanted, abs=1e-10)
    rms = op(system, A=g, n=theta[0], m=theta[200], along=V, reduce="rms")
    assert rms.item() == pytest.approx(-0.702552124332, abs=1e-10)


def test_the_gradient_of_squared_errors():
    system, theta, g = neural.descent(neural.half_square, DIMS, 0.1, *neural.digits())
    size = theta.shape[0]
    V, u = directions(size), np.random.default_rng(2).normal(size=size)
    end = {"A": g, "n": theta[0], "m": theta[200]}
    along = op(system, **end, along=V[:2])
    assert along.values == pytest.approx([-0.101138301162, -0.116008274018], abs=1e-10)
    read = op(system, **end, along=V[0], read=u)
    assert read.item() == pytest.approx(1.452820986135, abs=1e-10)
    volume = op(system, **end, along=V, reduce="volume")
    assert volume.item() == pytest.approx(-0.268813402735, abs=1e-10)


@pytest.mark.long
def test_the_volume_of_descent_is_that_of_its_curvature():
    import jax

    from causalopt.mechanisms.tracing import in_double

    x, y = neural.digits()
    x = x.reshape(500, 4, 2, 4, 2).mean((2, 4)).reshape(500, 16)
    dims, rate = (16, 5, 10), 0.5
    system, theta, g = neural.descent(neural.cross_entropy, dims, rate, x, y)
    got = op(system, A=g, n=theta[0], m=theta, steps=100, reduce="volume")
    wanted = [2.0586807262, 24.8703557810, 255.1985136161, 733.1066602062]
    assert got.values[[1, 10, 50, 100]] == pytest.approx(wanted, abs=1e-10)
    with in_double():

        def loss(w):
            return neural.cross_entropy(w, jnp.asarray(x), jnp.asarray(y), dims)

        curvature, slope = jax.jit(jax.hessian(loss)), jax.jit(jax.grad(loss))
        w, total = jnp.asarray(neural.first_weights(dims, 0)), 0.0
        for _ in range(10):
            step = np.eye(len(w)) - rate * np.asarray(curvature(w))
            total -= np.linalg.slogdet(step)[1]
            w = w - rate * slope(w)
    assert got.values[10] == pytest.approx(total, abs=1e-10)


def test_worlds_share_their_batches():
    places = np.random.default_rng(10).integers(0, 500, size=(400, 20))
    order = series("batch", places)
    loss = neural.cross_entropy
    system, theta, g = neural.descent(loss, DIMS, 0.2, *neural.digits(), order=order)
    rng = np.random.default_rng(1)
    v = rng.normal(size=theta.shape[0])
    got = op(system, A=g, n=theta[0], m=theta, steps=400, along=v / np.linalg.norm(v))
    wanted = [-0.0037852371, -0.2896088389, -0.7276159542]
    assert got.values[[10, 100, 400]] == pytest.approx(wanted, abs=1e-10)


@pytest.fixture(scope="module")
def pair():
    """Two arrays that follow each other by matrices: J_X and J_Y in closed form."""
    x, y = array("x", 2), array("y", 3)
    rng = np.random.default_rng(4)
    M, N, K = rng.normal(size=(2, 2)) / 2, rng.normal(size=(3, 2)), rng.normal(size=(2, 3))
    system = System(
        {
            x: function(lambda x, y: M @ x + K @ y)(x, y),
            y: function(lambda x, y: N @ x + y / 2)(x, y),
        },
        start={x: [1, 2], y: [0, 0, 1]},
    )
    whole = np.block([[M, K], [N, np.eye(3) / 2]])
    held = np.block([[M, 0 * K], [N, np.eye(3) / 2]])
    held[:2, 2:] = 0.0
    return system, x, y, M, np.linalg.matrix_power(whole, 4)[:2, :2]


def test_forms_of_a_pair_that_is_known(pair):
    system, x, y, M, J_X = pair
    J_Y = np.linalg.matrix_power(M, 4)
    asked = {"A": y, "n": x[0], "m": x[4]}
    volume = np.linalg.slogdet(J_Y)[1] - np.linalg.slogdet(J_X)[1]
    assert op(system, **asked, reduce="volume").item() == pytest.approx(volume)
    eigen = op(system, **asked, reduce="eigen").values
    wanted = -np.log(np.linalg.eigvals(np.linalg.solve(J_Y, J_X)).astype(complex))
    order = np.argsort(-wanted.real)
    assert np.exp(-eigen) == pytest.approx(np.exp(-wanted[order]), rel=1e-9)
    assert op(system, **asked, reduce="spectrum").sum().item() == pytest.approx(volume)
    rms = np.log(np.linalg.norm(J_Y) / np.linalg.norm(J_X))
    assert op(system, **asked, reduce="rms").item() == pytest.approx(rms)
    v, w = np.array([1.0, -1.0]), np.array([2.0, 1.0])
    got = comp(system, **asked, along=v, read=w).item()
    assert got == pytest.approx((w @ J_X @ v) / (w @ J_Y @ v))
    one = op(system, A=y, n=x[0].part[1], m=x[4].part[0]).item()
    assert one == pytest.approx(-np.log(abs(J_X[0, 1] / J_Y[0, 1])))


def test_probes_estimate_the_mean_square_and_say_how_well(pair, monkeypatch):
    system, x, y, *_ = pair
    asked = {"A": y, "n": x[0], "m": x, "steps": 4, "reduce": "rms"}
    exact = op(system, **asked).values
    found = op(system, **asked, probes=400)
    assert found.standard_error.dims == ("time",)
    assert found.standard_error[0] == 0.0  # the difference itself, in both worlds
    assert np.abs(found - exact)[1:].values == pytest.approx(0, abs=0.2)
    # Over many draws, estimates are as far off as they say: z has a mean square of 1.
    rng, z = np.random.default_rng, []
    for seed in range(200):
        monkeypatch.setattr(np.random, "default_rng", lambda _, seed=seed: rng(seed))
        one = op(system, **asked, probes=400).isel(time=4)
        z.append((one.item() - exact[4]) / one.standard_error.item())
    # 200 squares of standard normals have a mean within 1 +- 0.3 but for one draw in 1,000.
    assert np.mean(np.square(z)) == pytest.approx(1.0, abs=0.35)


@pytest.mark.long
def test_at_the_edge_of_stability_the_gradient_amplifies_and_takes_it_back():
    """eta lambda is above 2: each step overshoots by more, until curvature answers."""
    x, y = neural.digits()
    system, theta, g = neural.descent(neural.half_square, DIMS, 0.2, x, y)
    first = 501  # the state after 501 steps
    with jax.enable_x64(True):
        at = jnp.asarray(run(system.world(steps=first), keep="last").theta.values[0, 0])
        slope = jax.grad(lambda theta: neural.half_square(theta, x, y, DIMS))
        curved = jax.jit(lambda v: jax.jvp(slope, (at,), (v,))[1])
        v = jnp.asarray(np.random.default_rng(0).normal(size=at.shape))
        for _ in range(150):
            v = curved(v) / jnp.linalg.norm(curved(v))
        assert 0.2 * float(v @ curved(v)) == pytest.approx(2.1533, abs=1e-4)
    windows = np.array([1, 8, 32, 64, 128, 200])
    asked = {"A": g, "n": theta[first], "m": theta, "steps": first + 200}
    found = op(system, **asked, along=np.asarray(v)).values.reshape(-1)[first + windows] / windows
    wanted = [-0.1427, -0.1475, -0.1627, -0.1053, -0.0416, -0.0288]
    assert found == pytest.approx(wanted, abs=2e-4)
    signs = comp(system, **asked, along=np.asarray(v), read=np.asarray(v)).values.reshape(-1)
    assert np.sign(signs[first : first + 9]).tolist() == [1.0, -1.0] * 4 + [1.0]


def test_another_part_takes_no_other_code():
    system = room()
    op(system, A=h.part[0], n=R[0], m=R[17])
    before = compiled_run.cache_info()
    some = [h.part[1], h.part[[0, 2]], h[3:9].part[2]]
    alone = [op(system, A=part, n=R[0], m=R[17]).item() for part in some[:2]]
    assert compiled_run.cache_info().misses == before.misses
    assert alone[0] != alone[1]
    along = h.along([[1, 0, 0]], read=[[1, 0.5, 0]]), h.along([[0, 1, 0]], read=[[0.5, 1, 0]])
    first, second = (op(system, A=part, n=R[0], m=R[17]).item() for part in along)
    assert compiled_run.cache_info().misses == before.misses + 1
    assert first != second


@pytest.mark.long
def test_every_unit_around_worlds_in_which_units_are_treated():
    """On top of what is done to them, and where n is another part of the same array."""
    system, v = room(), np.array([1.0, 0.5, -0.3])
    W = system.world(steps=6)
    for world, n, along in [
        (W.replace(h, function(lambda h, R: h / 2 + R / 100)(h, R)), R[0], None),
        (W.do(h.part[1], 0.3), R[0], None),
        (W.perturb(h[0], by=0.2), R[0], None),
        (W, h[0], v),
    ]:
        asked = {"n": n, "m": R[6], "along": along}
        alone = [op(world, A=h.part[i], **asked).item() for i in range(3)]
        every = every_A(world, **asked, among=h)
        assert every.values == pytest.approx(alone, abs=1e-12)
        assert len(set(np.round(alone, 6))) == 3


def test_tangents_that_nothing_reaches_are_zeros_of_their_shape():
    a, b = array("a", 3), array("b", 2)
    system = System({a: 2 * a, b: b}, start={a: [1, 2, 3], b: [0, 0]})
    W = system.world(steps=2)
    both = tangents(W, W.perturb(a[0], along=np.eye(3)))
    assert both.b.shape == (2, 3, 2, 3)
    assert not both.b.values.any()
    assert not both.a.sel(world="W").values.any()
    np.testing.assert_array_equal(both.a.sel(world="X", time=2), 4 * np.eye(3))
    with pytest.raises(QueryError, match="directions"):
        tangents(W.perturb(a[0], along=np.eye(3)), W.perturb(a[0], along=[1, 0, 0]))


def test_single_precision_is_a_choice_and_is_said():
    exact, told = room(), {"A": h.part[0], "n": R[0], "m": R[100]}
    rules = {
        h: function(neural.cell, precision="float32")(*exact.declarations[h].inputs),
        **{v: exact.declarations[v].formula for v in (R,)},
        u: exact.declarations[u],
    }
    given = dict(zip(neural.room().parameters, neural.weights(), strict=True))
    single = System(rules, start={h: np.full(3, 0.1), u: 0, R: 24}, parameters=given)
    coarse, fine = op(single, **told), op(exact, **told)
    assert coarse.attrs["float32"] == "h"
    assert "float32" not in fine.attrs
    apart = abs(coarse.item() - fine.item())
    assert 1e-12 < apart < 1e-5
    assert run(single.world(steps=2)).attrs["float32"] == "h"
    values = run(single.world(steps=1)).h.values[0, 1]
    assert (values == values.astype(np.float32)).all()


def test_what_is_asked_of_arrays_has_to_be_said(pair):
    system, x, y, *_ = pair
    asked = {"A": y, "n": x[0], "m": x[4]}
    for how, told in [
        ({}, 'reduce="volume"'),
        ({"reduce": "trace"}, "no reduce='trace'"),
        ({"along": [1, 2, 3]}, "shape"),
        ({"along": [1, 0], "metric": -np.eye(2)}, "positive definite"),
        ({"along": [1, 0], "metric": np.eye(3)}, "shape"),
        ({"along": [1, 0], "delta": 0.1}, "delta"),
        ({"reduce": "volume", "probes": 8}, "probes"),
        ({"along": [[np.nan, 0]]}, "not finite"),
    ]:
        with pytest.raises((QueryError, DeclarationError), match=told):
            op(system, **asked, **how)
    with pytest.raises(QueryError, match="one size"):
        op(system, A=x[2:], n=x[0], m=y[4], reduce="eigen")
    with pytest.raises(QueryError, match="inside A"):
        op(system, A=x.part[0], n=x[0].part[0], m=y[3], read=[1, 0, 0])
    T, S = variables("T S")
    (k,) = parameters("k")
    numbers = System({T: k * T + S, S: T}, start={T: 1, S: 0}, parameters={k: 0.5})
    with pytest.raises(QueryError, match="are for arrays"):
        op(numbers, A=S, n=T[0], m=T[3], reduce="volume")


@pytest.fixture(scope="module")
def leaning():
    """One array by a matrix that is known, and a step that forgets nothing."""
    M = np.array([[0.9, 0.3, -0.2], [0.1, 0.7, 0.5], [0.4, -0.3, 0.8]])
    s = array("s", 3)
    return System({s: function(lambda s: M @ s)(s)}, start={s: np.ones(3)}), s, M


def test_metric_and_covariance_go_together(leaning):
    system, s, M = leaning
    G, C = np.diag([1.0, 1e6, 4.0]), np.diag([1.0, 9.0, 0.25])
    asked = {"A": s[1:2].part[0], "n": s[0], "m": s[3]}
    held = M.copy()
    held[0] = 0.0
    J_X, J_Y = np.linalg.matrix_power(M, 3), M @ M @ held

    def size(J):
        return np.trace(G @ J @ C @ J.T)

    got = op(system, **asked, reduce="rms", metric=G, covariance=C).item()
    assert got == pytest.approx(0.5 * np.log(size(J_Y) / size(J_X)))
    alone = op(system, **asked, reduce="rms", metric=G).item()
    assert alone == pytest.approx(
        0.5 * np.log(np.trace(J_Y.T @ G @ J_Y) / np.trace(J_X.T @ G @ J_X))
    )


@pytest.mark.parametrize("steps", [(1, 2), (1, 5), (1, None)])
def test_what_is_held_fills_no_volume(leaning, steps):
    system, s, _ = leaning
    asked = {"A": s[slice(*steps)].part[0], "n": s[0], "m": s[10]}
    for how in ({}, {"covariance": np.eye(3)}):
        assert op(system, **asked, reduce="volume", **how).item() == -np.inf
    values = op(system, **asked, reduce="spectrum").values
    assert values[-1] == -np.inf
    assert np.isfinite(values[:-1]).all()
    eigen = op(system, **asked, reduce="eigen")
    assert eigen.values.real.min() == -np.inf
    assert not np.isnan(eigen.values).any()
    assert eigen.attrs["infinite"] == 1


def contracting(precision):
    """A matrix that shrinks all by a tenth a step, and a number that holds it back."""
    kind = jnp.float32 if precision == "float32" else float
    M = jnp.asarray([[0.05, 0.02], [-0.03, 0.04]], dtype=np.float32).astype(kind)
    b = jnp.asarray([0.03, 0.01], dtype=np.float32).astype(kind)
    g, (v,) = array("g", 2), variables("v")
    single = {"precision": precision}
    system = System(
        {
            g: function(lambda g, v: M @ g + v * b, **single)(g, v),
            v: function(lambda g: g[0] * 0.5, **single)(g),
        },
        start={g: [1.0, 2.0], v: 1.0},
    )
    return system, g, v


@pytest.mark.sampled(3)
@pytest.mark.parametrize("steps", [20, 30, 60])
def test_derivatives_of_single_precision_have_the_range_of_doubles(steps):
    found = []
    for precision in ("float32", "float64"):
        system, g, v = contracting(precision)
        asked = {"A": v, "n": g[0], "m": g[steps], "along": [1.0, 0.0]}
        back = gradients(system, g[steps].part[0], by=[g[0]])["g[0]"].values
        found.append((op(system, **asked).item(), back))
    (rough, back), (exact, slope) = found
    assert rough == pytest.approx(exact, abs=1e-5)
    assert back == pytest.approx(slope, rel=1e-5, abs=0)


@pytest.mark.parametrize("factor", [1e-25, 1e25])
def test_one_step_of_single_precision_may_go_far(factor):
    h = array("h", 1)
    system = System({h: function(lambda h: h * factor, precision="float32")(h)}, start={h: [0.0]})
    W = system.world(steps=5)
    slope = tangents(W.perturb(h[0], along=[1.0]), keep="last").h.item()
    assert slope == pytest.approx(factor**5, rel=1e-5, abs=0)


def test_a_covariance_of_n_is_one_of_its_directions():
    system, g, v = contracting("float64")
    S = np.array([[4.0, 1.0], [1.0, 9.0]])
    asked = {"A": v, "n": g[0], "m": g[60], "reduce": "volume"}
    found = op(system, **asked, covariance=S)
    # Of a square Jacobian it cancels, however small the smaller direction is beside the other.
    assert found.item() == pytest.approx(op(system, **asked).item(), abs=1e-10)
    assert found.rounding.item() < 1e-10
    asked = {"A": v, "n": g[0], "m": g[3], "reduce": "rms"}
    root = np.linalg.cholesky(S)
    wanted = op(system, **asked, along=root.T).item()
    assert op(system, **asked, covariance=S).item() == pytest.approx(wanted, abs=1e-12)
    estimate = op(system, **asked, covariance=S, probes=2000)
    assert abs(estimate.item() - wanted) < 4 * estimate.standard_error.item()
    assert estimate.standard_error.item() < 0.1
    with pytest.raises(DeclarationError, match=r"\(2, 2\)"):
        op(system, **asked, covariance=np.eye(3), probes=3)


FREE = System(
    {
        h3: function(lambda h, R: jnp.tanh(h) + R * 0.1)(h3, R),
        R: function(lambda R, h: R * 0.9 - h.sum() * 0.1)(R, h3.next),
    },
    start={h3: [0.1, 0.2, 0.3], R: 1},
)
PASS = Network({h3: function(lambda R: R * np.arange(3.0))(R), u: R * 2}, start={R: 1})
FLAT = Network({u: R * 2}, start={R: 1})


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: op(FREE, A=h3.part[0], n=h3[0], m=R[3], along=[1, 0, 0]), "lies inside A"),
        (lambda: op(FREE, A=h3.part[0], n=h3[0].part[0], m=R[3]), "lies inside A"),
        (lambda: op(FREE, A=[h3.part[0], h3.part[1]], n=h3[0], m=R[3],
                    along=[[1, 0, 0], [1, 1, 0]]), "lies inside A"),
        (lambda: op(FREE, A=h3.part[0], n=h3[0], m=h3[3], along=[0, 1, 0], read=[0, 0, 0]),
         "read is 0 everywhere"),
        (lambda: op(FREE, A=h3, n=R[0], m=R[3], along=[1]), "has no directions"),
        (lambda: every_A(FREE, n=R[0], m=R[3], among=[h3]), r"every_A\(among=h\) of the entr"),
        (lambda: every_A(FREE, n=R[0], m=R[3]), r"every_A\(among=h\) of the entries"),
        (lambda: every_A(FREE, n=R[0], m=R[3], among=h3, first_order="yes"),
         "first_order is 'yes': write True or False"),
        (lambda: gradients(FREE, R[3], by=[]), "by is empty"),
        (lambda: op(PASS, A=h3, n=R, m=u, steps=5), "steps is 5, and a network has none"),
        (lambda: comp(FLAT, A=R, n=R, m=u, steps=5), "steps is 5, and a network has none"),
        (lambda: every_A(FLAT, n=R, m=u, steps=5), "steps is 5, and a network has none"),
        (lambda: find_optimizers(FLAT, m=u, steps=5), "steps is 5, and a network has none"),
    ],
)  # fmt: skip
def test_what_says_nothing_is_no_question(ask, told):
    with pytest.raises(QueryError, match=told):
        ask()


def test_a_nudge_that_reaches_beyond_what_is_held_is_asked_about():
    """Of several directions, one that is held is moved in X alone."""
    found = op(FREE, A=h3.part[0], n=h3[0], m=R[3], along=np.eye(3))
    assert found.values[0] == -np.inf
    assert np.isfinite(found.values[1:]).all()
    both = op(FREE, A=h3.part[0], n=h3[0], m=R[3], along=[1, 1, 0])
    assert np.isfinite(both)
