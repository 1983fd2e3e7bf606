"""What went wrong in a run, in words: which node, at which step, from which values."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from sympy import Symbol

from causalopt.backends import NotFinite, Stopped
from causalopt.ground.errors import (
    CausaloptError,
    EvaluationError,
    LongStepsWarning,
    UndefinedError,
)
from causalopt.ground.types import Array, Floats
from causalopt.language.symbols import Label, Node, Noise
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.circles import named
from causalopt.model.interface import Account, Model
from causalopt.model.interventions import Fixed
from causalopt.model.selection import Key
from causalopt.model.template import owner_of
from causalopt.model.treatments import Treatment
from causalopt.model.world import World
from causalopt.plan import Lanes, Plan
from causalopt.plan.draws import stream_of
from causalopt.runs.sweeps import Sweep

# By how much steps are shortened, to find out whether they were too long; and how far that goes.
_FINER = (2, 4, 8, 16, 32, 64, 128, 256, 1024)
_LONGEST_TRIAL = 250_000

# A message about a node tells the values of this many of its parents.
_TOLD = 6

#: How to learn the values of series of a world, at one step and one point of a sweep.
Values = Callable[[World[Model], Sequence[Key], int, Sweep], list[Floats]]


def explained(
    error: NotFinite, plan: Plan, lanes: Lanes, sweep: Sweep, values: Values
) -> UndefinedError:
    """The error as a user reads it: node, step, sweep point, the values it was computed from."""
    place, key = plan.culprit(error.place)
    world = lanes.lanes[place].world
    if error.argument is not None and world.steps is not None:
        error = _of_the_value(error, owner_of(key), world, sweep, values)
    found = _values_before if world.steps is not None else _values_beside
    given = plan.known(error.given) or found(error, key, world, sweep, values)
    key = owner_of(key)
    step = f" (step {error.step})" if world.steps is not None else ""
    nudged = error.argument is not None
    acts = any(_acts(treatment, nudged=nudged) for treatment in world.treatments)
    changed = " in a world with interventions" if acts else ""
    pairs = [f"{label} {_told_of(value)}" for label, value in given.items()]
    listed = [*pairs[:_TOLD], "..."] if len(pairs) > _TOLD else pairs
    at = f", at {', '.join(listed)}" if listed else ""
    told = "mechanism" if world.model.time_step(finer=1) is None else "rate of change"
    trouble, advice = _trouble(error, world, key, sweep, values)
    return UndefinedError(
        f"{world.model.label(key, error.step)} {trouble}{step}{changed}"
        f"{sweep.describe(error.point)}{at}: "
        f"its {told} is {_mechanism(world, key, error.step)}. {advice}"
    )


def told_of(error: Stopped) -> EvaluationError:
    """The error where a function stopped a run."""
    return EvaluationError(
        f"A function stopped the run, one of {', '.join(error.functions)}: {error.said}. Look at "
        "the values that it is given, by run(W), and at what it asks of them."
    )


def _of_the_value(
    error: NotFinite, key: Key, world: World[Model], sweep: Sweep, values: Values
) -> NotFinite:
    """The error of a derivative that is not there; of the value, where that is not there either.

    A run that is asked for derivatives alone does not compute what these do not depend on.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LongStepsWarning)
            values(world, [key], error.step, sweep.only(error.point))
    except CausaloptError as told:
        first = told.__context__
        if isinstance(first, NotFinite) and first.step == error.step:
            return NotFinite(error.place, error.step, error.point, first.value)
    return error


def _trouble(
    error: NotFinite, world: World[Model], key: Key, sweep: Sweep, values: Values
) -> tuple[str, str]:
    """What is wrong with a node, and what to do about it."""
    if error.argument is not None and np.isinf(error.value):
        return f"has a derivative by {owner_of(error.argument)} beyond the largest float", (
            "It overflows: write the mechanism in other units, start it elsewhere, or ask by a "
            "finite difference (delta=)."
        )
    if error.argument is not None:
        # A node that no step follows is not moved by itself.
        by = (
            ""
            if error.argument == key and world.steps is None
            else f" by {owner_of(error.argument)}"
        )
        return f"has no derivative{by}", (
            "It has a kink, a vertical slope or no neighbours there: ask by a finite difference "
            "(delta=0.01, say), start it elsewhere, or write a mechanism that is smooth."
        )
    kind = "infinite" if np.isinf(error.value) else "complex or undefined"
    remedy = _finer(world, key, sweep.only(error.point), error.step, values)
    declared = _account(world, key, error.step).declared
    bounded = "start it elsewhere" if declared is None else declared.remedy
    # A step with two events is left without a value, which is no infinity; and so is one with an
    # event whose condition has no answer.
    if world.model.jumping and not np.isinf(error.value):
        kind += ", or two events fell into one step"
        bounded += (
            ". Where what an event asks is not real, as sqrt(x) < 0.1 below 0, ask for the same of "
            "what is: x < 0.01"
            ". If they were two, write them as one, whose values are those after both: the jump of "
            "the first may make the second come true. One that sets its own edge, as x < 0.6 does "
            "by x = 0.6, comes true again at once: set what lies beyond it, or bound the rate"
        )
    if world.model.circles and not np.isinf(error.value):
        around = named(world.model.circles)
        kind += f", or the equations of {around}, a circle, have no solution near the one before"
        bounded += ", or shorten the steps; Newton's method follows a solution from step to step"
    remedy = remedy or bounded
    return f"is {kind}", f"Nodes hold finite real numbers: {remedy}."


