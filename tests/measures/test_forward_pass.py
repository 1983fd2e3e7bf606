"""Networks of arrays and functions, against forward passes and derivatives written out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    Network,
    QueryError,
    array,
    comp,
    every_A,
    function,
    gradients,
    noise,
    normal,
    op,
    parameters,
    run,
    tangents,
    unit_shares,
    variables,
)
from causalopt.mechanisms.tracing import in_double

x, h, y = array("x", 3), array("h", 4), array("y", 3)
W1, W2, V = parameters("W1 W2 V")

rng = np.random.default_rng(0)
WEIGHTS = {W1: rng.normal(size=(4, 3)), W2: rng.normal(size=(3, 4)), V: rng.normal(size=(3, 3))}
AT = np.array([0.3, -0.5, 0.8])


def layer(x, W1):
    return jnp.tanh(W1 @ x)


def out(h, x, W2, V):
    return jnp.sinh((W2 @ h + V @ x) / 3)


NETWORK = Network(
    {h: function(layer)(x, W1), y: function(out)(h, x, W2, V)}, start={x: AT}, parameters=WEIGHTS
)
W = NETWORK.world()

masks = st.lists(st.booleans(), min_size=4, max_size=4).map(np.array)
some = masks.filter(any)


def hidden(x):
    return jnp.tanh(WEIGHTS[W1] @ x)


def forward(x, hold=lambda own: own):
    """The same pass in plain JAX, in which something is made of the hidden layer."""
    return jnp.sinh((WEIGHTS[W2] @ hold(hidden(x)) + WEIGHTS[V] @ x) / 3)


def jacobian(f, at=AT):
    with in_double():
        return np.asarray(jax.jacobian(f)(jnp.asarray(at)))


def plain(f, *given):
    with in_double():
        return np.asarray(f(*map(jnp.asarray, given)))


KEPT = plain(hidden, AT)


def held(mask, by=1.0):
    """Entries of the hidden layer that are drawn to what they are at the start."""
    return lambda own: own + by * jnp.where(jnp.asarray(mask), KEPT - own, 0.0)


MASK = np.array([True, False, True, False])
J_X, J_Y = jacobian(forward), jacobian(lambda x: forward(x, held(MASK)))
ASKED = {"A": h.part[MASK], "n": x, "m": y}


def test_it_is_the_pass_written_out():
    found = run(W)
    assert found.h.dims == ("world", "h_axis0")
    assert found.h.values[0] == pytest.approx(KEPT, abs=1e-15)
    assert found.y.values[0] == pytest.approx(plain(forward, AT), abs=1e-15)
    assert found.x.values[0].tolist() == AT.tolist()
    assert list(run(W, keep=[y])) == ["y"]


def test_tangents_are_the_jacobian():
    found = tangents(W.perturb(x, along=np.eye(3)))
    assert found.y.values[0] == pytest.approx(J_X, abs=1e-14)
    assert found.h.values[0] == pytest.approx(jacobian(hidden), abs=1e-14)
    assert found.x.values[0].tolist() == np.eye(3).tolist()
    inside = tangents(W.perturb(h.part[1]))
    by_h = jacobian(lambda h: jnp.sinh((WEIGHTS[W2] @ h + WEIGHTS[V] @ AT) / 3), KEPT)
    assert inside.y.values[0, :, 0] == pytest.approx(by_h[:, 1], abs=1e-14)


def test_the_forms_of_op_are_those_of_the_two_jacobians():
    v, u = np.array([1.0, -2.0, 0.5]), np.array([0.5, 1.0, -1.0])
    got = comp(NETWORK, **ASKED, along=v, read=u).item()
    assert got == pytest.approx((u @ J_X @ v) / (u @ J_Y @ v), rel=1e-12)
    got = op(NETWORK, **ASKED, along=np.stack([v, u])).values
    wanted = [np.log(np.linalg.norm(J_Y @ d) / np.linalg.norm(J_X @ d)) for d in (v, u)]
    assert got == pytest.approx(wanted, abs=1e-12)
    volume = np.linalg.slogdet(J_Y)[1] - np.linalg.slogdet(J_X)[1]
    assert op(NETWORK, **ASKED, reduce="volume").item() == pytest.approx(volume, abs=1e-11)
    rms = np.log(np.linalg.norm(J_Y) / np.linalg.norm(J_X))
    assert op(NETWORK, **ASKED, reduce="rms").item() == pytest.approx(rms, abs=1e-12)
    ratios = np.linalg.svd(J_Y @ np.linalg.inv(J_X), compute_uv=False)
    got = op(NETWORK, **ASKED, reduce="spectrum").values
    assert got == pytest.approx(np.log(ratios), abs=1e-10)
    eigen = np.linalg.eigvals(np.linalg.solve(J_Y, J_X)).astype(complex)
    got = np.exp(-op(NETWORK, **ASKED, reduce="eigen").values)
    assert np.sort_complex(got) == pytest.approx(np.sort_complex(eigen), rel=1e-10)


def test_metric_covariance_and_probes():
    G, S = np.diag([1.0, 4.0, 9.0]), np.diag([1.0, 0.25, 2.0])

    def size(J):
        return np.trace(G @ J @ S @ J.T)

    got = op(NETWORK, **ASKED, reduce="rms", metric=G, covariance=S).item()
    assert got == pytest.approx(0.5 * np.log(size(J_Y) / size(J_X)), abs=1e-12)
    exact = op(NETWORK, **ASKED, reduce="rms").item()
    assert op(NETWORK, **ASKED, reduce="rms", probes=400).item() == pytest.approx(exact, abs=0.2)


@given(some)
@settings(max_examples=4)
def test_entries_that_are_held_are_held_in_the_derivative(mask):
    J = jacobian(lambda x: forward(x, held(mask)))
    Y = W.perturb(x, along=np.eye(3)).clamp(h.part[mask], to=W)
    assert tangents(Y).y.values[0] == pytest.approx(J, abs=1e-13)
    by = W.perturb(x, along=np.eye(3)).clamp(h.part[mask], to=W, by=0.25)
    J = jacobian(lambda x: forward(x, held(mask, 0.25)))
    assert tangents(by).y.values[0] == pytest.approx(J, abs=1e-13)


def test_coordinates_are_held_along_directions():
    d, r = rng.normal(size=(2, 4)), rng.normal(size=(2, 4))

    def hold(own):
        return own - d.T @ np.linalg.inv(r @ d.T) @ (r @ (own - KEPT))

    J = jacobian(lambda x: forward(x, hold))
    X = W.perturb(x, along=np.eye(3))
    assert tangents(X.clamp(h.along(d, read=r), to=W)).y.values[0] == pytest.approx(J, abs=1e-13)
    moved = W.perturb(x, by=0.5)
    got = run(moved.clamp(h.along(d, read=r), to=W)).y.values[0]
    assert got == pytest.approx(plain(lambda x: forward(x, hold), AT + 0.5), abs=1e-13)
    # What is held follows the world that it is held to, where the node itself stays.
    back = tangents(W.clamp(h.along(d, read=r), to=X)).h.values[0]
    assert back == pytest.approx(jacobian(hidden) - jacobian(lambda x: hold(hidden(x))), abs=1e-13)


@given(masks, some)
@settings(max_examples=6)
def test_laws_of_worlds(first, second):
    X = W.perturb(x, by=0.5)
    apart = second & ~first
    one = W.clamp(h.part[second], to=X)
    assert one.clamp(h.part[second], to=X) == one
    assert W.clamp(h.part[second], to=W).values_only() == W
    if first.any() and apart.any():
        pair = W.clamp(h.part[first], to=X).do(h.part[apart], 2.0)
        assert pair == W.do(h.part[apart], 2.0).clamp(h.part[first], to=X)
        assert hash(pair) == hash(W.do(h.part[apart], 2.0).clamp(h.part[first], to=X))
    # The later one wins: all entries by hand.
    last = (W.do(h.part[first], 2.0) if first.any() else W).clamp(h.part[second], to=X)
    wanted = np.where(second, plain(hidden, AT + 0.5), np.where(first, 2.0, KEPT))
    assert run(last).h.values[0] == pytest.approx(wanted, abs=1e-15)


def test_every_unit_at_once_is_each_by_itself():
    asked = {"n": x, "m": y, "along": [1.0, 0, 0], "read": [0, 1.0, 0]}
    every = every_A(NETWORK, among=h, **asked)
    alone = [op(NETWORK, A=h.part[i], **asked).item() for i in range(4)]
    assert every.values == pytest.approx(alone, abs=1e-12)
    assert every.A.values.tolist() == [f"h.part[{i}]" for i in range(4)]


def test_one_pass_back_is_the_gradient():
    u = np.array([1.0, -2.0, 0.5])
    found = gradients(NETWORK, y, by=[x, W1, h, h.part[MASK]], read=u)
    assert found["x"].values == pytest.approx(u @ J_X, abs=1e-13)
    by_weights = jacobian(
        lambda W: u @ forward_with(jnp.tanh(W @ AT), jnp.asarray(AT)), WEIGHTS[W1]
    )
    assert found["W1"].values == pytest.approx(by_weights, abs=1e-13)
    by_h = jacobian(lambda h: u @ forward_with(h, jnp.asarray(AT)), KEPT)
    assert found["h"].values == pytest.approx(by_h, abs=1e-13)
    assert found[str(h.part[MASK])].values == pytest.approx(by_h[MASK], abs=1e-13)
    moved = W.perturb(x, by=0.5).clamp(h.part[MASK], to=W)
    J = jacobian(lambda x: u @ forward(x, held(MASK)), AT + 0.5)
    assert gradients(moved, y, by=[x], read=u).x.values == pytest.approx(J, abs=1e-13)


def test_units_share_what_they_do_together():
    asked = {"n": x, "m": y, "along": [1.0, 0, 0], "read": [0, 1.0, 0]}
    found = unit_shares(NETWORK, **asked, among=h)
    total = op(NETWORK, A=h, **asked).item()
    assert found.total.item() == pytest.approx(total, abs=1e-12)
    assert found.share.sum().item() == pytest.approx(total, abs=1e-9)
    first = every_A(NETWORK, **asked, among=h, first_order=True)
    assert first.values.tolist() == found.first_order.values.tolist()

    def opened(gates):
        slope = jacobian(lambda x: forward(x, held(True, gates))[1])[0]
        return np.log(abs(slope))

    for i, step in enumerate(1e-6 * np.eye(4)):
        quotient = (opened(step) - opened(-step)) / 2e-6
        assert first.values[i] == pytest.approx(quotient, abs=1e-8)


def test_a_layer_in_single_precision_is_told():
    rough = Network(
        {h: function(layer, precision="float32")(x, W1), y: function(out)(h, x, W2, V)},
        start={x: AT},
        parameters=WEIGHTS,
    )
    found = run(rough.world())
    assert found.attrs["float32"] == "h"
    assert found.h.values[0] == pytest.approx(KEPT, abs=1e-6)
    assert not np.array_equal(found.h.values[0], KEPT)
    assert op(rough, **ASKED, reduce="volume").attrs["float32"] == "h"


def test_a_narrow_layer_leaves_the_volume_of_what_passes_it():
    # Five directions, of which two pass: what there is of the others cannot be known, and is 0.
    u, w, z = array("u", 5), array("w", 2), array("z", 5)
    M, N = rng.normal(size=(2, 5)), rng.normal(size=(5, 2))
    network = Network(
        {w: function(lambda u: M @ u)(u), z: function(lambda w, u: N @ w + u)(w, u)},
        start={u: np.ones(5)},
    )
    got = op(network, A=w, n=u, m=z, reduce="volume").item()
    assert got == pytest.approx(-np.linalg.slogdet(np.eye(5) + N @ M)[1], abs=1e-12)
    held_in_part = np.eye(5) + np.outer(N[:, 1], M[1])
    wanted = np.linalg.slogdet(held_in_part)[1] - np.linalg.slogdet(np.eye(5) + N @ M)[1]
    got = op(network, A=w.part[0], n=u, m=z, reduce="volume").item()
    assert got == pytest.approx(wanted, abs=1e-12)


def test_no_tangent_is_brought_to_size_beside_another():
    a, b, c = variables("a b c")
    network = Network(
        {b: function(lambda a: 1e-200 * a)(a), c: function(lambda a: 1e250 * a)(a)}, start={a: 1.0}
    )
    found = tangents(network.world().perturb(a))
    assert (found.b.item(), found.c.item()) == pytest.approx((1e-200, 1e250), rel=1e-15, abs=0)


# -- soft clamps, by closed forms ------------------------------------------------------------------


@pytest.mark.parametrize("by", [0.0, 0.25, 0.5, 1.0])
def test_a_soft_clamp_weights_what_a_layer_hears(by):
    moved, X = AT + 0.5, W.perturb(x, by=0.5)
    between = (1 - by) * moved + by * AT
    got = run(X.clamp(h, to=W, by=by))
    assert got.h.values[0] == pytest.approx(plain(hidden, between), abs=1e-15)
    # The layer behind it hears the skip as it is, and through a gate of its own too.
    wanted = plain(
        lambda h, x: jnp.sinh((WEIGHTS[W2] @ h + WEIGHTS[V] @ x) / 3), got.h.values[0], moved
    )
    assert got.y.values[0] == pytest.approx(wanted, abs=1e-14)
    both = run(X.clamp([h, y], to=W, by=by)).y.values[0]
    wanted = plain(
        lambda h, x: jnp.sinh((WEIGHTS[W2] @ h + WEIGHTS[V] @ x) / 3), got.h.values[0], between
    )
    assert both == pytest.approx(wanted, abs=1e-14)


def test_a_soft_clamp_by_a_parameter_is_swept():
    (k,) = parameters("k")
    network = Network(
        {h: function(layer)(x, W1), y: function(out)(h, x, W2, V)},
        start={x: AT},
        parameters={**WEIGHTS, k: 0.5},
    )
    start = network.world()
    Y = start.perturb(x, along=np.eye(3)).clamp(h, to=start, by=k)
    got = tangents(Y, over={k: [0, 0.25, 1]}).y.values[0]
    for i, weight in enumerate([0, 0.25, 1]):
        J = jacobian(lambda x, by=weight: forward_with(hidden((1 - by) * x + by * AT), x))
        assert got[i] == pytest.approx(J, abs=1e-13)


def forward_with(h, x):
    return jnp.sinh((WEIGHTS[W2] @ h + WEIGHTS[V] @ x) / 3)


def test_a_root_is_weighted_itself():
    X = W.perturb(x, by=[0.2, 0.0, -0.4])
    got = run(X.do(x, [1.0, 2.0, 3.0]).clamp(x, to=W, by=0.25)).x.values[0]
    assert got == pytest.approx(0.75 * np.array([1.0, 2.0, 3.0]) + 0.25 * AT)


# -- arrays and numbers together -------------------------------------------------------------------

a, b, s = variables("a b s")
x0, x1, h0, h1, h2, t = variables("x0 x1 h0 h1 h2 t")
k, g = parameters("k g")
z, q = array("z", 2), array("q", 3)
M = np.array([[0.5, -1.0], [1.5, 0.25], [-0.75, 0.5]])


def mixed():
    """A root, a formula, a layer, a formula of the layer with numbers, a function, a formula."""
    return Network(
        {
            b: a**2 - k,
            q: function(lambda z, b: jnp.sin(M @ z) * b)(z, b),
            s: function(lambda q: q[0] * q[1] + q[2])(q),
            t: s * b + a,
        },
        start={z: [0.4, -0.3], a: 1.5},
        parameters={k: 0.5, g: 0.3},
    )


def of_numbers():
    from sympy import sin

    rows = [sin(M[i, 0] * x0 + M[i, 1] * x1) * b for i in range(3)]
    return Network(
        {
            b: a**2 - k,
            **dict(zip((h0, h1, h2), rows, strict=True)),
            s: h0 * h1 + h2,
            t: s * b + a,
        },
        start={x0: 0.4, x1: -0.3, a: 1.5},
        parameters={k: 0.5, g: 0.3},
    )


HELD = [
    (q.part[1], h1),
    (q.part[:2], [h0, h1]),
    (q, [h0, h1, h2]),
    ([q.part[0], b], [h0, b]),
    (s, s),
    ([q, s], [h0, h1, h2, s]),
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("part", "alike"), HELD)
@pytest.mark.parametrize(("n", "number"), [(z.part[0], x0), (a, a), (z.part[1], x1)])
def test_arrays_are_as_good_as_a_node_for_each_entry(part, alike, n, number):
    got = comp(mixed(), A=part, n=n, m=t).item()
    wanted = comp(of_numbers(), A=alike, n=number, m=t).item()
    assert got == pytest.approx(wanted, abs=1e-12, nan_ok=True)


def test_worlds_are_those_of_the_numbers():
    ours, theirs = mixed().world(), of_numbers().world()
    pairs = [
        (ours.do(q.part[2], 0.7), theirs.do(h2, 0.7)),
        (ours.do(b, g), theirs.do(b, g)),
        (ours.perturb(z, by=[0.1, 0.2]), theirs.perturb(x0, by=0.1).perturb(x1, by=0.2)),
        (ours.perturb(z, to=[2.0, 1.0]), theirs.do(x0, 2.0).do(x1, 1.0)),
        (ours.replace(b, a - k), theirs.replace(b, a - k)),
        (ours.replace(s, function(lambda q: q[0] - q[1])(q)), theirs.replace(s, h0 - h1)),
        (ours.replace(t, 2 * s), theirs.replace(t, 2 * s)),
        (
            ours.perturb(a, by=0.3).clamp(q, to=ours, by=0.4),
            theirs.perturb(a, by=0.3).clamp([h0, h1, h2], to=theirs, by=0.4),
        ),
        (
            ours.perturb(a, by=0.3).clamp([q, b], to=ours, by=g),
            theirs.perturb(a, by=0.3).clamp([h0, h1, h2, b], to=theirs, by=g),
        ),
        (
            ours.do(b, 2.0).perturb(q.part[0], by=0.5).clamp(s, to=ours.perturb(a, by=1.0)),
            theirs.do(b, 2.0).perturb(h0, by=0.5).clamp(s, to=theirs.perturb(a, by=1.0)),
        ),
    ]
    for one, other in pairs:
        got, wanted = run(one), run(other).value[0]
        for node in (b, s, t):
            value = wanted.sel(node=str(node)).item()
            assert got[str(node)].item() == pytest.approx(value, abs=1e-12)
        entries = wanted.sel(node=["h0", "h1", "h2"]).values
        assert got.q.values[0] == pytest.approx(entries, abs=1e-12)


def test_an_array_of_numbers_is_filled_by_them():
    network = Network({q: a + k, s: function(jnp.sum)(q)}, start={a: 1.5}, parameters={k: 0.5})
    start = network.world()
    assert run(start).s.item() == 6.0
    assert run(start.do(q, k)).s.item() == 1.5
    assert run(start.replace(q, 0.25)).q.values[0].tolist() == [0.25] * 3
    assert run(start.do(q.part[0], k)).q.values[0].tolist() == [0.5, 2.0, 2.0]
    assert tangents(start.perturb(a)).s.item() == 3.0
    assert comp(network, A=q.part[0], n=a, m=s).item() == pytest.approx(1.5)


def test_what_is_not_downstream_is_undefined_and_what_is_behind_a_wall_saturated():
    apart = op(mixed(), A=q.part[0], n=s, m=b)
    assert (apart.attrs["undefined"], apart.attrs["saturated"]) == (1, 0)
    wall = op(mixed().world().do(b, 0.0), A=q.part[0], n=z.part[0], m=s)
    assert np.isnan(wall)
    assert (wall.attrs["undefined"], wall.attrs["saturated"]) == (1, 1)


# -- sweeps, noise ---------------------------------------------------------------------------------


@pytest.mark.long
def test_a_sweep_is_each_run_by_itself():
    values, roots = [0.2, 0.5, 0.9], [1.0, 1.5]
    asked = {"A": q.part[0], "n": z, "m": t, "along": [1.0, 2.0]}
    swept = op(mixed(), **asked, over={k: values, a: roots})
    assert swept.dims == ("k", "a (variable)")
    many = run(mixed().world(), over={k: values, a: roots})
    assert many.q.dims == ("world", "k", "a (variable)", "q_axis0")
    for i, value in enumerate(values):
        for j, root in enumerate(roots):
            one = mixed().with_parameters({k: value}).with_start({a: root})
            got = op(one, **asked)
            assert swept.values[i, j] == pytest.approx(got.item(), abs=1e-13)
            assert many.q.values[0, i, j] == pytest.approx(run(one.world()).q.values[0], abs=1e-14)


def test_noise_is_shared_and_drawn_as_in_a_network_of_numbers():
    e, E = noise("e", normal(0, 1)), noise("E", normal(0, 1), shape=3)
    seen, drawn = array("seen", 3), variables("drawn")[0]
    network = Network(
        {
            seen: function(lambda E: E)(E),
            drawn: e,
            q: function(lambda z, E, e: jnp.tanh(M @ z + E) * e)(z, E, e),
            s: function(lambda q, seen: q @ seen)(q, seen),
        },
        start={z: [0.4, -0.3]},
    )
    start = network.world(seed=5)
    found = run(start, start.perturb(z, by=1.0), draws=40)
    assert found.seen.dims == ("world", "draw", "seen_axis0")
    assert (found.seen[0] == found.seen[1]).all()
    numbers = run(Network({drawn: e}).world(seed=5), draws=40).value.values[0, 0]
    assert found.drawn.values[0].tolist() == numbers.tolist()
    for world, at in enumerate((np.array([0.4, -0.3]), np.array([1.4, 0.7]))):
        noises = zip(found.seen.values[world], found.drawn.values[world], strict=True)
        wanted = [np.tanh(M @ at + many) * one for many, one in noises]
        assert found.q.values[world] == pytest.approx(np.array(wanted), abs=1e-14)
    assert np.std(found.seen.values) > 0.5
    assert run(start, draws=range(7, 8)).s.item() == pytest.approx(found.s.values[0, 7], abs=1e-14)
    one = run(network.world(seed=5)).s.item()
    assert one == pytest.approx(found.s.values[0, 0], abs=1e-14)
    assert run(network.world(seed=6)).s.item() != one
    swept = op(start, A=q.part[0], n=z, m=s, along=[1.0, 0.0], draws=6)
    for i in range(6):
        alone = op(start, A=q.part[0], n=z, m=s, along=[1.0, 0.0], draws=range(i, i + 1))
        assert swept.values[i] == pytest.approx(alone.values[0], abs=1e-13)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: op(NETWORK, A=h, n=x, m=y), 'reduce="volume"'),
        (lambda: op(NETWORK, A=h, n=x, m=h, reduce="rms"), "inside A"),
        (lambda: op(NETWORK, A=x.part[0], n=x.part[0], m=y, reduce="rms"), "inside A"),
        (lambda: op(NETWORK, **ASKED, along=[1, 0]), "shape"),
        (lambda: op(NETWORK, **ASKED, along=[1, 0, 0], delta=0.1), "delta"),
        (lambda: op(NETWORK, **ASKED, along=[1, 0, 0], backend="numpy"), "this model holds arrays"),
        (lambda: op(NETWORK, **ASKED, reduce="rms", over={W1: [1.0]}), "W1, which holds"),
        (lambda: op(NETWORK, **ASKED, reduce="rms", over={x: [1.0]}), "cannot be swept"),
        (lambda: op(NETWORK, **ASKED, reduce="rms", over={x.part[0]: [1.0]}), "a part of an array"),
        (lambda: W.perturb(x, every_step=True), "no later step"),
        (lambda: W.perturb(x[0]), "not a node of this network"),
        (lambda: W.do(h[0].part[1], 2.0), "not a node of this network"),
        (lambda: W.replace(h.part[0], x), "as a whole"),
        (lambda: W.clamp(h, to=W, by=W1), "a number is wanted"),
        (lambda: run(W, keep=h.part[0]), "kept whole"),
        (lambda: run(W, keep=3), "a network has no steps"),
    ],
)
def test_what_cannot_be_asked_is_told(ask, told):
    with pytest.raises(QueryError, match=told):
        ask()
