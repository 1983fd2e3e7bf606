"""Values and tangents of oscillators along time, at one accuracy. Contestant: heyoka."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np
import sympy
from scipy.integrate import solve_ivp

from benchmarks.page import Section, beside, without
from benchmarks.timing import Run, alternate
from causalopt import System, tangents, variables
from causalopt.ground.errors import LongStepsWarning

# What tangents may be wrong by at the end, of the largest of them.
_ERROR = 1e-6
_STEPS = (0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
_TOLERANCES = tuple(10.0**-digits for digits in range(4, 17))


@dataclass(frozen=True)
class Case:
    """Rates of change as a function of the values, and how long they are followed."""

    title: str
    rates: Callable[[Sequence[Any]], list[Any]]
    start: tuple[float, ...]
    until: int


CASES = (
    Case(
        "Lorenz, rho = 28",
        lambda s: [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]],
        (1.0, 1.0, 1.0),
        10,
    ),
    Case(
        "van der Pol, mu = 1",
        lambda s: [s[1], (1 - s[0] * s[0]) * s[1] - s[0]],
        (1.0, 0.5),
        1_000,
    ),
)


def expected(case: Case) -> Any:
    """Tangents of all variables by the first start value, of equations written out by hand."""
    count = len(case.start)
    symbols = sympy.symbols(f"s:{count}")
    slopes = sympy.lambdify(symbols, sympy.Matrix(case.rates(symbols)).jacobian(symbols))

    def both(_: float, at: Any) -> Any:
        return np.concatenate([case.rates(at[:count]), slopes(*at[:count]) @ at[count:]])

    begin = np.concatenate([case.start, np.eye(count)[0]])
    exact = {"rtol": 1e-13, "atol": 1e-13}
    return solve_ivp(both, (0, case.until), begin, "DOP853", **exact).y[count:, -1]


def ours(case: Case, dt: float) -> Run:
    """By rk4, compiled."""
    x = variables(" ".join(f"x{i}" for i in range(len(case.start))))
    rates = dict(zip(x, case.rates(x), strict=True))
    start = dict(zip(x, case.start, strict=True))
    system = System.from_ode(rates, start=start, dt=dt, method="rk4")
    moved = system.world(steps=round(case.until / dt)).perturb(x[0][0])

    def end() -> Any:
        found = tangents(moved, keep="last", backend="numba")
        return np.array([found[str(a)].values.item() for a in x])

    return end


def theirs(case: Case, tolerance: float) -> Run:
    """By Taylor's series, of the variational equations in the first start value."""
    import heyoka

    count = len(case.start)
    x = heyoka.make_vars(*(f"x{i}" for i in range(count)))
    equations = heyoka.var_ode_sys(list(zip(x, case.rates(x), strict=True)), [x[0]], order=1)
    made = heyoka.taylor_adaptive(equations, list(case.start), tol=tolerance)
    begin = made.state.copy()

    def end() -> Any:
        made.time, made.state[:] = 0.0, begin
        made.propagate_until(float(case.until))
        return made.state[count:].copy()

    return end


def coarsest(
    make: Callable[[Case, float], Run], case: Case, exact: Any, settings: Sequence[float]
) -> tuple[float, float, Run]:
    """The first setting whose error is small enough, the error, and the run."""
    for setting in settings:
        with warnings.catch_warnings():
            # Steps that are too long are among those that are tried.
            warnings.simplefilter("ignore", LongStepsWarning)
            run = make(case, setting)
            error = float(abs(run() - exact).max() / abs(exact).max())
        if error <= _ERROR:
            return setting, error, run
    raise AssertionError(f"{case.title}: no setting of {make.__name__} comes within {_ERROR:g}")


def section(quick: bool) -> Section:
    """Each with the largest steps, or tolerance, that are accurate enough."""
    has_peer = importlib.util.find_spec("heyoka") is not None
    entries = {"causalopt, rk4, dt": (ours, _STEPS)}
    entries |= {"heyoka, Taylor, tolerance": (theirs, _TOLERANCES)} if has_peer else {}
    rows = ["| | error | CPU s | |", "|---|---|---|---|"]
    for case in CASES:
        exact = expected(case)
        found = {name: coarsest(make, case, exact, at) for name, (make, at) in entries.items()}
        runs = {name: run for name, (_, _, run) in found.items()}
        times = alternate(runs, 5 if quick else 31, clock=process_time)
        seconds = [each.median for each in times.values()]
        told = [beside(seconds[0], seconds[-1]) if has_peer else "", ""]
        rows.append(f"| **{case.title}**, {case.until:,} units of time | | | |")
        for (name, (at, error, _)), each, ratio in zip(found.items(), seconds, told, strict=False):
            rows.append(f"| {name} {at:g} | {error:.1g} | {each:.3g} | {ratio} |")
    notes = [
        f"The largest steps, and the largest tolerance, with errors of {_ERROR:g} of the largest "
        "tangent at most. A call of ours takes about a millisecond whatever it does.",
        *([] if has_peer else [without("heyoka")]),
    ]
    return Section("Oscillators with tangents, at one accuracy", rows=rows, notes=notes)
