"""Special graphs: functions that return ordinary systems."""

from causalopt.processes.cooling import annealing
from causalopt.processes.descent import gradient_descent, newton, sgd
from causalopt.processes.exact import annealed, annealing_kernel
from causalopt.processes.ising import Ising
from causalopt.processes.learning import Optimizer, Training, training
from causalopt.processes.moves import Flips, Steps, Sweeps
from causalopt.processes.noisy_descent import langevin
from causalopt.processes.profiles import (
    matched_units,
    participation_ratio,
    unit_profiles,
    without_means,
)
from causalopt.processes.schedules import geometric, linear, logarithmic
from causalopt.processes.spins import anneal_spins
from causalopt.processes.updates import Adam, Momentum, Plain

__all__ = [
    "Adam",
    "Flips",
    "Ising",
    "Momentum",
    "Optimizer",
    "Plain",
    "Steps",
    "Sweeps",
    "Training",
    "anneal_spins",
    "annealed",
    "annealing",
    "annealing_kernel",
    "geometric",
    "gradient_descent",
    "langevin",
    "linear",
    "logarithmic",
    "matched_units",
    "newton",
    "participation_ratio",
    "sgd",
    "training",
    "unit_profiles",
    "without_means",
]
