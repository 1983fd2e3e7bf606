"""What the step size does in the pit, as a temperature."""

import functools
import itertools

import numpy as np
import sympy
import xarray as xr

from causalopt import (
    System,
    escape_probability,
    gradient_descent,
    parameters,
    plots,
    run,
    sgd,
    variables,
)
from causalopt.study import Claim, Experiment, Reason, Study

SOURCE = '"Modelling and Understanding SGD", "SGD and Local Minima"'
MONTE_CARLO = '"Modelling and Understanding SGD", "Monte Carlo"'

(W,) = variables("W")
(T,) = parameters("T")
l0 = -sympy.exp(-((W - 2) ** 2))


def second_loss(depth=1):
    """l1, with a pit of some depth."""
    return l0 - depth * sympy.exp(-100 * (W - 1) ** 2)


l1 = second_loss()
L = (l0 + l1) / 2


def function(formula):
    """A formula in W as a function of arrays."""
    held = sympy.Dummy("w")
    return sympy.lambdify(held, formula.xreplace({W: held}))


@functools.cache
def stationary(loss=l1):
    """The bottom of a loss' pit, and the top of its wall."""
    from scipy.optimize import brentq

    slope = function(loss.diff(W))
    return tuple(float(brentq(slope, *ends, xtol=1e-14)) for ends in ((0.95, 1.1), (1.1, 1.6)))


BOTTOM, TOP = stationary()


def stochastic(rate, depth=1):
    """SGD from the bottom of the pit."""
    start = {W: stationary(second_loss(depth))[0]}
    return sgd([l0, second_loss(depth)], W, T, start=start, parameters={T: rate})


def path(rate, steps, start, loss):
    """W along a descent."""
    return run(gradient_descent(loss, W, rate, start={W: start}).world(steps=steps)).W.values[0]


@functools.cache
def escape_by_100(rate):
    """The probability to have passed the wall by step 100."""
    # The slopes of l1 are below 9, so that no step leads lower.
    below = min(0.8, 1 - 9 * rate)
    chances = escape_probability(stochastic(rate), (below, TOP), 100, cells=16_000)
    return float(chances.escaped[0])


# -- experiments ---------------------------------------------------------------------------------


def against_rate():
    """The probability of escape by 100 steps, for T from 0.01 to 1."""
    rates = np.union1d(np.geomspace(0.01, 1, 21), [0.2])
    return xr.Dataset({"escaped": ("T", [escape_by_100(float(r)) for r in rates])}, {"T": rates})


def rate_figure(data):
    """Escape is likelier the larger T is, until jumps lead to where the loss is flat."""
    with plots.figure() as (picture, ax):
        plots.along(data["escaped"], ax, marker=".")
        ax.set(xscale="log", ylabel="escaped by step 100")
    return picture


# -- claims --------------------------------------------------------------------------------------


def steps_out(rate):
    """How many steps of descent on l0 lead from the bottom of the pit over its wall."""
    return int(np.argmax(path(rate, round(0.5 / rate), BOTTOM, l0) > TOP))


def time_out():
    """The time from there to there by continuous descent on l0: int dW / -l0'."""
    from scipy.integrate import quad

    slope = function(l0.diff(W))
    return quad(lambda w: -1 / slope(w), BOTTOM, TOP)[0]


def continuous(until):
    """W by continuous descent on L from 0."""
    size = 0.005
    system = System.from_ode({W: -L.diff(W)}, start={W: 0}, dt=size, method="rk4")
    return float(run(system.world(steps=round(until / size))).W[0, -1])


def off_continuous(rate, until=4):
    """How far descent at some T is from continuous descent, at one time."""
    return abs(path(rate, round(until / rate), 0, L)[-1] - continuous(until))


def small_steps_converge():
    """Whether the distance is halved as T is, and W is beyond 70 after one step of T = 1000."""
    apart = [off_continuous(rate) for rate in (0.008, 0.004, 0.002)]
    halved = all(abs(a / b - 2) < 0.05 for a, b in itertools.pairwise(apart))
    far = path(1000, 100, 0, L)
    return halved and apart[-1] < 1e-2 and bool((far[1:] > 70).all())


