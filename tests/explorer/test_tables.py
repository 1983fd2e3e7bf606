"""The tables of the page: all measures, a finite world with and without correlation, claims."""

import math
import re
from urllib.parse import urlencode

import pytest

from causalopt import compare, finite, op
from causalopt.explorer.correlation import MOST_SHOWN
from causalopt.explorer.serving import Subject, served
from causalopt.language.tables import table
from causalopt.model.system import System
from causalopt.study import Claim, Study, load_model
from tests.explorer.conftest import exploring

# What part 1 begins with: rows high, low, off; columns hot, warm, cold.
P_0 = ["0", "0", "1/3", "0", "1/3", "0", "1/3", "0", "0"]


def subject_of(name):
    return Subject.of(load_model(name), name)


@pytest.fixture(scope="module")
def dumb():
    return subject_of("dumb_thermostat")


def told(subject, what, **said):
    return served(subject, {"do": what, "address": "", **said})


def tables(subject, address="", **written):
    """The tables, as an address asks for them: masses, and steps before and after the split."""
    pairs = [(key, value) for key, value in written.items() if key != "masses"]
    pairs += [("mass", mass) for mass in written.get("masses", ())]
    return told(subject, "tables", address=f"{address}&{urlencode(pairs)}")


# -- all measures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["continuous_thermostat", "divided_network"])
def test_the_table_is_that_of_compare(name):
    subject = subject_of(name)
    rows = told(subject, "measures")["rows"]
    setting = subject.setting({})
    expected = compare(
        subject.model, setting.A, setting.m, n=setting.n, steps=setting.screen.steps
    ).rows
    assert [row["why"] for row in rows] == [row.why for row in expected]
    assert [row["value"] for row in rows if not row["why"]] == [
        row.cells()[2] for row in expected if not row.why
    ]
    (found,) = (row for row in rows if row["measure"] == "op")
    assert found["digits"] == told(subject, "answer")["verdict"]["value"]
    assert found["unit"] == "nat"


def test_a_finite_world_is_asked_with_every_state_alike(dumb):
    found = told(dumb, "measures", address="steps=1")
    values = {row["measure"]: row for row in found["rows"]}
    assert "as likely" in found["note"]
    # From hot, high and low lead to hot, and off to warm: one bit.
    assert values["empowerment"]["digits"] == "1"
    assert values["empowerment"]["unit"] == "bit"
    assert "nothing adds to a name" in values["op"]["why"]


# -- with and without correlation ------------------------------------------------------------------


def test_the_tables_are_those_of_part_1(dumb):
    found = tables(dumb, masses=P_0, before=0, after=1)
    P, apart, later, apart_later = (table["cells"] for table in found["tables"])
    assert [row[:-1] for row in P[:-1]] == [P_0[:3], P_0[3:6], P_0[6:]]
    assert {cell for row in apart[:-1] for cell in row[:-1]} == {"1/9"}
    # Decorrelated, a mass is the product of the sums at its margins.
    assert all(row[-1] == "1/3" for row in P[:-1])
    assert P[-1] == ["1/3", "1/3", "1/3", "1"]
    # "From the masses of P_1, in thirds" and "P'_1, in ninths", as printed.
    assert [row[:-1] for row in later[:-1]] == [["0", "1/3", "0"]] * 3
    assert [row[:-1] for row in apart_later[:-1]] == [
        ["0", "1/9", "2/9"], ["1/9", "1/9", "1/9"], ["2/9", "1/9", "0"],
    ]  # fmt: skip
    sums = {row["words"].split(" =")[0].split(",")[0]: float(row["bits"]) for row in found["sums"]}
    # Entropies by hand: of three thirds, of nine ninths, and of two 2/9 and five 1/9.
    thirds, ninths = math.log2(3), math.log2(9)
    assert sums["S1"] == pytest.approx(thirds, rel=1e-9)
    assert sums["S2"] == pytest.approx(ninths, rel=1e-9)
    assert sums["S3"] == pytest.approx(thirds, rel=1e-9)
    assert sums["S4"] == pytest.approx(ninths - 4 / 9, rel=1e-9)
    assert sums["strength"] == pytest.approx(ninths - 4 / 9 - thirds, rel=1e-9)
    assert sums["adjusted strength"] == pytest.approx(-4 / 9, rel=1e-9)


