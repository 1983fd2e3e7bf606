"""Distributions over the states of a system: exact, float arrays, and ensembles of samples."""

from causalopt.distributions.finite.chain import Chain
from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.finite.limits import limit_at_zero, series_at_zero
from causalopt.distributions.real.affine import Box, Gaussian
from causalopt.distributions.real.ensemble import Ensemble, split_sequence
from causalopt.distributions.real.estimate import Estimate
from causalopt.distributions.real.interval import mean_interval, probability_interval
from causalopt.distributions.thermal import Enthalpies, boltzmann, log_partition

__all__ = [
    "Box",
    "Chain",
    "Distribution",
    "Ensemble",
    "Enthalpies",
    "Estimate",
    "Gaussian",
    "boltzmann",
    "limit_at_zero",
    "log_partition",
    "mean_interval",
    "probability_interval",
    "series_at_zero",
    "split_sequence",
]
