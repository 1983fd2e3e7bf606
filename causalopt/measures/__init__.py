"""Measures: one small file each, one function with one signature."""

from causalopt.measures.comp import comp
from causalopt.measures.op import op
from causalopt.measures.power import optimizing_power
from causalopt.measures.strength import (
    adjusted_optimizing_strength,
    optimizing_strength,
    split_strengths,
)

__all__ = [
    "adjusted_optimizing_strength",
    "comp",
    "op",
    "optimizing_power",
    "optimizing_strength",
    "split_strengths",
]
