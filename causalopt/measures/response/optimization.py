"""Op: how strongly A optimizes m against a nudge at n, in nats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.ground.scaled import Ratio
from causalopt.ground.types import Array, Floats
from causalopt.language.symbols import Nodes
from causalopt.measures.question import Question
from causalopt.measures.record import Measure
from causalopt.measures.response.answers import answer
from causalopt.model.interface import Model
from causalopt.model.world import World
from causalopt.runs.keeping import Keep
from causalopt.runs.sweeps import Draws, Over

if TYPE_CHECKING:
    import xarray as xr


def _real(ratio: Ratio) -> Floats:
    # Taken from 0, for the minus of 0 is another zero.
    return 0.0 - ratio.log_size()


def _complex(ratio: Ratio) -> Array:
    return _real(ratio) - 1j * np.pi * ratio.is_negative()


#: Op: 0 where A does nothing.
OP = Measure("op", "Op", "nat", 0.0, _real)
#: Op on the principal branch of the logarithm, with its imaginary part.
OP_COMPLEX = Measure("op", "Op", "nat", 0.0, _complex)
_BRANCHES = {"real": OP, "complex": OP_COMPLEX}


def op(
    of: Model | World[Model],
    A: Nodes,
    n: Nodes,
    m: Nodes,
    *,
    steps: int | None = None,
    delta: float | None = None,
    over: Over | None = None,
    draws: Draws | None = None,
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
    >>> from causalopt.model.system import System
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
    asked = Question(of, A, n, m, steps=steps, over=over, draws=draws, delta=delta, keep=keep)
    return answer(asked, _BRANCHES[branch], backend)