def test_the_rows_are_those_of_A_whatever_the_order_of_the_variables(dumb):
    T_first = tables(dumb, masses=P_0, before=0, after=2)
    turned = [P_0[3 * column + row] for row in range(3) for column in range(3)]
    R_first = tables(dumb, address="A=R&n=T[0]&m=T", masses=turned, before=0, after=2)
    assert R_first["corner"] == "R \\ T"
    for one, other in zip(T_first["tables"], R_first["tables"], strict=True):
        assert one["cells"] == [list(column) for column in zip(*other["cells"], strict=True)]


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"masses": ["1/2"] * 9}, "add up"),
        ({"masses": ["1/2"]}, "1 masses are written for 9"),
        ({"masses": ["1/0", *P_0[1:]]}, "write a number"),
        ({"masses": ["__import__('os')", *P_0[1:]]}, "write a number"),
        ({"masses": ["1e999999999", *P_0[1:]]}, "write a number"),
        ({"masses": ["9" * 10_000, *P_0[1:]]}, "write a number"),
        ({"before": -1}, "before=-1: write a whole number from 0 to 100"),
        ({"after": 0}, "after=0: write a whole number from 1 to 100"),
        ({"after": "many"}, "whole number"),
        ({"address": "A=T&A=R"}, "A is all that there is"),
    ],
)
def test_what_has_no_tables_is_told(dumb, said, word):
    fault = tables(dumb, **{"before": 1, "after": 1, **said})["fault"]
    assert word in fault.replace("sum", "add up")


def test_more_states_than_can_be_shown_are_told():
    size = MOST_SHOWN + 1
    many, few = finite("many", list(range(size))), finite("few", ["a"])
    system = System(
        {many: table(many, {k: k for k in range(size)}), few: table(few, {"a": "a"})},
        start={many: 0, few: "a"},
    )
    subject = Subject.of(Study(name="m", title="m", source="m", system=system), "m.py")
    assert "too many" in tables(subject, address="A=many", before=1, after=1)["fault"]


# -- claims and derivations ------------------------------------------------------------------------


def test_claims_are_listed_without_being_computed_and_judged_when_asked(dumb):
    listed = told(dumb, "facts")["claims"]
    assert [claim["statement"] for claim in listed] == [c.statement for c in dumb.study.claims]
    words = [told(dumb, "claim", number=number)["word"] for number in range(len(listed))]
    assert words[0] == "differs"
    assert words.count("reproduced") == len(words) - 1
    first = told(dumb, "claim", number=0)
    assert first["reason"] == dumb.study.claims[0].reason.text
    assert first["wrong"] == ""


def test_a_claim_that_cannot_stand_or_fails_is_told():
    system = subject_of("divided_network").study.system
    claims = (
        Claim("two", "s", 3.0, lambda: 2.0),
        Claim("none", "s", 1.0, lambda: 1 / 0),
    )
    study = Study(name="m", title="m", source="m", system=system, claims=claims)
    subject = Subject.of(study, "m.py")
    assert told(subject, "claim", number=0)["wrong"] == "differs, and gives no reason"
    assert "ZeroDivisionError" in told(subject, "claim", number=1)["fault"]
    for number in (2, -1, "0", None):
        assert "no claim of number" in told(subject, "claim", number=number)["fault"]


@pytest.mark.long
def test_a_derivation_is_read_without_verdicts_and_checked_with_them():
    subject = subject_of("gradient_descent")
    report = subject.study.derivations[0]().check()
    for checked in (False, True):
        found = told(subject, "derivation", number=0, checked=checked)
        assert found["title"] == report.derivation.title
        assert len(found["steps"]) == len(report.derivation.steps)
        assert len(found["givens"]) == len(report.derivation.given)
        statuses = [str(v.status) if checked else "" for v in report.verdicts]
        assert [step["status"] for step in found["steps"]] == statuses
    formulas = [piece["text"] for step in found["steps"] for piece in step["line"]
                if piece["kind"] == "formula"]  # fmt: skip
    assert all(text.startswith("<math ") for text in formulas)


