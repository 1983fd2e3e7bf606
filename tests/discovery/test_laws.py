"""Laws of loops, on random linear systems, against plain matrices."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from causalopt import (
    QueryError,
    System,
    authority,
    comp,
    loop_coupling,
    natural_division,
    self_regulation,
    sensitivity,
    steering_shares,
    tangents,
    variables,
    waterbed,
)

seeds = st.integers(0, 10**6)
FREQUENCIES = np.array([0.1, 0.7, 1.9, 3.0])


def matrix_of(seed, count=5, radius=0.9, density=0.6):
    """A random matrix of a spectral radius."""
    source = np.random.default_rng(seed)
    there = source.random((count, count)) < density
    matrix = source.normal(size=(count, count)) * (there | np.eye(count, dtype=bool))
    return matrix * (radius / np.abs(np.linalg.eigvals(matrix)).max())


def system_of(matrix):
    x = variables("x", count=len(matrix))
    rules = {x[i]: sum(float(w) * x[j] for j, w in enumerate(row)) for i, row in enumerate(matrix)}
    return System(rules, start=dict.fromkeys(x, 0.0)), x


def answer(matrix, z, held=()):
    """What a unit at each node becomes at each, by the inverse of I - M/z, parts of it cut out."""
    free = [i for i in range(len(matrix)) if i not in held]
    full = np.zeros(matrix.shape, dtype=complex)
    full[np.ix_(free, free)] = np.linalg.inv(np.eye(len(free)) - matrix[np.ix_(free, free)] / z)
    return full


def op2(matrix, A, m, steps, nudge, gates=None):
    """Op2 by a plain loop; ``gates`` instead of a clamp."""
    weights = np.ones(len(matrix))
    weights[list(A)] = 0.0
    weights = weights if gates is None else 1.0 - np.asarray(gates)
    gated = matrix * weights[:, None]
    np.fill_diagonal(gated, np.diag(matrix))

    def log_norm(rule):
        d, total = np.zeros(len(rule)), 0.0
        for t in range(steps + 1):
            d = rule @ d
            d[m] += 1.0 if nudge == "sustained" or t == 0 else 0.0
            total += d[m] ** 2
        return 0.5 * np.log(total)

    return log_norm(gated) - log_norm(matrix)


@given(seed=seeds, nudge=st.sampled_from(["pulse", "sustained"]))
@settings(max_examples=12, deadline=None)
def test_regulation_is_that_of_a_plain_loop_and_obeys_the_chain_rule(seed, nudge):
    matrix = matrix_of(seed)
    system, x = system_of(matrix)
    ask = {"m": x[0], "nudge": nudge}
    both = self_regulation(system, [x[1], x[2]], steps=30, **ask).item()
    assert both == pytest.approx(op2(matrix, [1, 2], 0, 30, nudge), abs=1e-10)
    # Op(A u A') = Op(A) + Op(A' | A held)
    W = system.world(steps=30)
    first = self_regulation(W, x[1], **ask).item()
    second = self_regulation(W.clamp(x[1], to=W), x[2], **ask).item()
    assert first + second == pytest.approx(both, abs=1e-10)


@given(seed=seeds, nudge=st.sampled_from(["pulse", "sustained"]))
@settings(max_examples=8, deadline=None)
def test_shares_are_the_integral_of_the_gradient(seed, nudge):
    matrix = matrix_of(seed)
    system, x = system_of(matrix)
    found = steering_shares(system, x[0], steps=30, nudge=nudge, edges=True)
    # So smooth that 40 points are more than enough.
    assume(found.attrs["points"] <= 32)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    expected = np.zeros(len(matrix))
    for gamma, weight in zip(0.5 + 0.5 * nodes, 0.5 * weights, strict=True):
        for a in range(1, len(matrix)):
            gates = np.where(np.arange(len(matrix)) > 0, gamma, 0.0)
            up, down = gates.copy(), gates.copy()
            up[a] += 1e-5
            down[a] -= 1e-5
            slope = op2(matrix, [], 0, 30, nudge, up) - op2(matrix, [], 0, 30, nudge, down)
            expected[a] += weight * slope / 2e-5
    assert found.share.values == pytest.approx(expected[1:], abs=1e-7)
    whole = op2(matrix, range(1, len(matrix)), 0, 30, nudge)
    assert found.total.item() == pytest.approx(whole, abs=1e-10)
    assert found.share.sum().item() == pytest.approx(whole, abs=1e-7)
    if not found.sizes["edge"]:
        return
    by_target = found.edge_share.groupby("target").sum()
    for name in by_target.target.values:
        assert by_target.sel(target=name).item() == pytest.approx(
            found.share.sel(variable=name).item(), abs=1e-12
        )


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_an_unrolled_system_has_the_same_shares(method):
    a, b, m = variables("a b m")
    system = System.from_ode(
        {a: m - a * b, b: a - b, m: -a * m + b}, start={a: 1, b: 0.5, m: 0.8}, dt=0.1, method=method
    )
    found = steering_shares(system, m[:9]).share
    flat = steering_shares(system.unroll(8), [m[i] for i in range(9)]).share
    for name in ("a", "b"):
        assert flat.sel(variable=name).item() == pytest.approx(found.sel(variable=name).item())


@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_loops_frequency_by_frequency(seed):
    matrix = matrix_of(seed)
    system, x = system_of(matrix)
    gamma = loop_coupling(system, at=FREQUENCIES)
    ask = {"at": FREQUENCIES}
    here, there = (
        sensitivity(system, x[a], x[m], x[m], **ask).comp.values for a, m in ((1, 0), (0, 1))
    )
    # Reciprocity: a steers m as strongly as m steers a.
    np.testing.assert_allclose(here, there, rtol=1e-9)
    np.testing.assert_allclose(
        here, 1 / (1 - gamma.sel(variable="x1", other="x0").values), rtol=1e-9
    )
    everything = sensitivity(system, list(x[1:]), x[0], x[0], **ask).comp.values
    for i, z in enumerate(np.exp(1j * FREQUENCIES)):
        G, without = answer(matrix, z), answer(matrix, z, held=[1])
        assert here[i] == pytest.approx(G[0, 0] / without[0, 0], rel=1e-9)
        # A = all but m: the relative gain of Bristol (1966).
        assert everything[i] == pytest.approx(G[0, 0] * (1 - matrix[0, 0] / z), rel=1e-9)
        # det Comp_BB is the same for A and B.
        A, B = [1, 2], [0, 3, 4]
        compressed = [
            np.linalg.det(G[np.ix_(free, free)])
            / np.linalg.det(answer(matrix, z, held=held)[np.ix_(free, free)])
            for held, free in ((A, B), (B, A))
        ]
        assert compressed[0] == pytest.approx(compressed[1], rel=1e-8)


@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_what_cuts_all_paths_parts_comp_into_factors(seed):
    source = np.random.default_rng(seed)
    # n -> q -> m, with loops at both ends of q.
    matrix = np.zeros((5, 5))
    n, q, m, a, b = range(5)
    for target, cause in (
        (q, n),
        (n, a),
        (a, n),
        (m, q),
        (m, b),
        (b, m),
        (a, q),
        (q, a),
        (b, q),
        (q, b),
    ):
        matrix[target, cause] = source.normal() / 4
    matrix[m, a] = 0.0
    np.fill_diagonal(matrix, source.uniform(0, 0.4, 5))
    assume(np.abs(np.linalg.eigvals(matrix)).max() < 1)
    system, x = system_of(matrix)

    def comp_at(i, j):
        return sensitivity(system, x[b], x[i], x[j], at=FREQUENCIES).comp.values

    # Of paths from n to m each goes through q: a leads to n and q alone, b to m and q alone.
    np.testing.assert_allclose(
        comp_at(n, m) * comp_at(q, q), comp_at(n, q) * comp_at(q, m), rtol=1e-8
    )


@given(seed=seeds, radius=st.sampled_from([0.8, 1.3]))
@settings(max_examples=12, deadline=None)
def test_the_waterbed(seed, radius):
    matrix = matrix_of(seed, radius=radius)
    system, x = system_of(matrix)
    found = waterbed(system, [x[1], x[2]], x[0]).item()
    # The mean over the circle, by as many points as its modes near the circle need.
    z = np.exp(2j * np.pi * (np.arange(4096) + 0.5) / 4096)

    def mean_log_det(free):
        part = matrix[np.ix_(free, free)]
        stack = np.eye(len(free)) - part / z[:, None, None]
        return float(np.log(np.abs(np.linalg.det(stack))).mean())

    free, B = list(range(5)), [0, 3, 4]
    expected = (
        mean_log_det(free) + mean_log_det([3, 4]) - mean_log_det([1, 2, 3, 4]) - mean_log_det(B)
    )
    # Where a mode lies near the circle, the mean itself is rough.
    modes = [
        np.abs(np.linalg.eigvals(matrix[np.ix_(s, s)])) for s in (free, B, [3, 4], [1, 2, 3, 4])
    ]
    if np.abs(np.concatenate(modes) - 1).min() > 0.02:
        assert found == pytest.approx(expected, abs=1e-9)
    if max(sizes.max() for sizes in modes) < 0.999:
        assert found == 0.0


@given(seed=seeds)
@settings(max_examples=8, deadline=None)
def test_a_sustained_nudge_settles_at_the_gain_of_rest(seed):
    matrix = matrix_of(seed, radius=0.8)
    held = np.delete(np.delete(matrix, 1, axis=0), 1, axis=1)
    assume(np.abs(np.linalg.eigvals(held)).max() < 0.9)
    system, x = system_of(matrix)
    at_rest = sensitivity(system, x[1], x[0], x[0], at=0.0).comp.item()
    W = system.world(steps=300)
    X = W.perturb(x[0], every_step=True)
    course = tangents(X, X.clamp(x[1], to=W)).x0.values[:, -1]
    assert course[0] / course[1] == pytest.approx(at_rest.real, rel=1e-8)
    assert abs(at_rest.imag) < 1e-12
    pushed = authority(system, x[0])
    assert pushed.values == pytest.approx(answer(matrix, 1.0)[0].real, abs=1e-10)
    along = authority(system, x[0], steps=300)
    assert along.values == pytest.approx(pushed.values, abs=1e-8)


@given(seed=seeds, scale=st.floats(0.1, 10))
@settings(max_examples=8, deadline=None)
def test_regulation_is_free_of_coordinates_inside_a_and_of_m_and_not_of_mixtures(seed, scale):
    source = np.random.default_rng(seed)
    matrix = matrix_of(seed)
    change = np.eye(5)
    change[0, 0] = scale
    change[np.ix_([1, 2], [1, 2])] = source.normal(size=(2, 2)) + 2 * np.eye(2)
    other = change @ matrix @ np.linalg.inv(change)
    mixed = np.eye(5)
    mixed[1, 3] = 0.7
    third = mixed @ matrix @ np.linalg.inv(mixed)
    found = []
    for rule in (matrix, other, third):
        system, x = system_of(rule)
        found.append(self_regulation(system, [x[1], x[2]], x[0], steps=25).item())
    assert found[1] == pytest.approx(found[0], abs=1e-7)
    difference = op2(third, [1, 2], 0, 25, "sustained") - op2(matrix, [1, 2], 0, 25, "sustained")
    assert found[2] - found[0] == pytest.approx(difference, abs=1e-7)


def test_comp_of_the_thermostat_is_the_running_sum_of_its_sensitivity():
    T, R = variables("T R")
    room = System({T: R, R: R - 0.01 * T}, start={T: 0, R: 0})
    found = comp(room, T, R[0], R, steps=200).values
    # 1/(1 + L) of the loop R -> T -> R, as an impulse response: differences of that of R.
    z = 1.05 * np.exp(2j * np.pi * np.arange(4096) / 4096)
    loop = 0.01 / (z * (z - 1))
    impulse = np.fft.ifft(1 / (1 + loop))[:201].real * 1.05 ** np.arange(201)
    assert found == pytest.approx(np.cumsum(impulse), abs=1e-9)


@pytest.mark.parametrize("parts", [2, pytest.param(3, marks=pytest.mark.long)])
def test_modules_tied_one_way_are_found(parts):
    exact = 0
    for seed in range(10):
        source = np.random.default_rng(seed)
        count = 8
        whole = np.zeros((parts * count, parts * count))
        for part in range(parts):
            inside = slice(part * count, (part + 1) * count)
            ring = np.roll(np.eye(count), 1, axis=0) * source.normal(size=(count, 1))
            more = source.normal(size=(count, count)) * (source.random((count, count)) < 0.25)
            whole[inside, inside] = ring + more
            if part:
                before = slice((part - 1) * count, part * count)
                whole[inside, before] = source.normal(size=(count, count)) * (
                    source.random((count, count)) < 0.375
                )
        np.fill_diagonal(whole, 0.1)
        whole *= 0.9 / np.abs(np.linalg.eigvals(whole)).max()
        order = source.permutation(parts * count)
        found = natural_division(
            system_of(whole[np.ix_(order, order)])[0], parts=parts, at=np.linspace(0.1, 3, 16)
        )
        truth = order // count
        exact += len(set(zip(found.values.tolist(), truth.tolist(), strict=True))) == parts
        assert found.attrs["border"] == 1
    assert exact == 10


@pytest.mark.long
def test_a_well_mixed_system_has_no_border():
    source = np.random.default_rng(3)
    matrix = source.normal(size=(14, 14))
    found = natural_division(system_of(matrix * 0.8 / np.abs(np.linalg.eigvals(matrix)).max())[0])
    assert found.attrs["border"] == 0
    assert found.attrs["chance"] > 0.05


def test_a_growing_mode_has_no_frequencies():
    system, x = system_of(np.array([[1.2, 0.1], [0.1, 0.5]]))
    for ask in (
        lambda: sensitivity(system, x[1], x[0], x[0]),
        lambda: loop_coupling(system),
        lambda: natural_division(system),
        lambda: authority(system, x[0]),
    ):
        with pytest.raises(QueryError, match=r"grows by a factor 1\.21"):
            ask()
    # Along a run all is well.
    assert np.isfinite(self_regulation(system, x[1], x[0], steps=5000).item())
    assert np.isfinite(steering_shares(system, x[0], steps=5000).share.item())


def test_loops_on_a_cycle_are_those_of_a_whole_round():
    x, y = variables("x y")
    # A logistic map in its cycle of two, and a listener that answers.
    rate = 3.2
    high = (1 + rate + np.sqrt((rate + 1) * (rate - 3))) / (2 * rate)
    low = (1 + rate - np.sqrt((rate + 1) * (rate - 3))) / (2 * rate)
    turn = System({x: rate * x * (1 - x) - y / 9, y: y / 3 + x - x}, start={x: high, y: 0})
    with pytest.raises(QueryError, match="period="):
        sensitivity(turn, y, x, x)
    coupled = System(
        {x: rate * x * (1 - x) - y / 9, y: y / 3 + (x - high) * (x - low) / 4},
        start={x: high, y: 0},
    )
    found = sensitivity(coupled, y, x, x, at=FREQUENCIES / 2, period=2).comp.values
    # The round by hand: from x at its high to the next one, with y in between.
    steps = []
    for at in (high, low):
        slope = (2 * at - high - low) / 4
        steps.append(np.array([[rate * (1 - 2 * at), -1 / 9], [slope, 1 / 3]]))
    first, second = steps
    for frequency, value in zip(FREQUENCIES / 2, found, strict=True):
        z = np.exp(2j * frequency)
        free = np.linalg.inv(np.eye(2) - second @ first / z)[0, 0]
        held = 1 / (1 - second[0, 0] * first[0, 0] / z)
        assert value == pytest.approx(free / held, rel=1e-9)
    pairs = loop_coupling(coupled, at=0.4, period=2).sel(variable="y", other="x").item()
    assert 1 / (1 - pairs) == pytest.approx(
        sensitivity(coupled, y, x, x, at=0.4, period=2).comp.item(), rel=1e-9
    )


@given(
    own=st.tuples(st.floats(-0.9, 1.4), st.floats(-0.9, 1.0)),
    across=st.tuples(st.floats(-0.9, 0.9), st.floats(-0.9, 0.9)),
)
@settings(max_examples=15, deadline=None)
def test_coupling_in_time_is_the_course_of_the_opened_loop(own, across):
    (a, b), (to, back) = own, across
    matrix = np.array([[a, to], [back, b]])
    assume(abs(to * back) > 1e-3 and np.abs(np.linalg.eigvals(matrix)).max() < 0.98)
    system, _ = system_of(matrix)
    found = loop_coupling(system, steps=30).sel(variable="x0", other="x1")
    # Through both arrows, and any time in the memory of each.
    expected = [to * back * sum(a**i * b ** (t - 2 - i) for i in range(t - 1)) for t in range(31)]
    scale = max(1.0, *map(abs, expected))
    assert found.values == pytest.approx(expected, abs=1e-8 * scale)
    with pytest.raises(QueryError, match="write one"):
        loop_coupling(system, at=0.1, steps=3)
