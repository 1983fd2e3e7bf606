"""Gradient descent on one well, and the Op of its gradient."""

import math

import numpy as np
import sympy
import xarray as xr

from causalopt import (
    System,
    draw,
    gradient_descent,
    newton,
    op,
    parameters,
    plots,
    run,
    variables,
)
from causalopt.derive import Derivation, Equal, Follows, Given, Let
from causalopt.study import Claim, Experiment, Study

SOURCE = '"Modelling and Understanding SGD", the first section'

W, g = variables("W g")
(T,) = parameters("T")
loss = -sympy.exp(-((W - 2) ** 2))

descent = gradient_descent(loss, W, T, start={W: 0}, parameters={T: 0.5})

RATES = (1.0, 0.2, 0.5)
# How long the source's pictures run is not said; T = 0.2 needs the longest.
STEPS = 60


def course():
    """W over time for the three rates of the source."""
    return run(descent.world(steps=STEPS), over={T: RATES})[["W"]].sel(world="W")


def one_rate(rate):
    """The figure of one rate."""

    def paint(data):
        with plots.figure() as (picture, ax):
            plots.over_time(data["W"].sel(T=rate), ax, marker=".")
            ax.axhline(2, color=plots.palette.GREY, lw=0.8)
            ax.set_title(f"T = {rate:g}")
        return picture

    paint.__doc__ = f"W over the steps of descent with T = {rate:g}; the minimum is at 2."
    return paint


def graph(_):
    """W, X and Y as causal networks."""
    base = descent.world(steps=3)
    X = base.perturb(W[0])
    return draw(descent, steps=3, worlds=[base, X, X.clamp(g, to=base)])


def strength():
    """Op of the gradient on W over time, for the three rates."""
    return op(descent, A=g, n=W[0], m=W, steps=STEPS, over={T: RATES})


def strength_over_time(data):
    """With T = 0.5 = 1 / l''(2) each step optimizes more than the one before."""
    with plots.figure() as (picture, ax):
        plots.over_time(data, ax, marker=".")
        ax.set_ylabel("Op(g; W[0], W[t]) [nat]")
        ax.legend()
    return picture


def well():
    """The loss and its gradient."""
    grid = np.linspace(-1, 5, 601)
    held = sympy.Dummy("w")
    parts = {"loss": loss, "gradient": loss.diff(W)}
    curves = {
        name: ("W", sympy.lambdify(held, part.xreplace({W: held}))(grid))
        for name, part in parts.items()
    }
    return xr.Dataset(curves, {"W": grid})


def shape(data):
    """One well, at W = 2."""
    with plots.figure() as (picture, ax):
        for name in ("loss", "gradient"):
            plots.along(data[name], ax, label=name)
        ax.set_ylabel("")
        ax.legend()
    return picture


def path(rate, steps=STEPS):
    """W from 0 at one rate."""
    return run(descent.world(steps=steps), over={T: [rate]})["W"].values.reshape(-1)


def overshoots(rate):
    """How often W passes from one side of 2 to the other, before it is there to 1e-6."""
    off = path(rate) - 2
    off = off[np.abs(off) > 1e-6]
    return int((off[:-1] * off[1:] < 0).sum())


def steps_until(rate, close=0.01, most=200):
    """The number of steps after which W stays within ``close`` of 2."""
    return int(np.flatnonzero(np.abs(path(rate, most) - 2) > close)[-1]) + 1


def continuous_end():
    """W at t = 40 by dW/dt = -l'(W) from 0."""
    system = System.from_ode({W: -loss.diff(W)}, start={W: 0}, dt=0.05, method="rk4")
    return float(run(system.world(steps=800)).W[0, -1])


def best_rate(spikiness):
    """The T that comes closest to the bottom in three steps, for -exp(-c (W - 2)^2) from 1.9."""
    spiky = -sympy.exp(-spikiness * (W - 2) ** 2)
    rates = np.arange(1, 41) / 40
    system = gradient_descent(spiky, W, T, start={W: 1.9}, parameters={T: 0.5})
    ends = run(system.world(steps=3), over={T: rates}).W.sel(world="W").isel(time=-1)
    return float(rates[int(np.argmin(abs(ends.values - 2)))])


def op_is_the_product_of_contractions():
    """Whether Op(g; W[0], W[t]) = -sum_s log|1 - T l''(W_s)| along the run at T = 0.2."""
    off = path(0.2)[:-1] - 2
    curvature = (2 - 4 * off**2) * np.exp(-(off**2))
    expected = -np.cumsum(np.log(np.abs(1 - 0.2 * curvature)))
    computed = op(descent, A=g, n=W[0], m=W[1:], steps=STEPS, over={T: [0.2]}).values.reshape(-1)
    return bool(np.allclose(computed, expected, rtol=1e-9, atol=1e-9))


def newton_ignores_the_scale_of_the_loss():
    """Whether Newton's method moves W alike for l and 1000 l; descent does not."""
    ends = [
        float(run(newton(scale * loss, W, 0.5, start={W: 1.5}).world(steps=5)).W[0, -1])
        for scale in (1, 1000)
    ]
    return math.isclose(*ends, rel_tol=1e-12)


