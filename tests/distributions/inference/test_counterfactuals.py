"""What would have been: worlds of one noise, against sums over all that the noise can do."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, Symbol

from causalopt import (
    Network,
    QueryError,
    expected_utility,
    finite,
    marginal,
    probability,
    run,
    table,
    utility,
    variable,
)
from tests.distributions.inference.oracle import (
    conditioned,
    events,
    examples,
    marginal_of,
    rows_for,
)
from tests.distributions.inference.test_queries import agrees, masses, named

FEW = settings(max_examples=25, deadline=None)


def other_rows(draw, example):
    """Another table for a node, or none."""
    if draw(st.booleans()):
        return {}
    i = draw(st.integers(0, len(example.sizes) - 1))
    return {i: rows_for(draw, example.sizes, example.parents, i)}


@FEW
@given(examples(3), st.data())
def test_what_is_seen_in_one_world_tells_of_another(example, data):
    """The twin network: do and another table in one, evidence in the other."""
    done, seen = events(data.draw, example), events(data.draw, example)
    rows = other_rows(data.draw, example)
    joint = example.worlds(
        example.state,
        lambda noise, _: example.state(noise, done, rows=rows),
        others=[rows],
    )
    joint = conditioned(joint, lambda s: agrees(s[0], seen))
    x = example.variables
    W = example.network().world()
    X = W
    for i, other in rows.items():
        X = X.replace(x[i], example.table(i, other))
    for i, place in done.items():
        X = X.do(x[i], place)
    ask = lambda: marginal(X, *x, given=named(example, seen), seen_in=W)  # noqa: E731
    if joint is None:
        with pytest.raises(QueryError, match="has probability 0"):
            ask()
        return
    assert masses(ask()) == marginal_of(joint, lambda s: s[1])
    wanted = events(data.draw, example)
    chance = sum(mass for s, mass in joint.items() if agrees(s[1], wanted))
    found = probability(X, named(example, wanted), given=named(example, seen), seen_in=W)
    assert found == chance


@FEW
@given(examples(3), st.data())
def test_a_clamp_holds_a_part_to_what_it_is_in_the_other_world(example, data):
    """W, X and Y: natural effects are differences of these."""
    count = len(example.sizes)
    n = data.draw(st.integers(0, count - 1))
    place = data.draw(st.integers(0, example.sizes[n] - 1))
    others = [i for i in range(count) if i != n]
    A = data.draw(st.lists(st.sampled_from(others), unique=True)) if others else []
    joint = example.worlds(
        example.state,
        lambda noise, w: example.state(noise, {n: place}),
        lambda noise, w, x: example.state(noise, {n: place}, held={i: w[i] for i in A}),
    )
    x = example.variables
    W = example.network().world()
    Y = W.do(x[n], place)
    Y = Y.clamp([x[i] for i in A], to=W) if A else Y
    assert masses(marginal(Y, *x)) == marginal_of(joint, lambda s: s[2])
    seen = events(data.draw, example)
    joint = conditioned(joint, lambda s: agrees(s[0], seen))
    if joint is not None:
        found = marginal(Y, *x, given=named(example, seen), seen_in=W)
        assert masses(found) == marginal_of(joint, lambda s: s[2])


@FEW
@given(examples(), st.data())
def test_where_nothing_is_changed_it_is_the_posterior(example, data):
    seen, x = events(data.draw, example), example.variables
    network = example.network()
    W = network.world()
    if probability(network, named(example, seen)) == 0:
        return
    given = named(example, seen)
    assert marginal(W, *x, given=given, seen_in=W) == marginal(network, *x, given=given)
    # To do what was seen changes nothing.
    for i, place in seen.items():
        same = marginal(W.do(x[i], place), *x, given=given, seen_in=W)
        assert same == marginal(network, *x, given=given)


# -- by hand --------------------------------------------------------------------------------------

smoke, tar, ill = (finite(name, ["no", "yes"]) for name in ("smoke", "tar", "ill"))


def sure(chance):
    return {"yes": Rational(chance), "no": 1 - Rational(chance)}


lungs = Network({
    smoke: table((), sure("1/4")),
    tar: table(smoke, {"no": sure("1/10"), "yes": sure("3/4")}),
    ill: table((smoke, tar), {("no", "no"): sure("1/20"), ("no", "yes"): sure("3/10"),
                              ("yes", "no"): sure("1/5"), ("yes", "yes"): sure("1/2")}),
})  # fmt: skip


def test_natural_effects():
    """Pearl 2001: with no noise in common, sums over the mediator."""
    W = lungs.world().do(smoke, "no")
    X = W.do(smoke, "yes")
    Y = X.clamp(tar, to=W)
    chance = lambda world: probability(world, {ill: "yes"})  # noqa: E731
    tarred = {"no": Rational(1, 10), "yes": Rational(3, 4)}
    sick = {("no", "no"): Rational(1, 20), ("no", "yes"): Rational(3, 10),
            ("yes", "no"): Rational(1, 5), ("yes", "yes"): Rational(1, 2)}  # fmt: skip
    by = lambda s, t: (1 - tarred[t]) * sick[s, "no"] + tarred[t] * sick[s, "yes"]  # noqa: E731
    assert chance(W) == by("no", "no")
    assert chance(X) - chance(W) == by("yes", "yes") - by("no", "no")
    assert chance(Y) - chance(W) == by("yes", "no") - by("no", "no")
    assert chance(W.clamp(tar, to=X)) - chance(W) == by("no", "yes") - by("no", "no")


def test_the_probability_of_necessity():
    """Of those who smoked and fell ill: who would not have, had they not smoked?

    By the draws themselves: ill yes comes second, so that its noise lies above 1 - chance.
    """
    W = lungs.world()
    X = W.do(smoke, "no")
    seen = {smoke: "yes", ill: "yes"}
    total = saved = Fraction(0)
    sick = {
        (0, 0): Fraction(1, 20),
        (0, 1): Fraction(3, 10),
        (1, 0): Fraction(1, 5),
        (1, 1): Fraction(1, 2),
    }
    cuts = {Fraction(0), Fraction(1), Fraction(1, 4), Fraction(9, 10)}
    ends = sorted(cuts)
    for a, b in itertools.pairwise(ends):  # the noise of tar
        t1, t0 = int(a >= Fraction(1, 4)), int(a >= Fraction(9, 10))
        bad1, bad0 = sick[1, t1], sick[0, t0]
        total += (b - a) * bad1
        saved += (b - a) * max(0, bad1 - bad0)
    found = probability(X, {ill: "no"}, given=seen, seen_in=W)
    assert found == saved / total


def test_runs_have_the_same_counterfactuals():
    """The draws of a run are the noise that the sums go over."""
    W = lungs.world()
    X = W.do(smoke, "no")
    values = run(W, X, labels=["W", "X"], draws=40_000).value
    at = lambda world, node: values.sel(world=world, node=node).to_numpy() == 1  # noqa: E731
    seen = at("W", "smoke") & at("W", "ill")
    share = np.mean(~at("X", "ill")[seen])
    assert share == pytest.approx(
        float(probability(X, {ill: "no"}, given={smoke: "yes", ill: "yes"}, seen_in=W)), abs=0.02
    )


def test_what_two_worlds_share_needs_numbers():
    p = Symbol("p", positive=True)
    a, b = finite("a", [0, 1]), finite("b", [0, 1])
    even, odd = {0: Rational(1, 2), 1: Rational(1, 2)}, {0: p, 1: 1 - p}
    net = Network({a: table((), odd), b: table(a, {0: odd, 1: even})})
    W = net.world()
    # Where the worlds do not differ, symbols are no trouble: a itself follows by p in both.
    assert marginal(W.do(b, 1), a, given={a: 1}, seen_in=W).mass({a: 1}) == 1
    with pytest.raises(QueryError, match=r"share the chance of b, .* depends on the symbol in p"):
        marginal(W.do(a, 1), b, given={b: 1}, seen_in=W)


def test_expected_utility_of_what_would_have_been():
    gain = variable("gain")
    net = Network(
        {
            smoke: table((), sure("1/4")),
            ill: table(smoke, {"no": sure("1/4"), "yes": sure("1/2")}),
            gain: utility((smoke, ill), {"no": {"no": 0, "yes": -4}, "yes": {"no": 1, "yes": -3}}),
        }
    )
    W = net.world()
    assert expected_utility(W) == Rational(3, 4) * -1 + Rational(1, 4) * -1
    assert expected_utility(W, given={smoke: "yes"}) == -1
    # Ill as a smoker: the noise lies in the upper half, so ill without smoke in half of these.
    X = W.do(smoke, "no")
    assert expected_utility(X, given={smoke: "yes", ill: "yes"}, seen_in=W) == -2
