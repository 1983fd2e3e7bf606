"""Letters in pictures: found in the fonts of a machine, or told."""

import warnings

import pytest

from causalopt import System, draw, plots, variable
from causalopt.ground import fonts

HEAT = variable("温度")
SYSTEM = System({HEAT: HEAT / 2}, start={HEAT: 1})


@pytest.fixture
def machine(monkeypatch):
    """A machine whose fonts, but one, have no letters that are not usual."""
    monkeypatch.setattr(fonts, "_letters_of", lambda path: has if "Mono" in path else frozenset())
    has = set()
    fonts._family_of.cache_clear()
    yield has
    fonts._family_of.cache_clear()


def paint():
    with plots.figure() as (picture, ax):
        ax.set_title("温度")
        ax.set_xlabel("θ, ö, R")
    return picture.axes[0].title


PICTURES = [paint, lambda: draw(SYSTEM).render("png"), lambda: draw(SYSTEM).render("pdf")]


@pytest.mark.parametrize("make", PICTURES)
def test_letters_without_a_font_are_told(machine, make):
    with pytest.warns(RuntimeWarning, match="No font of this machine has the letters 度, 温"):
        make()


@pytest.mark.parametrize("make", PICTURES)
def test_a_font_that_has_them_is_used(machine, make):
    machine |= {ord(letter) for letter in "温度"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        title = make()
    if make is paint:
        assert any("Mono" in family for family in title.get_fontfamily())


def test_svg_and_usual_letters_need_no_look(machine):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "温度" in draw(SYSTEM).render("svg").decode()
        assert fonts.fonts_for(["R[0] → θ² ö ∞", ""]) == []
