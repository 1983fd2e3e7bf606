"""The gallery, a page a model, and the reproduction report, written from what the models show."""

from __future__ import annotations

import ast
import csv
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from evidence import Record, collect, kept, key_of, stale
from explored import link
from mathml import in_html
from pagewriter import option, plain, replace_pages, table, write_page
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.display import status_iterator

from causalopt.study import model_files

logger = logging.getLogger(__name__)

INDEX = """# Gallery

A page a model: what it declares, its figures, and what became of each published claim. All of it
is computed by the model files as these pages are built. Run one yourself: `causalopt run lorenz`.

::::{{container}} cards
{cards}
::::

{rest}

```{{toctree}}
:hidden:
:glob:

*
```
"""

REPORT = """# Reproduction

What the sources publish, and what this software computes. A claim is *reproduced* where the two
agree within the published digits. Where they differ, there is a reason, and a test that proves it.
{same} of {all} claims are reproduced. {shown} of {published} published figures have a counterpart.

## Claims

{claims}

## Derivations

Every step is proved, refuted by a counterexample, undecided, or exhausted at a limit on work, as
[derivations](derivations.md) tells; the pages of the models show them step by step.

{derivations}

## Figures

{figures}
"""

# -- a page a model ------------------------------------------------------------------------------


def model_page(record: Record, path: Path, folder: Path) -> str:
    """The page of one model, to stand in a folder."""
    name = record["name"]
    parts = [
        f"# {plain(record['title'])}",
        f"Source: {plain(record['source'])}. Run it: `causalopt run {name}`.",
        *_introduction(path),
        *link(name),
        *_declaration(record),
        *(part for item in record["experiments"] for part in _experiment(name, item)),
    ]
    if record["claims"]:
        parts += ["## Claims", claims_table([(plain(c["source"]), c) for c in record["claims"]])]
    if record["derivations"]:
        parts.append("## Derivations")
        parts += [_fenced("{raw} html", in_html(item["html"])) for item in record["derivations"]]
    file = os.path.relpath(path, folder)
    downloads = f"{{download}}`{path.name} <{file}>`"
    run = f"{{download}}`{name}.ipynb <models/{name}/{name}.ipynb>`"
    parts += [
        "## The model file",
        f"Download it as a file, {downloads}, or as a notebook that has been run, {run}.",
        _included(file),
    ]
    return "\n\n".join(parts) + "\n"


def _introduction(path: Path) -> list[str]:
    doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return [plain(part) for part in doc.split("\n\n")[1:]]


def _declaration(record: Record) -> Iterator[str]:
    if record["declaration"]:
        yield "## Declaration"
        yield f"$$\n{record['equations']}\n$$"
        yield _fenced("text", record["declaration"])
    if record["graph"]:
        name = record["name"]
        yield figure(name, record["graph"], anchor(name, "declared"), "The causal graph.")


def _experiment(model: str, experiment: Record) -> Iterator[str]:
    yield f"## {plain(experiment['title'])}"
    for drawn in experiment["figures"]:
        yield figure(model, drawn["file"], anchor(model, drawn["name"]), drawn["caption"])


def figure(model: str, file: str, name: str, caption: str) -> str:
    """A picture of a model, under a name, with its caption."""
    stem = Path(file).stem
    options = f":name: {name}\n:alt: {option(caption or stem)}\n:width: 100%"
    words = plain(caption) or f"`{stem}`"
    return f":::{{figure}} models/{model}/{file}\n{options}\n\n{words}\n:::"


def anchor(model: str, figure: str) -> str:
    """The name of a figure, on the whole site."""
    return f"figure-{model}-{figure}".lower().replace("_", "-")


def _fenced(kind: str, text: str) -> str:
    return f"```````{kind}\n{text}\n```````"


def _included(path: str) -> str:
    return f"```{{literalinclude}} {path}\n:language: python\n```"


def claims_table(claims: Iterable[tuple[str, Record]]) -> str:
    """Claims with where they are from, published beside computed; reasons below the statements."""
    rows = []
    for where, claim in claims:
        words = [plain(claim["statement"]), f"*{where}*"]
        if claim["reason"]:
            words.append(f"*Differs, because* {plain(claim['reason'])}")
        mark = "✓" if claim["verdict"] == "reproduced" else "≠"
        numbers = [plain(claim["published"]), plain(claim["computed"])]
        rows.append(["<br>".join(words), *numbers, f"{mark} {claim['verdict']}"])
    return table(["claim", "published", "computed", "verdict"], rows, "claims")


def gallery_index(records: Iterable[Record]) -> str:
    """A card for each model that has pictures, a line for each that has none."""
    cards, lines = [], []
    for record in records:
        name, title = record["name"], plain(record["title"])
        first = _first_picture(record)
        if first is None:
            lines.append(f"- [{title}]({name}.md): {plain(record['source'])}")
        else:
            head = f":::{{figure}} models/{name}/{first}\n:target: {name}.html"
            alt = option(record["title"])
            cards.append(f"{head}\n:alt: {alt}\n\n[{title}]({name}.md)\n:::")
    rest = ["## Derivations alone", "\n".join(lines)] if lines else []
    return INDEX.format(cards="\n".join(cards), rest="\n\n".join(rest))


