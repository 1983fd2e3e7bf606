"""What the site is made with: text comes out as written, formulas are set, nothing is left out."""

import ast
import base64
import contextlib
import csv
import inspect
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import docutils.core
import evidence
import executed
import explored
import gallery
import mathml
import pagewriter
import pytest
import reference
from docutils import nodes
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from myst_parser.parsers.docutils_ import Parser
from sphinx.errors import SphinxError

import causalopt
from causalopt.study import load_model, model_files

ROOT = Path(__file__).parents[2]
PRINTED = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])).map(str.strip)
LINES = st.lists(PRINTED.filter(bool), min_size=1).map(" ".join)

MODEL = '''"""A model made for this test."""

from causalopt import System, plots, run, variables
from causalopt.study import Claim, Experiment, Study

(x,) = variables("x")
halving = System({x: x / 2}, start={x: 1})


def course(data):
    """The *course* of x | its <b>."""
    with plots.figure() as (picture, ax):
        plots.over_time(data["x"], ax)
    return picture


study = Study(
    "halves", "Half & half", '"A Post", part 1', halving,
    (Experiment("one", "x over time", lambda: run(halving.world(3)), {"course": course},
                {"course": ("a-post/1",)}),),
    (Claim("x | ends at *1/8*", '"A Post", part 1', 0.125, lambda: 0.125),),
)
'''


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    """The file of a small model, the folder of its evidence, and the record."""
    folder = tmp_path_factory.mktemp("site")
    path = folder / "halves.py"
    path.write_text(MODEL)
    assert list(evidence.collect({"halves": path}, folder / "made")) == ["halves"]
    shown = folder / "made" / "halves"
    return path, shown, evidence.kept(shown, evidence.key_of(path))


def published():
    rows = "key,post,place,shows\na-post/1,A Post,top,x falls\na-post/2,A Post,end,x rises\n"
    return list(csv.DictReader(io.StringIO(rows)))


# -- text ----------------------------------------------------------------------------------------


@given(LINES)
def test_text_comes_out_of_markdown_as_it_went_in(text):
    (paragraph,) = [t for t in MarkdownIt().parse(pagewriter.plain(text)) if t.type == "inline"]
    assert {child.type for child in paragraph.children} <= {"text", "text_special"}
    assert "".join(child.content for child in paragraph.children) == " ".join(text.split())


@given(LINES)
def test_text_stays_in_its_cell_of_a_table(text):
    made = pagewriter.table(["a", "b"], [[pagewriter.plain(text), "end"]], "k").split("\n", 1)[1]
    parsed = MarkdownIt("commonmark").enable("table").parse(made)
    cells = [t for t in parsed if t.type == "inline"][2:]
    assert len(cells) == 2
    assert "".join(child.content for child in cells[0].children) == " ".join(text.split())


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1))
def test_docstrings_are_text_but_for_double_backticks(word):
    line = "see " + word.replace("``", "") + " there"
    told = io.StringIO()
    made = docutils.core.publish_doctree(
        "\n".join(reference.as_rst([line])), settings_overrides={"warning_stream": told}
    )
    assert made.astext() == line
    assert told.getvalue() == ""


def test_every_docstring_of_the_face_is_read_without_a_complaint():
    for names in reference.exported().values():
        for name in names:
            lines = (getattr(causalopt, name).__doc__ or "").strip().split("\n")
            told = io.StringIO()
            text = "\n".join(reference.as_rst([lines[0], *(row[4:] for row in lines[1:])]))
            docutils.core.publish_doctree(
                text.replace("code-block::", "code::"),
                settings_overrides={"warning_stream": told, "syntax_highlight": "none"},
            )
            assert told.getvalue() == "", name


def test_the_reference_has_every_public_name():
    pages = reference.pages()
    entries = "\n".join(pages.values())
    found = set(re.findall(r"auto\w+:: causalopt\.(\w+)$", entries, flags=re.M))
    # Names of Python's own library are imported by name alone.
    assert found == {*causalopt.__all__, "array", "time"}
    for page in set(pages) - {"index.md"}:
        assert f"]({page})" in pages["index.md"]


