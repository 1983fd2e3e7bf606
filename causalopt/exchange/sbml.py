"""SBML, the systems biology markup language: a model of reactions and rules, read into a system."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sympy import Integer, Symbol

from causalopt.exchange.reading import FileText
from causalopt.exchange.sbml_events import events_of
from causalopt.exchange.sbml_process import described
from causalopt.exchange.sbml_rates import Rates
from causalopt.exchange.sbml_roles import roles_of
from causalopt.exchange.sbml_starts import given_in, numbers_at_start
from causalopt.exchange.sbml_symbols import Symbols
from causalopt.ground.errors import DeclarationError, FileError, TooLargeError
from causalopt.language.symbols import Lag, Parameter, Variable
from causalopt.model.system import System

if TYPE_CHECKING:
    from causalopt.exchange.sbml_description import ModelFact


def read_sbml(
    path: str | os.PathLike[str], *, dt: float, method: str = "rk4", units: bool = True
) -> System:
    """The system of an SBML file."""
    source = FileText.of(path, "a model in SBML")
    model = described(source)
    try:
        return _system(source, model, dt, method, units=units)
    except (DeclarationError, TooLargeError) as error:
        raise FileError(f"{source.path}: {error}") from None


def _system(source: FileText, model: ModelFact, dt: float, method: str, *, units: bool) -> System:
    symbols = Symbols(roles_of(source, model), model["reactions"], {})
    rates = Rates(source, model, symbols)
    given = given_in(rates)
    numbers = numbers_at_start(rates, given)
    step = Parameter(symbols.free_name("dt"))
    happening = events_of(rates, numbers, step)
    return System.from_ode(
        {**rates.rates, **dict.fromkeys(happening.kept, Integer(0))},
        algebraic=rates.equations,
        start={**{v: f for v, f in given.items() if isinstance(v, Variable)}, **happening.kept},
        parameters={**{p: f for p, f in given.items() if isinstance(p, Parameter)}, step: dt},
        dt=step,
        method=method,
        history=_history(rates, numbers),
        events=happening.events,
    )


def _history(rates: Rates, numbers: dict[Symbol, float]) -> dict[Variable, float]:
    """What is used with a delay, and follows from others: before the start it was what it is there."""
    formulas = (*rates.rates.values(), *rates.equations.values())
    delayed = {lag.variable for formula in formulas for lag in formula.atoms(Lag)}
    return {v: numbers[v] for v in delayed}
