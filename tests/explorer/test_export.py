"""The page as a file: its numbers are the package's, it asks nobody, and its sliders work."""

import contextlib
import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.species import species_model
from causalopt import System, op, parameters, variables
from causalopt.__main__ import main
from causalopt.explorer import answers, exporting
from causalopt.explorer.axes import MOST_POINTS, axes_asked, axes_opened, screens
from causalopt.explorer.exporting import exported, fitted, write
from causalopt.explorer.files import page_files
from causalopt.explorer.joining import inert, joined
from causalopt.explorer.screen import Screen
from causalopt.explorer.serving import Subject
from causalopt.explorer.setting import Setting
from causalopt.ground.errors import QueryError, TooLargeError
from causalopt.study import Study, load_model
from tests.explorer.test_browser import strength


def recorded(text):
    """What a page in a file knows, read as a browser reads it."""
    (found,) = re.findall(r'<script type="application/json" id="recorded">(.*?)</script>', text)
    return json.loads(found)


# -- what is computed ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "along"),
    [
        ("continuous_thermostat", ["k=0.005:0.02:3", "R=30:40:2"]),  # a real system
        ("repressilator", ["m1=0.5:1.5:2"]),  # rates of change
        ("divided_network", ["b1=0.5:1:2", "b2=0:1:3"]),  # no time
        ("dumb_thermostat", ["T"]),  # a finite world
        ("pit", ["T=0.02:0.08:3"]),  # noise
    ],
)
def test_a_page_holds_what_the_live_one_shows_at_each_point(name, along):
    study = load_model(name)
    page = recorded(exported(study, name, along).text)
    subject = Subject.of(study, name)
    axes = axes_asked(subject.model, along)
    assert [axis["values"] for axis in page["axes"]] == [list(axis.values) for axis in axes]
    settings = [Setting.of(subject.model, s, subject.opening) for s in screens(axes)]
    assert len(page["points"]) == len(settings) == np.prod([len(axis.values) for axis in axes])
    for point, setting in zip(page["points"], settings, strict=True):
        live = answers.answer(setting)
        assert point["verdict"] == live["verdict"]
        assert point["address"] == setting.screen.address
        for kept, chart in zip(point["charts"], live["charts"], strict=True):
            assert not kept["fault"]
            known = {f"{x:.8g}": i for i, x in enumerate(chart["x"])}
            places = [known[f"{x:.8g}"] for x in kept["x"]]
            for mine, theirs in zip(kept["traces"], chart["traces"], strict=True):
                assert mine["name"] == theirs["name"]
                values = [theirs["values"][i] for i in places]
                assert mine["values"] == [v if v is None else float(f"{v:.8g}") for v in values]


def test_the_code_of_a_point_computes_what_is_shown_there():
    page = recorded(exported(load_model("pit"), "pit", ["T=0.02:0.08:2"]).text)
    assert page["has_noise"]
    for point in page["points"]:
        scope = {}
        with contextlib.redirect_stdout(io.StringIO()):
            exec(point["script"], scope)
        last = float(scope["strength"].values[-1])
        assert repr(last) == point["verdict"]["value"]
        assert f"named['T']: {point['address'].rpartition('p.T=')[2]}" in point["script"]


def test_the_slider_that_matters_most_is_moved_where_none_is_named():
    x, u = variables("x u")
    once, squared, idle = parameters("once squared idle")
    system = System(
        {x: x - u * once + idle, u: squared**2 * x},
        start={x: 1, u: 0},
        parameters={idle: 0.0, once: 0.1, squared: 0.3},
    )
    subject = Subject.of(Study(name="mine", title="Mine", source="here", system=system), "mine")
    setting = Setting.of(system, Screen(n="x[0]", A=("u",), m="x", steps=20), subject.opening)
    tried = {idle: [-0.5, 0, 0.5], once: [0.05, 0.1, 0.15], squared: [0.15, 0.3, 0.45]}
    reach = {
        str(name): np.ptp(op(system, A=u, n=x[0], m=x, steps=20, over={name: v}).values[..., -1])
        for name, v in tried.items()
    }
    assert max(reach, key=reach.get) == "squared"  # Op knows once * squared**2 alone
    (axis,) = axes_opened(setting)
    assert (axis.name, len(axis.values), axis.values[axis.own]) == ("squared", 33, 0.3)


