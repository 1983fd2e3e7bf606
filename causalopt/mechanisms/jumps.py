"""Jumps by events, at the end of a step or inside it.

Inside a step of a method the moment is where the condition comes true on the method's continuous
extension. It moves with what is there, and so derivatives go through it (the saltation matrix). The
rest of the step is taken from there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeVar

import sympy
from sympy import And, Expr, Min, Not, Or, Piecewise, Rational, Symbol
from sympy.logic.boolalg import Boolean

from causalopt.ground.errors import DeclarationError
from causalopt.language.symbols import Past, Stage, Variable, time
from causalopt.mechanisms.clock import as_times_go, end_of_step
from causalopt.mechanisms.crossing import SHARE, Crossing
from causalopt.mechanisms.events import Event
from causalopt.mechanisms.integrators import Explicit, Method, Stride
from causalopt.mechanisms.interface import Mechanism, Terms
from causalopt.mechanisms.onset import Onset
from causalopt.mechanisms.symbolic import Expression
from causalopt.mechanisms.truth import undecided

F = TypeVar("F", Expr, Boolean)

_NOWHERE: Terms = MappingProxyType({})

_HALF = Rational(1, 2)
# Which part of a condition's way over a step is no way back.
_BACK = Rational(1, 10**6)
# Which part of a step is its very end, or its very beginning.
_LATE = Rational(1, 10**6)
# Which part of a step lies between moments that are one, but for rounding.
_SAME = Rational(1, 2**44)


@dataclass(frozen=True)
class Jumps:
    """A step over variables with events: what it assigns, hidden stages among it.

    ``rules`` are the steps of variables, or their rates; ``equations`` what holds at the end of a
    step (in terms of R.next). Without a ``length``, time counts steps.
    """

    rules: Mapping[Variable, Mechanism]
    equations: Mapping[Variable, Mechanism]
    events: Sequence[Event]
    at: Stride
    length: float | None

    @property
    def size(self) -> Expr:
        """The length of a step."""
        return self.at.size

    def of(self, method: Method | None) -> dict[Variable, Mechanism]:
        """What a step assigns, in steps or by a method."""
        if method is None:
            return self.in_steps()
        # In an equation, which is written in terms of R.next, R itself is a step before.
        back = [s for rule in self.rules.values() for s in rule.arguments if isinstance(s, Past)]
        back += [
            s for rule in self.equations.values() for s in rule.arguments
            if isinstance(s, Past | Variable)
        ]  # fmt: skip
        if back:
            name = getattr(back[0], "variable", back[0])
            raise DeclarationError(
                f"There are events inside the steps of a method, and {name} is used with a delay: "
                "the one or the other can be, or both in a System of steps."
            )
        if method.tableau is None:
            raise DeclarationError(
                "There are events, whose moments are found on the continuous extension of a step, "
                'and an implicit method has none: write method="rk4" or "dopri5".'
            )
        return self.inside(method.tableau)

    # -- in steps --------------------------------------------------------------------------------

    def in_steps(self) -> dict[Variable, Mechanism]:
        """Each variable before the jumps, as a stage, and after them."""
        every = {**self.rules, **self.equations}
        before: dict[Symbol, Expr] = {v.next: Stage(v, 1).next for v in every}
        assigned = {Stage(v, 1): rule.renamed(before) for v, rule in every.items()}
        at = self._there(1, Rational(1))
        fires = [And(Not(self._begun(e)), self._over(e, at)) for e in self.events]
        jumped = {v: Expression(self._jumped(v, at, fires)) for v in self.rules}
        return {**self._times, **assigned, **jumped, **self.equations}

    # -- conditions, where a step begins and where it is over -------------------------------------

    @functools.cached_property
    def _times(self) -> dict[Variable, Mechanism]:
        """When a step begins and is over: what is the end of one is the beginning of the next."""
        if all(time not in event.when.free_symbols for event in self.events):
            return {}
        return {_BEGUN: Expression(time), _OVER: Expression(end_of_step(self.size))}

    def _begun(self, event: Event) -> Boolean:
        """The condition where a step begins."""
        return _at(self._as_times_go(event.when, event), {time: _BEGUN.next})

    def _over(self, event: Event, at: Terms) -> Boolean:
        """The condition where a step is over, and everything is as at its end."""
        return _at(self._as_times_go(event.when, event), {**at, time: _OVER.next})

    def _is_out(self, event: Event, number: int) -> Boolean:
        """Whether an event has sent back, at the end of the step before, what this begins with.

        Rounding may have left that beyond the edge, on its way out.
        """
        if not self._moved & event.crossing.free_symbols:
            return sympy.false
        departing = _number(event, number, _DEPARTING).next
        height = _at(self._as_times_go(event.crossing, event), {time: _BEGUN.next})
        return And(departing < 0, height < -_LATE * self.size * departing)

    def _as_times_go(self, formula: F, event: Event) -> F:
        where = f"{next(iter(event.set))} in the event when {event.when}"
        return as_times_go(formula, self.length, where)

    # -- inside the steps of a method ------------------------------------------------------------

    def inside(self, method: Explicit) -> dict[Variable, Mechanism]:
        """The step up to the first event, the jump, and the rest of the step."""
        assigned = {**self._times}
        assigned |= self._part(method, _FIRST, lambda v: v, Rational(0), self.size)
        end = {v: v + self.size * self._sum(v, method.weights, _FIRST) for v in self.rules}
        assigned |= self._state(_END, end, Rational(1))
        for number, event in enumerate(self.events):
            assigned |= self._located(method, event, number)
        share = Stage(_MOMENT, 0)
        moments = [_number(event, n, _WHEN).next for n, event in enumerate(self.events)]
        assigned[share] = Expression(Min(*moments))
        if self._times:
            assigned[_AT] = Expression(time + share.next * self.size)
        assigned |= self._state(_BEFORE, self._along(method, share.next), share.next)
        there = self._there(_BEFORE, share.next)
        first = [And(_happens(e, n), moments[n] <= share.next + _SAME)
                 for n, e in enumerate(self.events)]  # fmt: skip
        jumped = {v: self._jumped(v, there, first) for v in self.rules}
        assigned |= self._state(_AFTER, jumped, share.next)
        rest = (1 - share.next) * self.size
        assigned |= self._part(method, _REST, lambda v: Stage(v, _AFTER).next, share.next, rest)
        if self.at.errors:
            for v in self.rules:
                for stage, told in method.judged(v).items():
                    left = rest * self._sum(v, told, _REST)
                    assigned[stage] = Expression(self.size * self._sum(v, told, _FIRST) + left)
        last = {v: self._last(method, v, share.next, first) for v in self.rules}
        assigned |= self._state(_LAST, last, Rational(1))
        for number, event in enumerate(self.events):
            assigned |= self._again(event, number, first[number])
        sound = And(*(_number(e, n, _SECOND).next < _HALF for n, e in enumerate(self.events)))
        finals = {v: Stage(v, _LAST).next for v in self.rules}
        sure = {v: Piecewise((e, sound)) if v in self._moved else e for v, e in finals.items()}
        return {**assigned, **{v: Expression(e) for v, e in sure.items()}, **self.equations}

    def _last(
        self, method: Explicit, variable: Variable, share: Expr, first: Sequence[Boolean]
    ) -> Expr:
        """A variable at the end of a step with a jump in it.

        What is set goes on from there, with nothing of what was before. What is left goes on as a
        difference to what it was without the jump: so a step without an event is what it is without
        events, to the last digit, and a jump at the very end leaves it on its side of the edge.
        """
        end = Stage(variable, _END).next
        if variable not in self._moved:
            return end
        left_out = [
            (1 - share) * sympy.cancel((whole - part) / (1 - SHARE)).xreplace({SHARE: share})
            for whole, part in zip(method.weights, method.along, strict=True)
        ]
        rest = (1 - share) * self._sum(variable, method.weights, _REST)
        left = end + self.size * (rest - self._sum(variable, left_out, _FIRST))
        setting = [on for e, on in zip(self.events, first, strict=True) if variable in e.set]
        if not setting:
            return left
        anew = Stage(variable, _AFTER).next + self.size * rest
        return Piecewise((anew, Or(*setting)), (left, True))

    @functools.cached_property
    def _moved(self) -> set[Symbol]:
        """What the events set, and all that follows from it within a step."""
        moved: set[Symbol] = {v for event in self.events for v in event.set}
        following = {**self.rules, **self.equations}
        while more := {
            v for v, rule in following.items()
            if v not in moved and any(getattr(s, "variable", s) in moved for s in rule.arguments)
        }:  # fmt: skip
            moved |= more
        return moved

    def _part(
        self,
        method: Explicit,
        base: int,
        start: Callable[[Variable], Expr],
        begun: Expr,
        length: Expr,
    ) -> dict[Variable, Mechanism]:
        """The stages of a part of the step, and the rates at each of them."""
        assigned: dict[Variable, Mechanism] = {}
        part = replace(self.at, size=length)
        middle = part.inside(time + begun * self.size)
        is_bordered = bool(part.bordered(self.equations))
        for j, (node, row) in enumerate(zip(method.nodes, method.matrix, strict=True)):
            share = begun + node * length / self.size
            at = {v: start(v) for v in (*self.rules, *self.equations)}
            at[time] = time + share * self.size
            if j or is_bordered:
                states = {v: start(v) + length * self._sum(v, row, base) for v in self.rules}
                assigned |= self._state(base + j, states, share, middle)
                at = self._there(base + j, share)
            for variable, rate in self.rules.items():
                within = part.seen(rate)
                assigned[Stage(variable, base + _RATE + j)] = within.renamed(at | middle)
        return assigned

    def _sum(self, variable: Variable, weights: Sequence[Expr], base: int) -> Expr:
        terms = [
            w * Stage(variable, base + _RATE + j).next for j, w in enumerate(weights) if w != 0
        ]
        return sympy.Add(*terms)

    def _state(
        self, number: int, states: Mapping[Variable, Expr], share: Expr, middle: Terms = _NOWHERE
    ) -> dict[Variable, Mechanism]:
        """Stages of the variables with rates, and of those with equations there.

        These are seen from a part of the step with that ``middle``, if there is one.
        """
        at: dict[Symbol, Expr] = {v.next: Stage(v, number).next for v in (*states, *self.equations)}
        at[time] = time + (share - 1) * self.size
        # An equation is written for the end of a step.
        at |= {symbol: there - self.size for symbol, there in middle.items()}
        seen = {v: self.at.seen(rule) if middle else rule for v, rule in self.equations.items()}
        held = {Stage(v, number): rule.renamed(at) for v, rule in seen.items()}
        return {**{Stage(v, number): Expression(e) for v, e in states.items()}, **held}

    def _along(self, method: Explicit, share: Expr) -> dict[Variable, Expr]:
        """The variables with rates at a part of the step, by the method's continuous extension."""
        weights = [weight.xreplace({SHARE: share}) for weight in method.along]
        return {v: v + self.size * self._sum(v, weights, _FIRST) for v in self.rules}

    def _with_equations(self, states: Mapping[Variable, Expr], share: Expr) -> dict[Symbol, Expr]:
        """Terms for the variables with rates, and what follows for those with equations."""
        at: dict[Symbol, Expr] = {**states}
        seen: dict[Symbol, Expr] = {v.next: term for v, term in states.items()}
        seen[time] = time + (share - 1) * self.size
        for variable, rule in self.equations.items():
            seen[variable.next] = at[variable] = rule.value(seen)
        return {**at, time: time + share * self.size}

    def _there(self, number: int, share: Expr) -> dict[Symbol, Expr]:
        """What everything is at the stages of a number, when a share of the step has passed."""
        stages: dict[Symbol, Expr] = {
            v: Stage(v, number).next for v in (*self.rules, *self.equations)
        }
        return {**stages, time: time + share * self.size}

    def _located(self, method: Explicit, event: Event, number: int) -> dict[Variable, Mechanism]:
        """Whether an event happens in the step, and when, as a part of it; 1 where it does not."""
        end = self._there(_END, Rational(1))
        rates = {v: Stage(v, _FIRST + _RATE).next for v in self.rules}
        is_out = self._is_out(event, number)
        happens = And(Or(Not(self._begun(event)), is_out), self._over(event, end))
        there = self._with_equations(self._along(method, SHARE), SHARE)
        is_on, condition = _happens(event, number), _at(event.when, there)
        found = _number(event, number, _FOUND)
        moment = Onset(is_on, condition, _at(event.crossing, there), found.next)
        return {
            _number(event, number, _DEPARTING): Expression(self._motion(event, _NOWHERE, rates)),
            _number(event, number, _ON): Expression(Piecewise((1, happens), (0, True))),
            found: Expression(Crossing(is_on, condition)),
            _number(event, number, _WHEN): moment,
        }

    def _jumped(self, variable: Variable, there: Terms, first: Sequence[Boolean]) -> Expr:
        jumps = [
            (value, And(on, here))
            for event, on in zip(self.events, first, strict=True)
            for value, here in event.cases(variable, there)
        ]
        # Not evaluated: that tries every condition with every other, twice as long for each more.
        return (
            Piecewise(*jumps, (there[variable], True), evaluate=False) if jumps else there[variable]
        )

    def _again(self, event: Event, number: int, first: Boolean) -> dict[Variable, Mechanism]:
        """Whether an event comes true after the first, by its jump or in the rest of the step.

        That is once too often. NaN says that its condition is neither true nor false.
        """
        share = Stage(_MOMENT, 0).next
        end, last = self._there(_END, Rational(1)), self._there(_LAST, Rational(1))
        before, after = self._there(_BEFORE, share), self._there(_AFTER, share)
        numbers = {
            # The event itself leaves its condition on the edge: what counts is where the jump
            # sends it.
            _HEIGHT: _at(event.crossing, after)
            + _BACK * (_at(event.crossing, end) - event.crossing),
            _MOTION: self._motion(
                event, before, {v: r.value(before) for v, r in self.rules.items()}
            ),
            _TURNED: self._motion(
                event, after, {v: Stage(v, _REST + _RATE).next for v in self.rules}
            ),
            _LEAVING: self._motion(event, last, {v: r.value(last) for v, r in self.rules.items()}),
        }
        height, motion, turned, leaving = (_number(event, number, place).next for place in numbers)
        is_back = Or(height < 0, turned < Min(0, (1 + _BACK) * motion))
        if event.sets_its_edge:
            # No rounding is in that: x = 0.6 is not below 0.6, though a moment later it may be.
            is_back = Or(is_back, Not(_at(event.when, after)))
        # At the very end of a step, rounding may leave beyond the edge what is on its way out.
        is_left = Or(share >= 1, And(share > 1 - _LATE, leaving < 0))
        anything = Or(*(_happens(e, n) for n, e in enumerate(self.events)))
        # No room for rounding is inside of a step.
        was_on = _at(event.when, {**before, time: _AT.next})
        other = And(anything, Not(first), Not(was_on))
        returns = Or(And(first, is_back, Not(is_left)), other)
        second = Piecewise((1, And(self._over(event, last), returns)), (0, True))
        # It may have come true before the first, where by then nothing can be asked any more.
        numbers[_SECOND] = sympy.Add(second, undecided(And(anything, was_on)))
        return {_number(event, number, place): Expression(e) for place, e in numbers.items()}

    def _motion(self, event: Event, at: Terms, rates: Mapping[Variable, Expr]) -> Expr:
        """How fast the crossing of an event moves where the variables have these rates."""
        # Along the equations too, which follow from the variables.
        plain = self._with_equations({v: v for v in self.rules}, Rational(0))
        crossing = Expression(_at(event.crossing, plain))
        along: dict[Symbol, Expr] = {**rates, time: sympy.Integer(1)}
        return crossing.forward(at, along)


