"""The Lorenz system, calm and chaotic, with a as A."""

import functools
import itertools

import numpy as np
import xarray as xr

from causalopt import Survey, System, draw, op, parameters, plots, run, variables
from causalopt.measures import comp
from causalopt.study import Claim, Experiment, Reason, Study

SOURCE = '"Defining Optimization in a Deeper Way", part 4'


def published(*numbers):
    """The keys of figures of the post."""
    return tuple(f"defining-optimization-4/{number}" for number in numbers)


a, b, c = variables("a b c")
sigma, rho, beta = parameters("sigma rho beta")
DT = 0.001


def lorenz(r, dt=DT):
    """The Lorenz system by Euler's method from (1, 1, 1)."""
    return System.from_ode(
        {a: sigma * (b - a), b: a * (rho - c) - b, c: a * b - beta * c},
        start={a: 1, b: 1, c: 1},
        parameters={sigma: 10, rho: r, beta: 8 / 3},
        dt=dt,
    )


calm, chaotic = lorenz(0.8), lorenz(28)
TEN = round(10 / DT)
# The source's chaotic plots reach as far as their differences stay small.
LONG = round(30 / DT)
DELTAS = (1e-5, 1e-6, 1e-7)
# The rounding of numbers of the size of w.
EPSILON = 20 * 2.0**-53
COLOURS = (plots.palette.RED, plots.palette.GREEN, plots.palette.BLUE)


def measures_along(system, n, steps, held=a):
    """Comp and Op of b and c over time, for a difference at n."""
    measures = {}
    for m in (b, c):
        measures[f"op_{m}"] = op(system, A=held, n=n, m=m, steps=steps)
        measures[f"comp_{m}"] = comp(system, A=held, n=n, m=m, steps=steps)
    return xr.Dataset(measures)


def worlds(system, n, steps):
    """W, X and Y for a difference of 1e-4 at n, with a held."""
    W = system.world(steps=steps)
    X = W.perturb(n, by=1e-4)
    return run(W, X, X.clamp(a, to=W))


def course(data):
    """a, b and c over time in W, X and Y."""
    with plots.figure(3, sharex=True, figsize=(6.4, 6.4)) as (picture, axes):
        for name, ax in zip("abc", axes, strict=True):
            plots.over_time(data[name], ax)
            ax.set_xlabel("")
        axes[0].legend(ncols=3)
        axes[-1].set_xlabel("time")
    return picture


def spread(scale):
    """x - w and y - w of b and c over time."""

    def paint(data):
        with plots.figure(2, sharex=True) as (picture, axes):
            for name, ax in zip("bc", axes, strict=True):
                plots.differences(data, name, ax, scale=scale)
            axes[0].set_xlabel("")
        return picture

    paint.__doc__ = f"x - w and y - w of b and of c over time, on a {scale} scale."
    return paint


def op_over_time(data):
    """Op of b and of c over time; shaded where Comp is negative."""
    with plots.figure(2, sharex=True) as (picture, axes):
        for name, ax in zip("bc", axes, strict=True):
            plots.measure_over_time(data[f"op_{name}"], ax, comp=data[f"comp_{name}"])
            ax.set(xlabel="", ylabel=f"Op of {name} [nat]")
        axes[-1].set_xlabel("time")
    return picture


def graph(_):
    """W, X and Y as causal networks."""
    W = calm.world(steps=3)
    X = W.perturb(b[0])
    return draw(calm, steps=3, worlds=[W, X, X.clamp(a, to=W)])


