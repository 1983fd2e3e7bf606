"""Distributions over states: exact, float arrays, ensembles; and what is asked of nodes."""

from causalopt.distributions.finite.chain import Chain
from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.finite.limits import limit_at_zero, series_at_zero
from causalopt.distributions.inference.influence import Solution, expected_utility, solve
from causalopt.distributions.inference.queries import marginal, marginals, probability
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
    "Solution",
    "boltzmann",
    "expected_utility",
    "limit_at_zero",
    "log_partition",
    "marginal",
    "marginals",
    "mean_interval",
    "probability",
    "probability_interval",
    "series_at_zero",
    "solve",
    "split_sequence",
]
