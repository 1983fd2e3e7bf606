"""Descent as systems: against loops written by hand and closed forms."""

import itertools
import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    DeclarationError,
    EvaluationError,
    TooLargeError,
    gradient_descent,
    langevin,
    newton,
    op,
    parameters,
    run,
    sgd,
    variables,
)
from causalopt.processes import Adam, Momentum, Plain
from causalopt.processes.curvature import products_of_step

W, V, g = variables("W V g")
(T,) = parameters("T")
l0 = -sympy.exp(-((W - 2) ** 2))
l1 = l0 - sympy.exp(-100 * (W - 1) ** 2)


def slope0(w):
    return 2 * (w - 2) * math.exp(-((w - 2) ** 2))


def slope1(w):
    return slope0(w) + 200 * (w - 1) * math.exp(-100 * (w - 1) ** 2)


def curvature(w):
    """The second derivative of (l0 + l1) / 2."""
    wide = (2 - 4 * (w - 2) ** 2) * math.exp(-((w - 2) ** 2))
    pit = (200 - 40_000 * (w - 1) ** 2) * math.exp(-100 * (w - 1) ** 2)
    return wide + pit / 2


def test_five_steps_on_l0_leave_the_pit():
    found = run(gradient_descent(l0, W, 0.05, start={W: 1.004}).world(steps=5)).W
    assert float(found[0, -1]) == pytest.approx(1.2006, abs=5e-5)
    assert float(found[0, -2]) < 1.1959565137 < float(found[0, -1])


@settings(deadline=None)
@given(st.floats(0.3, 3.5), st.floats(0.001, 0.05))
def test_descent_is_the_loop_written_by_hand(w, rate):
    system = gradient_descent((l0 + l1) / 2, W, T, start={W: w}, parameters={T: rate})
    found = run(system.world(steps=6), backend="numpy")
    for step in range(6):
        moved = (slope0(w) + slope1(w)) / 2
        w -= rate * moved
        assert float(found.g[0, step + 1]) == pytest.approx(moved, rel=1e-6, abs=1e-9)
        assert float(found.W[0, step + 1]) == pytest.approx(w, rel=1e-6, abs=1e-9)


@settings(deadline=None)
@given(st.floats(0.3, 3.5), st.floats(0.001, 0.02))
def test_op_of_plain_descent_is_the_product_of_contractions(w, rate):
    system = gradient_descent((l0 + l1) / 2, W, rate, start={W: w})
    path = run(system.world(steps=20), backend="numpy").W.values[0]
    factors = [abs(1 - rate * curvature(one)) for one in path[:-1]]
    if min(factors) < 1e-6:
        return
    expected = -np.cumsum(np.log(factors))
    found = op(system, A=g, n=W[0], m=W, steps=20, backend="numpy").values
    assert found[0] == 0
    assert np.allclose(found[1:], expected, rtol=1e-8, atol=1e-8)


def test_op_of_the_rate_can_be_swept():
    system = gradient_descent((W - 2) ** 2, W, T, start={W: 0}, parameters={T: 0.1})
    rates = [0.05, 0.1, 0.4]
    found = op(system, A=g, n=W[0], m=W[7], over={T: rates}).values
    assert np.allclose(found, [-7 * math.log(1 - 2 * rate) for rate in rates], rtol=1e-12)


def test_several_parameters_descend_along_the_gradient():
    loss = W**2 + W * V + 3 * V**2
    system = gradient_descent(loss, [W, V], 0.1, start={W: 1, V: -2})
    found = run(system.world(steps=4))
    state, matrix = np.array([1.0, -2.0]), np.array([[2.0, 1.0], [1.0, 6.0]])
    for _ in range(4):
        state = state - 0.1 * matrix @ state
    assert np.allclose([found.W[0, -1], found.V[0, -1]], state, rtol=1e-12)
    assert {"g_W", "g_V"} <= set(found.data_vars)


def test_newton_solves_a_quadratic_in_one_step_and_squares_the_error():
    loss = W**2 + W * V + 3 * V**2 - W
    found = run(newton(loss, [W, V], start={W: 5, V: 7}).world(steps=1))
    solution = np.linalg.solve([[2, 1], [1, 6]], [1, 0])
    assert np.allclose([found.W[0, 1], found.V[0, 1]], solution, atol=1e-12)
    path = run(newton(sympy.cosh(W) + W**3 / 6, W, start={W: 0.1}).world(steps=3)).W.values[0]
    # l' = sinh W + W^2 / 2: the error squares, times l'''/(2 l'') = 1/2.
    assert path[2] / path[1] ** 2 == pytest.approx(0.5, rel=0.02)


