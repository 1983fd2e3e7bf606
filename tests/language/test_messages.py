"""What is said of what cannot be: no raw error, and what to write in its place."""

import math

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import sympy as sp

from causalopt import (
    CausaloptError,
    Distribution,
    Network,
    System,
    choice,
    comp,
    finite,
    normal,
    op,
    optimizing_strength,
    parameter,
    run,
    split_strengths,
    table,
    uniform,
    variable,
    variables,
)

a, b, f, g, h, R, T = variables("a b f g h R T")
k = parameter("k")
S = System({R: R - k * T, T: R - 25}, start={R: 35, T: 10}, parameters={k: 0.1})
N = Network({b: 2 * a, f: b + a}, start={a: 1})
W = S.world(steps=3)

REFUSED = {
    "a node in a formula": (lambda: 0.9 * R[0], r"R\[0\] stands in a formula with 0.9"),
    "a node beside a variable": (lambda: R * R[0], "written with variables"),
    "nodes in a formula": (lambda: R[2:] - 1, "written with variables"),
    "a moment in a formula": (lambda: 1 / R.at(2), "written with variables"),
    "a node compared": (lambda: R[0] < 5, "written with variables"),
    "a node before the start": (lambda: R[-5], r"R.lag\(5\) that of 5 steps before"),
    "a function of NumPy's": (lambda: np.sin(R), r"numpy.sin takes numbers.* sympy.sin"),
    "NumPy's maximum": (lambda: np.maximum(R, 0), "numpy.maximum takes numbers"),
    "a split by a tuple": (lambda: f | (g, h), r"write Split\(f, \(g, h\)\)"),
    "a tuple before": (lambda: (g, h) | f, r"write Split\("),
    "a world without an end": (S.world, r"steps is missing: write steps=1000"),
    "a set twice": (lambda: N.d_separated(a, b, given=[a]), "a in two of its sets"),
    "one node twice": (lambda: N.d_separated(a, [a, b]), "a in two of its sets"),
    "an empty interval": (lambda: uniform(1, 1), r"choice\(\[1\]\) for one that is sure"),
    "a turned interval": (lambda: uniform(2, 1), r"write uniform\(1, 2\)"),
    "a number to choose from": (lambda: choice(5), r"write a list"),
    "a weight": (lambda: choice([1, 2], 5), r"write a list"),
    "a long number": (lambda: normal(10**400, 1), "a number of 401 digits"),
    "a longer number": (lambda: normal(0, 10**5000), "a number of 5001 digits"),
    "a long start": (lambda: System({a: a}, start={a: 10**400}), "a number of 401 digits"),
    "an empty system": (lambda: System({}, start={}), "There is no variable"),
    "an empty network": (lambda: Network({}, start={}), "There is no variable"),
    "a symbol of sympy's": (
        lambda: System({R: 2 * sp.Symbol("R")}, start={R: 1}),
        "plain symbol of sympy's, and not the variable R",
    ),
    "a symbol of sympy's for a parameter": (
        lambda: System({R: sp.Symbol("k") * R}, start={R: 1}, parameters={k: 1}),
        "plain symbol of sympy's, and not the parameter k",
    ),
    "two assumptions": (
        lambda: System({R: parameter("k", positive=True) * R + k}, start={R: 1}, parameters={k: 1}),
        "assumed positive=True and .* assumed real=True",
    ),
    "a value that is put": (lambda: W.put(R, 3), r"no Base: for a value, write do\("),
    "a class that is put": (lambda: W.put(R, int), r"no Base: for a value, write do\("),
    "a parameter that is set": (lambda: W.do(k, 1), r"with_parameters\(\{k: ...\}\)"),
    "a parameter that is moved": (lambda: W.perturb(k, by=1), "k is a parameter"),
    "a parameter of a network": (lambda: N.world().do(k, 1), r"over=\{k: \[...\]\}"),
    "a single value": (lambda: run(W, over={k: 2.0}), r"write \[2.0\], or more"),
    "a time without dt": (lambda: W.perturb(T.at(2)), r"such as R\[2\]"),
    "a variable for n": (lambda: op(S, A=T, n=R, m=R[3]), r"write R\[0\]"),
    "two nodes for n": (lambda: op(S, A=T, n=[R[0], R[1]], m=R[3]), "is not one node"),
    "no mapping": (lambda: S.with_parameters(5), "write a dict"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_says_what_to_write(case):
    ask, told = REFUSED[case]
    with pytest.raises(CausaloptError, match=told):
        ask()


@pytest.mark.parametrize("values", [
    [1 + 2j], np.array([1j]), np.ma.array([1.0, 2.0], mask=[False, True]), ["1", "2"], [True],
    np.array(["2020-01-01"], dtype="M8[D]"), np.array([1], dtype="m8[s]"), "12", None, [], [[1.0]],
    [1.0, None], [1.0, np.nan], [10**400], [[1], [1, 2]], {1.0}, np.array([True, False]), [b"1"],
], ids=repr)  # fmt: skip
def test_lists_of_what_is_no_number_are_refused(values):
    for model, target in ((W, k), (W, R[0]), (N.world(), a)):
        with pytest.raises(CausaloptError, match="over"):
            run(model, over={target: values})


@pytest.mark.parametrize("values", [
    [1, 2.5], (1, 2), np.array([1, 2], dtype=np.uint8), np.ma.array([1.0, 2.0], mask=False),
    pd.Series([1.0, 2.0]), [np.float32(1), np.int64(2)], [sp.Rational(1, 2), 2], range(2),
], ids=str)  # fmt: skip
def test_lists_of_numbers_are_swept(values):
    expected = [float(value) for value in values]
    found = run(W, over={R[0]: values}).R.isel(world=0, time=0).values.tolist()
    assert found == expected


def test_a_series_is_a_mapping_wherever_one_is_given():
    series = pd.Series({k: 0.1})
    start = pd.Series({R: 35, T: 10})
    assert System(S.mechanisms, start=start, parameters=series) == S
    assert S.with_parameters(pd.Series({k: 2})) == S.with_parameters({k: 2})
    assert S.with_start(pd.Series({R: 2})) == S.with_start({R: 2})
    by_ode = System.from_ode({R: -k * R}, start={R: 1}, parameters=series, dt=0.1)
    assert by_ode == System.from_ode({R: -k * R}, start={R: 1}, parameters={k: 0.1}, dt=0.1)


@pytest.mark.parametrize("start", [0.5, np.float32(0.5), {"x": 0.5, "y": 0.5},
                                   pd.Series({"x": 0.5, "y": 0.5})])  # fmt: skip
def test_one_number_serves_for_all_roots_of_a_graph(start):
    graph = nx.DiGraph([("x", "z"), ("y", "z")])
    network = Network.from_graph(graph, lambda *u: sum(u), start=start)
    assert run(network.world()).value.values.tolist() == [[0.5, 1.0, 0.5]]


def test_numpys_arithmetic_with_a_symbol_is_sympys():
    assert np.float64(0.5) * R == 0.5 * R
    assert np.int64(2) + R == R + 2
    assert (np.array([1, 2]) * R).tolist() == [R, 2 * R]
    assert (R - np.array([1.0, 2.0])).tolist() == [R - 1.0, R - 2.0]
    assert (np.array([R, T]) @ np.array([1, 2])) == R + 2 * T


def test_a_list_of_one_node_is_that_node():
    plain = comp(S, A=T, n=R[0], m=R[3])
    for n in ([R[0]], (R[0],), R[0:1], [R[0:1]]):
        assert comp(S, A=T, n=n, m=R[3]).item() == plain.item()
    assert R[0] != R
    assert R[0] != R


def test_pythons_own_time_is_not_shadowed():
    scope = {}
    exec("import time\nfrom causalopt import *", scope)
    assert scope["time"].time() > 0
    assert "variables" in scope


def test_a_part_whose_present_nobody_reads_is_told():
    act = finite("act", ["heat", "cool"])
    room = finite("room", ["hot", "cold"])
    rule = table(room, {"hot": "cool", "cold": "heat"})
    P = Distribution.of((act, room), [[0.0, 0.5], [0.5, 0.0]])
    start = {act: "heat", room: "cold"}
    heated = {"heat": "hot", "cool": "cold"}
    late = System({act: rule, room: table(act.next, heated)}, start=start)
    with pytest.warns(RuntimeWarning, match="reads the present value of act"):
        assert float(optimizing_strength(late, act | room, P)) == 0
    with pytest.warns(RuntimeWarning, match="reads the present value of act"):
        split_strengths(late, P)
    mixed = table(
        (act, room), {"heat": "hot -> hot, cold -> hot", "cool": "hot -> cold, cold -> hot"}
    )
    early = System({act: rule, room: mixed}, start=start)
    assert not math.isnan(float(optimizing_strength(early, act | room, P)))


def test_a_unit_is_a_text():
    with pytest.raises(CausaloptError, match=r"The unit of x is 5: write a string"):
        variable("x", 5)
