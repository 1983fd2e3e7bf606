"""One palette: pictures take their colours by name, and lines cycle through them."""

import re
from pathlib import Path

from matplotlib.colors import to_hex

import causalopt
from causalopt import plots

ROOMS = [Path(causalopt.__file__).parent / room for room in ("drawing", "plots")]


def test_no_colour_is_written_out_beside_the_palette():
    for room in ROOMS:
        for path in room.rglob("*.py"):
            assert not re.findall(r"#[0-9a-fA-F]{6}", path.read_text()), path


def test_lines_take_the_colours_in_their_order():
    with plots.figure() as (_, ax):
        for height in range(6):
            ax.plot([0, 1], [height, height])
        assert [to_hex(line.get_color()) for line in ax.lines] == list(plots.palette.CYCLE)