@functools.cache
def exact_against_differences():
    """Op of b with rho = 28, exact and by three differences; and how far X and Y are from W."""
    W = chaotic.world(steps=LONG)
    by_difference, x_apart, y_apart = [], [], []
    for delta in DELTAS:
        by_difference.append(op(chaotic, A=a, n=b[0], m=b, steps=LONG, delta=delta))
        X = W.perturb(b[0], by=delta)
        w, x, y = run(W, X, X.clamp(a, to=W))["b"].drop_vars("world")
        x_apart.append(np.abs(x - w))
        y_apart.append(np.abs(y - w))
    across = xr.Variable("delta", list(DELTAS))
    rows = {"by_difference": by_difference, "x_apart": x_apart, "y_apart": y_apart}
    joined = {name: xr.concat(r, across, combine_attrs="drop") for name, r in rows.items()}
    return xr.Dataset({"exact": op(chaotic, A=a, n=b[0], m=b, steps=LONG), **joined})


def short(data):
    """Up to t = 10 the differences of 1e-5 and 1e-6 give the same Op of b, and the exact one."""
    with plots.figure(2, sharex=True) as (picture, axes):
        for delta, ax in zip(DELTAS[:2], axes, strict=True):
            near = data.sel(delta=delta, time=slice(0, 10))
            plots.over_time(near["exact"], ax, label="exact")
            plots.over_time(
                near["by_difference"], ax, label=f"δ = {delta:g}", color=plots.palette.RED
            )
            ax.set(xlabel="", ylabel="Op of b [nat]")
            ax.legend()
        axes[-1].set_xlabel("time")
    return picture


#: Op of b at t = 1 with rho = 28, against the first b and c.
landscape_of_op = Survey(
    functools.partial(op, chaotic, A=a, n=b[0], m=b.at(1.0)),
    over={c[0]: np.linspace(0, 50, 101), b[0]: np.linspace(-30, 30, 121)},
)


def basins(data):
    """Where Op of b is positive, and where it is negative."""
    strength = data["op"]
    with plots.figure() as (picture, ax):
        plots.landscape(strength, ax, basin=strength > 0)
        ax.set(xlabel="initial b", ylabel="initial c")
    return picture


def where_they_part(data):
    """A difference leaves the exact line when y - w has shrunk to the rounding error of w.

    So the smallest leaves it first. Later x - w, grown to the size of the attractor, bends too.
    """
    with plots.figure(2, sharex=True, figsize=(7.2, 7.2)) as (picture, (top, bottom)):
        plots.over_time(data["exact"], top, label="exact", color=plots.palette.INK, lw=2.4)
        for delta, colour in zip(data["delta"].values, COLOURS, strict=True):
            by_delta = data.sel(delta=delta)
            style = {"color": colour, "linestyle": "-", "lw": 0.8}
            plots.over_time(by_delta["by_difference"], top, label=f"δ = {delta:g}", **style)
            plots.over_time(by_delta["x_apart"], bottom, label=f"x − w, δ = {delta:g}", **style)
            style["linestyle"] = ":"
            shown = by_delta["y_apart"].where(by_delta["y_apart"] > 0)
            plots.over_time(shown, bottom, label="y − w", **style)
            for ax in (top, bottom):
                ax.axvline(parting_time(data, delta), color=colour, lw=1.2, ls="--")
        bottom.axhline(40, color=plots.palette.GREY, lw=0.8)
        bottom.text(0.2, 60, "size of the attractor", va="bottom", color=plots.palette.DIM)
        bottom.axhline(EPSILON, color=plots.palette.GREY, lw=0.8)
        bottom.text(0.2, 1e-15, "rounding of w", va="top", color=plots.palette.DIM)
        top.set(xlabel="", ylabel="Op of b [nat]")
        bottom.set(ylabel="difference in b (size)", yscale="log", ylim=(1e-17, 1e5))
        top.legend()
        bottom.legend(ncols=3, loc="upper right", fontsize="small")
    return picture


def parting_time(data, delta):
    """The first time at which Op by difference is a tenth of a nat off for a whole unit of time."""
    off = np.abs(data["by_difference"].sel(delta=delta) - data["exact"]).values > 0.1
    width = round(1 / DT)
    often = np.convolve(off, np.ones(width), "valid") / width > 0.5
    first = int(np.argmax(often)) if often.any() else len(off) - 1
    return float(data["time"][first])


