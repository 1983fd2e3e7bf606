"""Every single variable as A, in one pass: the numbers of comp and op, part by part."""

import mpmath
import numpy as np
import pytest

from causalopt import Network, QueryError, System, comp, every_A, op, variables
from tests.model.kinds import NETWORKS, SYSTEMS, world_of

QUICK = ["formulas", "euler", "rk4", "delayed", "governed"]


def same(found, expected):
    # The sign of x/0 is that of a zero.
    size = np.where(np.isinf(expected), np.abs(expected), expected)
    size_found = np.where(np.isinf(found), np.abs(found), found)
    np.testing.assert_allclose(size_found, size, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", QUICK)
def test_parts_of_a_system_are_those_of_comp_and_op(kind):
    W = world_of(SYSTEMS[kind]())
    a, b, c = W.model.variables
    for n, m in ((a[0], b), (b[2], c[1:]), (c[0], a[6])):
        ratio, strength = (every_A(W, n, m, measure=name) for name in ("comp", "op"))
        (left,) = {a, b, c} - {n.variable, getattr(m, "variable", m)}
        assert ratio["A"].values.tolist() == [left.name]
        assert ratio.dims == (("A",) if m == a[6] else ("A", "time"))
        same(ratio.values[0], comp(W, left, n, m).values)
        same(strength.values[0], op(W, left, n, m).values)


def test_parts_may_be_sets_and_lie_off_every_path():
    T, R, fan, seen = variables("T R fan seen")
    room = System(
        {T: R - 25, R: R - T / 10 - fan / 5, fan: R / 9, seen: R},
        start={T: 0, R: 25, fan: 0, seen: 0},
    )
    found = every_A(room, R[0], R[20], among=[T, [T, fan], seen], measure="comp")
    assert found["A"].values.tolist() == ["T", "T, fan", "seen"]
    same(found.values[1], comp(room, [T, fan], R[0], R[20]).values)
    assert found.sel(A="seen").item() == 1.0


@pytest.mark.parametrize("kind", ["declared", "arrays", "graph"])
def test_parts_of_a_network(kind):
    network = NETWORKS[kind]()
    n, *between, m = network.nodes
    found = every_A(network, n, m, measure="comp")
    assert found["A"].values.tolist() == [str(A) for A in between]
    for A, value in zip(between, found.values, strict=True):
        same(value, comp(network, A, n, m).values)


def test_variables_of_an_unrolled_system_are_held_whole():
    network = NETWORKS["rk4, unrolled"]()
    a, b, c = SYSTEMS["rk4"]().variables
    found = every_A(network, a[0], b[6], measure="comp")
    assert found["A"].values.tolist() == ["c"]
    same(found.values[0], comp(SYSTEMS["rk4"](), c, a[0], b[6]).values)
    with pytest.raises(QueryError, match="holds variables whole"):
        every_A(network, a[0], b[6], among=[c[2]])


def test_differences_far_below_others_keep_their_digits():
    fast, slow, m, a = variables("fast slow m a")
    apart = System(
        {fast: 3 * fast + m, slow: slow / 3 + a, m: slow + fast * 0, a: m / 5},
        start={fast: 0, slow: 0, m: 0, a: 0},
    )
    found = every_A(apart, m[0], m, steps=600, measure="comp")
    for A in (fast, slow, a):
        same(found.sel(A=A.name).values, comp(apart, A, m[0], m, steps=600).values)


@pytest.mark.parametrize("factor", [1e-158, 1e-160, 1e-165, 1e-170])
def test_factors_that_leave_nothing_beside_others_are_told_apart(factor):
    # With u held, a is p^t and b is t p^(t-1): a row of a and b is wider than floats are.
    a, u, b = variables("a u b")
    S = System({a: factor * a + u, u: 10 * b, b: factor * b + a}, start={a: 1, u: 0, b: 0})
    for t in (4, 6):
        (found,) = every_A(S, a[0], b[t], among=[u], measure="op").values
        x = [[mpmath.mpf(1), mpmath.mpf(0), mpmath.mpf(0)]]
        for _ in range(t):
            old = x[-1]
            x.append([factor * old[0] + old[1], 10 * old[2], factor * old[2] + old[0]])
        y = t * mpmath.mpf(factor) ** (t - 1)
        assert found == pytest.approx(float(mpmath.log(y / x[-1][2])), rel=1e-13)


def test_a_large_factor_and_a_small_one_are_told_apart():
    a, u, b = variables("a u b")
    rules = {a: 1e150 * a + u, u: 2 * b, b: 1e-160 * b + 1e-300 * a}
    far = System(rules, start={a: 1e-5, u: 0, b: 0})
    assert every_A(far, a[0], b[2]).values.tolist() == [0.0]


def test_what_cannot_be_held_is_told():
    a, b, c = variables("a b c")
    two = System({a: b, b: a}, start={a: 0, b: 1})
    three = System({a: b, b: a + c, c: a}, start={a: 0, b: 1, c: 0})
    flat = Network({b: 2 * a}, start={a: 1})
    for ask, message in (
        (lambda: every_A(two, a[0], b[3]), "nothing can be held"),
        (lambda: every_A(flat, a, b), "nothing can be held"),
        (lambda: every_A(three, a[0], b[3], among=[]), "among is empty"),
        (lambda: every_A(three, a[0], b[3], among=[a]), "lies inside A"),
        (lambda: every_A(three, a[0], b[3], among=[c[1:2]]), "holds variables whole"),
        (lambda: every_A(three, a[0], b[3], measure="up"), "measure"),
        (lambda: every_A(three, a, b[3]), "not one node"),
    ):
        with pytest.raises(QueryError, match=message):
            ask()
