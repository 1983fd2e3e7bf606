"""The backend of arrays on systems of numbers: it agrees with the reference, or leaves them to it.

All of the conformance suite runs for it too, in the long run: XLA compiles each plan for a second.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from causalopt import (
    DeclarationError,
    EvaluationError,
    QueryError,
    System,
    array,
    comp,
    function,
    gradients,
    op,
    parameters,
    run,
    tangents,
    variables,
)
from tests.backends.cases import a, b, lorenz, noisy, shaken

x, y = variables("x y")
(k,) = parameters("k")


def test_values_tangents_and_sweeps_agree():
    over = {a[0]: np.linspace(-1, 3, 5)}
    asked = {"A": a[3:40], "n": b[0], "m": b, "steps": 60}
    for given in ({}, {"over": over}, {"over": over, "delta": 1e-4}):
        expected, found = (comp(lorenz(), **asked, **given, backend=z) for z in ("numpy", "jax"))
        assert found.dims == expected.dims
        np.testing.assert_allclose(found, expected, rtol=1e-10 if given else 1e-12, atol=1e-12)


def test_it_sees_the_same_noise():
    W = noisy().world(steps=60, seed=5)
    worlds = W, W.perturb(a[5], by=1.0), W.do(a[3:9], 0.25).clamp(b[20:], to=W)
    for many in ({}, {"draws": 7}, {"draws": range(3, 6), "over": {a[0]: [0.5, 1.0]}}):
        expected, found = (
            run(*worlds, labels=["W", "X", "V"], backend=z, **many) for z in ("numpy", "jax")
        )
        assert found.attrs == expected.attrs
        for name in expected:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-12, atol=1e-13)
    asked = {"A": a[3:], "n": b[0], "m": b, "steps": 60, "draws": 5}
    expected, found = (op(shaken(), **asked, backend=z) for z in ("numpy", "jax"))
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


def test_every_kind_of_formula_is_worked_out():
    formulas = [
        sp.Max(x, y / 2, 0.3) + sp.Min(x, y),
        sp.Piecewise((x**2, (x < 1) & (y > 0)), (sp.sqrt(y + 2), y > -2), (y, True)),
        sp.Mod(x, 0.7) + sp.floor(x) + sp.ceiling(y) + sp.sign(x) * sp.Abs(y) + sp.frac(x),
        sp.sin(x) * sp.cosh(y) + sp.atan2(x, 1 + y**2) + sp.log(1 + x**2) + sp.sinc(x),
        sp.erf(x) + sp.gamma(1 + y**2) + sp.loggamma(2 + x**2) + sp.Heaviside(x - 0.5),
        (1 + x**2) ** k + (2 + y) ** sp.Rational(-1, 2) + x**-3 + sp.exp(-y) / (1 + sp.exp(x)),
    ]
    ones = variables(f"v0:{len(formulas)}")
    system = System(
        {**dict(zip(ones, formulas, strict=True)), x: x * 0.9 + 0.1, y: y / 2 + x / 5},
        start={**dict.fromkeys(ones, 0), x: 0.4, y: 1.5},
        parameters={k: 1.7},
    )
    W = system.world(steps=5)
    expected, found = (run(W, W.perturb(x[0], by=0.1), backend=z) for z in ("numpy", "jax"))
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12, atol=1e-13)
    for one in (ones[0], ones[1], ones[3], ones[4], ones[5]):
        asked = {"A": y, "n": x[0], "m": one[1:], "steps": 4}
        expected, found = (comp(system, **asked, backend=z) for z in ("numpy", "jax"))
        np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_what_jax_lacks_is_left_to_the_reference():
    system = System({x: sp.LambertW(x) + y, y: y / 2}, start={x: 1, y: 1})
    expected, found = (run(system.world(steps=4), backend=z) for z in ("numpy", "jax"))
    assert found.identical(expected)


def test_slopes_that_read_nothing_over_nothing_are_left_to_the_reference():
    system = System({x: sp.Abs(x) ** sp.Rational(5, 2) + y, y: y / 2}, start={x: 0, y: 0})
    asked = {"A": y[2:], "n": y[0], "m": x, "steps": 4}
    expected, found = (op(system, **asked, backend=z) for z in ("numpy", "jax"))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("over", [None, {x[0]: [3.0, 10.0, 2.0]}])
def test_what_is_not_finite_is_named(over):
    where = "" if over is None else r" where x\[0\] = 10"
    explosive = System({y: 1 / (x - 10), x: x**2}, start={x: 10.0, y: 0.0})
    told = rf"^y\[1\] is infinite \(step 1\){where}"
    with pytest.raises(EvaluationError, match=told):
        run(explosive.world(steps=12), over=over, backend="jax")


def test_what_is_finite_may_overflow_in_a_sum():
    """A step is looked at closely where the sum of its numbers is not finite."""
    h = array("h", 2)
    for sign in (1, -1):
        large = [1.5e308, sign * 1.5e308]
        mechanisms, start = {h: -h, x: x + 1}, {h: large, x: 0}
        held = run(System(mechanisms, start=start).world(steps=6)).h
        assert held.values[0, -1].tolist() == large
        explosive = System({**mechanisms, y: 1 / (x - 3)}, start={**start, y: 0})
        with pytest.raises(EvaluationError, match=r"^y\[4\] is infinite \(step 4\)"):
            run(explosive.world(steps=6))


@pytest.mark.parametrize(("keep", "steps"), [("all", 2), ("last", 7), (5, 7)])
def test_what_stays_infinite_is_told_where_it_began(keep, steps):
    """What adds to itself is looked at only after all steps; what goes back, in each of them."""
    h = array("h", 2)
    growing, start = {h: h + h * h}, {h: [1.0, 1e100]}
    with pytest.raises(EvaluationError, match=r"^h\[2\] is infinite \(step 2\)"):
        run(System(growing, start=start).world(steps=steps), keep=keep)
    held = System(growing, start=start).world(steps=steps).do(h[2:], [0.0, 1.0])
    assert run(held, keep="last").h.values[0, 0].tolist() == ([0.0, 1.0])
    mixed = System({**growing, x: 1 / (x - 1)}, start={**start, x: 1.0})
    with pytest.raises(EvaluationError, match=r"^x\[1\] is infinite \(step 1\)"):
        run(mixed.world(steps=steps), keep=keep)


@pytest.mark.parametrize("keep", ["last", 1, 3, 7, 100])
def test_what_is_kept_is_of_the_whole_run(keep):
    W = lorenz().world(steps=20)
    X = W.clamp(a[4:9], to=W.perturb(b[2], by=0.5))
    whole, some = run(X, backend="jax"), run(X, keep=keep, backend="jax")
    expected = whole.isel(time=[-1] if keep == "last" else slice(None, None, keep))
    for name in expected:
        np.testing.assert_allclose(some[name], expected[name], rtol=1e-13)


def test_tangents_of_a_long_run_keep_their_scale():
    for rate in (sp.Rational(1, 8), 5):
        system = System({x: rate * x + y / 3, y: x / 7}, start={x: 1, y: 1})
        asked = {"A": y, "n": x[0], "m": x, "steps": 2_000}
        expected, found = (op(system, **asked, backend=z) for z in ("numpy", "jax"))
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)
        swept = op(system, **asked, over={y[0]: [0.0, 1.0]}, backend="jax")
        np.testing.assert_allclose(swept.T, [expected, expected], rtol=1e-11, atol=1e-11)


h = array("h", 3)


def stepped(f):
    return System({h: function(f)(h)}, start={h: np.ones(3)})


def called(f):
    """A call back into Python."""
    return lambda v: jax.pure_callback(f, jax.ShapeDtypeStruct((3,), jnp.float64), v)


def doubled(v):
    return jax.lax.while_loop(lambda c: c.sum() < 100, lambda c: c * 2, v)


@jax.custom_vjp
def backwards(v):
    return v * 2


backwards.defvjp(lambda v: (v * 2, None), lambda _, slope: (slope * 2,))


def test_a_loop_without_an_end_passes_differences_along_and_is_told_back():
    W = stepped(doubled).world(steps=1)
    exact = tangents(W.perturb(h[0], along=[1, 0, 0]), keep="last").h.values.ravel()
    np.testing.assert_allclose(exact, [64, 0, 0])
    with pytest.raises(QueryError, match=r"functions doubled: a loop .*jax.lax.scan"):
        gradients(W, h[1].part[0], by=[h[0]])


@pytest.mark.parametrize(
    ("f", "told"),
    [
        (called(lambda v: np.asarray(v) * 2), "calls back into Python.*jax.numpy"),
        (backwards, "functions backwards: its own derivative goes back alone"),
    ],
)
def test_a_derivative_that_jax_does_not_see_is_told(f, told):
    run(stepped(f).world(steps=2))
    with pytest.raises(QueryError, match=told):
        op(stepped(f), A=h.part[0], n=h[0].part[1], m=h[2].part[2])


def test_an_error_that_stops_a_run_is_told(capfd):
    def refuses(v):
        raise RuntimeError("no luck\nat all")

    with pytest.raises(EvaluationError, match="stopped the run, one of <lambda>: no luck at all"):
        run(stepped(called(refuses)).world(steps=2))
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_value_that_is_kept_from_one_call_to_the_next_is_told():
    kept = []

    def remembering(v):
        kept.append(v)
        return v + kept[len(kept) - 2]

    for _ in range(2):
        with pytest.raises(DeclarationError, match="gives another thing each time"):
            stepped(remembering)


def test_a_zeta_that_jax_lacks_is_left_to_the_reference():
    system = System({x: sp.zeta(x + 2)}, start={x: 1.7})
    W = system.world(steps=2)
    assert run(W, backend="jax").equals(run(W, backend="numpy"))
