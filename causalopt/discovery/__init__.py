"""Who steers what, and where the border is: found without naming A, n and m by hand."""

from causalopt.discovery.basins import optimization_basins
from causalopt.discovery.coupling import loop_coupling
from causalopt.discovery.division import natural_division
from causalopt.discovery.fixed_points import fixed_point
from causalopt.discovery.frequency import sensitivity, waterbed
from causalopt.discovery.optimizers import Optimizers, find_optimizers
from causalopt.discovery.pushes import authority
from causalopt.discovery.regulation import OP2, self_regulation
from causalopt.discovery.shares import steering_shares

__all__ = [
    "OP2",
    "Optimizers",
    "authority",
    "find_optimizers",
    "fixed_point",
    "loop_coupling",
    "natural_division",
    "optimization_basins",
    "self_regulation",
    "sensitivity",
    "steering_shares",
    "waterbed",
]
