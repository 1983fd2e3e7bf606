"""Comp and Op as functions of frequency: sensitivity, and how much of it is moved elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from causalopt.ground.errors import QueryError
from causalopt.ground.types import Complexes, Floats
from causalopt.language.symbols import Nodes
from causalopt.linearisation.still import Still, frequencies_of, still_world
from causalopt.linearisation.world import Linear, linearised
from causalopt.measures.question import nodes_as_text
from causalopt.model.interface import Model
from causalopt.model.world import World

if TYPE_CHECKING:
    import xarray as xr


def sensitivity(
    of: Model | World[Model],
    A: Nodes,
    n: Nodes,
    m: Nodes,
    *,
    at: npt.ArrayLike | None = None,
    period: int = 1,
) -> xr.Dataset:
    """Comp(A; n, m) and Op(A; n, m) of a lasting, swinging nudge, at each frequency.

    A linear system, or one at a fixed point, answers to a nudge u e^(i w t) at n by swinging with
    it. With x and y what it becomes at m, free and with A held,

        comp(w) = x(w) / y(w),    op(w) = -log |comp(w)|  [nats].

    For a loop through A alone that is the sensitivity function of control, 1 / (1 + L(w)), with L
    what a unit becomes on its way around (Bode 1945); ``plots.bode`` and ``plots.nyquist`` draw
    both. In time, Comp is another thing: of a pulse it is that of a running sum, and of a sustained
    nudge it settles at comp(0). Where a mode grows once A is held (a loop that keeps something from
    falling), y is what the formula says, as control has it, though no nudge is seen to settle at
    it: ``attrs["held_grows"]`` is 1 then.

    ``n`` and ``m`` are variables, ``A`` one or several. ``at`` are frequencies, in radians per unit
    of time (radians per step where time counts steps); 256 of them, from well below the slowest
    mode to pi/dt, evenly by logarithm, where it is left out. Returns a dataset with ``comp``
    (complex) and ``op`` along ``frequency``. On a cycle of ``period`` steps, where the world
    starts, the nudge comes once a round, and the answer is told then.

    Raises ``QueryError`` where a mode grows, where values move along the run (``fixed_point`` gives
    a start where they do not), where n or m lies in A, and for a network, which has no time.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> room = System({T: R, R: 0.5 * R - 0.25 * T.next}, start={T: 0, R: 0})
    >>> found = sensitivity(room, A=T, n=R, m=R, at=[0.0, np.pi])
    >>> found.comp.values.real.round(4)  # 1 / (1 + L): at rest, 1/(1 + 0.25/0.5)
    array([0.6667, 1.2   ])
    """
    import xarray as xr

    still = still_world(of, period)
    held = _members(still.linear, A)
    (source,) = _members(still.linear, n, "n")
    (sink,) = _members(still.linear, m, "m")
    for place, name in ((source, "n"), (sink, "m")):
        if place in held:
            raise QueryError(
                f"{name} lies in A = {nodes_as_text(A)}: what is held shows no differences. Choose "
                f"{name} outside A."
            )
    # What lies on no path from n to m has no say.
    still = still.only(still.linear.between(source, sink))
    still.check_stable()
    frequencies = frequencies_of(at, still)
    free = _transfer(still, source, sink, frequencies, [])
    kept = _transfer(still, source, sink, frequencies, held)
    comp = compared(free, kept)
    if not _goes_through(still.linear, source, sink, held):
        # No path goes through A: what is left is rounding.
        comp = np.where(np.isnan(comp), comp, 1.0)
    with np.errstate(divide="ignore"):
        op = 0.0 - np.log(np.abs(comp))
    asked = {"A": nodes_as_text(A), "n": nodes_as_text(n), "m": nodes_as_text(m)}
    attrs = {**asked, "held_grows": int(still.growth(held) > 0.0)}
    columns = {
        "comp": (["frequency"], comp, {"long_name": "Comp", "symbol": "Comp", "neutral": 1.0}),
        "op": (["frequency"], op, {"long_name": "Op", "units": "nat", "neutral": 0.0}),
    }
    return xr.Dataset(columns, {"frequency": frequencies}, attrs)


def waterbed(of: Model | World[Model], A: Nodes, m: Nodes) -> xr.DataArray:
    """The mean of Op(A; m, m) over all frequencies, in nats: what regulation costs elsewhere.

    Of a nudge at m itself, with B all that is not in A, and G(.) the sum of log+ |mode| over the
    modes of what is left free,

        mean over w of Op(A; m, m)(w) = G(all) + G(B without m) - G(all without m) - G(B).

    So it is 0 where all of these are stable: what is pressed down at some frequencies comes up at
    others (Bode's integral, of a discrete loop without any condition on its delays). It follows
    from Jensen's formula for det N(z) on the unit circle. ``attrs`` has the four terms.

    Raises ``QueryError`` as ``sensitivity`` does, but for growing modes, which it counts.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> waterbed(System({T: R, R: R - 0.01 * T}, start={T: 0, R: 0}), T, R).item()
    0.0
    """
    import xarray as xr

    still = still_world(of)
    held = _members(still.linear, A)
    (own,) = _members(still.linear, m, "m")
    if own in held:
        raise QueryError(
            f"m = {nodes_as_text(m)} lies in A = {nodes_as_text(A)}: what is held shows no "
            "differences. Choose m outside A."
        )
    growths = {
        "all": still.growth(),
        "all_without_m": still.growth([own]),
        "B": still.growth(held),
        "B_without_m": still.growth([*held, own]),
    }
    mean = growths["all"] + growths["B_without_m"] - growths["all_without_m"] - growths["B"]
    attrs = {"long_name": "mean of Op over frequency", "units": "nat", "neutral": 0.0}
    named = {"A": nodes_as_text(A), "m": nodes_as_text(m)}
    return xr.DataArray(mean, name="waterbed", attrs={**attrs, **named, **growths})


def compared(x: Complexes, y: Complexes) -> Complexes:
    """x / y: NaN where both are 0, infinite without a phase where y alone is, 0 where y is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(np.isinf(y), 0.0, x / y)
    ratio = np.where((y == 0) & (x != 0), complex(np.inf, 0.0), ratio)
    return np.where((y == 0) & (x == 0), complex(np.nan, np.nan), ratio)


def _goes_through(linear: Linear, source: int, sink: int, held: list[int]) -> bool:
    """Whether some path goes through A."""
    return any(linear.reaches(source, a) and linear.reaches(a, sink) for a in held)


def _members(linear: Linear, nodes: Nodes, single: str = "") -> list[int]:
    """The members that a user names whole; one, where it is asked for as ``single``."""
    world = linear.world
    stretches = world.model.select(nodes, world.steps)
    places = list(dict.fromkeys(linear.place_of(stretch.key) for stretch in stretches))
    part = linearised(world).named_in_part(stretches)
    if part is not None:
        raise QueryError(
            f"{nodes_as_text(nodes)} is a part of a variable, and a frequency goes on for good: "
            f"name variables whole, such as {part}."
        )
    if single and len(places) != 1:
        raise QueryError(
            f"{single} = {nodes_as_text(nodes)} names {len(places)} variables: name one."
        )
    return places


def _transfer(
    still: Still, source: int, sink: int, frequencies: Floats, held: list[int]
) -> Complexes:
    """What a unit at the source becomes at the sink, at each frequency.

    0 where no path leads there; infinite where a mode stands still once A is held.
    """
    z = still.z_at(frequencies)
    if not still.linear.reaches(source, sink, held):
        return np.zeros(len(z), dtype=np.complex128)
    begin, end = still.ends_of([source, sink])
    answers = np.empty(len(z), dtype=np.complex128)
    for place, point in enumerate(z):
        try:
            answers[place] = still.response(point, held)[end, begin]
        except QueryError:
            if not held:
                raise
            answers[place] = np.inf
    return answers
