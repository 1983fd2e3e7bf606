"""The commands that find something out: run the experiments, check claims and derivations."""

from __future__ import annotations

import contextlib
import io
import sys
import webbrowser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from causalopt.ground import progress
from causalopt.ground.letters import visible
from causalopt.study import storage
from causalopt.study.comparison import compare
from causalopt.study.files import find_model
from causalopt.study.findings import Findings, as_text, summary, write_findings
from causalopt.study.needs import refuse_missing_files
from causalopt.study.terminal.printing import (
    STOPPED,
    complain,
    counted,
    error_text,
    fit,
    load_or_stop,
    print_claims,
    print_each,
    print_report,
    stop,
    stopping_where_refused,
)

if TYPE_CHECKING:
    from causalopt.study.record import Experiment

_says_less = click.option("--quiet", is_flag=True, help="Print only what cannot stand.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")


@click.command(short_help="Run a model, and write data, figures and claims.")
@click.argument("model")
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
    help="The folder that results/MODEL goes into.",
)
@click.option("--open", "look", is_flag=True, help="Open the page of results when it is done.")
@_says_less
@_as_json
def run(model: str, results: Path, look: bool, quiet: bool, as_json: bool) -> None:
    """Run a model's experiments, write data and figures, and judge its claims.

    MODEL is the name of a model (see: causalopt list) or the path of a model file. Ctrl-C stops
    it; what is finished by then is written.
    """
    with _silence(quiet or as_json):
        study = load_or_stop(model)
    findings = Findings(study, find_model(model))
    with _silence(quiet or as_json), stopping_where_refused():
        refuse_missing_files(findings.file, [archive.path for archive in study.archives])
        working = storage.working_folder(results, study.name)
        click.echo(fit(f"{visible(study.title)}\n{visible(study.source)}"))
        _space_before(study.experiments or study.derivations)
        with _stoppable(findings), progress.shown(not (quiet or as_json)):
            for experiment in progress.pieces(study.experiments, "experiments"):
                _perform(experiment, working, findings)
            _judge(findings)
        write_findings(findings, working)
        folder, moved = storage.settle(working, study.name)
        print_claims(findings.comparisons)
        if moved is not None:
            click.echo(f"\nThe results of an earlier run are now in {moved}")
        click.echo(f"\nPictures and data: {visible(str(folder.resolve()))}")
    _conclude(findings, quiet, as_json, folder)
    page = folder.resolve() / "index.html"
    if look and not webbrowser.open(page.as_uri()):
        complain(f"There is no browser here. Open {page} yourself.")
    _exit_by(findings)


@click.command(short_help="Check claims and derivations; write nothing.")
@click.argument("model")
@_says_less
@_as_json
def check(model: str, quiet: bool, as_json: bool) -> None:
    """Check a model's declaration, claims and derivations; nothing is written.

    The exit code is 1 where a claim differs and gives no reason, where the test of its reason
    fails, where it gives a reason and is reproduced after all, or where a step of a derivation
    has not the verdict that it records.
    """
    with _silence(quiet or as_json):
        findings = Findings(load_or_stop(model), find_model(model))
        archives = [archive.path for archive in findings.study.archives]
        with stopping_where_refused():
            refuse_missing_files(findings.file, archives)
        click.echo(fit(visible(findings.study.title)))
        _space_before(findings.study.derivations)
        with _stoppable(findings), progress.shown(not (quiet or as_json)):
            _judge(findings)
        print_claims(findings.comparisons)
    _conclude(findings, quiet, as_json, None)
    _exit_by(findings)


# -- the work ------------------------------------------------------------------------------------


def _perform(experiment: Experiment, folder: Path, findings: Findings) -> None:
    """Compute one experiment, write its data, then its figures."""
    _say(f"{experiment.title} ...")
    figures = findings.figures.setdefault(experiment.name, [])
    with _keep_going(f"the experiment {experiment.name}", findings):
        data = experiment.compute()
        # Before anything is drawn, so that a figure that fails takes no data with it.
        with _keep_going(f"the data of {experiment.name}", findings):
            storage.write_data(data, folder / f"{experiment.name}.nc")
        for name, paint in experiment.figures.items():
            with _keep_going(f"the figure {name}", findings):
                png, _ = storage.write_figure(paint(data), folder, name)
                figures.append(name)
                _say(f"    {png.name}")


def _judge(findings: Findings) -> None:
    """Compare every claim and check every derivation, which is told as soon as it is checked."""
    for claim in progress.pieces(findings.study.claims, "claims"):
        with _keep_going(f"the claim {claim.statement!r}", findings):
            findings.comparisons.append(compare(claim))
    for build in progress.pieces(findings.study.derivations, "derivations"):
        with _keep_going("a derivation", findings):
            report = build().check()
            findings.reports.append(report)
            with progress.above():
                print_report(report)


@contextlib.contextmanager
def _keep_going(work: str, findings: Findings) -> Iterator[None]:
    """What fails in this block, or exits, is told and remembered, and takes nothing else along."""
    try:
        yield
    except (Exception, SystemExit) as error:
        findings.failed.append(work)
        with progress.above():
            complain(error_text(error, findings.file))


@contextlib.contextmanager
def _stoppable(findings: Findings) -> Iterator[None]:
    """Ctrl-C ends this block, and what was found by then is kept."""
    try:
        yield
    except KeyboardInterrupt:
        findings.stopped = True


# -- what is said of it --------------------------------------------------------------------------


def _conclude(findings: Findings, quiet: bool, as_json: bool, folder: Path | None) -> None:
    """Say in short what was asked for in short; where it was stopped, exit."""
    if as_json:
        click.echo(as_text(summary(findings, folder)), nl=False)
    elif quiet:
        print_each(comparison for comparison in findings.comparisons if comparison.fault)
        for report in findings.reports:
            if not report.as_expected:
                print_report(report)
    if findings.stopped:
        kept = "Nothing was written" if folder is None else f"What was finished is in {folder}"
        click.echo(f"\nStopped. {kept}", err=True)
        sys.exit(STOPPED)


def _exit_by(findings: Findings) -> None:
    """Exit with code 1 where something failed or cannot stand."""
    if findings.failed:
        stop(f"These failed: {', '.join(findings.failed)}")
    claims = sum(comparison.fault is not None for comparison in findings.comparisons)
    derivations = sum(not report.as_expected for report in findings.reports)
    if claims or derivations:
        faults = [counted(claims, "claim"), counted(derivations, "derivation")]
        stop(f"Cannot stand as written: {' and '.join(filter(None, faults))}. See above.")


def _space_before(coming: Sequence[object]) -> None:
    """An empty line, where something comes."""
    if coming:
        click.echo()


def _say(text: str) -> None:
    with progress.above():
        click.echo(visible(text))


def _silence(wanted: bool) -> contextlib.AbstractContextManager[object]:
    """Within this, nothing is printed to standard output, by a model file's own code neither."""
    return contextlib.redirect_stdout(io.StringIO()) if wanted else contextlib.nullcontext()