def _first_picture(record: Record) -> str | None:
    files = [
        figure["file"] for experiment in record["experiments"] for figure in experiment["figures"]
    ]
    plots = [file for file in files if "graph" not in file]
    return next(iter(plots + files), record["graph"])


# -- the report ----------------------------------------------------------------------------------


def report(records: Iterable[Record], published: Iterable[Record]) -> str:
    """The report: claims by post, derivations by model, figures by post."""
    records, published = list(records), list(published)
    claims = [
        (f"[{plain(record['title'])}](gallery/{record['name']}.md)", claim)
        for record in records
        for claim in record["claims"]
    ]
    answers = counterparts(records)
    return REPORT.format(
        same=sum(claim["verdict"] == "reproduced" for _, claim in claims),
        all=len(claims),
        shown=sum(row["key"] in answers for row in published),
        published=len(published),
        claims=_sections(claims, lambda one: post_of(one[1]["source"]), claims_table),
        derivations=_derivations(records),
        figures=_sections(
            published, lambda row: row["post"], lambda rows: _figures_table(rows, answers)
        )
        or "None is listed yet.",
    )


def post_of(source: str) -> str:
    """The post that a source is in: the title in front, with its part.

    >>> post_of('"Defining Optimization in a Deeper Way", part 3, Example')
    'Defining Optimization in a Deeper Way, part 3'
    >>> post_of("arithmetic")
    'Other sources'
    """
    post = re.match(r'"([^"]+)"(, part \d+)?', source)
    return post[1] + (post[2] or "") if post else "Other sources"


def _sections(rows: list[Any], group: Any, shown: Any) -> str:
    names = sorted({group(row) for row in rows}, key=lambda name: (name == "Other sources", name))
    parts = []
    for name in names:
        parts += [f"### {plain(name)}", shown([row for row in rows if group(row) == name])]
    return "\n\n".join(parts)


def counterparts(records: Iterable[Record]) -> dict[str, list[str]]:
    """For the key of each published figure, links to the figures that answer it."""
    answers: dict[str, list[str]] = {}
    for record in records:
        for drawn in (f for experiment in record["experiments"] for f in experiment["figures"]):
            label = f"{record['name']}/{drawn['name']}"
            link = f"[{plain(label)}](#{anchor(record['name'], drawn['name'])})"
            for key in drawn["depicts"]:
                answers.setdefault(key, []).append(link)
    return answers


def _figures_table(rows: Iterable[Record], answers: dict[str, list[str]]) -> str:
    cells = [
        [plain(r["place"]), plain(r["shows"]), "<br>".join(answers.get(r["key"], ["**none**"]))]
        for r in rows
    ]
    return table(["place", "what the source shows", "counterpart"], cells, "figures")


def _derivations(records: Iterable[Record]) -> str:
    lines = []
    for record in records:
        for page in record["derivations"]:
            counts = ", ".join(f"{count} {word}" for word, count in page["counts"].items())
            title = f"[{plain(record['title'])}](gallery/{record['name']}.md)"
            lines.append([title, plain(page["title"]), counts])
    return table(["page", "derivation", "steps"], lines, "figures")


# -- the build -----------------------------------------------------------------------------------


def _write(app: Sphinx) -> None:
    docs = Path(app.srcdir)
    folder, chosen = docs / "gallery", app.config.gallery_models
    paths = {name: path for name, path in model_files().items() if not chosen or name in chosen}
    shown = folder / "models"
    count = len(stale(paths, shown))
    for _ in status_iterator(collect(paths, shown), "running models... ", length=count):
        pass
    found = {name: kept(shown / name, key_of(path)) for name, path in paths.items()}
    changed = [name for name, record in found.items() if record is None]
    if changed:
        raise ExtensionError(f"{changed} or the package changed as they ran: make the site again.")
    records = [record for record in found.values() if record is not None]
    for record in records:
        _complain(record)
    pages = {
        f"{name}.md": model_page(record, paths[name], folder)
        for name, record in zip(paths, records, strict=True)
    }
    replace_pages(folder, {"index.md": gallery_index(records), **pages})
    with (docs / "published_figures.csv").open(encoding="utf-8", newline="") as file:
        write_page(docs / "reproduction.md", report(records, list(csv.DictReader(file))))


def _complain(record: Record) -> None:
    for claim in record["claims"]:
        if claim["fault"]:
            logger.warning("%s: %s: %s", record["name"], claim["statement"], claim["fault"])
    for page in record["derivations"]:
        if page["unexpected"]:
            logger.warning("%s: %s: steps %s", record["name"], page["title"], page["unexpected"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the pages before they are read."""
    app.add_config_value("gallery_models", [], "env", list)
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
