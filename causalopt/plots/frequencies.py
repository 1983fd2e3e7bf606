"""Frequencies: Comp of a swinging nudge as control draws it, by Bode and by Nyquist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.ground import palette
from causalopt.ground.errors import QueryError
from causalopt.plots.figures import Panels, panels_of
from causalopt.plots.given import as_dataset
from causalopt.plots.labels import add_legend, axis_label

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from causalopt.ground.types import Complexes, Floats

# Where the loop returns a nudge as it is, with the other sign.
_CRITICAL, _CRITICAL_NAME = -1.0, "−1"


def bode(data: xr.Dataset, axes: Panels, *, label: str | None = None, **style: Any) -> Panels:
    """Op = -log|Comp| in nats and the phase of Comp in degrees, over frequency on a log scale.

    ``data`` is what ``sensitivity`` gives, ``axes`` are two panels. Above the line at 0 a nudge is
    pressed down, below it A makes it larger. The phase goes on without jumps of a whole turn.
    Frequencies from 0 down have no place on the scale, and values that are infinite leave a gap.

    >>> import numpy as np
    >>> from causalopt import System, plots, sensitivity, variables
    >>> T, R = variables("T R")
    >>> room = System({T: R, R: 0.5 * R - 0.25 * T.next}, start={T: 0, R: 0})
    >>> with plots.figure(2, sharex=True) as (_, axes):
    ...     size, phase = bode(sensitivity(room, A=T, n=R, m=R), axes)
    ...     size.get_xscale(), size.get_ylabel(), phase.get_ylabel()
    ('log', 'Op [nat]', 'phase of Comp [°]')
    """
    flat = panels_of(axes)
    if len(flat) != 2:
        raise QueryError(
            f"There are {len(flat)} axes: give two, for size and phase, such as those of "
            "plots.figure(2, sharex=True)."
        )
    frequencies, comp = _by_frequency(data)
    above = frequencies > 0
    if not above.any():
        raise QueryError("No frequency is above 0: on a log scale there is nothing to draw.")
    frequencies, comp = frequencies[above], comp[above]
    with np.errstate(divide="ignore", invalid="ignore"):
        op = -np.log(np.abs(comp))
    size, phase = flat
    size.plot(frequencies, np.where(np.isfinite(op), op, np.nan), label=label, **style)
    phase.plot(frequencies, np.degrees(_unwound(comp)), label=label, **style)
    for ax in flat:
        ax.axhline(0.0, color=palette.GREY, lw=0.8, ls="-")
        ax.set_xscale("log")
    size.set_ylabel("Op [nat]")
    phase.set(ylabel="phase of Comp [°]", xlabel=axis_label(data["frequency"], "frequency"))
    add_legend(size)
    return axes


def nyquist(
    data: xr.Dataset, ax: Axes, *, reach: float = 2.5, label: str | None = None, **style: Any
) -> Axes:
    """What a unit becomes on its way around the loop, L = 1/Comp - 1, in the complex plane.

    ``data`` is what ``sensitivity`` gives. An arrow points to higher frequencies; a thin line has
    those below 0. At the point -1, marked, the loop would swing for good. Op is the log of the
    distance from there: on the circle of radius 1 around it Op is 0, and inside A makes a nudge
    larger. ``reach`` is how far from 0 the picture goes, for L of an integral has no end.

    >>> import numpy as np
    >>> from causalopt import System, plots, sensitivity, variables
    >>> T, R = variables("T R")
    >>> room = System({T: R, R: 0.5 * R - 0.25 * T.next}, start={T: 0, R: 0})
    >>> with plots.figure() as (_, ax):
    ...     line = nyquist(sensitivity(room, A=T, n=R, m=R, at=[0.0, 1.0]), ax).lines[0]
    ...     line.get_xdata().round(4), line.get_ydata().round(4)
    (array([0.5   , 0.0142]), array([ 0.    , -0.2964]))
    """
    if not reach > 0:
        raise QueryError(f"reach is {reach!r}: write how far from 0 to draw, such as reach=3.")
    _, comp = _by_frequency(data)
    with np.errstate(divide="ignore", invalid="ignore"):
        loop = 1.0 / comp - 1.0
    loop = np.where(np.isfinite(loop), loop, np.nan)
    (line,) = ax.plot(loop.real, loop.imag, label=label, **style)
    ax.plot(loop.real, -loop.imag, color=line.get_color(), ls="-", lw=0.5)
    _point_onward(loop, reach, ax, str(line.get_color()))
    # Of several lines on the same axes, the first one brings it.
    if _CRITICAL_NAME not in ax.get_legend_handles_labels()[1]:
        _critical_point(ax)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.set(xlabel="real part of L", ylabel="imaginary part of L")
    return add_legend(ax)


def _by_frequency(data: xr.Dataset) -> tuple[Floats, Complexes]:
    """Frequencies in increasing order, and Comp at each."""
    as_dataset(data, "data", ["comp"], "sensitivity()")
    if tuple(data["comp"].dims) != ("frequency",):
        raise QueryError(
            f"Comp has dims {tuple(data['comp'].dims)}, and a line of frequencies is drawn: pass "
            "what sensitivity() gave, and choose with .sel() until only frequency is left."
        )
    ordered = data.sortby("frequency")
    return ordered["frequency"].values, ordered["comp"].values.astype(np.complex128)


def _unwound(comp: Complexes) -> Floats:
    """The phase in radians without jumps of a turn; NaN where there is none."""
    phase = np.where(np.isfinite(comp) & (comp != 0), np.angle(comp), np.nan)
    there = np.isfinite(phase)
    phase[there] = np.unwrap(phase[there])
    return phase


def _point_onward(loop: Complexes, reach: float, ax: Axes, colour: str) -> None:
    """An arrow halfway along what is in sight, towards higher frequencies."""
    seen = np.flatnonzero((np.abs(loop) <= reach)[:-1] & np.isfinite(np.diff(loop)))
    if not seen.size:
        return
    travelled = np.cumsum(np.abs(np.diff(loop))[seen])
    place = seen[np.searchsorted(travelled, travelled[-1] / 2)]
    tail, head = ((float(loop[i].real), float(loop[i].imag)) for i in (place, place + 1))
    look = {"arrowstyle": "-|>", "color": colour, "mutation_scale": 14}
    ax.annotate("", xy=head, xytext=tail, arrowprops=look)


def _critical_point(ax: Axes) -> None:
    """The point -1, and the circle around it where Op is 0."""
    turn = np.linspace(0.0, 2.0 * np.pi, 181)
    circle = _CRITICAL + np.exp(1j * turn)
    ax.plot(circle.real, circle.imag, color=palette.GREY, ls=":", lw=1.2, label="Op = 0")
    ax.plot(
        [_CRITICAL], [0.0], "+", color=palette.RED, ms=10, mew=2, ls="none", label=_CRITICAL_NAME
    )
