"""Distributions through worlds, and given evidence: exact, and as sums over all paths."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, Symbol, simplify
from thermostats import P0, R, T, dumb, smart

from causalopt import (
    DeclarationError,
    Distribution,
    Network,
    QueryError,
    System,
    finite,
    marginal,
    table,
)

FEW = settings(max_examples=40, deadline=None)
A, B = finite("A", ["y", "n"]), finite("B", [0, 1, 2])


def chances(draw, values):
    weights = draw(
        st.lists(st.integers(0, 3), min_size=len(values), max_size=len(values)).filter(any)
    )
    return {v: Rational(w, sum(weights)) for v, w in zip(values, weights, strict=True)}


@st.composite
def systems(draw):
    first = {(a, b): chances(draw, A.values) for a in A.values for b in B.values}
    second = {(a, b): chances(draw, B.values) for a in A.values for b in B.values}
    return first, second, System({A: table((A, B), first), B: table((A.next, B), second)},
                                 start={A: "y", B: 0})  # fmt: skip


@FEW
@given(systems(), st.data())
def test_a_world_is_a_sum_over_all_paths(drawn, data):
    first, second, system = drawn
    steps = data.draw(st.integers(1, 3))
    P = Distribution.of((A, B), dict(zip(itertools.product(A.values, B.values),
                        chances(data.draw, range(6)).values(), strict=True)))  # fmt: skip
    done = {(v, i): data.draw(st.sampled_from(v.values)) for v in (A, B) for i in range(steps + 1)
            if data.draw(st.integers(0, 3)) == 0}  # fmt: skip
    other = {(a, b): chances(data.draw, B.values) for a in A.values for b in B.values}
    since = data.draw(st.integers(1, steps + 1))
    W = system.world(steps=steps)
    W = W.replace(B[since:], table((A, B), other)) if since <= steps else W
    for (v, i), value in done.items():
        W = W.do(v[i], value)

    now = {}
    for state, mass in (
        (s, P.mass({A: s[0], B: s[1]})) for s in itertools.product(A.values, B.values)
    ):
        key = (done.get((A, 0), state[0]), done.get((B, 0), state[1]))
        now[key] = now.get(key, 0) + mass
    for i in range(1, steps + 1):
        later = {}
        for (a, b), mass in now.items():
            for c, d in itertools.product(A.values, B.values):
                p = int(done[A, i] == c) if (A, i) in done else first[a, b][c]
                row = other[a, b] if i >= since else second[c, b]
                q = int(done[B, i] == d) if (B, i) in done else row[d]
                later[c, d] = later.get((c, d), 0) + mass * p * q
        now = later
    found = P.push(W)
    assert {s: m for s, m in now.items() if m} == {
        s: found.mass({A: s[0], B: s[1]}) for s in now if found.mass({A: s[0], B: s[1]})
    }
    # The same by sums over cliques of the unrolled network.
    assert marginal(W, A[steps], B[steps], P=P).masses.tolist() == found.masses.tolist()


@pytest.mark.parametrize("system", [dumb, smart], ids=["dumb", "smart"])
def test_a_world_in_which_nothing_is_done_is_the_system(system):
    W = system.world(steps=4)
    assert P0.push(W) == P0.push(system, 4)
    assert P0.push(W.clamp(T, to=W)) == P0.push(system, 4)
    off = P0.push(W.do(T, "off"))
    by_hand = P0.marginal(R)
    for _ in range(4):
        cooler = {"hot": "warm", "warm": "cold", "cold": "cold"}
        masses = {}
        for value in R.values:
            masses[cooler[value]] = masses.get(cooler[value], 0) + by_hand.mass({R: value})
        by_hand = Distribution.of(R, masses)
    assert off.marginal(R) == by_hand
    assert off.mass({T: "off"}) == 1


def test_what_cannot_be_pushed_says_why():
    W = smart.world(steps=2)
    with pytest.raises(QueryError, match="steps is 3, but this world has 2"):
        P0.push(W, 3)
    with pytest.raises(QueryError, match=r"R\[\d\] is held to another world, .* ask for the two"):
        P0.push(W.do(T[1], "off").clamp(R, to=W))
    net = Network({A: table((), {"y": 1, "n": 0})})
    with pytest.raises(QueryError, match=r"has no steps to push through: ask marginal\(world"):
        Distribution.uniform(A).push(net.world())
    circle = System({A: table(A, {"y": "n", "n": "y"}), B: table(A.next, {"y": 0, "n": 1})},
                    start={A: "y", B: 0}).world(steps=2)  # fmt: skip
    with pytest.raises(DeclarationError, match=r"cycle: (A -> B -> A|B -> A -> B)"):
        Distribution.uniform(A, B).push(circle.replace(A, table(B.next, {0: "y", 1: "n", 2: "y"})))


# -- evidence -------------------------------------------------------------------------------------


@FEW
@given(st.data())
def test_evidence_leaves_the_states_that_agree(data):
    states = list(itertools.product(A.values, B.values))
    masses = dict(zip(states, chances(data.draw, range(6)).values(), strict=True))
    P = Distribution.of((A, B), masses)
    event = {v: data.draw(st.sampled_from(v.values)) for v in (A, B) if data.draw(st.booleans())}
    total = P.mass(event)
    if total == 0:
        for whole in (P, P.floats()):
            with pytest.raises(QueryError, match="nothing is to be said of what follows"):
                whole.given(event)
        return
    seen = P.given(event)
    agreeing = [
        s
        for s in states
        if all(dict(zip((A, B), s, strict=True))[v] == x for v, x in event.items())
    ]
    assert seen == Distribution.of((A, B), {s: masses[s] / total for s in agreeing})
    assert seen.mass(event) == 1
    assert seen.given(event) == seen
    assert float(P.floats().given(event).total_variation(seen)) < 1e-15


def test_evidence_keeps_symbols_and_names_what_is_wrong():
    e = Symbol("epsilon", positive=True)
    P = Distribution.neighbourhood({A: "y", B: 0}, e).given({B: 0})
    assert simplify(P.mass({A: "n"}) - e) == 0
    with pytest.raises(DeclarationError, match="The event: A is 'x', which is no value of A"):
        P.given({A: "x"})
    with pytest.raises(QueryError, match="does not have T"):
        P.given({T: "off"})
    with pytest.raises(DeclarationError, match="The event is 'y'"):
        P.given("y")
