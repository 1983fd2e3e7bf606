"""Measures: one small file each, one function with one signature."""

from causalopt.measures.comp import comp
from causalopt.measures.equilibrium import Fault, why_not_equilibrium
from causalopt.measures.everywhere import every_m, every_n
from causalopt.measures.free_energy import (
    equilibrium_free_energy,
    free_energy,
    free_energy_gap,
    free_energy_over,
    heat_capacity,
    mean_enthalpy,
)
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
    "Fault",
    "adjusted_optimizing_strength",
    "adjusted_strength_by_volume",
    "comp",
    "equilibrium_free_energy",
    "every_m",
    "every_n",
    "free_energy",
    "free_energy_gap",
    "free_energy_over",
    "heat_capacity",
    "jacobian_determinant",
    "log_variance_strength",
    "mean_enthalpy",
    "op",
    "optimizing_power",
    "optimizing_strength",
    "split_strengths",
    "why_not_equilibrium",
]
