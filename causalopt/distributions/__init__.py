"""Distributions over the states of a system: exact, float arrays, and ensembles of samples."""

from causalopt.distributions.affine import Box, Gaussian
from causalopt.distributions.ensemble import Ensemble, split_sequence
from causalopt.distributions.estimate import Estimate
from causalopt.distributions.joint import Distribution
from causalopt.distributions.limits import limit_at_zero, series_at_zero

__all__ = [
    "Box",
    "Distribution",
    "Ensemble",
    "Estimate",
    "Gaussian",
    "limit_at_zero",
    "series_at_zero",
    "split_sequence",
]