def test_a_model_in_which_nothing_can_be_moved_has_one_point():
    made = exported(load_model("sprinkler"), "sprinkler")
    assert (made.axes, made.points) == ((), 1)
    with pytest.raises(QueryError, match="nothing that can be moved"):
        exported(load_model("sprinkler"), "sprinkler", ["rain"])


def test_curves_are_as_fine_as_all_points_fit():
    x = np.arange(1000.0)
    peak = np.where(x == 617, 9.0, np.sin(x / 50))
    chart = {"key": "worlds", "x": x.tolist(), "labels": [], "note": "",
             "traces": [{"name": "W", "role": "W", "values": peak.tolist()}]}  # fmt: skip
    points = [{"charts": [chart]}] * 20
    sizes = []
    for most in (200_000, 60_000, 20_000):
        cut = fitted(points, most)
        assert len(json.dumps(cut, separators=(",", ":"))) <= most
        kept = cut[0]["charts"][0]["x"]
        assert all(point["charts"][0]["x"] == kept for point in cut)
        assert (kept[0], kept[-1]) == (0, 999)
        assert 617 in kept  # no peak is lost, however coarse the curve is
        sizes.append(len(kept))
    assert sizes == sorted(set(sizes), reverse=True)
    with pytest.raises(TooLargeError, match="fewer values"):
        fitted(points, 1000)


# -- one file --------------------------------------------------------------------------------------


TEXTS = st.text(max_size=40) | st.text("<>/!-script\u2028\n\"'&\\", max_size=40)


@given(st.dictionaries(TEXTS, TEXTS, max_size=4))
def test_what_a_page_knows_is_inert_and_reads_back(record):
    text = inert(record)
    assert json.loads(text) == record
    assert "<" not in text
    assert text.isascii()
    assert "\n" not in text


def test_the_modules_are_one_script_each_after_what_it_imports():
    script = joined("exported")
    assert not re.search(r"^(import|export) ", script, flags=re.M)
    assert "</script" not in script.lower()
    assert "<!--" not in script
    names = re.findall(r"^const in_(\w+) = \(\(\) => \{$", script, flags=re.M)
    assert len(names) == len(set(names))
    assert names[-1] == "exported"
    assert "recorded" in names
    assert not {"ask", "main", "more", "demand"} & set(names)  # which ask a server
    assert "fetch(" not in script
    for name in names:
        text = page_files()[f"{name}.js"].content.decode()
        needed = {{"ask": "recorded"}.get(one, one) for one in re.findall(r'"\./(\w+)\.js";', text)}
        assert needed <= set(names[: names.index(name)])


