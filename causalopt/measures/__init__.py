"""Measures: one small file each, one function with one signature."""

from causalopt.measures.comp import comp
from causalopt.measures.everywhere import every_m, every_n
from causalopt.measures.op import op
from causalopt.measures.power import optimizing_power
from causalopt.measures.strength import (
    adjusted_optimizing_strength,
    optimizing_strength,
    split_strengths,
)
from causalopt.measures.variance import log_variance_strength
from causalopt.measures.volume import adjusted_strength_by_volume, jacobian_determinant

__all__ = [
    "adjusted_optimizing_strength",
    "adjusted_strength_by_volume",
    "comp",
    "every_m",
    "every_n",
    "jacobian_determinant",
    "log_variance_strength",
    "op",
    "optimizing_power",
    "optimizing_strength",
    "split_strengths",
]
