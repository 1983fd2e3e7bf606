"""Backends: they carry out plans. NumPy is the reference, numba compiles, JAX runs arrays.

``auto`` chooses by the size of the work.
"""

from causalopt.backends.auto import AutoBackend
from causalopt.backends.interface import Backend, Inputs, NotFinite, Recording
from causalopt.backends.jax import JaxBackend
from causalopt.backends.numba import NumbaBackend
from causalopt.backends.numpy import NumPyBackend

_REFERENCE = NumPyBackend()
_COMPILED, _OF_ARRAYS = NumbaBackend(_REFERENCE), JaxBackend(_REFERENCE)

#: The backends by the name that users give.
BACKENDS: dict[str, Backend] = {
    "auto": AutoBackend(_REFERENCE, _COMPILED, _OF_ARRAYS),
    "numpy": _REFERENCE,
    "numba": _COMPILED,
    "jax": _OF_ARRAYS,
}

__all__ = [
    "BACKENDS",
    "Backend",
    "Inputs",
    "NotFinite",
    "Recording",
]