def test_newton_fits_a_logistic_loss_of_three_weights_as_numpy_does():
    weights = variables("w0 w1 w2")
    generator = np.random.default_rng(3)
    X, y = generator.integers(-9, 10, (20, 3)) / 4, generator.choice([-1, 1], 20)
    scores = [sum(sympy.Rational(a) * w for a, w in zip(x, weights, strict=True)) for x in X]
    loss = sum(
        sympy.log(1 + sympy.exp(-int(label) * z)) for label, z in zip(y, scores, strict=True)
    )
    loss += sum(w**2 for w in weights) / 10
    system = newton(loss, weights, start=dict.fromkeys(weights, 0))
    found = run(system.world(steps=4))
    w = np.zeros(3)
    for step in range(1, 5):
        p = 1 / (1 + np.exp(y * (X @ w)))
        gradient = -X.T @ (y * p) + w / 5
        w = w - np.linalg.solve((X.T * (p * (1 - p))) @ X + np.eye(3) / 5, gradient)
        assert np.allclose([found[str(v)][0, step] for v in weights], w, rtol=1e-9)
    assert {"g_w0", "H_w0_w1", "s_w2"} <= set(found.data_vars)


def test_newton_needs_no_pivot():
    # a saddle: both diagonal second derivatives are 0 where it starts
    found = run(newton(W * V + W**3 + V**4, [W, V], start={W: 0, V: 0.5}).world(steps=1))
    step = np.linalg.solve([[0, 1], [1, 3]], [0.5, 0.5])
    assert np.allclose([found.W[0, 1], found.V[0, 1]], np.array([0, 0.5]) - step)


def test_newton_refuses_what_is_too_large_and_what_bends_nowhere():
    many = variables(" ".join(f"w{i}" for i in range(12)))
    coupled = sympy.exp(sum(many)) + sum(w**4 for w in many)
    with pytest.raises(TooLargeError, match=r"12 parameters .* fit fewer parameters"):
        newton(coupled, many, start=dict.fromkeys(many, 1))
    flat = sympy.exp(sympy.sin(W) ** 2 + sympy.cos(W) ** 2 + V) * 2  # W does not bend it
    for loss in (flat, (W + V) ** 2, sympy.exp(W + V)):
        with pytest.raises(DeclarationError, match="determinant 0"):
            newton(loss, [W, V], start={W: 0, V: 0})


def test_sgd_follows_the_losses_that_it_picks():
    system = sgd([l0, l1], W, 0.02, start={W: 1.1})
    found = run(system.world(steps=60, seed=5)).sel(world="W")
    picks, path = found.j.values[1:], found.W.values
    assert set(picks) == {0.0, 1.0}
    # Step by step, because rounding grows in the pit: T l1'' is 4 there.
    for pick, w, after in zip(picks, path[:-1], path[1:], strict=True):
        expected = w - 0.02 * (slope1(w) if pick else slope0(w))
        assert after == pytest.approx(expected, rel=1e-13)


def test_a_batch_is_the_mean_of_its_picks_and_weights_are_kept():
    system = sgd([W, 3 * W, 5 * W], W, 1.0, batch=2, start={W: 0}, weights=[0.5, 0.5, 0])
    found = run(system.world(steps=400), draws=20).sel(world="W").isel(time=slice(1, None))
    assert np.allclose(found.g, (1 + 2 * found.j1 + 1 + 2 * found.j2) / 2)
    assert set(np.unique(found.j1)) == {0.0, 1.0}
    # Two picks of +-1 about 2: variance 1/2 a step.
    assert float(found.g.mean()) == pytest.approx(2, abs=5 * (0.5 / 8000) ** 0.5)


def test_the_variance_of_a_flat_loss_grows_by_the_rate_squared_a_step():
    found = run(sgd([W, -W], W, 0.3, start={W: 0}).world(steps=30), draws=20_000, keep="last").W
    exact = 30 * 0.3**2
    assert float(found.var()) == pytest.approx(exact, abs=5 * exact * (2 / 20_000) ** 0.5)


def test_momentum_without_memory_is_plain_descent():
    plain = gradient_descent(l1, W, 0.004, start={W: 1.1}, update=Plain())
    heavy = gradient_descent(l1, W, 0.004, start={W: 1.1}, update=Momentum(0))
    assert np.allclose(
        run(plain.world(steps=40)).W, run(heavy.world(steps=40)).W, rtol=1e-12, atol=0
    )


