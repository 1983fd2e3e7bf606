"""The colours of every picture: Okabe and Ito's, which colour-blind readers tell apart."""

from __future__ import annotations

#: Text, and the first line of a plot.
INK = "#222222"
#: What differs from W: the world X.
RED = "#d55e00"
#: What differs from X: the world Y; and what is optimized.
GREEN = "#009e73"
#: Noise, bands and markers beside a line.
BLUE = "#0072b2"
#: A fifth line.
PINK = "#cc79a7"
#: A sixth line, and what is out of the ordinary.
ORANGE = "#e69f00"
#: The order in which the lines of a plot take their colours.
CYCLE = (INK, RED, GREEN, BLUE, PINK, ORANGE)

#: Grounds of the same hues, on which text in ink stays legible.
PALE_RED, PALE_GREEN, PALE_BLUE, PALE_ORANGE = "#fbe3d4", "#d3efe6", "#e3f0f8", "#fdf3dd"

#: Black and white as Graphviz, matplotlib and HTML all read them.
BLACK, WHITE = "#000000", "#ffffff"


def grey(level: int) -> str:
    """A grey by its level, from 0, black, to 255, white.

    >>> grey(0x99)
    '#999999'
    """
    return f"#{level:02x}{level:02x}{level:02x}"


#: Lines to compare with, such as the one where a measure is neutral.
GREY = grey(0x99)
#: Text beside the data.
DIM = grey(0x66)
