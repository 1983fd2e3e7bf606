"""The events that a file in SBML declares: as events of the house, with what waits for a delay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sympy
from sympy import And, Expr, Not, Or, Piecewise, Symbol
from sympy.core.relational import StrictGreaterThan, StrictLessThan
from sympy.logic.boolalg import Boolean

from causalopt.exchange.biology.instants import DUE, NEVER
from causalopt.exchange.biology.numbers import constant_of, number
from causalopt.exchange.biology.process import refused
from causalopt.exchange.biology.rates import Rates
from causalopt.exchange.biology.triggers import INEQUALITIES, Occasion, occasions
from causalopt.ground.checks import shown
from causalopt.language.symbols import Parameter, Quantity, Variable, time
from causalopt.mechanisms.events import Event
from causalopt.model.amounts import followed

if TYPE_CHECKING:
    from causalopt.exchange.biology.description import EventFact

#: The most events: a step asks of each whether it is the first, and so of each pair.
MOST_EVENTS = 32


@dataclass(frozen=True)
class Diluted:
    """The concentration that an event sets, and the size that makes an amount of it."""

    concentration: Variable
    size: Quantity


@dataclass(frozen=True)
class Happening:
    """An event as the file has it: what makes it happen, when it is carried out, what it sets.

    ``occasions`` are what makes it happen after the start; ``moment`` is when it is carried out,
    where that can be told, and ``reads`` by what. Of an amount in ``diluted`` the value is the
    concentration: while an event waits, its compartment may grow. A concentration in ``thinned``,
    which has a rate of its own, keeps its amount where its compartment is set to another size.
    """

    name: str
    fact: EventFact
    trigger: Boolean
    occasions: tuple[Occasion, ...]
    delay: Expr
    values: Mapping[Variable, Expr]
    diluted: Mapping[Variable, Diluted]
    thinned: Mapping[Variable, Variable]
    priority: float
    moment: float | None
    reads: frozenset[Symbol]

    @property
    def is_sure(self) -> bool:
        """Whether its trigger always holds, or never does."""
        return self.occasions[0].when in (sympy.true, sympy.false) and not any(
            occasion.instants for occasion in self.occasions
        )

    @property
    def is_of_start(self) -> bool:
        """Whether it is carried out at the start or never: there, events are one after another."""
        if self.moment is None or self.delay != 0:
            return False
        is_strict = isinstance(self.occasions[0].when, StrictGreaterThan | StrictLessThan)
        return self.moment < 0 or (self.moment == 0 and not is_strict)

    def carried_out(self, values: Mapping[Variable, Expr]) -> dict[Variable, Expr]:
        """What is set to such values: of a concentration the amount, by the size there is then.

        And what is thinned by the sizes that are set.
        """
        amounts = {
            v: value * self.diluted[v].size if v in self.diluted else value
            for v, value in values.items()
        }
        return amounts | {v: v * size / values[size] for v, size in self.thinned.items()}

    def keeper(self, variable: Variable) -> Variable:
        """The variable that keeps a value until it is set."""
        diluted = self.diluted.get(variable)
        own = diluted.concentration if diluted else variable
        return Variable(f"{own} by {self.name}", own.unit)


@dataclass(frozen=True)
class Waiting:
    """What waits from the start on: how long, and what it sets, as formulas of the start."""

    delay: Expr
    values: Mapping[Variable, Expr]


@dataclass(frozen=True)
class Occurrences:
    """Events, and the variables that keep what waits for its time, with what they start from."""

    events: tuple[Event, ...]
    kept: Mapping[Variable, Expr]


def happenings(rates: Rates) -> list[Happening]:
    """The events of a file as it has them, in its order.

    Raises ``FileError`` for what an event cannot be here: a trigger that is no inequality, a
    priority that is no number, one that sees what another has set in the same moment, and more
    events than are read.
    """
    if len(rates.model["events"]) > MOST_EVENTS:
        told = f"there are more than {MOST_EVENTS} events (MOST_EVENTS): write fewer."
        raise refused(rates.source, rates.model["events"][MOST_EVENTS]["at"], told)
    found = [_happening(rates, fact, place) for place, fact in enumerate(rates.model["events"])]
    for one in found:
        _check_order(rates, one, found)
    return found


def events_of(
    rates: Rates, found: Sequence[Happening], waiting: Mapping[str, Waiting]
) -> Occurrences:
    """The events of a file for a run; ``waiting``, by name, are those that wait from the start on.

    Where two happen at once and set one variable, the one of the lower priority does so last, and
    of those alike the one that stands last: as at the start, the order is that of the file.
    """
    events: list[Event] = []
    kept: dict[Variable, Expr] = {}
    # Of events the first one named has the last word.
    for one in sorted(found, key=lambda one: one.priority, reverse=True)[::-1]:
        # A trigger that is sure makes an event happen at the start alone.
        if not one.values or (one.is_sure and one.name not in waiting):
            continue
        more = (
            _at_once(one, rates.symbols.step)
            if one.delay == 0
            else _later(one, rates.symbols.step, waiting.get(one.name))
        )
        events += more.events
        kept |= more.kept
    return Occurrences(tuple(events), kept)


# -- what the file says ----------------------------------------------------------------------------


def _happening(rates: Rates, fact: EventFact, place: int) -> Happening:
    at, formulas = fact["at"], rates.formulas
    trigger = formulas.truth(fact["trigger"], at)
    delay = formulas.number(fact["delay"], at) if fact["delay"] else sympy.Integer(0)
    values, diluted = _values(rates, fact)
    name = fact["id"] or f"event {place + 1}"
    # What waits is dropped by an event of its own.
    is_checked_once = fact["is_persistent"] or delay != 0
    seen: set[Symbol] = set() if is_checked_once else set(trigger.free_symbols)
    if not fact["takes_values_then"]:
        seen.update(*(value.free_symbols for value in values.values()))
    with formulas.within(at):
        found = occasions(trigger, rates.still, rates.positive)
        moment = _moment(rates, found, delay)
    seen.update(*(one.given.free_symbols for one in found))
    if not found:
        told = (
            f"the event {shown(name)} happens when {trigger}: write inequalities, such as x > 1, "
            "or an equality with the time or with what events set, such as time == 20."
        )
        raise refused(rates.source, at, told)
    if delay != 0 and any(one.is_passing for one in found):
        told = f"the event {shown(name)} is made to happen for a moment alone, and waits: write an"
        told += " inequality, or no delay."
        raise refused(rates.source, at, told)
    return Happening(
        *(name, fact, trigger, found, delay, values, diluted),
        *(_thinned(rates, fact, name), _priority(rates, fact, name), moment),
        reads=frozenset(seen | followed(rates.equations, seen)),
    )


def _values(rates: Rates, fact: EventFact) -> tuple[dict[Variable, Expr], dict[Variable, Diluted]]:
    """What an event sets; of a species that is diluted its amount, or what that is made of."""
    symbols, set_to = rates.symbols, {}
    for one in fact["assignments"]:
        if one["symbol"] in set_to:
            told = f"the event sets {shown(one['symbol'])} twice: leave one out."
            raise refused(rates.source, one["at"], told)
        set_to[one["symbol"]] = rates.formulas.number(one["formula"], one["at"])
    values: dict[Variable, Expr] = {}
    diluted: dict[Variable, Diluted] = {}
    for name, value in set_to.items():
        owner = symbols.owner(name)
        if name in symbols.amounts:
            compartment = symbols.roles.species[name]["compartment"]
            if compartment in set_to:
                value = value * set_to[compartment]
            else:
                size = symbols.quantities[compartment]
                diluted[owner] = Diluted(symbols.variable(name), size)
        values[owner] = value
    return values, diluted


def _thinned(rates: Rates, fact: EventFact, event: str) -> dict[Variable, Variable]:
    """Concentrations with rates of their own, each with the compartment that an event sets.

    One that the event sets too, or whose compartment it leaves as it is, is none of them.
    """
    symbols, roles = rates.symbols, rates.symbols.roles
    names = {one["symbol"] for one in fact["assignments"]}
    set_to = {symbols.owner(name) for name in names}
    found: dict[Variable, Variable] = {}
    for name in sorted(filter(roles.is_concentration, roles.rated.keys() - names)):
        compartment = roles.species[name]["compartment"]
        if compartment in names:
            found[symbols.variable(name)] = symbols.variable(compartment)
        elif shared := followed(rates.equations, {symbols.quantities[compartment]}) & set_to:
            told = (
                f"the event {shown(event)} sets {min(map(str, shared))}, which the size of "
                f"{shown(compartment)} follows, and the concentration {shown(name)} has a rate of "
                "its own there: let the event set that too."
            )
            raise refused(rates.source, fact["at"], told)
    return found


def _priority(rates: Rates, fact: EventFact, name: str) -> float:
    if not fact["priority"]:
        return 0.0
    formula = rates.formulas.number(fact["priority"], fact["at"])
    found = constant_of(formula, rates.plain_numbers)
    if found is None:
        told = f"the priority of the event {shown(name)} is {shown(formula)}: write a number."
        raise refused(rates.source, fact["at"], told)
    return found


def _moment(rates: Rates, found: tuple[Occasion, ...], delay: Expr) -> float | None:
    """When an event is carried out that the time alone makes happen, once."""
    if len(found) != 1 or found[0].instants:
        return None
    when = found[0].when
    if when == sympy.true:
        return constant_of(delay, rates.plain_numbers)
    if not isinstance(when, INEQUALITIES):
        return None
    height = when.gts - when.lts
    slope = height.diff(time)
    if time in slope.free_symbols or slope == 0:
        return None
    return constant_of(delay - height.xreplace({time: number(0)}) / slope, rates.plain_numbers)


# -- what cannot be said ---------------------------------------------------------------------------


def _check_order(rates: Rates, one: Happening, others: list[Happening]) -> None:
    """Of events at one moment, none sees what another sets: all see what was there before."""
    for other in others:
        is_apart = one.is_of_start or other.is_of_start or _have_two_moments(one, other)
        shared = sorted(map(str, one.reads & other.values.keys()))
        if other is not one and shared and not is_apart:
            told = (
                f"the event {shown(one.name)} sees {shared[0]}, which {shown(other.name)} sets, "
                "perhaps in the same moment, and all events of a moment see what was there before: "
                'write useValuesFromTriggerTime="true" and persistent="true", and beside what '
                "holds for a moment alone nothing else."
            )
            raise refused(rates.source, one.fact["at"], told)
        if other is not one and not is_apart and _comes_first(other, one, others):
            _check_size(rates, one, other)


def _comes_first(one: Happening, other: Happening, every: list[Happening]) -> bool:
    """Whether an event is carried out before another one of its moment."""
    if one.priority != other.priority:
        return one.priority > other.priority
    return every.index(one) < every.index(other)


def _check_size(rates: Rates, one: Happening, other: Happening) -> None:
    """An event makes no amount of a size, or of a concentration, that another has just set."""
    for concentration in sorted(one.thinned.keys() & other.values.keys(), key=str):
        told = (
            f"the event {shown(one.name)} sets the size of what {concentration} is in, and "
            f"{shown(other.name)} sets {concentration}, perhaps in the same moment and before it: "
            "let one event set both, or the one that sets the concentration come last, by its "
            "priority."
        )
        raise refused(rates.source, one.fact["at"], told)
    for diluted in one.diluted.values():
        sizes = {diluted.size, *followed(rates.equations, {diluted.size})}
        if shared := sorted(map(str, sizes & other.values.keys())):
            told = (
                f"the event {shown(one.name)} sets {diluted.concentration}, a concentration, and "
                f"{shown(other.name)} sets {shared[0]}, perhaps in the same moment and before it: "
                "let one event set both, or the one that sets the size come last, by its priority."
            )
            raise refused(rates.source, one.fact["at"], told)


def _have_two_moments(one: Happening, other: Happening) -> bool:
    return None not in (one.moment, other.moment) and one.moment != other.moment


# -- as events of the house ------------------------------------------------------------------------


def _at_once(one: Happening, step: Parameter) -> Occurrences:
    """An event that is carried out when it is made to happen; one variable keeps each next time."""
    events: list[Event] = []
    kept: dict[Variable, Expr] = {}
    set_to = one.carried_out(one.values)
    for place, occasion in enumerate(one.occasions):
        given = occasion.given
        values = {v: Piecewise((value, given), (v, True)) for v, value in set_to.items()}
        when = occasion.when
        if occasion.instants:
            due = Variable(f"{one.name} is due" + f" ({place + 1})" * (place > 0), step.unit)
            when = time >= due
            values[due] = occasion.instants.following.xreplace({DUE: due})
            kept[due] = occasion.instants.first
        events.append(Event(when, values))
    return Occurrences(tuple(events), kept)


def _later(one: Happening, step: Parameter, waiting: Waiting | None) -> Occurrences:
    """An event that is carried out some time after what makes it happen, perhaps from the start.

    One variable keeps when it is due, and others what it is to set, where that was decided when it
    was made to happen. Before its time is in the future it is not due. It has no value, so that a
    run ends, where it is made to happen again while it waits, and where it is due in the same step.
    """
    due = Variable(f"{one.name} is due", step.unit)
    may_wait = And(Or(due <= time, due >= NEVER), one.delay > step)
    decided: dict[Variable, Expr] = {due: Piecewise((time + one.delay, may_wait))}
    begun: dict[Variable, Expr] = {due: waiting.delay if waiting else sympy.Integer(0)}
    values = dict(one.values)
    if one.fact["takes_values_then"]:
        kept = {v: one.keeper(v) for v in values}
        decided |= {kept[v]: value for v, value in values.items()}
        begun |= {kept[v]: waiting.values[v] if waiting else sympy.Integer(0) for v in values}
        values = dict(kept)
    events = [Event(time >= due, one.carried_out(values))]
    if not one.is_sure:
        events = [*(Event(occasion.when, decided) for occasion in one.occasions), *events]
        if not one.fact["is_persistent"]:
            events.append(Event(Not(one.occasions[0].when), {due: NEVER}))
    return Occurrences(tuple(events), begun)
