"""Checks of what a user declares: formulas, symbols and values, before anything is built."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence, Sized
from typing import TypeVar

from sympy import Expr, Symbol

from causalopt.ground import checks
from causalopt.ground.errors import DeclarationError, nearest
from causalopt.language.finite_variables import Finite
from causalopt.language.laws import law_text
from causalopt.language.naming import refuse_names_of_dims
from causalopt.language.symbols import (
    Label,
    Lag,
    Next,
    Noise,
    Parameter,
    Quantity,
    Shifted,
    Time,
    Variable,
)
from causalopt.language.tables import table
from causalopt.language.vectors import spread
from causalopt.language.words import listed, the_first
from causalopt.mechanisms.declared import Formula, mechanism_of
from causalopt.mechanisms.events import Event
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.methods import METHODS
from causalopt.model.amounts import amounts_of

K = TypeVar("K")


def check_formulas(
    mechanisms: Mapping[Variable, Formula], *, same_step: bool
) -> dict[Variable, Mechanism]:
    """The mechanisms of a declaration, each with a variable on its left side."""
    if not isinstance(mechanisms, Mapping):
        raise DeclarationError(
            f"The mechanisms are {type(mechanisms).__name__}: write a dict, such as "
            "{T: R - d, R: R - k*T}."
        )
    formulas = spread(mechanisms, "The declaration")
    if same_step:
        check_not_empty(formulas)
    checked = mechanisms_of(formulas, "The declaration")
    for target, mechanism in checked.items() if not same_step else ():
        timed = [s for s in mechanism.arguments if isinstance(s, Shifted | Time)]
        if timed:
            raise DeclarationError(
                f"The mechanism of {target} uses {timed[0]}, but a Network has no time: "
                "declare a System."
            )
    refuse_shared_names({s for m in checked.values() for s in m.arguments} | set(checked))
    if same_step:
        refuse_names_of_dims(checked)
    return checked


def mechanisms_of(formulas: object, where: str) -> dict[Variable, Mechanism]:
    """Formulas as mechanisms, each with a variable on its left side."""
    checked: dict[Variable, Mechanism] = {}
    for target, formula in spread(checks.as_mapping(formulas, where, "{u: -k*R}"), where).items():
        if not isinstance(target, Variable):
            kind = type(target).__name__
            raise DeclarationError(
                f"{target!r} ({kind}) stands on the left of a mechanism: only a variable can, "
                f'such as {target} = variable("{target}").'
            )
        place = f"{target} before the start" if where == "history" else ""
        given = _as_table(target, formula) if where == "history" else formula
        checked[target] = mechanism_of(target, given, place)
    return checked


def _as_table(target: Variable, given: object) -> object:
    """The name of a value that was before the start as a table without parents; else as given."""
    is_value = isinstance(target, Finite) and isinstance(given, str | int)
    return table((), given) if is_value else given


def check_not_empty(variables: Sized) -> None:
    """Raise ``DeclarationError`` for a model without variables."""
    if not variables:
        raise DeclarationError(
            "There is no variable: a model has one or more, such as {T: R - d, R: R - k*T}."
        )


def refuse_shared_names(symbols: Iterable[Symbol]) -> None:
    """Raise ``DeclarationError`` where two symbols have one name: two laws of one noise, say."""
    owners: dict[str, Symbol] = {}
    for symbol in symbols:
        if not isinstance(symbol, Quantity):
            continue
        other = owners.setdefault(symbol.name, symbol)
        if other != symbol:
            kinds = sorted(_kind(s) for s in (other, symbol))
            if kinds[0] == kinds[1]:
                # They differ in what is assumed of them alone.
                kinds = sorted(f"{_kind(s)}, {_assumed(s)}" for s in (other, symbol))
            raise DeclarationError(
                f"{symbol} is declared twice, as a {kinds[0]} and as a {kinds[1]}: "
                "give each symbol its own name, or write the same one in both places."
            )


def _kind(symbol: Quantity) -> str:
    if isinstance(symbol, Finite):
        return f"variable with the values {listed(symbol.domain.names)}"
    return f"{type(symbol).__name__.lower()} in {symbol.unit or 1}"


def _assumed(symbol: Symbol) -> str:
    facts = symbol._assumptions_orig
    if isinstance(symbol, Noise):
        return f"with the law {law_text(symbol.law)}"
    return "assumed " + ", ".join(f"{fact}={is_so}" for fact, is_so in sorted(facts.items()))


def check_symbols(formulas: Mapping[K, Mechanism], known: Iterable[Symbol], remedy: str) -> None:
    """Every symbol of every formula is known; else name the nearest one and what to write.

    ``remedy`` says what a variable wants; parameters and foreign symbols want the same everywhere.
    """
    everything = set(known)
    refuse_shared_names(everything | {s for m in formulas.values() for s in m.arguments})
    for target, mechanism in formulas.items():
        for symbol in mechanism.arguments:
            owner = symbol.variable if isinstance(symbol, Shifted) else symbol
            if owner not in everything and not isinstance(owner, Time | Noise):
                _refuse_plain(owner, target, everything)
                raise DeclarationError(
                    f"The mechanism of {target} uses {owner}, which is not declared here: "
                    f"{_remedy(owner, remedy)}.{nearest(owner, sorted(map(str, everything)))}"
                )


def _refuse_plain(symbol: Symbol, target: object, known: Iterable[Symbol]) -> None:
    """What to say of a plain symbol of sympy's that is called like one of the model's."""
    own = next((s for s in known if isinstance(s, Quantity) and s.name == symbol.name), None)
    if own is not None and not isinstance(symbol, Quantity):
        kind = type(own).__name__.lower()
        raise DeclarationError(
            f"The mechanism of {target} uses {symbol}, which is a plain symbol of sympy's, and not "
            f'the {kind} {symbol} of this model: write the one that {kind}("{symbol}") has made.'
        )


def noises_of(mechanisms: Iterable[Mechanism]) -> tuple[Noise, ...]:
    """The noises that mechanisms use, by name; two of one name are refused."""
    noises = {s for m in mechanisms for s in m.arguments if isinstance(s, Noise)}
    return tuple(sorted(noises, key=lambda noise: noise.name))


def _remedy(owner: Symbol, for_variable: str) -> str:
    if isinstance(owner, Variable):
        return for_variable
    if isinstance(owner, Quantity):
        return f"give it a value in parameters={{{owner}: ...}}"
    return f'make it with variable("{owner}") or parameter("{owner}")'


def with_step(
    parameters: object, dt: object, rates: object
) -> tuple[dict[Parameter, float | Expr], Parameter]:
    """The parameters of an ODE, with one for the length of a step where ``dt`` is a number."""
    known = {**amounts_of(parameters, Parameter, "parameters")}
    if isinstance(dt, Parameter):
        return known, dt
    size = Parameter("dt")
    written = spread(checks.as_mapping(rates, "What from_ode takes", "{a: -a}"), "from_ode")
    if size.name in map(str, (*written, *known)):
        raise DeclarationError(
            "dt is declared twice, as the length of a step and as a symbol of the system: "
            "write dt=dt to make the parameter the length of a step, or rename the symbol."
        )
    return {**known, size: checks.finite(dt, "dt")}, size


def checked_dt(
    dt: float | Parameter | None, parameters: Mapping[Label, float]
) -> float | Parameter | None:
    """The length of a step, as declared: a positive number, or a parameter that has one."""
    if dt is None:
        return None
    if isinstance(dt, Parameter) and dt not in parameters:
        raise DeclarationError(
            f"dt is the parameter {dt}, which has no value: give one in parameters={{{dt}: ...}}."
        )
    length = checks.finite(parameters[dt] if isinstance(dt, Parameter) else dt, "dt")
    if length <= 0:
        raise DeclarationError(f"dt is {length}: a step takes a positive time, such as dt=0.01.")
    return dt if isinstance(dt, Parameter) else length


def checked_events(
    events: object, mechanisms: Mapping[Variable, object], method: str | None
) -> tuple[Event, ...]:
    """The events, each of which sets variables that have a step or a rate."""
    if not isinstance(events, Sequence) or not all(isinstance(e, Event) for e in events):
        raise DeclarationError(
            f"events is {checks.shown(events)}: write a list, such as [Event(R > 30, {{R: 20}})]."
        )
    for event in events:
        for target in event.set:
            if target not in mechanisms:
                raise DeclarationError(
                    f"The event when {event.when} sets {target}, which has no step or rate of its "
                    "own: set what it follows from."
                )
            if target.domain.why_no_difference() is not None:
                raise DeclarationError(
                    f"The event when {event.when} sets {target}, which takes named values: write "
                    "the case into its table."
                )
        if method is not None:
            event.crossing  # noqa: B018  # raises where there is none
    return tuple(events)


def check_seen(events: Iterable[Event], known: Collection[Symbol]) -> None:
    """Every symbol of every event is known."""
    for event in events:
        for symbol in event.arguments:
            if symbol not in known and not isinstance(symbol, Time):
                raise DeclarationError(
                    f"The event when {event.when} uses {symbol}, which is not declared here."
                    + nearest(symbol, sorted(map(str, known)))
                )


def check_start(
    mechanisms: Mapping[Variable, object],
    equations: Mapping[Variable, object],
    start: Mapping[Variable, object],
) -> None:
    """Every variable with a step or a rate has a start value, and nothing else has one."""
    both = [v for v in equations if v in mechanisms]
    if both:
        raise DeclarationError(
            f"{both[0]} has a mechanism and an equation in algebraic: leave out one of the two."
        )
    missing = [str(v) for v in mechanisms if v not in start]
    if missing:
        raise DeclarationError(
            f"{', '.join(missing)} has no start value: write start={{{missing[0]}: ...}}."
        )
    extra = [v for v in start if v not in mechanisms]
    if extra and extra[0] in equations:
        raise DeclarationError(
            f"start gives a value for {extra[0]}, whose equation holds at the start too: leave the "
            "value out."
        )
    if extra:
        raise DeclarationError(
            f"start gives a value for {extra[0]}, which has no mechanism: give it one, such as "
            f"{{{extra[0]}: {extra[0]}}} to keep it constant, or declare it as a parameter."
            + nearest(extra[0], mechanisms)
        )


def check_rates(rates: Mapping[Variable, Mechanism], method: str | None) -> None:
    """Rates of change, where a method is given, are of numbers, and of the present state alone."""
    if method is None:
        return
    if not isinstance(method, str) or method not in METHODS:
        raise DeclarationError(f"There is no method {method!r}." + nearest(method, METHODS))
    for target, rate in rates.items():
        why = target.domain.why_no_difference()
        if why is not None:
            raise DeclarationError(
                f"{target} has no rate of change: {why}. Declare it in a System, with a table."
            )
        same = [s for s in rate.arguments if isinstance(s, Next)]
        if same:
            raise DeclarationError(
                f"The rate of {target} uses {same[0]}: a rate depends on the present state, "
                f"so write {same[0].variable}."
            )


def checked_tolerance(
    tolerance: object, method: str | None, rates: Mapping[Variable, Mechanism], dt: object
) -> float | None:
    """How large the error of a part of a step may be, beside what it is an error of.

    Raises ``DeclarationError`` for what is no small number, and for what has no parts.
    """
    if tolerance is None:
        return None
    known = [name for name, kind in METHODS.items() if kind.estimates is not None]
    if method not in known:
        raise DeclarationError(
            f"tolerance={checks.shown(tolerance)} has a step taken in parts, by an estimate of its "
            f"error, and method={checks.shown(method)} has none: write "
            f"{' or '.join(f'method={name!r}' for name in known)}."
        )
    for variable, rate in rates.items():
        if variable.domain.shape or rate.is_opaque:
            what = "an array" if variable.domain.shape else "followed by a function"
            raise DeclarationError(
                f"{variable} is {what}, and estimates of errors are made of formulas of numbers: "
                "leave tolerance out, or give a solver of diffrax, which has one of its own."
            )
        strange = next((s for s in rate.arguments if s == dt or isinstance(s, Noise | Lag)), None)
        if strange is not None:
            raise DeclarationError(
                f"The rate of {variable} uses {strange}, which belongs to a whole step, and with a "
                "tolerance (method='auto' has one) steps are taken in parts: take steps of a fixed "
                "length, method='rk4' without a tolerance."
            )
    number = checks.finite(tolerance, "tolerance")
    if not 1e-14 <= number <= 0.1:
        raise DeclarationError(
            f"tolerance={number:g} is no error beside what it is an error of that floats can keep "
            "to: write a number such as 1e-9."
        )
    return number


def check_steps(steps: object) -> int:
    """A whole number of steps, one or more."""
    return checks.whole(steps, "steps", 1)


def check_seed(seed: object) -> int:
    """A seed: a whole number, 0 or more."""
    return checks.whole(seed, "seed", 0, most=math.inf)


EARLIER = "Let one of them depend on an earlier step, in a System."


def cycle_message(
    loop: Sequence[str],
    decided: str | None = None,
    remedy: str = EARLIER,
    others: Sequence[Sequence[str]] = (),
) -> str:
    """What is wrong with a cycle, named node by node; ``decided`` is a decision on it.

    ``remedy`` says what to do about it, and about ``others``, which are told beside it.
    """
    if decided is not None:
        return (
            f"The decision {decided} sees its own effect: {' -> '.join(loop)}. What is seen is "
            "there before it is decided: leave it out of what the decision sees."
        )
    return (
        f"The nodes form {'cycles' if others else 'a cycle'}: "
        f"{the_first([' -> '.join(one) for one in (loop, *others)])}. Each one would have to be "
        f"computed before itself. {remedy}"
    )
