"""The tab that is open is in the link and in the script: both bring back what stands in it."""

import contextlib
import io
from urllib.parse import urlencode

import pytest

from causalopt.explorer.facts import axes_of, axes_to
from causalopt.explorer.serving import Subject, served
from causalopt.study import load_model

# Rows high, low, off; columns hot, warm, cold.
P_0 = ["0", "0", "1/3", "0", "1/3", "0", "1/3", "0", "0"]
MASSES = urlencode([("mass", mass) for mass in P_0])


def subject_of(name):
    return Subject.of(load_model(name), name)


def made(subject, address):
    """What the script of an address makes, by name."""
    told = served(subject, {"do": "code", "address": address})
    scope = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(told["script"], "script", "exec"), scope)
    return scope


# -- the script ------------------------------------------------------------------------------------


def test_the_script_of_steering_gives_the_shares_and_the_ranking_of_the_page():
    subject = subject_of("find_the_thermostat")
    address = "tab=steering&ask=shares&ask=ranking&p.k=0.02&steps=300"
    scope = made(subject, address)
    shares = served(subject, {"do": "shares", "address": address})
    found = scope["shares"]
    pairs = zip(found["variable"].values, found["share"].values, strict=True)
    assert dict(pairs) == {row["variable"]: row["share"] for row in shares["rows"]}
    rows = served(subject, {"do": "ranking", "address": address})["rows"]
    for key in ("op2", "total", "chance"):
        assert scope["ranking"].data[key].values.tolist() == [row[key] for row in rows]
    assert "ranking" not in made(subject, "tab=steering&steps=300")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("continuous_thermostat", "tab=measures&steps=100&p.k=0.02"),
        ("dumb_thermostat", "tab=measures&steps=2"),
        ("divided_network", "tab=measures&s.b1=0.7"),
        ("continuous_thermostat", "tab=measures&steps=20&seed=3"),
    ],
)
def test_the_script_of_measures_gives_the_table_of_the_page(name, address):
    subject = subject_of(name)
    rows = served(subject, {"do": "measures", "address": address})["rows"]
    found = made(subject, address)["measures"].rows
    assert [row.why for row in found] == [row["why"] for row in rows]
    numbers = [str(row.measurement.value) for row in found if not row.why]
    assert numbers == [row["digits"] for row in rows if not row["why"]]
    assert numbers


@pytest.mark.parametrize(
    "written",
    ["", f"{MASSES}&before=0", f"{MASSES}&before=0&after=2", f"A=R&n=T[0]&m=T&{MASSES}&before=2"],
)
def test_the_script_of_tables_gives_the_masses_and_the_sums_of_the_page(written):
    subject = subject_of("dumb_thermostat")
    address = f"tab=tables&{written}"
    scope = made(subject, address)
    told = served(subject, {"do": "tables", "address": address})
    variables = (*scope["held"], *scope["rest"])
    laws = [scope[name] for name in ("P", "apart", "later", "apart_later")]
    for law, table in zip(laws, told["tables"], strict=True):
        for a, row in zip(told["rows"], table["cells"], strict=False):
            for b, cell in zip(told["columns"], row, strict=False):
                assert str(law.mass(dict(zip(variables, (a, b), strict=True)))) == cell
    exact = {line["words"]: line["exact"] for line in told["sums"]}
    assert str(scope["adjusted"].value) == exact["adjusted strength = strength − information"]


@pytest.mark.long
def test_the_script_of_claims_and_derivations_gives_the_verdicts_of_the_page():
    subject = subject_of("dumb_thermostat")
    words = [verdict.word for verdict in made(subject, "tab=claims")["verdicts"]]
    assert words == [
        served(subject, {"do": "claim", "number": number})["word"] for number in range(len(words))
    ]
    assert "differs" in words
    subject = subject_of("gradient_descent")
    (report,) = made(subject, "tab=derivations&steps=10")["reports"]
    told = served(subject, {"do": "derivation", "number": 0, "checked": True})
    assert [str(v.status) for v in report.verdicts] == [step["status"] for step in told["steps"]]


def test_a_tab_that_there_is_not_is_told():
    subject = subject_of("dumb_thermostat")
    fault = served(subject, {"do": "code", "address": "tab=tabels"})["fault"]
    assert "'tabels'" in fault
    assert "Did you mean tables" in fault


# -- the axes of a landscape -----------------------------------------------------------------------


def test_a_landscape_opens_over_values_that_reach_m():
    model = load_model("pit").system
    # The pick and the gradient are drawn and computed anew before anything reads them.
    assert [axis["key"] for axis in axes_of(model)] == ["p.T", "s.W"]
    assert axes_to(model, model.find("W")) == ["p.T", "s.W"]
    network = load_model("divided_network").system
    wiring = network.wiring(0).parents
    for key in axes_to(network, network.find("b6")):
        start = network.find(key[2:])
        assert any(start in parents for parents in wiring.values())