# -- formulas ------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/**/*.md")), ids=lambda p: p.stem)
def test_formulas_on_the_pages_can_be_set(page):
    for latex in re.findall(r"^\$\$\n(.*?)^\$\$$", page.read_text(), flags=re.S | re.M):
        assert "<mi" in mathml.formula(latex, block=True)


def test_a_formula_that_cannot_be_set_is_named():
    with pytest.raises(SphinxError, match=r"\\nonsense"):
        mathml.formula(r"\nonsense{x}")


def test_labels_in_formulas_run_nothing():
    made = mathml.in_html(r"<p>\(x &lt; \text{&lt;script&gt;}\)</p>")
    assert "<script" not in made
    assert made.count("<math") == 1


# -- evidence ------------------------------------------------------------------------------------


def test_evidence_is_made_once_and_again_when_the_model_changes(halves, tmp_path):
    path, shown, record = halves
    assert record["claims"][0]["verdict"] == "reproduced"
    assert (shown / record["graph"]).stat().st_size > 1000
    assert list(evidence.collect({"halves": path}, shown.parent)) == []
    changed = tmp_path / "halves.py"
    changed.write_text(MODEL + "\n# changed\n")
    assert evidence.kept(shown, evidence.key_of(changed)) is None


def test_a_step_stopped_at_a_limit_is_shown_and_never_relied_on(halves, tmp_path):
    path, _, record = halves
    names = {"halves": path}
    (tmp_path / "halves").mkdir()
    for counts, again in (({"proved": 2}, []), ({"proved": 1, "exhausted": 1}, ["halves"])):
        pages = [{"title": "page", "counts": counts}]
        text = json.dumps({**record, "derivations": pages})
        (tmp_path / "halves" / evidence.RECORD).write_text(text)
        assert evidence.stale(names, tmp_path) == again
        assert evidence.kept(tmp_path / "halves", evidence.key_of(path))["derivations"] == pages


def test_a_damaged_record_is_no_record(halves, tmp_path):
    path, _, record = halves
    (tmp_path / evidence.RECORD).write_text(json.dumps(record)[:-9])
    assert evidence.kept(tmp_path, evidence.key_of(path)) is None


