"""What a model shows: its figures, judged claims and checked derivations, kept until it changes.

Run as a script, ``python evidence.py MODEL FOLDER`` runs one model and fills the folder; the last
file to be written is the record, so that a folder that has one is whole.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from executed import Shown, notebook_text
from IPython.core.formatters import DisplayFormatter

import causalopt
from causalopt.drawing import draw
from causalopt.ground.errors import CausaloptError
from causalopt.study import Comparison, Experiment, Study, compare, load_model, notebook, storage

RECORD = "record.json"
#: The libraries whose versions can change a figure or a digit.
LIBRARIES = ("numpy", "scipy", "sympy", "numba", "xarray", "matplotlib", "pygraphviz")
#: A picture with more bytes than this is shown as PNG: a browser is slow on so many points.
LARGEST_SVG = 600_000

Record = Mapping[str, Any]


# -- which evidence is still good ----------------------------------------------------------------


def key_of(path: Path) -> str:
    """A hash of all that decides what a model shows: its file, the package, the libraries."""
    digest = hashlib.sha256(path.read_bytes())
    digest.update(_package_hash().encode())
    return digest.hexdigest()


@functools.cache
def _package_hash() -> str:
    digest = hashlib.sha256(platform.python_version().encode())
    for name in LIBRARIES:
        digest.update(f"{name} {importlib.metadata.version(name)}".encode())
    package = Path(causalopt.__file__).parent
    here = [Path(__file__), Path(__file__).with_name("executed.py")]
    for file in sorted(package.rglob("*")) + here:
        if file.suffix in (".py", ".pyi", ".mplstyle"):
            digest.update(str(file.relative_to(package.parent)).encode() + file.read_bytes())
    return digest.hexdigest()


def kept(folder: Path, key: str) -> Record | None:
    """The record of a folder, where it was made from what the key stands for."""
    try:
        record: Record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if record.get("key") == key else None


def stale(paths: Mapping[str, Path], gallery: Path) -> list[str]:
    """The models to be run: without good evidence, or with a step that was stopped at a limit.

    What was stopped may be decided the next time, and so is shown, but never relied on.
    """
    records = {name: kept(gallery / name, key_of(path)) for name, path in paths.items()}
    return [name for name, record in records.items() if record is None or _was_stopped(record)]


def _was_stopped(record: Record) -> bool:
    return any("exhausted" in page["counts"] for page in record["derivations"])


def collect(paths: Mapping[str, Path], gallery: Path, workers: int = 2) -> Iterator[str]:
    """Run the models whose evidence is not good any more, and give the name of each when done.

    A model that fails does not stop the others; ``RuntimeError`` tells of all that failed.
    """
    gallery.mkdir(parents=True, exist_ok=True)
    failed = []
    with ThreadPoolExecutor(workers) as pool:
        runs = {
            pool.submit(_renew, paths[name], gallery / name): name for name in stale(paths, gallery)
        }
        for run in as_completed(runs):
            if run.exception() is None:
                yield runs[run]
            else:
                failed.append(f"{runs[run]}: {run.exception()}")
    if failed:
        raise RuntimeError("\n".join(failed))


def _renew(path: Path, target: Path) -> None:
    """Run a model in a process and a folder of its own, which takes the old one's place."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".making-") as room:
        fresh = Path(room) / "new"
        command = [sys.executable, __file__, str(path), str(fresh)]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            raise RuntimeError(run.stderr.strip()[-2000:])
        if target.exists():
            target.rename(Path(room) / "old")
        fresh.rename(target)


# -- what a model shows --------------------------------------------------------------------------


