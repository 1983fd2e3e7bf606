"""What enters each node of a world when differences are small: arrows, and whose slopes they carry.

The derivative of a node by another is a sum over paths; these are the arrows that paths are made
of. Interventions are seen through a view of their own: what is set or held lets nothing in, and a
gate weights what comes through it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from sympy import Symbol

from causalopt.ground.errors import QueryError
from causalopt.ground.readonly import ReadOnly
from causalopt.language.domains import domain_of
from causalopt.language.subspaces import Directions, Subspace
from causalopt.language.symbols import Label, Node, Parameter, Variable
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.interface import Model
from causalopt.model.network import Network
from causalopt.model.selection import Key
from causalopt.model.staging import (
    refuse_shared_steps,
    starts_of,
    stretches_of,
    template_of,
    treatment_of,
)
from causalopt.model.system import System
from causalopt.model.template import node_at
from causalopt.model.views import Difference, Gate, Outside
from causalopt.model.world import World

AnyWorld = World[Model]


@dataclass(frozen=True)
class Partial:
    """An edge into a node: from where, how many steps back, and the derivative that it carries.

    The derivative is ``factor`` times that of a mechanism by one of its arguments; ``names`` gives
    the nodes and inputs of a network that the arguments stand for.
    """

    source: Key
    lag: int
    mechanism: Mechanism
    argument: Symbol
    names: Mapping[Symbol, Label] = field(compare=False)
    factor: float = 1.0
    behind: Blended | None = None


@dataclass(frozen=True)
class Blended:
    """Arguments that come through a gate: ``by`` of what they are in another world, else own."""

    world: AnyWorld
    by: float
    arguments: frozenset[Symbol]


#: All arrows into one node.
Partials = tuple[Partial, ...]


@dataclass(frozen=True)
class Part:
    """Rows of a run in which the same arrows enter each node; nodes in the order of computation."""

    rows: range
    entering: Mapping[Key, Partials]


@dataclass(frozen=True)
class PartialsView:
    """What a node becomes, as the arrows into it: the view of a linearised world.

    ``own`` is the mechanism that gives the node, None where it has a value from the start; ``at``
    gives the node that each argument of it stands for, arguments that are no nodes left out.
    """

    world: AnyWorld
    own: Mechanism | None
    at: Mapping[Symbol, tuple[Key, int]]
    step: int
    names: Mapping[Symbol, Label] = ReadOnly({})

    def computed(self, mechanism: Mechanism | None, gate: Gate[AnyWorld] | None) -> Partials:
        """An arrow for each argument, weighted where it comes through a gate."""
        # Another mechanism is a part of ``own`` already.
        if self.own is None:
            return ()
        own = {s: Partial(*place, self.own, s, self.names) for s, place in self.at.items()}
        if gate is None:
            return tuple(own.values())
        outside = frozenset(s for s, partial in own.items() if not self._is_inside(gate, partial))
        by = self._number(gate.by)
        behind = Blended(gate.world, by, outside)
        # Slopes are taken where the mechanism is: at the blend of values that comes through.
        return tuple(
            replace(partial, factor=1.0 - by if s in outside else 1.0, behind=behind)
            for s, partial in own.items()
        )

    def constant(self, value: Outside) -> Partials:
        """Nothing enters what is set."""
        return ()

    def copied(self, world: AnyWorld) -> Partials:
        """Nothing enters what is held to a world that is not moved."""
        return ()

    def there(self, world: AnyWorld) -> Partials:
        """The same."""
        return ()

    def mixed(self, own: Partials, other: Partials, by: float | Parameter) -> Partials:
        """The arrows of both, weighted."""
        weight = self._number(by)
        return (*_weighted(own, 1.0 - weight), *_weighted(other, weight))

    def blended(self, own: Partials, other: Partials, part: Subspace, by: float) -> Partials:
        """An error: edges are between numbers."""
        raise QueryError(f"{part} is a part of an array, and this question is about numbers.")

    def moved(self, term: Partials, by: Difference) -> Partials:
        """A finite difference changes values, and no derivative."""
        return term

    def nudged(self, term: Partials, along: Directions | None) -> Partials:
        """An error: the world itself is not moved."""
        raise QueryError(
            "This world carries an infinitesimal difference of its own: ask about the world "
            "without it."
        )

    def _number(self, by: float | Parameter) -> float:
        return self.world.model.parameter_values[by] if isinstance(by, Parameter) else by

    def _is_inside(self, gate: Gate[AnyWorld], partial: Partial) -> bool:
        """Whether a source is among the nodes of a gate."""
        return gate.lets_in(partial.source, self.step - partial.lag)


def _weighted(arrows: Partials, weight: float) -> Partials:
    return tuple(replace(arrow, factor=arrow.factor * weight) for arrow in arrows)


@functools.singledispatch
def parts_of(model: object, world: AnyWorld) -> list[Part]:
    """The rows of a world's run, in parts with the same arrows."""
    raise QueryError(f"{type(model).__name__} has no derivatives.")


@parts_of.register
def _(model: System, world: AnyWorld) -> list[Part]:
    refuse_shared_steps(model, "Passing along the arrows of a step")
    starts = starts_of(model, world)
    first: dict[Key, Partials] = {}
    for variable in (*starts, *model.variables):
        first[variable] = _arrows(world, variable, 0, starts.get(variable))
    parts = [Part(range(1), first)]
    for start, stop in stretches_of(model, world.steps or 0, [world]):
        template = template_of(model, world, start)
        entering: dict[Key, Partials] = {}
        for variable, rule in template.items():
            entering[variable] = _arrows(world, variable, start, rule)
        parts.append(Part(range(start, stop), entering))
    return parts


def _arrows(world: AnyWorld, target: Variable, step: int, own: Mechanism | None) -> Partials:
    """What enters a node of a system, or an inner stage of its step."""
    nodes = {} if own is None else {s: node_at(s, step) for s in own.arguments}
    at = {
        symbol: (cast(Key, node.variable), step - node.step)
        for symbol, node in nodes.items()
        # What was before the start is moved by nothing.
        if isinstance(node, Node) and _is_carried(node.variable) and (node.step >= 0 or step)
    }
    return treatment_of(world, target, step).apply(PartialsView(world, own, at, step))


def _is_carried(variable: Symbol) -> bool:
    """Whether a symbol stands for a node that differences pass: no noise, no time, no name."""
    return isinstance(variable, Variable) and domain_of(variable).why_no_difference() is None


@parts_of.register
def _(model: Network, world: AnyWorld) -> list[Part]:
    replaced = {key: world.mechanism_at(key) for key, _ in world.effects}
    entering: dict[Key, Partials] = {}
    for label in model.nodes:
        account = model.account(label, 0, replaced.get(label))
        at = {s: (owner, 0) for s, owner in account.names.items() if _is_node(model, owner)}
        view = PartialsView(world, account.assigned, at, 0, account.names)
        entering[label] = world.at(label).apply(view)
    return [Part(range(1), entering)]


def _is_node(model: Network, label: Label) -> bool:
    is_node = model.index[label] < len(model.nodes)
    return is_node and domain_of(label).why_no_difference() is None