def shares_below_zero():
    """The share of times up to t = 30 at which Op is negative, for b and c."""
    data = measures_along(chaotic, b[0], LONG)
    return min(float((data[f"op_{name}"][1:] < 0).mean()) for name in "bc")


def slopes_after_ten():
    """How fast Op of b falls after t = 10: with a held throughout, and with a held up to t = 10."""
    slopes = []
    for held in (a, a.between(0, 10)):
        strength = op(chaotic, A=held, n=b[0], m=b, steps=LONG).sel(time=slice(12, 30))
        slopes.append(float(np.polyfit(strength["time"], strength, 1)[0]))
    return slopes


def approach_zero():
    """The largest of |a|, |b|, |c| at t = 60 for rho = 0.8."""
    data = run(calm.world(steps=2 * LONG))
    return max(abs(data[name].values[0, -1]) for name in "abc")


def op_is_negative():
    """Whether Op of b and c is negative from t = 1 on; before t = 0.354 that of b is above 0."""
    data = measures_along(calm, b[0], TEN).sel(time=slice(1, None))
    return all(bool((data[f"op_{name}"] < 0).all()) for name in "bc")


def signs_of(m, n):
    """The first and last time up to t = 10 at which Comp is negative; None where it never is."""
    ratio = comp(calm, A=a, n=n, m=m, steps=TEN)
    below = ratio["time"].values[ratio.values < 0]
    return (round(float(below[0]), 3), round(float(below[-1]), 3)) if below.size else None


def y_spreads_more_than_x():
    """Whether |y - w| > |x - w| for b from t = 1 on, rho = 0.8, axis b."""
    data = worlds(calm, b[0], TEN)["b"].sel(time=slice(1, None))
    x, y = (np.abs(data.sel(world=name) - data.sel(world="W")).values for name in "XY")
    return bool((y > x).all())


def differences_agree():
    """Whether Op by differences is within 0.01 nat of the exact one, half of the time to t = 10."""
    exact = op(chaotic, A=a, n=b[0], m=b, steps=TEN)
    by_difference = [op(chaotic, A=a, n=b[0], m=b, steps=TEN, delta=delta) for delta in DELTAS]
    return all(float(np.abs(approximate - exact).median()) < 0.01 for approximate in by_difference)


def agree_in_a_long_run():
    """Whether Op by each difference is within 0.1 nat of the exact one most of the time."""
    data = exact_against_differences()
    off = np.abs(data["by_difference"] - data["exact"])
    return bool(((off < 0.1).mean("time") > 0.5).all())


def part_one_by_one():
    """Whether they leave the exact Op at t = 9.5, 8.5 and 7.3, just when y - w is rounded."""
    data = exact_against_differences()
    times = [parting_time(data, delta) for delta in DELTAS]
    published = all(abs(t - at) < 0.05 for t, at in zip(times, (9.5, 8.53, 7.34), strict=True))
    rounded = all(
        float(data["y_apart"].sel(delta=delta, time=slice(t, t + 2)).max()) < 300 * EPSILON
        for delta, t in zip(DELTAS, times, strict=True)
    )
    exact = bool(np.isfinite(data["exact"]).all())
    return published and rounded and exact and all(a > b for a, b in itertools.pairwise(times))


CALM = "rho = 0.8, a held"
CHAOS = "rho = 28, a held"

