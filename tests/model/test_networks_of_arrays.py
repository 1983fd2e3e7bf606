"""Networks of arrays and functions as values: declared, checked, equal, told and drawn."""

import pickle

import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from causalopt import (
    DeclarationError,
    EvaluationError,
    Network,
    QueryError,
    array,
    closed_form_comp,
    draw,
    every_A,
    every_m,
    every_n,
    find_optimizers,
    finite,
    function,
    gradients,
    noise,
    normal,
    op,
    parameters,
    run,
    series,
    steering_shares,
    symbolic_comp,
    table,
    tangents,
    time,
    unit_shares,
    variable,
    variables,
)
from causalopt.plan import Layers, Loop, flatten, lanes_of

x, h = array("x", 3), array("h", 2)
a, b, s = variables("a b s")
M, k = parameters("M k")
WEIGHTS = np.array([[1.0, 0.5, -1.0], [0.25, 0.0, 2.0]])


def layer(x, M):
    return jnp.tanh(M @ x)


def total(h):
    return h.sum()


LAYERS = {h: function(layer)(x, M), s: function(total)(h)}


def made(mechanisms=LAYERS, start=(1, 2, 3), weights=WEIGHTS, **more):
    return Network(mechanisms, start={x: start}, parameters={M: weights, **more})


def test_two_are_equal_where_they_declare_the_same():
    assert made() == made()
    assert hash(made()) == hash(made())
    others = [
        made(start=(1, 2, 4)),
        made(weights=WEIGHTS + 1),
        made({h: function(layer)(x, M), s: function(jnp.prod)(h)}),
    ]
    assert all(made() != other for other in others)
    assert made().with_start({x: [1, 2, 4]}) == others[0]
    assert made().with_parameters({M: WEIGHTS + 1}) == others[1]
    copy = pickle.loads(pickle.dumps(made()))
    assert copy == made()
    world = made().world().do(h.part[0], 1.0).perturb(x, along=np.eye(3))
    assert pickle.loads(pickle.dumps(world)) == world
    with pytest.raises(ValueError, match="read-only"):
        copy.value(x).numbers[0] = 1


def test_it_tells_what_it_is():
    network = made()
    assert str(network).splitlines()[1:-1] == [
        "    x = [1.0, 2.0, 3.0]",
        "    h = layer(x, M)",
        "    s = total(h)",
        "    M = [[1.0, 0.5, -1.0], [0.25, 0.0, 2.0]]",
    ]
    assert r"\operatorname{\text{layer}}" in network._repr_latex_()
    assert network.parents(h) == {x}
    assert network.ancestors(s) == {x, h}
    assert network.d_separated(x, s, given=[h])
    assert network.value(x).numbers.tolist() == [1, 2, 3]
    with pytest.raises(QueryError, match="which has no formula"):
        network.formula(h)


def test_a_picture_shows_functions_and_values():
    network = made()
    W = network.world()
    Y = W.perturb(x).clamp(h.part[0], to=W)
    picture = draw(network, worlds=[W, Y], A=h, inputs=True, mechanisms=True).render("svg")
    assert b"= layer(x, M)" in picture
    assert b"clamped in part" in picture
    assert draw(network).render("svg").count(b'class="node"') == 3
    values = run(W).mean(["x_axis0", "h_axis0"])
    coloured = draw(network, values=values).render("svg")
    assert f"{values.s.item():.3g}".encode() in coloured
    with pytest.raises(QueryError, match="h_axis0"):
        draw(network, values=run(W))


def test_numbers_take_the_plan_of_numbers():
    def plan_of(network):
        lanes = lanes_of([network.world()], [])
        return flatten(network, 0, lanes, [(0, network.series[0].key)])

    numbers = Network({b: 2 * a}, start={a: 1})
    assert isinstance(plan_of(numbers), Layers)
    assert run(numbers.world()).value.dims == ("world", "node")
    for network in (made(), Network({b: function(jnp.sin)(a)}, start={a: 1})):
        assert isinstance(plan_of(network), Loop)
    with pytest.raises(QueryError, match="this network is of formulas alone"):
        numbers.world().replace(b, function(jnp.sin)(a))


