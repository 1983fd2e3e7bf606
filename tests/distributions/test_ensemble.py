"""Ensembles of samples: seeds, pushing, shuffling, and the entropy estimator."""

import math

import dit.inference
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    Box,
    DeclarationError,
    Ensemble,
    EvaluationError,
    Gaussian,
    QueryError,
    Split,
    System,
    adjusted_optimizing_strength,
    parameters,
    run,
    split_sequence,
    variables,
)
from causalopt.distributions.real.estimate import Estimate, knn_entropy

T, R, V = variables("T R V")
(k,) = parameters("k")
thermostat = System({T: R, R: R - k * T}, start={T: 10, R: 10}, parameters={k: 0.3})
square = Box.of({T: (9.95, 10.05), R: (9.95, 10.05)})
bent = System(
    {T: R + sympy.sin(T) / 2, R: sympy.Piecewise((R - k * T, R > 10), (R - k, True))},
    start={T: 10, R: 10},
    parameters={k: 0.3},
)


def test_the_same_seed_gives_the_same_numbers():
    one, again, other = (square.sample(100, seed=s) for s in (5, 5, 6))
    assert (one.samples == again.samples).all()
    assert not (one.samples == other.samples).any()
    assert (one.decorrelate(T, R).samples == again.decorrelate(T, R).samples).all()
    for bad in (-1, 1.5, True):
        with pytest.raises(DeclarationError, match="seed is"):
            square.sample(10, seed=bad)


def test_sources_have_streams_of_their_own():
    """A variable more changes nothing for those before it."""
    two = square.sample(50, seed=3)
    three = Box.of({T: (9.95, 10.05), R: (9.95, 10.05), V: (0, 1)}).sample(50, seed=3)
    assert (three.samples[:, :2] == two.samples).all()


def test_samples_lie_in_the_rhombus():
    ensemble = square.sample(2000, seed=1).push(thermostat)
    back = np.linalg.solve(
        np.array(square.push(thermostat).matrix.tolist(), float),
        (ensemble.samples - [10, 7]).T,
    )
    assert abs(back).max() <= 0.5 + 1e-9
    assert abs(back).max() > 0.49


@pytest.mark.parametrize("steps", [1, 3])
def test_pushing_is_running_each_sample_alone(steps):
    ensemble = square.sample(7, seed=2)
    pushed = ensemble.push(bent, steps).samples
    for sample, expected in zip(ensemble.samples, pushed, strict=True):
        world = bent.world(steps).do(T[0], sample[0]).do(R[0], sample[1])
        data = run(world).isel(time=-1)
        assert [data.T.item(), data.R.item()] == expected.tolist()


def test_pushing_twice_is_pushing_two_steps():
    ensemble = square.sample(50, seed=2)
    twice = ensemble.push(bent).push(bent).samples
    assert np.allclose(twice, ensemble.push(bent, 2).samples, rtol=0, atol=1e-12)


def test_a_sample_that_leaves_the_numbers_is_named():
    grow = System({T: T**3}, start={T: 1})
    with pytest.raises(EvaluationError, match=r"T\[.*where T\[0\] = 9"):
        Ensemble.of({T: [1.0, 9.0]}).push(grow, 10)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_decorrelating_keeps_parts_whole(seed):
    random = np.random.default_rng(seed)
    given_ = random.normal(size=(200, 1)) + np.array([[0.0, 1.0, 2.0]])
    ensemble = Ensemble((T, R, V), given_, seed)
    apart = ensemble.decorrelate(Split((T, V), R))
    rows = {tuple(row) for row in ensemble.samples[:, [0, 2]]}
    assert {tuple(row) for row in apart.samples[:, [0, 2]]} == rows
    assert sorted(apart.samples[:, 1]) == sorted(ensemble.samples[:, 1])
    assert abs(np.corrcoef(apart.samples[:, 0], apart.samples[:, 1])[0, 1]) < 0.5


def test_shuffling_again_uses_another_order():
    """Twice the same order would be its square, which is not independent of it."""
    places = np.arange(1000.0)
    apart = Ensemble.of({T: places, R: places}, seed=9).decorrelate(T, R)
    first = apart.samples[:, 1].astype(int)
    assert (np.sort(first) == places).all()
    again = apart.decorrelate(T, R).samples[:, 1]
    assert (again == first[first]).mean() < 0.1


def test_the_sequence_of_part_2():
    data = split_sequence(thermostat, T | R, square.sample(500, seed=1))
    assert data.stage.values.tolist() == ["t-1", "t", "t+1", "t decorrelated", "t+1 decorrelated"]
    assert data.sizes == {"stage": 5, "sample": 500}
    before, now = data.sel(stage="t-1"), data.sel(stage="t")
    assert (now.T.values == before.R.values).all()
    apart, after = data.sel(stage="t decorrelated"), data.sel(stage="t+1 decorrelated")
    assert sorted(apart.R.values) == sorted(now.R.values)
    assert np.allclose(after.R, apart.R - 0.3 * apart.T, rtol=0, atol=1e-14)


# -- the estimator ---------------------------------------------------------------------------------


