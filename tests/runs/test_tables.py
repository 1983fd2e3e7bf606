"""Networks of tables, drawn: every value by hand, and the law that inference says exactly."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from causalopt import (
    EvaluationError,
    Network,
    comp,
    finite,
    marginals,
    parameters,
    run,
    table,
    tangents,
    variables,
)
from causalopt.plan.draws import key_of
from tests.exchange.random_networks import PIECES, recipes

CHAINS = range(3, 15)


def uniform_of(name, chain):
    """The number of a noise in a chain, from the generator's own whole numbers."""
    counter = np.array([chain // 4, 0, 0, 1], dtype=np.uint64)
    raw = np.random.Philox(key=key_of(0, name), counter=counter).random_raw(4)
    return Fraction(int(raw[chain % 4] >> np.uint64(11)), 2**53)


def value_by_hand(recipe, i, before, chain):
    """The place of variable i, where those of its parents are known."""
    row = recipe.rows[i][recipe.states(i).index(tuple(before))]
    if all(part in (0, PIECES) for row in recipe.rows[i] for part in row):
        return row.index(PIECES)
    u = uniform_of(f"chance of {recipe.names[i]}", chain)
    sums = [Fraction(sum(row[: j + 1]), PIECES) for j in range(len(row))]
    return next(j for j, total in enumerate(sums) if u < total)


@settings(deadline=None)
@given(recipes())
def test_every_draw_is_the_one_by_hand(recipe):
    network = recipe.network()
    if not network.noises:
        return
    found = run(network.world(), draws=CHAINS)["value"].sel(world="W")
    for column, chain in enumerate(CHAINS):
        places = [int(found.sel(node=name)[column]) for name in recipe.names]
        for i, place in enumerate(places):
            before = [recipe.values[parent][places[parent]] for parent in recipe.parents[i]]
            assert place == value_by_hand(recipe, i, before, chain)


rain, sprinkler, wet = (finite(name, ["no", "yes"]) for name in ("rain", "sprinkler", "wet"))
x, y = variables("x y")
(k,) = parameters("k")
LAWN = {
    rain: table((), {"no": 0.75, "yes": 0.25}),
    sprinkler: table(rain, {"no": {"no": 0.5, "yes": 0.5}, "yes": {"no": 0.875, "yes": 0.125}}),
    wet: table((sprinkler, rain), {"no": {"no": "no", "yes": {"no": 0.25, "yes": 0.75}},
                                   "yes": {"no": {"no": 0.125, "yes": 0.875}, "yes": "yes"}}),
}  # fmt: skip


@pytest.mark.parametrize("done", [None, "no", "yes"])
def test_many_draws_have_the_law_of_the_world(done):
    W = Network(LAWN).world(seed=1)
    world = W if done is None else W.do(sprinkler, done)
    drawn, many = run(world, draws=40_000)["value"].sel(world="W"), 40_000
    for variable, exact in marginals(world).items():
        chance = float(exact.mass({variable: "yes"}))
        seen = float(drawn.sel(node=str(variable)).mean())
        assert abs(seen - chance) <= 5 * (chance * (1 - chance) / many) ** 0.5


def test_nothing_moves_through_a_table():
    counted = Network({**LAWN, y: x * (1 + wet) + rain}, start={x: 2})
    W = counted.world(seed=2)
    drawn = run(W, draws=50)["value"].sel(world="W")
    slopes = tangents(W.perturb(x), draws=50)["value"].sel(world="X")
    assert np.array_equal(slopes.sel(node="y"), 1 + drawn.sel(node="wet"))
    assert not slopes.sel(node=["rain", "sprinkler", "wet"]).any()
    assert comp(W, A=wet, n=x, m=y).item() == 1


def test_a_table_of_any_size_is_drawn():
    one, other = finite("one", range(150)), finite("other", range(150))
    rows = np.eye(150)[np.arange(150)[::-1]] * 0.5 + 0.5 / 150
    network = Network({one: table((), np.full(150, 1 / 150)), other: table(one, rows)})
    drawn = run(network.world(), draws=20_000)["value"].sel(world="W").astype(int)
    seen = (drawn.sel(node="one") + drawn.sel(node="other") == 149).mean().item()
    chance = 0.5 + 0.5 / 150
    assert abs(seen - chance) <= 5 * (chance * (1 - chance) / 20_000) ** 0.5


def test_masses_with_symbols_are_refused():
    network = Network({rain: table((), {"no": k, "yes": 1 - k})})
    with pytest.raises(EvaluationError, match="masses with symbols"):
        run(network.world(), draws=2)
