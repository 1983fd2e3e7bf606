"""Backends: they carry out plans. NumPy is the reference, numba compiles, JAX runs arrays.

``auto`` chooses by the size of the work.
"""

from causalopt.backends.auto import AutoBackend
from causalopt.backends.interface import Backend, Inputs, NotFinite, Recording, Stopped
from causalopt.backends.jax import JaxBackend
from causalopt.backends.numba import NumbaBackend
from causalopt.backends.numpy import NumPyBackend

_REFERENCE = NumPyBackend()
_COMPILED = NumbaBackend(_REFERENCE)
#: The backend of arrays, the one that passes slopes back through a run.
OF_ARRAYS = JaxBackend(_REFERENCE)

#: The backends by the name that users give.
BACKENDS: dict[str, Backend] = {
    "auto": AutoBackend(_REFERENCE, _COMPILED, OF_ARRAYS),
    "numpy": _REFERENCE,
    "numba": _COMPILED,
    "jax": OF_ARRAYS,
}

__all__ = [
    "BACKENDS",
    "OF_ARRAYS",
    "Backend",
    "Inputs",
    "NotFinite",
    "Recording",
    "Stopped",
]
