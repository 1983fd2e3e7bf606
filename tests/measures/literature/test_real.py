"""Measures of systems with real values: effects, exponents, basins, arrows; against other code."""

import math

import numpy as np
import pytest
import scipy.linalg
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Abs, sin, tanh

from causalopt import (
    Box,
    EvaluationError,
    Gaussian,
    QueryError,
    System,
    basin_stability,
    causal_strength,
    comp,
    conditional_exponents,
    effects,
    noise,
    normal,
    op,
    optimization_bits,
    parameter,
    variables,
)
from tests.measures.literature.examples import (
    a,
    b,
    c,
    linear_thermostat,
    lorenz,
    noisy_thermostat,
    r,
    roessler,
    settled,
    t,
    x,
    y,
    z,
)

u, v, w = variables("u v w")
FEW = settings(max_examples=10, deadline=None)
gains = st.integers(-12, 12).map(lambda n: n / 8)
matrices = st.lists(gains, min_size=9, max_size=9).map(lambda g: np.array(g).reshape(3, 3))


def linear(matrix, extra=0):
    state = (u, v, w)
    rows = {
        target: sum(float(g) * s for g, s in zip(row, state, strict=True)) + extra
        for target, row in zip(state, matrix, strict=True)
    }
    return System(rows, start={u: 1, v: -1, w: 2})


# -- effects ---------------------------------------------------------------------------------------


@FEW
@given(matrices, st.integers(1, 5))
def test_effects_in_linear_systems_are_sums_over_paths(matrix, steps):
    found = effects(linear(matrix), u, v[0], w[steps])
    held = matrix.copy()
    held[0] = 0  # u keeps its course, so that no difference enters it
    total = np.linalg.matrix_power(matrix, steps)[2, 1]
    direct = np.linalg.matrix_power(held, steps)[2, 1]
    size = max(1.0, np.abs(np.linalg.matrix_power(np.abs(matrix), steps)).max())
    assert found.total.item() == pytest.approx(total, abs=1e-12 * size)
    assert found.direct.item() == pytest.approx(direct, abs=1e-12 * size)
    assert found.through.item() == found.total.item() - found.direct.item()


@pytest.mark.parametrize("delta", [None, 0.25])
def test_comp_is_a_ratio_of_effects(delta):
    system = System({u: sin(v) + u / 2, v: v - u, w: tanh(v)}, start={u: 1, v: 0.5, w: 0})
    asked = {"A": u, "n": v[0], "m": w, "steps": 6, "delta": delta}
    found = effects(system, **asked)
    assert found.comp.equals(comp(system, **asked))
    assert found.comp.values[1:] == pytest.approx((found.total / found.direct).values[1:])
    assert found.total.dims == ("time",)


def test_effects_by_a_difference_approach_the_exact_ones():
    system = System({u: sin(v) + u / 2, v: v - u}, start={u: 1, v: 0.5})
    exact = effects(system, u, v[0], v[5])
    near = effects(system, u, v[0], v[5], delta=1e-6)
    for name in ("total", "direct", "through"):
        assert near[name].item() == pytest.approx(exact[name].item(), abs=1e-5)


def test_effects_have_the_unit_of_m_by_that_of_n():
    h, q = variables("h q", unit="m")[0], variables("q", unit="s")[0]
    system = System({h: h / 2, q: q}, start={h: 1, q: 1})
    assert effects(system, q, h[0], h[2]).total.attrs["units"] == "1"


# -- exponents -------------------------------------------------------------------------------------


