"""A variable is one thing, indexed without end; a stretch of its nodes is several."""

import operator
from collections.abc import Iterable

import numpy as np
import pytest
import sympy as sp

from causalopt import (
    DeclarationError,
    QueryError,
    finite,
    noise,
    normal,
    parameter,
    time,
    variable,
    variables,
)

x, y = variables("x y")
k, e, f = parameter("k"), noise("e", normal(0, 1)), finite("f", ["a", "b"])
VARIABLES = [x, variable("p", positive=True), f]
OTHERS = [k, e, time, x.next, x.lag(5), f.next]
NODES = [x[0], x[:3], x[2:], x.at(2.5), x.between(1, 2), f[0]]


def unpacked(thing):
    _first, *_rest = thing


WALKS = [list, tuple, set, sum, lambda v: next(iter(v)), lambda v: list(enumerate(v)),
         dict.fromkeys, lambda v: [*v], lambda v: {*v},
         unpacked, lambda v: list(zip(v, v, strict=True)), np.fromiter]  # fmt: skip


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("symbol", [*VARIABLES, *OTHERS], ids=str)
def test_no_symbol_is_walked_over(walk, symbol):
    with pytest.raises((TypeError, DeclarationError)):
        walk(symbol)


@pytest.mark.parametrize("symbol", VARIABLES, ids=str)
def test_a_variable_says_at_once_what_is_in_it(symbol):
    assert 5 not in symbol
    assert "a" not in symbol
    assert y not in symbol
    assert y[0] not in symbol
    assert symbol[3] in symbol
    assert symbol.next in symbol


@pytest.mark.parametrize("symbol", VARIABLES, ids=str)
def test_a_variable_is_one_thing_to_others(symbol):
    assert not isinstance(symbol, Iterable)
    assert not np.iterable(symbol)
    assert not hasattr(symbol, "__iter__")
    assert np.array([symbol, y]).shape == (2,)
    plain = sp.Symbol(symbol.name, **symbol.assumptions0)
    for asked in (
        lambda s: sp.gcd(s, s * k),
        lambda s: sp.lcm(s, k),
        lambda s: s % k,
        lambda s: sp.Poly(s**2 + s, s).as_expr(),
        lambda s: sp.Matrix([s, s**2]).jacobian([s]),
        lambda s: sp.derive_by_array(s**2, s),
        lambda s: sp.Array([s, 1]).tolist(),
        lambda s: sp.linsolve([s - 1], s),
        lambda s: sp.factor(s**2 - 1),
        lambda s: sp.flatten([s, [s]]),
    ):
        ours, theirs = asked(symbol), asked(plain)
        assert str(ours) == str(theirs)


def test_a_stretch_of_nodes_is_walked_over():
    assert list(x[1:4]) == [x[1], x[2], x[3]]
    assert x[2] in x[1:4]
    assert x[4] not in x[1:4]
    assert y[2] not in x[1:4]
    assert x[10**9] in x[3:]
    assert 2 not in x[1:4]
    with pytest.raises(QueryError, match=r"x\[2:\] has no end.*write x\[2:12\]"):
        list(x[2:])


FUNCTIONS = [sp.sin, sp.exp, sp.Abs, sp.sqrt, lambda n: sp.Max(n, 0), lambda n: sp.Min(1, n),
             lambda n: sp.Eq(n, 1), lambda n: sp.Piecewise((n, x > 1), (1, True)),
             lambda n: sp.diff(x**2, n), lambda n: (x + 1).subs(x, n), lambda n: sp.Matrix([n]),
             lambda n: sp.Lt(n, 1), lambda n: sp.Sum(n, (k, 0, 3)), lambda n: sp.sympify(n),
             np.sin, np.exp, np.sqrt, lambda n: np.maximum(n, 0), lambda n: np.arange(2) * n,
             lambda n: n @ np.eye(2), lambda n: x + n, lambda n: n // 2, lambda n: -n]  # fmt: skip


@pytest.mark.parametrize("node", NODES, ids=repr)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_name_of_nodes_is_no_formula(function, node):
    with pytest.raises(DeclarationError, match="is a name of nodes: a mechanism is written with"):
        function(node)


@pytest.mark.parametrize("node", NODES, ids=repr)
def test_a_name_of_nodes_is_compared(node):
    for symbol in (*VARIABLES, *OTHERS):
        assert symbol != node
        assert node != symbol
    assert node in [*VARIABLES, node]
    assert node not in (*VARIABLES, *OTHERS)
    assert (np.array([node, 3], dtype=object) == node).tolist() == [True, False]


@pytest.mark.parametrize("symbol", OTHERS, ids=str)
@pytest.mark.parametrize(
    "asked",
    [operator.attrgetter("next"), lambda s: s.lag(5), lambda s: s.at(2), lambda s: s.between(1, 2),
     lambda s: s[0], lambda s: s[:3]],
)  # fmt: skip
def test_variables_alone_have_values_at_steps(asked, symbol):
    with pytest.raises(DeclarationError, match="variables alone have values at steps"):
        asked(symbol)
    assert not hasattr(symbol, "next")
    with pytest.raises(AttributeError, match="has no attribute 'nxt'"):
        _ = symbol.nxt
