"""Linear systems whose slopes stay the same: the step that carries differences on, as a matrix."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import networkx as nx
from sympy import Add, Expr, Integer, Matrix, Mul

from causalopt.ground.errors import QueryError
from causalopt.language.symbols import Node, Parameter, Variable
from causalopt.measures.question import Question
from causalopt.measures.symbolic.assigned import AnyWorld, assigned_in
from causalopt.measures.symbolic.branches import plain
from causalopt.measures.symbolic.courses import Courses, Inflow
from causalopt.measures.symbolic.recurrence import Sequenced, sequence_of, terms_of
from causalopt.measures.symbolic.response import tangents
from causalopt.measures.symbolic.tidying import tidied
from causalopt.model.interface import Model, as_model
from causalopt.model.selection import ENDLESS, Key
from causalopt.model.world import World

#: What a step follows from: a variable or an inner stage, so many steps before the one before.
Back = tuple[Key, int]


@dataclass(frozen=True, eq=False)
class Carried:
    """How differences go on in X or Y from a step on: ``state`` by ``matrix``, m in ``row``.

    ``before`` are the differences at m from that at n's step on, up to the first of the state.
    """

    before: tuple[Expr, ...]
    matrix: Matrix
    state: Matrix
    row: int

    def sequence(self) -> Sequenced:
        """The difference at m for any number of steps after the state."""
        return sequence_of(self.matrix, self.row, self.state)

    def terms(self, count: int) -> list[Expr]:
        """The differences at m from n's step on."""
        after = terms_of(self.matrix, self.row, self.state, max(count - len(self.before), 0))
        return [*self.before, *after][:count]


def lasting_question(of: Model | World[Model], A: object, n: object, m: object) -> Question:
    """The question about as many steps as it takes to see that slopes stay the same.

    Raises ``QueryError`` for what has no steps, and for parts of variables.
    """
    model = of.model if isinstance(of, World) else as_model(of)
    if not model.has_time:
        raise QueryError("A network has no steps to go on for: ask symbolic_comp about its nodes.")
    for name, nodes in (("A", A), ("m", m)):
        stretches = model.select(nodes, None)
        if any((s.start, s.stop) != (0, ENDLESS) for s in stretches):
            raise QueryError(
                f"{name} = {nodes} is a part of a variable, and a formula for all steps is of "
                f"whole ones: write {name}={stretches[0].key}, or ask symbolic_comp about one step."
            )
    if isinstance(of, World):
        return Question(of, A, n, m)
    first = model.single(n, None, "n").start
    return Question(of, A, n, m, steps=first + model.memory + 2)


def carried(question: Question, courses: Courses, world: AnyWorld, first: int) -> Carried:
    """How the differences of X or Y go on from the step ``first`` on."""
    W, key = question.base, question.place.series
    source = question.model.single(question.n, W.steps, "n")
    moved = tangents(courses, W, world, "d")

    def at(node: Node) -> Expr:
        return tidied(courses.lines.out(moved[node])) if node in moved else Integer(0)

    # What looks back to before the start has no arrow from there.
    whole = max(first + 1, question.model.memory)
    step = _Step(courses, W, world, whole, source.key)
    if step.slopes_of(key) != _Step(courses, W, world, whole + 1, source.key).slopes_of(key):
        raise QueryError("The slopes of this world change: ask symbolic_comp about one step.")
    places = step.needed(key)
    rows = [[step.onward(place).get(other, Integer(0)) for other in places] for place in places]
    state = [at(_node(variable, first - back)) for variable, back in places]
    before = [at(_node(key, earlier)) for earlier in range(source.start, first)]
    return Carried(tuple(before), Matrix(rows), Matrix(state), places.index((key, 0)))


def _node(key: Key, step: int) -> Node:
    return Node(cast(Variable, key), step)


class _Step:
    """One step of a world, as the slopes of what it gives by what was before it."""

    def __init__(
        self, courses: Courses, W: AnyWorld, world: AnyWorld, step: int, source: Key
    ) -> None:
        here = [a for a in assigned_in(world.model, world) if cast(Node, a.label).step == step]
        self._arrows: dict[Key, tuple[Inflow, ...]] = {
            cast(Node, a.label).variable: courses.seen(world, a, at=W).arrows for a in here
        }
        self._inputs, self._step = courses.inputs, step
        graph = nx.DiGraph()
        graph.add_node(source)
        for target, arrows in self._arrows.items():
            graph.add_edges_from((cast(Node, a.source).variable, target) for a in arrows)
        # What n never reaches does not move, whatever it does.
        self._moving = {source} | nx.descendants(graph, source)

    @functools.cache  # noqa: B019  # as long as the step
    def slopes_of(self, key: Key) -> Mapping[Back, Expr]:
        """How a variable, or a stage, moves with what was before the step."""
        slopes: dict[Back, Expr] = {}
        for arrow in self._arrows.get(key, ()):
            source = cast(Node, arrow.source)
            if source.variable not in self._moving:
                continue
            slope = self._constant(key, arrow)
            back = self._step - 1 - source.step
            inner = {(source.variable, back): Integer(1)}
            for place, inside in (self.slopes_of(source.variable) if back < 0 else inner).items():
                slopes[place] = Add(slopes.get(place, Integer(0)), Mul(slope, inside))
        return {place: tidied(slope) for place, slope in slopes.items()}

    def onward(self, place: Back) -> Mapping[Back, Expr]:
        """What takes a place in the step: a value that is computed, or one that is remembered."""
        key, back = place
        return {(key, back - 1): Integer(1)} if back else self.slopes_of(key)

    def needed(self, key: Key) -> list[Back]:
        """All places that a variable follows from, over any number of steps, itself first."""
        places = [(key, 0)]
        for place in places:
            places += [other for other in self.onward(place) if other not in places]
        return places

    def _constant(self, key: Key, arrow: Inflow) -> Expr:
        slope = plain(arrow.free_slope)
        changing = sorted(str(s) for s in slope.free_symbols if not isinstance(s, Parameter))
        if changing:
            raise QueryError(
                f"{key} follows from {cast(Node, arrow.source).variable} by the slope {slope}, "
                f"which changes with {changing[0]}: a formula for all steps is of linear systems "
                "whose slopes stay the same. Ask symbolic_comp about one step."
            )
        return slope.xreplace({s: self._inputs.of(s) for s in slope.free_symbols})


def first_lasting(question: Question) -> int:
    """The first step from which on the interventions of the world stay as they are.

    Raises ``QueryError`` where they change until the end of its run.
    """
    W, steps = question.base, question.base.steps or 0
    held = W.clamp(question.A, to=W)
    stretches = [*W.treatments, *held.treatments]
    gates = [t.base.gate_on_it for t in stretches if t.base is not None]
    ends = {end for t in stretches for end in (t.start, t.stop)}
    ends |= {end for gate in gates if gate for s in gate.among for end in (s.start, s.stop)}
    source = question.model.single(question.n, steps, "n")
    inside = [end for end in ends if 0 < end <= steps]
    first = max([source.start, *(end + question.model.memory for end in inside)])
    least = first + question.model.memory + 1
    if least > steps:
        raise QueryError(
            f"What is done in this world changes up to step {first}, and its run has {steps} "
            f"steps: give it at least {least}, so that the rest stays the same."
        )
    return first