def similar(sizes, lower, upper):
    """A matrix with these eigenvalues, seen in coordinates that are no eigenvectors."""
    count = len(sizes)
    change = np.eye(count)
    change[np.tril_indices(count, -1)] = lower[: count * (count - 1) // 2]
    other = np.eye(count)
    other[np.triu_indices(count, 1)] = upper[: count * (count - 1) // 2]
    change = change @ other  # its determinant is 1
    return change @ np.diag(sizes) @ np.linalg.inv(change)


spectra = st.permutations([2.0, -1.4, 1.0, -0.7, 0.4])
turns = st.lists(st.sampled_from([-1, -0.5, 0, 0.5, 1]), min_size=3, max_size=3)


@FEW
@given(spectra, turns, turns)
def test_exponents_of_linear_systems_are_logarithms_of_eigenvalues(spectrum, lower, upper):
    sizes = np.array(spectrum[:3])
    found = conditional_exponents(linear(similar(sizes, lower, upper)), u, steps=1000)
    assert found.whole.values == pytest.approx(np.sort(np.log(np.abs(sizes)))[::-1], abs=0.03)
    assert found.whole_sum.item() == pytest.approx(np.log(np.abs(sizes)).sum(), abs=1e-9)


@FEW
@given(spectra, turns, turns, matrices)
def test_conditional_exponents_are_those_of_the_rest_alone(spectrum, lower, upper, matrix):
    sizes = np.array(spectrum[:2])
    matrix = matrix.copy()
    matrix[1:, 1:] = similar(sizes, lower, upper)
    # What drives the rest, and is driven by it, is held.
    system = linear(matrix / 4)
    found = conditional_exponents(system, u, steps=1000)
    expected = np.sort(np.log(np.abs(sizes) / 4))[::-1]
    assert found.conditional.values == pytest.approx(expected, abs=0.03)


def rates(matrix):
    return System.from_ode(
        dict(zip((u, v, w), matrix @ np.array([u, v, w]), strict=True)),
        start={u: 1, v: -1, w: 2},
        dt=0.01,
        method="rk4",
    )


@FEW
@given(matrices)
def test_sums_of_exponents_are_traces(matrix):
    found = conditional_exponents(rates(matrix), [u, w], steps=20)
    assert found.whole_sum.item() == pytest.approx(np.trace(matrix), abs=1e-14)
    assert found.conditional_sum.item() == matrix[1, 1]
    assert found.conditional.item() == pytest.approx(matrix[1, 1], abs=1e-7)
    assert found.whole.sum().item() == pytest.approx(np.trace(matrix), abs=1e-4)


def by_qr(flow, jacobian, start, dt, steps, members):
    """Exponents of some coordinates with the others held, by RK4 of the flow and its derivative."""
    count = len(members)
    frame = np.random.default_rng(0).standard_normal((count, count))
    _, frame = along(flow, jacobian, start, dt, 100, members, frame)
    return along(flow, jacobian, start, dt, steps, members, frame)[0]


def along(flow, jacobian, start, dt, steps, members, frame):
    """The same, and where a frame is turned to."""
    state = np.array(start, float)
    inside, total = np.ix_(members, members), np.zeros(len(members))
    for _ in range(steps):
        k1 = flow(state)
        s2 = state + dt / 2 * k1
        k2 = flow(s2)
        s3 = state + dt / 2 * k2
        k3 = flow(s3)
        s4 = state + dt * k3
        g = [jacobian(s)[inside] for s in (state, s2, s3, s4)]
        d1 = g[0] @ frame
        d2 = g[1] @ (frame + dt / 2 * d1)
        d3 = g[2] @ (frame + dt / 2 * d2)
        d4 = g[3] @ (frame + dt * d3)
        frame, upper = scipy.linalg.qr(frame + dt / 6 * (d1 + 2 * d2 + 2 * d3 + d4))
        total += np.log(np.abs(np.diag(upper)))
        state = state + dt / 6 * (k1 + 2 * k2 + 2 * k3 + flow(s4))
    return np.sort(total / (steps * dt))[::-1], frame


def lorenz_by_hand(s, rho, beta):
    def flow(q):
        return np.array([s * (q[1] - q[0]), q[0] * (rho - q[2]) - q[1], q[0] * q[1] - beta * q[2]])

    def jacobian(q):
        return np.array([[-s, s, 0], [rho - q[2], -1, -q[0]], [q[1], q[0], -beta]])

    return flow, jacobian


def roessler_by_hand():
    def flow(q):
        return np.array([-q[1] - q[2], q[0] + 0.2 * q[1], 0.2 + q[2] * (q[0] - 9)])

    def jacobian(q):
        return np.array([[0, -1, -1], [1, 0.2, 0], [q[2], 0, q[0] - 9]])

    return flow, jacobian


CHAOTIC = {
    "lorenz": (lorenz(45.92, 16, 4, 0.004, "rk4"), (a, b, c), lorenz_by_hand(16, 45.92, 4), 0.004),
    "roessler": (roessler(), (x, y, z), roessler_by_hand(), 0.02),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", CHAOTIC)
@pytest.mark.parametrize("held", range(3))
def test_exponents_along_a_run_agree_with_other_code(name, held):
    # Short enough that rounding, which chaos blows up, has not parted the two runs.
    system, state, (flow, jacobian), dt = CHAOTIC[name]
    found = conditional_exponents(system, state[held], steps=1500)
    rest = [i for i in range(3) if i != held]
    start = [system.start_values[v] for v in state]
    alone = by_qr(flow, jacobian, start, dt, 1500, rest)
    assert found.conditional.values == pytest.approx(alone, abs=1e-6)
    assert found.whole.values == pytest.approx(
        by_qr(flow, jacobian, start, dt, 1500, range(3)), abs=1e-6
    )


@pytest.mark.long
def test_exponents_of_pecora_and_carrolls_drives():
    """Where the drive makes the rest triangular its exponents are known; a sum is a trace."""
    system = CHAOTIC["lorenz"][0]
    by_x, by_y, by_z = (conditional_exponents(system, v, steps=25_000) for v in (a, b, c))
    assert (by_x.conditional.values < -2).all()  # two copies driven by one x come together
    assert by_x.conditional_sum.item() == -5
    assert by_y.conditional.values == pytest.approx([-4, -16], abs=5e-3)
    # The state itself is a solution of what drives it by z, and stays bounded: exponent 0.
    assert by_z.conditional.values == pytest.approx([0, -17], abs=0.03)
    by_x, by_y, by_z = (conditional_exponents(roessler(), v, steps=10_000) for v in (x, y, z))
    assert by_x.conditional.values[0] == pytest.approx(0.2, abs=1e-3)
    assert by_z.conditional.values == pytest.approx([0.1, 0.1], abs=1e-3)
    assert by_y.conditional.values[0] < 0


def test_op_of_a_chaotic_system_grows_with_the_difference_of_exponents():
    system = lorenz(dt=0.005, method="rk4")
    found = conditional_exponents(system, a, steps=8000)
    strength = op(system, A=a, n=b[0], m=b[8000]).item()
    expected = (found.conditional[0] - found.whole[0]).item()
    assert strength / 40 == pytest.approx(expected, abs=0.15)


def test_a_lost_direction_has_the_exponent_minus_infinity():
    system = System({u: 0 * u + v, v: v / 2, w: 0 * w + v}, start={u: 1, v: 1, w: 1})
    found = conditional_exponents(system, v, steps=50)
    assert (found.conditional.values == -np.inf).all()


# -- basins ----------------------------------------------------------------------------------------


@FEW
@given(st.floats(0.3, 0.9), st.floats(0.05, 2.0), st.integers(1, 30), st.integers(0, 5))
def test_basins_of_a_contraction(gain, width, steps, stay):
    system = System({u: gain * u}, start={u: 0})
    starts = np.linspace(-10, 10, 201)
    share = basin_stability(system, Abs(u) <= width, over={u[0]: starts}, steps=steps, stay=stay)
    # What is inside a contraction's target never leaves it.
    inside = np.abs(starts) * gain**steps
    assume(np.abs(inside - width).min() > 1e-9)
    assert share.item() == (inside <= width).mean()
    same = basin_stability(
        system, {u: (-width, width)}, over={u[0]: starts}, steps=steps, stay=stay
    )
    assert same.item() == share.item()


def test_what_passes_through_does_not_stay():
    system = System({u: u + 1}, start={u: 0})
    asked = {"target": {u: (4.5, 5.5)}, "over": {u[0]: [0.0, 1.0]}, "steps": 5}
    assert basin_stability(system, stay=0, **asked).item() == 0.5
    assert basin_stability(system, stay=1, **asked).item() == 0.0


def test_starts_that_leave_the_finite_numbers_are_lost():
    system = System({u: u**2, v: v / 2}, start={u: 0, v: 0})
    starts = {u[0]: np.array([-3, -0.5, 0, 0.5, 2, 7]), v[0]: [0.0, 1.0]}
    share = basin_stability(system, {u: (-1, 1)}, over=starts, steps=20)
    assert share.item() == 0.5
    assert (share.attrs["starts"], share.attrs["lost"]) == (12, 6)


def test_starts_that_nearly_all_leave_the_finite_numbers_are_an_error():
    system = System({u: u**2}, start={u: 0})
    with pytest.raises(EvaluationError):
        basin_stability(system, {u: (-1, 1)}, over={u[0]: np.linspace(2, 3, 510)}, steps=20)


def test_chance_is_one_more_axis_of_starts():
    system = System({u: u / 2 + noise("e", normal(0, 1))}, start={u: 0})
    share = basin_stability(system, {u: (0, 100)}, over={u[0]: [0.0]}, steps=20, stay=0, draws=4000)
    assert share.item() == pytest.approx(0.5, abs=5 * share.attrs["error"])
    assert share.attrs["starts"] == 4000


# -- arrows ----------------------------------------------------------------------------------------


@FEW
@given(st.floats(0.05, 1.5), st.integers(-9, 9))
def test_strength_of_arrows_with_normal_noise_is_that_of_densities(gain, correlation):
    """KL of normals in closed form, averaged over P by hand."""
    system = noisy_thermostat(gain)
    P = Gaussian((t, r), [1, 2], [[3, correlation / 4], [correlation / 4, 2]])
    covariance = np.array(P.covariance.tolist(), float)
    for edges, cut in (([(t, r)], [0]), ([(r, r)], [1]), ([(t, r), (r, r)], [0, 1])):
        coefficients = np.array([-gain, 1.0])[cut]
        inside = covariance[np.ix_(cut, cut)]
        apart = float(coefficients**2 @ np.diag(inside))
        together = float(coefficients @ inside @ coefficients)
        expected = (math.log(1 + apart) + (1 + together) / (1 + apart) - 1) / 2 / math.log(2)
        assert float(causal_strength(system, edges, P)) == pytest.approx(expected, abs=1e-9)


def test_stronger_noise_hides_an_arrow():
    strengths = [
        float(causal_strength(noisy_thermostat(gain), [(t, r)], settled(gain)))
        for gain in (0.01, 0.1, 0.5)
    ]
    assert strengths == sorted(strengths)


# -- bits ------------------------------------------------------------------------------------------


def test_bits_of_a_curve_by_another_integral():
    """Of m = tanh(v)/10 free and m = v - u held, by many samples."""
    system = System({u: v - tanh(v) / 10, v: v - u.next}, start={u: 0, v: 0})
    bits = optimization_bits(
        system, v[1], Box.of({v: (-1, 1)}), better=-Abs(v), measure="clamped", A=u
    )
    # Held, m is as it started, so that |m| is its own share.
    starts = (np.arange(400_000) + 0.5) / 400_000
    assert float(bits) == pytest.approx(-np.log2(np.tanh(starts) / 10).mean(), abs=1e-4)
    assert bits.gap < 1e-3


@pytest.mark.parametrize("name", ["total", "direct", "through"])
def test_effects_over_what_is_called_like_one_are_refused(name):
    k = parameter(name)
    system = System({x: y - k * x, y: x}, start={x: 1, y: 0}, parameters={k: 0.1})
    with pytest.raises(QueryError, match=f"What is swept is called {name}"):
        effects(system, y, x[0], x[2], over={k: [0.1, 0.2]})
    assert comp(system, y, x[0], x[2], over={k: [0.1, 0.2]}).dims == (name,)


def bits_about(system, side):
    """Of starts about W, as far as ``side`` on both sides."""
    starts = Box.of({r: (35 - side, 35 + side)})
    better = -Abs(r - w_end(system))
    return float(optimization_bits(system, r[8], starts, better=better, measure="clamped", A=t))


def test_bits_about_w_do_not_depend_on_how_far():
    system = linear_thermostat(0.2)
    bits = [bits_about(system, side) for side in (0.1, 1, 10)]
    assert bits == pytest.approx([bits[0]] * 3, abs=1e-6)


def w_end(system):
    values = {t: 10.0, r: 35.0}
    for _ in range(8):
        values = {t: values[r] - 25, r: values[r] - 0.2 * values[t]}
    return values[r]