def _finer(world: World[Model], key: Key, point: Sweep, step: int, values: Values) -> str | None:
    """What to write where the run passes with shorter steps; None where it fails with these too.

    It is tried, for a world as declared: up to the time of the failure and as long again. With
    events, for a step more, in which what one of them makes true is told: what bounces for ever has
    too many later on.
    """
    is_whole = world.model.in_whole_steps() is world.model
    for finer in _FINER if is_whole and not world.effects else ():
        model = world.model.time_step(finer=finer)
        last = (step + 1 if world.model.jumping else 2 * step) * finer
        if model is None or last > _LONGEST_TRIAL:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", LongStepsWarning)
                values(World(model, last, seed=world.seed), [key], last, point)
        except (EvaluationError, LongStepsWarning):
            continue
        size = model.time_of(1)
        return (
            f"the step, {world.model.time_of(1):g}, is too long for the method, which passes here "
            f"with dt={size:g}"
        )
    return None


def _values_before(
    error: NotFinite, key: Key, world: World[Model], sweep: Sweep, values: Values
) -> dict[Label, Array]:
    """What a node follows from, one step before: the point is run again, up to that step."""
    last, point = error.step - 1, sweep.only(error.point)
    if last < 0:
        return {}

    def replaced(variable: Key) -> Mechanism | None:
        base = world.at(variable, error.step).base
        return None if base is None else base.replacement

    sources = world.model.earlier(key, replaced)
    noises = [source for source in sources if isinstance(source, Noise)]
    states = [source for source in sources if not isinstance(source, Noise)]
    streams = {n: stream_of(n, world.seed, point.chains()) for n in noises if not n.shape}
    drawn: dict[Label, Array] = {
        Node(noise, last): np.ravel(stream.at(last))[:1] for noise, stream in streams.items()
    }
    if not states:
        return drawn
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LongStepsWarning)
            before = values(world, states, last, point)
    except EvaluationError:
        # A chaotic run, whose rounding is another for one point than for many, may fail earlier.
        return drawn
    return {Node(v, last): value for v, value in zip(states, before, strict=True)} | drawn


def _values_beside(
    error: NotFinite, key: Key, world: World[Model], sweep: Sweep, values: Values
) -> dict[Label, Array]:
    """What a node without time follows from: the point is run again, for its parents alone."""
    model, point = world.model, sweep.only(error.point)
    base = world.at(key).base
    replacement = None if base is None else base.replacement
    owners = list(model.account(key, 0, replacement).names.values())
    noises = [owner for owner in owners if isinstance(owner, Noise) and not owner.shape]
    streams = {noise: stream_of(noise, world.seed, point.chains()) for noise in noises}
    drawn = {noise: stream.without_time() for noise, stream in streams.items()}
    known: dict[Label, Array] = {noise: np.ravel(number)[:1] for noise, number in drawn.items()}
    try:
        for node in owners:
            for place in map(model.place, model.select(node) if node in model.graph else ()):
                (known[node],) = values(world, [place.series], place.rows[0], point)
    except EvaluationError:
        return {}
    return known


def _told_of(value: Array | float) -> str:
    """A value in a message; of an array, the range."""
    if np.size(value) == 1:
        return f"= {float(np.ravel(value)[0]):.6g}"
    return f"in [{np.min(value):.6g}, {np.max(value):.6g}]"


def _acts(treatment: Treatment[World[Model]], *, nudged: bool) -> bool:
    """Whether something is done to a node, beyond sweeping it; a nudge moves derivatives alone."""
    base, shift = treatment.base, treatment.shift
    swept = isinstance(base, Fixed) and isinstance(base.value, Symbol)
    if shift is not None and shift.is_infinitesimal and not nudged:
        return base is not None and not swept
    return shift is not None or not swept


def _mechanism(world: World[Model], key: Key, step: int) -> str:
    """The mechanism that a node follows in this world, in words."""
    account = _account(world, key, step)
    if account.declared is None:
        return "none"
    # Over time, a mechanism is told as it was declared; else by the labels that it stands for.
    names = account.names if world.steps is None else {}
    base = world.at(key, step).base
    if base is not None and base.replacement == account.declared and not names:
        return str(base.told)
    return account.declared.words(lambda symbol: str(names.get(symbol, symbol)))


def _account(world: World[Model], key: Key, step: int) -> Account:
    """How a node gets its value in this world; of one that it starts from, how it goes on."""
    base = world.at(key, step).base
    replaced = None if base is None else base.replacement
    account = world.model.account(key, step, replaced)
    return account if account.declared else world.model.account(key, max(step, 1), replaced)
