"""Every backend gives what mathematics gives, and what the reference gives.

A new backend joins by being in ``BACKENDS``: every test here runs for each of its names.
"""

import mpmath
import numpy as np
import pytest
import sympy as sp

from causalopt import (
    EvaluationError,
    QueryError,
    System,
    comp,
    noise,
    op,
    run,
    tangents,
    uniform,
    variables,
)
from tests.backends.cases import (
    BY_NAME,
    GRID,
    INTERVENTIONS,
    ONE,
    SYSTEMS,
    a,
    b,
    contraction,
    diamond,
    feedback,
    growth,
    k,
    lorenz,
    noisy,
    runge_kutta,
    shaken,
    uncertain,
)

x, y = variables("x y")
every = pytest.mark.parametrize("backend", BY_NAME)
other = pytest.mark.parametrize("backend", [name for name in BY_NAME if name.values != ("numpy",)])
# XLA makes one rounding of a product and a sum, so that its last digits are others.
same_rounding = pytest.mark.parametrize("backend", ["numba", "auto"])


def close(found, expected, **given):
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0, equal_nan=True, **given)


#: How many systems share the functions out: a compiler's time grows faster than a system does.
SHARES = 9


@pytest.fixture(scope="module", params=range(SHARES))
def functions(request):
    """A system with one variable per function and point, so that each backend compiles it once."""
    cases = [(function, point) for function, inside in ONE.items() for point in inside]
    formulas, points = zip(*cases[request.param :: SHARES], strict=True)
    xs = variables(" ".join(f"x{i}" for i in range(len(formulas))))
    ys = variables(" ".join(f"y{i}" for i in range(len(formulas))))
    held = {one: one for one in xs}
    made = {v: f(u) for v, u, f in zip(ys, xs, formulas, strict=True)}
    start = dict(zip(xs, points, strict=True)) | dict.fromkeys(ys, 0.0)
    return System(held | made, start=start), list(zip(xs, ys, formulas, points, strict=True))


def exact(function, point, order=0):
    """Value or derivative in 40 digits, from sympy's own evaluation and mpmath's differences."""
    u = sp.Symbol("u", real=True)
    formula = function(u)

    def at(value):
        return mpmath.mpf(sp.N(formula.subs(u, sp.Float(str(value), 40)), 40))

    with mpmath.workdps(40):
        if order == 0:
            return float(at(mpmath.mpf(point)))
        h = mpmath.mpf(10) ** -12
        return float((at(mpmath.mpf(point) + h) - at(mpmath.mpf(point) - h)) / (2 * h))


@every
@pytest.mark.parametrize("number", [0.1 + 0.2, 0.12000000000000001, 1e-300 / 3, -2e22 / 3])
def test_a_number_has_all_the_digits_of_a_float(backend, number):
    """One factor, one rounding: sixteen and seventeen digits are as good as fifteen."""
    system = System({x: number * y, y: y}, start={x: 0, y: 0.75})
    assert run(system.world(steps=1), backend=backend).x.values[0, 1] == number * 0.75
    above = sp.Piecewise((1, y > number), (0, True))
    for near in (number, np.nextafter(number, np.inf)):
        system = System({x: above, y: y}, start={x: 0, y: near})
        found = run(system.world(steps=1), backend=backend).x.values[0, 1]
        assert found == (near > number)


@pytest.mark.sampled(5)
@every
def test_every_function_has_its_value(backend, functions):
    system, rows = functions
    found = run(system.world(steps=1), backend=backend).isel(time=1, world=0)
    for _, made, function, point in rows:
        np.testing.assert_allclose(
            found[made.name].item(), exact(function, point), rtol=1e-13, atol=1e-15
        )


def is_smooth(function, point):
    """Away from kinks and jumps both one-sided derivatives agree."""
    u = sp.Symbol("u", real=True)
    step = 1e-9
    f = sp.lambdify(u, function(u), "mpmath")
    with mpmath.workdps(40):
        left, mid, right = (mpmath.mpf(f(mpmath.mpf(point) + h)) for h in (-step, 0, step))
        return abs(right - left) < 1e-3 and abs(right - 2 * mid + left) < 1e-4 * step


@pytest.mark.sampled(5)
@every
def test_every_function_has_its_derivative(backend, functions):
    system, rows = functions
    W = system.world(steps=1)
    for source, *_ in rows:
        W = W.perturb(source[0])
    found = tangents(W, backend=backend).isel(time=1, world=0)
    smooth = [row for row in rows if is_smooth(row[2], row[3])]
    assert len(smooth) > 0.8 * len(rows)
    for _, made, function, point in smooth:
        np.testing.assert_allclose(
            found[made.name].item(), exact(function, point, 1), rtol=1e-9, atol=1e-12
        )


