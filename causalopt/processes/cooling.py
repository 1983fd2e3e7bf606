"""Annealing as a system: a state, what is proposed to it, and what is accepted as it cools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import cast

import numpy as np
import sympy
from sympy import Add, Eq, Expr, Integer, Max, Piecewise
from sympy.logic.boolalg import Boolean

from causalopt.distributions import Enthalpies
from causalopt.ground.checks import as_mapping, shown
from causalopt.ground.errors import DeclarationError
from causalopt.language.domains import Value
from causalopt.language.finite_variables import Finite
from causalopt.language.laws import choice, uniform
from causalopt.language.symbols import Next, Noise, Parameter, Variable
from causalopt.mechanisms.lookup import picked
from causalopt.model.amounts import checked_parameters, settled
from causalopt.model.system import System
from causalopt.processes.moves import Flips, Moves, Steps, as_moves
from causalopt.processes.rewards import FORBIDDEN, Reward, reward_of
from causalopt.processes.rules import Acceptance, RuleName, rule_named
from causalopt.processes.schedules import as_schedule, first_temperature


def annealing(
    energy: Enthalpies | Expr,
    moves: Moves,
    schedule: Expr | float,
    rule: RuleName = "metropolis",
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
    start = _state(start)
    constants = settled(checked_parameters({} if parameters is None else parameters), "parameters")
    temperature = as_schedule(schedule, constants)
    variables = _variables(energy, start)
    reward = reward_of(energy, variables, constants)
    nodes: dict[Variable, Expr] = {Variable("T"): temperature}
    nodes |= _move_nodes(variables, as_moves(moves), rule_named(rule), reward)
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


def _state(start: object) -> dict[Finite, Value]:
    """The value that each variable starts from."""
    given = as_mapping(start, "start", '{spot: "a"}')
    state = {v: cast(Value, value) for v, value in given.items() if isinstance(v, Finite)}
    if len(state) < len(given) or not state:
        raise DeclarationError(
            f"start={shown(dict(given))}: name a value for each finite variable of the state."
        )
    return state


def _variables(energy: Enthalpies | Expr, start: Mapping[Finite, Value]) -> tuple[Finite, ...]:
    """The variables of the state, in the order of the table or of ``start``."""
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


def _move_nodes(
    variables: Sequence[Finite], moves: Moves, rule: Acceptance, reward: Reward
) -> dict[Variable, Expr]:
    """The nodes that change the state in one step."""
    if isinstance(moves, Steps):
        if len(variables) != 1:
            moves.factors(tuple(variables))
        moves.check(variables[0])
        return _apart(_step_nodes(variables[0], moves, rule, reward))
    nodes: list[tuple[Variable, Expr]] = []
    now: dict[Finite, Expr] = {v: v for v in variables}
    site = Variable("site")
    picks = isinstance(moves, Flips) and len(variables) > 1
    if picks:
        nodes.append((site, Noise("pick_site", choice(range(len(variables))))))
    for place, variable in enumerate(variables):
        chosen = Eq(site.next, place) if picks else None
        nodes += _change_nodes(variable, rule, reward, now, chosen)
        # In a sweep the variables that come later see what this one has become.
        if not isinstance(moves, Flips):
            now[variable] = variable.next
    return _apart(nodes)


def _apart(nodes: Iterable[tuple[Variable, Expr]]) -> dict[Variable, Expr]:
    """The nodes, each with a name of its own; two of one name would be one node."""
    apart: dict[Variable, Expr] = {}
    for node, formula in nodes:
        if node in apart:
            raise DeclarationError(
                f"Two nodes of annealing would be called {node}, after a variable and one of its "
                "values: give one of the variables, or the value, another name."
            )
        apart[node] = formula
    return apart


def _step_nodes(
    variable: Finite, moves: Steps, rule: Acceptance, reward: Reward
) -> Iterator[tuple[Variable, Expr]]:
    """A neighbour is proposed, and taken or not; between two states heat-bath is Glauber's."""
    threshold = (rule if rule.threshold else rule_named("glauber")).threshold
    assert threshold is not None
    propose = Finite(f"propose_{variable.name}", variable.values)
    accept = Variable(f"accept_{variable.name}")
    # Every value has as many slots as the best connected one: b is then proposed from a with the
    # chance with which a is from b, as detailed balance needs. Spare slots hold the value itself.
    slot = Noise(f"slot_{variable.name}", choice(range(moves.degree)))
    yield propose, picked(moves.slots(variable), (variable, slot))
    gain = Variable(f"gain_{variable.name}")
    yield gain, reward.change(variable, propose.next, {variable: variable})
    yield accept, _decision(gain.next, threshold, variable)
    yield variable, Piecewise((propose.next, Eq(accept.next, 1)), (variable, True))


