"""SBML, the systems biology markup language: a model of reactions and rules, read and written."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sympy import Expr, Integer, Symbol

from causalopt.exchange.biology.events import events_of, happenings
from causalopt.exchange.biology.opening import opened
from causalopt.exchange.biology.process import described
from causalopt.exchange.biology.rates import Rates
from causalopt.exchange.biology.roles import roles_of
from causalopt.exchange.biology.starts import given_in, guesses_in, numbers_at_start
from causalopt.exchange.biology.symbols import Symbols
from causalopt.exchange.biology.units import units_in
from causalopt.exchange.biology.writing import document_of
from causalopt.exchange.biology.written import as_written
from causalopt.exchange.reading import FileText
from causalopt.ground.checks import as_path
from causalopt.ground.errors import DeclarationError, FileError, TooLargeError
from causalopt.ground.files import replacement
from causalopt.ground.work import bounded
from causalopt.language.symbols import Lag, Parameter, Variable
from causalopt.model.system import System

if TYPE_CHECKING:
    from causalopt.exchange.biology.description import ModelFact, Tokens


def read_sbml(
    path: str | os.PathLike[str],
    *,
    dt: float,
    method: str = "auto",
    tolerance: float | None = None,
    units: bool = True,
) -> System:
    """The system of an SBML file, of level 1, 2 or 3: rates, equations and events.

    Variables are called by the ids of the file and mean what these mean there: a species is a
    concentration, unless it has only substance units. What nothing changes is a parameter; that of
    one reaction alone is called reaction.parameter. Each assignment rule is an equation of its own
    (``System.algebraic``), and so is the concentration of a species in a compartment whose size
    changes, which follows from its amount. Algebraic rules determine what nothing else does, each a
    symbol; one that no formula solves is solved by Newton's method (``System.newton``) for the root
    that it comes to from the value that the file gives, and in each step from the value before.
    ``dt`` is the length of a step in the file's unit of
    time, ``method`` and ``tolerance`` are those of ``System.from_ode``. Without ``units`` numbers
    are read as they are. What nothing follows from and has no number at the start, as a mean over
    none, is left out with a ``RuntimeWarning``, and a compartment of no size where it divides out.

    Text of the file is never code: names are labels. python-libsbml, of causalopt[sbml], reads it
    in a process of its own.

    Raises ``FileError``, with line and column where they are known, for what is no sound SBML, a
    symbol without a value, units that do not fit, rules that go round in a circle, packages that
    change what a model means, and what no run can do: fast reactions, algebraic rules that are not
    as many as the symbols they leave open, or have no root near to the value given, or have to be
    solved by Newton's method beside events, and events as ``biology.events`` says.

    Source: Hucka et al., "The Systems Biology Markup Language (SBML): Language Specification for
    Level 3 Version 2 Core", Journal of Integrative Bioinformatics 16 (2019).

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "decay.xml")
    >>> _ = path.write_text('''
    ... <sbml xmlns="http://www.sbml.org/sbml/level2/version4" level="2" version="4"><model>
    ... <listOfCompartments><compartment id="cell" size="1"/></listOfCompartments>
    ... <listOfSpecies><species id="S" compartment="cell" initialConcentration="2"/></listOfSpecies>
    ... <listOfParameters><parameter id="k" value="0.5"/></listOfParameters>
    ... <listOfReactions><reaction id="decay"><listOfReactants><speciesReference species="S"/>
    ... </listOfReactants><kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML">
    ... <apply><times/><ci>k</ci><ci>S</ci><ci>cell</ci></apply></math></kineticLaw></reaction>
    ... </listOfReactions></model></sbml>
    ... ''')
    >>> read_sbml(path, dt=0.01, method="rk4")
    System(
        dS/dt = -S*k
        S[0] = 2.0
        cell = 1.0
        k = 0.5
        dt = 0.01
    )
    """
    source = FileText.of(path, "a model in SBML")
    model = described(source)
    try:
        # What the file says is bounded by its size; the equations of an implicit step, which
        # follow from it, may then be many.
        with bounded("The model", "split it, or write fewer events", _work(model)):
            found = _system(source, model, _Steps(dt, _PLAIN, None), units=units)
        if method != _PLAIN:
            found = _system(source, model, _Steps(dt, method, tolerance), units=units)
    except (DeclarationError, TooLargeError) as error:
        remedy = " Or leave units out: units=False." if units and _is_sound(source, model) else ""
        raise FileError(f"{source.path}: {error}{remedy}") from None
    system, left = found
    if left:
        warnings.warn(
            f"{source.path}: {', '.join(left)} left out, for want of a number at the start; "
            "nothing else follows from it.",
            RuntimeWarning,
            stacklevel=2,
        )
    return system


def write_sbml(system: System, path: str | os.PathLike[str]) -> None:
    """Write a system of rates as a file in SBML, level 3 version 2, which ``read_sbml`` reads back.

    Each variable is a parameter that is not constant, with a rate rule, or with an assignment rule
    where it is algebraic; parameters have their values, start values that are formulas are initial
    assignments, events have triggers. A name that is no id stands beside one that is made of it.
    Numbers come back as the same floats, but for -0.0, which is 0.0 there: a formula has no signed
    zero. A circle of equations would be an algebraic rule, which says not what it is solved for and
    from where, and so comes back as another one. Units that SBML has words for are written, and the
    others are left out, as are assumptions, the method of steps and their length.

    Raises ``DeclarationError``, before anything is written, for what has no place in SBML or comes
    back as something else: systems of steps, circles of equations, noise, data, delays, arrays,
    named values, functions, tables, and values nearer to 0 than 2.2e-308; ``FileError`` where the
    file cannot be written.

    >>> import pathlib, tempfile
    >>> from causalopt.language.symbols import parameter, variable
    >>> x, k = variable("x"), parameter("k")
    >>> path = pathlib.Path(tempfile.mkdtemp(), "decay.xml")
    >>> write_sbml(System.from_ode({x: -k * x}, start={x: 1}, parameters={k: 0.5}, dt=0.1), path)
    >>> read_sbml(path, dt=0.1, method="euler")
    System(
        dx/dt = -k*x
        x[0] = 1.0
        k = 0.5
        dt = 0.1
    )
    """
    text = document_of(system)
    with replacement(as_path(path, "path", "model.xml")) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _work(model: ModelFact) -> float:
    """What a model of its size may take, in millions of calls of Python, several times over.

    Of a hundred large published models few take more than 6,000 calls for a part of a formula.
    """
    symbols = len(model["compartments"]) + len(model["species"]) + len(model["parameters"])
    parts = sum(map(len, _formulas(model)))
    most = 1 + 0.006 * symbols + 0.5 * len(model["events"]) + 0.01 * parts
    return min(most, _MOST_WORK)


def _formulas(model: ModelFact) -> Iterator[Tokens]:
    """The formulas of a model, in the order of the file's lists."""
    yield from (function["body"] for function in model["functions"])
    yield from (rule["formula"] for rule in (*model["rules"], *model["starts"]))
    yield from (reaction["law"] for reaction in model["reactions"])
    for event in model["events"]:
        yield from (event["trigger"], event["delay"], event["priority"])
        yield from (one["formula"] for one in event["assignments"])