# -- declarations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: made(weights=WEIGHTS.T), r"cannot be computed where x: shape \(3,\), M: shape"),
        (lambda: made(weights=1.0), r"M: a number"),
        (lambda: made(weights=[[1.0, 2.0], [3.0]]), "M.* is no array of numbers"),
        (lambda: made(start=(1, 2)), r"start\[x\] has shape \(2,\): write an array of shape"),
        (lambda: made(start=2.0), r"shape \(\)"),
        (lambda: made(start=(1, 2, np.nan)), "not finite"),
        (lambda: Network(LAYERS, parameters={M: WEIGHTS}), "uses x, which is not declared"),
        (lambda: Network(LAYERS, start={x: [1, 2, 3]}), "uses M, which is not declared"),
        (lambda: made({**LAYERS, s: h}), "s holds a number"),
        (lambda: made({**LAYERS, s: 2 * x}), "x is an array"),
        (lambda: made({**LAYERS, s: function(layer)(x, M)}), r"gives an array of shape \(2,\)"),
        (lambda: made({**LAYERS, s: function(total)(h.next)}), "has no time"),
        (lambda: made({**LAYERS, s: function(total)(time)}), "has no time"),
        (lambda: made({h: function(lambda s: s * jnp.ones(2))(s), s: LAYERS[s]}), "form a cycle"),
        (lambda: made({variable("world"): function(total)(x)}), "as is a dim of results"),
        (lambda: made().with_start({x: [1, 2]}), r"shape \(2,\)"),
        (lambda: made().with_parameters({M: WEIGHTS.T}), "cannot be computed"),
        (lambda: made().with_start({x: 2 * k}), "is a formula: write a number"),
        (lambda: made().world().replace(s, function(layer)(x, M)), "s holds a number"),
        (lambda: made().world().replace(s, function(total)(array("z", 2))), "not declared here"),
        (
            lambda: run(made().world().replace(h, function(lambda s: s * jnp.ones(2))(s))),
            "form a cycle: s -> h -> s",
        ),
    ],
)
def test_what_does_not_fit_is_told(make, told):
    with pytest.raises(DeclarationError, match=told):
        make()


def test_an_array_that_no_node_sees_makes_no_network_of_arrays():
    numbers = Network({b: k * a}, start={a: 1}, parameters={M: WEIGHTS, k: 2.0})
    assert run(numbers.world()).value.values.tolist() == [[1, 2]]
    assert every_n(numbers, A=a, m=b).sel(node="b").item() == 1.0
    for told in (
        lambda: numbers.with_parameters({k: [1.0, 2.0]}),
        lambda: Network({b: k * a}, start={a: 1}, parameters={k: [1.0, 2.0]}),
        lambda: Network.from_graph(
            nx.DiGraph([(1, 2)]), lambda u: k * u, start=1, parameters={k: [1.0, 2.0]}
        ),
    ):
        with pytest.raises(DeclarationError, match=r"k is \[1.0, 2.0\], and"):
            told()
    with pytest.raises(QueryError, match="a number is wanted"):
        numbers.world().do(b, M)


def test_what_an_intervention_cuts_closes_no_cycle():
    network = made()
    turned = network.world().replace(x, function(lambda s: s * jnp.ones(3))(s)).do(h, [1.0, 2.0])
    assert run(turned).x.values[0].tolist() == [3.0, 3.0, 3.0]