def _change_nodes(
    variable: Finite,
    rule: Acceptance,
    reward: Reward,
    now: Mapping[Finite, Expr],
    when: Boolean | None,
) -> Iterator[tuple[Variable, Expr]]:
    """One variable goes to another of its values, or is drawn anew; only ``when``, if given."""
    if variable.size == 1:
        yield variable, variable
        return
    if rule.threshold is None:
        gains = list(_gains(variable, reward, now))
        yield from gains
        drawn = _heat_bath_draw(variable, [Integer(0), *(gain.next for gain, _ in gains)])
        yield variable, drawn if when is None else Piecewise((drawn, when), (variable, True))
        return
    gain, accept = Variable(f"gain_{variable.name}"), Variable(f"accept_{variable.name}")
    if variable.size == 2:
        other: Expr = Piecewise((Integer(1), Eq(variable, 0)), (Integer(0), True))
        # One formula serves both ways, since the way back gains what the way there costs.
        up = reward.change(variable, Integer(1), {**now, variable: Integer(0)})
        change = Piecewise((up, Eq(variable, 0)), (-up, True))
    else:
        propose = Finite(f"propose_{variable.name}", variable.values)
        hop = Noise(f"hop_{variable.name}", choice(range(variable.size - 1)))
        places = np.arange(variable.size)
        # Row by row: the values after one's own, around the circle.
        others = (places[:, None] + places[None, 1:]) % variable.size
        yield propose, picked(others, (variable, hop))
        other, change = propose.next, reward.change(variable, propose.next, now)
    yield gain, change
    yield accept, _decision(gain.next, rule.threshold, variable)
    taken = Eq(accept.next, 1)
    moved = taken if when is None else sympy.And(taken, when)
    yield variable, Piecewise((other, moved), (variable, True))


def _decision(gain: Expr, threshold: Callable[[Expr], Expr], variable: Finite) -> Expr:
    """1 where gain > T threshold(u), else 0."""
    u = Noise(f"draw_{variable.name}", uniform())
    bar = Next(Variable("T")) * threshold(u)
    return Piecewise((Integer(1), gain > bar), (Integer(0), True))


def _gains(
    variable: Finite, reward: Reward, now: Mapping[Finite, Expr]
) -> Iterator[tuple[Variable, Expr]]:
    """What each value but the first would gain over the first."""
    first = {**now, variable: Integer(0)}
    for place, value in enumerate(variable.values[1:], 1):
        gain = Variable(f"gain_{variable.name}_{value}")
        yield gain, reward.change(variable, Integer(place), first)


def _heat_bath_draw(variable: Finite, gains: Sequence[Expr]) -> Expr:
    """The first value up to which the Boltzmann chances sum to more than a draw."""
    u, T = Noise(f"draw_{variable.name}", uniform()), Next(Variable("T"))
    # Less the largest gain, so that no exponential overflows, and one of them is 1.
    top = Max(*gains)
    weights = [sympy.exp((gain - top) / T) for gain in gains]
    total = Add(*weights)
    branches = [
        (Integer(place), u * total < Add(*weights[: place + 1]))
        for place in range(variable.size - 1)
    ]
    return Piecewise(*branches, (Integer(variable.size - 1), True))


def _finite_energy(energy: Expr, parameters: Mapping[Parameter, float]) -> float:
    value = float(energy.subs(parameters))
    if abs(value) >= -FORBIDDEN:
        raise DeclarationError("The start is a forbidden state: start in one that is allowed.")
    return value
