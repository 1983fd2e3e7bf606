"""The screenshots of the docs are of the pages as they are; ``make figures`` makes them anew."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from causalopt.explorer.exporting import exported, write
from causalopt.study import load_model

IMAGES = Path(__file__).parents[2] / "docs" / "images"
# Letters of other machines are other letters: what is compared is where there is something at all,
# in so many columns, and of how much of it the place may differ. A page in a typewriter's letters
# differs by a fifth, one of another model by two thirds.
COLUMNS, ELSEWHERE = 24, 0.4


def ink(path):
    """How dark each place of a picture is, in squares."""
    with Image.open(path) as image:
        rows = round(COLUMNS * image.height / image.width)
        small = image.convert("L").resize((COLUMNS, rows), Image.Resampling.BOX)
        return 255.0 - np.asarray(small, dtype=float)


def share_elsewhere(made, kept):
    """Which part of the ink of a picture is not where it is in the one that is kept."""
    rows = min(len(made), len(kept))
    return abs(made[:rows] - kept[:rows]).sum() / kept[:rows].sum()


def pictured(page, path):
    """A picture of all of a page, without the mark of what has the focus."""
    page.page.evaluate("document.activeElement.blur()")
    page.page.screenshot(path=path, full_page=True)
    return ink(path)


@pytest.fixture
def compare(request, tmp_path):
    """Compares a page with the picture of a name, or writes that anew where it is asked for."""

    def compare(page, name):
        if request.config.getoption("--figures"):
            pictured(page, IMAGES / name)
        made, kept = pictured(page, tmp_path / name), ink(IMAGES / name)
        # Lines in the letters of another machine break elsewhere.
        assert len(made) == pytest.approx(len(kept), rel=0.1)
        assert share_elsewhere(made, kept) < ELSEWHERE

    return compare


def test_the_page(seen, thermostat_link, compare):
    compare(seen(thermostat_link), "explorer.png")


@pytest.fixture
def file_page(tmp_path):
    """Writes the page of a model into a file, and gives its address."""

    def written(name, *along):
        write(exported(load_model(name), name, along), tmp_path / f"{name}.html")
        return (tmp_path / f"{name}.html").as_uri()

    return written


def test_the_page_as_a_file(seen, file_page, compare):
    page = seen(file_page("continuous_thermostat", "k=0:0.02:5", "R=20:50:3"))
    compare(page, "explorer_file.png")


def test_a_picture_in_other_letters_is_the_same_and_one_of_something_else_is_not(
    seen, file_page, tmp_path
):
    kept = ink(IMAGES / "explorer_file.png")
    page = seen(file_page("continuous_thermostat", "k=0:0.02:5", "R=20:50:3"))
    page.page.evaluate("document.body.style.fontFamily = 'monospace'")
    letters = share_elsewhere(pictured(page, tmp_path / "letters.png"), kept)
    other = seen(file_page("divided_network", "b2=0:1:2"))
    elsewhere = share_elsewhere(pictured(other, tmp_path / "other.png"), kept)
    assert 0 < letters < ELSEWHERE < elsewhere
