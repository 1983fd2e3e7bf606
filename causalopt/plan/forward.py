"""A plan for a network with arrays or functions: a loop of no steps, whose start is all of it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from sympy import Symbol

from causalopt.ground.errors import DeclarationError
from causalopt.ground.tensors import Tensor
from causalopt.language.data import Listed
from causalopt.language.symbols import Label, Noise, Variable
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.declaration import cycle_message
from causalopt.model.network import Network
from causalopt.plan.block import Input, needed_in_order, single_form
from causalopt.plan.doubts import values_in_doubt
from causalopt.plan.lanes import Lane, Lanes
from causalopt.plan.loop import Loop, Terms
from causalopt.plan.names import Names, Slot
from causalopt.plan.steps import always_zero
from causalopt.plan.terms import NodeTerms


@functools.lru_cache(maxsize=64)
def flatten_forward(network: Network, lanes: Lanes, wanted: tuple[Slot, ...]) -> Loop:
    """The loop that computes the wanted slots; what they do not need is left out.

    The values that they follow from are in slots too, in the order in which they are computed, so
    that the first that is not finite is where it began. No tangent is carried on with another one:
    each is a group of its own.
    """
    names = Names(network)
    raw = {}
    for place, lane in enumerate(lanes.lanes):
        for node, own in _mechanisms(network, lane).items():
            terms = NodeTerms(names, lanes, place, node, 0, own, names.after)
            raw[names.after(Slot(place, node))] = lane.at(node).apply(terms)
    raw |= names.named
    zero = always_zero(lanes, names, [raw])
    raw = {symbol: formula.xreplace(zero) for symbol, formula in raw.items()}
    slot_of = {after: slot for slot, (_, after) in names.states.items()}
    doubted = values_in_doubt(wanted, names, lanes, [raw])
    needed = needed_in_order(raw, [names.after(slot) for slot in (*doubted, *wanted)])
    of_values = {i for i, lane in enumerate(lanes.lanes) if not lane.is_tangent}
    every = [slot_of[symbol] for symbol in needed if symbol in slot_of]
    slots = tuple(slot for slot in every if slot.lane in of_values or slot in wanted)
    after = [names.after(slot) for slot in slots]
    inputs = tuple(map(_at_once, (*names.inputs.values(), *names.noises.values())))
    given = [entry.symbol for entry in inputs]
    tangents = [j for j, slot in enumerate(slots) if slot.lane not in of_values]
    return Loop(
        slots=slots,
        inputs=inputs,
        noises=(),
        initial=single_form([*given, names.time], raw, after),
        beginning=Terms([*given, names.time], raw, after),
        segments=(),
        steps=0,
        dt=1.0,
        recorded=tuple(slots.index(slot) for slot in wanted),
        scales=tuple((j,) for j in tangents),
        slopes=dict(names.slopes.values()),
        value_slots=tuple(j for j in range(len(slots)) if j not in tangents),
        chains=(),
        has_arrays=True,
    )


def _mechanisms(network: Network, lane: Lane) -> Mapping[Variable, Mechanism | None]:
    """What gives each node in a lane, of nodes that are all of one step; None for a root.

    Raises ``DeclarationError`` where other mechanisms close a circle that nothing cuts.
    """
    import networkx as nx

    rules: dict[Variable, Mechanism | None] = {}
    arrows = nx.DiGraph()
    for node in network.nodes:
        base = lane.at(node).base
        account = network.account(node, 0, None if base is None else base.replacement)
        own = account.assigned
        seen = {s: _same_step(owner) for s, owner in account.names.items()}
        rules[cast(Variable, node)] = None if own is None else own.renamed(seen)
        if base is None or not base.cuts:
            arrows.add_edges_from((owner, node) for owner in account.names.values())
    if not nx.is_directed_acyclic_graph(arrows):
        around = [str(source) for source, _ in nx.find_cycle(arrows)]
        raise DeclarationError(cycle_message([*around, around[0]]))
    return rules


def _same_step(owner: Label) -> Symbol:
    """A node as a mechanism of the same step sees it; an input as it is."""
    return owner.next if isinstance(owner, Variable) else cast(Symbol, owner)


def _at_once(entry: Input) -> Input:
    """An input of a pass that has no steps: of what is given step by step, the first.

    Directions are as they are: there are no steps after which to make a frame of them.
    """
    if isinstance(entry.label, Noise) and isinstance(entry.label.law, Listed):
        return replace(entry, label=None, value=Tensor(entry.label.law.values.numbers[0]))
    if entry.directions is None:
        return entry
    return replace(entry, directions=replace(entry.directions, as_frame=False))
