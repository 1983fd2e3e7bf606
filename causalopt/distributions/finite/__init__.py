"""Distributions over finite worlds: exact masses or floats, pushed through tables."""
