"""Intervals of confidence: against closed forms, and by how often they hold what they should."""

import mpmath
import numpy as np
import pytest
import scipy.stats
import sympy
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from causalopt import (
    QueryError,
    System,
    escape_probability,
    mean_interval,
    noise,
    normal,
    probability_interval,
    run,
    sgd,
    variables,
)

W, x = variables("W x")
levels = st.floats(0.5, 0.999)


def truths(hits, count):
    return xr.DataArray(np.arange(count) < hits, dims="draw")


@given(st.integers(1, 400), st.data(), levels)
def test_wilsons_interval_ends_where_the_share_is_z_deviations_away(count, data, level):
    hits = data.draw(st.integers(0, count))
    found = probability_interval(truths(hits, count), level=level)
    z = float(mpmath.sqrt(2) * mpmath.erfinv(level))
    for end in (float(found.low), float(found.high)):
        apart = abs(hits / count - end)
        assert apart == pytest.approx(z * (max(end * (1 - end), 0) / count) ** 0.5, abs=1e-9)
    assert 0 <= found.low <= found.probability <= found.high <= 1


@given(st.integers(1, 60), st.data(), levels)
def test_the_exact_interval_leaves_its_tails(count, data, level):
    hits = data.draw(st.integers(0, count))
    found = probability_interval(truths(hits, count), level=level, method="exact")

    def tail(p, ks):
        return float(sum(mpmath.binomial(count, k) * p**k * (1 - p) ** (count - k) for k in ks))

    low, high = mpmath.mpf(float(found.low)), mpmath.mpf(float(found.high))
    rest = pytest.approx((1 - level) / 2, rel=1e-6)
    assert low == 0 if hits == 0 else tail(low, range(hits, count + 1)) == rest
    assert high == 1 if hits == count else tail(high, range(hits + 1)) == rest


def covered(method, chance, count=40, level=0.9):
    """How often an interval holds the chance, summed over all numbers of hits."""
    held = 0.0
    for hits in range(count + 1):
        found = probability_interval(truths(hits, count), level=level, method=method)
        if found.low <= chance <= found.high:
            held += scipy.stats.binom.pmf(hits, count, chance)
    return held


def test_intervals_hold_the_probability_as_often_as_they_say():
    chances = np.linspace(0.05, 0.95, 13)
    exact = [covered("exact", chance) for chance in chances]
    wilson = [covered("wilson", chance) for chance in chances]
    assert min(exact) >= 0.9
    assert np.mean(wilson) == pytest.approx(0.9, abs=0.02)


def test_the_mean_of_normal_draws_is_held_as_often_as_it_says():
    rng = np.random.default_rng(5)
    drawn = xr.DataArray(3 + 2 * rng.standard_normal((4000, 6)), dims=("trial", "draw"))
    found = mean_interval(drawn, level=0.8)
    held = ((found.low <= 3) & (found.high >= 3)).mean()
    assert abs(float(held) - 0.8) < 4 * (0.16 / 4000) ** 0.5
    one = drawn[0].values
    low, high = scipy.stats.ttest_1samp(one, 0).confidence_interval(0.8)
    assert (float(found.low[0]), float(found.high[0])) == pytest.approx((low, high), rel=1e-12)


def test_other_dims_and_names_stay():
    noisy = System({x: 0.5 * x + noise("e", normal())}, start={x: 0})
    found = run(noisy.world(steps=4), over={x[0]: [0.0, 9.0]}, draws=50)["x"]
    mean, chance = mean_interval(found), probability_interval(found > 0)
    for one in (mean, chance):
        assert one["low"].dims == ("world", "time", "x[0]")
        assert one.attrs["draws"] == 50
    assert mean["mean"].values == pytest.approx(found.values.mean(-1))
    assert chance["probability"].values == pytest.approx((found.values > 0).mean(-1))


def test_draws_that_are_no_numbers_have_no_mean():
    found = mean_interval(xr.DataArray([[1.0, np.nan], [1.0, np.inf], [1, 3]], dims=("m", "draw")))
    assert np.isnan(found["low"].values).tolist() == [True, True, False]


@pytest.mark.parametrize(("rate", "steps"), [(0.015, 300), (0.02, 100), (0.03, 50)])
def test_monte_carlo_and_the_transfer_operator_agree(rate, steps):
    l0 = -sympy.exp(-((W - 2) ** 2))
    l1 = l0 - sympy.exp(-100 * (W - 1) ** 2)
    inside = (0.8, 1.1959565137)
    system = sgd([l0, l1], W, rate, start={W: 1.0036973969})
    found = run(system.world(steps=steps, seed=11), draws=4000)["W"].sel(world="W")
    left = ((found <= inside[0]) | (found >= inside[1])).any("time")
    # One interval in a thousand does not hold the probability: the seeds are fixed.
    bounds = probability_interval(left, level=0.999)
    exact = float(escape_probability(system, inside, steps).escaped[0])
    assert float(bounds.low) < exact < float(bounds.high)
    assert float(bounds.high - bounds.low) < 0.06


drawn = truths(3, 9)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: probability_interval([True, False]), "no dim draw here.*list"),
        (lambda: mean_interval(drawn.rename(draw="time")), "no dim draw here"),
        (lambda: probability_interval(drawn.astype(float)), "not truths: compare"),
        (lambda: probability_interval(drawn, level=95), "between 0 and 1"),
        (lambda: probability_interval(drawn, method="wald"), "no method 'wald'"),
        (lambda: mean_interval(drawn[:1].astype(float)), "One draw .* two or more, as draws=2"),
        (lambda: mean_interval(drawn.astype(float), dim="seed"), "no dim seed here"),
    ],
)
def test_what_has_no_interval_is_refused(ask, told):
    with pytest.raises(QueryError, match=told):
        ask()


def test_intervals_of_what_is_not_there_or_no_number():
    with pytest.raises(QueryError, match="no draws here"):
        probability_interval(xr.DataArray(np.zeros(0, bool), dims="draw"))
    with pytest.raises(QueryError, match="a mean is of numbers"):
        mean_interval(xr.DataArray(["a", "b"], dims="draw"))
    with pytest.raises(QueryError, match=r"values.real and that of values.imag"):
        mean_interval(xr.DataArray([1 + 1j, 3], dims="draw"))


@pytest.mark.parametrize("power", [-1000, -600, 600, 1018])
def test_the_interval_of_huge_and_tiny_numbers(power):
    numbers = xr.DataArray([[1.0, 2.0, 4.5], [1.0, 1.5, 1.75]], dims=("k", "draw"))
    plain, moved = mean_interval(numbers), mean_interval(numbers * 2.0**power)
    for name in ("mean", "low", "high"):
        assert np.array_equal(moved[name], plain[name] * 2.0**power)


@pytest.mark.parametrize("name", ["mean", "low", "high"])
def test_a_dim_that_is_called_like_what_is_found_is_refused(name):
    # A coordinate low was taken for the lower ends, and the means were NaN beside it.
    values = xr.DataArray(np.eye(2), {name: [1, 2]}, ["draw", name])
    with pytest.raises(QueryError, match=f"a dim or coordinate {name} here"):
        mean_interval(values)
    with pytest.raises(QueryError, match="a dim or coordinate probability here"):
        probability_interval((values > 0).rename({name: "probability"}))
    assert mean_interval(values.rename({name: "x"})).sizes == {"x": 2}
