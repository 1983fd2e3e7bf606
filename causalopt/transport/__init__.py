"""How probability moves: transfer operators, escape, moments of the gradient, end states."""

from causalopt.transport.current import Current
from causalopt.transport.escape import (
    escape_probability,
    escape_rate,
    hitting_times,
    mean_escape_time,
    quasi_stationary,
    stationary,
)
from causalopt.transport.moments import GradientMoments
from causalopt.transport.transfer import TransferOperator

__all__ = [
    "Current",
    "GradientMoments",
    "TransferOperator",
    "escape_probability",
    "escape_rate",
    "hitting_times",
    "mean_escape_time",
    "quasi_stationary",
    "stationary",
]
