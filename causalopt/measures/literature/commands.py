"""Empowerment: how much A could make m tell of what it does, if it chose its doings for that."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

import numpy as np
import sympy
from sympy import Expr

from causalopt.distributions.finite.joint import Distribution
from causalopt.ground.errors import QueryError, TooLargeError
from causalopt.ground.masses import check_base, exact_base, log_of, unit_of
from causalopt.ground.types import Floats
from causalopt.language.domains import Value
from causalopt.language.finite_variables import Finite, as_finite
from causalopt.language.symbols import Next, Nodes, Variable
from causalopt.measures.literature.channels import capacity
from causalopt.measures.literature.finite_worlds import (
    Requirement,
    beginning,
    finite_ending,
    with_commands,
    with_values,
)
from causalopt.measures.literature.measurement import Amount, Measurement
from causalopt.model.system import System

NEEDS = Requirement("empowerment", "authority, which asks real values")

#: What is commanded at a step: the value of each variable of A.
Command = dict[Finite, Value]

# So many pushes in a step take about half a minute.
_MOST_PUSHES = 10_000


def empowerment(
    system: System,
    A: Nodes,
    m: Nodes,
    *,
    start: Mapping[Variable, Value] | None = None,
    steps: int | None = None,
    base: Expr | float = 2,
) -> Measurement:
    """The capacity of the channel from what A is commanded to do to m some steps later.

        E = max over p(a) of I(do A = a; m)

    A command is a value of every node of A: of a variable, at each step that m can hear of, chosen
    at once (open loop); A=T[0] commands the first step alone. The rest starts as in ``start``,
    {R: "hot"}, and where that says nothing, as the system does. By Blahut and Arimoto, in units of
    log(base); ``gap`` says how much larger it may be. Where nothing is left to chance it is exact:
    log of the number of different outcomes. ``parts``: ``commands``, their number, and ``policy``,
    the best chances of commands that differ in their outcome.

    Traps: it counts what could be done, and not what is: the policy of A, and whether anything is
    steered at all, are not asked. It depends on the start and on the horizon.

    Raises ``QueryError`` for a system with real values and an m in A, and ``TooLargeError`` for too
    many commands.

    Source: Klyubin, Polani and Nehaniv 2005, "Empowerment: a universal agent-centric measure of
    control", IEEE CEC.

    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.tables import table
    >>> T, R = finite("T", ["on", "off"]), finite("R", ["hot", "cold"])
    >>> heated = table(T, {"on": {"hot": 0.9, "cold": 0.1}, "off": "cold"})  # it may fail
    >>> print(empowerment(System({T: T, R: heated}, start={T: "on", R: "cold"}), T, R))
    empowerment = 0.762848252 bit
    """
    NEEDS.finite(system)
    check_base(base)
    target, length = finite_ending(system, m, steps)
    nodes = _commanded(system, A, length)
    if target in (v for at in nodes.values() for v in at):
        raise QueryError(f"m = {m} lies in A: ask what A can make of another variable.")
    outcomes = _outcomes(system, beginning(system, start), nodes, length, target)
    channel = np.array([_row(target, Q) for Q in outcomes])
    value, gap, p = _most(channel, base)
    policy = {name: float(chance) for name, chance in zip(outcomes.values(), p, strict=True)}
    commands = math.prod(v.size for at in nodes.values() for v in at)
    parts = {"commands": commands, "policy": policy}
    return Measurement("empowerment", "E", value, unit_of(base), parts, gap / math.log(base))


def _most(channel: Floats, base: Expr | float) -> tuple[Amount, float, Floats]:
    """The capacity, its gap in nats, and the chances of the rows."""
    if ((channel == 0) | (channel == 1)).all():
        # The rows differ, and each is sure: nothing is lost by giving all the same chance.
        count = len(channel)
        exact = log_of(sympy.Integer(count)) / log_of(exact_base(base))
        return exact, 0.0, np.full(count, 1 / count)
    nats, gap, p = capacity(channel)
    return nats / math.log(base), gap, p


def _commanded(system: System, A: Nodes, length: int) -> dict[int, list[Finite]]:
    """The variables that are commanded at each step."""
    heard_at_once = {
        s.variable
        for mechanism in system.template.values()
        for s in mechanism.arguments
        if isinstance(s, Next)
    }
    nodes: dict[int, list[Finite]] = {}
    for stretch in system.select(A, length):
        variable = as_finite(stretch.key, "A")
        for step in range(stretch.start, stretch.stop):
            # The last step's value comes too late, but where it is read in the same step.
            if step < length or variable in heard_at_once:
                at = nodes.setdefault(step, [])
                at += [] if variable in at else [variable]
    if not nodes:
        raise QueryError(f"A = {A} comes too late to be heard: name earlier nodes.")
    return nodes


def _outcomes(
    system: System,
    P: Distribution,
    nodes: Mapping[int, list[Finite]],
    length: int,
    target: Finite,
) -> dict[Distribution, str]:
    """The distributions of m that commands lead to, each with one command that does."""
    reached = {P: ""}
    for step in range(length + 1):
        commanded = nodes.get(step, [])
        _refuse_too_many(math.prod(v.size for v in commanded) * len(reached))
        after: dict[Distribution, str] = {}
        for command in _commands(commanded):
            stepped = with_commands(system, command)
            text = ", ".join(f"{v}[{step}] = {value}" for v, value in command.items())
            for Q, before in reached.items():
                now = Q.push(stepped) if step else with_values(Q, command)
                after.setdefault(now, ", ".join(filter(None, (before, text))))
        reached = after
    ends: dict[Distribution, str] = {}
    for Q, name in reached.items():
        ends.setdefault(Q.marginal(target), name)
    return ends


def _refuse_too_many(pushes: int) -> None:
    if pushes > _MOST_PUSHES:
        raise TooLargeError(
            f"The commands of a step lead to {pushes:,} distributions, and {_MOST_PUSHES:,} are "
            "the most: command fewer variables, fewer steps (A=T[0]), or take fewer steps."
        )


def _commands(variables: list[Finite]) -> Iterator[Command]:
    """Every way to set some variables."""
    for values in itertools.product(*(v.values for v in variables)):
        yield dict(zip(variables, values, strict=True))


def _row(target: Finite, P: Distribution) -> Floats:
    row = np.zeros(target.size)
    row[P.states] = P.floats().masses
    return row
