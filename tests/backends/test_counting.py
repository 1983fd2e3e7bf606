"""Draws in compiled code: those of NumPy's generator, number by number."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import choice, noise, normal, run, uniform
from causalopt.backends.compiled_run import drawn_by
from causalopt.backends.counting import counted
from causalopt.language.laws import as_law
from causalopt.language.symbols import variables
from causalopt.model.system import System
from causalopt.plan.draws import DrawnChains, Stream, drawn, key_of

LAWS = {
    "uniform": uniform(),
    "wide": uniform(-3, 5),
    "normal": normal(1, 2),
    "sure": choice([7]),
    "coin": choice([-1, 1], weights=[0.3, 0.7]),
    "never": choice([1, 2, 3, 4], weights=[0.5, 0, 0.5, 0]),
    "many": choice(range(40)),
    "scipy's": as_law(scipy.stats.gamma(2.5)),
}
#: Places in a counter, small ones and large ones.
PLACES = st.one_of(st.integers(0, 40), st.integers(0, 2**40))


@settings(deadline=None)
@given(
    st.sampled_from(sorted(LAWS)),
    st.lists(PLACES, min_size=1, max_size=20, unique=True),
    PLACES,
    st.integers(1, 40),
    st.integers(0, 5),
    st.integers(0, 2**70),
)
def test_every_number_is_that_of_the_generator(name, chains, first, count, entry, seed):
    steps = range(first, first + count)
    asked = LAWS[name], key_of(seed, "e"), np.sort(np.array(chains)), steps, entry
    assert np.array_equal(counted(*asked), drawn(*asked))


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=12),
    st.lists(st.integers(1, 50), min_size=1, max_size=4),
)
def test_points_that_share_a_chain_share_its_numbers(chains, cuts):
    laws = [LAWS["coin"], LAWS["normal"]]
    streams = [Stream(law, str(i), 2, DrawnChains(np.array(chains))) for i, law in enumerate(laws)]
    found = np.concatenate([drawn_by(streams, count) for count in cuts], axis=1)
    for i, law in enumerate(laws):
        alone = Stream(law, str(i), 2, DrawnChains(np.array(chains))).take(sum(cuts))
        assert np.array_equal(found[i], alone)


@pytest.mark.parametrize("name", sorted(LAWS))
def test_runs_have_the_same_digits_as_the_reference(name):
    (x,) = variables("x")
    e = noise("e", LAWS[name])
    walk = System({x: 0.5 * x + e}, start={x: 1}).world(steps=37, seed=3)
    for draws in (1, 9, range(2, 400, 3)):
        each = [run(walk, draws=draws, backend=name) for name in ("numpy", "numba")]
        assert each[0].identical(each[1])
