"""Annealing as a system: a state, what is proposed to it, and what is accepted as it cools."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import sympy
from sympy import Add, Eq, Expr, Integer, Max, Piecewise

from causalopt.distributions import Enthalpies
from causalopt.ground.errors import DeclarationError
from causalopt.language.finite_variables import Finite, Value
from causalopt.language.laws import choice, uniform
from causalopt.language.lookup import picked
from causalopt.language.symbols import Next, Noise, Parameter, Variable
from causalopt.mechanisms.symbolic import expression
from causalopt.model.declaration import numbers
from causalopt.model.system import System
from causalopt.processes.moves import Flips, Moves, Steps
from causalopt.processes.rules import Name, Rule, rule_named
from causalopt.processes.schedules import checked_schedule, first_temperature


def annealing(
    energy: Enthalpies | Expr,
    moves: Moves,
    schedule: Expr | float,
    rule: Name = "metropolis",
    *,
    start: Mapping[Finite, Value],
    parameters: Mapping[Parameter, float] | None = None,
) -> System:
    """A Markov chain over the states of finite variables, at a temperature that changes with time.

    At each step a move picks a set of states that the present one is in, and the rule which of
    them is next, so that at a constant temperature T the Boltzmann distribution is stationary.

    ``energy``: ``Enthalpies`` (a table; maximised or minimised, as its convention says), or a sympy
    expression of finite variables, which stand for the places of their values and which is
    minimised, such as ``Ising.of_graph(graph).energy``. ``moves``: ``Flips()`` (one variable,
    picked by chance), ``Sweeps()`` (all in turn), ``Steps.of(graph)`` (to neighbouring values of
    one variable). ``schedule``: a number, an expression of ``time``, or ``linear``, ``geometric``,
    ``logarithmic``; step t to t + 1 is at its value at t. ``rule``: "metropolis" takes a change by
    d of log-likelihood with chance min(1, exp(d)), "glauber" with 1 / (1 + exp(-d)), "heat-bath"
    draws the next state from the set by its Boltzmann chances. ``start`` names a value for each
    variable.

    The nodes: ``T``, the temperature; for each variable v what its change would gain, ``gain_v``,
    and ``accept_v``, 1 where it is accepted (and ``propose_v`` where there are more than two
    values); v itself; and the energy ``E`` of the state. The draws are noise, shared by all worlds:
    ``run(..., draws=N)`` gives N seeded chains, and ``do`` another start. To a named value nothing
    can be added, so that Op is asked of ``langevin``, and of ``annealed`` distributions the entropy
    that correlation removes.

    Raises ``DeclarationError`` for a schedule that reaches 0, moves that are not symmetric or do
    not connect the states, and a state without an energy or with a forbidden start.

    Source: Metropolis et al. (1953); Kirkpatrick, Gelatt and Vecchi (1983); the comment on free
    energy and mode collapse.

    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.runs.results import run
    >>> spot = finite("spot", ["a", "b", "c"])
    >>> H = Enthalpies.of(spot, {"a": 1.0, "b": 0.0, "c": 3.0})
    >>> system = annealing(H, Steps.of([("a", "b"), ("b", "c")]), 0.5, start={spot: "a"})
    >>> found = run(system.world(steps=2000), keep=spot)
    >>> bool(((found.spot == 2).mean() > 0.9).item())
    True
    """
    constants = numbers(parameters or {}, Parameter, "parameters")
    temperature = checked_schedule(schedule, constants)
    variables = _variables(energy, start)
    reward = reward_of(energy, variables, constants)
    nodes: dict[Variable, Any] = {Variable("T"): temperature}
    nodes |= _moved(variables, moves, rule_named(rule), reward)
    nodes[Variable("E")] = reward.energy({v: v.next for v in variables})
    names = [v.name for v in nodes]
    twice = [v.name for v in variables if names.count(v.name) > 1]
    if twice:
        raise DeclarationError(
            f"{twice[0]} is the name of one of annealing's own nodes: give the variable another."
        )
    codes = {v: Integer(v.code(start[v], f"start: {v}")) for v in variables}
    begin = {v: start.get(v, 0.0) for v in nodes}
    begin[Variable("T")] = first_temperature(temperature, constants)
    begin[Variable("E")] = _finite_energy(reward.energy(codes), constants)
    begin |= {v: v.values[0] for v in nodes if isinstance(v, Finite) and v not in start}
    return System(nodes, start=begin, parameters=constants)


class Reward(Protocol):
    """What makes states likely: differences of log-likelihood times T, and the energy itself."""

    def change(self, variable: Finite, to: Expr, now: Mapping[Finite, Expr]) -> Expr:
        """How much likelier, times T, the state becomes where one variable goes to a place."""

    def energy(self, now: Mapping[Finite, Expr]) -> Expr:
        """The energy of a state, by the places of its values."""


@dataclass(frozen=True)
class TableReward:
    """Rewards by a table; forbidden states have the lowest reward that floats can tell apart."""

    H: Enthalpies

    def change(self, variable: Finite, to: Expr, now: Mapping[Finite, Expr]) -> Expr:
        """R(to) - R(now), each a Piecewise of the places."""
        return self._reward({**now, variable: to}) - self._reward(now)

    def energy(self, now: Mapping[Finite, Expr]) -> Expr:
        """The enthalpy as it was given."""
        return self._reward(now) * self.H.sign

    def _reward(self, places: Mapping[Finite, Expr]) -> Expr:
        cube = np.where(self.H.allowed, self.H.floats, _FORBIDDEN)
        shape = [v.size for v in self.H.variables]
        return picked(cube.reshape(shape), tuple(places[v] for v in self.H.variables))


# A forbidden state is not entered while T log u stays above this, and so at any T below 1e298.
_FORBIDDEN = -1e300


@dataclass(frozen=True)
class FormulaReward:
    """Rewards by an energy formula; a change looks at the terms with the variable alone."""

    terms: tuple[Expr, ...]

    @functools.cached_property
    def _with(self) -> dict[Expr, list[Expr]]:
        owning: dict[Expr, list[Expr]] = {}
        for term in self.terms:
            for symbol in term.free_symbols:
                owning.setdefault(symbol, []).append(term)
        return owning

    def change(self, variable: Finite, to: Expr, now: Mapping[Finite, Expr]) -> Expr:
        """E(now) - E(to), by the terms that name the variable."""
        terms = self._with.get(variable, [])
        before = Add(*(term.xreplace(dict(now)) for term in terms))
        after = Add(*(term.xreplace({**now, variable: to}) for term in terms))
        return before - after

    def energy(self, now: Mapping[Finite, Expr]) -> Expr:
        """The sum of all terms."""
        return Add(*(term.xreplace(dict(now)) for term in self.terms))


def reward_of(
    energy: Enthalpies | Expr, variables: Sequence[Finite], parameters: Mapping[Parameter, float]
) -> Reward:
    """The reward of an energy, with its symbols checked."""
    if isinstance(energy, Enthalpies):
        if not all(value.is_number for value in energy.values if isinstance(value, Expr)):
            raise DeclarationError("The enthalpies hold symbols: give them numbers first.")
        return TableReward(energy)
    formula = expression(energy, "the energy").formula
    known = {*variables, *parameters}
    foreign = sorted((s for s in formula.free_symbols if s not in known), key=str)
    if foreign:
        raise DeclarationError(
            f"The energy uses {foreign[0]}, which has no start: write start={{{foreign[0]}: ...}} "
            "for a finite variable, or parameters for a number."
        )
    return FormulaReward(Add.make_args(formula))


def _variables(energy: Enthalpies | Expr, start: Mapping[Finite, Value]) -> tuple[Finite, ...]:
    """The variables of the state, in the order of the table or of ``start``."""
    wrong = [v for v in start if not isinstance(v, Finite)]
    if wrong or not start:
        raise DeclarationError(
            f"start={dict(start)!r}: name a value for each finite variable of the state."
        )
    if not isinstance(energy, Enthalpies):
        return tuple(start)
    missing = [v for v in energy.variables if v not in start]
    extra = [v for v in start if v not in energy.variables]
    if missing or extra:
        raise DeclarationError(
            f"start names {', '.join(map(str, start))}, and the enthalpies are over "
            f"{', '.join(map(str, energy.variables))}: name these."
        )
    return energy.variables


def _moved(
    variables: Sequence[Finite], moves: Moves, rule: Rule, reward: Reward
) -> dict[Variable, Any]:
    """The nodes that change the state in one step."""
    if isinstance(moves, Steps):
        if len(variables) != 1:
            moves.factors(tuple(variables))
        moves.check(variables[0])
        return dict(_one_step(variables[0], moves, rule, reward))
    nodes: dict[Variable, Any] = {}
    now: dict[Finite, Expr] = {v: v for v in variables}
    site = Variable("site")
    picks = isinstance(moves, Flips) and len(variables) > 1
    if picks:
        nodes[site] = Noise("pick_site", choice(range(len(variables))))
    for place, variable in enumerate(variables):
        nodes |= dict(_changed(variable, rule, reward, now, Eq(site.next, place) if picks else None))
        if not isinstance(moves, Flips):
            now[variable] = variable.next
    return nodes


def _one_step(
    variable: Finite, moves: Steps, rule: Rule, reward: Reward
) -> Iterator[tuple[Variable, Any]]:
    """A neighbour is proposed, and taken or not; between two states heat-bath is Glauber's."""
    threshold = (rule if rule.threshold else rule_named("glauber")).threshold
    assert threshold is not None
    propose, accept = Finite(f"propose_{variable.name}", variable.values), Variable(f"accept_{variable.name}")
    slot = Noise(f"slot_{variable.name}", choice(range(moves.degree)))
    yield propose, picked(moves.slots(variable), (variable, slot))
    gain = Variable(f"gain_{variable.name}")
    yield gain, reward.change(variable, propose.next, {variable: variable})
    yield accept, _taken(gain.next, threshold, variable)
    yield variable, Piecewise((propose.next, Eq(accept.next, 1)), (variable, True))


