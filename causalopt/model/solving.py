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
from causalopt.mechanisms.calls import Pure, is_passed_back
from causalopt.mechanisms.declared import Formula
from causalopt.mechanisms.opaque import Function, function, name_of
from causalopt.model.declaration import with_step

if TYPE_CHECKING:
    from causalopt.ground.types import Array

#: A solver of diffrax, or ``functools.partial(diffrax.diffeqsolve, solver=..., ...)``.
Solver: TypeAlias = object

#: What ``diffeqsolve`` may be told; all else is the step's own.
_OPEN = ("solver", "stepsize_controller", "max_steps", "dt0")


def chosen(
    method: str | Solver, tolerance: float | None, events: object
) -> tuple[str | Solver, float | None]:
    """The method and the tolerance that are meant: ``auto`` has one in any case.

    Where events are looked for inside of steps, no other method could take over.
    """
    if not isinstance(method, str) or method != "auto":
        return method, tolerance
    return ("dopri5" if events else method), (1e-9 if tolerance is None else tolerance)


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
        return f"{name_of(self.rate)} over a step by {self._solver}"

    @property
    def _solver(self) -> str:
        return type(dict(self.options)["solver"]).__name__

    @property
    def remedy(self) -> str:
        """What to do where it gives up."""
        return (
            f"where {self._solver} gives up, nothing is known. It takes more steps than max_steps, "
            "or its equations do not converge: shorten dt, or give diffrax.diffeqsolve other "
            "tolerances, more max_steps, or another solver"
        )

    def __call__(self, *given: Array) -> object:
        """The state after a step, NaN where the solver gives up: arguments, y, t and dt."""
        import diffrax

        *arguments, y, t, dt = given

        def field(now: Any, state: object, _: object) -> object:
            inside = dict.fromkeys(self.places, state) | dict.fromkeys(self.times, now)
            return self.rate(*(inside.get(i, value) for i, value in enumerate(arguments)))

        # Along the arrows derivatives go through as many steps as the solver takes; against them,
        # through as many as it may take.
        adjoint = diffrax.DirectAdjoint() if is_passed_back() else diffrax.ForwardMode()
        options: dict[str, Any] = {"dt0": dt, **dict(self.options)}
        found = diffrax.diffeqsolve(
            diffrax.ODETerm(field), t0=t, t1=t + dt, y0=y, adjoint=adjoint, throw=False, **options
        )
        is_done = found.result == diffrax.RESULTS.successful
        jax = jax_module()
        last = jax.tree.map(lambda part: part[-1], found.ys)
        return jax.tree.map(lambda part: jax.numpy.where(is_done, part, jax.numpy.nan), last)


def in_steps_of(
    rates: Mapping[Variable, Formula],
    method: str | Solver,
    parameters: object,
    dt: object,
    algebraic: object,
) -> tuple[Mapping[Variable, Formula], str | None, dict[Parameter, float | Expr], Parameter]:
    """What carries rates over steps, and their method; the parameters, and which is the step.

    Of a solver these are the steps that it makes, and no method. Raises ``DeclarationError`` where
    it is not one function that gives the rate of one variable, or others are ``algebraic``.
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
    if algebraic:
        raise DeclarationError(
            f"method={type(method).__name__} sees the rate alone inside of a step, and no equation "
            "of algebraic: work it out inside of the function that gives the rate."
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
            f'method={checks.shown(method)}: a method has a name, such as "rk4", or is a solver of '
            "diffrax, which is not installed: run pip install diffrax."
        ) from None
    if isinstance(method, functools.partial) and method.func is diffrax.diffeqsolve:
        _refuse_what_is_ours(method)
        return dict(method.keywords)
    if isinstance(method, diffrax.AbstractSolver):
        return {"solver": method}
    raise DeclarationError(
        f'method={checks.shown(method)}: write "rk4" or "auto", a solver such as '
        "diffrax.Tsit5(), or functools.partial(diffrax.diffeqsolve, solver=diffrax.Kvaerno5(), "
        "stepsize_controller=diffrax.PIDController(rtol=1e-8, atol=1e-8)) for steps of its own "
        "inside of each."
    )


def _refuse_what_is_ours(method: functools.partial[object]) -> None:
    """Raise ``DeclarationError`` for what a step gives to diffeqsolve itself, and for no solver."""
    strange = next((name for name in method.keywords if name not in _OPEN), None)
    if strange is not None or method.args:
        what = "terms, by its place" if strange is None else f"{strange}="
        raise DeclarationError(
            f"method=functools.partial(diffrax.diffeqsolve, ...) names {what}, which is the step's "
            f"own: each step is solved from its start to its end, and read at its end, and "
            f"derivatives go both ways. Write no more than {', '.join(_OPEN)}, each by its name."
        )
    if "solver" not in method.keywords:
        raise DeclarationError(
            "method=functools.partial(diffrax.diffeqsolve, ...) names no solver: write "
            "solver=diffrax.Tsit5(), say, or diffrax.Kvaerno5() where the equations are stiff."
        )
