"""Policies that are best, against all policies, each by a sum over all states in Fractions."""

import itertools
import math
from fractions import Fraction

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, Symbol

from causalopt import (
    DeclarationError,
    Distribution,
    Network,
    QueryError,
    System,
    TooLargeError,
    decision,
    expected_utility,
    finite,
    marginal,
    run,
    solve,
    table,
    utility,
    variable,
)
from tests.distributions.inference.oracle import Example, rows_for

FEW = settings(max_examples=15, deadline=None)


@st.composite
def diagrams(draw):
    """An example with up to two decisions of two values, and two utilities of any nodes."""
    count = draw(st.integers(2, 5))
    decided = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=2, unique=True))
    sizes = tuple(2 if i in decided else draw(st.integers(1, 3)) for i in range(count))
    parents = tuple(
        tuple(draw(st.lists(st.integers(0, i - 1), max_size=2, unique=True))) if i else ()
        for i in range(count)
    )
    rows = tuple(rows_for(draw, sizes, parents, i) for i in range(count))
    goals = []
    for _ in range(draw(st.integers(1, 2))):
        nodes = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=2, unique=True))
        places = itertools.product(*(range(sizes[i]) for i in nodes))
        goals.append((tuple(nodes), {p: draw(st.integers(-3, 3)) for p in places}))
    return Example(sizes, parents, rows), sorted(decided), goals


def policies_of(example, decided):
    """All policies without chance: for each decision a value for each state of what it sees."""
    each = []
    for i in decided:
        places = list(itertools.product(*(range(example.sizes[j]) for j in example.parents[i])))
        values = itertools.product(range(example.sizes[i]), repeat=len(places))
        each.append([dict(zip(places, choice, strict=True)) for choice in values])
    return itertools.product(*each)


def value_of(example, decided, policy, goals):
    total = Fraction(0)
    chosen = dict(zip(decided, policy, strict=True))
    for state in itertools.product(*map(range, example.sizes)):
        mass = Fraction(1)
        for i, place in enumerate(state):
            seen = tuple(state[j] for j in example.parents[i])
            mass *= (chosen[i][seen] == place) if i in chosen else example.rows[i][seen][place]
        if mass:
            total += mass * sum(worth[tuple(state[i] for i in nodes)] for nodes, worth in goals)
    return total


def network_of(example, decided, goals, number=lambda mass: mass):
    x = example.variables
    nodes = {
        v: decision([x[j] for j in example.parents[i]])
        if i in decided
        else example.table(i, number=number)
        for i, v in enumerate(x)
    }
    for k, (parents, worth) in enumerate(goals):
        nodes[variable(f"u{k}")] = utility([x[i] for i in parents], worth)
    return Network(nodes)


@FEW
@given(diagrams())
def test_the_best_of_all_policies(drawn):
    example, decided, goals = drawn
    best = max(value_of(example, decided, p, goals) for p in policies_of(example, decided))
    solved = solve(network_of(example, decided, goals))
    assert solved.value == best
    assert expected_utility(solved.world) == best
    rounded = solve(network_of(example, decided, goals, float))
    assert float(rounded.value) == pytest.approx(float(best), abs=1e-12)


@FEW
@given(diagrams(), st.data())
def test_what_is_to_be_expected_of_a_policy(drawn, data):
    example, decided, goals = drawn
    policy = data.draw(st.sampled_from(list(policies_of(example, decided))))
    x, world = example.variables, network_of(example, decided, goals).world()
    for i, chosen in zip(decided, policy, strict=True):
        own = [x[j] for j in example.parents[i]]
        world = world.replace(x[i], table(own, chosen if own else chosen[()]))
    assert expected_utility(world) == value_of(example, decided, policy, goals)


# -- by hand --------------------------------------------------------------------------------------

oil, test, drill = (
    finite("oil", ["dry", "wet"]),
    finite("test", ["none", "yes"]),
    finite("drill", ["no", "yes"]),
)
result = finite("result", ["none", "bad", "good"])
gain, fee = variable("gain"), variable("fee")
WILDCATTER = {
    oil: table((), {"dry": Rational(2, 3), "wet": Rational(1, 3)}),
    test: decision(()),
    result: table((test, oil), {
        "none": {"dry": "none", "wet": "none"},
        "yes": {"dry": {"bad": Rational(3, 4), "good": Rational(1, 4)},
                "wet": {"bad": Rational(1, 5), "good": Rational(4, 5)}}}),
    drill: decision((test, result)),
    fee: utility(test, {"none": 0, "yes": -10}),
    gain: utility((drill, oil), {"no": {"dry": 0, "wet": 0}, "yes": {"dry": -70, "wet": 200}}),
}  # fmt: skip


