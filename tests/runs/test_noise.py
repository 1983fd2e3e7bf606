"""Noise: laws against scipy, draws that only the seed decides, worlds that share them."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.stats
import sympy as sp
from hypothesis import example, given
from hypothesis import strategies as st

from causalopt import (
    DeclarationError,
    EvaluationError,
    Network,
    QueryError,
    System,
    array,
    choice,
    comp,
    every_A,
    every_n,
    noise,
    normal,
    op,
    run,
    symbolic_comp,
    uniform,
    variables,
)
from causalopt.plan import draws
from causalopt.plan.draws import DrawnChains, Stream, key_of

x, v, u = variables("x v u")
e = noise("e", normal(0, 1))
coin = noise("coin", choice([-1, 1], weights=[0.25, 0.75]))


def drawn_by(law, name, seed, chain, steps):
    """A chain's numbers one by one, from the generator's own whole numbers at each counter."""
    numbers = []
    for step in range(steps):
        counter = np.array([4 * chain + step % 16 // 4, step // 16, 0, 0], dtype=np.uint64)
        raw = np.random.Philox(key=key_of(seed, name), counter=counter).random_raw(4)
        chance = int(raw[step % 4] >> np.uint64(11)) / 2**53
        numbers.append(float(law.quantiles(np.array([chance]))[0]))
    return np.array(numbers)


def drawn_without_time(law, name, seed, chain):
    """The one number of a chain where there is no time, from the generator's own whole numbers."""
    counter = np.array([chain // 4, 0, 0, 1], dtype=np.uint64)
    raw = np.random.Philox(key=key_of(seed, name), counter=counter).random_raw(4)
    chance = int(raw[chain % 4] >> np.uint64(11)) / 2**53
    return float(law.quantiles(np.array([chance]))[0])


walk = System({x: 0.9 * x + e, v: v + coin * x}, start={x: 0, v: 0})


@pytest.mark.parametrize(
    ("law", "oracle"),
    [
        (normal(2, 3), scipy.stats.norm(2, 3)),
        (uniform(-1, 4), scipy.stats.uniform(-1, 5)),
    ],
)
def test_continuous_laws_are_those_of_scipy(law, oracle):
    drawn = law.quantiles(np.random.default_rng(0).random(20_000))
    assert scipy.stats.kstest(drawn, oracle.cdf).pvalue > 1e-3


def test_choice_has_its_weights():
    drawn = choice([5, 7, 9], weights=[0.2, 0, 0.8]).quantiles(
        np.random.default_rng(0).random(20_000)
    )
    assert set(drawn) == {5, 9}
    assert abs((drawn == 5).mean() - 0.2) < 5 * (0.16 / 20_000) ** 0.5
    even = choice([1, 2]).quantiles(np.random.default_rng(0).random(20_000))
    assert abs((even == 1).mean() - 0.5) < 5 * (0.25 / 20_000) ** 0.5


def test_any_law_of_scipy_is_a_law():
    gamma = noise("g", scipy.stats.gamma(2.5))
    drawn = gamma.law.quantiles(np.random.default_rng(0).random(5_000))
    assert scipy.stats.kstest(drawn, scipy.stats.gamma(2.5).cdf).pvalue > 1e-3


@given(st.integers(1, 2000), st.integers(0, 5), st.integers(0, 3))
def test_draws_do_not_depend_on_how_they_are_cut_or_on_other_chains(steps, seed, chain):
    alone = drawn_by(e.law, "e", seed, chain, steps)
    together = Stream(e.law, "e", seed, DrawnChains(np.arange(4)))
    found = [together.at(step)[chain] for step in range(steps)]
    assert np.array_equal(found, alone)


@given(
    st.lists(st.integers(1, 700), min_size=1, max_size=6),
    st.lists(st.integers(0, 4), min_size=1, max_size=9),
)
def test_many_steps_at_once_are_the_same_steps(cuts, points):
    chains = np.array([3, 0, 3, 1, 2])
    whole = Stream(e.law, "e", 4, DrawnChains(chains))
    part = whole.of(np.array(points))
    taken = np.concatenate([part.take(count) for count in cuts])
    assert taken.shape == (sum(cuts), len(points))
    for step in {0, cuts[0] - 1, sum(cuts) // 2, sum(cuts) - 1}:
        alone = Stream(e.law, "e", 4, DrawnChains(chains))
        assert np.array_equal(taken[step], alone.at(step)[points])


@given(st.lists(st.integers(0, 20), min_size=2, max_size=9).filter(any), st.integers(0, 99))
def test_choice_takes_the_first_value_up_to_which_the_weights_sum_to_more(parts, seed):
    weights = [part / sum(parts) for part in parts]
    law = choice(range(len(parts)), weights)
    uniform = np.random.default_rng(seed).random(50)
    bounds = np.cumsum(weights)[:-1].tolist()
    expected = [next((j for j, b in enumerate(bounds) if u < b), len(bounds)) for u in uniform]
    assert law.quantiles(uniform).tolist() == expected


def test_one_noise_does_not_depend_on_which_others_there_are():
    alone = System({x: 0.9 * x + e}, start={x: 0})
    first, second = run(alone.world(steps=50)), run(walk.world(steps=50))
    assert np.array_equal(first["x"], second["x"])


@given(st.text(alphabet="codingu", min_size=1), st.text(alphabet="codingu", min_size=1))
@example("codding", "gnu")
def test_two_names_are_two_noises(one, other):
    # The example's names have one CRC-32.
    alike = np.array_equal(*(Stream(e.law, n, 3).take(4) for n in (one, other)))
    assert alike == (one == other)


def test_a_world_is_its_noise_put_in_by_hand():
    drawn = drawn_by(e.law, "e", 7, 0, 30)
    flips = drawn_by(coin.law, "coin", 7, 0, 30)
    found = run(walk.world(steps=30, seed=7)).sel(world="W")
    here, there = 0.0, 0.0
    for step in range(31):
        assert found["x"].values[step] == pytest.approx(here, rel=1e-13, abs=1e-13)
        assert found["v"].values[step] == pytest.approx(there, rel=1e-13, abs=1e-13)
        if step < 30:
            here, there = 0.9 * here + drawn[step], there + flips[step] * here


def test_w_x_and_y_see_the_same_draws():
    W = walk.world(steps=40, seed=3)
    found = run(W, W.perturb(x[0], by=1.0), draws=5)["x"]
    apart = found.sel(world="X") - found.sel(world="W")
    expected = 0.9 ** np.arange(41)[:, None] * np.ones(5)
    assert np.allclose(apart, expected, rtol=1e-9, atol=1e-12)


def test_chain_zero_is_the_single_run_and_seeds_differ():
    single = run(walk.world(steps=20, seed=4))["x"]
    many = run(walk.world(steps=20, seed=4), draws=3)["x"]
    assert np.array_equal(single, many.isel(draw=0))
    assert not np.array_equal(many.isel(draw=0), many.isel(draw=1))
    assert not np.array_equal(single, run(walk.world(steps=20, seed=5))["x"])


def test_a_range_of_draws_is_a_part_of_all():
    W = walk.world(steps=20, seed=4)
    whole = run(W, draws=50)["x"]
    for part in (range(20, 50), range(0, 50, 7), range(49, 50)):
        found = run(W, draws=part)["x"]
        assert found.draw.values.tolist() == list(part)
        assert found.identical(whole.sel(draw=list(part)))
    for none in (range(0), range(-3, 2)):
        with pytest.raises(QueryError, match="names no chains"):
            run(W, draws=none)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_chains_are_told_apart_up_to_the_last_that_there_is(backend):
    W, last = System({x: e}, start={x: 0}).world(steps=2, seed=4), 2**53 - 1
    found = run(W, draws=range(last - 2, last + 1), backend=backend)["x"]
    assert found.draw.values.tolist() == [last - 2, last - 1, last]
    for chain, numbers in zip(range(last - 2, last + 1), found.values[0, 1:].T, strict=True):
        assert numbers == pytest.approx(drawn_by(e.law, "e", 4, chain, 2), rel=1e-13)
    for beyond in (range(last, last + 2), range(2**60, 2**60 + 3), range(2**64)):
        with pytest.raises(QueryError, match=r"names the chain .*9,007,199,254,740,992 of them"):
            run(W, draws=beyond, backend=backend)


def test_draws_and_sweeps_multiply_with_the_same_draws_at_every_point():
    found = run(walk.world(steps=10), over={x[0]: [0.0, 1.0]}, draws=4)["x"]
    assert found.dims == ("world", "time", "x[0]", "draw")
    apart = found.isel({"x[0]": 1}) - found.isel({"x[0]": 0})
    assert np.allclose(apart[0], 0.9 ** np.arange(11)[:, None], rtol=1e-9, atol=1e-12)


def test_the_stationary_variance_of_a_noisy_loop():
    found = run(walk.world(steps=80), draws=20_000, keep="last")["x"]
    exact = 1 / (1 - 0.81)
    # The variance of a sample variance of normals is 2 s^4 / n.
    assert abs(float(found.var()) - exact) < 5 * exact * (2 / 20_000) ** 0.5


def test_measures_are_taken_for_every_draw():
    growth = System({x: x * (1 + 0.1 * e), v: v - 0.1 * x + 0.05 * e * v}, start={x: 1, v: 1})
    each = op(growth, A=v, n=x[0], m=x, steps=10, draws=3)
    assert each.dims == ("time", "draw")
    assert each.mean("draw").dims == ("time",)
    answered = System({v: -e * x, x: x + 0.1 * v}, start={x: 1, v: 0})
    found = comp(answered, A=v, n=x[0], m=x[2], draws=6)
    first = [drawn_by(e.law, "e", 0, chain, 2)[0] for chain in range(6)]
    assert found.values == pytest.approx([1 - 0.1 * one for one in first], rel=1e-12)
    rough = comp(answered, A=v, n=x[0], m=x[2], draws=6, delta=1e-3)
    assert rough.values == pytest.approx(found.values, rel=1e-9)


def test_an_unrolled_system_and_a_network_draw_too():
    flat = run(walk.unroll(6).world(seed=2))["value"]
    along = run(walk.world(steps=6, seed=2))
    for name in ("x", "v"):
        assert flat.sel(node=f"{name}[6]").item() == along[name].values[0, -1]


@given(st.sampled_from([range(9), range(3, 20), range(2, 90, 7), range(4_000_001, 4_000_003)]))
def test_a_network_has_one_number_in_each_chain(chains):
    network = Network({v: x + e}, start={x: 1})
    found = run(network.world(seed=9), draws=chains)["value"].sel(node="v").values[0]
    expected = [1 + drawn_without_time(e.law, "e", 9, chain) for chain in chains]
    assert found.tolist() == expected


def test_a_noise_without_time_has_no_number_of_one_with_time():
    step, alone = (
        Stream(uniform(), "e", 0, DrawnChains(np.arange(400))),
        Stream(uniform(), "e", 0, DrawnChains(np.arange(64))),
    )
    assert not np.isin(alone.without_time(), step.take(64)).any()


@pytest.mark.parametrize("seed", range(3))
def test_whoever_asks_for_a_number_without_time_is_told_the_same(seed):
    branched = sp.Piecewise((2 * x, e < 0.5), (3 * x, True))
    network = Network({v: branched + e * x, u: v * e + x}, start={x: 2})
    W, asked = network.world(seed=seed), {"A": v, "n": x, "m": u}
    drawn = drawn_without_time(e.law, "e", seed, 0)
    exact = pytest.approx(1 + drawn * (drawn + (2 if drawn < 0.5 else 3)), rel=1e-12)
    assert comp(W, **asked).item() == exact
    assert symbolic_comp(W, **asked).number == exact
    assert every_A(W, x, u, among=[v], measure="comp").item() == exact
    assert every_n(W, A=v, m=u).sel(node="x").item() == exact
    fails = Network({v: sp.log(x - 100 + e)}, start={x: 2}).world(seed=seed)
    with pytest.raises(EvaluationError, match=f"e = {drawn:.6g}"):
        run(fails)


def test_threads_that_draw_at_once_draw_their_own_numbers():
    """Each thread sets its own generator: what another draws meanwhile moves nothing."""
    streams = [Stream(e.law, str(i), i) for i in range(4)]
    alone = [stream.single().take(2000) for stream in streams]
    own = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            for _ in range(5):
                found = list(pool.map(lambda stream: stream.single().take(2000), streams))
                assert all(map(np.array_equal, found, alone))
    finally:
        sys.setswitchinterval(own)


def test_many_chains_are_drawn_part_by_part(monkeypatch):
    monkeypatch.setattr(draws, "_AT_ONCE", 16 * 7)
    stream = Stream(uniform(), "e", 1, DrawnChains(np.arange(3, 40)))
    assert np.array_equal(stream.take(20)[:, 30], drawn_by(uniform(), "e", 1, 33, 20))
    assert stream.without_time()[30] == drawn_without_time(uniform(), "e", 1, 33)


def test_a_message_about_arrays_has_the_number_without_time():
    pytest.importorskip("jax")
    start, place = array("start", 2), array("place", 2)
    network = Network({place: sp.log(start + e - 100)}, start={start: [1, 2]})
    drawn = drawn_without_time(e.law, "e", 6, 0)
    with pytest.raises(EvaluationError, match=f"e = {drawn:.6g}"):
        run(network.world(seed=6))


def test_arrays_without_time_are_drawn_entry_by_entry():
    pytest.importorskip("jax")
    start, place = array("start", (2, 3)), array("place", (2, 3))
    kick, chains = noise("kick", normal(), shape=(2, 3)), range(2, 9)
    network = Network({place: start + kick}, start={start: np.zeros((2, 3))})
    found = run(network.world(seed=4), draws=chains).place.sel(world="W", draw=7)
    for entry, number in enumerate(np.ravel(found.values)):
        counter = np.array([7 // 4, entry, 0, 1], dtype=np.uint64)
        raw = np.random.Philox(key=key_of(4, "kick"), counter=counter).random_raw(4)
        chance = int(raw[7 % 4] >> np.uint64(11)) / 2**53
        assert number == normal().quantiles(np.array([chance]))[0]


def test_every_backend_gives_the_same_numbers():
    for backend in ("numpy", "numba", "auto"):
        found = run(walk.world(steps=30, seed=1), draws=2, backend=backend)
        assert found.identical(run(walk.world(steps=30, seed=1), draws=2, backend="numpy"))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: noise("e", "normal"), "is no law of chance"),
        (lambda: normal(0, 0), "above 0"),
        (lambda: normal(float("nan"), 1), "finite"),
        (lambda: uniform(2, 1), r"uniform\(1, 2\)"),
        (lambda: choice([]), "chooses among nothing"),
        (lambda: choice([1, 2], weights=[0.5, 0.6]), "sum to 1.1"),
        (lambda: choice([1, 2], weights=[1.5, -0.5]), "negative"),
        (lambda: choice([1, 2], weights=[1]), "2 values and 1 weights"),
        (lambda: System({x: x + noise("x", normal())}, start={x: 0}), "declared twice"),
        (
            lambda: System({x: x + e + noise("e", uniform())}, start={x: 0}),
            "declared twice",
        ),
    ],
)
def test_impossible_noise_is_refused(make, told):
    with pytest.raises(DeclarationError, match=told):
        make()


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: run(walk.world(steps=3), draws=0), "1 or more"),
        (lambda: run(System({x: x}, start={x: 1}).world(steps=3), draws=3), "has no noise"),
        (lambda: walk.world(steps=3, seed=-1), "0 or more"),
        (lambda: run(walk.world(steps=3, seed=1), walk.world(steps=3, seed=2)), "different seeds"),
        (
            lambda: walk.world(steps=3, seed=1).clamp(x, to=walk.world(steps=3, seed=2)),
            "the seed 2.*make them from one another",
        ),
        (lambda: run(walk.world(steps=3), over={e: [1, 2]}), "no node or parameter"),
    ],
)
def test_impossible_draws_are_refused(ask, told):
    with pytest.raises(QueryError, match=told):
        ask()


