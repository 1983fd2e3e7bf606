"""What stands beside the data: names with units, legends, the neutral value of a measure."""

from __future__ import annotations

import re
from collections.abc import Hashable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground import palette
from causalopt.ground.letters import visible

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

# What names a node by its time, as users write it.
_MOMENT = re.compile(r"(?P<variable>.+)\.at\((?P<time>-?\d[\w.+-]*)\)", re.DOTALL)
#: Pictures of control characters are in no font of matplotlib's own: what is drawn in their place.
DRAWN = dict.fromkeys(range(0x2400, 0x2422), "\ufffd")
# A mass is written as a fraction where one with a denominator up to this is the mass itself.
_LARGEST_DENOMINATOR = 36


def axis_label(array: xr.DataArray, name: str) -> str:
    """A name with its unit: ``time [steps]``, ``Op [nat]``."""
    unit = str(array.attrs.get("units", ""))
    title = in_words(str(array.attrs.get("long_name", name)))
    return f"{title} [{tick_label(unit)}]" if unit not in ("", "1") else title


def in_words(name: str) -> str:
    r"""A name as a reader says it, who writes no code: the dim of what is swept, say.

    >>> in_words("R.at(10.0)"), in_words("R[0]"), in_words("k")
    ('R at 10', 'R[0]', 'k')
    """
    if moment := _MOMENT.fullmatch(name):
        name = f"{moment['variable']} at {float(moment['time']):g}"
    return tick_label(name)


def value_label(dim: Hashable, value: object) -> str:
    """The line of one value of a dim, for a legend: a world by its letter, ``k = 0.01``."""
    if dim == "world":
        return tick_label(value)
    name = in_words(str(dim))
    if isinstance(value, float | np.floating):
        return f"{name} = {value:g}"
    return f"{name} = {tick_label(value)}"


def tick_label(value: object) -> str:
    r"""A value as plain text: matplotlib would read a dollar sign as the start of mathematics.

    >>> print(tick_label("5 $"))
    5 \$
    """
    return visible(str(value)).translate(DRAWN).replace("$", r"\$")


def fraction(mass: float) -> str:
    """A mass as a simple fraction, where it is one, else by two digits.

    >>> fraction(1 / 3), fraction(0.123)
    ('1/3', '0.12')
    """
    if not np.isfinite(mass):
        return f"{mass:g}"
    simple = Fraction(float(mass)).limit_denominator(_LARGEST_DENOMINATOR)
    return str(simple) if abs(float(simple) - mass) < 1e-12 else f"{mass:.2g}"


def neutral_value(array: xr.DataArray) -> float:
    """The value of a measure where A does nothing: 1 for Comp, 0 for Op.

    A measure says its own in ``attrs["neutral"]``; where nothing is said it is 0.
    """
    if "neutral" in array.attrs:
        return float(array.attrs["neutral"])
    # For arrays of before measures said it themselves: goes as soon as all of them do.
    return 1.0 if array.name == "comp" else 0.0


def add_legend(ax: Axes) -> Axes:
    """A legend, where anything on the axes has a label."""
    if ax.get_legend_handles_labels()[1]:
        # On shades the text needs a ground of its own.
        ax.legend(frameon=True, framealpha=0.9, facecolor=palette.WHITE, edgecolor="none")
    return ax