def test_a_later_decision_is_worth_more_for_what_an_earlier_one_found():
    """The oil wildcatter: without a test 20 to be expected; with one, drilled where it is good."""
    solved = solve(Network(WILDCATTER))
    good = Rational(1, 3) * Rational(4, 5) * 200 - Rational(2, 3) * Rational(1, 4) * 70
    assert solved.value == good - 10
    assert solved.value > Rational(1, 3) * 200 - Rational(2, 3) * 70
    assert marginal(solved.world, test).mass({test: "yes"}) == 1
    assert marginal(solved.world, drill, given={result: "good"}).mass({drill: "yes"}) == 1
    assert marginal(solved.world, drill, given={result: "bad"}).mass({drill: "no"}) == 1
    assert set(solved.policies) == {test, drill}
    # A dear test is not made, by an intervention on what is wanted.
    dear = Network(WILDCATTER).world().replace(fee, utility(test, {"none": 0, "yes": -50}))
    assert solve(dear).value == Rational(1, 3) * 200 - Rational(2, 3) * 70
    # The policies can be run as they are.
    assert float(run(solved.world, draws=20).value.sel(node="test").min()) == 1


def test_those_that_do_not_see_each_other_are_found_together():
    """Two who meet where they cannot tell each other: each alone would stay, both are best."""
    a, b, u = finite("a", ["stay", "go"]), finite("b", ["stay", "go"]), variable("u")
    meet = {"stay": {"stay": 1, "go": 0}, "go": {"stay": 0, "go": 2}}
    solved = solve(Network({a: decision(()), b: decision(()), u: utility((a, b), meet)}))
    assert solved.value == 2
    see = finite("see", range(8))
    many = {k: Rational(1, 8) for k in range(8)}
    wide = Network({see: table((), many), a: decision(see), b: decision(see),
                    u: utility((a, b), meet)})  # fmt: skip
    with pytest.raises(TooLargeError, match=r"a, b matter to one another, .* 65,536 policies"):
        solve(wide)


def test_a_sign_means_what_the_other_takes_it_for():
    """Who sees the state gives one of two signs to whom it is to be known: both have to agree."""
    state, sign, act, u = (
        *(finite(n, ["a", "b"]) for n in ("state", "sign", "act")),
        variable("u"),
    )
    right = {"a": {"a": 1, "b": 0}, "b": {"a": 0, "b": 1}}
    even = {"a": Rational(1, 2), "b": Rational(1, 2)}
    told = {state: table((), even), sign: decision(state), act: decision(sign)}
    assert solve(Network({**told, u: utility((state, act), right)})).value == 1
    # Where a sign has a price, the other sign says as much.
    dear = {"a": 0, "b": Rational(-1, 4)}
    fee = variable("fee")
    both = Network({**told, u: utility((state, act), right), fee: utility(sign, dear)})
    assert solve(both).value == Rational(7, 8)


def test_decisions_over_time():
    """A thermostat that is to decide at each step: it undoes what is, by what it sees."""
    room, heat = finite("room", ["cold", "warm"]), finite("heat", ["off", "on"])
    wish = variable("wish")
    cools = {"cold": Rational(1, 2), "warm": Rational(1, 2)}
    stays = {"warm": Rational(3, 4), "cold": Rational(1, 4)}
    house = System({
        heat: decision(room.next),
        room: table((room, heat), {"cold": "off -> cold, on -> warm",
                                   "warm": {"off": cools, "on": stays}}),
        wish: utility((room.next, heat.next), {"cold": {"off": 0, "on": -1},
                                               "warm": {"off": 3, "on": 2}}),
    }, start={room: "cold", heat: "off", wish: 0})  # fmt: skip
    worth = {("cold", "off"): 0, ("cold", "on"): -1, ("warm", "off"): 3, ("warm", "on"): 2}
    moves = {("cold", "off"): {"cold": Fraction(1)}, ("cold", "on"): {"warm": Fraction(1)},
             ("warm", "off"): {"cold": Fraction(1, 2), "warm": Fraction(1, 2)},
             ("warm", "on"): {"warm": Fraction(3, 4), "cold": Fraction(1, 4)}}  # fmt: skip

    def best(now, steps):
        """By induction from the end, over what is seen."""
        if not steps:
            return Fraction(0)
        return sum(mass * max(worth[r, h] + later(r, h, steps) for h in ("off", "on"))
                   for r, mass in now.items())  # fmt: skip

    def later(r, h, steps):
        return best(moves[r, h], steps - 1)

    for steps in (1, 2, 3):
        solved = solve(house.world(steps=steps))
        assert solved.value == best({"cold": Fraction(1)}, steps)
    third = {"cold": Fraction(1, 3), "warm": Fraction(2, 3)}
    P = Distribution.of(room, {r: Rational(m.numerator, m.denominator) for r, m in third.items()})
    begun = {}
    for r, mass in third.items():
        for then, chance in moves[r, "off"].items():
            begun[then] = begun.get(then, 0) + mass * chance
    assert solve(house.world(steps=2), P=P).value == best(begun, 2)


