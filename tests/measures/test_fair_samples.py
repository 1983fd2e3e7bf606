"""Samples of a distribution: the test against an enumeration, false alarms, and how sure it is."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from causalopt import (
    Chain,
    Distribution,
    Enthalpies,
    Fault,
    QueryError,
    boltzmann,
    finite,
    why_not_equilibrium,
)
from causalopt.measures.thermal.goodness import deviance, sample_chance

level = finite("level", ["a", "b", "c", "d", "e"])
HEIGHTS = np.array([0.0, 0.4, 1.1, 1.5, 2.3])
T = 0.8
H = Enthalpies.of(level, HEIGHTS.tolist())
EQUILIBRIUM = np.exp(HEIGHTS / T) / np.exp(HEIGHTS / T).sum()


def metropolis(stay=0.4):
    """A chain over neighbours that settles at the Boltzmann distribution of H."""
    kernel = np.zeros((5, 5))
    for i in range(4):
        for here, there in ((i, i + 1), (i + 1, i)):
            rise = HEIGHTS[there] - HEIGHTS[here]
            kernel[here, there] = (1 - stay) / 2 * min(1.0, math.exp(rise / T))
    np.fill_diagonal(kernel, 1 - kernel.sum(axis=1))
    return Chain(level, kernel)


def sampled(masses, draws, seed):
    counts = np.random.default_rng(seed).multinomial(draws, masses)
    return Distribution.of(level, counts, normalise=True)


def cases(make, draws, chain=None, seeds=60):
    """Diagnoses of samples of what is made from each seed, with what was made."""
    for seed in range(seeds):
        masses, truth = make(np.random.default_rng(1000 + seed))
        P = sampled(masses, draws, seed) if draws else Distribution.of(level, masses)
        yield why_not_equilibrium(P, H, T, chain=chain, draws=draws), truth


# -- what is made ----------------------------------------------------------------------------------


def shifted(random):
    theta = random.uniform(0.7, 2.5)
    masses = np.exp(math.cos(theta) * HEIGHTS / T)
    return masses / masses.sum(), theta


def touched(random, states=1):
    chosen = random.choice(5, states, replace=False)
    weights = EQUILIBRIUM.copy()
    weights[chosen] *= np.exp(random.choice([-1, 1], states) * random.uniform(1, 3, states))
    return weights / weights.sum(), set(chosen.tolist())


def half_touched(random, states=1):
    masses, chosen = touched(random, states)
    return (masses + EQUILIBRIUM) / 2, chosen


def underway(random):
    start = np.eye(5)[random.integers(5)]
    return start @ np.linalg.matrix_power(metropolis().kernel.toarray(), random.integers(8)), None


# -- the test --------------------------------------------------------------------------------------


def enumerated(counts, chances):
    """The p-value by all counts of as many draws, in plain Python."""
    draws, law = sum(counts), stats.multinomial(sum(counts), chances)

    def far(each):
        return sum(n * math.log(n / (draws * p)) for n, p in zip(each, chances, strict=True) if n)

    everything = (
        each
        for each in itertools.product(range(draws + 1), repeat=len(chances))
        if sum(each) == draws
    )
    return sum(law.pmf(each) for each in everything if far(each) >= far(counts) - 1e-12)


@pytest.mark.parametrize("counts", [[9, 1, 0], [3, 4, 3], [0, 0, 10], [6, 1, 3], [7, 3, 0]])
@pytest.mark.parametrize("chances", [[0.5, 0.3, 0.2], [0.8, 0.19, 0.01]])
def test_small_samples_against_all_that_there_are(counts, chances):
    exact = enumerated(counts, chances)
    found = sample_chance(np.array(counts), np.array(chances), 0.01)
    # 1,999 samples know it to four standard errors, and 1/2000 is the least that they can say.
    assert abs(found - exact) < 4 * math.sqrt(exact * (1 - exact) / 1999) + 1 / 2000


@pytest.mark.parametrize("seed", range(10))
def test_large_samples_against_scipy(seed):
    counts = np.random.default_rng(seed).multinomial(200_000, EQUILIBRIUM)
    theirs = stats.power_divergence(counts, 200_000 * EQUILIBRIUM, lambda_="log-likelihood")
    assert deviance(counts / 1.0, 200_000 * EQUILIBRIUM) == pytest.approx(theirs.statistic)
    # Williams' correction is of the order of 1/n.
    assert sample_chance(counts, EQUILIBRIUM, 0.01) == pytest.approx(theirs.pvalue, abs=1e-3)


def test_what_cannot_be_and_what_is_sure():
    assert sample_chance(np.array([3, 1]), np.array([1.0, 0.0]), 0.01) == 0
    assert sample_chance(np.array([3, 0]), np.array([1.0, 0.0]), 0.01) == 1


@pytest.mark.sampled(3)
@pytest.mark.parametrize("draws", [20, 200, 1000, 5000])
@pytest.mark.parametrize("level_", [0.01, 0.1])
def test_fair_samples_are_called_a_fault_as_often_as_the_level_says(draws, level_):
    seeds = 600
    alarms = sum(
        sample_chance(
            np.random.default_rng(seed).multinomial(draws, EQUILIBRIUM), EQUILIBRIUM, level_
        )
        < level_
        for seed in range(seeds)
    )
    # Outside of these bounds once in 10,000; below, a discrete law may be rarer.
    assert alarms <= stats.binom(seeds, level_).isf(5e-5)
    assert draws == 20 or alarms >= stats.binom(seeds, level_).ppf(5e-5)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("chain", [None, metropolis()], ids=["alone", "chain"])
@pytest.mark.parametrize("draws", [50, 1000])
def test_a_fair_sample_has_no_fault(draws, chain):
    seeds = 200
    faults = [
        why_not_equilibrium(sampled(EQUILIBRIUM, draws, seed), H, T, chain=chain, draws=draws)
        for seed in range(seeds)
    ]
    alarms = sum(one.fault is not Fault.NONE for one in faults)
    assert alarms <= stats.binom(seeds, 0.01).isf(1e-4)
    fair = next(one for one in faults if one.fault is Fault.NONE)
    assert fair.pumped == fair.filtered == {}
    assert "a fair sample is as far off with chance" in str(fair)


# -- which reason ----------------------------------------------------------------------------------


@pytest.mark.parametrize("draws", [None, 100_000])
@pytest.mark.parametrize("chain", [None, metropolis()], ids=["alone", "chain"])
def test_reasons_are_told_apart_beside_a_chain_that_would_settle(draws, chain):
    for made, fault in ((shifted, Fault.PHASE), (touched, Fault.CONSTRAINT)):
        assert {one.fault for one, _ in cases(made, draws, chain, seeds=30)} == {fault}
    for one, theta in cases(shifted, draws, chain, seeds=10):
        assert one.phase == pytest.approx(theta, abs=0.05 if draws else 1e-6)


@pytest.mark.parametrize("draws", [None, 100_000])
def test_a_run_on_its_way_is_not_yet_converged(draws):
    for one, _ in cases(underway, draws, metropolis(), seeds=30):
        assert one.fault is Fault.NOT_CONVERGED
        assert one.steps_left > 0


@pytest.mark.parametrize(
    # From all states alike a run passes shapes that are nearly those of a phase.
    ("made", "most"),
    [(shifted, 10), (touched, 4), (half_touched, 4)],
)
def test_a_thousand_draws_of_a_shift_or_a_pump_are_seldom_and_never_surely_a_run(made, most):
    diagnoses = [one for one, _ in cases(made, 1000, metropolis())]
    wrong = [one.confidence for one in diagnoses if one.fault is Fault.NOT_CONVERGED]
    assert len(wrong) <= most
    assert max(wrong, default=0) < 0.9


def test_any_start_is_on_its_way_if_the_chain_can_come_there():
    random, chain = np.random.default_rng(3), metropolis()
    for _ in range(20):
        P = chain.push(Distribution.of(level, random.dirichlet(np.ones(5))), 2)
        assert why_not_equilibrium(P, H, T, chain=chain).evidence[Fault.NOT_CONVERGED] > 0.05


def test_a_start_that_is_known_is_the_only_one():
    chain = metropolis()
    begun = Distribution.of(level, [0.1, 0.6, 0.0, 0.3, 0.0])
    later = chain.push(begun, 7)
    known = why_not_equilibrium(later, H, T, chain=chain, start=begun)
    assert known.fault is Fault.NOT_CONVERGED
    assert known.confidence > 0.99
    assert known.steps_left == chain.steps_to(begun, 1e-3) - 7
    other = Distribution.delta({level: "e"})
    assert why_not_equilibrium(later, H, T, chain=chain, start=other).fault is Fault.CONSTRAINT


def test_the_steps_of_a_slow_run_are_found_far_on():
    chain = metropolis(stay=0.999)
    start = Distribution.delta({level: "a"})
    for steps in (0, 3, 500, 4321):
        found = why_not_equilibrium(chain.push(start, steps) if steps else start, H, T, chain=chain)
        assert found.fault is Fault.NOT_CONVERGED


@pytest.mark.parametrize("states", [1, 2])
@pytest.mark.parametrize("draws", [1000, 10_000, 100_000])
def test_what_is_said_surely_is_seldom_wrong(states, draws):
    """Of the states named with a confidence of 0.8 or more, at most one diagnosis in ten is off."""
    sure = []
    for made in (touched, half_touched):
        for one, truth in cases(lambda r, made=made: made(r, states), draws):
            if one.fault is Fault.CONSTRAINT and one.confidence > 0.8:
                sure.append(set(np.flatnonzero(one.touched).tolist()) == truth)
    assert len(sure) >= (80 if draws == 100_000 else 0)
    assert sum(not right for right in sure) <= max(2, len(sure) // 10)


def test_half_pumped_mixtures_name_the_right_states():
    named = [
        set(np.flatnonzero(one.touched).tolist()) == truth
        for one, truth in cases(half_touched, 1000)
        if one.fault is Fault.CONSTRAINT
    ]
    assert len(named) >= 50
    assert sum(not right for right in named) <= 6
    exactly = list(cases(half_touched, None))
    assert all(set(np.flatnonzero(one.touched).tolist()) == truth for one, truth in exactly)


def test_hidden_enthalpies_of_a_sample_are_0_for_what_is_left_alone_together():
    """The states left alone have the mass that equilibrium shares out among them, by hand."""
    for one, _ in cases(touched, 1000, seeds=20):
        P = EQUILIBRIUM * np.exp(one.hidden / T)
        left = ~one.touched
        assert one.touched.any()
        assert P[left].sum() == pytest.approx(EQUILIBRIUM[left].sum())


def test_two_levels_do_not_tell_a_phase_from_a_constraint():
    two = finite("two", ["low", "high"])
    pair = Enthalpies.of(two, [0.0, 1.0])
    found = why_not_equilibrium(Distribution.of(two, [0.4, 0.6]), pair, 1.0)
    assert found.evidence[Fault.PHASE] == pytest.approx(0.5, abs=0.1)
    assert found.confidence < 0.6
    assert sum(found.evidence.values()) == pytest.approx(1)


def test_many_states_with_a_few_touched():
    """More than are tried in all sets; the last of them forbidden, and one of these has mass."""
    many = finite("many", range(30))
    random = np.random.default_rng(5)
    heights = [*random.normal(size=28), -math.inf, -math.inf]
    table = Enthalpies.of(many, heights)
    weights = boltzmann(table, 1.0).to_xarray().values.copy()
    weights[[3, 17]] *= [8.0, 0.0]
    weights[28] = 0.05
    P = Distribution.of(many, weights / weights.sum())
    found = why_not_equilibrium(P, table, 1.0)
    assert np.flatnonzero(found.touched).tolist() == [3, 17, 28]
    assert found.pumped["many = 3"] == pytest.approx(math.log(8))
    assert found.pumped["many = 28"] == math.inf
    assert found.filtered == {"many = 17": -math.inf}


def test_all_mass_where_none_may_be():
    table = Enthalpies.of(level, [0.0, 1.0, -math.inf, -math.inf, -math.inf])
    found = why_not_equilibrium(Distribution.of(level, [0, 0, 0, 0.5, 0.5]), table, 1.0)
    assert found.fault is Fault.CONSTRAINT
    assert found.pumped == {"level = d": math.inf, "level = e": math.inf}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"draws": 7}, "draws: give the number of draws"),
        ({"draws": 0}, "draws is 0"),
        ({"draws": 4, "level": 1.5}, "level is 1.5"),
        ({"draws": 4, "level": 0}, "level is 0"),
    ],
)
def test_what_no_draws_can_give(given, message):
    P = Distribution.of(level, [1, 1, 0, 1, 1], normalise=True)
    with pytest.raises(QueryError, match=message):
        why_not_equilibrium(P, H, T, **given)
