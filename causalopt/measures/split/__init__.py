"""Measures of a split: what the correlation of its parts takes out of the future."""