study = Study(
    name="lorenz",
    title="The Lorenz system",
    source=SOURCE,
    system=chaotic,
    experiments=(
        Experiment(
            "calm_worlds",
            f"W, X and Y: {CALM}, axis b",
            lambda: worlds(calm, b[0], TEN),
            {"graph": graph, "calm_course": course, "calm_differences": spread("linear")},
            {"calm_course": published(9, 10, 11), "calm_differences": published(12, 13)},
        ),
        Experiment(
            "calm_op_b",
            f"Op of b and c: {CALM}, axis b",
            lambda: measures_along(calm, b[0], TEN),
            {"calm_op_axis_b": op_over_time},
            {"calm_op_axis_b": published(14, 15)},
        ),
        Experiment(
            "calm_worlds_c",
            f"W, X and Y: {CALM}, axis c",
            lambda: worlds(calm, c[0], TEN),
            {"calm_differences_axis_c": spread("linear")},
            {"calm_differences_axis_c": published(16, 17)},
        ),
        Experiment(
            "calm_op_c",
            f"Op of b and c: {CALM}, axis c",
            lambda: measures_along(calm, c[0], TEN),
            {"calm_op_axis_c": op_over_time},
            {"calm_op_axis_c": published(18, 19)},
        ),
        Experiment(
            "chaotic_worlds",
            f"W, X and Y: {CHAOS}, axis b",
            lambda: worlds(chaotic, b[0], LONG),
            {"chaotic_course": course, "chaotic_differences": spread("log")},
            {"chaotic_differences": published(20)},
        ),
        Experiment(
            "chaotic_op",
            f"Op of b and c: {CHAOS}, axis b",
            lambda: measures_along(chaotic, b[0], LONG),
            {"chaotic_op": op_over_time},
            {"chaotic_op": published(21, 22)},
        ),
        Experiment(
            "chaotic_op_until_10",
            "Op of b and c: rho = 28, a held up to t = 10",
            lambda: measures_along(chaotic, b[0], LONG, held=a.between(0, 10)),
            {"chaotic_op_until_10": op_over_time},
            {"chaotic_op_until_10": published(23)},
        ),
        Experiment(
            "deltas",
            "Exact Op against finite differences, rho = 28",
            exact_against_differences,
            {"deltas": where_they_part, "deltas_short": short},
            {"deltas": published(26, 27, 28), "deltas_short": published(24, 25)},
        ),
        Experiment(
            "landscape",
            "Op of b at t = 1 against the first b and c, rho = 28",
            landscape_of_op,
            {"landscape": basins},
        ),
    ),
    claims=(
        Claim(
            "a, b and c approach zero for rho = 0.8", f"{SOURCE}, point 2", 0.0, approach_zero, 1e-3
        ),
        Claim(
            f"Op of b and c is negative: {CALM}, axis b, from t = 1 on",
            f"{SOURCE}, point 2",
            True,
            op_is_negative,
        ),
        Claim(
            f"|y - w| is greater than |x - w|: {CALM}, axis b, from t = 1 on",
            f"{SOURCE}, point 2",
            True,
            y_spreads_more_than_x,
            reason=Reason(
                "it is smaller: the same passage finds Op negative, which means |x - w| > |y - w|",
                lambda: op_is_negative() and not y_spreads_more_than_x(),
            ),
        ),
        Claim(
            f"x - w and y - w of c have different signs for a while: {CALM}, axis c",
            f"{SOURCE}, point 3",
            True,
            lambda: signs_of(c, c[0]) is not None,
        ),
        Claim(
            f"Op is negative in most cases: {CHAOS}",
            f"{SOURCE}, point 4",
            True,
            lambda: shares_below_zero() > 0.5,
        ),
        Claim(
            "a held up to t = 10 changes Op by a finite amount: it stops falling",
            f"{SOURCE}, point 4",
            True,
            lambda: abs(slopes_after_ten()[1]) < 0.1 * abs(slopes_after_ten()[0]),
        ),
        Claim(
            "differences of 1e-5, 1e-6 and 1e-7 give the same Op in a short run",
            f"{SOURCE}, point 5",
            True,
            differences_agree,
        ),
        Claim(
            "in a longer run they seem to work mostly fine (to t = 30)",
            f"{SOURCE}, point 5",
            True,
            agree_in_a_long_run,
            reason=Reason(
                "each leaves the exact Op for good, the smallest first, at t = 9.5, 8.5 and 7.3: "
                "there y - w has shrunk to the rounding of w. Op itself is defined throughout",
                part_one_by_one,
            ),
        ),
    ),
)
