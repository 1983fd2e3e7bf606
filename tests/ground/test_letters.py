"""Letters that turn a line around, or have no width, are signs wherever names enter HTML."""

import unicodedata

import pytest

from causalopt import System, finite, variable
from causalopt.distributions import Distribution
from causalopt.explorer.joining import one_file
from causalopt.ground.letters import visible
from causalopt.study.notebook import system_html
from causalopt.study.pages import introduction, mathematics, page

NAME = "a\u202eb\u2066\u200b\u00ad\u200e\ufeff"


@pytest.mark.parametrize("letter", NAME.replace("a", "").replace("b", ""))
def test_what_cannot_be_seen_is_a_sign(letter):
    assert unicodedata.category(letter) == "Cf"
    assert visible(f"a{letter}b") == "a\ufffdb"


@pytest.mark.parametrize(
    "text", ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "é", "日本", "\u0601"]
)
def test_what_scripts_are_written_with_stays(text):
    assert visible(text) == text


def pages():
    odd = variable(NAME)
    law = Distribution.uniform(finite(NAME, [NAME, "other"]))
    yield page(NAME, ["<p>b</p>"])
    yield introduction(NAME, [NAME])
    yield mathematics(rf"\text{{{NAME}}}", "inline")
    yield one_file(NAME, {"name": NAME})
    yield law._repr_html_()
    yield system_html(System({odd: odd / 2}, start={odd: 1}))


@pytest.mark.parametrize("shown", list(pages()))
def test_no_page_turns_a_name_around(shown):
    assert not set(NAME).difference("ab").intersection(shown)
