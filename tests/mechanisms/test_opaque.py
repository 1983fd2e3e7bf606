"""Functions as mechanisms: what they are called with, what they give, and what is refused."""

import pickle

import equinox
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

import causalopt
from causalopt import (
    DeclarationError,
    EvaluationError,
    Network,
    QueryError,
    System,
    array,
    function,
    noise,
    normal,
    parameters,
    run,
    series,
    tangents,
    time,
    variables,
)

h = array("h", 3)
x, y = variables("x y")
(k,) = parameters("k")
START = np.array([0.5, -1.0, 2.0])


def turned(h, k):
    return jnp.roll(h, 1) * k


def in_one_step(call, *inputs, **rest):
    given = {"start": {h: START}} | rest
    return System({h: function(call)(*inputs), **given.pop("beside", {})}, **given)


def test_parents_are_the_arguments_and_nothing_else():
    system = System(
        {h: function(turned)(h, x.next), x: x / 2, y: sympy.sin(x)},
        start={h: START, x: 1, y: 0},
    )
    assert system.parents(h) == ({h}, {x})
    assert set(system.graph.edges) == {("h", "h"), ("x", "h"), ("x", "x"), ("x", "y")} or {
        (str(a), str(b)) for a, b in system.graph.edges
    } == {("h", "h"), ("x", "h"), ("x", "x"), ("x", "y")}


def test_formulas_and_functions_mix_and_formulas_go_entry_by_entry():
    system = System(
        {h: h * x + k, x: function(lambda h: h.sum())(h.next)},
        start={h: START, x: 2},
        parameters={k: 0.5},
    )
    values = run(system.world(steps=2))
    first = START * 2 + 0.5
    assert values.h.values[0, 1] == pytest.approx(first)
    assert values.x.values[0, 1] == pytest.approx(first.sum())
    assert values.h.values[0, 2] == pytest.approx(first * first.sum() + 0.5)
    v = np.array([1.0, 2.0, -1.0])
    moved = tangents(system.world(steps=2).perturb(h[0], along=v))
    wanted = 2 * v * first.sum() + first * 2 * v.sum()
    assert moved.h.values[0, 2, :, 0] == pytest.approx(wanted)


def test_time_noise_and_data_are_arguments():
    w, given = noise("w", normal(0, 1), shape=3), series("given", np.arange(8).reshape(4, 2))
    system = in_one_step(lambda h, w, t, i: h + w + t + i.sum(), h, w, time, given)
    W = system.world(steps=4, seed=2)
    values = run(W).h.values[0]
    drawn = np.diff(values, axis=0) - (np.arange(4) + np.arange(8).reshape(4, 2).sum(1))[:, None]
    assert np.abs(drawn).max() < 5
    assert len(np.unique(drawn.round(12))) == drawn.size
    longer = run(system.with_start({h: START}).world(steps=3, seed=2)).h.values[0]
    assert longer == pytest.approx(values[:4], abs=0)
    chains = run(W, draws=2).h.values[0]
    assert chains[:, 0] == pytest.approx(values, abs=1e-14)
    assert np.abs(chains[:, 1] - chains[:, 0]).max() > 0.1


def test_trees_are_taken_as_they_were_given():
    net = equinox.nn.MLP(2, 2, 4, 1, key=jax.random.key(0))
    state, (weights,) = array("state", 2), parameters("weights")
    system = System(
        {state: function(lambda s, net: s + net(s) / 10)(state, weights)},
        start={state: [0.1, 0.2]},
        parameters={weights: net},
    )
    got = run(system.world(steps=5)).state.values[0, -1]
    with jax.enable_x64(True):
        s = jnp.asarray([0.1, 0.2])
        for _ in range(5):
            s = s + net(s) / 10
    assert got == pytest.approx(np.asarray(s), abs=1e-12)
    held = array("held", like={"a": np.zeros(2), "b": np.zeros((2, 2))})
    system = System(
        {held: function(lambda t: {"a": t["b"] @ t["a"], "b": t["b"] / 2})(held)},
        start={held: {"a": [1.0, 2.0], "b": np.eye(2)}},
    )
    found = run(system.world(steps=2)).held[0, -1]
    assert found.values.tolist() == [0.5, 1, 0.25, 0, 0, 0.25]
    back = held.tree(found)
    assert back["a"].tolist() == [0.5, 1]
    assert back["b"].tolist() == [[0.25, 0], [0, 0.25]]


