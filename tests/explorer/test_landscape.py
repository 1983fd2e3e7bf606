"""The landscape of the page is Op of the package, place by place; what is no axis is refused."""

import math

import numpy as np
import pytest
import xarray as xr

from causalopt import System, noise, normal, parameter, parameters, variables
from causalopt.discovery.basins import optimization_basins
from causalopt.explorer.landscape import MOST_PLACES
from causalopt.explorer.screen import Screen
from causalopt.explorer.serving import Subject, served
from causalopt.ground.errors import EvaluationError
from causalopt.measures.response.optimization import op
from causalopt.model.world import World
from causalopt.study import Study, load_model

QUESTION = "n=R[0]&A=T&m=R[50]&steps=100"


@pytest.fixture(scope="module")
def subject():
    return Subject.of(load_model("find_the_thermostat"), "find_the_thermostat")


def told(subject, over, places=3, address=QUESTION):
    asked = address + "".join(f"&along={key}" for key in over)
    return served(subject, {"do": "landscape", "address": asked, "places": places})


def alone(subject, address):
    """Op of one place, with its values in the model and without a sweep."""
    setting = subject.setting({"address": address})
    model = setting.model
    world = World(model, model.run_length(100))
    return op(world, A=model.find("T"), n=model.find("R[0]"), m=model.find("R[50]")).item()


def test_each_place_is_op_of_that_place(subject):
    found = told(subject, ["p.k", "s.R"])
    across, up = (axis["values"] for axis in found["axes"])
    assert across == pytest.approx([0.0, 0.01, 0.02])
    for i, start in enumerate(up):
        for j, k in enumerate(across):
            expected = alone(subject, f"{QUESTION}&p.k={k!r}&s.R={start!r}")
            assert found["values"][i][j] == pytest.approx(expected, rel=1e-12)


def test_rows_are_of_the_second_axis(subject):
    over, turned = told(subject, ["p.k", "p.d"]), told(subject, ["p.d", "p.k"])
    assert over["values"] == [list(row) for row in zip(*turned["values"], strict=True)]
    assert over["values"] != turned["values"]


def test_other_values_that_are_moved_count(subject):
    moved = told(subject, ["p.k"], address=f"{QUESTION}&p.d=0.2")
    k = moved["axes"][0]["values"][1]
    expected = alone(subject, f"{QUESTION}&p.d=0.2&p.k={k!r}")
    assert moved["values"][0][1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("over", "places", "words"),
    [
        ([], 3, "over one value, or over two"),
        (["p.k", "p.k"], 3, "over one value, or over two"),
        (["p.k", "p.d", "s.R"], 3, "over one value, or over two"),
        (["p.kk"], 3, "kk has no numbers that a landscape could go over"),
        (["p.k"], 34, "the number of places"),
        (["p.k"], None, "the number of places"),
    ],
)
def test_what_is_no_landscape_is_refused_in_words(subject, over, places, words):
    assert words in told(subject, over, places)["fault"]


@pytest.mark.parametrize("over", [["p.k"], ["p.k", "s.R"], ["s.T", "p.k"]])
def test_basins_are_outlined_where_the_package_finds_them(subject, over):
    found = told(subject, over, places=5)
    rows = np.array(found["values"])
    dims = {axis["key"]: axis["values"] for axis in found["axes"]}
    swept = xr.DataArray(rows.T if len(over) == 2 else rows[0], dims)
    number = optimization_basins(swept).number.values
    assert found["basins"] == np.atleast_2d(number.T).tolist()
    assert {0, 1} == set(number.ravel().tolist())  # without k nothing steers


@pytest.mark.parametrize(
    "address",
    [
        f"{QUESTION}&along=p.k",
        f"{QUESTION}&along=s.R&along=p.d&p.k=0.015&p.d=0.2",
        f"{QUESTION}&along=p.k&along=s.T&delta=0.5&s.T=12",
        "n=R[0]&A=T&m=R&steps=40&along=p.k&along=p.d",
    ],
)
def test_the_script_computes_the_landscape(subject, address):
    code = served(subject, {"do": "code", "address": address})["script"]
    made = {}
    exec(compile(code, "script", "exec"), made)
    found = served(subject, {"do": "landscape", "address": address, "places": MOST_PLACES})
    assert np.atleast_2d(made["landscape"].values.T).tolist() == found["values"]


