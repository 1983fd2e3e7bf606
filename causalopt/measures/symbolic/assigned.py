"""What gives each node of a world, node by node, in the order in which a run computes them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import networkx as nx
from sympy import Symbol

from causalopt.language.symbols import Label, Node
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.interface import Model
from causalopt.model.network import Network
from causalopt.model.staging import (
    refuse_shared_steps,
    starts_of,
    stretches_of,
    template_of,
    treatment_of,
)
from causalopt.model.system import System
from causalopt.model.template import node_at
from causalopt.model.treatments import Treatment
from causalopt.model.world import World

AnyWorld = World[Model]


@dataclass(frozen=True, eq=False)
class Assigned:
    """A node: the mechanism that gives it (None where it starts), and what is done to it.

    ``names`` gives the node or input that each argument of the mechanism stands for.
    """

    label: Label
    own: Mechanism | None
    names: Mapping[Symbol, Label]
    treatment: Treatment[AnyWorld]


@functools.singledispatch
def assigned_in(model: object, world: AnyWorld) -> Iterator[Assigned]:
    """The nodes of a world, each after those that it needs."""
    raise TypeError(f"no nodes of a {type(model).__name__}")


@assigned_in.register
def _(model: System, world: AnyWorld) -> Iterator[Assigned]:
    refuse_shared_steps(model, "A formula of nodes")
    rules = starts_of(model, world)
    # What starts from a number comes first: others may start from it.
    for variable in (*(v for v in model.variables if v not in rules), *rules):
        own = rules.get(variable)
        names = {} if own is None else {s: node_at(s, 0) for s in own.arguments}
        yield Assigned(Node(variable, 0), own, names, world.at(variable, 0))
    for start, stop in stretches_of(model, world.steps or 0, [world]):
        template = template_of(model, world, start)
        for step in range(start, stop):
            for target, own in template.items():
                names = {s: node_at(s, step) for s in own.arguments}
                yield Assigned(Node(target, step), own, names, treatment_of(world, target, step))


@assigned_in.register
def _(model: Network, world: AnyWorld) -> Iterator[Assigned]:
    replaced = {key: world.mechanism_at(key) for key, _ in world.effects}
    nodes: dict[Label, Assigned] = {}
    order = nx.DiGraph()
    for label in model.nodes:
        account, treatment = model.account(label, 0, replaced.get(label)), world.at(label)
        nodes[label] = Assigned(label, account.assigned, account.names, treatment)
        order.add_node(label)
        # Arrows that an intervention cuts may close a circle with those of another mechanism.
        if treatment.base is None or not treatment.base.cuts:
            order.add_edges_from((source, label) for source in account.names.values())
    return (nodes[label] for label in nx.topological_sort(order) if label in nodes)
