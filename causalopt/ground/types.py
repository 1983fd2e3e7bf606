"""The arrays that signatures speak of, each defined here alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

#: Numbers in double precision.
Floats = npt.NDArray[np.float64]
#: Complex numbers in double precision.
Complexes = npt.NDArray[np.complex128]
#: Whole numbers: places, counts, powers of two.
Ints = npt.NDArray[np.int64]
#: Yes or no, of each.
Bools = npt.NDArray[np.bool_]
#: Numbers of some kind: real or complex floats, or exact ones as objects.
Array = npt.NDArray[Any]
#: A number, or one for each point of a sweep.
Number = np.float64 | Floats
