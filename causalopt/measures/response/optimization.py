"""Op: how strongly A optimizes m against a nudge at n, in nats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from causalopt.ground.errors import QueryError
from causalopt.measures.question import question
from causalopt.measures.response.ratio import Ratio, labelled, ratio
from causalopt.model.network import Network
from causalopt.model.system import System
from causalopt.model.world import World
from causalopt.runs.keeping import Keep

if TYPE_CHECKING:
    import xarray as xr


def _real(found: Ratio) -> npt.NDArray[Any]:
    return 0.0 - found.log_size()


def _complex(found: Ratio) -> npt.NDArray[Any]:
    made: npt.NDArray[Any] = _real(found) - 1j * np.pi * found.is_negative()
    return made


_BRANCHES = {"real": _real, "complex": _complex}


def op(
    of: System | Network | World,
    A: Any,
    n: Any,
    m: Any,
    *,
    steps: int | None = None,
    delta: float | None = None,
    over: Mapping[Any, Any] | None = None,
    draws: int | None = None,
    branch: str = "real",
    keep: Keep = "all",
    backend: str = "auto",
) -> xr.DataArray:
    """The optimization of m by A against a nudge at n, in nats.

    Op(A; n, m) = -log |Comp(A; n, m)|. Positive: A compresses m. Negative: A amplifies. It does
    not depend on the units of m. Tangents are rescaled on the way and their logarithms kept, so Op
    stays finite and accurate however long the run, chaotic or contracting.

    ``branch="complex"`` gives -log(Comp) on the principal branch: its imaginary part is -pi where
    Comp is negative, that is where the difference at m has opposite signs in X and Y.

    Parameters, dims and errors are those of ``comp``. 0/0 is NaN, x/0 gives -inf, 0/y gives +inf;
    ``attrs`` counts both.

    Source: "Defining Optimization in a Deeper Way", part 4.

    >>> from causalopt.language.symbols import parameters, variables
    >>> T, R = variables("T R")
    >>> k, d = parameters("k d")
    >>> thermostat = System(
    ...     {T: R - d, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 0.01, d: 25}
    ... )
    >>> op(thermostat, A=T, n=R[0], m=R[1000]).item()  # doctest: +ELLIPSIS
    10.14316585...
    """
    if branch not in _BRANCHES:
        raise QueryError(f'branch is {branch!r}: write branch="real" or branch="complex".')
    asked = question(of, A, n, m, steps, over, keep, draws)
    values = ratio(asked, delta, backend, _BRANCHES[branch])
    attrs = {"long_name": "Op", "units": "nat", "delta": "exact" if delta is None else delta}
    return labelled(asked, "op", values, attrs)
