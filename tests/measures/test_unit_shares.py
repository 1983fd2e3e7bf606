"""Shares of units: they add up to Op of all, and are those of gates worked out by hand."""

import jax
import jax.numpy as jnp
import neural
import numpy as np
import pytest
from neural import R, h, room, u
from scipy.stats import spearmanr

from causalopt import (
    EvaluationError,
    QueryError,
    System,
    array,
    every_A,
    function,
    op,
    unit_shares,
    variables,
)


@pytest.mark.long
@pytest.mark.parametrize(
    ("size", "total", "shares", "first"),
    [
        (
            16,
            15.9314967274,
            [0.36397184, 0.25665509, 1.06934694],
            [-0.08025739, 0.27760826, 0.07095251],
        ),
        pytest.param(
            64,
            14.6293208027,
            [1.1317061, 0.28036866, 0.58689439],
            [1.18655475, 0.28885202, 0.67960985],
            marks=pytest.mark.long,
        ),
    ],
)
def test_all_units_of_a_controller_share_its_op(size, total, shares, first):
    system, hidden, room = neural.controller(size)
    found = unit_shares(system, room[0], room[200], among=hidden)
    assert found.total.item() == pytest.approx(total, abs=1e-10)
    assert found.share.sum().item() == pytest.approx(total, abs=1e-9)
    assert found.share.values[:3] == pytest.approx(shares, abs=1e-8)
    assert found.first_order.values[:3] == pytest.approx(first, abs=1e-8)
    assert abs(found.missing.item()) < 1e-9
    assert found.attrs["converged"] == 1
    whole = op(system, A=hidden, n=room[0], m=room[200]).item()
    assert found.total.item() == pytest.approx(whole, abs=1e-11)
    touch = every_A(system, room[0], room[200], among=hidden, first_order=True)
    assert touch.values == pytest.approx(found.first_order.values, abs=1e-12)
    assert touch.attrs["order"] == "first"
    # The first touch of each gate orders units as Op of each alone does.
    alone = every_A(system, room[0], room[200], among=hidden)
    assert spearmanr(found.first_order, alone).statistic > 0.99


def test_a_gate_at_each_part_is_that_of_its_entries():
    system = room()
    parts = [h.part[0:1], h.part[1:3]]
    found = unit_shares(system, R[0], R[40], among=parts)
    each = unit_shares(system, R[0], R[40], among=h)
    assert found.total.item() == pytest.approx(each.total.item(), abs=1e-12)
    # Along the diagonal all entries of a part move together.
    both = each.share.values[1:].sum()
    assert found.share.values == pytest.approx([each.share.values[0], both], abs=1e-9)
    assert list(found.A.values) == ["h.part[0:1]", "h.part[1:3]"]


def gated_by_hand(gates, start, steps, reading):
    """log |d reading . h / dx| of h' = A h + b x, x' = x - c.h, with gates at the entries of h."""
    A, b, c = jnp.array([[0.5, 0.2], [-0.1, 0.3]]), jnp.array([0.4, -0.3]), jnp.array([0.1, 0.2])

    def last(x):
        state = jnp.zeros(2)
        for _ in range(steps):
            raw = jnp.tanh(A @ state + b * x)
            held = (1 - gates) * raw + gates * jax.lax.stop_gradient(raw)
            state, x = held, x - c @ state
        return reading[0] * x + reading[1:] @ state

    return jnp.log(jnp.abs(jax.grad(last)(start)))


def by_hand():
    """The same as a system; x and y hold arrays, too."""
    A, b, c = np.array([[0.5, 0.2], [-0.1, 0.3]]), np.array([0.4, -0.3]), np.array([0.1, 0.2])
    state, x = array("state", 2), array("x", 1)
    system = System(
        {
            state: function(lambda state, x: jnp.tanh(A @ state + b * x[0]))(state, x),
            x: function(lambda state, x: x - c @ state)(state, x),
        },
        start={state: [0, 0], x: [0.7]},
    )
    return system, state, x