def with_a_hole():
    """A thermostat that hears R through a wall of width c, and has no value where c is 0."""
    T, R = variables("T R")
    k, c = parameters("k c")
    rules = {T: (R - 25) / c, R: R - k * T}
    start = {T: 10, R: 35}
    room = System(rules, start=start, parameters={k: 0.1, c: 1})
    return Subject.of(Study(name="r", title="r", source="r", system=room), "r.py")


def test_places_that_leave_the_finite_numbers_are_gaps_and_the_others_are_op():
    subject, address = with_a_hole(), "n=R[0]&A=T&m=R&steps=20"
    found = told(subject, ["p.k", "p.c"], 9, address)
    k, c = (axis["values"] for axis in found["axes"])
    assert c[0] == 0
    assert found["values"][0] == [None] * 9
    for row, width in list(enumerate(c))[1:]:
        for column, strength in enumerate(k):
            asked = subject.setting({"address": f"{address}&p.k={strength!r}&p.c={width!r}"})
            expected = op(asked.W, A=asked.A, n=asked.n, m=asked.m).values[-1].item()
            assert found["values"][row][column] == pytest.approx(expected, rel=1e-12)
    assert found["missing"].startswith("At 9 of 81 places there is no answer. One of them: T[1]")
    assert set(found["basins"][0]) == {0}
    assert told(subject, ["p.k"], address=address)["missing"] == ""
    assert "T[1]" in told(subject, ["p.k"], address=f"{address}&p.c=0")["fault"]


def test_the_script_computes_a_landscape_with_gaps(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wall.toml").write_text(
        """
title = "A room"
source = "a test"

[parameters]
k = 0.1
c = 1

[variables]
T = {next = "(R - 25) / c", start = 10}
R = {next = "R - k*T", start = 35}
""",
        encoding="utf-8",
    )
    subject = Subject.of(load_model("wall.toml"), "wall.toml")
    address = "n=R[0]&A=T&m=R&steps=20&along=p.k&along=p.c"
    code = served(subject, {"do": "code", "address": address})["script"]
    made = {}
    exec(compile(code, "script", "exec"), made)
    found = served(subject, {"do": "landscape", "address": address, "places": MOST_PLACES})
    rows = made["landscape"].values.T
    shown = [[v if math.isfinite(v) else None for v in row] for row in rows.tolist()]
    assert shown == found["values"]
    assert np.isnan(rows[0]).all()
    assert not np.isnan(rows[1:]).any()
    count = np.isinf(rows).sum()
    assert count
    assert found["note"].endswith(f"infinite at {count} of {rows.size} places")


def test_where_a_draw_leaves_the_finite_numbers_there_is_no_middle_one():
    x, y, e = *variables("x y"), noise("e", normal(0, 1))
    k = parameter("k")
    rules = {x: k * x**2 + e + x / 2 - y / 9, y: x}
    walk = System(rules, start={x: 0, y: 0}, parameters={k: 0.6})
    subject = Subject.of(Study(name="w", title="w", source="w", system=walk), "w.py")
    address = "n=x[0]&A=y&m=x[12]&steps=12&draws=9&seed=2"
    found = told(subject, ["p.k"], 9, address)
    for strength, value in zip(found["axes"][0]["values"], found["values"][0], strict=True):
        asked = subject.setting({"address": f"{address}&p.k={strength!r}"})
        try:
            op(asked.W, A=asked.A, n=asked.n, m=asked.m, draws=9)
        except EvaluationError:
            assert value is None
        else:
            assert value is not None
    assert 0 < found["values"][0].count(None) < 9
    assert f"At {found['values'][0].count(None)} of 9 places" in found["missing"]


def test_the_address_keeps_what_it_is_over():
    screen = Screen.of(f"{QUESTION}&along=p.k&along=s.R")
    assert screen.along == ("p.k", "s.R")
    assert Screen.of(screen.address) == screen