def test_a_module_that_imports_itself_is_told(monkeypatch):
    from causalopt.explorer import joining

    texts = {"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./a.js";\n'}
    monkeypatch.setattr(joining, "_text", texts.get)
    with pytest.raises(RuntimeError, match="by way of"):
        joined("a")


def test_a_page_in_a_file_needs_no_server():
    code = "import sys, causalopt.explorer.exporting; print('starlette' in sys.modules)"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "False"


# -- the command -----------------------------------------------------------------------------------


def called(*words):
    return CliRunner().invoke(main, ["explore", *words])


@pytest.mark.parametrize(
    ("along", "told"),
    [
        (["q"], "--along q: the model has no parameter or start value of this name"),
        (["kk=0:1:3"], "Did you mean k?"),
        (["k="], "write LOW:HIGH:COUNT"),
        (["k=0:1"], "write LOW:HIGH:COUNT"),
        (["k=1:0:5"], "the lower one first"),
        (["k=0:inf:5"], "two finite numbers"),
        (["k=0:nan:5"], "two finite numbers"),
        (["k=0:x:5"], "two finite numbers"),
        (["k=0:1:2.5"], "write LOW:HIGH:COUNT"),
        (["k=0:1:-3"], "write LOW:HIGH:COUNT"),
        (["k=0:1:1"], f"1 values are asked for. Write 2 to {MOST_POINTS}."),
        (["k=0:1:301"], "301 values are asked for"),
        (["k=0:1:99999999999999999999"], "values are asked for"),
        (["k=0:1:20", "R=0:1:20"], "k and R have 20 x 20 = 400 points together"),
        (["k", "p.k"], "names k twice"),
        (["k", "R", "T"], "--along is given 3 times"),
    ],
)
def test_what_cannot_be_moved_is_told_before_anything_is_run(tmp_path, monkeypatch, along, told):
    monkeypatch.setattr(exporting, "Subject", None)  # which runs the model
    path = tmp_path / "page.html"
    words = [word for text in along for word in ("--along", text)]
    result = called("continuous_thermostat", "--export", str(path), *words)
    assert result.exit_code == 1
    assert told in " ".join(result.stderr.split())
    assert not path.exists()


POSITIVE = """
from causalopt import System, parameters, variables
from causalopt.study import Study
(x,) = variables("x")
(k,) = parameters("k", positive=True)
system = System({x: k * x}, start={x: 1}, parameters={k: 0.5})
study = Study(name="mine", title="Mine", source="here", system=system)
"""


def test_values_that_the_model_cannot_take_are_told_before_anything_is_run(tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "Subject", None)
    (tmp_path / "mine.py").write_text(POSITIVE)
    words = str(tmp_path / "mine.py"), "--trust", "--export", str(tmp_path / "page.html")
    result = called(*words, "--along", "k=-1:1:3")
    assert result.exit_code == 1
    assert "k" in result.stderr
    assert "positive" in result.stderr


def test_named_values_have_no_range(tmp_path):
    path = str(tmp_path / "page.html")
    result = called("dumb_thermostat", "--export", path, "--along", "T=0:1:3")
    assert result.exit_code == 1
    assert "its values have names" in result.stderr


def test_a_file_is_replaced_where_that_is_said(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("mine")
    words = ("dumb_thermostat", "--export", str(path))
    refused = called(*words)
    assert refused.exit_code == 1
    assert "is there already" in refused.stderr
    assert path.read_text() == "mine"
    made = called(*words, "--force")
    assert made.exit_code == 0
    assert "3 points along T, 0." in made.output
    assert path.read_text().startswith("<!doctype html>")
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--along", "k"), "add --export FILE"),
        (("--force",), "add --export FILE"),
        (("--export", "nowhere/page.html"), "there is no folder nowhere"),
        (("--export", "."), "is a folder"),
    ],
)
def test_a_page_that_has_no_place_is_refused(words, told):
    result = called("continuous_thermostat", *words)
    assert result.exit_code == 1
    assert told in " ".join(result.stderr.split())


# -- in a browser ----------------------------------------------------------------------------------


def test_the_file_opens_and_its_slider_moves_by_keys_and_by_mouse(seen, thermostat):
    page = seen(thermostat.as_uri())
    assert page.page.inner_text("#sentence") == "T steers R: Op = 10.14 nats at t = 1000."
    assert page.op == strength(["T"], "R[0]", "R")
    page.page.focus("#slider-p\\.k")
    page.page.keyboard.press("ArrowRight")
    page.settled("p.k=0.015")
    assert page.op == strength(["T"], "R[0]", "R", k=0.015)
    assert page.page.get_attribute("#slider-p\\.k", "aria-valuetext") == "0.015"
    page.page.keyboard.press("End")
    page.settled("p.k=0.02")
    assert page.op == strength(["T"], "R[0]", "R", k=0.02)
    box = page.page.locator("#slider-p\\.k").bounding_box()
    page.page.mouse.click(box["x"] + 0.27 * box["width"], box["y"] + box["height"] / 2)
    page.settled("p.k=0.005")
    assert page.op == strength(["T"], "R[0]", "R", k=0.005)
    assert page.page.input_value('input[type="number"]') == "0.005"
    page.page.click("text=Back to the start")
    page.settled("p.k=0.01")


