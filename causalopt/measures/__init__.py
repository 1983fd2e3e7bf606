"""Measures: one small file each, one function with one signature."""

from causalopt.measures.literature.arrows import causal_strength
from causalopt.measures.literature.bits import optimization_bits
from causalopt.measures.literature.commands import empowerment
from causalopt.measures.literature.comparison import MeasureTable, compare
from causalopt.measures.literature.control import control_bound
from causalopt.measures.literature.emergence import effective_information
from causalopt.measures.literature.exponents import conditional_exponents
from causalopt.measures.literature.flows import information_flow, transfer_entropy
from causalopt.measures.literature.goals import goal_directedness
from causalopt.measures.literature.incentive import Incentives, incentives
from causalopt.measures.literature.knowledge import semantic_information, viability
from causalopt.measures.literature.measurement import Measurement
from causalopt.measures.literature.mediation import effects
from causalopt.measures.literature.stability import basin_stability
from causalopt.measures.question import Question
from causalopt.measures.record import Measure
from causalopt.measures.response.compression import COMP, comp
from causalopt.measures.response.every_part import every_A
from causalopt.measures.response.everywhere import every_m, every_n
from causalopt.measures.response.optimization import OP, OP_COMPLEX, op
from causalopt.measures.response.power import optimizing_power
from causalopt.measures.response.sharing import unit_shares
from causalopt.measures.response.sweepable import Answering
from causalopt.measures.response.tracing_back import gradients
from causalopt.measures.split.strength import (
    adjusted_optimizing_strength,
    optimizing_strength,
    split_strengths,
)
from causalopt.measures.split.variance import log_variance_strength
from causalopt.measures.split.volume import adjusted_strength_by_volume, jacobian_determinant
from causalopt.measures.symbolic.asking import symbolic_comp, symbolic_op
from causalopt.measures.symbolic.closed import ClosedForm, closed_form_comp, closed_form_op
from causalopt.measures.symbolic.deriving import derivation_of
from causalopt.measures.symbolic.formula import SymbolicResponse
from causalopt.measures.thermal.energies import (
    equilibrium_free_energy,
    free_energy,
    free_energy_gap,
    free_energy_over,
    heat_capacity,
    mean_enthalpy,
)
from causalopt.measures.thermal.equilibrium import why_not_equilibrium
from causalopt.measures.thermal.reasons import Fault

__all__ = [
    "COMP",
    "OP",
    "OP_COMPLEX",
    "Answering",
    "ClosedForm",
    "Fault",
    "Incentives",
    "Measure",
    "MeasureTable",
    "Measurement",
    "Question",
    "SymbolicResponse",
    "adjusted_optimizing_strength",
    "adjusted_strength_by_volume",
    "basin_stability",
    "causal_strength",
    "closed_form_comp",
    "closed_form_op",
    "comp",
    "compare",
    "conditional_exponents",
    "control_bound",
    "derivation_of",
    "effective_information",
    "effects",
    "empowerment",
    "equilibrium_free_energy",
    "every_A",
    "every_m",
    "every_n",
    "free_energy",
    "free_energy_gap",
    "free_energy_over",
    "goal_directedness",
    "gradients",
    "heat_capacity",
    "incentives",
    "information_flow",
    "jacobian_determinant",
    "log_variance_strength",
    "mean_enthalpy",
    "op",
    "optimization_bits",
    "optimizing_power",
    "optimizing_strength",
    "semantic_information",
    "split_strengths",
    "symbolic_comp",
    "symbolic_op",
    "transfer_entropy",
    "unit_shares",
    "viability",
    "why_not_equilibrium",
]