@every
@pytest.mark.parametrize("extreme", [sp.Max, sp.Min])
def test_at_a_tie_the_first_of_many_arguments_has_its_slope(backend, extreme):
    a, y = variables("a y")
    formula = extreme(2 * a, 3 * a, -5 * a, a**3)
    system = System({a: a, y: formula}, start={a: 0, y: 0})
    found = tangents(system.world(steps=1).perturb(a[0]), backend=backend).isel(time=1, world=0)
    assert found["y"].item() == float(formula.args[0].diff(a).subs(a, 0))


@other
@pytest.mark.parametrize("how", INTERVENTIONS)
@pytest.mark.parametrize("make", SYSTEMS, ids=lambda f: f.__name__)
def test_worlds_agree_with_the_reference(backend, make, how):
    W = make().world(steps=30)
    one = INTERVENTIONS[how](W)
    expected, found = (run(W, one, labels=["W", "V"], backend=x) for x in ("numpy", backend))
    for name in expected:
        close(found[name], expected[name])


@pytest.mark.sampled(3)
@other
@pytest.mark.parametrize("points", [None, 1, 3, 64, 65, 131])
@pytest.mark.parametrize("make", SYSTEMS, ids=lambda f: f.__name__)
def test_measures_agree_with_the_reference(backend, make, points):
    over = None if points is None else {a[0]: GRID[:points]}
    asked = {"A": a[3:300], "n": b[0], "m": b, "steps": 400, "over": over}
    if make is growth:
        asked |= {"A": b, "n": a[0], "m": a}
    expected, found = (comp(make(), **asked, backend=x) for x in ("numpy", backend))
    assert np.isfinite(expected).any()
    assert found.attrs == expected.attrs
    assert found.dims == expected.dims
    # Where the difference at m changes sign it has lost digits already: measured against its size.
    scale = np.nanmax(np.abs(expected.where(np.isfinite(expected))))
    # The tangents of a chaotic run carry the last digits on: see ``same_rounding``.
    rtol = 1e-11 if backend == "jax" else 1e-12
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * scale)


@every
def test_a_swept_point_is_the_point_alone(backend):
    swept = comp(
        feedback(), A=a, n=b[0], m=b, steps=40, over={k: [0.1, 0.2], a[0]: GRID}, backend=backend
    )
    assert swept.dims == ("time", "k", "a[0]")
    for place in (0, 64, 130):
        alone = comp(
            *(feedback(), a, b[0], b),
            steps=40,
            over={k: [0.2], a[0]: GRID[place : place + 1]},
            backend=backend,
        )
        close(swept[:, 1, place], alone[:, 0, 0])


@every
def test_results_without_dims(backend):
    found = comp(feedback(), A=a[1:], n=b[0], m=b[30], backend=backend)
    assert found.shape == ()
    close(found, comp(feedback(), A=a[1:], n=b[0], m=b, steps=30, backend=backend)[-1])


@every
def test_tangents_far_outside_the_range_of_floats(backend):
    # Held at W, a no longer reaches itself: x = 3**t, y = 0. b shrinks as 500**-t, whatever a does.
    vanishing = op(contraction(), A=a, n=b[0], m=b, steps=1000, backend=backend)
    close(vanishing, np.zeros(1001))
    tangent = op(contraction(), A=b[1:], n=a[0], m=a[1000], backend=backend)
    close(tangent, 0.0)
    growing = op(growth(), A=b, n=a[0], m=a, steps=1000, backend=backend)
    close(growing, np.zeros(1001))


# Chains that fill no tile, one, and several; sweeps that share the chains, in another order.
MANY = {
    "one run": {},
    "one chain": {"draws": 1},
    "few chains": {"draws": 3},
    "many chains": {"draws": 200},
    "a sweep of one chain": {"over": {a[0]: GRID}},
    "a sweep of few chains": {"over": {a[0]: GRID}, "draws": 5},
    "a sweep of many chains": {"over": {a[0]: GRID[:3]}, "draws": 70},
}


@same_rounding
@pytest.mark.parametrize("many", MANY)
def test_noise_is_the_same_to_the_last_digit(backend, many):
    W = noisy().world(steps=300, seed=5)
    worlds = W, W.perturb(a[5], by=1.0), W.do(a[3:9], 0.25).clamp(b[20:], to=W)
    expected, found = (
        run(*worlds, labels=["W", "X", "V"], backend=x, **MANY[many]) for x in ("numpy", backend)
    )
    assert found.identical(expected)


