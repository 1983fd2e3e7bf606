"""Assumptions: a value that contradicts one is told, wherever it enters or comes about."""

import math

import networkx as nx
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from causalopt import (
    CausaloptError,
    DeclarationError,
    EvaluationError,
    Network,
    System,
    comp,
    every_m,
    every_n,
    finite,
    op,
    parameter,
    run,
    tangents,
    variable,
    variables,
)
from causalopt.language.assumptions import kept

y, z = variables("y z")
NUMBERS = (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, 9.0, 0.5, -2.5, 1e6, 1e6 + 0.5, -4.0, 4.0, 1e17, 2.0**80)
FACTS = ("positive", "negative", "nonnegative", "nonpositive", "nonzero", "zero", "integer",
         "noninteger", "even", "odd", "prime", "composite")  # fmt: skip


def is_so(number, fact):
    """Whether a fact is true of a number, by sympy's own words."""
    exact = sp.Rational(number)
    return bool(getattr(exact, f"is_{fact}"))


@pytest.mark.parametrize("fact", FACTS)
def test_numbers_keep_an_assumption_where_sympy_says_so(fact):
    expected = [is_so(number, fact) for number in NUMBERS]
    assert kept(np.array(NUMBERS), fact, is_so=True).tolist() == expected
    assert kept(np.array(NUMBERS), fact, is_so=False).tolist() == [not so for so in expected]


def ways(fact, wanted):
    """How a number gets to be the value of a symbol with an assumption, each as a function."""
    x, k = variable("x", **{fact: wanted}), parameter("k", **{fact: wanted})
    good = next(number for number in NUMBERS if is_so(number, fact) == wanted)
    S = System({x: x, y: y * k}, start={x: good, y: 1}, parameters={k: good})
    N = Network({y: 2 * x * k}, start={x: good}, parameters={k: good})
    W, V = S.world(steps=3), N.world()
    return {
        "start": lambda value: System({x: x}, start={x: value}),
        "root": lambda value: Network({y: x}, start={x: value}),
        "parameter": lambda value: System({y: k}, start={y: 1}, parameters={k: value}),
        "with_start": lambda value: S.with_start({x: value}),
        "with_parameters": lambda value: S.with_parameters({k: value}),
        "roots": lambda value: N.with_start({x: value}),
        "over a start": lambda value: run(W, over={x[0]: [good, value]}),
        "over a parameter": lambda value: run(W, over={k: [good, value]}),
        "over a node": lambda value: run(V, over={x: [good, value]}),
        "do": lambda value: W.do(x[1:], value),
        "do in a network": lambda value: V.do(x, value),
        "a run": lambda value: run(System({x: z, z: z}, start={x: good, z: value}).world(steps=1)),
        "a difference": lambda value: run(W.perturb(x[2], by=value - good)),
        "a root that is moved": lambda value: run(V.perturb(x, by=value - good)),
        "a swept run": lambda value: run(
            System({x: z, z: z}, start={x: good, z: good}).world(2), over={z[0]: [good, value]}
        ),
    }


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("fact", ["positive", "nonpositive", "integer", "odd", "nonzero"])
def test_a_value_outside_is_told_wherever_it_comes_from(fact, wanted):
    for put in ways(fact, wanted).values():
        for value in (0.0, 1.0, -2.0, 2.5):
            if is_so(value, fact) == wanted:
                put(value)
                continue
            name = fact if wanted else f"{fact}=False"
            with pytest.raises(CausaloptError, match=f"assumed to be {name}"):
                put(value)


@given(st.floats(0.1, 0.9), st.integers(1, 12))
def test_a_run_is_the_formula_that_was_written_or_an_error(start, steps):
    x = variable("x", positive=True)
    system = System({x: sp.sqrt(x**2) - sp.Rational(1, 4)}, start={x: start})
    at, course = start, [start]
    for _ in range(steps):
        at = math.sqrt(at**2) - 0.25
        course.append(at)
    if min(course) <= 0:
        first = next(i for i, value in enumerate(course) if value <= 0)
        with pytest.raises(EvaluationError, match=rf"x\[{first}\] is .* assumed to be positive"):
            run(system.world(steps=steps))
    else:
        assert np.allclose(run(system.world(steps=steps)).x.values[0], course, rtol=1e-12)


def test_a_measure_around_values_that_stray_is_refused():
    x = variable("x", positive=True)
    system = System({x: x - 1, y: sp.sqrt(x**2)}, start={x: 2.5, y: 0})
    W = system.world(steps=5)
    for ask in (
        lambda: comp(system, A=y, n=x[0], m=x[5]),
        lambda: op(system, A=y, n=x[0], m=x, steps=5),
        lambda: comp(system, A=y, n=x[0], m=x[2], delta=-2),
        lambda: every_m(system, A=y, n=x[0], steps=5),
        lambda: every_n(system, A=y, m=x[5]),
        lambda: tangents(W.perturb(x[0])),
        lambda: run(W.perturb(x[0], by=0.25), keep="last"),
    ):
        with pytest.raises(EvaluationError, match="assumed to be positive"):
            ask()
    assert comp(system, A=y, n=x[0], m=x[2]).item() == 1
    with pytest.raises(EvaluationError, match=r"x\[3\] is -0.5 in the world X where y\[0\] = 0"):
        run(W, W.perturb(y[0], by=1), over={y[0]: [0, 1]}, labels=["X", "W"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"postive": True}, "no assumption .* Did you mean positive"),
        ({"shape": 30}, "no assumption"),
        ({"size": 3}, "no assumption"),
        ({"positive": "yes"}, "write positive=True"),
        ({"integer": 1}, "write integer=True"),
        ({"imaginary": True}, "finite real numbers"),
        ({"real": False}, "finite real numbers"),
        ({"infinite": True}, "finite real numbers"),
        ({"commutative": False}, "finite real numbers"),
        ({"positive": True, "negative": True}, "no number is"),
        ({"even": True, "odd": True}, "no number is"),
    ],
)
@pytest.mark.parametrize("make", [variable, parameter, lambda *a, **k: variables("a b", **k)])
def test_what_is_no_assumption_is_refused(make, given, told):
    with pytest.raises(DeclarationError, match=told):
        make("k", **given)


@given(st.integers(0, 40), st.integers(0, 40))
def test_ranges_of_names_are_those_of_sympy(first, last):
    text = f"x{first}:{last}, y(0:2) b"
    if first >= last:
        with pytest.raises(DeclarationError, match="empty range"):
            variables(text)
        return
    assert [v.name for v in variables(text)] == [s.name for s in sp.symbols(text)]


@pytest.mark.parametrize("name", ["\ud800", "a\udfff", "x \udc80"])
def test_half_a_letter_is_refused_where_it_is_declared(name):
    for make in (variable, parameter, lambda n: variable("x", unit=n)):
        with pytest.raises(DeclarationError, match=r"half of a letter"):
            make(name)
    graph = nx.DiGraph([(name, 1)])
    for refused in (
        lambda: run(System({y: y}, start={y: 1}).world(steps=1), labels=[name]),
        lambda: finite("level", ["low", name]),
        lambda: Network.from_graph(graph, lambda u: u, start=0),
        lambda: Network.from_arrays([], [-1], [[-1]], start=0, labels=[name]),
    ):
        with pytest.raises(DeclarationError, match="half of a letter"):
            refused()
