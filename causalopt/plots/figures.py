"""Figures in the house's style: its palette, and dashes for those who print without colours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from causalopt.ground import palette
from causalopt.ground.fonts import fonts_for
from causalopt.ground.letters import visible_lines
from causalopt.plots.labels import DRAWN

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: The axes of one panel, or an array of those of several.
Panels = TypeVar("Panels", bound="Axes | npt.NDArray[np.object_]")

_STYLE = Path(__file__).with_name("causalopt.mplstyle")
# One for each colour: two lines that look alike in grey have other dashes.
_DASHES = ("-", "--", "-.", "-", "--", "-.")


@contextlib.contextmanager
def figure(rows: int = 1, columns: int = 1, **options: Any) -> Iterator[tuple[Figure, Any]]:
    """A figure in the house's style and its axes; it is not shown on any screen.

    ``options`` are ``figsize`` in inches, and those of matplotlib's ``Figure.subplots``.

    >>> with figure(2, sharex=True) as (picture, axes):
    ...     len(axes)
    2
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.rcsetup import cycler

    lines = cycler(color=palette.CYCLE, linestyle=_DASHES)
    with mpl.rc_context({"axes.prop_cycle": lines}, fname=_STYLE):
        size = options.pop("figsize", (6.4 * columns**0.5, 3.4 * rows**0.8))
        picture = Figure(figsize=size, layout="constrained")
        yield picture, picture.subplots(rows, columns, **options)
        _use_fonts_with_its_letters(picture)


def _use_fonts_with_its_letters(picture: Figure) -> None:
    """Let matplotlib look for letters beyond its own font where this machine has them.

    What no font has, as control characters, is drawn as a sign.
    """
    from matplotlib.text import Text

    texts = [text for text in picture.findobj(Text) if isinstance(text, Text)]
    for text in texts:
        drawn = visible_lines(text.get_text()).translate(DRAWN)
        if drawn != text.get_text():
            text.set_text(drawn)
    families = fonts_for(text.get_text() for text in texts)
    for text in texts if families else ():
        text.set_fontfamily([*text.get_fontfamily(), *families])


def panels_of(axes: Axes | npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """The axes of each panel in one row, whatever the shape that they came in.

    >>> with figure(2, 2) as (_, axes):
    ...     len(panels_of(axes))
    4
    """
    return np.asarray(axes, dtype=object).reshape(-1)
