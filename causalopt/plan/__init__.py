"""Plans: worlds flattened to assignments, the only thing that a backend sees."""

from causalopt.plan.block import Block, Input, block
from causalopt.plan.lanes import Lane, Lanes, lanes_of
from causalopt.plan.layers import Group, Layers, Patch, flatten_network
from causalopt.plan.loop import Loop, Segment, Slot, flatten_system

__all__ = [
    "Block",
    "Group",
    "Input",
    "Lane",
    "Lanes",
    "Layers",
    "Loop",
    "Patch",
    "Segment",
    "Slot",
    "block",
    "flatten_network",
    "flatten_system",
    "lanes_of",
]