def _changed(
    variable: Finite, rule: Rule, reward: Reward, now: Mapping[Finite, Expr], when: Any
) -> Iterator[tuple[Variable, Any]]:
    """One variable goes to another of its values, or is drawn anew; only ``when``, if given."""
    if variable.size == 1:
        yield variable, variable
        return
    if rule.threshold is None:
        gains = dict(_gains(variable, reward, now))
        yield from gains.items()
        drawn = _drawn(variable, [Integer(0), *(gain.next for gain in gains)])
        yield variable, drawn if when is None else Piecewise((drawn, when), (variable, True))
        return
    gain, accept = Variable(f"gain_{variable.name}"), Variable(f"accept_{variable.name}")
    if variable.size == 2:
        other: Expr = Piecewise((Integer(1), Eq(variable, 0)), (Integer(0), True))
        up = reward.change(variable, Integer(1), {**now, variable: Integer(0)})
        change = Piecewise((up, Eq(variable, 0)), (-up, True))
    else:
        propose = Finite(f"propose_{variable.name}", variable.values)
        hop = Noise(f"hop_{variable.name}", choice(range(variable.size - 1)))
        places = np.arange(variable.size)
        others = (places[:, None] + places[None, 1:]) % variable.size
        yield propose, picked(others, (variable, hop))
        other, change = propose.next, reward.change(variable, propose.next, now)
    yield gain, change
    yield accept, _taken(gain.next, rule.threshold, variable)
    taken = Eq(accept.next, 1)
    yield variable, Piecewise((other, taken if when is None else sympy.And(taken, when)), (variable, True))


