"""Symbols: identity, indexing into nodes, and what is refused."""

import pickle

import numpy as np
import pytest
import sympy as sp

from causalopt import DeclarationError, QueryError, parameter, parameters, time, variable, variables
from causalopt.language.symbols import Node, NodeSet

T, R = variables("T R", unit="degC")


def test_symbols_are_the_same_where_kind_name_unit_and_assumptions_are():
    assert variable("T", unit="degC") == T
    assert variable("T") != T
    assert parameter("T", unit="degC") != T
    assert variable("T", unit="degC", positive=True) != T


def test_symbols_survive_pickling_and_arithmetic():
    formula = R - 2 * T.next + sp.sin(time)
    assert pickle.loads(pickle.dumps(formula)) == formula
    assert formula.subs({R: 1, T.next: 2, time: 0}) == -3


@pytest.mark.parametrize("modules", ["numpy", "math", "mpmath"])
def test_sympy_makes_functions_and_code_of_our_symbols(modules):
    k = parameter("k")
    assert sp.lambdify([T, k, time], T**2 + k * time, modules)(2, 3, 4) == 16
    assert sp.ccode(T + k) == "T + k"


def test_symbols_are_real_unless_declared_otherwise():
    assert T.is_real
    assert variable("z", complex=True).is_real is None


def test_names_may_be_set_apart_by_commas_and_are_never_parsed():
    assert [p.name for p in parameters("k, d")] == ["k", "d"]
    odd = variable('__import__("os").system("x")')
    assert sp.diff(odd**2, odd) == 2 * odd


def test_nodes_compare_by_value():
    assert R[3] == Node(R, 3)
    assert R[np.int64(3)] == R[3]
    assert R[2:5] == NodeSet(R, 2, 5)
    assert R[:] == NodeSet(R, 0, None)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: R[-1], r"R\[0\] for the first"),
        (lambda: R[1.5], r"R\.at\(1\.5\)"),
        (lambda: R["x"], "whole number"),
        (lambda: R[5:2], "is empty"),
        (lambda: R[::2], "consecutive"),
        (lambda: R.at(-1), "0 or later"),
        (lambda: R.at(float("nan")), "finite"),
        (lambda: R.between(5, 2), r"R\.between\(2, 5\)"),
    ],
)
def test_impossible_nodes_are_refused(make, told):
    with pytest.raises(QueryError, match=told):
        make()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: variables("T R T"), "declares T twice"),
        (lambda: variables(""), "names nothing"),
        (lambda: variables(["T"]), "one string"),
        (lambda: variable(""), "non-empty string"),
        (lambda: parameter(3), "non-empty string"),
    ],
)
def test_impossible_names_are_refused(make, told):
    with pytest.raises(DeclarationError, match=told):
        make()