def test_numbers_become_the_tree_that_they_are_of():
    net = equinox.nn.MLP(2, 2, 4, 1, key=jax.random.key(0))
    size = sum(leaf.size for leaf in jax.tree.leaves(equinox.filter(net, equinox.is_array)))
    held = array("held", like=net)
    back = held.tree(np.arange(size))
    assert np.asarray(back(jnp.ones(2))).shape == (2,)  # with what is no array in it
    leaves = jax.tree.leaves(equinox.filter(back, equinox.is_array))
    assert np.concatenate([leaf.ravel() for leaf in leaves]).tolist() == list(range(size))
    assert array("h", (2, 2)).tree(np.eye(2)).tolist() == np.eye(2).tolist()
    whole = array("n", like={"n": np.array(3), "w": np.zeros(2)}).tree([2, 0.5, 1])
    assert whole["n"].dtype.kind == "i"
    assert whole["n"] == 2
    for wrong in (np.zeros(3), np.full(size, np.nan), "weights", None):
        with pytest.raises(DeclarationError, match=r"held\.tree: what is given"):
            held.tree(wrong)


@pytest.mark.parametrize("method", [pytest.param("euler", marks=pytest.mark.long), "rk4"])
def test_rates_are_functions_too(method):
    a, b = array("a", 2), variables("b")[0]
    mixed = System.from_ode(
        {a: function(lambda a, b: jnp.array([-a[1] * b, a[0]]))(a, b), b: -b / 2},
        start={a: [1, 0], b: 1},
        dt=0.1,
        method=method,
    )
    p, q, r = variables("p q r")
    plain = System.from_ode(
        {p: -q * r, q: p, r: -r / 2}, start={p: 1, q: 0, r: 1}, dt=0.1, method=method
    )
    got, wanted = run(mixed.world(steps=20)), run(plain.world(steps=20))
    assert got.a.values[0, :, 0] == pytest.approx(wanted.p.values[0], abs=1e-13)
    W, V = mixed.world(steps=20), plain.world(steps=20)
    X, Z = W.perturb(b[3]), V.perturb(r[3])
    held = tangents(X.clamp(a.part[1], to=W)).a.values[0, :, 0]
    alike = tangents(Z.clamp(q, to=V)).p.values[0]
    assert np.abs(alike).max() > 0.1
    assert held == pytest.approx(alike, abs=1e-13)