def _taken(gain: Expr, threshold: Any, variable: Finite) -> Expr:
    """1 where gain > T threshold(u), else 0."""
    u = Noise(f"draw_{variable.name}", uniform())
    hotter = Next(Variable("T")) * threshold(u)
    return Piecewise((Integer(1), gain > hotter), (Integer(0), True))


def _gains(
    variable: Finite, reward: Reward, now: Mapping[Finite, Expr]
) -> Iterator[tuple[Variable, Expr]]:
    """What each value but the first would gain over the first."""
    first = {**now, variable: Integer(0)}
    for place, value in enumerate(variable.values[1:], 1):
        yield Variable(f"gain_{variable.name}_{value}"), reward.change(variable, Integer(place), first)


def _drawn(variable: Finite, gains: Sequence[Expr]) -> Expr:
    """The first value up to which the Boltzmann chances sum to more than a draw."""
    u, T = Noise(f"draw_{variable.name}", uniform()), Next(Variable("T"))
    top = Max(*gains)
    weights = [sympy.exp((gain - top) / T) for gain in gains]
    total = Add(*weights)
    branches = [
        (Integer(place), u * total < Add(*weights[: place + 1])) for place in range(variable.size - 1)
    ]
    return Piecewise(*branches, (Integer(variable.size - 1), True))


def _finite_energy(energy: Expr, parameters: Mapping[Parameter, float]) -> float:
    value = float(energy.subs(parameters))
    if abs(value) >= -_FORBIDDEN:
        raise DeclarationError("The start is a forbidden state: start in one that is allowed.")
    return value
