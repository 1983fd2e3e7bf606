"""Conditional exponents: how fast differences grow in the rest with A held, and in the whole."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import sympy
from sympy import Expr

from causalopt.backends.evaluation import evaluate
from causalopt.ground.errors import QueryError
from causalopt.ground.types import Floats
from causalopt.language.symbols import Nodes, Parameter, Variable
from causalopt.language.words import listed
from causalopt.linearisation.world import Linear, linearised
from causalopt.measures.literature.finite_worlds import Requirement
from causalopt.measures.question import nodes_as_text
from causalopt.mechanisms.interface import ONE
from causalopt.model.system import System
from causalopt.model.world import World
from causalopt.runs.results import run
from causalopt.runs.simulation import backend_named

if TYPE_CHECKING:
    import xarray as xr

NEEDS = Requirement("conditional_exponents", "effective_information or information_flow")

# So many steps turn the directions that growth is measured along, before it is.
_SETTLING = 100
# Slopes of so many rows are worked out at a time.
_ROWS = 4096


def conditional_exponents(
    of: System | World[System], A: Nodes, *, steps: int | None = None, backend: str = "auto"
) -> xr.Dataset:
    """The mean rates at which differences grow in the rest B with A held, and in the whole.

        exponents = lim 1/t log R_ii,  Q R = (J_t ... J_2 J_1), J the Jacobian of each step

    ``whole`` (exponent) are the Lyapunov exponents along the run; ``conditional`` (exponent_of_B)
    those of B where A is the same in both runs, so that negative ones say that two copies of B
    driven by one A come together. All by QR at each step, the largest first, per unit of time (per
    step where there is none). ``whole_sum`` and ``conditional_sum`` are their sums; for declared
    rates the mean divergence of these along the run, so that a constant one is exact whatever the
    step, where the sum of exponents has the error of the method. ``tail`` beside each is how far
    it moved over the last half of the run.

    For a chaotic system Op/t tends to conditional[0] - whole[0].

    Traps: a mean along one run, which has to be long, and is that of the method with its step; at
    an unstable start it is that of the start. Negative exponents are no goal: A drives B to where A
    would have it.

    ``of`` is a system or a world of one, A one or more whole variables. Raises ``QueryError`` for
    named values, a part of a variable, an A that leaves nothing, and delays.

    Source: Pecora and Carroll 1990, "Synchronization in chaotic systems", Physical Review Letters
    64; by QR: Benettin et al. 1980.

    >>> from causalopt.language.symbols import variables
    >>> T, R = variables("T R")
    >>> room = System({T: R / 2, R: R / 4 - T / 4}, start={T: 1, R: 1})
    >>> found = conditional_exponents(room, T, steps=200)
    >>> round(found.conditional.item(), 6), round(found.whole_sum.item(), 6)
    (-1.386294, -2.079442)
    """
    import xarray as xr

    backend_named(backend)
    W = of if isinstance(of, World) else NEEDS.system(of).world(steps)
    system = NEEDS.real(W.model)
    stretches = system.select(A, W.steps)
    whole = linearised(W, backend)
    part = whole.named_in_part(stretches)
    if part is not None:
        raise QueryError(
            f"A = {nodes_as_text(A)} names {part} at some steps alone: exponents are means over "
            "the whole run, so name whole variables."
        )
    held = [v for v in system.variables if any(s.key == v for s in stretches)]
    rest = [v for v in system.variables if v not in held]
    if not rest:
        raise QueryError("A is all that there is: leave out the part whose growth is asked about.")
    size = system.step_size or 1.0
    free = _exponents(whole, list(system.variables), size)
    driven = _exponents(linearised(W.clamp(A, to=W), backend), rest, size)
    unit = {"units": "1/step" if system.step_size is None else "1/time"}
    columns: dict[str, object] = {}
    for name, dim, exponents, own in (
        ("whole", "exponent", free, list(system.variables)),
        ("conditional", "exponent_of_B", driven, rest),
    ):
        columns[name] = ([dim], exponents[0], unit)
        columns[f"{name}_tail"] = ([dim], exponents[1], unit)
        total = _divergence(W, own, backend)
        columns[f"{name}_sum"] = ([], exponents[0].sum() if total is None else total, unit)
    return xr.Dataset(columns, attrs={"A": nodes_as_text(A), "B": listed(rest)})


def _exponents(linear: Linear, variables: Sequence[Variable], size: float) -> tuple[Floats, Floats]:
    """All exponents, the largest first, and how far each moved in the last half of the run."""
    if linear.memory > 1:
        raise QueryError(
            "This system looks back more than one step, so that its differences are those of a "
            "history: write what is remembered as variables of their own."
        )
    frame = _settled(linear, variables)
    total, half = np.zeros(len(variables)), np.zeros(len(variables))
    steps = linear.rows[-1]
    for step, jacobian in enumerate(_jacobians(linear, variables), start=1):
        frame, stretch = np.linalg.qr(jacobian @ frame)
        # A direction that is lost in a step never grows again.
        with np.errstate(divide="ignore"):
            total = total + np.log(np.abs(np.diag(stretch)))
        if step == (steps + 1) // 2:
            half = total.copy()
    rates, before = total / (steps * size), half / ((steps + 1) // 2 * size)
    order = np.argsort(-rates, kind="stable")
    with np.errstate(invalid="ignore"):
        return rates[order], np.abs(rates - before)[order]


def _settled(linear: Linear, variables: Sequence[Variable]) -> Floats:
    """The directions to start from: any, after they have turned with the first steps."""
    # Along the axes, one that by chance never grows into the fastest would be turned to it by
    # rounding, some time on the way.
    count = len(variables)
    frame: Floats = np.random.default_rng(0).standard_normal((count, count))
    for jacobian in itertools.islice(_jacobians(linear, variables), _SETTLING):
        frame = np.linalg.qr(jacobian @ frame)[0]
    return frame


def _jacobians(linear: Linear, variables: Sequence[Variable]) -> Iterator[Floats]:
    """d(state)/d(state one step before) at each step."""
    place = {key: i for i, key in enumerate(linear.keys)}
    chosen = [place[v] for v in variables]
    for low in range(1, linear.rows[-1] + 1, _ROWS):
        rows = range(low, min(low + _ROWS, linear.rows[-1] + 1))
        slopes = linear.slopes(rows)
        moved = np.zeros((len(rows), len(linear.keys), len(variables)))
        before = np.zeros((len(linear.keys), len(variables)))
        before[chosen] = np.eye(len(variables))
        # Keys stand in the order of computation: what enters in the same row is known already.
        for edge in range(linear.edges):
            source, target = linear.sources[edge], linear.targets[edge]
            there = before[source] if linear.lags[edge] else moved[:, source]
            moved[:, target] += slopes[:, edge, None] * there
        linear.check(moved)
        yield from moved[:, chosen]


def _divergence(W: World[System], variables: Sequence[Variable], backend: str) -> float | None:
    """The mean over the run of the sum of d(rate of v)/dv; None where no rates are declared."""
    system = W.model
    if system.method is None or system.algebraic or system.events or system.delayed or W.effects:
        return None
    terms = [system.mechanisms[v].reverse({}, ONE).get(v, sympy.Integer(0)) for v in variables]
    trace: Expr = sympy.simplify(sympy.Add(*terms))
    numbers = {p: value for p, value in system.parameter_values.items() if isinstance(p, Parameter)}
    needed = [v for v in system.variables if v in trace.free_symbols]
    if trace.free_symbols - {*needed, *numbers}:
        return None
    data = run(W, keep=needed, backend=backend) if needed else {}
    columns = {v: data[v.name].values[0, :-1] for v in needed}
    (values,) = evaluate([trace], {**numbers, **columns})
    return float(np.mean(values))
