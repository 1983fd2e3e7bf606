"""What the page shows stays what its address asks: links, fields, code, tabs and pictures."""

import os
import xml.etree.ElementTree as ET

import pytest

from causalopt import Event, System, variables
from causalopt.explorer.exporting import Export, refuse_existing, write
from causalopt.explorer.opening import opening_of
from causalopt.explorer.screen import Screen
from causalopt.explorer.serving import Subject, served
from causalopt.explorer.words import times_as_text
from causalopt.ground.errors import FileError, QueryError
from causalopt.study import Study, load_model
from tests.explorer.conftest import exploring

x, y, z = variables("x y z")


@pytest.mark.long
def test_an_unrolled_graph_is_in_the_link(seen, thermostat_link):
    page = seen(thermostat_link).page
    page.check('input[name="unrolled"]')
    page.wait_for_selector('.node[data-name="R[3]"]')
    page.fill('input[name="steps unrolled"]', "7")
    page.press('input[name="steps unrolled"]', "Enter")
    page.wait_for_selector('.node[data-name="R[7]"]')
    assert "unrolled=7" in page.url
    again = seen(page.url).page
    again.wait_for_selector('.node[data-name="R[7]"]')
    assert again.is_checked('input[name="unrolled"]')
    again.uncheck('input[name="unrolled"]')
    again.wait_for_selector('.node[data-name="R"]')
    assert "unrolled" not in again.url


def test_code_of_another_question_does_not_stay(seen, thermostat_link):
    page = seen(thermostat_link).page
    page.click("text=Copy as Python")
    page.wait_for_selector("pre.code:not([hidden])")
    page.fill('[aria-label="k, exactly"]', "0.02")
    page.wait_for_selector("pre.code", state="hidden")
    page.click("text=Copy as Python")
    page.wait_for_function("() => document.querySelector('pre.code').textContent.includes('0.02')")
    page.click("#tab-landscape")
    page.wait_for_selector("pre.code", state="hidden")


@pytest.mark.parametrize("typed", ["1e400", "", "-"])
def test_what_is_no_number_does_not_stay_in_a_field(seen, thermostat_link, typed):
    one = seen(thermostat_link)
    field = one.page.locator('[aria-label="k, exactly"]')
    field.fill("0.02")
    one.settled("p.k=0.02")
    field.fill("")
    field.press_sequentially(typed or " ")
    field.blur()
    one.page.wait_for_function(
        """() => new URLSearchParams(location.hash.slice(1)).get("p.k")
            == document.querySelector('[aria-label="k, exactly"]').value"""
    )


@pytest.mark.long
def test_an_address_that_is_opened_in_an_open_page_asks_its_tabs_too(seen, thermostat_link):
    one = seen(thermostat_link)
    one.page.evaluate("location.hash = 'tab=landscape&ask=landscape&along=p.k&steps=20'")
    one.settled("steps=20")
    one.page.wait_for_selector("#panel-landscape .result svg")
    one.page.wait_for_function(
        "() => !document.querySelector('#panel-landscape [role=status]').textContent"
    )
    one.page.evaluate("location.hash = 'tab=landscape&ask=landscape&along=p.d&steps=30'")
    one.settled("steps=30")
    one.page.wait_for_function(
        """() => document.querySelector('#panel-landscape .result').textContent.includes('d')
            && !document.querySelector('#panel-landscape [role=status]').textContent
            && !document.querySelector('#panel-landscape .result.stale')"""
    )


def test_a_saved_picture_says_what_it_is_and_which_curve_is_which(seen, thermostat_link, tmp_path):
    page = seen(thermostat_link).page
    saved = []
    page.on("download", lambda download: saved.append(download))
    page.click("text=Curves as SVG")
    page.wait_for_timeout(1000)
    (worlds,) = (one for one in saved if one.suggested_filename == "worlds.svg")
    worlds.save_as(tmp_path / "worlds.svg")
    root = ET.parse(tmp_path / "worlds.svg").getroot()
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"R in the three worlds", "W", "X", "Y"} <= set(texts)
    _, top, _, height = map(float, root.get("viewBox").split())
    assert top < -30
    assert height == float(root.get("height"))


@pytest.mark.parametrize("address", ["steps=5&steps=6", "p.k=1&p.k=2", "n=R[0]&n=T[0]", "p.k=1_0"])
def test_an_address_says_one_thing(address):
    with pytest.raises(QueryError, match=r"twice: keep one|write a finite number"):
        Screen.of(address)


def test_what_is_held_twice_is_held():
    assert Screen.of("A=T&A=T").A == ("T",)
    assert Screen.of("unrolled=7&n=R[0]").opened.unrolled == 7
    with pytest.raises(QueryError, match="from 1 to 40"):
        Screen.of("unrolled=41")


def test_a_finite_difference_that_is_gone_may_be_lost_in_digits():
    subject = Subject.of(load_model("continuous_thermostat"), "continuous_thermostat")
    address = "n=R[0]&A=T&m=R&steps=1000&delta=1e-12"
    verdict = served(subject, {"do": "answer", "address": address})["verdict"]
    assert verdict["tone"] == "unknown"
    assert "lost in the digits of R" in verdict["meaning"]


def test_powers_of_ten_have_three_digits():
    assert times_as_text(20.607) == "8.9·10^8 times"


