"""What is written to harm stands as text in every tab, in the address and in the script."""

import contextlib
import io
from urllib.parse import quote, urlencode

import pytest
from click.testing import CliRunner

from causalopt.__main__ import main
from causalopt.explorer.serving import Subject, served
from causalopt.study import load_model
from tests.explorer.conftest import exploring

TAG, IMAGE = "<script>window.harmed=1</script>\"'", "<img src=x onerror='window.harmed=1'>\n&"

# Two variables in a loop, two parameters, and words of all kinds.
LOOP = f"""
import sympy as sp
from causalopt import System, parameter, variable
from causalopt.derive import Derivation, Equal, Given
from causalopt.study import Claim, Study
a, b = variable({TAG!r}), variable({IMAGE!r})
k, c = parameter({"k " + TAG!r}), parameter({"c " + IMAGE!r})
rules, start = {{a: a / 2 + b, b: c - k * a}}, {{a: 1, b: 0.5}}
system = System(rules, start=start, parameters={{k: 0.3, c: 0.1}})
bad = {"</h1></math>" + TAG + IMAGE!r}
x = sp.Symbol(bad, real=True)
page = lambda: Derivation(bad, given=[Given(x, bad)], steps=[Equal(1 / x + 1 / x, 2 / x)])
claims = (Claim(bad, bad, 1.0, lambda: bad),)
study = Study(name="mine", title=bad.replace(" ", ""), source="<b>", system=system,
              derivations=(page,), claims=claims)
"""
FINITE = f"""
from causalopt import System, finite, table
from causalopt.study import Study
bad = {[TAG, IMAGE]!r}
T, R = finite({"T " + TAG!r}, bad), finite({"R " + IMAGE!r}, bad)
same = {{value: value for value in bad}}
system = System({{T: table(R, same), R: table(T, same)}}, start={{T: bad[0], R: bad[1]}})
study = Study(name="mine", title="t", source="s", system=system)
"""
DESCENT = f"""
from causalopt import sgd, variable
from causalopt.study import Study
W = variable({TAG!r})
system = sgd([(W - 1) ** 2, (W + 1) ** 2], W, 0.1, start={{W: 0}})
study = Study(name="mine", title="t", source="s", system=system)
"""
COOLED = f"""
from causalopt import Enthalpies, Steps, annealing, finite
from causalopt.study import Study
spot = finite({TAG!r}, {[IMAGE, "b"]!r})
H = Enthalpies.of(spot, {{{IMAGE!r}: 1.0, "b": 0.0}}, "minimise")
system = annealing(H, Steps.of([({IMAGE!r}, "b")]), 0.5, start={{spot: "b"}})
study = Study(name="mine", title="t", source="s", system=system)
"""
# What is opened, the button in it, and what is there when it has been answered.
TABS = [
    (LOOP, "steering", "Find the optimizer", ".bar"),
    (LOOP, "steering", "Rank all variables", "table"),
    (LOOP, "measures", "Ask every measure", "table"),
    (LOOP, "landscape", "Draw the landscape", ".landscape rect:nth-of-type(1089)"),
    (FINITE, "tables", "Show the tables", "table"),
    pytest.param(DESCENT, "distribution", "Show where it goes", "table", marks=pytest.mark.long),
    (COOLED, "energy", "Let the chains go", "figure"),
]
VALUES = [getattr(tab, "values", tab) for tab in TABS]


@pytest.fixture(scope="module")
def links(tmp_path_factory):
    """Serves a model of this text, each once, and gives its link."""
    with contextlib.ExitStack() as stack:
        known = {}

        def link_of(text):
            if text not in known:
                model = tmp_path_factory.mktemp("hostile") / "mine.py"
                model.write_text(text)
                known[text] = stack.enter_context(exploring(model, "--trust"))[1]
            return known[text]

        yield link_of


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("text", "tab", "button", "there"), TABS)
def test_every_tab_shows_names_as_text(seen, links, text, tab, button, there):
    page = seen(f"{links(text)}#steps=20&low=-0.5&high=0.5", width=400, height=800)
    page.page.click(f"#tab-{tab}")
    page.page.click(f"text={button}")
    page.page.wait_for_selector(f"#panel-{tab} {there}", state="attached", timeout=60_000)
    assert page.page.locator(f"#panel-{tab} .fault").count() == 0
    shown = page.page.locator(f"#panel-{tab}").evaluate("e => e.textContent")
    assert "window.harmed" in shown
    again = seen(page.page.url, width=400, height=800)
    again.page.wait_for_selector(f"#panel-{tab} {there}", state="attached", timeout=60_000)
    again.page.click("text=Copy as Python")
    again.page.wait_for_selector("pre.code:not([hidden])")
    assert "load_model('mine.py')" in again.page.inner_text("pre.code")
    for one in (page, again):
        assert one.page.evaluate("window.harmed") is None
        assert one.page.locator("script").count() == 1
        assert one.page.locator("img").count() == 0
        assert one.page.evaluate("document.documentElement.scrollWidth") <= 400


