"""Measures: one small file each, one function with one signature."""

from causalopt.measures.comp import comp
from causalopt.measures.op import op
from causalopt.measures.power import optimizing_power

__all__ = ["comp", "op", "optimizing_power"]