def test_the_estimator_against_dit():
    """Same estimator, no noise added; ours on whitened samples, so dit's are made white first."""
    random = np.random.default_rng(4)
    samples = random.normal(size=(2000, 3))
    white = np.linalg.solve(np.linalg.cholesky(np.cov(samples.T)), (samples - samples.mean(0)).T).T
    theirs = dit.inference.differential_entropy_knn(white, k=4, noise=0.0)
    assert knn_entropy(white) / math.log(2) == pytest.approx(theirs, abs=1e-10)


def test_the_estimator_moves_with_an_affine_map_as_the_entropy_does():
    random = np.random.default_rng(5)
    samples = random.uniform(size=(3000, 2))
    shear = np.array([[1.0, 0.0], [16.0, 0.125]])
    moved = knn_entropy(samples @ shear.T + [3, 4])
    assert moved - knn_entropy(samples) == pytest.approx(math.log(0.125), abs=1e-11)


@pytest.mark.parametrize(
    "exact",
    [square, square.push(thermostat), Gaussian((T, R), [0, 0], [[4, 1], [1, 9]]),
     square.push(thermostat).decorrelate(T, R).push(thermostat)],
)  # fmt: skip
def test_estimates_hold_the_closed_form(exact):
    """Within four errors and the bias, which for the edges of a box is about 0.02 bits."""
    found = exact.sample(20_000, seed=11).entropy()
    assert abs(found.value - float(exact.entropy())) < 4 * found.error + 0.02
    assert 0 < found.error < 0.02


def test_the_strength_of_samples_holds_the_closed_form():
    exact = adjusted_optimizing_strength(thermostat, T | R, square.push(thermostat))
    sampled = square.sample(20_000, seed=1).push(thermostat)
    found = adjusted_optimizing_strength(thermostat, T | R, sampled)
    assert abs(found.strength.value.value - float(exact.strength)) < 0.03
    assert abs(found.value.value) < 4 * found.value.error
    assert found.value.error < 0.01


def test_errors_cover():
    """The error from batches is the scatter of the estimate from seed to seed, within a third."""
    runs = [square.sample(2000, seed=s).entropy() for s in range(40)]
    scatter = np.std([one.value for one in runs], ddof=1)
    assert np.mean([one.error for one in runs]) == pytest.approx(scatter, rel=1 / 3)


def test_estimates_add_batch_by_batch():
    one, other = Estimate(1.0, (0.5, 1.5)), Estimate(2.0, (1.5, 2.5))
    assert (other - one).error == 0
    assert (other + one).error == pytest.approx(1.0)
    assert float(-one) == -1.0


def test_one_sample_has_no_covariance():
    with pytest.raises(QueryError, match="One sample has no covariance"):
        Ensemble.of({T: [1.0]}).covariance()
    assert Ensemble.of({T: [1.0, 3.0]}).covariance().tolist() == [[2.0]]


def test_what_has_no_density_is_refused():
    with pytest.raises(QueryError, match="lie on a surface"):
        Ensemble.of({T: range(200), R: range(200)}).entropy()
    random = np.random.default_rng(1).integers(0, 3, (2, 500)).astype(float)
    with pytest.raises(QueryError, match="Some samples coincide"):
        Ensemble.of({T: random[0], R: random[1]}).entropy()
    with pytest.raises(QueryError, match="50 samples are too few"):
        square.sample(50, seed=1).entropy()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Ensemble.of({T: [1.0], R: [1.0, 2.0]}), "have the shapes"),
        (lambda: Ensemble.of({T: ["1", "2"]}), r"samples of T are \['1', '2'\]"),
        (lambda: Ensemble.of({T: [1j]}), "write a list of numbers"),
        (lambda: Ensemble.of({T: [[1.0], [1.0, 2.0]]}), "write a list of numbers"),
        (lambda: Ensemble.of({T: [1.0, math.nan]}), "1 of the samples' numbers are not finite"),
        (lambda: Ensemble((T, R), np.zeros((3, 3))), r"have shape \(3, 3\)"),
    ],
)
def test_bad_samples(make, message):
    with pytest.raises(DeclarationError, match=message):
        make()


def test_a_whole_number_of_numpy_is_a_seed():
    ours, same = square.sample(100, seed=np.int64(7)), square.sample(100, seed=7)
    assert (ours.samples == same.samples).all()
    assert (ours.decorrelate(T | R).samples == same.decorrelate(T | R).samples).all()


@pytest.mark.parametrize("wrong", [None, 3, "x", [[1.0]]])
def test_samples_are_an_array_and_a_seed_is_a_number(wrong):
    (x,) = variables("x")
    with pytest.raises(QueryError, match="samples is"):
        Ensemble((x,), wrong)
    with pytest.raises(DeclarationError, match="seed is"):
        Ensemble((x,), np.ones((2, 1)), seed="x")
    with pytest.raises(QueryError, match="before is"):
        split_sequence(None, None, wrong)


def test_a_variable_called_stage_is_told():
    stage, x = variables("stage x")
    system = System({stage: x, x: stage}, start={stage: 1, x: 0})
    before = Gaussian.of({stage: (0, 1), x: (0, 1)}).sample(3, seed=1)
    with pytest.raises(DeclarationError, match="is called stage"):
        split_sequence(system, stage | x, before)
