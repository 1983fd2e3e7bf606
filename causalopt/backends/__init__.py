"""Backends: they carry out plans. NumPy is the reference, numba compiles, JAX runs arrays.

``auto`` chooses by the size of the work. Each name is imported on first use; ``__init__.pyi`` lists
them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