def test_gates_by_hand():
    system, state, x = by_hand()
    found = unit_shares(system, x[0], x[6], among=state, along=[1.0], read=[1.0])
    with jax.enable_x64(True):
        slope = jax.jit(jax.grad(gated_by_hand), static_argnums=2)
        reading = jnp.array([1.0, 0.0, 0.0])
        first = slope(jnp.zeros(2), 0.7, 6, reading)
        places, weights = np.polynomial.legendre.leggauss(24)
        shares = sum(
            w / 2 * slope(jnp.full(2, 0.5 + 0.5 * p), 0.7, 6, reading)
            for p, w in zip(places, weights, strict=True)
        )
    assert found.first_order.values == pytest.approx(np.asarray(first), abs=1e-12)
    assert found.share.values == pytest.approx(np.asarray(shares), abs=1e-9)


def test_what_a_world_does_to_units_stays():
    """Gates close on top of what is done to them already."""
    W = room().world(steps=12).replace(h, function(lambda h, R: h / 2 + R / 100)(h, R))
    found = unit_shares(W, R[0], R[12], among=h)
    assert found.total.item() == pytest.approx(op(W, A=h, n=R[0], m=R[12]).item(), abs=1e-12)
    assert abs(found.total.item()) > 1e-3


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: unit_shares(room(), R[0], R[9], among=u), "name an array"),
        (lambda: unit_shares(room(), R[0], R[9], among=[h.part[0:2], h.part[1:3]]), "several of"),
        (lambda: unit_shares(room(), R[0], R[9], among=[h[3].part[0]]), "at all steps"),
        (
            lambda: every_A(room(), R[0], R[9], among=h.along([1, 0, 0], read=[1, 0, 0])),
            "no set of entries",
        ),
        (
            lambda: unit_shares(room(), h[0].part[0], R[9], among=[h.part[1]]),
            "Choose n and m outside",
        ),
        (
            lambda: unit_shares(room().world(steps=9).perturb(h[2], by=1), R[0], R[9], among=h),
            "not perturbed",
        ),
        (lambda: unit_shares(room(), R[0], R, among=h), "many steps|name one"),
        (lambda: unit_shares(room(), R[0], R[9], among=h, tolerance=0), "small positive"),
        (lambda: unit_shares(room(), R[0], h[9], among=h), "Choose n and m outside"),
        (lambda: unit_shares(by_hand()[0], by_hand()[2][0], R[9], among=h), "not a variable"),
    ],
)
def test_what_has_no_shares_is_told(ask, told):
    with pytest.raises(QueryError, match=told):
        ask()


def test_the_first_order_is_of_op_and_of_units():
    with pytest.raises(QueryError, match="is of Op"):
        every_A(room(), R[0], R[9], among=h, first_order=True, measure="comp")
    with pytest.raises(QueryError, match="units of an array"):
        every_A(room(), R[0], R[9], among=[u], first_order=True)


def test_a_difference_that_reaches_nothing_has_no_shares():
    a, b = array("a", 2), array("b", 2)
    system = System({a: a / 2, b: b / 2}, start={a: [1, 2], b: [1, 2]})
    with pytest.raises(EvaluationError, match="does not reach"):
        unit_shares(system, b[0].part[0], b[3].part[1], among=a)


def test_shares_that_do_not_settle_are_told():
    """Both gates closed in part let nothing through: the derivative passes 0 on the way."""
    pair, (x,) = array("pair", 2), variables("x")
    system = System(
        {
            pair: function(lambda x: x * jnp.array([2.0, -3.0]))(x),
            x: function(lambda x, pair: 0.3 * x + pair.sum())(x, pair.next),
        },
        start={pair: [0, 0], x: 1},
    )
    with pytest.warns(RuntimeWarning, match="have not settled with 256 points, and miss"):
        found = unit_shares(system, x[0], x[1], among=pair)
    assert found.attrs["converged"] == 0
    assert abs(found.missing.item()) > 1e-3
