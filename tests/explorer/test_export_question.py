"""A page in a file that asks another question than the opening one."""

import contextlib
import io

import pytest
from click.testing import CliRunner

from causalopt.__main__ import main
from causalopt.explorer.exporting import question_in
from causalopt.explorer.screen import Screen
from tests.explorer.test_browser import strength
from tests.explorer.test_export import recorded

OTHER = "n=T%5B0%5D&A=R&m=T&steps=50&p.d=20&p.k=0.02"


def test_the_question_of_the_live_page_is_asked_in_the_file(seen, tmp_path):
    """What the address bar holds is given as it is: its tabs are left out, what it moves stays."""
    path = tmp_path / "page.html"
    words = ["explore", "continuous_thermostat", "--export", str(path), "--along", "k=0:0.02:3"]
    address = f"http://127.0.0.1:8000/secret/#{OTHER}&tab=measures&along=p.k"
    assert CliRunner().invoke(main, [*words, "--question", address]).exit_code == 0
    page = seen(path.as_uri())
    assert page.op == strength(["R"], "T[0]", "T", steps=50, d=20, k=0.02)
    assert page.page.input_value('input[type="number"]') == "0.02"
    said = page.page.inner_text("#who")
    assert all(words in said for words in ("nudged: T[0]", "held in Y: R", "50 steps", "d = 20.0"))
    page.page.focus("#slider-p\\.k")
    page.page.keyboard.press("ArrowLeft")
    page.settled("p.k=0.01")
    assert page.op == strength(["R"], "T[0]", "T", steps=50, d=20, k=0.01)
    assert "tab=" not in page.page.url
    for point in recorded(path.read_text())["points"]:
        scope = {}
        with contextlib.redirect_stdout(io.StringIO()):
            exec(point["script"], scope)
        assert repr(scope["strength"].values[-1].item()) == point["verdict"]["value"]


def test_the_address_of_a_file_is_whole_and_that_of_the_live_page_is_kept(
    seen, thermostat, thermostat_link
):
    page = seen(thermostat.as_uri() + "#p.k=0.0136")
    page.settled("p.k=0.015")
    whole = page.page.url.partition("#")[2]
    assert question_in(whole) == Screen.of("n=R[0]&A=T&m=R&steps=1000&p.k=0.015")
    live = seen(f"{thermostat_link}#{whole}")
    live.settled("p.k=0.015")
    assert live.op == page.op
    again = seen(f"{thermostat.as_uri()}#{live.page.url.partition('#')[2]}")
    again.settled("p.k=0.015")
    assert "p.k=0.015" in again.page.url


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("n=Q", "Q is not a variable"),
        ("n=R[60]&steps=50", "lies after the last step, 50"),
        ("steps=none", "whole number"),
        ("p.kk=1", "Did you mean k?"),
        ("s.R=hot", "write a finite number"),
        ("what=1", "which no page asks"),
        ("n=T[0]&A=T&m=R", "n = T[0] lies inside A"),
        ("n=R[0]&A=T&m=T[5]", "m = T[5] lies inside A"),
        ("n=R&A=T&m=R", "n = R is not one node"),
        ("delta=0", "delta is 0"),
        ("draws=4", "this model has no noise"),
    ],
)
def test_a_question_that_cannot_be_is_told_and_nothing_is_written(tmp_path, question, told):
    path = tmp_path / "page.html"
    words = ["explore", "continuous_thermostat", "--export", str(path), "--question", question]
    result = CliRunner().invoke(main, [*words, "--along", "k"])
    assert result.exit_code
    assert told in " ".join(result.output.split())
    assert list(tmp_path.iterdir()) == []