def test_a_model_that_fails_is_named_and_leaves_no_folder(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("raise ValueError('no such luck')\n")
    with pytest.raises(RuntimeError, match=r"(?s)broken: .*no such luck"):
        list(evidence.collect({"broken": broken}, tmp_path / "made"))
    assert list((tmp_path / "made").iterdir()) == []


# -- pages of models and the report --------------------------------------------------------------


@given(LINES)
def test_a_caption_comes_out_as_written_and_so_does_the_text_beside_the_picture(caption):
    words = " ".join(caption.split())
    told = io.StringIO()
    tree = docutils.core.publish_doctree(
        gallery.figure("m", "a.svg", "name", words),
        parser=Parser(),
        settings_overrides={"myst_enable_extensions": ["colon_fence"], "warning_stream": told},
    )
    (image,), (under,) = tree.findall(nodes.image), tree.findall(nodes.caption)
    assert (image["alt"], under.astext(), told.getvalue()) == (words, words, "")


def test_a_models_page_has_all_of_it(halves):
    path, _, record = halves
    page = gallery.model_page(record, path, path.parent)
    for part in (
        r"# Half \& half",
        "{x}^{+}",
        "x[i+1] = x/2",
        "models/halves/graph.svg",
        ":name: figure-halves-course",
        r"The \*course\* of x \| its \<b\>\.",
        r"x \| ends at \*1\/8\*",
        "{literalinclude} halves.py",
    ):
        assert part in page, part


def test_some_models_have_a_page_of_the_explorer_made_anew_where_it_is_old(tmp_path, monkeypatch):
    assert set(explored.EXPLORED) <= set(model_files())
    name = "divided_network"
    path = model_files()[name]
    monkeypatch.setattr(explored, "EXPLORED", {name: ["b2=0:1:2"]})
    page = explored.explore(name, path, tmp_path)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    page.write_text("kept")
    assert explored.explore(name, path, tmp_path).read_text() == "kept"
    monkeypatch.setattr(explored, "EXPLORED", {name: ["b2=0:1:3"]})
    assert explored.explore(name, path, tmp_path).read_text() != "kept"
    assert explored.link("lorenz") == []


@pytest.mark.parametrize("name", model_files())
def test_every_figure_of_a_model_has_a_caption_of_its_own_in_words(name):
    for experiment in load_model(name).experiments:
        captions = [experiment.caption(figure) for figure in experiment.figures]
        assert len(set(captions)) == len(captions)
        for figure, caption in zip(experiment.figures, captions, strict=True):
            # What is made of a figure's name alone is no caption.
            assert experiment.figures[figure].__doc__, figure
            assert len(caption.split()) >= 4, caption
            assert caption.endswith("."), caption


def cells_of(shown, name):
    return json.loads((shown / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


def test_a_notebook_shows_what_its_cells_give(halves):
    cells = [cell for cell in cells_of(halves[1], "halves") if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    names, answers = {}, 0
    for cell in cells:
        # The first line of a notebook speaks to the notebook itself.
        source = re.sub(r"^%.*$", "", cell["source"], flags=re.M)
        *statements, last = ast.parse(source or "pass").body or [ast.Pass()]
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            exec(compile(ast.Module(statements, []), "cell", "exec"), names)
            is_value = isinstance(last, ast.Expr)
            kind = ast.Expression(last.value) if is_value else ast.Module([last], [])
            value = eval(compile(kind, "cell", "eval" if is_value else "exec"), names)
        for output in cell["outputs"]:
            answers += 1
            if output["output_type"] == "stream":
                assert output["text"] == told.getvalue()
            elif "image/png" in output["data"]:
                drawn = io.BytesIO()
                value.savefig(drawn, format="png")
                assert base64.b64decode(output["data"]["image/png"])[:8] == drawn.getvalue()[:8]
            else:
                assert output["data"]["text/plain"] == repr(value)
    assert answers == 4


def test_a_notebook_has_the_models_file_as_it_is(halves):
    sources = [cell["source"] for cell in cells_of(halves[1], "halves")]
    assert sources[0] == "# A model made for this test."
    assert MODEL.split('"""\n', 1)[1].strip() in sources
    assert "The *course* of x | its <b>." in sources


def test_a_model_that_reads_what_lies_beside_it_finds_it_in_a_notebook(tmp_path):
    path = tmp_path / "reads.py"
    path.write_text('"""Reads."""\n\nDATA = __file__\n')
    text = executed.notebook_text(path, executed.Shown(None, [], [], [], []))
    assert '__file__ = str(model_files()["reads"])' in json.loads(text)["cells"][1]["source"]


def test_parameters_are_lists_with_their_words():
    lines = reference.as_rst(inspect.getdoc(causalopt.comp).split("\n"))
    told = [line.split(":")[1] for line in lines if line.startswith(":param")]
    assert told == [f"param {name}" for name in inspect.signature(causalopt.comp).parameters]


def test_the_index_links_to_every_name_and_says_what_it_is():
    index = reference.pages()["index.md"]
    for name in causalopt.__all__:
        assert re.search(rf"^- {{py:obj}}`{name} <causalopt\.[\w.]+>`", index, flags=re.M), name


def test_the_report_counts_and_says_what_is_missing(halves):
    text = gallery.report([halves[2]], published())
    assert "1 of 1 claims are reproduced" in text
    assert "1 of 2 published figures have a counterpart" in text
    assert r"| top | x falls | [halves\/course](#figure-halves-course) |" in text
    assert "| end | x rises | **none** |" in text


def test_the_report_needs_no_published_figures(halves):
    assert "0 of 0 published figures" in gallery.report([halves[2]], [])


@pytest.mark.long
def test_the_site_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "-q", "docs", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    made = {page.stem for page in (tmp_path / "gallery").glob("*.html")}
    assert set(model_files()) <= made
    for name in explored.EXPLORED:
        page = (tmp_path / "gallery" / f"{name}.html").read_text(encoding="utf-8")
        (target,) = re.findall(r'<a href="([^"]+)">Move its values', page)
        assert (tmp_path / "gallery" / target).read_text(encoding="utf-8").startswith("<!doctype")
