"""What a run or a check finds of a study: as files, and in a form for other programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from causalopt.study import pages, storage
from causalopt.study.files import introduction_of

if TYPE_CHECKING:
    from causalopt.derive import Report
    from causalopt.study.comparison import Comparison
    from causalopt.study.record import Experiment, Study

# An array of more numbers than this is told by its text.
_MOST_SHOWN = 100


@dataclass
class Findings:
    """What has been learned of a study so far; it grows, so that a stop loses nothing."""

    study: Study
    file: Path
    figures: dict[str, list[str]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    stopped: bool = False


def write_findings(findings: Findings, folder: Path) -> None:
    """Claims, derivations and the page over all; experiments have written their own."""
    study = findings.study
    rows = [_row(comparison) for comparison in findings.comparisons]
    storage.write_text(as_text(rows), folder / "claims.json")
    parts = [pages.introduction(study.source, introduction_of(findings.file))]
    if findings.stopped:
        parts.append(pages.note("This run was stopped: what is here was finished by then."))
    if findings.failed:
        parts.append(pages.note(f"These failed: {', '.join(findings.failed)}."))
    if study.system is not None:
        parts.append(pages.declaration(study.system._repr_latex_(), str(study.system)))
    drawn = [e for e in study.experiments if e.name in findings.figures]
    parts += [_figures_of(experiment, findings, folder) for experiment in drawn]
    if findings.comparisons:
        parts.append(pages.claims(findings.comparisons))
    if findings.reports:
        _write_derivations(findings, folder)
        parts.append('<h2>Derivations</h2><p><a href="derivations.html">Step by step</a></p>')
    storage.write_text(pages.page(study.title, parts), folder / "index.html")


def _write_derivations(findings: Findings, folder: Path) -> None:
    text = "\n\n".join(map(str, findings.reports)) + "\n"
    storage.write_text(text, folder / "derivations.txt")
    bodies = [report._repr_html_() for report in findings.reports]
    page = pages.page(findings.study.title, bodies)
    storage.write_text(page, folder / "derivations.html")


def _figures_of(experiment: Experiment, findings: Findings, folder: Path) -> str:
    captions = [(name, experiment.caption(name)) for name in findings.figures[experiment.name]]
    data = folder / f"{experiment.name}.nc"
    return pages.figures(experiment.title, captions, data.name if data.exists() else "")


def summary(findings: Findings, folder: Path | None) -> dict[str, object]:
    """The findings in a form for other programs."""
    return {
        "model": findings.study.name,
        "stopped": findings.stopped,
        "results": None if folder is None else str(folder.resolve()),
        "experiments": [
            {"name": name, "figures": figures} for name, figures in findings.figures.items()
        ],
        "failed": findings.failed,
        "claims": [_row(comparison) for comparison in findings.comparisons],
        "derivations": [
            {
                "title": report.derivation.title,
                "verdicts": [verdict.status.value for verdict in report.verdicts],
                "as_recorded": report.as_expected,
            }
            for report in findings.reports
        ],
    }


def _row(comparison: Comparison) -> dict[str, object]:
    claim = comparison.claim
    return {
        "statement": claim.statement,
        "source": claim.source,
        "published": claim.published,
        "computed": comparison.computed,
        "tolerance": claim.tolerance,
        "verdict": comparison.word,
        "reason": claim.reason.text if claim.reason else None,
        "fault": comparison.fault,
    }


def as_text(content: object) -> str:
    """JSON, in which numbers that it has no word for (NaN, infinities) are text.

    >>> json.loads(as_text({"computed": (1.5, float("nan"))}))
    {'computed': [1.5, 'nan']}
    """
    return json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: object) -> object:
    """Mappings, lists and numbers of Python's own; anything else by its text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(content) for key, content in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    # Arrays and scalars of NumPy and xarray.
    array = value.to_numpy() if hasattr(value, "to_numpy") else value
    if hasattr(array, "tolist") and getattr(array, "size", 0) <= _MOST_SHOWN:
        value = array.tolist()
        if isinstance(value, list):
            return _plain(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | bool | int | float | None) else str(value)