def op_of_descent():
    """Op of the gradient over descent: minus the sum of the logs of the contractions."""
    n, u, c = sympy.symbols("n u c", real=True)
    rate = sympy.Symbol("T", positive=True)
    held, op_before = sympy.symbols("g_W Op_s", real=True)
    before, after = sympy.symbols("p q", real=True, nonzero=True)
    w, y, x_next, y_next = (sympy.Function(name, real=True)(n) for name in ("x", "y", "xn", "yn"))
    slope = sympy.Function("g", real=True)
    factors = sympy.symbols("f_0:3", real=True, nonzero=True)
    return Derivation(
        "Op of the gradient over plain descent",
        source="the definition of Op, for plain descent",
        given=[
            Given(n, "value of W[0], the node that is nudged"),
            Given(u, "any place"),
            Given(rate, "step size"),
            Given(slope(u), "gradient l' at u"),
            Given(w, "W[s] in X"),
            Given(y, "W[s] in Y"),
            Given(held, "gradient of the world W, held in Y"),
            Given(c, "second derivative of the loss at W[s]"),
            Given(before, "dW[s] / dW[0] in X; in Y it is 1"),
            Given(after, "dW[s+1] / dW[0] in X"),
            Given(op_before, "Op up to step s"),
            *(Given(f, f"contraction 1 - T l'' of step {i}") for i, f in enumerate(factors)),
            Let(x_next, w - rate * slope(w), "W[s+1] in X"),
            Let(y_next, y - rate * held, "W[s+1] in Y"),
        ],
        steps=[
            Equal(
                x_next.diff(n),
                (1 - rate * slope(w).diff(w)) * w.diff(n),
                by="chain rule",
                name="one step in X",
            ),
            Equal(y_next.diff(n), y.diff(n), by="the gradient is held: a nudge stays as it is"),
            Follows(
                sympy.Eq(
                    -sympy.log(sympy.Abs(after)), op_before - sympy.log(sympy.Abs(1 - rate * c))
                ),
                since=[
                    sympy.Eq(after, (1 - rate * c) * before),
                    sympy.Eq(op_before, -sympy.log(sympy.Abs(before))),
                ],
                assuming=[sympy.Ne(1 - rate * c, 0)],
                by="Comp = p / 1: each step adds -log|1 - T l''(W[s])|, and Op = 0 at W[0]",
                name="one step more",
            ),
            Equal(
                -sympy.log(sympy.Abs(sympy.Mul(*factors))),
                -sympy.Add(*(sympy.log(sympy.Abs(f)) for f in factors)),
                by="the sum of the logs, for three steps",
            ),
        ],
    )


study = Study(
    name="gradient_descent",
    title="Gradient descent on one well",
    source=SOURCE,
    system=descent,
    experiments=(
        Experiment("well", "The loss and its gradient", well, {"well": shape}),
        Experiment(
            "course",
            "W over time for T = 1, 0.2 and 0.5",
            course,
            {
                "graph": graph,
                "course_1": one_rate(1.0),
                "course_0_2": one_rate(0.2),
                "course_0_5": one_rate(0.5),
            },
            depicts={
                "course_1": ("sgd-modelling/1",),
                "course_0_2": ("sgd-modelling/2",),
                "course_0_5": ("sgd-modelling/3",),
            },
        ),
        Experiment("op", "Op of the gradient over time", strength, {"op": strength_over_time}),
    ),
    claims=(
        Claim(
            "the loss is -exp(-(W - 2)^2), its derivative 2 (W - 2) exp(-(W - 2)^2)",
            SOURCE,
            True,
            lambda: sympy.simplify(loss.diff(W) - 2 * (W - 2) * sympy.exp(-((W - 2) ** 2))) == 0,
        ),
        Claim(
            "continuous descent moves to the bottom of the well and ends with W = 2",
            SOURCE,
            2.0,
            continuous_end,
            1e-9,
        ),
        Claim(
            "T = 1 gives a zig-zag motion: it overshoots at every step near 2",
            SOURCE,
            True,
            lambda: overshoots(1.0) > 10,
        ),
        Claim(
            "T = 0.2 converges quite slowly, without overshooting",
            SOURCE,
            True,
            lambda: overshoots(0.2) == 0 and steps_until(0.2) > 2 * steps_until(0.5),
        ),
        Claim(
            "T = 0.5 is much better than both, 1 / l''(2) being 0.5",
            SOURCE,
            True,
            lambda: 2 * steps_until(0.5) < min(steps_until(0.2), steps_until(1.0)),
        ),
        Claim(
            "the best T depends on how spiky the loss is: 1 / l''(2), for c = 1, 2 and 4",
            SOURCE,
            True,
            lambda: tuple(map(best_rate, (1, 2, 4))) == (0.5, 0.25, 0.125),
        ),
        Claim(
            "Newton's k has no dimension: its run does not depend on the scale of the loss",
            SOURCE,
            True,
            newton_ignores_the_scale_of_the_loss,
        ),
        Claim(
            "Op(g; W[0], W[t]) = -sum_s log|1 - T l''(W_s)|",
            "the definition of Op, for plain descent",
            True,
            op_is_the_product_of_contractions,
        ),
    ),
    derivations=(op_of_descent,),
)