# -- in the browser --------------------------------------------------------------------------------


def test_tabs_are_turned_by_arrow_keys_and_tables_are_made(seen, dumb_link):
    page = seen(dumb_link, width=400, height=800)
    at = page.page.evaluate
    assert page.page.locator("[role=tab]").all_inner_texts() == ["Measures", "Tables", "Claims"]
    page.page.focus("#tab-measures")
    turns = {"ArrowRight": "tables", "End": "claims", "ArrowLeft": "tables", "Home": "measures"}
    around = [("ArrowLeft", "claims"), ("ArrowRight", "measures"), ("ArrowRight", "tables")]
    for key, tab in (*turns.items(), *around):
        page.page.keyboard.press(key)
        assert at("document.activeElement.id") == f"tab-{tab}"
        assert page.page.locator("[role=tabpanel]:visible").get_attribute("id") == f"panel-{tab}"
    page.page.focus("text=Show the tables")
    page.page.keyboard.press("Enter")
    page.page.click("text=Write the masses")
    for field, mass in zip(page.page.locator(".mass").all(), P_0, strict=True):
        field.fill(mass)
    page.page.fill("input.few >> nth=0", "0")
    page.page.focus("text=Take these")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector("td:has-text('1.140518056')")
    assert at("document.activeElement.textContent") == "Take these"
    page.page.fill(".mass >> nth=0", "1")
    page.page.click("text=Take these")
    page.page.wait_for_selector("#panel-tables .fault")
    assert at("document.documentElement.scrollWidth") <= 400


def test_measures_and_claims_are_shown(seen, thermostat_link):
    page = seen(thermostat_link)
    page.page.click("#tab-measures")
    page.page.click("text=Ask every measure")
    named = page.page.locator("th", has_text=re.compile("^op$"))
    row = page.page.locator("#panel-measures tr", has=named)
    row.wait_for()
    model = load_model("continuous_thermostat").system
    T, R = model.find("T"), model.find("R")
    assert repr(op(model, A=T, n=R[0], m=R[1000], steps=1000).item()) in row.inner_text()
    page.page.click("#tab-claims")
    page.page.focus("text=Check all")
    page.page.keyboard.press("Enter")
    page.page.wait_for_function("() => document.body.innerText.includes('7 reproduced, of 7.')")


@pytest.mark.long
def test_a_derivation_is_shown_as_mathematics(seen):
    with exploring("gradient_descent") as (_, link):
        page = seen(link)
        page.page.click("#tab-derivations")
        page.page.click("text=Read the derivation")
        page.page.wait_for_selector(".derivation math mfrac")
        assert page.page.locator(".derivation ol > li").count() == 4
        # It is of the study: no value that is moved makes it pale.
        page.page.fill('input[type="number"][data-key="p.T"]', "0.4")
        page.settled("p.T=0.4")
        assert not page.page.query_selector("#panel-derivations .stale")
        page.close()


MATHS = """async (text) => {
    const { formula } = await import("./math.js");
    const made = formula(text), place = document.createElement("p");
    place.append(made);
    document.body.append(place);
    return [place.querySelectorAll("*").length, place.textContent,
        [...place.querySelectorAll("*")].flatMap((e) => e.getAttributeNames())];
}"""
MATHML, HTML = "http://www.w3.org/1998/Math/MathML", "http://www.w3.org/1999/xhtml"


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        (f'<math xmlns="{MATHML}"><mi onclick="harm()" href="x">x</mi></math>', 2),
        (f'<math xmlns="{MATHML}"><script xmlns="{HTML}">window.harmed = 1</script></math>', 1),
        (f'<math xmlns="{HTML}"><script>window.harmed = 1</script></math>', 0),
        (f'<p xmlns="{MATHML}">x</p>', 0),
        ("<math", 0),
    ],
)
def test_of_a_formula_only_mathematics_reaches_the_page(browser, thermostat_link, text, elements):
    page = browser.new_page()
    page.goto(thermostat_link)
    count, shown, attributes = page.evaluate(MATHS, text)
    assert count == elements
    assert attributes == []
    assert shown
    assert page.evaluate("window.harmed") is None
    page.close()