def test_what_is_typed_goes_to_the_nearest_point_and_the_link_brings_it_back(seen, thermostat):
    page = seen(thermostat.as_uri())
    field = page.page.locator('input[type="number"]')
    field.fill("0.0136")
    page.settled("p.k=0.015")
    assert page.op == strength(["T"], "R[0]", "R", k=0.015)
    field.blur()
    assert field.input_value() == "0.015"
    assert "goes to the nearest" in page.page.inner_text("#controls")
    again = seen(page.page.url)
    again.settled("p.k=0.015")
    assert again.op == page.op
    for wrong in ("#p.k=hot", "#p.k=", "#q=1"):
        elsewhere = seen(thermostat.as_uri() + wrong)
        assert elsewhere.op == strength(["T"], "R[0]", "R")


def test_two_sliders_and_a_choice_move_the_same_point(seen, tmp_path):
    path = tmp_path / "page.html"
    along = ["k=0.005:0.015:3", "R=30:40:2"]
    write(exported(load_model("continuous_thermostat"), "continuous_thermostat", along), path)
    page = seen(path.as_uri() + "#p.k=0.015&s.R=30.0")
    page.settled("p.k=0.015&s.R=30.0")
    page.page.focus("#slider-s\\.R")
    page.page.keyboard.press("ArrowRight")
    page.settled("p.k=0.015&s.R=40.0")
    x = page.page.inner_text('figure[data-chart="worlds"] .note')
    assert x.startswith("R[0] is moved by 4 in X")
    assert page.op == strength(["T"], "R[0]", "R", k=0.015)  # it is linear: its start is no matter
    write(exported(load_model("dumb_thermostat"), "dumb_thermostat", ["T"]), path)
    finite = seen(path.as_uri())
    finite.page.select_option("select", "high")
    finite.settled("s.T=high")
    shown = finite.page.locator("figure").evaluate_all("all => all.map(e => e.dataset.chart)")
    assert shown == ["worlds"]


def test_what_needs_a_server_is_not_there(seen, thermostat):
    page = seen(thermostat.as_uri())
    text = page.page.inner_text("body")
    for words in ("netCDF", "unrolled", "Who steers", "Landscape", "click", "delta"):
        assert words not in text
    page.page.click('.node[data-name="T"]', modifiers=["Shift"])
    box = page.page.locator("svg.graph").bounding_box()
    page.page.keyboard.down("Shift")
    page.page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + 60, box["y"] + 40)
    assert page.page.locator(".lasso").count() == 0
    page.page.mouse.up()
    page.page.keyboard.up("Shift")
    assert page.page.get_attribute('.node[data-name="R"]', "role") == "img"
    assert page.op == strength(["T"], "R[0]", "R")


def test_code_and_pictures_are_taken_from_a_file_too(seen, thermostat):
    page = seen(thermostat.as_uri() + "#p.k=0.02")
    page.page.click("text=Copy as Python")
    page.page.wait_for_selector("pre.code:not([hidden])")
    scope = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(page.page.inner_text("pre.code"), scope)
    assert repr(float(scope["strength"].values[-1])) == page.op
    for words, ending in (("Curves as SVG", "svg"), ("Curves as PNG", "png")):
        saved = []
        page.page.on("download", lambda one, saved=saved: saved.append(one.suggested_filename))
        page.page.click(f"text={words}")
        for _ in range(100):
            if len(saved) == 4:
                break
            page.page.wait_for_timeout(50)
        assert sorted(saved) == [f"{x}.{ending}" for x in ("differences", "graph", "op", "worlds")]


def test_a_narrow_window_is_wide_enough_for_a_file(seen, thermostat):
    page = seen(thermostat.as_uri(), width=400, height=800)
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.page.is_visible("#slider-p\\.k")


