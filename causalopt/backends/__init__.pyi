from .interface import Backend as Backend
from .interface import Inputs as Inputs
from .interface import NotFinite as NotFinite
from .interface import Recording as Recording
from .interface import Stopped as Stopped
from .jax import OF_ARRAYS as OF_ARRAYS
from .named import BACKENDS as BACKENDS
from .numba import COMPILED as COMPILED
