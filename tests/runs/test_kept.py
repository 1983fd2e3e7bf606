"""What is kept from call to call: plans, questions and coordinates, none taken for another."""

import contextlib
import itertools
import math

import networkx as nx
import numpy as np
import pytest
import xarray as xr

from causalopt import (
    Network,
    System,
    comp,
    finite,
    noise,
    normal,
    op,
    parameters,
    run,
    table,
    uniform,
    variables,
)
from causalopt.language.laws import Uniform
from causalopt.language.symbols import Noise
from causalopt.measures.question import Question, question_of
from causalopt.measures.response.answers import answer
from causalopt.measures.response.optimization import OP
from causalopt.plan import flatten_network, lanes_of
from causalopt.plan.draws import key_of

a, b, c = variables("a b c")
T, R = variables("T R")
k, d = parameters("k d")
rain, wet = finite("rain", ["no", "yes"]), finite("wet", ["no", "yes"])


def drawn_by_hand(name, seed, chains):
    """The numbers between 0 and 1 of a noise, from the generator's own whole numbers."""
    found = []
    for chain in chains:
        counter = np.array([chain // 4, 0, 0, 1], dtype=np.uint64)
        raw = np.random.Philox(key=key_of(seed, name), counter=counter).random_raw(4)
        found.append(int(raw[chain % 4] >> np.uint64(11)) / 2**53)
    return np.array(found)


# -- plans of networks ---------------------------------------------------------------------------

NUMBERS = list(itertools.product((1.0, 2.0), (3.0, -1.0), (None, 5.0)))


@pytest.mark.parametrize("order", [NUMBERS, NUMBERS[::-1]])
def test_a_network_with_another_number_in_it_has_another_answer(order):
    for value, start, done in (*order, *order):
        W = Network({b: a**2 + k, c: b - a}, start={a: start}, parameters={k: value}).world()
        found = run(W if done is None else W.do(b, done)).value.sel(world="W")
        at_b = start**2 + value if done is None else done
        assert found.values.tolist() == [start, at_b, at_b - start]


@pytest.mark.parametrize("law", [uniform(0, 1), uniform(2, 4), normal(0, 1)])
@pytest.mark.parametrize("name", ["e", "f"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_noise_is_that_of_its_name_its_law_and_the_seed(law, name, seed):
    e, chains = noise(name, law), range(2, 9)
    for start in (1.0, 2.0):
        W = Network({b: a + e}, start={a: start}).world(seed=seed)
        found = run(W, draws=chains).value.sel(node="b", world="W").values
        drawn = e.law.quantiles(drawn_by_hand(name, seed, chains))
        assert found.tolist() == (start + drawn).tolist()


def lawn(chance):
    return Network(
        {
            rain: table((), {"no": 1 - chance, "yes": chance}),
            wet: table(rain, {"no": {"no": 0.75, "yes": 0.25}, "yes": {"no": 0.25, "yes": 0.75}}),
        }
    )


@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("done", [None, "no", "yes"])
def test_a_table_with_other_chances_is_drawn_from_by_these(seed, done):
    chains = range(5, 90)
    first, second = (drawn_by_hand(f"chance of {n}", seed, chains) for n in ("rain", "wet"))
    for chance in (0.25, 0.5, 0.25):
        W = lawn(chance).world(seed=seed)
        found = run(W if done is None else W.do(rain, done), draws=chains).value.sel(world="W")
        is_rain = first >= 1 - chance if done is None else np.full(len(first), done == "yes")
        assert found.sel(node="rain").values.tolist() == is_rain.astype(float).tolist()
        is_wet = second >= np.where(is_rain, 0.25, 0.75)
        assert found.sel(node="wet").values.tolist() == is_wet.astype(float).tolist()


def test_a_number_that_a_table_shares_with_a_formula_is_there_for_both():
    chains, shared = range(3, 40), Noise("chance of rain", Uniform())
    tables = {rain: table((), {"no": 0.75, "yes": 0.25})}
    both = {b: 2 * shared + a, c: 2 * shared + a}
    found = run(Network(tables | both, start={a: 1}).world(), draws=chains).value.sel(world="W")
    drawn = drawn_by_hand("chance of rain", 0, chains)
    for node in "bc":
        assert found.sel(node=node).values.tolist() == (2 * drawn + 1).tolist()
    assert found.sel(node="rain").values.tolist() == (drawn >= 0.75).astype(float).tolist()


def chain_from(node):
    """in -> node -> out, each the double of the one before it."""
    graph = nx.DiGraph([("in", node), (node, "out")])
    return Network.from_graph(graph, lambda *u: 2 * sum(u), start={"in": 0.5})


def test_a_plan_of_a_network_is_made_once_and_tells_labels_as_they_are_written():
    plans = []
    for node in (1, 1.0, True, 1):
        network = chain_from(node)
        plans.append(flatten_network(network, lanes_of([network.world()], [])))
        assert [type(label) for label in plans[-1].labels] == [str, type(node), str]
        assert run(network.world()).node.values.tolist() == ["in", str(node), "out"]
    assert all(plan.groups is plans[0].groups for plan in plans)


# -- questions -----------------------------------------------------------------------------------


def room(k_is=0.01, start=35.0):
    given = {k: k_is, d: 25}
    return System({T: R - d, R: R - k * T}, start={T: 10, R: start}, parameters=given)


def test_a_question_that_is_asked_again_is_not_taken_for_another():
    ways = list(
        itertools.product((0.01, 0.02), (T,), (R[0], R[1]), (R, R[3], R[3:6]), (None, 1e-3))
    )
    for value, A, n, m, delta in (*ways, *ways[::-1]):
        steps = 6 if m is R else None
        asked = op(room(value), A, n, m, steps=steps, delta=delta)
        afresh = Question(room(value), A, n, m, steps=steps, delta=delta)
        expected = answer(afresh, OP, "auto")
        assert asked.identical(expected)
        assert asked.attrs["n"] == str(n)
    # By hand: R moves by 1 at each step, and with T, which moves by what R was, by -k.
    assert comp(room(0.02), T, R[0], R[2]).item() == pytest.approx(1 - 0.02)


@pytest.mark.parametrize("more", [{}, {"steps": 5}, {"keep": 2}, {"keep": "last"}, {"steps": 7}])
def test_how_long_and_what_is_kept_is_a_part_of_the_question(more):
    given = {"steps": 6} | more
    for _ in range(2):
        assert op(room(), T, R[0], R, **given).identical(
            answer(Question(room(), T, R[0], R, **given), OP, "auto")
        )


@pytest.mark.parametrize("node", [1, 1.0, True])
def test_a_result_names_nodes_as_they_are_asked_for(node):
    found = op(chain_from(node), A=["out"], n="in", m=node)
    assert found.attrs["m"] == str(node)
    assert found.item() == 0.0


def test_what_is_large_or_swept_or_listed_is_asked_anew():
    one = question_of(room(), T, R[0], R[3])
    assert question_of(room(), T, R[0], R[3]) is one
    for how in ({"over": {k: [0.1]}}, {"along": None, "over": [{k: 0.1}]}):
        assert question_of(room(), T, R[0], R[3], **how) is not question_of(
            room(), T, R[0], R[3], **how
        )
    assert question_of(room(), [T], R[0], R[3]) is not question_of(room(), [T], R[0], R[3])


def test_the_same_question_of_another_world_has_its_answer():
    for by in (0.0, 1.0, 2.0, 1.0):
        W = System({a: a**2 / 10, b: a + b / 2}, start={a: 1, b: 1}).world(steps=4)
        W = W.perturb(a[0], by=by)
        # db/da = 1 at the first step, da/da = a / 5: what is held takes none of it.
        assert comp(W, b, a[0], a[1]).item() == 1.0
        found = run(W.perturb(a[1], by=1.0)).a.sel(world="X").values
        expected = [1 + by, (1 + by) ** 2 / 10 + 1]
        for _ in range(3):
            expected.append(expected[-1] ** 2 / 10)
        assert found == pytest.approx(expected, rel=1e-15)


# -- results -------------------------------------------------------------------------------------

ASKED = {
    "run": lambda: run(room().world(steps=3)),
    "run of a network": lambda: run(Network({b: 2 * a}, start={a: 1}).world()),
    "draws": lambda: run(lawn(0.5).world(), draws=5),
    "sweep": lambda: run(room().world(steps=3), over={k: [0.1, 0.2]}),
    "op": lambda: op(room(), T, R[0], R, steps=3),
    "op of points": lambda: op(room(), T, R[0], R, steps=3, over=[{k: 0.1}, {k: 0.2}]),
    "op at a node": lambda: op(room(), T, R[0], R[3]),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_what_is_written_on_a_result_stays_there(ask):
    first = ask().copy(deep=True)
    marred = ask()
    marred.attrs["said"] = "of one alone"
    for coordinate in marred.coords.values():
        coordinate.attrs["units"] = "elsewhere"
        coordinate.encoding["dtype"] = "float32"
        with contextlib.suppress(ValueError):
            coordinate.values[...] = coordinate.values[0]
    for values in [marred] if hasattr(marred, "item") else marred.data_vars.values():
        assert values.values.flags.writeable
        values.values[...] = math.inf
    assert ask().identical(first)
    for name, coordinate in ask().coords.items():
        assert coordinate.encoding == first.coords[name].encoding


@pytest.mark.parametrize("name", ["run of a network", "draws", "run", "sweep"])
def test_a_result_is_what_xarray_makes_of_its_parts(name):
    data = ASKED[name]()
    parts = {each: data[each].variable for each in data.data_vars}
    coords = {each: data[each].variable for each in data.coords}
    assert data.identical(xr.Dataset(parts, coords, data.attrs))
    assert all(data.indexes[dim].equals(data[dim].to_index()) for dim in data.indexes)
    assert set(data.indexes) == {each for each in data.coords if each in data.dims}


def test_results_of_one_run_share_their_labels():
    first, again = (op(room(), T, R[0], R, steps=3, over={k: [0.1, 0.2]}) for _ in range(2))
    assert first.indexes["time"] is again.indexes["time"]
    for dim in first.dims:
        with pytest.raises(ValueError, match="read-only"):
            first[dim].values[0] = 7.0


def test_a_result_keeps_no_memory_of_what_was_computed_beside_it():
    noises = [noise(f"e{i}", normal(0, 1)) for i in range(8)]
    nodes = variables("x0:8")
    network = Network({node: e * 2 for node, e in zip(nodes, noises, strict=True)})
    for world in (network.world(), lawn(0.5).world(), lawn(0.5).world().do(rain, "no")):
        values = run(world, draws=1000).value.values
        whole = values if values.base is None else values.base
        while getattr(whole, "base", None) is not None:
            whole = whole.base
        assert whole.nbytes <= 1.25 * values.nbytes
