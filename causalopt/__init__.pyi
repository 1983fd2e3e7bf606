from . import derive as derive
from . import exchange as exchange
from . import plots as plots
from .discovery import Optimizers as Optimizers
from .discovery import authority as authority
from .discovery import find_optimizers as find_optimizers
from .discovery import fixed_point as fixed_point
from .discovery import loop_coupling as loop_coupling
from .discovery import natural_division as natural_division
from .discovery import optimization_basins as optimization_basins
from .discovery import self_regulation as self_regulation
from .discovery import sensitivity as sensitivity
from .discovery import steering_shares as steering_shares
from .discovery import waterbed as waterbed
from .distributions import Box as Box
from .distributions import Chain as Chain
from .distributions import Distribution as Distribution
from .distributions import Ensemble as Ensemble
from .distributions import Enthalpies as Enthalpies
from .distributions import Estimate as Estimate
from .distributions import Gaussian as Gaussian
from .distributions import Solution as Solution
from .distributions import boltzmann as boltzmann
from .distributions import expected_utility as expected_utility
from .distributions import limit_at_zero as limit_at_zero
from .distributions import log_partition as log_partition
from .distributions import marginal as marginal
from .distributions import marginals as marginals
from .distributions import mean_interval as mean_interval
from .distributions import probability as probability
from .distributions import probability_interval as probability_interval
from .distributions import series_at_zero as series_at_zero
from .distributions import solve as solve
from .distributions import split_sequence as split_sequence
from .drawing import Drawing as Drawing
from .drawing import draw as draw
from .drawing import draw_template as draw_template
from .drawing import named_graph as named_graph
from .ground.errors import (
    CausaloptError as CausaloptError,
)
from .ground.errors import (
    DeclarationError as DeclarationError,
)
from .ground.errors import (
    EvaluationError as EvaluationError,
)
from .ground.errors import (
    FileError as FileError,
)
from .ground.errors import (
    ModelError as ModelError,
)
from .ground.errors import (
    QueryError as QueryError,
)
from .ground.errors import (
    SweepError as SweepError,
)
from .ground.errors import (
    TooLargeError as TooLargeError,
)
from .language.arrays import array as array
from .language.data import series as series
from .language.finite_variables import finite as finite
from .language.laws import choice as choice
from .language.laws import normal as normal
from .language.laws import uniform as uniform
from .language.splits import Split as Split
from .language.splits import partitions as partitions
from .language.symbols import noise as noise
from .language.symbols import (
    parameter as parameter,
)
from .language.symbols import (
    parameters as parameters,
)
from .language.symbols import (
    time as time,
)
from .language.symbols import (
    variable as variable,
)
from .language.symbols import (
    variables as variables,
)
from .language.tables import table as table
from .measures import COMP as COMP
from .measures import OP as OP
from .measures import ClosedForm as ClosedForm
from .measures import Fault as Fault
from .measures import Incentives as Incentives
from .measures import Measure as Measure
from .measures import Measurement as Measurement
from .measures import MeasureTable as MeasureTable
from .measures import Question as Question
from .measures import SymbolicResponse as SymbolicResponse
from .measures import adjusted_optimizing_strength as adjusted_optimizing_strength
from .measures import adjusted_strength_by_volume as adjusted_strength_by_volume
from .measures import basin_stability as basin_stability
from .measures import causal_strength as causal_strength
from .measures import closed_form_comp as closed_form_comp
from .measures import closed_form_op as closed_form_op
from .measures import comp as comp
from .measures import compare as compare
from .measures import conditional_exponents as conditional_exponents
from .measures import control_bound as control_bound
from .measures import derivation_of as derivation_of
from .measures import effective_information as effective_information
from .measures import effects as effects
from .measures import empowerment as empowerment
from .measures import equilibrium_free_energy as equilibrium_free_energy
from .measures import every_A as every_A
from .measures import every_m as every_m
from .measures import every_n as every_n
from .measures import free_energy as free_energy
from .measures import free_energy_gap as free_energy_gap
from .measures import free_energy_over as free_energy_over
from .measures import goal_directedness as goal_directedness
from .measures import gradients as gradients
from .measures import heat_capacity as heat_capacity
from .measures import incentives as incentives
from .measures import information_flow as information_flow
from .measures import jacobian_determinant as jacobian_determinant
from .measures import log_variance_strength as log_variance_strength
from .measures import mean_enthalpy as mean_enthalpy
from .measures import op as op
from .measures import optimization_bits as optimization_bits
from .measures import optimizing_power as optimizing_power
from .measures import optimizing_strength as optimizing_strength
from .measures import semantic_information as semantic_information
from .measures import split_strengths as split_strengths
from .measures import symbolic_comp as symbolic_comp
from .measures import symbolic_op as symbolic_op
from .measures import transfer_entropy as transfer_entropy
from .measures import unit_shares as unit_shares
from .measures import viability as viability
from .measures import why_not_equilibrium as why_not_equilibrium
from .mechanisms.decisions import decision as decision
from .mechanisms.decisions import utility as utility
from .mechanisms.events import Event as Event
from .mechanisms.opaque import function as function
from .model.network import Network as Network
from .model.system import System as System
from .model.world import World as World
from .processes import Adam as Adam
from .processes import Flips as Flips
from .processes import Ising as Ising
from .processes import Momentum as Momentum
from .processes import Plain as Plain
from .processes import Steps as Steps
from .processes import Sweeps as Sweeps
from .processes import Training as Training
from .processes import anneal_spins as anneal_spins
from .processes import annealed as annealed
from .processes import annealing as annealing
from .processes import annealing_kernel as annealing_kernel
from .processes import geometric as geometric
from .processes import gradient_descent as gradient_descent
from .processes import langevin as langevin
from .processes import linear as linear
from .processes import logarithmic as logarithmic
from .processes import matched_units as matched_units
from .processes import newton as newton
from .processes import participation_ratio as participation_ratio
from .processes import sgd as sgd
from .processes import training as training
from .processes import unit_profiles as unit_profiles
from .processes import without_means as without_means
from .runs.cluster import StoredSweep as StoredSweep
from .runs.cluster import Survey as Survey
from .runs.cluster import open_sweep as open_sweep
from .runs.cluster import sweep as sweep
from .runs.results import run as run
from .runs.results import tangents as tangents
from .study.collection import sweep_models as sweep_models
from .transport import Current as Current
from .transport import GradientMoments as GradientMoments
from .transport import TransferOperator as TransferOperator
from .transport import escape_probability as escape_probability
from .transport import escape_rate as escape_rate
from .transport import hitting_times as hitting_times
from .transport import mean_escape_time as mean_escape_time
from .transport import quasi_stationary as quasi_stationary
from .transport import stationary as stationary
