"""Distributions over the states of a system: exact, float arrays, and ensembles of samples."""

from causalopt.distributions.joint import Distribution

__all__ = ["Distribution"]