def test_what_is_equally_good_is_the_first():
    d, u = finite("d", ["a", "b", "c"]), variable("u")
    solved = solve(Network({d: decision(()), u: utility(d, {"a": 1, "b": 2, "c": 2})}))
    assert solved.policies[d].rows() == ["b"]
    floats = solve(Network({d: decision(()), u: utility(d, {"a": 1.0, "b": 2.0, "c": 2.0})}))
    assert floats.policies[d].rows() == ["b"]


def test_symbols_are_kept_where_they_do_not_decide():
    p = Symbol("p", positive=True)
    sky, d, u = finite("sky", ["sun", "rain"]), finite("d", ["in", "out"]), variable("u")
    wish = utility((d, sky), {"in": {"sun": 0, "rain": 0}, "out": {"sun": p, "rain": 2 * p}})
    even = table((), {"sun": Rational(1, 2), "rain": Rational(1, 2)})
    assert solve(Network({sky: even, d: decision(()), u: wish})).value == 3 * p / 2
    q = Symbol("q")
    open_ended = utility(d, {"in": 0, "out": q - 1})
    with pytest.raises(QueryError, match=r"best for d depends on whether q - 1 is positive"):
        solve(Network({d: decision(()), u: open_ended}))
    settled = Network({sky: even, d: table(sky, {"sun": "in", "rain": "out"}), u: wish})
    assert sympy.simplify(expected_utility(settled) - p) == 0


# -- what cannot be -------------------------------------------------------------------------------


def test_what_cannot_be_decided_says_why():
    a, d, u = finite("a", ["y", "n"]), finite("d", ["y", "n"]), variable("u")
    follows = table(d, {"y": "y", "n": "n"})
    with pytest.raises(
        DeclarationError, match=r"The decision d sees its own effect: .*leave it out"
    ):
        Network({d: decision(a), a: follows, u: utility(a, {"y": 1, "n": 0})})
    with pytest.raises(DeclarationError, match="The decision d sees its own effect"):
        System(
            {d: decision(a.next), a: table(d.next, {"y": "y", "n": "n"})}, start={d: "y", a: "y"}
        )
    net = Network({a: table((), {"y": 0.5, "n": 0.5}), d: decision(a), u: utility((a, d), {
        "y": {"y": 1, "n": 0}, "n": {"y": 0, "n": 1}})})  # fmt: skip
    with pytest.raises(DeclarationError, match=r"a = y sum to 0\.9, 0\.1 too little"):
        net.world().replace(d, table(a, {"y": {"y": 0.5, "n": 0.4}, "n": "n"}))
    with pytest.raises(DeclarationError, match=r"gives d = n the mass -0\.5"):
        net.world().replace(d, table(a, {"y": {"y": 1.5, "n": -0.5}, "n": "n"}))
    with pytest.raises(QueryError, match="d is a decision without a policy"):
        expected_utility(net)
    with pytest.raises(QueryError, match="is a decision without a policy"):
        run(net.world())
    with pytest.raises(QueryError, match="There is no decision"):
        solve(Network({a: table((), {"y": 0.5, "n": 0.5})}))
    with pytest.raises(QueryError, match="There is no utility"):
        solve(Network({d: decision(())}))
    with pytest.raises(DeclarationError, match="u is a decision, and takes no named values"):
        Network({u: decision(())})
    with pytest.raises(DeclarationError, match="d is a utility, and takes named values"):
        Network({d: utility((), 1)})
    with pytest.raises(
        DeclarationError, match="The utility for a = n is 'x': write a finite number"
    ):
        utility(a, {"y": 1, "n": "x"})
    for odd in (math.nan, math.inf, sympy.oo, sympy.I, None, True):
        with pytest.raises(DeclarationError, match="write a finite number"):
            utility(a, {"y": 1, "n": odd})
    with pytest.raises(DeclarationError, match="has no row for a = n: add it"):
        utility(a, {"y": 1})
    with pytest.raises(DeclarationError, match="mixes q with floats"):
        utility(a, {"y": 0.5, "n": Symbol("q")})


def test_a_policy_that_sees_its_own_effect_is_a_cycle():
    a, d, u = finite("a", ["y", "n"]), finite("d", ["y", "n"]), variable("u")
    net = Network(
        {d: decision(()), a: table(d, {"y": "y", "n": "n"}), u: utility(a, {"y": 1, "n": 0})}
    )
    world = net.world().replace(d, table(a, {"y": "y", "n": "n"}))
    with pytest.raises(QueryError, match="The decision d sees its own effect: a -> d -> a"):
        marginal(world, a)
    b, c = finite("b", ["y", "n"]), finite("c", ["y", "n"])
    same = {"y": "y", "n": "n"}
    chain = Network({a: table((), {"y": 1, "n": 0}), b: table(a, same), c: table(b, same)})
    with pytest.raises(QueryError, match="The nodes form a cycle: c -> a -> b -> c"):
        marginal(chain.world().replace(a, table(c, same)), c)
