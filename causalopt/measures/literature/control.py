"""How much entropy control can remove: what it does without looking, and what it knows."""

from __future__ import annotations

import math

import numpy as np
import sympy
from sympy import Expr

from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.finite.states import state_of, substates
from causalopt.ground.checks import shown
from causalopt.ground.errors import QueryError
from causalopt.ground.masses import check_base, exact_base, log_of, unit_of
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.ground.types import Floats
from causalopt.language.finite_variables import Finite
from causalopt.language.symbols import Nodes
from causalopt.measures.literature.channels import most_lost
from causalopt.measures.literature.finite_worlds import (
    Requirement,
    journey,
    variables_of,
)
from causalopt.measures.literature.measurement import Amount, Measurement
from causalopt.model.system import System

NEEDS = Requirement("control_bound", "adjusted_optimizing_strength of a Gaussian, for real values")


def control_bound(
    system: System,
    split: object,
    P: Distribution,
    *,
    of: Nodes | None = None,
    base: Expr | float = 2,
) -> Measurement:
    """The entropy that a controller removes in a step, beside the most that it could.

        dH closed = H(X) - H(X') under P
        dH closed <= max over c, p(x) of dH open + I(X; C)

    X is the part of the split that ``of`` names, and C the other; where ``of`` is left out X is the
    first part (of A | B, whose parts stand in the order of their names, that is A). dH open is
    H(X) - H(X') where C is set to c and X starts from p(x), whatever P says. The value is dH
    closed, in units of log(base). ``parts``: ``open``, ``information`` I(X; C), ``bound``, their
    sum, and ``command``, the c that does most alone. ``gap`` is how much larger ``open`` may be;
    where nothing is left to chance it is exact, log of the most states that c sends to one.

    Traps: the open loop is to be maximised over what goes in. With P's own marginal the bound is
    false: a controller that knows in which half X is, and sends each half to one state, removes 2
    bits, where the open loop removes half a bit of P and I(X; C) is one. Entropy removed is no
    goal: it does not matter to which state.

    Raises ``QueryError`` for a system with real values, and a split into other than two parts.

    Source: Touchette and Lloyd 2000, "Information-theoretic limits of control", PRL 84; 2004,
    Physica A 331.

    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.tables import table
    >>> X, C = finite("X", [0, 1]), finite("C", [0, 1])
    >>> undo = table((X, C), {0: {0: 0, 1: 1}, 1: {0: 1, 1: 0}})
    >>> P = Distribution.of((X, C), [[0.5, 0], [0, 0.5]])
    >>> removed = control_bound(System({X: undo, C: C}, start={X: 0, C: 0}), X | C, P, of=X)
    >>> float(removed), float(removed["open"]), float(removed["information"])
    (1.0, 0.0, 1.0)
    """
    NEEDS.distribution(system, P)
    check_base(base)
    chosen = P.split(split)
    part = variables_of(system, list(chosen.parts[0]) if of is None else of, "of")
    if len(chosen.parts) != 2 or set(part) not in [set(one) for one in chosen.parts]:
        raise QueryError(
            f"of = {shown(of)} is not one of two parts of {chosen}: write a split of X and its "
            f"controller, and of = {chosen.parts[0][0]}, say."
        )
    controller = tuple(v for v in P.variables if v not in part)
    closed = P.marginal(*part).entropy(base) - P.push(system).marginal(*part).entropy(base)
    channels = _channels(system, P.variables, part, controller)
    loops = [(*_open_loop(channel, base), command) for command, channel in enumerate(channels)]
    most, gap, command = max(loops, key=lambda loop: float(loop[0]))
    information = P.mutual_information(*chosen.parts, base=base)
    parts = {
        "open": most,
        "information": information,
        "bound": most + information,
        "command": state_of(controller, command),
    }
    return Measurement("control_bound", "ΔH closed", closed, unit_of(base), parts, gap)


def _open_loop(channel: Floats, base: Expr | float) -> tuple[Amount, float]:
    """The most entropy of X that one command removes, and the gap."""
    if ((channel == 0) | (channel == 1)).all():
        # H(X | X') is the most where all the mass is on the largest set with one image.
        fibre = int(channel.sum(axis=0).max())
        return log_of(sympy.Integer(fibre)) / log_of(exact_base(base)), 0.0
    nats, gap = most_lost(channel)
    return nats / math.log(base), gap / math.log(base)


def _channels(
    system: System,
    variables: tuple[Finite, ...],
    part: tuple[Finite, ...],
    controller: tuple[Finite, ...],
) -> Floats:
    """p(x' | x) where the controller is set to c, for each c: (commands, n, n)."""
    size, commands = (math.prod(v.size for v in some) for some in (part, controller))
    refuse_what_does_not_fit(
        8 * commands * size**2,
        f"The steps of {size:,} states under {commands:,} commands",
        "Take a split whose controlled part has fewer states.",
    )
    count = size * commands
    everywhere = Distribution(variables, np.arange(count), np.full(count, 1 / count))
    moved = journey(system, everywhere, 1)
    now = [tuple(moved.now[v] for v in some) for some in (controller, part)]
    places = [substates(moved.joint.states, moved.joint.variables, some) for some in (*now, part)]
    channels = np.zeros((commands, size, size))
    np.add.at(channels, tuple(places), moved.joint.masses)
    # By its own sum, so that what is sure is 1, and no rounding of it.
    channels /= channels.sum(axis=2, keepdims=True)
    return channels
