"""A distribution through a world of a finite system: each step with what is done to its nodes."""

from __future__ import annotations

import networkx as nx
import numpy as np
from sympy import Symbol

from causalopt.distributions.finite.kernel import Transition, check_pushable, push_masses, rules_of
from causalopt.distributions.finite.states import Variables
from causalopt.distributions.inference.rules import Spot, rule_of
from causalopt.ground.errors import DeclarationError, QueryError
from causalopt.ground.masses import Masses
from causalopt.ground.types import Ints
from causalopt.language.finite_variables import Finite, as_finite
from causalopt.model.asked import as_system
from causalopt.model.declaration import check_steps, cycle_message
from causalopt.model.system import System
from causalopt.model.world import World


def pushed(
    of: System | World[System],
    steps: int | None,
    variables: Variables,
    states: Ints,
    masses: Masses,
) -> tuple[Ints, Masses]:
    """States and masses some steps later (one, if left out), or at the end of a world."""
    if isinstance(of, World):
        return _through_world(of, steps, variables, states, masses)
    count = 1 if steps is None else steps
    check_steps(count)
    rules = rules_of(of, variables)
    for _ in range(count):
        states, masses = push_masses(rules, variables, states, masses)
    return states, masses


def _through_world(
    world: World[System], steps: int | None, variables: Variables, states: Ints, masses: Masses
) -> tuple[Ints, Masses]:
    """What is done at the start comes first; then one step after the other."""
    system = as_system(
        world.model, " to push through: ask marginal(world, ..., P=P) for the nodes of a network."
    )
    check_pushable(system, variables)
    if steps not in (None, world.steps):
        raise QueryError(f"steps is {steps}, but this world has {world.steps}: leave steps out.")
    plain = world.values_only()
    for step in range((world.steps or 0) + 1):
        states, masses = push_masses(_rules_at(plain, step), variables, states, masses)
    return states, masses


def _rules_at(world: World[System], step: int) -> list[Transition]:
    """How each variable comes to its value at a step, those first that others need there."""
    rules = {
        variable: _transition(Spot(world, variable, step), variable)
        for variable in world.model.variables
        if isinstance(variable, Finite)
    }
    graph = nx.DiGraph()
    graph.add_nodes_from(rules)
    graph.add_edges_from(
        (parent.variable, target)
        for target, rule in rules.items()
        for parent in rule.parents
        if not isinstance(parent, Finite)
    )
    try:
        return [rules[variable] for variable in nx.topological_sort(graph)]
    except nx.NetworkXUnfeasible:
        loop = [str(source) for source, _ in nx.find_cycle(graph)]
        raise DeclarationError(cycle_message([*loop, loop[0]])) from None


def _transition(spot: Spot, variable: Finite) -> Transition:
    """How a variable comes to its value at a step: by its parents there and in the step before."""
    rule = rule_of(spot)
    if rule.cells is None:
        return Transition(variable, (variable,), np.arange(variable.size), None)
    elsewhere = next((parent for parent in rule.parents if parent.world != spot.world), None)
    if elsewhere is not None:
        raise QueryError(
            f"{spot.name} is held to another world, with which this one shares its chance: ask for "
            f"the two together, marginal(world, {spot.name}, P=P)."
        )
    parents = tuple(_as_seen(as_finite(p.key, "A table"), p.step, spot.step) for p in rule.parents)
    return Transition(variable, parents, rule.cells.codes, rule.cells.chances)


def _as_seen(variable: Finite, step: int, now: int) -> Symbol:
    """A variable of the step before, or of the same step."""
    return variable.next if step == now else variable