# The numbers of stages: of the whole step, its end, before and after the jump, of the rest, and its
# end.
_FIRST, _END, _BEFORE, _AFTER, _REST, _LAST = 0, 200, 250, 300, 400, 600
# Rates at a stage come so much after it.
_RATE = 100
# Those of the moments of each event, beyond all others.
_MOMENTS = 1000

# What there is to say of each: how fast it moves as the step begins; whether it happens; when, and
# how that moves; how high it is over its edge after the jump, how fast it moves before it, after it
# and at the end of the step; and whether it is one too many.
_DEPARTING, _ON, _FOUND, _WHEN, _HEIGHT, _MOTION, _TURNED, _LEAVING, _SECOND = range(9)

# What the moment of the first event is a stage of: no variable of a model.
_MOMENT = Variable("the first event")
# When a step begins, when it is over, and when that event is.
_BEGUN, _OVER, _AT = (Stage(_MOMENT, number) for number in (1, 2, 3))


def _number(event: Event, number: int, place: int) -> Stage:
    """What there is to say of an event: stages of what it sets, and held with that."""
    return Stage(next(iter(event.set)), _MOMENTS * (number + 1) + place)


def _happens(event: Event, number: int) -> Boolean:
    return _number(event, number, _ON).next > _HALF


def _at(formula: F, at: Terms) -> F:
    replaced: F = formula.xreplace(dict(at))
    return replaced