@pytest.mark.parametrize(
    ("law", "told"),
    [
        (scipy.stats.norm([0, 100]), r"given \[0, 100\] \(list\).*Write a noise for each"),
        (scipy.stats.norm(loc=np.zeros(1)), r"given array\(\[0\.\]\) \(ndarray\)"),
        (scipy.stats.norm(0, 1j), r"given 1j \(complex\)"),
        (scipy.stats.norm(0, float("nan")), r"given nan \(float\)"),
        (scipy.stats.norm(0, sp.Symbol("s")), r"the formula s.*write normal\(mean, deviation\)"),
        (scipy.stats.norm(0, 0), r"norm\(0\.0, 0\.0\) is no law of chance.*\[nan\]"),
        (scipy.stats.gamma(-1), r"gamma\(-1\.0\) is no law of chance.*\[nan\]"),
        (scipy.stats.gamma(2, scale=-1), r"gamma\(2\.0, scale=-1\.0\) is no law"),
        (scipy.stats.uniform(0, float("inf")), r"its quantiles at \[0\.5\] are \[inf\]"),
        (scipy.stats.poisson(-1), r"poisson\(-1\.0\) is no law of chance"),
        (scipy.stats.gamma, r"gamma gives no quantiles \(TypeError.*write a frozen"),
    ],
)
def test_what_is_no_law_of_scipy_for_a_number_is_refused(law, told):
    with pytest.raises(DeclarationError, match=told):
        noise("g", law)