def test_a_file_runs_no_script_but_its_own_and_sends_nothing(browser, thermostat):
    page = browser.new_page()
    page.goto(thermostat.as_uri())
    page.wait_for_selector("figure")
    page.evaluate("""() => {
        const added = document.createElement("script");
        added.textContent = "window.harmed = 1";
        document.body.append(added);
    }""")
    assert page.evaluate("window.harmed") is None
    sent = page.evaluate("fetch('data:text/plain,x').then(() => 'sent', () => 'refused')")
    assert sent == "refused"
    page.close()


def test_a_draw_of_the_noise_is_named(seen, tmp_path):
    path = tmp_path / "page.html"
    write(exported(load_model("pit"), "pit", ["T=0.02:0.08:2"]), path)
    page = seen(path.as_uri() + "#p.T=0.08")
    assert "one draw of the noise, seed 0" in page.page.inner_text("#who")
    model = load_model("pit").system
    model = model.with_parameters({p: 0.08 for p in model.parameters if str(p) == "T"})
    n, A, m = (model.find(name) for name in ("W[0]", "g", "W"))
    assert page.op == repr(op(model.world(1000, seed=0), A=A, n=n, m=m).values[-1].item())


RUNAWAY = """
from causalopt import System, variables
from causalopt.study import Study
a, b = variables("a b")
system = System({a: a**2 + b, b: b / 2}, start={a: 0.1, b: 0.1})
study = Study(name="mine", title="Mine", source="here", system=system)
"""


def test_a_point_that_leaves_the_numbers_is_told_where_the_curve_would_stand(seen, tmp_path):
    (tmp_path / "mine.py").write_text(RUNAWAY)
    path = tmp_path / "page.html"
    write(exported(load_model(str(tmp_path / "mine.py")), "mine.py", ["a=0.1:3:2"]), path)
    page = seen(path.as_uri())
    assert page.page.locator("figure .fault").count() == 0
    page.page.focus("#slider-s\\.a")
    page.page.keyboard.press("End")
    page.settled("s.a=3.0")
    assert page.page.locator("figure .fault").count() == 3
    assert "finite" in page.page.locator("figure .fault").first.inner_text()
    page.page.click("text=Copy as Python")
    page.page.wait_for_selector("pre.code:not([hidden])")


HOSTILE = """
from causalopt import System, parameter, variable
from causalopt.study import Study
a = variable('<script>window.harmed=1</script>"')
b = variable("<img src=x onerror='window.harmed=1'>")
k = parameter("</script><!-- \\u2028=1:2")
system = System({a: a / 2 + k * b, b: a / 4}, start={a: 1, b: 0.5}, parameters={k: 0.5})
title = "</title></script><!-- <script>window.harmed=1</script>"
study = Study(name="mine", title=title, source="<b>", system=system)
"""


def test_hostile_names_are_text_in_a_file(seen, tmp_path):
    (tmp_path / "mine.py").write_text(HOSTILE)
    path = tmp_path / "page.html"
    study = load_model(str(tmp_path / "mine.py"))
    write(exported(study, "mine.py", ["</script><!-- \u2028=1:2=0:1:3"]), path)
    page = seen(path.as_uri())
    assert page.page.text_content("#title") == study.title
    assert page.page.title() == f"{study.title} – causalopt"
    assert page.page.locator(".canvas .node").count() == 2
    assert page.page.text_content("#controls label").startswith("</script><!-- \u2028=1:2")
    page.page.focus("#controls input")
    page.page.keyboard.press("End")
    page.settled("=1.0")
    assert page.page.evaluate("window.harmed") is None
    assert page.page.locator("script").count() == 2
    assert str(tmp_path) not in path.read_text()


def test_where_a_plan_is_dear_its_points_are_compiled_once(tmp_path):
    """Thirty species planned anew at each of 34 points are a thousand nodes: counted, not timed."""
    (tmp_path / "species.toml").write_text(species_model())
    model = load_model(str(tmp_path / "species.toml")).system
    asked, nodes = Screen(steps=10), len(model.graph)
    few, many = (1000 - 1) // nodes, -(-1000 // nodes)
    backends = [Setting.of(model, asked, Screen(), points).backend for points in (1, few, many)]
    assert backends == ["auto", "auto", "numba"]
