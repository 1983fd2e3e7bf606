"""Op: how strongly A optimizes m against a nudge at n, in nats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.checks import is_option, shown
from causalopt.ground.errors import QueryError
from causalopt.ground.scaled import Ratio, RatioForm
from causalopt.ground.types import Array, Floats
from causalopt.language.symbols import Nodes
from causalopt.measures.question import question_of
from causalopt.measures.record import InForm, Measure
from causalopt.measures.response.answers import answer
from causalopt.measures.response.of_arrays import ArrayQuestion, is_of_arrays
from causalopt.model.interface import Model
from causalopt.model.world import World
from causalopt.runs.keeping import Keep
from causalopt.runs.masking import OnFailure
from causalopt.runs.sweeps import Draws, Over

if TYPE_CHECKING:
    import xarray as xr


def _minus(logs: Floats) -> Floats:
    # Taken from 0, for the minus of 0 is another zero.
    return np.subtract(0.0, logs, out=logs)


_TOLD = InForm(RatioForm.LOG, _minus)


def _complex(ratio: Ratio) -> Array:
    complexes: Array = _TOLD(ratio) - 1j * np.pi * ratio.is_negative()
    return complexes


#: Op: 0 where A does nothing.
OP = Measure("op", "Op", "nat", 0.0, _TOLD, _TOLD)
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
    along: object = None,
    read: object = None,
    reduce: str | None = None,
    metric: object = None,
    covariance: object = None,
    probes: int | None = None,
    backend: str = "auto",
    on_failure: OnFailure = "raise",
) -> xr.DataArray:
    """The optimization of m by A against a nudge at n, in nats.

    Op(A; n, m) = -log |Comp(A; n, m)|. Positive: A compresses m. Negative: A amplifies. It does
    not depend on the units of m. Tangents are rescaled on the way and their logarithms kept, so Op
    stays finite and accurate however long the run, chaotic or contracting.

    ``branch="complex"`` gives -log(Comp) on the principal branch: its imaginary part is -pi where
    Comp is negative, that is where the difference at m has opposite signs in X and Y.

    Where n or m holds an array, with the derivatives J_X and J_Y (q, p) of m by n:

    - ``along=v, read=u``: -log of the ratio of u.J_X v and u.J_Y v, the Op of two numbers;
    - ``along=v``: log(|J_Y v| / |J_X v|), in the ``metric`` G (q, q) of m; several v (k, *shape)
      give each its own, along the dim ``direction``;
    - ``reduce="volume"``: the log of the ratio of the volumes that differences fill; for n normal
      with ``covariance`` S (p, p) and q <= p, the entropy of m in Y less that in X;
    - ``reduce="rms"``: 1/2 log(tr G J_Y S J_Y' / tr G J_X S J_X'); with ``probes=k`` estimated by k
      random directions, which X and Y share, with its ``standard_error`` as a coordinate;
    - ``reduce="spectrum"``: -log(c/s) of the generalised singular values of J_X and J_Y;
    - ``reduce="eigen"`` (p = q): -log of the eigenvalues of J_X v = lambda J_Y v, complex.

    Along no direction in particular, all entries of n move, or all of a part. "eigen" is free of
    the coordinates of both n and m, "volume" of m's for q <= p and of n's for q >= p, "along" of
    n's. Where p and q differ nothing is free of all coordinates. Singular values below the rounding
    of the largest count as 0; ``attrs["below_rounding"]`` says how many there were, and the
    coordinate ``rounding`` how far (nats, to first order) rounding may have moved the others.

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
    if not is_option(branch, _BRANCHES):
        raise QueryError(f'branch is {shown(branch)}: write branch="real" or branch="complex".')
    asked = question_of(
        *(of, A, n, m), steps=steps, over=over, draws=draws, delta=delta, keep=keep, along=along,
        read=read,
    )  # fmt: skip
    if is_of_arrays(asked):
        whole = ArrayQuestion(asked, reduce, metric, covariance, probes)
        return whole.answer(_BRANCHES[branch], backend, on_failure)
    if any(option is not None for option in (along, read, reduce, metric, covariance, probes)):
        raise QueryError(
            "along, read, reduce, metric, covariance and probes are for arrays, and n and m are "
            "numbers: leave them out."
        )
    return answer(asked, _BRANCHES[branch], backend, on_failure)
