"""The page that a run writes: what was declared, drawn, computed and judged; no text runs."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from causalopt import System, parameter, run, variable, variables
from causalopt.ground import palette
from causalopt.study import Claim, Experiment, Reason, Study, compare, load_model, model_files
from causalopt.study.findings import Findings, write_findings

EVIL = "</pre><script>alert(1)</script>&\\(x\\)"


class Elements(HTMLParser):
    """The elements of a page, each with its attributes and its text."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs), []))
        if tag not in ("meta", "img", "br"):
            self.open.append(self.found[-1])

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        for _, _, text in self.open:
            text.append(data)

    def all(self, tag):
        return [(attrs, "".join(text)) for name, attrs, text in self.found if name == tag]


def course(data):
    """The room over time.

    More of it.
    """


def written(folder, study, file=None, **found):
    findings = Findings(study, file or Path("mine.py"), **found)
    findings.comparisons += [compare(claim) for claim in study.claims]
    write_findings(findings, folder)
    return Elements((folder / "index.html").read_text(encoding="utf-8"))


a, b = variables("a b")
k = parameter("k")
system = System({a: a - k * b / 3, b: a**2}, start={a: 1, b: 0}, parameters={k: 0.25})
because = Reason("the printed sign is wrong", lambda: True)
study = Study(
    name="mine",
    title="Mine & yours",
    source="a notebook",
    system=system,
    experiments=(
        Experiment("e", "Over time", lambda: run(system.world(steps=3)),
                   {"course": course, "the_end": lambda data: None}),
    ),
    claims=(
        Claim("it is warm", "p. 3", True, lambda: True),
        Claim("it is 20", "p. 4", 20.0, lambda: 61 / 3, reason=because),
        Claim("it is 21", "p. 5", 21.0, lambda: 22.0),
    ),
)  # fmt: skip


def test_the_page_has_all_of_it(tmp_path):
    (tmp_path / "e.nc").write_bytes(b"")
    page = written(tmp_path, study, figures={"e": ["course", "the_end"]})
    assert [text for _, text in page.all("h1")] == ["Mine & yours"]
    assert [text for _, text in page.all("h2")] == ["Declaration", "Over time", "Claims"]
    assert "Source: a notebook" in [text for _, text in page.all("p")]
    assert len(page.all("mtr")) == 2
    assert len(page.all("mfrac")) == len(page.all("msup")) - 2 == 1
    ((_, declared),) = page.all("pre")
    assert declared == str(system)
    assert [text for _, text in page.all("figcaption")] == ["The room over time.", "The end."]
    assert [image["src"] for image, _ in page.all("img")] == ["course.svg", "the_end.svg"]
    assert [link["href"] for link, _ in page.all("a")] == ["e.nc"]


def test_each_claim_has_both_values_its_verdict_and_its_reason(tmp_path):
    page = written(tmp_path, study)
    head, *rows = (text for _, text in page.all("tr"))
    assert head == "claimpublishedcomputedverdict"
    assert rows[0] == "it is warmp. 3as statedTrue✓ reproduced"
    assert rows[1] == (
        "it is 20p. 4Differs, because the printed sign is wrong2020.33333333≠ differs"
    )
    assert rows[2] == "it is 21p. 5differs, and gives no reason2122≠ differs"
    assert [a["class"] for a, _ in page.all("td") if "class" in a] == [
        "verdict reproduced", "verdict differs", "verdict differs fault"
    ]  # fmt: skip


def test_what_failed_and_a_stop_are_told(tmp_path):
    page = written(tmp_path, study, failed=["the figure course"], stopped=True)
    notes = [text for about, text in page.all("p") if about.get("class") == "note"]
    assert notes == [
        "This run was stopped: what is here was finished by then.",
        "These failed: the figure course.",
    ]


def test_the_page_has_the_colours_of_the_house_and_needs_nothing_from_elsewhere(tmp_path):
    written(tmp_path, study, figures={"e": ["course"]})
    text = (tmp_path / "index.html").read_text()
    assert all(colour in text for colour in (palette.INK, palette.GREEN, palette.RED))
    assert not re.search(r"https?://(?!www\.w3\.org/1998/Math)", text)
    assert "<script" not in text


def test_names_and_words_stay_text(tmp_path):
    odd = variable(EVIL)
    evil = Study(
        name="evil",
        title=EVIL,
        source=EVIL,
        system=System({odd: odd / 2}, start={odd: 1}),
        experiments=(Experiment("a&b", EVIL, lambda: None, {"<b>": lambda _: None}),),
        claims=(Claim(EVIL, EVIL, EVIL, lambda: EVIL + EVIL, reason=Reason(EVIL, lambda: True)),),
    )
    page = written(tmp_path, evil, figures={"a&b": ["<b>"]}, failed=[EVIL])
    assert not page.all("script")
    assert not page.all("b")
    assert [text for _, text in page.all("h1")] == [EVIL]
    assert page.all("pre")[0][1] == str(evil.system)
    assert page.all("img")[0][0] == {"src": "%3Cb%3E.svg", "alt": "<b>."}
    assert EVIL in page.all("td")[0][1]


@pytest.mark.parametrize("name", model_files())
def test_the_equations_of_every_model_are_set(name, tmp_path):
    one = load_model(name)
    file = model_files()[name]
    page = written(tmp_path, Study(one.name, one.title, one.source, one.system), file)
    assert len(page.all("pre")) == (one.system is not None)
    formulas = page.all("math")
    assert len(formulas) == (one.system is not None and len(one.system._repr_latex_()) < 2000)
    # What a converter does not know it leaves as it is written.
    assert not [text for _, text in formulas if "&" in text or "\\" in text]
    captions = [e.caption(figure) for e in one.experiments for figure in e.figures]
    assert all(caption.endswith(".") and "_" not in caption for caption in captions)