def test_a_relative_path_is_told_by_its_name_alone(tmp_path, monkeypatch):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "room.toml").write_text(
        'title = "A room"\n[variables]\nR = {next = "R/2", start = 1}\n', encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    for named in ("secret/room.toml", "./secret/room.toml", str(tmp_path / "secret/room.toml")):
        subject = Subject.of(load_model(named), named)
        assert "secret" not in str(served(subject, {"do": "facts"}))


def test_only_files_are_replaced_and_links_lead_to_them(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="is no file that could be replaced"):
        refuse_existing(tmp_path / "pipe", force=True)
    (tmp_path / "page.html").write_text("old")
    (tmp_path / "link.html").symlink_to(tmp_path / "page.html")
    write(Export("new", (), 1), tmp_path / "link.html")
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "page.html").read_text() == "new"


def test_a_run_whose_steps_are_taken_in_parts_opens_short():
    ode = System.from_ode(
        {x: y, y: -x - y}, start={x: 1, y: 0}, dt=1, method="dopri5", tolerance=1e-8
    )
    opening = opening_of(ode)
    assert opening.steps == 20
    assert (opening.n, opening.m) in {("x[0]", "x"), ("y[0]", "y")}
    subject = Subject.of(Study(name="o", title="o", source="o", system=ode), "o.py")
    verdict = served(subject, {"do": "answer", "address": ""})["verdict"]
    assert verdict["value"]


def test_where_nothing_can_be_held_alone_there_are_curves_to_see():
    h, v = variables("h v")
    ball = System.from_ode(
        {h: v, v: -9.81}, start={h: 2, v: 0}, dt=0.01, method="rk4",
        events=[Event(h < 0, {v: -v, h: 0})],
    )  # fmt: skip
    subject = Subject.of(Study(name="b", title="b", source="b", system=ball), "b.py")
    assert subject.opening.A == ()
    charts = served(subject, {"do": "answer", "address": ""})["charts"]
    assert [len(chart["traces"]) for chart in charts[:2]] == [2, 1]


def test_an_old_answer_is_not_shown_as_if_it_were_new(seen, thermostat_link):
    page = seen(thermostat_link).page
    # An answer that takes longer than one is waited for.
    page.route("**/ask", lambda route: (page.wait_for_timeout(1500), route.continue_()))
    page.fill('[aria-label="k, exactly"]', "0.02")
    page.wait_for_selector("#verdict.stale")
    assert page.inner_text("#digits") == "Being computed …"
    page.wait_for_selector("#verdict:not(.stale)")
    page.wait_for_selector("#charts:not(.stale)")


def test_several_parts_steer_and_an_infinite_op_is_told():
    subject = Subject.of(load_model("lorenz"), "lorenz")
    address = "n=a[0]&A=b&A=c&m=a&steps=40"
    verdict = served(subject, {"do": "answer", "address": address})["verdict"]
    assert verdict["sentence"].startswith(("b and c steer a:", "b and c amplify what"))
    still = System({x: z, y: x, z: z}, start={x: 1, y: 1, z: 1})
    subject = Subject.of(Study(name="s", title="s", source="s", system=still), "s.py")
    told = served(subject, {"do": "answer", "address": "n=x[0]&A=y&A=z&m=x&steps=9"})
    assert told["charts"][-1]["note"] == ""
    through = System({x: x, y: x, z: y}, start={x: 1, y: 1, z: 1})
    subject = Subject.of(Study(name="s", title="s", source="s", system=through), "s.py")
    told = served(subject, {"do": "answer", "address": "n=x[0]&A=y&m=z&steps=9"})
    assert told["verdict"]["value"] == "-inf"
    assert told["charts"][-1]["note"] == "infinite at 8 of 10 steps"


def test_numbers_that_cannot_be_saved_are_told_without_an_error_of_the_browser(
    seen, thermostat_link
):
    page = seen(f"{thermostat_link}#n=R[0]&A=T&m=R&steps=20").page
    page.evaluate("location.hash = 'n=R[0]&A=T&m=R&steps=0'")
    page.wait_for_selector("#charts.stale")
    page.click("text=Numbers as netCDF")
    page.wait_for_function(
        "() => document.querySelector('#footer [role=status]').textContent.includes('steps=0')"
    )


@pytest.mark.parametrize("asked", ["n=T[0]&A=R&m=T", "p.k=NaN", "p.d=20", "tab=measures"])
def test_a_page_in_a_file_says_what_it_has_no_answer_for(seen, thermostat, asked):
    page = seen(f"{thermostat.as_uri()}#{asked}").page
    page.wait_for_function("() => document.getElementById('elsewhere').textContent")
    assert asked.partition("&")[0] in page.inner_text("#elsewhere")
    plain = seen(f"{thermostat.as_uri()}#p.k=0.013").page
    assert plain.inner_text("#elsewhere") == ""


@pytest.mark.long
def test_all_chosen_nodes_of_a_large_graph_are_seen(seen):
    with exploring("explicit_scheme") as (_, link):
        page = seen(f"{link}#n=P4[0]&A=P40&m=P4&steps=5")
        page.page.wait_for_selector('.node[data-name="P40"]')
        inside = page.page.evaluate(
            """() => { const box = document.querySelector(".canvas").getBoundingClientRect();
                return ["P4", "P40"].every((name) => {
                    const one = document.querySelector(`.node[data-name="${name}"]`);
                    const { left, right } = one.getBoundingClientRect();
                    return left >= box.left && right <= box.right; }); }"""
        )
        assert inside
        page.close()


def test_a_network_of_the_same_names_is_drawn_by_them():
    subject = Subject.of(load_model("sprinkler"), "sprinkler")
    charts = served(subject, {"do": "answer", "address": ""})["charts"]
    assert len(charts[0]["names"]) == 2
