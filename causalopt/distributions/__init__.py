"""Distributions over the states of a system: exact, float arrays, and ensembles of samples."""

from causalopt.distributions.affine import Box, Gaussian
from causalopt.distributions.boltzmann import Enthalpies, boltzmann, log_partition
from causalopt.distributions.chain import Chain
from causalopt.distributions.current import Current
from causalopt.distributions.ensemble import Ensemble, split_sequence
from causalopt.distributions.escape import (
    escape_probability,
    escape_rate,
    hitting_times,
    mean_escape_time,
    quasi_stationary,
    stationary,
)
from causalopt.distributions.estimate import Estimate
from causalopt.distributions.interval import mean_interval, probability_interval
from causalopt.distributions.joint import Distribution
from causalopt.distributions.limits import limit_at_zero, series_at_zero
from causalopt.distributions.moments import GradientMoments
from causalopt.distributions.transfer import TransferOperator

__all__ = [
    "Box",
    "Chain",
    "Current",
    "Distribution",
    "Ensemble",
    "Enthalpies",
    "Estimate",
    "Gaussian",
    "GradientMoments",
    "TransferOperator",
    "boltzmann",
    "escape_probability",
    "escape_rate",
    "hitting_times",
    "limit_at_zero",
    "log_partition",
    "mean_escape_time",
    "mean_interval",
    "probability_interval",
    "quasi_stationary",
    "series_at_zero",
    "split_sequence",
    "stationary",
]