def test_one_function_on_a_graph():
    one, two, three = array("one", 3), array("two", 3), array("three", 3)
    graph = nx.DiGraph([(x, one), (one, two), (x, two), (two, three), (a, three)])
    network = Network.from_graph(
        graph,
        lambda *u: function(lambda *v: jnp.tanh(sum(v)))(*u),
        start={x: [0.1, 0.2, 0.3], a: 0.5},
    )
    first = np.tanh([0.1, 0.2, 0.3])
    second = np.tanh(np.add(first, [0.1, 0.2, 0.3]))
    got = run(network.world())
    assert got.three.values[0] == pytest.approx(np.tanh(second + 0.5), abs=1e-15)
    assert network.parents(two) == {x, one}
    filled = Network.from_graph(nx.DiGraph([(x, one)]), lambda u: 2 * u, start=0.5)
    assert run(filled.world()).one.values[0].tolist() == [1.0, 1.0, 1.0]
    for graph, told in [
        (nx.DiGraph([("in", "out")]), r"'in' \(str\) is a node of a network with arrays"),
        (nx.DiGraph([(x, one), ("b", one)]), r"'b' \(str\) is a node"),
        (nx.DiGraph([(x, h)]), r"gives an array of shape \(3,\), and h holds"),
    ]:
        with pytest.raises(DeclarationError, match=told):
            Network.from_graph(
                graph, lambda *u: function(lambda *v: jnp.tanh(sum(v)))(*u), start=0.5
            )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"mechanisms": [lambda u: function(jnp.sin)(u)]}, "a function, and Network.from_arrays"),
        ({"labels": [a, h]}, "labels has h, an array"),
        ({"parameters": {M: WEIGHTS}}, "Network.from_arrays is of numbers"),
    ],
)
def test_arrays_of_nodes_are_of_numbers(change, told):
    given = {"mechanisms": [lambda u: 2 * u], "kinds": [-1, 0], "parents": [[-1], [0]], "start": 1}
    with pytest.raises(DeclarationError, match=told):
        Network.from_arrays(**{**given, **change})


def test_trees_of_weights_are_parameters_and_nodes():
    tree = {"w": WEIGHTS, "b": np.array([0.5, -0.5])}
    theta = array("theta", like=tree)

    def affine(x, p):
        return p["w"] @ x + p["b"]

    wanted = WEIGHTS @ [1, 2, 3] + tree["b"]
    (p,) = parameters("p")
    given = Network({h: function(affine)(x, p)}, start={x: [1, 2, 3]}, parameters={p: tree})
    assert run(given.world()).h.values[0].tolist() == wanted.tolist()
    nodes = Network({h: function(affine)(x, theta)}, start={x: [1, 2, 3], theta: tree})
    assert run(nodes.world()).h.values[0].tolist() == wanted.tolist()
    moved = array("moved", like=tree)
    graph = nx.DiGraph([(theta, moved)])
    doubled = function(lambda p: {"b": 2 * p["b"], "w": p["w"]})
    again = run(Network.from_graph(graph, doubled, start={theta: tree}).world()).moved
    assert again.values[0].tolist() == [1.0, -1.0, *WEIGHTS.ravel().tolist()]
    # JAX takes the leaves of a dict in the order of its keys: first b, then w row by row.
    by_theta = tangents(nodes.world().perturb(theta, along=np.eye(8))).h.values[0]
    assert by_theta.tolist() == np.hstack([np.eye(2), np.kron(np.eye(2), [1, 2, 3])]).tolist()


def test_weights_of_equinox_are_a_parameter():
    equinox = pytest.importorskip("equinox", reason="the extra `test` brings it")
    import jax

    from causalopt.mechanisms.tracing import in_double

    with in_double():
        net = equinox.nn.MLP(3, 2, 5, 2, key=jax.random.key(0))
        wanted = np.asarray(net(jnp.asarray([1.0, 2.0, 3.0])))
    (p,) = parameters("p")
    network = Network(
        {h: function(lambda x, net: net(x))(x, p)}, start={x: [1, 2, 3]}, parameters={p: net}
    )
    assert run(network.world()).h.values[0] == pytest.approx(wanted, abs=1e-15)
    with pytest.raises(DeclarationError, match="give it as a parameter"):
        function(net)


def test_of_what_is_given_step_by_step_it_takes_the_first():
    data, order = series("data", [[1.0, 2.0], [3.0, 4.0]]), series("order", [1, 0])
    network = Network(
        {
            h: function(lambda x, d, i, k: k * d + jnp.arange(3)[i] * x[:2])(x, data, order, k),
            s: function(total)(h),
        },
        start={x: [1, 2, 3]},
        parameters={k: 1.0},
    )
    swept = run(network.world(), over={k: [1.0, 10.0, 100.0]}).h
    assert swept.values[0].tolist() == [[2, 4], [11, 22], [101, 202]]


def test_named_values_and_functions():
    power, fan = finite("power", ["off", "on"]), finite("fan", ["still", "turning"])
    network = Network(
        {
            power: table((), {"off": 0.5, "on": 0.5}),
            fan: table(power, {"off": "still", "on": "turning"}),
            h: function(lambda x, fan: x[:2] * fan)(x, fan),
        },
        start={x: [1, 2, 3]},
    )
    W = network.world()
    assert run(W.do(power, "on")).h.values[0].tolist() == [1, 2]
    assert run(W.do(power, "off")).h.values[0].tolist() == [0, 0]
    drawn = run(W, draws=200)
    assert 0.3 < drawn.fan.mean().item() < 0.7
    assert (drawn.h[..., 1] == 2 * drawn.fan).all()