@other
@pytest.mark.parametrize("many", MANY)
def test_measures_over_noise_agree_with_the_reference(backend, many):
    asked = {"A": a[3:], "n": b[0], "m": b, "steps": 200, **MANY[many]}
    expected, found = (op(shaken(), **asked, backend=x) for x in ("numpy", backend))
    assert found.dims == expected.dims
    assert np.isfinite(expected).mean() > 0.9
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


@other
def test_stochastic_tables_agree_with_the_reference(backend):
    W = uncertain().world(steps=500, seed=2)
    expected, found = (run(W, draws=90, backend=x) for x in ("numpy", backend))
    assert found.identical(expected)


@same_rounding
def test_long_noisy_runs_keep_what_they_are_asked_to(backend):
    # So long that the compiled loop takes its draws in several pieces.
    W = noisy().world(steps=5_000, seed=1)
    whole = run(W, draws=130, backend="numpy")
    for keep, steps in [("last", [-1]), (1000, slice(None, None, 1000))]:
        found = run(W, draws=130, keep=keep, backend=backend)
        assert found.identical(whole.isel(time=steps))


@every
def test_the_chain_in_which_a_noisy_run_leaves_the_numbers_is_named(backend):
    u = noise("u", uniform(0, 1))
    explosive = System({a: a**2 + u / 1000, b: a}, start={a: 0.0, b: 0.0})
    over = {a[0]: [0.5, 10.0, 1e5]}
    with pytest.raises(EvaluationError, match=r"^a\[6\] is .* a\[0\] = 100000, draw = 0, at a"):
        run(explosive.world(20), over=over, draws=40, backend=backend)


@same_rounding
def test_a_chaotic_run_agrees_to_the_last_digit_where_there_is_only_arithmetic(backend):
    # Sums and products come in the same order, so rounding is the same on any horizon.
    expected, found = (
        op(lorenz(), A=a, n=b[0], m=b, steps=30_000, backend=x) for x in ("numpy", backend)
    )
    close(found, expected)


@other
def test_a_chaotic_run_with_functions_agrees_while_rounding_allows(backend):
    # Differences in the last digit of sin and pow grow at the rate of the largest exponent, about
    # 3 per step here: after 10 steps they are still below 1e-16 * 3**10 = 6e-12.
    chaotic = System({a: sp.sin(3 * a) + 0.1 * b, b: a**3 / 2}, start={a: 0.3, b: 0.1})
    expected, found = (run(chaotic.world(10), backend=x) for x in ("numpy", backend))
    np.testing.assert_allclose(found.a, expected.a, rtol=1e-11)


@every
@pytest.mark.parametrize("over", [None, {a[0]: [3.0, 10.0, 2.0]}, {a[0]: np.linspace(10, 2, 200)}])
def test_what_is_not_finite_is_named(backend, over):
    where = "" if over is None else r" where a\[0\] = 10"
    explosive = System({b: 1 / (a - 10), a: a**2}, start={a: 10.0, b: 0.0})
    with pytest.raises(
        EvaluationError, match=rf"^b\[1\] is infinite \(step 1\){where}, at a\[0\] = 10:"
    ):
        run(explosive.world(20), over=over, backend=backend)
    squares = System({a: a**2, b: a}, start={a: 10.0, b: 0.0})
    with pytest.raises(
        EvaluationError, match=rf"^a\[9\] is infinite \(step 9\){where}, at a\[8\] = 1e\+256:"
    ):
        run(squares.world(20), over=over, backend=backend)


@every
def test_the_square_root_of_a_negative_number_is_refused(backend):
    falling = System({a: sp.sqrt(a) - 1}, start={a: 3.0})
    with pytest.raises(EvaluationError, match=r"^a\[3\] is complex or undefined"):
        run(falling.world(50), backend=backend)


@every
def test_a_choice_inside_a_condition_holds_for_every_draw(backend):
    u = noise("u", uniform(0, 1))
    below = u < sp.Piecewise((0.25, sp.Eq(a, 0)), (0.75, True))
    coin = System(
        {a: sp.Piecewise((1, below), (0, True)), b: sp.Piecewise((a - 2, below), (u, True))},
        start={a: 0.0, b: 0.0},
    )
    found = run(coin.world(steps=20), draws=50, backend=backend).isel(world=0)
    before = found.a.isel(time=slice(0, -1)).values
    after, told = (found[v].isel(time=slice(1, None)).values for v in "ab")
    np.testing.assert_array_equal(told[after == 1], before[after == 1] - 2)
    assert (told[after == 0] >= np.where(before == 0, 0.25, 0.75)[after == 0]).all()
    assert 0.1 < after.mean() < 0.9


