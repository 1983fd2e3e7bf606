"""Plans: worlds flattened to assignments, the only thing that a backend sees."""

from causalopt.plan.block import Block, Input, block_of, needed_in_order, single_form
from causalopt.plan.dividing import Division, Pieces, Told, divided, divided_at
from causalopt.plan.flattening import Plan, flatten
from causalopt.plan.lanes import Lane, Lanes, lanes_of
from causalopt.plan.layers import Group, Layers, Weighting, flatten_network
from causalopt.plan.loop import Loop, Remembered, Segment, Terms, in_quotients
from causalopt.plan.names import UNIT, Slope, Slot
from causalopt.plan.patches import Blend, Patch
from causalopt.plan.steps import flatten_system

__all__ = [
    "UNIT",
    "Blend",
    "Block",
    "Division",
    "Group",
    "Input",
    "Lane",
    "Lanes",
    "Layers",
    "Loop",
    "Patch",
    "Pieces",
    "Plan",
    "Remembered",
    "Segment",
    "Slope",
    "Slot",
    "Terms",
    "Told",
    "Weighting",
    "block_of",
    "divided",
    "divided_at",
    "flatten",
    "flatten_network",
    "flatten_system",
    "in_quotients",
    "lanes_of",
    "needed_in_order",
    "single_form",
]
