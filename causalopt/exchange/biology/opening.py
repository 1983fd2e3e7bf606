"""What events of SBML do at the start itself: they change what everything starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import sympy
from sympy import Expr, Integer, Symbol

from causalopt.exchange.biology.events import Happening, Waiting
from causalopt.exchange.biology.numbers import evaluated, put_in
from causalopt.exchange.biology.process import refused
from causalopt.exchange.biology.rates import Rates
from causalopt.exchange.biology.starts import numbers_at_start
from causalopt.ground.checks import shown
from causalopt.language.symbols import Lag, Quantity, Variable, time
from causalopt.model.amounts import in_turn

if TYPE_CHECKING:
    from causalopt.exchange.biology.description import Place

#: The most events that are carried out at the start: some make one another happen without end.
MOST_AT_START = 100


@dataclass(frozen=True)
class Opening:
    """The start once its events have happened: what all start from, and what waits, by name."""

    given: Mapping[Quantity, Expr]
    waiting: Mapping[str, Waiting]


def opened(rates: Rates, given: Mapping[Quantity, Expr], found: Sequence[Happening]) -> Opening:
    """The start of a file, with what its events do there.

    An event happens at the start if its trigger holds there and is said not to have held before
    (``initialValue="false"``), or comes true by what another sets. Of several the one of the
    highest priority is carried out first, and of those alike the one that stands first. What an
    event sets follows from parameters and from start values that no event changes; whether it
    happens is decided by the numbers of the file, whatever is swept later.

    Raises ``FileError`` for a delay below 0, an event that happens again while it is due or waits,
    and events that make one another happen without end.
    """
    start = _Start(rates, dict(given), {one.name: one for one in found})
    start.run()
    return Opening(start.given, start.waiting)


@dataclass
class _Start:
    """The start as it changes; ``due`` are events with what they set, None where it is open.

    ``places`` are where the file sets what an event has set.
    """

    rates: Rates
    given: dict[Quantity, Expr]
    found: Mapping[str, Happening]
    holds: dict[str, bool] = field(default_factory=dict)
    due: dict[str, Mapping[Variable, Expr] | None] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    places: dict[Quantity, Place] = field(default_factory=dict)

    def run(self) -> None:
        """Carry out one event after another, until none is due."""
        if not self.found:
            return
        self.holds = {name: one.fact["is_true_before"] for name, one in self.found.items()}
        self.ask()
        for _ in range(MOST_AT_START):
            if not self.due:
                return
            due = [one for name, one in self.found.items() if name in self.due]
            self.carry_out(max(due, key=lambda one: one.priority))
            self.ask()
        told = f"more than {MOST_AT_START} events happen at the start (MOST_AT_START)."
        raise refused(self.rates.source, self.rates.model["events"][0]["at"], told)

    def ask(self) -> None:
        """Ask of each trigger whether it holds now."""
        # (There are no circles of equations beside events.)
        numbers = numbers_at_start(self.rates, self.given, {}, self.places)
        for name, one in self.found.items():
            with self.rates.formulas.within(one.fact["at"]):
                is_true = evaluated(one.trigger, numbers) == sympy.true
                if is_true and not self.holds[name]:
                    self.happen(one, numbers)
            if not is_true and not one.fact["is_persistent"]:
                self.due.pop(name, None)
                self.waiting.pop(name, None)
            self.holds[name] = is_true

    def happen(self, one: Happening, numbers: Mapping[Symbol, float]) -> None:
        """Let an event be due now, or wait."""
        at, delay = one.fact["at"], evaluated(one.delay, numbers)
        waits = float(cast(Expr, delay)) if delay is not sympy.nan else -1.0
        if waits < 0:
            told = f"the event {shown(one.name)} waits for {delay} at the start: write 0 or more."
            raise refused(self.rates.source, at, told)
        if one.name in self.due or one.name in self.waiting:
            told = f"the event {shown(one.name)} happens twice at the start: write two events."
            raise refused(self.rates.source, at, told)
        values = {variable: _at_start(value, {}) for variable, value in one.values.items()}
        if waits > 0:
            self.waiting[one.name] = Waiting(_at_start(one.delay, {}), values)
        else:
            self.due[one.name] = values if one.fact["takes_values_then"] else None

    def carry_out(self, one: Happening) -> None:
        """Set what an event sets; what follows from it otherwise stays what it was."""
        decided = self.due.pop(one.name)
        set_to = one.carried_out(decided or one.values)
        self.places |= dict.fromkeys(set_to, one.fact["at"])
        old = self.formulas_of(set_to)
        with self.rates.formulas.within(one.fact["at"]):
            new = {v: _at_start(f, old) for v, f in set_to.items()}
            self.given = {q: _at_start(f, old) for q, f in self.given.items()} | new
            for name, values in self.due.items():
                self.due[name] = values and {v: _at_start(f, old) for v, f in values.items()}
            for name, waits in self.waiting.items():
                values = {v: _at_start(f, old) for v, f in waits.values.items()}
                self.waiting[name] = Waiting(_at_start(waits.delay, old), values)

    def formulas_of(self, changing: Mapping[Variable, Expr]) -> dict[Symbol, Expr]:
        """What is about to change, and what follows from it by rules, as formulas of what stays."""
        written = {**self.given, **self.rates.equations}
        now = {q: _at_start(f, {}) for q, f in written.items() if isinstance(q, Variable)}
        old: dict[Symbol, Expr] = {}
        for variable in in_turn(now, "What the rules of the file say"):
            is_ruled = variable in self.rates.equations and now[variable].free_symbols & old.keys()
            if variable in changing or is_ruled:
                old[variable] = _at_start(now[variable], old)
        return old


def _at_start(formula: Expr, old: Mapping[Symbol, Expr]) -> Expr:
    """A formula at the start, with others in the place of symbols; what was before is there."""
    lags = {lag: lag.variable for lag in formula.atoms(Lag)}
    known = {time: Integer(0), **old}
    plain = formula.xreplace(lags)
    return cast(Expr, put_in(plain, known)) if plain.free_symbols & known.keys() else plain
