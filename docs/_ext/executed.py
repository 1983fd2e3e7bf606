"""A model as an executed notebook: its file as it is, then what each call of it gives.

The outputs are those of the run that made the pages, so that a notebook and its page agree.
"""

from __future__ import annotations

import ast
import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: What a cell shows, by MIME type.
Bundle = Mapping[str, str]

_PLOTS = "%matplotlib inline"
_CLAIMS = """from causalopt.study import compare

for claim in study.claims:
    print(f"{compare(claim).word}: {claim.statement}")"""


@dataclass(frozen=True)
class Shown:
    """What a model showed: its system, the text of each result, its figures by name, its claims."""

    system: Bundle | None
    results: Sequence[str]
    figures: Sequence[Mapping[str, bytes]]
    captions: Sequence[Mapping[str, str]]
    titles: Sequence[str]
    claims: Sequence[str] = field(default_factory=list)


def notebook_text(path: Path, shown: Shown) -> str:
    """The notebook of a model file as JSON, in version 4.5 of the format."""
    cells = list(_cells(path, shown))
    count = 0
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
        if cell["cell_type"] == "code":
            count += 1
            cell["execution_count"] = count
            for output in cell["outputs"]:
                if output["output_type"] == "execute_result":
                    output["execution_count"] = count
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    content = {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _cells(path: Path, shown: Shown) -> Iterator[dict[str, Any]]:
    words, code = _split(path.read_text(encoding="utf-8"))
    title, *rest = words.split("\n\n")
    yield _words("\n\n".join([f"# {' '.join(title.split())}", *rest]))
    before = [_PLOTS]
    if "__file__" in code:
        # A notebook is no file of its own: what lies beside the model is found by the model's.
        before += [
            "from causalopt.study import model_files",
            f'__file__ = str(model_files()["{path.stem}"])',
        ]
    yield _code("\n".join(before))
    yield _code(code)
    if shown.system is not None:
        yield _code("study.system", _result(shown.system))
    for i, title in enumerate(shown.titles):
        yield _words(f"## {title}")
        call = f"data = study.experiments[{i}].compute()\ndata"
        yield _code(call, _result({"text/plain": shown.results[i]}))
        for name, picture in shown.figures[i].items():
            yield _words(shown.captions[i][name])
            drawn = {"image/png": base64.b64encode(picture).decode(), "text/plain": "<Figure>"}
            yield _code(f"study.experiments[{i}].figures[{name!r}](data)", _result(drawn))
    if shown.claims:
        yield _words("## Claims")
        yield _code(_CLAIMS, _printed("\n".join(shown.claims) + "\n"))


def _split(source: str) -> tuple[str, str]:
    """What a file says of itself, and the code below it."""
    tree = ast.parse(source)
    first = tree.body[0]
    words = ast.get_docstring(tree) or ""
    lines = source.splitlines()
    return words, "\n".join(lines[first.end_lineno if words else 0 :]).strip()


def _words(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _code(text: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "outputs": list(outputs), "source": text}


def _result(data: Bundle) -> dict[str, Any]:
    return {"output_type": "execute_result", "metadata": {}, "data": dict(data)}


def _printed(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}