def test_models_are_values():
    first, second = (in_one_step(turned, h, k, parameters={k: 2}) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    assert first != in_one_step(turned, h, k, parameters={k: 2}, start={h: START + 1})
    kept = pickle.loads(pickle.dumps(first))
    assert kept == first
    assert str(first.declarations[h]) == "turned(h, k)"
    assert "turned" in first._repr_latex_()


def counting():
    calls = [0]

    def counted(h):
        calls[0] += 1
        return h * calls[0]

    return counted


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda h: h @ jnp.ones((2, 2)), r"cannot be computed where h: shape \(3,\)"),
        (lambda h: h[:2], r"gives an array of shape \(2,\), and h holds an array of shape \(3,\)"),
        (lambda h: h.sum(), "gives a number"),
        (lambda h: (h, h), "gives 2 arrays"),
        (lambda h: h if h.sum() > 0 else -h, "jnp.where"),
        (lambda h: np.sort(h), "jax.numpy in place of numpy"),
        (lambda h: h + np.random.default_rng().normal(), "draws its own random numbers"),
        (counting(), "keeps state"),
        (lambda h: h.astype(jnp.float32), "gives float32"),
        (lambda h, g: h + g, "cannot be computed"),
    ],
)
def test_what_a_function_must_not_do_is_told_before_anything_runs(call, told):
    with pytest.raises(DeclarationError, match=told):
        in_one_step(call, h)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: function(3), "no function"),
        (lambda: function(turned)(h, 2.0), "no symbol of a model"),
        (lambda: function(turned)(h, k=k), "order in which"),
        (lambda: function(turned)(h, 2 * k), "no symbol of a model"),
        (lambda: array("h"), "write a shape"),
        (lambda: array("h", 0), "no shape"),
        (lambda: array("h", (2, -1)), "no shape"),
        (lambda: array("h", like={"a": "text"}), "holds no numbers"),
        (lambda: System({h: h}, start={h: [1, 2]}), r"shape \(2,\): write an array of shape"),
        (lambda: System({h: h}, start={h: [1, 2, np.inf]}), "not finite"),
        (lambda: System({h: h}, start={h: 2.0}), r"shape \(\)"),
        (lambda: System({x: h, h: h}, start={x: 1, h: START}), "x holds a number"),
        (
            lambda: System({h: h * k}, start={h: START}, parameters={k: [1, 2]}),
            r"k is \[1, 2\], and h holds",
        ),
        (lambda: Network({x: 2 * h}, start={h: START}), "x holds a number"),
        (lambda: series("s", [[1, 2], [3]]), "array"),
        (lambda: series("s", 3), "one for each step"),
        (lambda: noise("w", normal(0, k), shape=2), "law with parameters"),
    ],
)
def test_bad_declarations_are_told(make, told):
    with pytest.raises((DeclarationError, QueryError), match=told):
        make()


def test_what_leaves_the_numbers_inside_a_function_is_told():
    system = in_one_step(lambda h, x: jnp.log(h - x), h, x, beside={x: x}, start={h: START, x: 1})
    told = r"^h\[1\] is complex or undefined \(step 1\), at h\[0\] in \[-1, 2\], x\[0\] = 1"
    with pytest.raises(EvaluationError, match=told):
        run(system.world(steps=3))


def test_series_end_where_they_end():
    system = in_one_step(lambda h, s: h + s, h, series("s", [1.0, 2.0]))
    assert run(system.world(steps=2)).h.values[0, -1].tolist() == (START + 3).tolist()
    with pytest.raises(QueryError, match="has 2 values"):
        run(system.world(steps=3))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_series_of_numbers_run_everywhere(backend):
    given = series("given", [1.0, 2.0, 4.0])
    system = System({x: x / 2 + given}, start={x: 0})
    values = run(system.world(steps=3), backend=backend).x.values[0]
    assert values.tolist() == [0, 1, 2.5, 5.25]
    with pytest.raises(QueryError, match="no noise"):
        run(system.world(steps=3), draws=3)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_backends_of_numbers_refuse_arrays(backend):
    with pytest.raises(QueryError, match="holds arrays or functions"):
        run(in_one_step(turned, h, k, parameters={k: 2}).world(steps=1), backend=backend)


@pytest.mark.parametrize(
    "ask",
    [
        lambda system: causalopt.every_m(system, A=x, n=h[0].part[0], steps=3),
        lambda system: causalopt.every_n(system, A=h, m=x[3]),
        lambda system: causalopt.every_A(system, n=h[0].part[0], m=x[3]),
        lambda system: causalopt.steering_shares(system, x[:5]),
        lambda system: causalopt.find_optimizers(system, steps=5),
        lambda system: causalopt.natural_division(system),
        lambda system: causalopt.fixed_point(system),
        lambda system: system.unroll(3),
        lambda system: causalopt.jacobian_determinant(system),
        lambda system: causalopt.run(system.world(steps=2), keep=h.part[0]),
    ],
)
def test_questions_about_numbers_say_so(ask):
    system = System({h: function(turned)(h, x), x: x / 2}, start={h: START, x: 1})
    with pytest.raises(QueryError, match=r"numbers that follow by formulas|kept whole"):
        ask(system)


