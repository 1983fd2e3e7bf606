"""One suite for every measure of a response: its record, its neutral value, and how it is asked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import causalopt.measures
from causalopt import (
    COMP,
    OP,
    Measure,
    Network,
    QueryError,
    Question,
    System,
    comp,
    every_m,
    every_n,
    op,
    optimizing_power,
    run,
    variables,
)
from causalopt.ground.scaled import Ratio, Scaled
from causalopt.measures import OP_COMPLEX
from tests.model.kinds import MODELS, STEPS, a, b, c, k, world_of

RECORDS = {"comp": COMP, "op": OP, "op, complex": OP_COMPLEX}
ASK = {
    "comp": comp,
    "op": op,
    "op, complex": lambda *args, **kwargs: op(*args, branch="complex", **kwargs),
}
EVERY = pytest.mark.parametrize("name", RECORDS)
REAL = [name for name in MODELS if not name.startswith("tables")]
IN_TIME = ["formulas", "noisy", "euler", "rk4"]
(idle,) = variables("idle")


def test_every_record_is_here():
    held = vars(causalopt.measures).values()
    made = {record.function: record for record in held if isinstance(record, Measure)}
    assert made == {record.function: record for record in RECORDS.values()}


def ratio(x, y):
    return Ratio.of(Scaled.of(np.array([float(x)])), Scaled.of(np.array([float(y)])))


@EVERY
def test_the_neutral_value_is_that_of_equal_responses(name):
    record = RECORDS[name]
    for size in (1.0, -3.0, 1e-300, 1e300):
        assert record.function(ratio(size, size)) == record.neutral
    assert record.function(ratio(1, 2)) != record.neutral
    assert np.isnan(record.function(ratio(0, 0))).all()


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_op_is_minus_the_logarithm_of_comp(x, y):
    ratios = ratio(x, y)
    with np.errstate(all="ignore"):
        compressed = COMP.function(ratios)
        expected = -np.log(np.abs(np.float64(x) / np.float64(y)))
    found = OP.function(ratios)
    if np.isfinite(expected).all() and abs(expected) < 600:
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)
        turned = OP_COMPLEX.function(ratios)
        assert turned.real == found
        assert turned.imag == (-np.pi if compressed < 0 else 0)


@EVERY
def test_results_say_what_their_measure_is(name):
    record, ask = RECORDS[name], ASK[name]
    system = MODELS["formulas"]()
    found = ask(system, A=a, n=b[0], m=c, steps=STEPS)
    assert found.name == record.name
    said = {key: found.attrs[key] for key in ("symbol", "units", "neutral", "long_name")}
    assert said == record.attributes()
    assert said["symbol"] == record.symbol
    assert said["units"] == record.unit
    assert said["neutral"] == record.neutral
    assert {key: found.attrs[key] for key in "Anm"} == {"A": "a", "n": "b[0]", "m": "c"}


@pytest.mark.parametrize("measure", ["comp", "op"])
@pytest.mark.parametrize("ask", [every_m, every_n])
def test_results_in_one_pass_say_the_same(measure, ask):
    node = {"n": b[0], "steps": STEPS} if ask is every_m else {"m": b[STEPS]}
    found = ask(MODELS["formulas"](), A=a, measure=measure, **node)
    record = RECORDS[measure]
    assert found.name == record.name
    assert {key: found.attrs[key] for key in record.attributes()} == record.attributes()


def with_an_idle_part(name):
    """A model with one variable more, which hears of everything and has no say."""
    model = MODELS[name]()
    if isinstance(model, System):
        rest = {"start": {**model.start, idle: 1}, "parameters": model.parameters}
        formula = (a + b + idle / 3) if model.method else a + b.next + idle / 3
        return System({**model.mechanisms, idle: formula}, **rest, dt=model.dt, method=model.method)
    return Network({b: k * a + 1, c: b - a, idle: a * b}, start={a: 1}, parameters={k: 0.5})


@EVERY
@pytest.mark.parametrize("kind", [*IN_TIME, "declared"])
@pytest.mark.parametrize("delta", [None, 0.25])
def test_an_idle_set_is_neutral(name, kind, delta):
    model = with_an_idle_part(kind)
    timed = isinstance(model, System)
    nodes = {"n": a[0], "m": b[STEPS]} if timed else {"n": a, "m": c}
    found = ASK[name](model, A=[idle], delta=delta, **nodes)
    # X and Y share no arithmetic: they round on their own, within a few units in the last place;
    # a finite difference loses as many digits as it is smaller than what it is taken of.
    near = pytest.approx(RECORDS[name].neutral, abs=1e-13)
    assert found.item() == near
    if delta is None and name != "op, complex":
        across = every_m(
            model, A=[idle], n=nodes["n"], measure=name, steps=STEPS if timed else None
        ).values
        back = every_n(model, A=[idle], m=nodes["m"], measure=name).values
        for everywhere in (across, back):
            heard = everywhere[np.isfinite(everywhere)]
            assert heard.size > 1
            assert all(value == near for value in heard)


def test_the_power_of_an_idle_set_is_its_neutral_value():
    found = optimizing_power(
        with_an_idle_part("formulas"), A=[idle], n=a[0], m=b[3], over={a[0]: np.linspace(0, 1, 9)}
    )
    assert found.attrs["symbol"] == "P"
    assert found.item() == found.attrs["neutral"] == 0.0


# -- one question, asked in every way --------------------------------------------------------------


def nodes_of(W):
    """Three nodes that differ: one to nudge, one to hold, one to look at."""
    if isinstance(W.model, System):
        return b[0], a[1:], b[STEPS]
    labels = W.model.nodes
    if hasattr(labels[0], "variable"):
        return b[0], a[1:], b[STEPS]
    return labels[0], [labels[1]], labels[len(labels) - 1]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("kind", REAL)
def test_one_at_a_time_every_m_and_every_n_agree(kind):
    W = world_of(MODELS[kind]())
    n, A, m = nodes_of(W)
    asked = Question(W, A, n, m)
    W_again, X, Y = asked.worlds()
    assert (W_again, X) == (W, W.perturb(n))
    assert W.perturb(n).clamp(A, to=W) == Y
    for name in ("comp", "op"):
        alone = ASK[name](W, A=A, n=n, m=m)
        forward = every_m(W, A=A, n=n, measure=name)
        place, rows = asked.place, asked.rows
        series = [one.key for one in W.model.series].index(place.series)
        across = forward.values[series] if "variable" in forward.dims else forward.values
        assert across[rows[0]] == pytest.approx(alone.item(), rel=1e-12)
        if isinstance(W.model, Network):
            back = every_n(W, A=A, m=m, measure=name)
            assert back.sel(node=label_of(W, n)).item() == pytest.approx(alone.item(), rel=1e-12)
        else:
            back = every_n(W.model, A=A, m=m, measure=name)
            assert back.sel(variable="b").values[0] == pytest.approx(alone.item(), rel=1e-12)
    assert op(W, A=A, n=n, m=m).item() == pytest.approx(-np.log(abs(comp(W, A=A, n=n, m=m).item())))


def label_of(W, node):
    return node if isinstance(node, int) else str(node)


@given(
    delta=st.sampled_from([0.5, -0.25, 2]), kind=st.sampled_from(["formulas", "rk4", "declared"])
)
@settings(max_examples=6)
def test_a_finite_difference_is_that_of_the_questions_worlds(delta, kind):
    W = world_of(MODELS[kind]())
    n, A, m = nodes_of(W)
    asked = Question(W, A, n, m, delta=delta)
    values = run(*asked.worlds(), labels=["W", "X", "Y"], backend="numpy")
    series = next(one.name for one in W.model.series if one.key == asked.place.series)
    w, x, y = (values[series].sel(world=name).values[asked.rows[0]] for name in "WXY")
    found = comp(W, A=A, n=n, m=m, delta=delta, backend="numpy").item()
    assert found == pytest.approx((x - w) / (y - w), rel=1e-12)


@pytest.mark.parametrize("ask", [comp, op])
@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ({"A": b, "n": b[0], "m": c}, "lies inside A"),
        ({"A": a, "n": b[0], "m": a}, "lies inside A"),
        ({"A": a, "n": b, "m": c}, "not one node"),
        ({"A": a, "n": b[0], "m": [b, c]}, "names 2 sets"),
        ({"A": idle, "n": b[0], "m": c}, "not a variable"),
        ({"A": a, "n": b[0], "m": c, "delta": 0}, "delta is 0"),
        ({"A": a, "n": b[0], "m": c, "keep": 0}, "keep is 0"),
    ],
)
def test_a_question_is_refused_before_anything_runs(ask, nodes, told):
    options = dict(nodes)
    A, n, m = (options.pop(x) for x in "Anm")
    with pytest.raises(QueryError, match=told):
        Question(MODELS["formulas"](), A, n, m, steps=STEPS, **options)
    with pytest.raises(QueryError, match=told):
        ask(MODELS["formulas"](), A=A, n=n, m=m, steps=STEPS, **options)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_every_n_around_a_world_that_is_held_to_another(backend):
    # b is held to the world in which x is 2: there b = 4, and what x does to b does not pass.
    # m = y x + a^3 with y = b^2 x = 16 x: dm/dx = 32 x + 3 a^2 b with a = b x = 4.
    x, y, m = variables("x y m")
    N = Network({b: 2 * x, a: b * x, y: b**2 * x, m: y * x + a**3}, start={x: 1})
    W = N.world().clamp(b, to=N.world().perturb(x, by=1))
    expected = (32 + 3 * 4**2 * 4) / 32
    assert expected == 7
    assert every_n(W, A=[a], m=m, backend=backend).sel(node="x").item() == expected
    assert comp(W, A=[a], n=x, m=m, backend=backend).item() == expected
    assert np.isnan(every_n(W, A=[a], m=m, backend=backend).sel(node="a"))
    # y moves m by x, with or without a.
    assert every_n(W, A=[a], m=m, backend=backend).sel(node="y").item() == 1
