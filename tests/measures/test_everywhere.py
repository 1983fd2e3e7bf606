"""Every m in one pass, every n in one pass: the same numbers as one question at a time."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    Network,
    QueryError,
    System,
    choice,
    comp,
    every_m,
    every_n,
    finite,
    gradients,
    noise,
    normal,
    op,
    parameters,
    table,
    variables,
)

a, b, c = variables("a b c")
k, q = parameters("k q")
MECHANISMS = [
    lambda u, v: sp.tanh(u - 2 * v) + u / 2,
    lambda u, v: sp.Max(u, v) * sp.sin(v),
    lambda u, v: k * u - sp.Piecewise((v, v > 0), (v**2, True)),
    lambda u: sp.exp(-u) + k,
]
MEASURES = {"comp": comp, "op": op}


@st.composite
def networks(draw):
    """A random acyclic network with 2 to 12 nodes, its labels not in topological order."""
    count = draw(st.integers(2, 12))
    kinds, parents = [], []
    for node in range(count):
        kind = draw(st.integers(0, 3)) if node > 1 else -1
        below = st.integers(0, max(node - 1, 0))
        wanted = {-1: 0, 3: 1}.get(kind, 2)
        chosen = [draw(below) for _ in range(wanted)]
        kinds.append(kind)
        parents.append(chosen + [-1] * (2 - wanted))
    order = draw(st.permutations(range(count)))
    place = {node: i for i, node in enumerate(order)} | {-1: -1}
    start = draw(st.lists(st.floats(-2, 2), min_size=count, max_size=count))
    return Network.from_arrays(
        MECHANISMS,
        [kinds[node] for node in order],
        [[place[p] for p in parents[node]] for node in order],
        start=start,
        parameters={k: 0.7},
    )


def one_at_a_time(measure, network, held, ns, ms, over):
    def alone(n, m):
        try:
            return MEASURES[measure](network, A=held, n=n, m=m, over=over).values
        except QueryError:
            return np.full((1,) * 0 if over is None else (3,), np.nan)

    return np.array([alone(n, m) for n in ns for m in ms])


@settings(max_examples=40, deadline=None)
@given(
    networks(),
    st.data(),
    st.sampled_from(["comp", "op"]),
    st.sampled_from([None, {k: [0.2, 0.7, -1.0]}]),
)
def test_networks(network, data, measure, over):
    nodes = list(network.nodes)
    held = data.draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=3, unique=True))
    free = [node for node in nodes if node not in held]
    if not free:
        return
    one = data.draw(st.sampled_from(free))
    forward = every_m(network, A=held, n=one, measure=measure, over=over)
    np.testing.assert_allclose(
        forward, one_at_a_time(measure, network, held, [one], nodes, over), rtol=1e-12, atol=1e-13
    )
    backward = every_n(network, A=held, m=one, measure=measure, over=over)
    np.testing.assert_allclose(
        backward, one_at_a_time(measure, network, held, nodes, [one], over), rtol=1e-10, atol=1e-12
    )


def swing():
    return System.from_ode(
        {a: b, b: -sp.sin(a) - k * b + c, c: -c / 3 + q * a},
        start={a: 1.0, b: 0.0, c: 0.2},
        parameters={k: 0.1, q: 0.2},
        dt=0.05,
        method="rk4",
    )


@pytest.mark.sampled(6)
@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("held", [c, [c[3:7], b[2]], c[5:]])
def test_systems(measure, held):
    system = swing()
    forward = every_m(system, A=held, n=a[1], measure=measure, steps=12)
    assert forward.dims == ("variable", "time")
    for m in (a, b):
        for step in range(13):
            if m is b and step == 2 and held != c and not isinstance(held, type(c[5:])):
                continue
            alone = MEASURES[measure](system, A=held, n=a[1], m=m[step], steps=12)
            np.testing.assert_allclose(forward.sel(variable=m.name)[step], alone, rtol=1e-12)
    backward = every_n(system, A=held, m=a[12], measure=measure)
    for n in (a, b):
        for step in (0, 1, 5, 11, 12):
            alone = MEASURES[measure](system, A=held, n=n[step], m=a[12])
            np.testing.assert_allclose(
                backward.sel(variable=n.name)[step], alone, rtol=1e-11, atol=1e-13
            )


def test_inside_a_is_not_a_number():
    forward = every_m(swing(), A=c[3:6], n=a[0], steps=10).sel(variable="c")
    assert np.isnan(forward[3:6]).all()
    assert np.isfinite(forward[6:]).all()
    backward = every_n(swing(), A=c[3:6], m=a[10]).sel(variable="c")
    assert np.isnan(backward[3:6]).all()
    assert np.isfinite(backward[6:10]).all()


def test_worlds_with_interventions():
    d, e = variables("d e")
    network = Network({b: a * c, c: sp.sin(a), d: b + c * a, e: d * b}, start={a: 0.7})
    W = network.world().do(c, 0.4).replace(b, a**3 + c)
    for n in (a, b, d):
        expected = comp(W, A=d if n is not d else b, n=n, m=e)
        held = d if n is not d else b
        node = [str(x) for x in network.nodes].index(str(n))
        np.testing.assert_allclose(every_n(W, A=held, m=e)[node], expected, rtol=1e-13)


def test_derivatives_outside_the_range_of_floats():
    count = 600
    chain = Network.from_arrays(
        [lambda u: u / 1000, lambda u, v: u / 1000 + v / 3],
        [-1] + [0] * (count - 2) + [1],
        [[-1, -1]] + [[i - 1, -1] for i in range(1, count - 1)] + [[count - 2, count - 3]],
        start=1e-3,
    )
    # In X the first node reaches the last by two ways; each derivative is about 1000**-598.
    found = every_n(chain, A=[count - 2], m=count - 1)
    np.testing.assert_allclose(found[0], comp(chain, A=[count - 2], n=0, m=count - 1), rtol=1e-12)
    np.testing.assert_allclose(found[0], 1 + 3e-6, rtol=1e-12)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"A": b, "m": b}, "lies inside A"),
        ({"A": b, "m": [a, c]}, "names 2 sets of nodes"),
        ({"A": b, "m": c, "measure": "strength"}, 'measure="comp" or measure="op"'),
    ],
)
def test_questions_that_cannot_be_asked(asked, words):
    network = Network({b: 2 * a, c: a - b}, start={a: 1})
    with pytest.raises(QueryError, match=words):
        every_n(network, **asked)


def test_a_system_needs_one_node_as_m_or_its_steps():
    with pytest.raises(QueryError, match="is no single node"):
        every_n(swing(), A=c, m=a)
    with pytest.raises(QueryError, match="steps is missing"):
        every_m(swing(), A=c, n=a[0])
    infinitesimal = Network({b: 2 * a, c: a - b}, start={a: 1}).world().perturb(a)
    with pytest.raises(QueryError, match="of its own"):
        every_n(infinitesimal, A=b, m=c)


def test_the_pass_against_the_arrows_neither_over_nor_underflows():
    a, b = variables("a b")
    # b grows by 3 a step with a held, and by 2 with a's answer: Op = t log(3/2).
    system = System({a: -b, b: 3 * b + a.next}, start={a: 0, b: 0})
    found = every_n(system, A=a, m=b[2000], measure="op").sel(variable="b").values[:1999]
    expected = (2000 - np.arange(1999)) * np.log(3 / 2)
    assert found == pytest.approx(expected, rel=1e-12)


def test_noise_is_the_same_in_both_directions():
    e = noise("e", normal())
    a, b = variables("a b")
    system = System({a: -e * b, b: b + a.next / 3}, start={a: 0, b: 1})
    alone = comp(system, A=a, n=b[1], m=b[4]).item()
    found = every_n(system, A=a, m=b[4]).sel(variable="b", time=1).item()
    assert found == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("over", [None, {k: [0.1, 0.2, 0.5]}])
def test_every_draw_is_asked(measure, over):
    e, u = noise("e", normal(0, 0.3)), noise("u", choice([0.5, 1.5]))
    system = System(
        {a: 0.5 * a - k * b * u + e, b: 0.8 * b + sp.sin(a.next) * u / 4, c: a * b + u},
        start={a: 0.3, b: -0.2, c: 0.0},
        parameters={k: 0.2},
    )
    asked = {"over": over, "draws": 4}
    forward = every_m(system, A=a, n=b[0], measure=measure, steps=8, **asked)
    backward = every_n(system, A=a, m=c[8], measure=measure, **asked)
    assert forward.dims == backward.dims == ("variable", "time", *(["k"] if over else []), "draw")
    for v in (b, c):
        for step in range(1, 8):
            to = MEASURES[measure](system, A=a, n=b[0], m=v[step], **asked)
            np.testing.assert_allclose(forward.sel(variable=v.name)[step], to, rtol=1e-12)
            source = MEASURES[measure](system, A=a, n=v[step], m=c[8], **asked)
            np.testing.assert_allclose(
                backward.sel(variable=v.name)[step], source, rtol=1e-10, atol=1e-12
            )


# Nothing can be added to a name, though codes of names have slopes.
TWO = ["on", "off"]
T, B, R, u = finite("T", TWO), finite("B", TWO), *variables("R u")
turned = table(T, {"on": "off", "off": "on"})
ROOM = System(
    {T: T, B: turned, R: R - u * noise("e", choice([0.1, 0.2])), u: R * (1 + T) + B},
    start={T: "off", B: "on", R: 3, u: 0},
)
HOUSE = Network({R: 3 * T, B: turned, u: R + T + B}, start={T: "off"})


@pytest.mark.parametrize("measure", ["comp", "op"])
@pytest.mark.parametrize(
    ("model", "A", "m", "swept"),
    [
        (ROOM, u, R[3], {"over": {R[0]: [3, 4]}}),
        (ROOM, u, R[3], {"draws": 3}),
        (ROOM.world(3), u, R[3], {"draws": 3}),
        (ROOM.world(5, seed=2), u, R[3], {"draws": 2, "over": {R[0]: [3, 4]}}),
        (ROOM, T, u[2], {"draws": 2}),
        (ROOM, u, R[3], {}),
        (HOUSE, R, u, {}),
        (HOUSE, T, u, {}),
        (HOUSE.world(), B, u, {"over": {R: [1, 2]}}),
        (ROOM.unroll(3), u[1], R[3], {"draws": 2}),
    ],
)
def test_names_take_no_difference(measure, model, A, m, swept):
    found = every_n(model, A=A, m=m, measure=measure, **swept)
    base = getattr(model, "model", model)
    if "node" in found.dims:
        nodes, tables = base.nodes, found.transpose("node", ...).values
    else:
        nodes = [v[i] for v in base.variables for i in range(found.sizes["time"])]
        tables = found.transpose("variable", "time", ...).values
        tables = tables.reshape(-1, *tables.shape[2:])
    for node, values in zip(nodes, tables, strict=True):
        try:
            alone = MEASURES[measure](model, A=A, n=node, m=m, **swept).values
        except QueryError:
            alone = np.nan
        np.testing.assert_allclose(values, np.broadcast_to(alone, values.shape), rtol=1e-12)


@pytest.mark.parametrize("swept", [{}, {"over": {R[0]: [3]}}, {"draws": 2}])
def test_names_show_no_difference(swept):
    with pytest.raises(QueryError, match="nothing adds to a name"):
        every_n(ROOM, A=u, m=T[3], **swept)
    found = every_m(ROOM, A=u, n=R[0], steps=3, **swept).sel(variable=["T", "B"])
    assert np.isnan(found).all()


def test_worlds_of_systems_that_cannot_be_drawn_for_every_n():
    with pytest.raises(QueryError, match=r"interventions of its own.*system.unroll\(3\)"):
        every_n(ROOM.world(3).do(u[1], 2), A=u, m=R[3], draws=2)
    with pytest.raises(QueryError, match="lies after the last step, 3"):
        every_n(ROOM.world(3), A=u, m=R[5], draws=2)
    with pytest.raises(QueryError, match=r"no single node: write T\[100\]"):
        every_n(ROOM.world(3), A=u, m=R, draws=2)


def test_names_have_no_gradient():
    with pytest.raises(QueryError, match=r"m = T\[3\] has no derivatives: it takes named values"):
        gradients(ROOM, T[3], by=[R[0]])
    with pytest.raises(QueryError, match=r"by names T\[0\], which has no derivatives"):
        gradients(ROOM, R[3], by=[T[0]])
