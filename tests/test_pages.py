"""The examples on the pages run as they are written."""

import doctest
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from causalopt.cli import main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page):
    """The scripts on a page; sessions with prompts are doctests."""
    found = re.findall(r"^```python\n(.*?)^```$", page.read_text(), flags=re.S | re.M)
    return [block for block in found if not block.startswith(">>>")]


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=lambda p: p.name)
def test_examples_run_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks(page):
        exec(compile(block, str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
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
    first, _, last = map(float, capsys.readouterr().out.split())
    assert first == pytest.approx(10.143165, abs=1e-6)
    assert last == pytest.approx(20.607, abs=1e-3)
    assert (tmp_path / "worlds.svg").read_text().startswith("<?xml")


def test_the_readmes_model_file_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "warm_floor.py").write_text(blocks(ROOT / "README.md")[-1])
    found = CliRunner().invoke(main, ["run", "./warm_floor.py"])
    assert found.exit_code == 0, found.output
    assert "1 of 1 reproduced" in found.output


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target