def test_words_of_all_kinds_are_text(seen, links):
    page = seen(links(LOOP))
    assert page.page.inner_text("#title").startswith("</h1></math><script>")
    assert page.page.locator(".canvas .node").count() == 2
    assert "<script>" in page.page.inner_text("#question")
    page.page.locator(".canvas .node").nth(0).focus()
    page.page.keyboard.press("m")
    page.settled("m=%3C")
    page.page.click("#tab-claims")
    page.page.click("text=Check all")
    page.page.wait_for_selector(".word")
    assert "<script>" in page.page.inner_text(".claims")
    page.page.click("#tab-derivations")
    page.page.click("text=Read the derivation")
    page.page.wait_for_selector(".derivation math mfrac")
    page.page.click("text=Check every step")
    page.page.wait_for_selector(".derivation .word")
    assert "<script>" in page.page.inner_text(".derivation h2")
    assert page.page.evaluate("window.harmed") is None
    assert page.page.locator("script").count() == 1
    assert page.page.locator("img").count() == 0


@pytest.mark.parametrize(("text", "tab"), sorted({tab[:2] for tab in VALUES}))
def test_the_script_of_every_tab_runs_whatever_the_names(tmp_path, monkeypatch, text, tab):
    (tmp_path / "mine.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    subject = Subject.of(load_model("./mine.py"), "./mine.py")
    along = "&".join(f"along={quote(key)}" for key in served(subject, {"do": "facts"})["along"])
    code = served(subject, {"do": "code", "address": f"steps=20&tab={tab}&ask=ranking&{along}"})
    scope = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code["script"], "script", "exec"), scope)
    assert "harmed" not in scope


@pytest.mark.parametrize("tab", [TAG, IMAGE, "__import__('os')"])
def test_an_address_that_is_written_to_harm_is_text_or_refused(seen, thermostat_link, tab):
    hostile = urlencode({"tab": tab, "ask": tab, "mass": tab, "along": tab, "p.k": "0.02"})
    page = seen(f"{thermostat_link}#{hostile}")
    page.settled("p.k=0.02")
    page.page.click("text=Copy as Python")
    page.page.wait_for_selector("pre.code:not([hidden])")
    assert "there is not" in page.page.inner_text("pre.code")
    page.page.click("#tab-landscape")
    page.page.click("text=Draw the landscape")
    page.page.wait_for_selector(".landscape", state="attached")
    assert page.page.evaluate("window.harmed") is None
    assert page.page.locator("script").count() == 1


# It reads from right to left between the first two, and there is a letter without a width.
TURNED = "k\u202eevil\u202c\u200b\u2066"
TURNING = f"""
from causalopt import System, parameter, variable
from causalopt.study import Claim, Study
a, b = variable({"a" + TURNED!r}), variable({"b" + TURNED!r})
k = parameter({TURNED!r})
system = System({{a: a / 2 + b, b: -k * a}}, start={{a: 1, b: 0.5}}, parameters={{k: 0.3}})
claims = (Claim({"c" + TURNED!r}, "s", 1.0, lambda: 1.0),)
study = Study(name="mine", title={TURNED!r}, source={TURNED!r}, system=system, claims=claims)
"""


def assert_nothing_turns(page):
    body = page.page.locator("body")
    labels = "e => [...e.querySelectorAll('[aria-label]')].map(o => o.ariaLabel).join(' ')"
    shown = body.evaluate("e => e.innerText") + page.page.title() + body.evaluate(labels)
    assert "k\ufffdevil\ufffd" in shown
    assert not set("\u202e\u202c\u200b\u2066").intersection(shown)


def test_names_that_turn_a_line_are_shown_as_what_they_are(seen, tmp_path):
    model = tmp_path / "mine.py"
    model.write_text(TURNING)
    with exploring(model, "--trust") as (_, link):
        page = seen(f"{link}#steps=5", width=400, height=800)
        assert_nothing_turns(page)
        # A name that is chosen is asked for as it is.
        page.page.select_option("select >> nth=0", index=1)
        page.page.wait_for_function("location.hash.includes('evil')")
        page.page.wait_for_selector("svg")
        assert_nothing_turns(page)
        page.close()
    words = ["explore", str(model), "--trust", "--export", str(tmp_path / "page.html")]
    assert CliRunner().invoke(main, words).exit_code == 0
    text = (tmp_path / "page.html").read_text()
    assert not set(TURNED).difference("kevil").intersection(text)
    assert_nothing_turns(seen((tmp_path / "page.html").as_uri(), width=400, height=800))