_MOST_WORK = 100.0
# The method that makes least of a model.
_PLAIN = "euler"


def _is_sound(source: FileText, model: ModelFact) -> bool:
    """Whether a model makes a system without its units."""
    try:
        with bounded("The model", "split it", _work(model)):
            _system(source, model, _Steps(1.0, _PLAIN, None), units=False)
    except (DeclarationError, TooLargeError):
        return False
    return True


@dataclass(frozen=True)
class _Steps:
    """How rates are carried on: as ``System.from_ode`` says."""

    dt: float
    method: str
    tolerance: float | None


def _system(
    source: FileText, model: ModelFact, steps: _Steps, *, units: bool
) -> tuple[System, list[str]]:
    """The system of a model, and the names of what has no value at the start and is left out."""
    texts = units_in(model) if units else {}
    symbols = Symbols(roles_of(source, model), model["reactions"], texts)
    rates = Rates(source, model, symbols)
    guesses = guesses_in(rates)
    given = given_in(rates)
    numbers = as_written(rates, given, numbers_at_start(rates, given, guesses, {}))
    found = happenings(rates)
    start = opened(rates, given, found)
    happening = events_of(rates, found, start.waiting)
    equations = {v: formula for v, formula in rates.equations.items() if v in numbers}
    system = System.from_ode(
        {**rates.rates, **dict.fromkeys(happening.kept, Integer(0))},
        algebraic=equations,
        start={v: f for v, f in start.given.items() if isinstance(v, Variable)}
        | dict(happening.kept),
        parameters={p: f for p, f in given.items() if isinstance(p, Parameter)}
        | {symbols.step: steps.dt},
        dt=symbols.step,
        method=steps.method,
        tolerance=steps.tolerance,
        newton=guesses,
        history=_history((*rates.rates.values(), *equations.values()), numbers),
        events=happening.events,
    )
    return system, [str(v) for v in rates.equations if v not in equations]


def _history(formulas: Iterable[Expr], numbers: dict[Symbol, float]) -> dict[Variable, float]:
    """What was before the start, of what is used with a delay: what is there at the start."""
    delayed = {lag.variable for formula in formulas for lag in formula.atoms(Lag)}
    return {v: numbers[v] for v in delayed}