def the_larger_the_likelier():
    """Whether the probability of escape by 100 steps rises with T from 0.01 to 0.2."""
    chances = [escape_by_100(rate) for rate in (0.01, 0.015, 0.02, 0.03, 0.05, 0.2)]
    return bool((np.diff(chances) > 0).all())


def too_large():
    """Whether it rises to 1 - 5e-5 at T = 0.03, and is 0.868 at T = 0.2."""
    chances = [escape_by_100(rate) for rate in (0.01, 0.015, 0.02, 0.03)]
    rises = bool((np.diff(chances) > 0).all()) and chances[-1] > 1 - 1e-4
    # After the steepest step left, a step back to the right is of T l0', less than 0.01.
    lowest = 1.07 - 0.2 * float(function(l1.diff(W))(1.07))
    flat = abs(0.2 * float(function(l0.diff(W))(lowest))) < 0.01
    return rises and flat and abs(escape_by_100(0.2) - 0.868) < 2e-3 < escape_by_100(0.05) - 0.99


def only_two_is_stable():
    """Whether SGD leaves the pit that is twice as deep, and never the neighbourhood of 2."""
    bottom, top = stationary(second_loss(2))
    system = stochastic(0.05, depth=2)
    leaves = escape_probability(system, (bottom - 1, top), 1000).escaped
    stays = escape_probability(system, (1.7, 2.3), 1000, start=2.2).escaped
    return bool(leaves[0] > 1 - 1e-9 and stays[0] == 0)


def thrown_left(rate=0.05):
    """W after a step on l0 from the bottom, one on l1, and one more on l1."""
    pushed = path(rate, 1, BOTTOM, l0)[-1]
    return (float(pushed), *map(float, path(rate, 2, pushed, l1)[1:]))


def is_thrown_left():
    """Whether the second is left of the centre, and the third further right again."""
    return all(
        left < BOTTOM < pushed and left < back
        for pushed, left, back in map(thrown_left, (0.01, 0.02, 0.05))
    )


study = Study(
    name="pit_temperature",
    title="The step size as a temperature",
    source=SOURCE,
    system=stochastic(0.05),
    experiments=(
        Experiment("rates", "Escape against T, up to 1", against_rate, {"rates": rate_figure}),
    ),
    claims=(
        Claim(
            "the number of steps on l0 that lead out of the pit is inversely proportional to T: "
            "times T it is 0.2415 to within one step",
            SOURCE,
            True,
            lambda: all(abs(steps_out(t) * t - time_out()) < t for t in (0.05, 0.02, 0.01, 0.002)),
        ),
        Claim(
            "so it tends to the time that continuous descent on l0 takes",
            "this software",
            0.2415,
            time_out,
            5e-5,
        ),
        Claim(
            "as T -> infinity we converge on continuous descent",
            SOURCE,
            True,
            lambda: abs(path(1000, 100, 0, L)[-1] - continuous(20)) < 0.01,
            reason=Reason(
                "it is as T -> 0: the distance from continuous descent at t = 4 is halved as T is. "
                "At T = 1000 one step leads beyond 70, where the loss is flat",
                small_steps_converge,
            ),
        ),
        Claim(
            "continuous descent from 0 finds the first minimum it comes to, L's at 1.0075",
            SOURCE,
            stationary(L)[0],
            lambda: continuous(20),
            1e-9,
        ),
        Claim(
            "the larger T, the likelier it crosses out of the pit (by 100 steps, T up to 0.2)",
            SOURCE,
            True,
            the_larger_the_likelier,
            reason=Reason(
                "it is so up to T = 0.03. Larger jumps lead left to where the loss is flat: 0.868 "
                "at T = 0.2, against 1.000 at 0.05",
                too_large,
            ),
        ),
        Claim(
            "under SGD only 2 is stable, even where the pit is the global minimum (T = 0.05)",
            SOURCE,
            True,
            only_two_is_stable,
        ),
        Claim(
            "after one step on l0, one on l1 leads to the left side, and the next to the right",
            MONTE_CARLO,
            True,
            is_thrown_left,
        ),
    ),
)
