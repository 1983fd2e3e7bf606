"""The plan of a model of any kind: where a kind of model meets its kind of plan."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import cast

from causalopt.language.symbols import Variable
from causalopt.model.interface import Model
from causalopt.model.network import Network
from causalopt.model.selection import Key
from causalopt.model.system import System
from causalopt.plan.forward import flatten_forward
from causalopt.plan.lanes import Lanes
from causalopt.plan.layers import Layers, flatten_network
from causalopt.plan.loop import Loop
from causalopt.plan.names import Slot
from causalopt.plan.steps import flatten_system

Plan = Loop | Layers


@functools.singledispatch
def flatten(model: Model, last: int, lanes: Lanes, wanted: Sequence[tuple[int, Key]]) -> Plan:
    """The plan that computes wanted (lane, series) up to the row ``last``."""
    raise TypeError(f"no plan for a {type(model).__name__}")


@flatten.register
def _(model: System, last: int, lanes: Lanes, wanted: Sequence[tuple[int, Key]]) -> Plan:
    return flatten_system(model, max(last, 0), lanes, _slots(wanted, model.variables[0]))


@flatten.register
def _(model: Network, last: int, lanes: Lanes, wanted: Sequence[tuple[int, Key]]) -> Plan:
    if model.holds_arrays:
        return flatten_forward(model, lanes, _slots(wanted, model.nodes[0]))
    return flatten_network(model, lanes, tuple(lane for lane, _ in wanted))


def _slots(wanted: Sequence[tuple[int, Key]], other: Key) -> tuple[Slot, ...]:
    """The slots that are wanted; some ``other`` where all that is wanted is zero."""
    return tuple(Slot(lane, cast(Variable, key)) for lane, key in wanted or [(0, other)])