@pytest.mark.parametrize("update", [Momentum(0.9), Adam(0.9, 0.99, 1e-8)])
def test_rules_with_memory_are_the_loops_of_their_papers(update):
    found = run(gradient_descent(l0, W, 0.05, start={W: 1}, update=update).world(steps=25)).W
    w, first, second = 1.0, 0.0, 0.0
    for step in range(1, 26):
        slope = slope0(w)
        if isinstance(update, Momentum):
            first = 0.9 * first + slope
            w -= 0.05 * first
        else:
            first = 0.9 * first + 0.1 * slope
            second = 0.99 * second + 0.01 * slope**2
            size = math.sqrt(second / (1 - 0.99**step))
            w -= 0.05 * first / (1 - 0.9**step) / (size + 1e-8)
        assert float(found[0, step]) == pytest.approx(w, rel=1e-9)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: sgd([], W, 0.1, start={W: 0}), "no loss"),
        (lambda: sgd([W**2], W, 0.1, batch=0, start={W: 0}), "1 or more"),
        (lambda: sgd([W, -W], W, 0.1, start={W: 0}, weights=[0.5, 0.6]), "sum to 1.1"),
        (lambda: sgd([W, -W], W, 0.1, start={W: 0}, weights=[1]), "2 values and 1 weights"),
        (lambda: gradient_descent(W**2, W, 0, start={W: 0}), "above 0"),
        (lambda: gradient_descent(W**2, W, -1, start={W: 0}), "above 0"),
        (lambda: gradient_descent(W**2, W, T, start={W: 0}), r"parameters=\{T: 0.1\}"),
        (lambda: gradient_descent(W**2, W, 0.1, start={}), "no start value"),
        (lambda: gradient_descent("W**2", W, 0.1, start={W: 0}), "never parsed"),
        (lambda: gradient_descent(sympy.I * W, W, 0.1, start={W: 0}), "complex"),
        (lambda: gradient_descent(sympy.floor(W), W, 0.1, start={W: 0}), r"floor\(W\).*only moves"),
        (lambda: sgd([W**2, sympy.Heaviside(W)], W, 0.1, start={W: 0}), "loss 1, W only moves"),
        (lambda: newton(sympy.sign(W - 2), W, start={W: 0}), "only moves jumps"),
        (
            lambda: gradient_descent(
                sympy.Piecewise((T, W < 0), (1, True)), W, T, start={W: 0}, parameters={T: 1}
            ),
            "only moves jumps",
        ),
        (lambda: gradient_descent(sympy.besselj(W, 1), W, 0.1, start={W: 0}), "no derivative"),
        (lambda: sgd([W, V], W, 0.1, start={W: 0}), r"loss 1 uses V.*with \[W, V\]"),
        (lambda: sgd([W**2 + T, W], W, 0.1, start={W: 0}), r"loss 0 uses T.*parameters=\{T: "),
        (lambda: gradient_descent(W**2 + V, W, 0.1, start={W: 0}), "the loss uses V"),
        (lambda: newton(W**2 + T, W, start={W: 0}), "the loss uses T"),
        (lambda: langevin(W**2 + V, W, 0.1, 0.1, start={W: 0}), "the loss uses V"),
        (lambda: sgd([W**2, 3], [W, V], 0.1, start={W: 0, V: 0}), "V is in no loss"),
        (lambda: gradient_descent(sympy.Integer(3), W, 0.1, start={W: 0}), "W is in no loss"),
        (lambda: gradient_descent(g**2, g, 0.1, start={g: 0}), "another name"),
        (lambda: gradient_descent(W**2, [W, W], 0.1, start={W: 0}), "twice"),
        (lambda: gradient_descent(W**2, T, 0.1, start={}), "write a variable"),
        (lambda: newton(3 * W, W, start={W: 0}), "determinant 0"),
        (lambda: Momentum(1), "below 1"),
        (lambda: Adam(second=1.5), "below 1"),
        (lambda: Adam(small=0), "above 0"),
    ],
)
def test_impossible_descents_are_refused(make, told):
    with pytest.raises(DeclarationError, match=told):
        make()


def test_each_of_many_losses_may_be_of_some_parameters():
    both = sgd([W**2, V**2 + T, 3], [W, V], 0.1, start={W: 1, V: 1}, parameters={T: 1})
    assert set(both.variables) >= {W, V}


def test_a_loss_that_is_not_real_where_the_run_goes_names_the_point():
    system = gradient_descent(sympy.log(W) + sympy.sqrt(W), W, 0.5, start={W: 0.1})
    point = 0.1 - 0.5 * (1 / 0.1 + 0.5 / 0.1**0.5)
    with pytest.raises(EvaluationError, match=rf"^g\[2\] .* \(step 2\), at W\[1\] = {point:.6g}: "):
        run(system.world(steps=10))


