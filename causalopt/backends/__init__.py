"""Backends: they carry out plans. NumPy is the reference, through sympy's lambdify."""

from causalopt.backends.interface import Backend, Inputs, NotFinite, Recording
from causalopt.backends.numba import NumbaBackend
from causalopt.backends.numpy import NumPyBackend

#: The backends by the name that users give.
BACKENDS: dict[str, Backend] = {"numpy": NumPyBackend(), "numba": NumbaBackend()}

__all__ = ["BACKENDS", "Backend", "Inputs", "NotFinite", "NumPyBackend", "Recording"]