def test_what_follows_from_a_parameter_by_formulas_of_others_counts():
    from causalopt import System, parameters, variables
    from causalopt.explorer.reaching import Ways

    x, y = variables("x y")
    a, b, idle = parameters("a b idle")
    system = System(
        {x: b * x, y: y / 2}, start={x: 2 * a, y: 1}, parameters={a: 0.5, b: a / 2, idle: 1}
    )
    ways = Ways.of(system)
    assert ways.reached(a) == {x}
    assert ways.reached(idle) == frozenset()
    assert [axis["key"] for axis in axes_of(system)] == ["p.a", "s.y"]


def test_where_no_value_reaches_anything_there_is_no_landscape():
    facts = served(subject_of("annealing_landscape"), {"do": "facts"})
    assert facts["axes"] == facts["along"] == []


def test_of_what_is_moved_only_that_reaches_m_which_changes_it():
    """Each start value of a chain reaches what comes after it, and nothing before: by running."""
    from causalopt import System, run, variables
    from causalopt.explorer.reaching import Ways

    a, b, c, d = variables("a b c d")
    model = System({a: a / 2, b: a + 1, c: b.next * 2, d: c}, start=dict.fromkeys((a, b, c, d), 1))
    for moved in model.variables:
        by = run(model.world(steps=6), over={moved[0]: [1.0, 5.0]}).isel(time=slice(1, None))
        spread = by.std(str(moved[0]))
        changed = {v for v in model.variables if spread[str(v)].values.any()}
        assert Ways.of(model).reached(moved[0]) == changed, moved


# -- the link --------------------------------------------------------------------------------------


@pytest.mark.sampled(2)
@pytest.mark.parametrize("width", [1200, 400])
def test_the_link_brings_back_the_tab_and_what_was_asked_in_it(seen, width, dumb_link):
    page = seen(dumb_link, width=width, height=800)
    page.page.focus("#tab-measures")
    page.page.keyboard.press("ArrowRight")
    page.page.fill("input.few >> nth=0", "0")
    page.page.click("text=Show the tables")
    page.page.click("text=Write the masses")
    for field, mass in zip(page.page.locator(".mass").all(), P_0, strict=True):
        field.fill(mass)
    page.page.click("text=Take these")
    page.page.wait_for_selector("td:has-text('1.140518056')")
    assert not page.page.query_selector("#panel-tables .stale")
    again = seen(page.page.url, width=width, height=800)
    again.page.wait_for_selector("td:has-text('1.140518056')")
    assert again.page.input_value("input.few >> nth=0") == "0"
    assert [field.input_value() for field in again.page.locator(".mass").all()] == P_0
    assert again.page.get_attribute("#tab-tables", "aria-selected") == "true"
    assert again.page.evaluate("document.documentElement.scrollWidth") <= width
    again.page.fill("input.few >> nth=0", "1")
    again.page.wait_for_selector("#panel-tables .result.stale")
    again.page.fill("input.few >> nth=0", "0")
    again.page.wait_for_selector("#panel-tables .result:not(.stale)")
    for one in (again, page):
        one.close()


@pytest.mark.long
def test_the_link_ranks_again_and_waits_with_other_tabs_until_they_are_opened(seen, hidden_link):
    page = seen(
        f"{hidden_link}#tab=steering&ask=ranking&ask=measures&ask=landscape&along=p.k&steps=50"
    )
    page.page.wait_for_selector("#panel-steering table")
    assert page.page.locator("#panel-measures table").count() == 0
    assert page.page.locator("#panel-steering .bar").count() == 0
    page.page.click("#tab-measures")
    page.page.wait_for_selector("#panel-measures table")
    page.page.click("#tab-landscape")
    page.page.wait_for_selector(".landscape .ridge", state="attached")
    page.page.wait_for_selector("progress", state="hidden")
    assert not page.page.query_selector("#panel-landscape .stale")
    assert "tab=landscape" in page.page.url


def test_to_turn_a_tab_asks_nothing_of_the_curves(seen, thermostat_link):
    page = seen(thermostat_link)
    page.page.wait_for_function("() => location.hash.includes('steps=')")
    asked = []
    page.page.on("request", lambda request: asked.append(request.post_data or ""))
    page.page.click("#tab-claims")
    page.page.click("#tab-measures")
    page.page.wait_for_function("() => location.hash.includes('tab=measures')")
    assert not [request for request in asked if "answer" in request]


def test_a_link_that_is_pasted_into_an_open_page_turns_its_tabs(seen, thermostat_link):
    page = seen(thermostat_link)
    page.page.evaluate("location.hash = 'tab=claims&ask=claims'")
    page.page.wait_for_function("() => document.body.innerText.includes('7 reproduced, of 7.')")
    page.page.evaluate("location.hash = 'tab=nothing'")
    page.page.wait_for_selector("#panel-steering:not([hidden])")


def test_the_code_is_that_of_the_open_tab(seen, thermostat_link):
    page = seen(thermostat_link)
    page.page.click("#tab-measures")
    page.page.click("text=Copy as Python")
    page.page.wait_for_selector("pre.code:not([hidden])")
    assert "compare(model, A, m" in page.page.inner_text("pre.code")
