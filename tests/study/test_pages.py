"""The examples on the pages run as they are written."""

import doctest
import html
import importlib.metadata
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from causalopt.language.words import tex
from causalopt.study import Claim, Comparison, Reason, compare, pages
from causalopt.study.terminal import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# What `make docs` writes is no page of ours.
MADE = (
    *(DOCS / name for name in ("_build", "gallery", "reference", "reproduction.md")),
    DOCS / "measures" / "desiderata.md",
)
PAGES = [
    ROOT / "README.md",
    *(p for p in sorted(DOCS.rglob("*.md")) if not {p, *p.parents} & set(MADE)),
]

LONG = {
    "arrays", "derivations", "large_systems", "plots", "pytorch", "solvers", "where_learned",
    "which_units",
}  # fmt: skip


def blocks(page):
    """The scripts on a page; sessions with prompts are doctests."""
    found = re.findall(r"^```python\n(.*?)^```$", page.read_text(), flags=re.S | re.M)
    return [block for block in found if not block.startswith(">>>")]


def pages_of(pages):
    """Each page; those that compute for many seconds in the long run alone."""
    marked = [
        pytest.param(page, marks=[pytest.mark.long] * (page.stem in LONG), id=str(one))
        for page in pages
        for one in [page.relative_to(ROOT)]
    ]
    return pytest.mark.parametrize("page", marked)


@pages_of(p for p in PAGES if blocks(p))
def test_examples_run_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks(page):
        exec(compile(block, str(page), "exec"), names)


@pages_of(PAGES)
def test_sessions_answer_as_printed(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = page.read_text().replace("```python\n", "").replace("```\n", "\n")
    session = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    assert doctest.DocTestRunner(optionflags=flags).run(session).failed == 0


def test_the_readme_prints_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks(ROOT / "README.md")[:2]:
        exec(compile(block, "README.md", "exec"), names)
    first, *rooms, last = map(float, re.findall(r"[\d.]+", capsys.readouterr().out))
    assert first == pytest.approx(10.143165, abs=1e-6)
    assert rooms == pytest.approx([25.0004, 25.0004, 26.0004], abs=5e-5)
    assert last == pytest.approx(20.607, abs=1e-3)
    assert (tmp_path / "worlds.svg").read_text().startswith("<?xml")


def test_the_guides_model_file_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "warm_floor.py").write_text(blocks(DOCS / "guides/model_files.md")[0])
    found = CliRunner().invoke(main, ["run", "./warm_floor.py"])
    assert found.exit_code == 0, found.output
    assert "1 of 1 reproduced" in found.output


@pytest.mark.parametrize("name", ["<b>x</b>", "<script>alert(1)</script>", "{<i>}", "a & <b>"])
def test_names_in_formulas_stay_text(name):
    words = tex(name)
    page = pages.page("names", [rf"<p>\({html.escape(words)} < 1\)</p>"])
    parsed = ElementTree.fromstring(page[page.index("<math") : page.index("</math>") + 7])
    assert {one.tag.split("}")[1] for one in parsed.iter()} <= {
        "math",
        "mrow",
        "mtext",
        "mi",
        "mo",
        "mn",
    }


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "&lt;b&gt;",
    r"\(x\)",
    "a & b",
]


def page_that_says(text):
    """A page whose titles, captions, claims, values, reasons and faults are one text, parsed."""
    reason = Reason(text, lambda: True)
    told = [
        compare(Claim(text, text, 1.0, lambda: 2.0, reason=reason)),
        Comparison(Claim(text, text, (text,), lambda: text), text, False, text),
    ]
    page = pages.page(text, [pages.claims(told), pages.figures(text, [(text, text)])])
    start = page.index("<body>")
    body = page[start:].replace("<br>", "<br/>").replace("</html>", "")
    body = re.sub(r"(<img[^>]*)>", r"\1/>", body)  # the rest of it is XML as it stands
    return ElementTree.fromstring(body)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_said_of_a_claim_stays_text(text):
    parsed = page_that_says(text)
    harmless = page_that_says("harmless")
    assert [(part.tag, sorted(part.attrib)) for part in parsed.iter()] == [
        (part.tag, sorted(part.attrib)) for part in harmless.iter()
    ]
    words = "".join(parsed.itertext())
    assert f"because {text}" in words
    assert words.count(text) >= 7  # two titles, two statements, two values, a reason, a fault


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        found = (page.parent / target).resolve()
        if not target.startswith("http") and not {found, *found.parents} & set(MADE):
            assert found.exists(), target


def test_the_citation_is_of_this_version():
    version = importlib.metadata.version("causalopt")
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()


def sessions(page):
    """The commands in a page's terminal sessions, with what each prints."""
    found = re.findall(r"^```console\n(.*?)^```$", page.read_text(), flags=re.S | re.M)
    asked = "".join(found).split("$ causalopt ")[1:]
    return [tuple(one.partition("\n")[::2]) for one in asked]


@pytest.mark.parametrize("page", [p for p in PAGES if sessions(p)], ids=lambda p: p.name)
def test_terminal_sessions_print_what_they_say(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words, printed in sessions(page):
        found = CliRunner().invoke(main, words.split())
        assert found.exit_code == 0, words
        flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
        assert doctest.OutputChecker().check_output(printed, found.output, flags), words
