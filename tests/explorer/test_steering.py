"""Shares and the ranking on the page are those of the package; a move never waits for them."""

import numpy as np
import pytest

from causalopt import System, variables
from causalopt.discovery import find_optimizers, steering_shares
from causalopt.explorer.serving import Subject, served
from causalopt.ground import palette
from causalopt.study import Study, load_model
from tests.explorer.conftest import exploring


@pytest.fixture(scope="module")
def subject():
    return Subject.of(load_model("find_the_thermostat"), "find_the_thermostat")


def told(subject, what, address=""):
    return served(subject, {"do": what, "address": address})


def test_the_shares_are_those_of_the_package(subject):
    found = told(subject, "shares", "p.k=0.02&steps=300")
    model = subject.model
    named = {str(parameter): parameter for parameter in model.parameters}
    moved = model.with_parameters({named["k"]: 0.02})
    expected = steering_shares(moved, model.find("R"), steps=300)
    shares = {row["variable"]: row["share"] for row in found["rows"]}
    assert shares == dict(zip(expected["variable"].values, expected.share.values, strict=True))
    assert found["total"] == expected.total.item()
    assert sorted(shares.values(), reverse=True) == [row["share"] for row in found["rows"]]


def test_the_strokes_are_those_of_the_printed_pictures(subject):
    strokes = told(subject, "shares")["strokes"]
    assert strokes["nodes"]["T"] == {"width": 7.0, "colour": palette.BLUE, "dashed": False}
    against = strokes["nodes"]["amplifier"]
    assert against["colour"] == palette.ORANGE
    assert against["dashed"]
    # A tenth of the largest: between the least width, 0.8, and the widest, 7.
    assert against["width"] == pytest.approx(0.8 + 0.1 * 6.2, abs=0.01)
    assert strokes["nodes"]["season"]["width"] == 0


def test_the_ranking_is_that_of_the_package(subject):
    rows = told(subject, "ranking")["rows"]
    expected = find_optimizers(subject.model, steps=1000).data
    assert [row["m"] for row in rows] == expected["m"].values.tolist()
    assert [", ".join(row["A"]) for row in rows] == expected["A"].values.tolist()
    for key in ("op2", "total", "chance", "authority", "back"):
        assert [row[key] for row in rows] == expected[key].values.tolist()


def test_what_nobody_regulates_is_told_by_a_dash():
    R, amp = variables("R amp")
    against = System({R: R / 2 + amp / 10, amp: R}, start={R: 1, amp: 1})
    study = Study(name="against", title="t", source="s", system=against)
    rows = told(Subject.of(study, "against"), "ranking")["rows"]
    assert [(row["A"], row["authority"], row["back"]) for row in rows] == [([], None, None)] * 2


@pytest.mark.parametrize("name", ["dumb_thermostat", "divided_network"])
def test_what_has_no_shares_has_no_button(name):
    assert not told(Subject.of(load_model(name), name), "facts")["steering"]


def test_who_steers_is_found_by_a_click_and_seen_in_the_graph(seen, hidden_link):
    page = seen(hidden_link)
    page.page.click("text=Find the optimizer")
    page.page.wait_for_selector(".bar")
    outline = '.canvas .node[data-name="T"] rect'
    width = "e => getComputedStyle(e).strokeWidth"
    assert page.page.eval_on_selector(outline, width) == "7px"
    first = page.page.locator("#panel-steering tbody tr").first.inner_text().split()
    assert first == ["T", "1.93229"]
    # What does not depend on the shares leaves them as they are; what they depend on does not.
    page.page.click('.canvas .node[data-name="weather"]')
    page.settled("n=weather")
    assert page.page.eval_on_selector(outline, width) == "7px"
    page.page.fill('input[type="number"][data-key="p.k"]', "0.02")
    page.settled("p.k=0.02")
    assert page.page.eval_on_selector(outline, width) != "7px"
    assert "anew" in page.page.inner_text("#panel-steering")


@pytest.mark.long
def test_a_row_of_the_ranking_becomes_the_question_by_keyboard(seen, hidden_link):
    page = seen(hidden_link, width=400, height=800)
    page.page.focus("text=Rank all variables")
    page.page.keyboard.press("Enter")
    page.page.focus('button[aria-label="Ask how R steers T"]')
    page.page.keyboard.press("Enter")
    page.settled("m=T")
    # T keeps nothing of its own: whatever reaches it later comes by way of R.
    assert page.page.inner_text("#sentence").startswith("R carries what happens to T")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 400


def test_a_move_does_not_wait_for_a_ranking_which_can_be_stopped(seen):
    with exploring("lorenz") as (_, link):
        page = seen(f"{link}#steps=10000&p.sigma=9")
        page.settled("p.sigma=9")
        page.page.click("text=Rank all variables")
        page.page.fill('input[type="number"][data-key="p.sigma"]', "9.5")
        page.settled("p.sigma=9.5")
        status = page.page.locator("#panel-steering [role=status]").nth(1)
        assert status.inner_text() == "Being computed …"
        assert np.isfinite(float(page.op))
        page.page.click("#panel-steering button:has-text('Stop'):visible")
        page.page.wait_for_function(
            "e => e.textContent === 'Stopped.'", arg=status.element_handle()
        )
        page.page.fill('input[type="number"][data-key="steps"]', "200")
        page.page.keyboard.press("Tab")
        page.settled("steps=200")
        page.page.click("text=Rank all variables")
        page.page.wait_for_selector("#panel-steering table")
        page.close()
