"""Distributions over real states: boxes, Gaussians, ensembles of samples, and what is estimated."""