@every
@pytest.mark.parametrize("keep", ["last", 1, 7, 1000])
def test_kept_steps_are_those_of_the_whole_run(backend, keep):
    W = runge_kutta().world(steps=100)
    whole, some = run(W, backend=backend), run(W, keep=keep, backend=backend)
    expected = whole.isel(time=[-1] if keep == "last" else slice(None, None, keep))
    assert some.identical(expected)


@every
def test_kept_nodes_are_those_of_the_whole_run(backend):
    system = runge_kutta()
    W, v = system.world(steps=100), system.variables
    whole = run(W, backend=backend)
    for keep, names, steps in [
        (v[1], [v[1].name], slice(0, 101)),
        (v[0][10:20], [v[0].name], slice(10, 20)),
        ([v[0][5], v[1][90:]], [v[0].name, v[1].name], slice(5, 101)),
    ]:
        expected = whole[names].isel(time=steps)
        assert run(W, keep=keep, backend=backend).identical(expected)


@every
def test_kept_nodes_of_a_network_are_those_of_the_whole_run(backend):
    network, end = diamond()
    W, kept = network.world(), [end, a]
    whole = run(W, backend=backend)
    assert run(W, keep=kept, backend=backend).identical(whole.sel(node=[str(x) for x in kept]))


@pytest.mark.parametrize(
    ("keep", "said"),
    [(0, "whole number k"), (None, "whole number k"), ([], "names no nodes"), ("a", "last")],
)
def test_what_cannot_be_kept_is_refused(keep, said):
    with pytest.raises(QueryError, match=said):
        run(runge_kutta().world(steps=3), keep=keep)


def test_a_network_has_no_steps_to_keep():
    with pytest.raises(QueryError, match="has no steps"):
        run(diamond()[0].world(), keep=3)


@every
def test_networks_agree_with_the_chain_rule(backend):
    network, end = diamond()
    W = network.world()
    grid = np.linspace(0.2, 1.4, 9)
    found = tangents(W.perturb(a), over={a: grid}, backend=backend).value.sel(world="X")
    u, at = sp.Symbol("u"), network.value(k)
    second = u**2 + at
    third = sp.sin(u * second)
    last = sp.Max(second, third) * third - sp.exp(-second)
    for i, point in enumerate(grid):
        step = 1e-12
        with mpmath.workdps(40):
            f = sp.lambdify(u, last, "mpmath")
            p = mpmath.mpf(point)
            slope = float((f(p + step) - f(p - step)) / (2 * step))
        np.testing.assert_allclose(found.sel(node=str(end))[i], slope, rtol=1e-12)


@other
def test_networks_agree_with_the_reference(backend):
    network, end = diamond()
    for asked in ({"A": b}, {"A": b, "delta": 0.1}, {"A": variables("c"), "over": {k: GRID}}):
        expected, found = (
            comp(network, n=a, m=end, **asked, backend=x) for x in ("numpy", backend)
        )
        close(found, expected)


@every
@pytest.mark.parametrize("step", [sp.Heaviside, lambda u: sp.Heaviside(u, 1), sp.sign])
def test_a_step_of_what_is_no_number_is_none(step, backend):
    system = System({x: x, y: step(sp.log(-x))}, start={x: 0.7, y: 0})
    with pytest.raises(EvaluationError):
        run(system.world(1), backend=backend)


@every
def test_the_sign_of_either_zero_is_zero(backend):
    # Of -0 the angle would be -pi: what is behind, on the other side.
    system = System({x: x, y: sp.atan2(sp.sign(x), y - 1)}, start={x: 0.0, y: 0.3})
    zeros = np.array([-0.0, 0.0] * 5)
    found = run(system.world(1), over={x[0]: zeros}, backend=backend).y.values[0, 1]
    assert found.tolist() == [np.pi] * 10


@every
@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1, 2**63, 10**20, -(10**30)])
def test_whole_numbers_of_any_size_are_floats(number, backend):
    branch = sp.Piecewise((number, x > 5), (x, True))
    system = System({x: x, y: branch}, start={x: 0.7, y: 0})
    found = run(system.world(1), over={x[0]: [0.7, 6.0]}, backend=backend).y.values[0, 1]
    assert found.tolist() == [0.7, float(number)]
