"""Plans: worlds flattened to assignments, the only thing that a backend sees."""

from causalopt.plan.block import Block, Input, single_form
from causalopt.plan.flattening import Plan, flatten
from causalopt.plan.lanes import Lane, Lanes, lanes_of
from causalopt.plan.layers import Group, Layers, Weighting, flatten_network
from causalopt.plan.loop import Loop, Segment, flatten_system
from causalopt.plan.names import Slot
from causalopt.plan.patches import Blend, Patch

__all__ = [
    "Blend",
    "Block",
    "Group",
    "Input",
    "Lane",
    "Lanes",
    "Layers",
    "Loop",
    "Patch",
    "Plan",
    "Segment",
    "Slot",
    "Weighting",
    "flatten",
    "flatten_network",
    "flatten_system",
    "lanes_of",
    "single_form",
]