def test_the_length_of_a_step_is_no_axis():
    subject = Subject.of(load_model("double_well"), "double_well")
    facts = served(subject, {"do": "facts"})
    assert "p.dt" in {slider["key"] for slider in facts["sliders"]}
    assert "p.dt" not in {slider["key"] for slider in facts["axes"]}
    assert "dt has no numbers" in told(subject, ["p.dt"], address="n=x[0]")["fault"]


def draw(page, over=None):
    """Draw the landscape over the two values that are offered first, or over one."""
    page.page.click("text=Landscape")
    if over is not None:
        page.page.select_option("label:has-text('and over') select", "")
        page.page.select_option("label:has-text('over') select >> nth=0", over)
    page.page.click("text=Draw the landscape")
    last = "33" if over is not None else "1089"
    page.page.wait_for_selector(f".landscape rect:nth-of-type({last})", state="attached")
    page.page.wait_for_selector("progress", state="hidden")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("width", [1200, 400])
def test_a_place_that_is_chosen_by_keys_moves_the_sliders(seen, width, hidden_link):
    page = seen(hidden_link, width=width, height=800)
    draw(page)
    page.page.focus(".landscape")
    # From the middle of the grid on, the 17th of 33 places from 0 to 0.02.
    for key in ("ArrowRight", "ArrowUp"):
        page.page.keyboard.press(key)
    page.page.keyboard.press("Enter")
    page.settled("p.k=0.010625")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    assert "Outlined" in page.page.inner_text("#panel-landscape")


def test_over_one_value_there_is_a_curve_and_a_click_moves_its_slider(seen, hidden_link):
    page = seen(hidden_link, width=1200, height=800)
    draw(page, "p.k")
    points = page.page.get_attribute(".landscape .ridge", "points").split()
    assert len(points) == 33
    heights = [float(point.split(",")[1]) for point in points[1:]]
    # Op grows with k, and what is more is higher.
    assert heights == sorted(heights, reverse=True)
    page.page.click(".landscape rect >> nth=8")
    page.settled("p.k=0.005")


@pytest.mark.long
def test_what_the_landscape_is_of_is_told_when_the_question_changes(seen, hidden_link):
    page = seen(hidden_link, width=1200, height=800)
    draw(page, "p.k")
    assert not page.page.query_selector("#panel-landscape .stale")
    page.page.fill('input[type="number"][data-key="p.d"]', "0.2")
    page.page.wait_for_selector("#panel-landscape .stale", state="attached")
    assert "compute it anew" in page.page.inner_text("#panel-landscape")


@pytest.mark.long
def test_a_finer_picture_keeps_the_focus_of_the_one_before(seen, hidden_link):
    page = seen(hidden_link, width=1200, height=800)
    draw(page, "p.k")
    page.page.focus(".landscape")
    # Three pictures come, one in the place of the other.
    page.page.evaluate("document.querySelector('[data-ask=landscape]').click()")
    page.page.wait_for_selector("#panel-landscape progress:not([hidden])")
    page.page.wait_for_selector("#panel-landscape progress", state="hidden")
    assert page.page.evaluate("document.activeElement.classList.value") == "landscape"


@pytest.mark.long
def test_the_link_brings_back_what_it_is_over_and_a_move_makes_it_pale(seen, hidden_link):
    page = seen(f"{hidden_link}#{QUESTION}&along=s.R")
    fields = page.page.locator("#panel-landscape select")
    page.page.click("text=Landscape")
    assert [field.input_value() for field in fields.all()] == ["s.R", ""]
    page.page.click("text=Draw the landscape")
    page.page.wait_for_selector(".landscape .ridge", state="attached")
    page.page.eval_on_selector("#slider-p\\.k", MOVE)
    page.page.wait_for_selector("#panel-landscape .stale")
    page.page.wait_for_selector("#panel-landscape progress", state="hidden")
    page.settled("p.k=0.015")
    assert "along=s.R" in page.page.url


MOVE = "field => { field.value = '0.015'; field.dispatchEvent(new Event('input')); }"