def gather(path: Path, folder: Path) -> None:
    """Run a model and write its pictures and its record into a new folder."""
    (folder / "figures").mkdir(parents=True)
    study = load_model(str(path))
    experiments = [_performed(experiment, folder) for experiment in study.experiments]
    comparisons = [compare(claim) for claim in study.claims]
    record = {
        "key": key_of(path),
        "name": study.name,
        "title": study.title,
        "source": study.source,
        **_declared(study, folder),
        "experiments": [performed.record for performed in experiments],
        "claims": [_claim(comparison) for comparison in comparisons],
        "derivations": [_derivation(build().check()) for build in study.derivations],
    }
    text = notebook_text(path, _shown(study, experiments, comparisons))
    storage.write_text(text, folder / f"{study.name}.ipynb")
    storage.write_text(json.dumps(record, indent=1, ensure_ascii=False), folder / RECORD)


def _shown(
    study: Study, experiments: Sequence[Performed], comparisons: Sequence[Comparison]
) -> Shown:
    """What the cells of the model's notebook show."""
    system = None
    if study.system is not None:
        system = {"text/html": _card(study.system), "text/plain": repr(study.system)}
    return Shown(
        system,
        results=[performed.result for performed in experiments],
        figures=[performed.pictures for performed in experiments],
        captions=[
            {figure["name"]: figure["caption"] for figure in performed.record["figures"]}
            for performed in experiments
        ],
        titles=[experiment.title for experiment in study.experiments],
        claims=[f"{compared.word}: {compared.claim.statement}" for compared in comparisons],
    )


def _card(system: Any) -> str:
    """What a notebook shows of the system."""
    formatter = DisplayFormatter()
    notebook.register(SimpleNamespace(display_formatter=formatter))
    shown, _ = formatter.format(system)
    return str(shown["text/html"])


def _declared(study: Study, folder: Path) -> dict[str, Any]:
    if study.system is None:
        return {"declaration": None, "equations": None, "graph": None}
    return {
        "declaration": repr(study.system),
        "equations": study.system._repr_latex_().strip("$"),
        "graph": _graph(study.system, folder),
    }


def _graph(system: Any, folder: Path) -> str | None:
    try:
        draw(system).save(folder / "graph.svg")
    except CausaloptError:  # too large to be read
        return None
    return "graph.svg"


@dataclass(frozen=True)
class Performed:
    """An experiment that was run: its record, its result as text, its pictures as PNG."""

    record: Record
    result: str
    pictures: Mapping[str, bytes]


def _performed(experiment: Experiment, folder: Path) -> Performed:
    data = experiment.compute()
    shown, pictures = [], {}
    for name, paint in experiment.figures.items():
        png, svg = storage.write_figure(paint(data), folder / "figures", name)
        pictures[name] = png.read_bytes()
        chosen = svg if svg.stat().st_size <= LARGEST_SVG else png
        (png if chosen is svg else svg).unlink()
        shown.append(
            {
                "name": name,
                "file": f"figures/{chosen.name}",
                "caption": experiment.caption(name),
                "depicts": list(experiment.depicts.get(name, ())),
            }
        )
    record = {"name": experiment.name, "title": experiment.title, "figures": shown}
    return Performed(record, repr(data), pictures)


def _claim(comparison: Comparison) -> dict[str, Any]:
    claim = comparison.claim
    return {
        "statement": claim.statement,
        "source": claim.source,
        "published": "as stated" if claim.published is True else shown(claim.published),
        "computed": shown(comparison.computed),
        "verdict": comparison.word,
        "reason": claim.reason.text if claim.reason else None,
        "fault": comparison.fault,
    }


def shown(value: Any) -> str:
    """A value as a reader wants it: ten digits, and yes or no.

    >>> shown(0.1 + 0.2), shown((1, 2.5)), shown(True)
    ('0.3', '(1, 2.5)', 'true')
    """
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(shown, value)) + ")"
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    try:
        return f"{float(value):.10g}"
    except (TypeError, ValueError):
        return str(value)


def _derivation(report: Any) -> dict[str, Any]:
    words = [str(verdict.status) for verdict in report.verdicts]
    return {
        "title": report.derivation.title,
        "counts": {word: words.count(word) for word in dict.fromkeys(words)},
        "unexpected": list(report.unexpected),
        "html": report._repr_html_(),
    }


if __name__ == "__main__":
    gather(Path(sys.argv[1]), Path(sys.argv[2]))
