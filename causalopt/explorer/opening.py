"""What a page asks first: the question with the strongest answer, and a length that can be run."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from causalopt.explorer.reaching import Ways
from causalopt.explorer.screen import Screen
from causalopt.explorer.setting import can_differ, first_nodes, variable_of
from causalopt.ground.errors import CausaloptError, LongStepsWarning
from causalopt.language.symbols import Label, Time
from causalopt.measures.response.every_part import every_A
from causalopt.measures.response.optimization import op
from causalopt.model.interface import Model
from causalopt.model.world import World
from causalopt.runs.results import run

#: The lengths that are tried, from the longest; of rates of change at least so much time.
_LENGTHS, _TIME = (1000, 300, 100, 30, 10, 3, 1), 10.0
#: Those of steps that are taken in parts, however many these are.
_LENGTHS_IN_PARTS = (20, 10, 3, 1)
#: The length of a run in which there are named values.
_NAMED = 30
# As many variables are tried as n and m, and as many as A; more would take too long.
_MOST_TRIED, _MOST_HELD = 6, 40


def opening_of(model: Model) -> Screen:
    """The first screen of a model: n, A and m of the largest finite Op, by single variables.

    Where there is none, the first variables of the model; of a model of one variable A is empty.
    """
    steps = _steps(model)
    best = max(_candidates(_in_whole_steps(model), steps), default=None, key=lambda f: f[0])
    if best is None:
        return _as_far_as_it_goes(model, replace(_first(model), steps=steps))
    _, n, A, m = best
    return Screen(n=n, A=(A,), m=m, steps=steps)


def _as_far_as_it_goes(model: Model, screen: Screen) -> Screen:
    """A screen; without A where its question cannot be asked, so that there are curves to see."""
    A = [model.find(name) for name in screen.A or ()]
    n, m = model.find(screen.n or ""), model.find(screen.m or "")
    try:
        if A and can_differ(n) and can_differ(variable_of(m)):
            op(World(model, screen.steps), A=A, n=n, m=m)
    except CausaloptError:
        return replace(screen, A=())
    return screen


def _steps(model: Model) -> int | None:
    """The longest of some lengths for which the model can be run; None where it has no time."""
    if not model.has_time:
        return None
    if not (_is_driven(model) or all(can_differ(node) for node in first_nodes(model))):
        return _NAMED  # among a few values a long course is a band of colour
    step = model.time_of(1)
    lengths = [round(_TIME / step)] if step < _TIME / _LENGTHS[0] else []
    is_in_parts = _in_whole_steps(model) is not model
    for steps in _LENGTHS_IN_PARTS if is_in_parts else (*lengths, *_LENGTHS):
        with contextlib.suppress(CausaloptError):
            run(World(model, steps), keep="last")
            return steps
    return _LENGTHS[-1]


def _in_whole_steps(model: Model) -> Model:
    """What to choose by, where steps are taken in parts: one pass goes along whole ones alone."""
    with contextlib.suppress(CausaloptError):
        return model.in_whole_steps()
    return model


def _is_driven(model: Model) -> bool:
    """Whether time itself enters a step, as a schedule does: then a course has to be long."""
    inputs = model.wiring(1).inputs.values()
    return any(isinstance(variable_of(symbol), Time) for entering in inputs for symbol in entering)


def _candidates(model: Model, steps: int | None) -> Iterator[tuple[float, str, str, str]]:
    """(Op, n, A, m) of questions about single variables, those alone that have a finite answer."""
    for n, m in _ends(model):
        last = m if steps is None else model.label(model.key_of(m)[0], steps)
        among = [key for key in _keys(model) if key not in _owners(model, n, m)][:_MOST_HELD]
        with contextlib.suppress(CausaloptError), warnings.catch_warnings():
            # What is chosen is asked anew, and its steps are looked at then.
            warnings.simplefilter("ignore", LongStepsWarning)
            found = every_A(World(model, steps), n=n, m=last, among=among) if among else ()
            for part, value in zip(among, np.ravel(found).tolist(), strict=True):
                if np.isfinite(value):
                    yield value, *map(model.name_of, (n, part, _owner(model, m)))


def _ends(model: Model) -> Iterator[tuple[Label, Label]]:
    """Pairs of n and m: each variable on itself; without time, roots and what follows last."""
    able = [node for node in first_nodes(model) if can_differ(node)]
    if model.has_time:
        yield from ((node, node) for node in able[:_MOST_TRIED])
        return
    sources = [node for node in able if not model.graph.pred[node]][:_MOST_TRIED]
    sinks = [node for node in able if not model.graph.succ[node]][-_MOST_TRIED:]
    yield from product(sources, sinks)


def _first(model: Model) -> Screen:
    """The first variables: one to nudge, one to look at, another one to hold; none if none is left.

    Where there are rates of change, one that has one is nudged and looked at, and what enters it is
    held. Where the only other one is looked at, the nudged one is looked at instead.
    """
    nodes = list(first_nodes(model))
    n = _last_heard(model, nodes) if model.has_time else nodes[0]
    ends = (n,) if _owner(model, n) in model.rated else (nodes[-1], n)
    for m in ends:
        own = _owners(model, n, m)
        entering = list(model.graph.pred.get(_owner(model, m), ()))
        # Of what enters, what moves by itself comes first.
        able = sorted(entering, key=lambda key: key not in model.rated)
        held = [model.name_of(key) for key in (*able, *_keys(model)) if key not in own][:1]
        if held:
            break
    return Screen(n=model.name_of(n), A=tuple(held), m=model.name_of(_owner(model, m)))


def _last_heard(model: Model, nodes: list[Label]) -> Label:
    """The last of the first nodes that a step reads; the last one where none is read.

    Where some have rates of change it is one of these: what follows from them at each moment
    cannot be nudged in steps of no fixed length.
    """
    ways = Ways.of(model)
    able = [node for node in nodes if _owner(model, node) in model.rated] or nodes
    return next((node for node in reversed(able) if ways.reached(node)), able[-1])


def _keys(model: Model) -> list[Label]:
    """What can be held as one: the variables; without time the nodes."""
    return list(dict.fromkeys(_owner(model, node) for node in first_nodes(model)))


def _owner(model: Model, node: Label) -> Label:
    return model.key_of(node)[0]


def _owners(model: Model, *nodes: Label) -> set[Label]:
    return {_owner(model, node) for node in nodes}
