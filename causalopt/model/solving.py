"""Rates of change carried over steps by a solver of diffrax, in the place of an own method."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from sympy import Expr

from causalopt.ground import checks
from causalopt.ground.errors import DeclarationError
from causalopt.language.symbols import Parameter, Time, Variable
from causalopt.language.symbols import time as clock
from causalopt.language.trees import jax_module
from causalopt.mechanisms.calls import Pure
from causalopt.mechanisms.declared import Formula
from causalopt.mechanisms.opaque import Function, function, name_of
from causalopt.model.declaration import with_step

if TYPE_CHECKING:
    from causalopt.ground.types import Array

#: A solver of diffrax, or ``functools.partial(diffrax.diffeqsolve, solver=..., ...)``.
Solver: TypeAlias = object


@dataclass(frozen=True)
class SolverStep:
    """What a solver makes of a step: y(t + dt), of y' = rate(...) with all else held over the step.

    ``places`` of the rate's arguments are y itself, and ``times`` are the time inside the step.
    """

    rate: Pure
    options: tuple[tuple[str, object], ...]
    places: tuple[int, ...]
    times: tuple[int, ...]

    @property
    def __name__(self) -> str:
        return f"{name_of(self.rate)} over a step"

    def __call__(self, *given: Array) -> object:
        """The state after a step, NaN where the solver gives up: arguments, y, t and dt."""
        import diffrax

        *arguments, y, t, dt = given

        def field(now: Any, state: object, _: object) -> object:
            inside = dict.fromkeys(self.places, state) | dict.fromkeys(self.times, now)
            return self.rate(*(inside.get(i, value) for i, value in enumerate(arguments)))

        options: dict[str, Any] = {"t0": t, "t1": t + dt, "dt0": dt, "y0": y, "throw": False}
        found = diffrax.diffeqsolve(diffrax.ODETerm(field), **(options | dict(self.options)))
        is_done = found.result == diffrax.RESULTS.successful
        jax = jax_module()
        last = jax.tree.map(lambda part: part[-1], found.ys)
        return jax.tree.map(lambda part: jax.numpy.where(is_done, part, jax.numpy.nan), last)


def in_steps_of(
    rates: Mapping[Variable, Formula], method: str | Solver, parameters: object, dt: object
) -> tuple[Mapping[Variable, Formula], str | None, dict[Parameter, float | Expr], Parameter]:
    """What carries rates over steps, and their method; the parameters, and which is the step.

    Of a solver these are the steps that it makes, and no method. Raises ``DeclarationError`` where
    it is not one function that gives the rate of one variable.
    """
    known, size = with_step({} if parameters is None else parameters, dt, rates)
    if isinstance(method, str):
        return rates, method, known, size
    options = _options(method)
    written = checks.as_mapping(rates, "What from_ode takes", "{s: function(rate)(s)}")
    ((variable, rule), *others) = cast(Mapping[Variable, Formula], written).items()
    if others or not isinstance(rule, Function):
        raise DeclarationError(
            f"method={type(method).__name__} moves one variable, whose rate is a function: put the "
            'state into one array, array("s", 3), or into a tree, array("s", like=...), and write '
            '{s: function(rate)(s, ...)}. Formulas take method="rk4".'
        )
    places = tuple(i for i, s in enumerate(rule.inputs) if s == variable)
    times = tuple(i for i, s in enumerate(rule.inputs) if isinstance(s, Time))
    step = SolverStep(rule.call, tuple(sorted(options.items())), places, times)
    carried = function(step, precision=rule.precision)
    return {variable: carried(*rule.inputs, variable, clock, size)}, None, known, size


def _options(method: Solver) -> dict[str, object]:
    """What diffeqsolve is called with: a solver, and what else is given."""
    try:
        import diffrax
    except ImportError:
        raise DeclarationError(
            f'method={checks.shown(method)}: a method is "euler" or "rk4", or a solver of '
            "diffrax, which is not installed: run pip install diffrax."
        ) from None
    # Derivatives go along the arrows, through as many steps as the solver takes.
    forward: dict[str, object] = {"adjoint": diffrax.ForwardMode()}
    if isinstance(method, functools.partial) and method.func is diffrax.diffeqsolve:
        return {**forward, **method.keywords}
    if isinstance(method, diffrax.AbstractSolver):
        return {**forward, "solver": method}
    raise DeclarationError(
        f'method={checks.shown(method)}: write "euler" or "rk4", a solver such as '
        "diffrax.Tsit5(), or functools.partial(diffrax.diffeqsolve, solver=diffrax.Kvaerno5(), "
        "stepsize_controller=diffrax.PIDController(rtol=1e-8, atol=1e-8)) for steps of its own "
        "inside of each."
    )