# -- what went wrong, and what is not there --------------------------------------------------------


@pytest.mark.parametrize(
    ("mechanisms", "told"),
    [
        (
            {h: function(lambda x: jnp.log(-x[:2]))(x), s: function(total)(h)},
            r"^h is complex or undefined, at x in \[1, 3\]: its mechanism is <lambda>\(x\)",
        ),
        (
            {h: function(lambda x: x[:2] / 0.0)(x), s: function(lambda h: jnp.tanh(h[0]))(h)},
            "^h is infinite",
        ),
        ({**LAYERS, b: s / (a - 1)}, r"^b is infinite, at a = 1, s = "),
    ],
)
def test_the_node_where_it_began_is_told(mechanisms, told):
    start = {x: [1, 2, 3], **({a: 1.0} if b in mechanisms else {})}
    network = Network(mechanisms, start=start, parameters={M: WEIGHTS})
    with pytest.raises(EvaluationError, match=told):
        run(network.world(), keep=[b] if b in mechanisms else [s])


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "ask",
    [
        lambda network: op(network, A=h.part[0], n=x.part[0], m=s),
        lambda network: tangents(network.world().perturb(x.part[0]), keep=[s]),
        lambda network: unit_shares(network, x.part[0], s, among=h),
    ],
    ids=["op", "tangents", "unit_shares"],
)
def test_a_derivative_that_is_not_there_is_told(ask):
    network = made(
        {h: function(lambda x: jnp.ones(2) * jnp.linalg.norm(x))(x), s: LAYERS[s]}, start=(0, 0, 0)
    )
    with pytest.raises(EvaluationError, match=r"^h has no derivative in a world .* at x in \[0, 0"):
        ask(network)


def test_a_value_that_is_assumed_not_to_be_is_told():
    level = variable("level", positive=True)
    with pytest.raises(EvaluationError, match=r"level is -6 .* assumed to be positive"):
        run(made({level: function(total)(x)}, start=(-1, -2, -3)).world())


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda n: every_n(n, A=h, m=s), "every_n is asked of numbers .* and x holds an array"),
        (lambda n: every_m(n, A=h, n=x), "every_m is asked of numbers"),
        (lambda n: every_A(n, n=x.part[0], m=s), "asked of numbers"),
        (lambda n: steering_shares(n, s), "asked of numbers"),
        (lambda n: symbolic_comp(n, A=h, n=x.part[0], m=s), "a formula is of numbers"),
        (lambda n: closed_form_comp(n, A=h, n=x, m=s), "has no steps"),
        (lambda n: find_optimizers(n), "has no time"),
        (lambda n: run(n.world(), draws=3), "no noise"),
    ],
)
def test_what_is_not_there_is_refused_in_words(ask, told):
    with pytest.raises(QueryError, match=told):
        ask(made())


def test_a_network_of_formulas_has_its_derivatives_against_the_arrows():
    with pytest.raises(QueryError, match="ask every_n"):
        gradients(Network({b: 2 * a}, start={a: 1}), b, by=[a])


def test_functions_of_numbers_are_told_as_such():
    network = Network({b: function(jnp.sin)(a), s: b + 1}, start={a: 1.0})
    with pytest.raises(QueryError, match=r"b follows by sin\(a\), as a number"):
        every_n(network, A=b, m=s)
    assert op(network, A=b, n=a, m=s).item() == -np.inf
    assert tangents(network.world().perturb(a)).s.item() == pytest.approx(np.cos(1.0), abs=1e-15)


def test_noise_that_is_an_array_needs_an_array():
    e = noise("e", normal(0, 1), shape=2)
    with pytest.raises(DeclarationError, match="e is an array"):
        Network({b: a + e}, start={a: 1})
    found = run(Network({h: a + e}, start={a: 1}).world(seed=2), draws=3)
    assert found.h.shape == (1, 3, 2)
    assert len(np.unique(found.h)) == 6
