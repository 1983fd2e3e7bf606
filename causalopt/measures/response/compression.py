"""Comp: how much of a difference is left because A answers to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from causalopt.ground.scaled import RatioForm
from causalopt.ground.types import Floats
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


def _as_they_are(values: Floats) -> Floats:
    return values


_TOLD = InForm(RatioForm.FLOAT, _as_they_are)

#: Comp: 1 where A does nothing.
COMP = Measure("comp", "Comp", "1", 1.0, _TOLD, _TOLD)


def comp(
    of: Model | World[Model],
    A: Nodes,
    n: Nodes,
    m: Nodes,
    *,
    steps: int | None = None,
    delta: float | None = None,
    over: Over | None = None,
    draws: Draws | None = None,
    keep: Keep = "all",
    along: object = None,
    read: object = None,
    backend: str = "auto",
    on_failure: OnFailure = "raise",
) -> xr.DataArray:
    """The compression of m by A, with its sign (no unit).

    Comp(A; n, m) = (dx_m / dn) / (dy_m / dn), where X is the world with n nudged, and Y the same
    with A held at its values in W. Below 1 in size, A shrinks the difference at m; above 1, A
    amplifies it; negative, the two worlds moved to opposite sides.

    Parameters: ``of`` a System, a Network, or a World (then measured around that world). ``A`` a
    set of nodes (``T``, ``a[:1000]``, ``[a, b[5]]``); ``n`` one node, ``R[0]``; ``m`` a variable
    over time (``R``), some of its steps (``R[10:]``) or one node (``R[1000]``). ``steps`` the
    length of the run, which a node m makes needless. ``delta`` a finite difference at n, in n's
    unit; without it, exact derivatives. ``over`` values for start nodes, other nodes and
    parameters, all run at once; or a list of points, as the dim ``point``. ``draws`` a number of
    chains of the model's noise, or a range of them, as the dim ``draw``: take its ``mean("draw")``
    or ``quantile(..., "draw")``. ``keep`` the steps of m that are kept: "all", "last" or every
    k-th. ``along`` the direction of the difference, of n's shape, where n holds an array; several,
    (k, *shape), give each a number, as the dim ``direction``. ``read`` the u of the number u.m that
    is asked about, where m holds an array; without it, the length of m's difference. ``backend``
    who computes: "numpy" the reference, "numba" compiled, "jax" with arrays too, "auto" by what is
    asked. ``on_failure`` what becomes of a sweep some of whose runs leave the finite real numbers:
    "raise" the first error, or "mask": NaN there, the others as they are, and a coordinate
    ``failed`` that says where, with the ``count`` of these points and the ``reason`` at the first.

    Returns an array with dims ``time`` (where m is over time) and one per swept target. 0/0, where
    m is not downstream of n, is NaN; x/0 is infinite; ``attrs`` counts both.

    Raises ``QueryError`` where n or m lies in A, a node does not exist or steps is missing, and
    ``EvaluationError`` where a node leaves the finite real numbers.

    Source: "Defining Optimization in a Deeper Way", part 4.

    >>> from causalopt.language.symbols import parameters, variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> k, d = parameters("k d")
    >>> thermostat = System(
    ...     {T: R - d, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 0.01, d: 25}
    ... )
    >>> comp(thermostat, A=T, n=R[0], m=R, steps=3).values.round(4)
    array([1.  , 1.  , 0.99, 0.98])
    """
    asked = question_of(
        *(of, A, n, m), steps=steps, over=over, draws=draws, delta=delta, keep=keep, along=along,
        read=read,
    )  # fmt: skip
    if is_of_arrays(asked):
        return ArrayQuestion(asked).answer(COMP, backend, on_failure)
    return answer(asked, COMP, backend, on_failure)
