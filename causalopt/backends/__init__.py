"""Backends: they carry out plans. NumPy is the reference, numba compiles, auto chooses by size."""

from causalopt.backends.auto import AutoBackend
from causalopt.backends.interface import Backend, Inputs, NotFinite, Recording
from causalopt.backends.numba import NumbaBackend
from causalopt.backends.numpy import NumPyBackend

#: The backends by the name that users give.
BACKENDS: dict[str, Backend] = {
    "auto": AutoBackend(NumPyBackend(), NumbaBackend()),
    "numpy": NumPyBackend(),
    "numba": NumbaBackend(),
}

__all__ = [
    "BACKENDS",
    "Backend",
    "Inputs",
    "NotFinite",
    "Recording",
]
