"""What a run or a check has found of a model: as files, and in a form for other programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from causalopt.study import pages, storage
from causalopt.study.record import Model, Verdict

if TYPE_CHECKING:
    from causalopt.derive import Report
    from causalopt.study.record import Experiment


@dataclass
class Findings:
    """What has been found of a model so far; it grows, so that a stop loses nothing."""

    model: Model
    file: Path
    figures: dict[str, list[str]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    stopped: bool = False


def write(done: Findings, folder: Path) -> None:
    """Claims, derivations and the page over all; experiments have written their own."""
    storage.write_text(as_text([_record(one) for one in done.verdicts]), folder / "claims.json")
    parts = [_figures_of(one, done) for one in done.model.experiments if one.name in done.figures]
    parts += [pages.claims(done.verdicts)] if done.verdicts else []
    if done.reports:
        storage.write_text("\n\n".join(map(str, done.reports)) + "\n", folder / "derivations.txt")
        derived = [report._repr_html_() for report in done.reports]
        storage.write_text(pages.alone(done.model.title, derived), folder / "derivations.html")
        parts.append('<p><a href="derivations.html">Derivations</a></p>')
    storage.write_text(pages.alone(done.model.title, parts), folder / "index.html")


def _figures_of(experiment: Experiment, done: Findings) -> str:
    return pages.figures(experiment.title, done.figures[experiment.name])


def summary(done: Findings, folder: Path | None) -> dict[str, Any]:
    """The findings in a form for other programs."""
    return {
        "model": done.model.name,
        "stopped": done.stopped,
        "results": None if folder is None else str(folder.resolve()),
        "experiments": [
            {"name": name, "figures": figures} for name, figures in done.figures.items()
        ],
        "failed": done.failed,
        "claims": [_record(verdict) for verdict in done.verdicts],
        "derivations": [
            {
                "title": report.derivation.title,
                "verdicts": [verdict.status.value for verdict in report.verdicts],
                "as_recorded": report.as_expected,
            }
            for report in done.reports
        ],
    }


def _record(verdict: Verdict) -> dict[str, Any]:
    return {
        "statement": verdict.claim.statement,
        "source": verdict.claim.source,
        "published": verdict.claim.published,
        "computed": verdict.computed,
        "tolerance": verdict.claim.tolerance,
        "verdict": verdict.word,
        "reason": verdict.claim.reason.text if verdict.claim.reason else None,
        "fault": verdict.fault,
    }


def as_text(found: Any) -> str:
    """JSON, in which numbers that it has no word for (NaN, infinities) are text.

    >>> json.loads(as_text({"computed": (1.5, float("nan"))}))
    {'computed': [1.5, 'nan']}
    """
    return json.dumps(_plain(found), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """Mappings, lists and numbers of Python's own; anything else by its text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | bool | int | float | None) else str(value)
