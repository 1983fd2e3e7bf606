"""Tuples of symbols on the left of a mapping, and as many things on the right."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from sympy import Identity, ImmutableMatrix, MatMul, Matrix, MatrixSymbol

from causalopt import (
    DeclarationError,
    Network,
    System,
    every_m,
    finite,
    op,
    parameters,
    run,
    tangents,
    variable,
    variables,
)

x, k = variables("x", count=3), parameters("k", count=3)
a = variable("a")
TURN = Matrix([[0, -1, 0], [1, 0, 0], [0, 0, 2]])
SINGLY = {x[0]: -x[1], x[1]: x[0], x[2]: 2 * x[2]}


def test_a_count_numbers_one_name():
    assert [str(v) for v in variables("x", count=30)] == [f"x{i}" for i in range(30)]
    assert variables("x", "m", count=np.int64(2), positive=True) == variables(
        "x0 x1", "m", positive=True
    )
    assert parameters("k", count=1) == parameters("k0")


@pytest.mark.parametrize("make", [variables, parameters])
@pytest.mark.parametrize("count", [0, -1, 2.5, "3", True, [3], 10**9, float("nan")])
def test_what_is_no_count_is_refused(make, count):
    with pytest.raises(DeclarationError, match=r"count=.* is a whole number from 1 to"):
        make("x", count=count)


@pytest.mark.parametrize("names", ["x y", "x, y", "x0:3", "x:1", "x:2 y"])
def test_a_count_beside_several_names_says_what_to_write(names):
    with pytest.raises(DeclarationError, match=r'numbers one name, so write variables\("x", count'):
        variables(names, count=3)


COLUMN = TURN * Matrix(x)
RIGHTS = {
    "column": COLUMN,
    "row": COLUMN.T,
    "immutable": ImmutableMatrix(COLUMN),
    "unevaluated": MatMul(TURN, Matrix(x), evaluate=False),
    "with identity": MatMul(Identity(3), COLUMN, evaluate=False),
    "list": list(COLUMN),
    "tuple": tuple(COLUMN),
    "objects": np.array(TURN.tolist(), dtype=object) @ np.array(x),
    "floats": np.array(TURN.tolist(), dtype=int) @ np.array(x),
    "column of objects": np.array(COLUMN.tolist(), dtype=object),
    "array of sympy's": sp.Array(list(COLUMN)),
}


@pytest.mark.parametrize("right", RIGHTS.values(), ids=RIGHTS)
def test_a_vector_is_its_variables_one_by_one(right):
    start = dict(zip(x, [1, 2, 3], strict=True))
    assert System({x: right}, start={x: [1, 2, 3]}) == System(SINGLY, start=start)
    ode = {"dt": 0.1, "method": "rk4"}
    assert System.from_ode({x: right}, start={x: 1}, **ode) == System.from_ode(
        SINGLY, start=dict.fromkeys(x, 1), **ode
    )


NUMBERS = {
    "list": [1, 2, 3],
    "tuple": (1, 2, 3),
    "array": np.array([1.0, 2.0, 3.0]),
    "column": np.array([[1], [2], [3]]),
    "matrix": Matrix([1, 2, 3]),
    "row": Matrix([[1, 2, 3]]),
    "range": range(1, 4),
    "series": pd.Series([1, 2, 3]),
}


@pytest.mark.parametrize("numbers", NUMBERS.values(), ids=NUMBERS)
def test_numbers_of_starts_and_parameters_come_in_any_row(numbers):
    system = System(
        {x: [p * v for p, v in zip(k, x, strict=True)]}, start={x: numbers}, parameters={k: numbers}
    )
    assert list(system.start.items()) == list(zip(x, [1.0, 2.0, 3.0], strict=True))
    assert list(system.parameters.values()) == [1.0, 2.0, 3.0]
    other = system.with_start({x: 0}).with_parameters({k[:2]: [7, 8], k[2]: 9})
    assert list(other.start.values()) == [0.0, 0.0, 0.0]
    assert list(other.parameters.values()) == [7.0, 8.0, 9.0]
    assert other.with_start({x: numbers}).with_parameters({k: numbers}) == system


def test_networks_take_vectors_too():
    network = Network({x: [a, 2 * a, k[0] * a]}, start={(a,): [2]}, parameters={k[:1]: 3})
    assert network == Network(
        {x[0]: a, x[1]: 2 * a, x[2]: k[0] * a}, start={a: 2}, parameters={k[0]: 3}
    )
    assert network.with_start({(a,): [5]}).value(a) == 5
    assert network.with_parameters({k[:1]: [4]}).parameters == {k[0]: 4}


def test_named_values_come_in_a_row_or_once_for_all():
    switches = finite("p", ["on", "off"]), finite("q", ["on", "off"])
    system = System({switches: switches[::-1]}, start={switches: "on"})
    assert list(system.start.values()) == ["on", "on"]
    assert list(system.with_start({switches: ["off", "on"]}).start.values()) == ["off", "on"]


def test_labels_that_are_tuples_stay_labels():
    graph = nx.grid_2d_graph(2, 2, create_using=nx.DiGraph)
    graph.remove_edges_from([(b, c) for b, c in list(graph.edges) if b > c])
    network = Network.from_graph(graph, lambda *u: sum(u), start={(0, 0): 1})
    assert network.with_start({(0, 0): 3}).value((0, 0)) == 3


def test_the_order_of_a_declaration_is_kept():
    system = System({x[2]: 1, x[:2]: 2, a: 3}, start={a: 0, x: 0})
    assert system.variables == (x[2], x[0], x[1], a)


def test_questions_take_vectors_and_their_parts():
    system = System({x: 0.5 * Matrix(x) + 0.1 * COLUMN}, start={x: [1, 2, 3]})
    W = system.world(steps=3)
    assert np.isfinite(op(system, A=x[1:], n=x[0][0], m=x[0][3]).item())
    assert run(W, over={x[0][0]: [1, 2]}).x1.sizes["x0[0]"] == 2
    assert tangents(W.perturb(x[0][0])).x2.sizes["time"] == 4
    assert every_m(system, A=x[1], n=x[0][0], steps=3).sizes["variable"] == 3
    assert W.clamp(x[1:], to=W) == W.clamp([x[1], x[2]], to=W)


@pytest.mark.parametrize(
    ("declare", "told"),
    [
        (lambda: System({x: [1, 2]}, start={x: 0}), "gives 2 values for the 3 symbols x0, x1, x2"),
        (lambda: System({x: x}, start={x: [1]}), "gives 1 value for the 3 symbols"),
        (lambda: System({x: x}, start={x: []}), "gives 0 values"),
        (lambda: System({x: TURN}, start={x: 0}), r"array of shape \(3, 3\)"),
        (lambda: System({x[:2]: Matrix([[1, 2], [3, 4]])}, start={x[:2]: 0}), r"shape \(2, 2\)"),
        (lambda: System({x: np.ones((1, 1, 3))}, start={x: 0}), r"shape \(1, 1, 3\)"),
        (lambda: System({x: np.array(1.5)}, start={x: np.array([[]])}), r"shape|0 values"),
        (lambda: System({x: x, x[0]: 1}, start={x: 0}), "names x0 twice"),
        (lambda: System({x: x}, start={x: 0, x[1]: 1}), "start names x1 twice"),
        (lambda: System({(x[0], x[0]): [1, 2]}, start={x[0]: 0}), "names x0 twice"),
        (lambda: System({x: MatrixSymbol("v", 3, 1)}, start={x: 0}), "v says nothing of what"),
        (
            lambda: System({x: MatrixSymbol("A", 3, 3) * Matrix(x)}, start={x: 0}),
            "A says nothing .* write a Matrix of formulas",
        ),
        (lambda: System({x: Identity(10**12) * 1}, start={x: 0}), "matrix of shape"),
        (
            lambda: System({x: MatMul(TURN, TURN, evaluate=False)}, start={x: 0}),
            r"matrix of shape \(3, 3\)",
        ),
        (lambda: System({x: a}, start={x: 0, a: 0}), r"gives a \(Variable\)"),
        (lambda: System({x: {1, 2, 3}}, start={x: 0}), "write a list, an array or a Matrix"),
        (lambda: System({x: dict.fromkeys(x, 1)}, start={x: 0}), "write a list, an array"),
        (lambda: System({x: (v for v in x)}, start={x: 0}), "write a list, an array"),
        (lambda: System({x: None}, start={x: 0}), "write a list, an array"),
        (lambda: System({x: x}, start={x: np.ma.array([1, 2, 3], mask=[0, 1, 0])}), "masked"),
        (lambda: System({(): []}, start={}), "empty tuple"),
        (lambda: System({(a, "b"): 0}, start={a: 0}), "'b' .* stands on the left"),
        (lambda: System({x: "x1 + 1"}, start={x: 0}), "text is never parsed"),
        (lambda: System({x: x}, start={x: [1, "two", 3]}), r"start\[x1\] is 'two'"),
        (lambda: System({x: x}, start={x: [1, np.nan, 3]}), r"start\[x1\] is nan"),
        (lambda: System({x: x}, start={x: 0}).with_start({x: [1, 2]}), "with_start gives 2 values"),
        (lambda: System({x: x}, start={x: 0}).with_start({x: 0, x[0]: 1}), "names x0 twice"),
        (lambda: System({x: x}, start={x: 0}).with_parameters({k: 1}), "names k0, which is not"),
        (lambda: System.from_ode({x: [1]}, start={x: 0}, dt=0.1), "gives 1 value"),
        (
            lambda: System.from_ode({variables("dt x"): [1, 2]}, start={}, dt=0.1),
            "dt is declared twice",
        ),
        (lambda: Network({x: [a, a]}, start={a: 1}), "gives 2 values"),
        # A value of a single variable is no array, as ever.
        (lambda: System({a: Matrix(x)}, start={a: 0}), "The mechanism of a is"),
        (lambda: System({a: MatMul(TURN, Matrix(x))}, start={a: 0}), "The mechanism of a is"),
        (lambda: System({a: np.array([1, 2])}, start={a: 0}), "The mechanism of a is"),
        (lambda: System({a: a}, start={a: MatMul(TURN, TURN, evaluate=False)}), r"start\[a\] is"),
        (lambda: System({a: a}, start={a: [1, 2]}), r"start\[a\] is"),
        (lambda: System({a: a}, start=np.ones(1)), "start is array"),
    ],
)
def test_what_is_no_vector_says_so(declare, told):
    with pytest.raises(DeclarationError, match=told):
        declare()


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.data())
def test_any_cut_into_vectors_declares_the_same(sizes, data):
    every = variables("v", count=sum(sizes))
    numbers = data.draw(st.lists(st.integers(-9, 9), min_size=len(every), max_size=len(every)))
    formulas = [n * v for n, v in zip(numbers, every, strict=True)]
    kinds = st.sampled_from([list, tuple, Matrix, lambda row: Matrix(row).T, np.array])
    cut, start, place = {}, {}, 0
    for size in sizes:
        part = slice(place, place + size)
        cut[every[part]] = data.draw(kinds)(formulas[part])
        start[every[part]] = data.draw(kinds)(numbers[part])
        place += size
    singly = System(
        dict(zip(every, formulas, strict=True)), start=dict(zip(every, numbers, strict=True))
    )
    vectors = System(cut, start=start)
    assert vectors == singly
    assert vectors.variables == singly.variables