def test_graphs_of_arrays_are_drawn():
    system = System({h: function(turned)(h, x), x: x / 2}, start={h: START, x: 1})
    world = system.world(steps=2)
    X = world.perturb(x[0])
    worlds = [world, X, X.clamp(h.part[0], to=world)]
    assert causalopt.draw(system, steps=2, worlds=worlds, A=h).dot.count("label") > 6
    assert "= turned(h[i], x[i])" in causalopt.draw_template(system, mechanisms=True).dot


def test_a_number_follows_from_no_array_that_is_drawn():
    for given in (noise("w", normal(0, 1), shape=2), series("w", [[1, 2], [3, 4]])):
        with pytest.raises(DeclarationError, match="x holds a number"):
            System({x: x + given}, start={x: 0})


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: h.part[None], "is no index"),
        (lambda: h.part[True], "is no index"),
        (lambda: h.part[0].part[0], "a part already"),
    ],
)
def test_strange_parts_are_told(make, told):
    with pytest.raises(QueryError, match=told):
        make()


def test_questions_of_others_about_arrays_say_what_they_are_of():
    system = System(
        {h: function(turned)(h, x), x: function(lambda h, x: x / 2 + h.sum())(h, x), y: x},
        start={h: START, x: 1, y: 0},
    )
    for ask in (
        lambda: causalopt.effects(system, A=y, n=x[0], m=h[2]),
        lambda: causalopt.self_regulation(system, A=y, m=h[:5]),
        lambda: causalopt.hitting_times(system, x > 2, 10),
        lambda: causalopt.escape_probability(system, x > 2, 10),
    ):
        with pytest.raises(QueryError):
            ask()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: function(turned)(h, k) + 1, "formula with 1, and is a mechanism by itself"),
        (lambda: 2 * function(turned)(h, k), "formula with 2, and is a mechanism by itself"),
        (lambda: h - function(turned)(h, k), "is a mechanism by itself: put the arithmetic"),
        (lambda: -function(turned)(h, k), "is a mechanism by itself"),
        (lambda: np.ones(3) * function(turned)(h, k), "is a mechanism by itself"),
        (lambda: sympy.sin(function(turned)(h, k)), "is a mechanism by itself"),
        (lambda: h @ h, r"h @ h: .*write function\(lambda a, b: a @ b\)"),
        (lambda: h.next @ x, "has no products of matrices"),
        (lambda: System({h: function(turned)}, start={h: START}),
         r"is the function turned without its arguments: write function\(turned\)\(h"),
        (lambda: System({h: jnp.sin}, start={h: START}), r"write function\(sin\)\(h"),
        (lambda: System({x: lambda x: x}, start={x: 1}), "without its arguments"),
        (lambda: Network({h: np.sin}, start={x: 1}), r"write function\(sin\)\(h"),
        (lambda: array(3, 3), r'3 cannot name an array: .*such as array\("k"\)'),
        (lambda: array("", 3), "cannot name an array"),
    ],
)  # fmt: skip
def test_functions_and_arrays_out_of_place_are_told(make, told):
    with pytest.raises(DeclarationError, match=told):
        make()


def test_whole_numbers_of_a_tree_stay_whole():
    """As the documentation of array says: a function gets the whole part."""
    tree = {"w": np.array([1.0, 2.0]), "n": np.array(3)}
    t = array("t", like=tree)
    system = System(
        {t: function(lambda t: t)(t), x: function(lambda t: t["w"][0] * t["n"])(t)},
        start={t: tree, x: 0},
    )
    W = system.world(steps=1)
    for by, wanted in ((0.5, 3), (1.0, 4), (1.75, 4)):
        found = run(W.perturb(t[0], by=[by, 0, 0]))  # n comes first, by its name
        assert found.x.values[0, 1] == wanted