@pytest.mark.parametrize(
    ("loss", "slope"),
    [
        (abs(W), 1),
        (-abs(W), -1),
        (sympy.Max(W, -2 * W), 1),
        (sympy.Min(3 * W, W**2), 3),
        (W**2 + sympy.Heaviside(W), 0),
        (W * sympy.sign(W) + 2 * W, 2),
    ],
)
def test_at_a_kink_the_slope_is_that_of_the_branch_taken(loss, slope):
    system = gradient_descent(loss, W, 0.5, start={W: 0.0})
    assert run(system.world(steps=1)).W.values.tolist() == [[0.0, -0.5 * slope]]


def test_a_whole_number_of_numpy_is_a_batch():
    losses = [(W - 1) ** 2, (W + 1) ** 2]
    ours, same = (sgd(losses, W, 0.1, two, start={W: 0}) for two in (np.int64(2), 2))
    assert ours.mechanisms == same.mechanisms


@pytest.mark.parametrize(
    "method",
    [
        lambda loss, W: gradient_descent(loss, W, 0.1, start={W: 1}),
        lambda loss, W: gradient_descent(loss, W, 0.1, start={W: 1}, update=Momentum(0.5)),
        lambda loss, W: newton(loss, W, start={W: 1}),
        lambda loss, W: sgd([W**2, loss], W, 0.1, start={W: 1}),
        lambda loss, W: langevin(loss, W, 0.1, 0.1, start={W: 1}),
    ],
)
def test_a_loss_is_of_the_values_before_the_step(method):
    for shifted in (W.next, W.lag(2), V.next):
        for loss in (shifted**2, W**2 + shifted, W * shifted):
            with pytest.raises(DeclarationError, match=r"a loss is of the values.*write [WV]"):
                method(loss, W)


@pytest.mark.long
def test_what_newton_would_multiply_out_without_end_is_refused():
    x = variables("x", count=30)
    start = dict.fromkeys(x, 0.1)
    for count in (8, 9, 30):
        dense = sum(sympy.exp(a * b) for a in x[:count] for b in x[:count])
        with pytest.raises(TooLargeError, match=f"Newton's step of {count} parameters"):
            newton(dense, x[:count], start=start)
    apart = newton(sum(v**4 for v in x), x, start=start)
    chain = sum((a - b) ** 4 for a, b in itertools.pairwise(x[:9])) + x[0] ** 4
    assert len(apart.variables) == 4 * 30
    assert newton(chain, x[:9], start={v: start[v] for v in x[:9]})


@settings(deadline=None)
@given(st.integers(1, 4), st.data())
def test_products_are_counted_as_they_are_multiplied_out(size, data):
    zeros = data.draw(st.lists(st.booleans(), min_size=size**2, max_size=size**2))
    H = sympy.Matrix(
        size, size, lambda i, j: 0 if zeros[i * size + j] else sympy.Symbol(f"h{i}_{j}")
    )
    g = sympy.Matrix(size, 1, sympy.symbols(f"g0:{size}"))

    def terms(matrix):
        whole = sympy.expand(matrix.det(method="berkowitz"))
        return len(sympy.Add.make_args(whole)) if whole else 0

    def replaced(j):
        matrix = H.copy()
        matrix[:, j] = g
        return matrix

    counted = size * terms(H) + sum(terms(replaced(j)) for j in range(size))
    assert products_of_step(H.tolist(), 10**6) == counted


@pytest.mark.parametrize(("batch", "losses"), [(10**6, 2), (10**12, 1), (100, 51)])
def test_batches_that_are_too_large(batch, losses):
    with pytest.raises(TooLargeError, match=f"A batch of {batch:,} picks among {losses} losses"):
        sgd([(W - i) ** 2 for i in range(losses)], W, 0.1, start={W: 1}, batch=batch)


@pytest.mark.parametrize(
    "ask",
    [
        *(lambda rule=rule: gradient_descent(W**2, W, 0.1, start={W: 1}, update=rule)
          for rule in ("adam", None, 0.9, Adam, {})),
        lambda: sgd([W**2], W, 0.1, start={W: 1}, update="momentum"),
        lambda: sgd(W**2, W, 0.1, start={W: 1}),
        lambda: sgd(3, W, 0.1, start={W: 1}),
        lambda: gradient_descent(W**2, W, 0.1, start=1),
        lambda: gradient_descent(W**2, W, 0.1, start={W: 1}, parameters=3),
    ],
)  # fmt: skip
def test_what_is_no_rule_loss_or_start(ask):
    with pytest.raises(DeclarationError, match=r"(update|losses|start|parameters) is .*: write"):
        ask()