def test_laws_of_scipy_may_reach_to_infinity_and_have_numbers_of_numpy():
    for law in (
        scipy.stats.truncnorm(0, np.inf),
        scipy.stats.norm(np.float32(1), scale=np.array(2)),
        scipy.stats.rv_discrete(values=([1, 2], [0.5, 0.5])),
        scipy.stats.rv_histogram(np.histogram([1.0, 2.0, 4.0])),
        scipy.stats.norm,
    ):
        assert np.isfinite(
            run(System({x: noise("g", law)}, start={x: 0}).world(steps=3))["x"]
        ).all()


def test_weights_say_how_far_off_their_sum_is():
    with pytest.raises(DeclarationError, match=r"0.9999999, 1e-07 too little.*normalise=True"):
        choice([1, 2], weights=[0.5, 0.4999999])
    with pytest.raises(DeclarationError, match=r"negative weight -0\.5"):
        choice([1, 2], weights=[1.5, -0.5], normalise=True)
    with pytest.raises(DeclarationError, match="all 0"):
        choice([1, 2], weights=[0, 0], normalise=True)


@pytest.mark.parametrize("scale", [1.0, 1e-320, 1e308, 0.99999998])
def test_weights_are_divided_by_their_sum_where_asked(scale):
    law = choice([1, 2, 3], weights=[scale / 4, scale / 2, scale / 4], normalise=True)
    assert law.weights == pytest.approx((0.25, 0.5, 0.25), rel=1e-3)
    assert sum(law.weights) == pytest.approx(1, abs=1e-15)
