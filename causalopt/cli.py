"""The command line: causalopt list | run | check."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import click

from causalopt import progress, storage
from causalopt.errors import CausaloptError
from causalopt.model import (
    Experiment,
    Model,
    Verdict,
    judge,
    load_model,
    model_files,
    shortened,
    title_of,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="causalopt")
def main() -> None:
    """Which part of a system is steering which other part, where to, and how strongly?"""


@main.command("list")
def list_models() -> None:
    """List the models that come with the package."""
    files = model_files()
    width = max(map(len, files), default=0)
    for name, path in files.items():
        click.echo(f"{name:<{width}}  {title_of(path)}")
    click.echo("\nRun one with: causalopt run " + next(iter(files), "MODEL"))


@main.command()
@click.argument("model")
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
    help="The folder that results/MODEL goes into.",
)
def run(model: str, results: Path) -> None:
    """Run a model's experiments, write data and figures, and judge its claims.

    MODEL is the name of a model (see: causalopt list) or the path of a model file.
    """
    loaded = _load(model)
    try:
        folder, moved = storage.fresh_folder(results, loaded.name)
    except CausaloptError as error:
        _stop(str(error))
    click.echo(f"{loaded.title}\n{loaded.source}\n")
    if moved is not None:
        click.echo(f"The results of an earlier run are now in {moved}\n")
    try:
        with progress.shown():
            failed = [one.name for one in loaded.experiments if not _perform(one, folder)]
            verdicts = _judged(loaded)
    except KeyboardInterrupt:
        click.echo(f"\nStopped. What was finished is in {folder}", err=True)
        sys.exit(130)
    storage.write_text(_as_json(verdicts), folder / "claims.json")
    _print_claims(verdicts)
    click.echo(f"\nPictures and data: {folder.resolve()}")
    if failed:
        _stop(f"These experiments failed: {', '.join(failed)}")
    _exit_by(verdicts)


@main.command()
@click.argument("model")
def check(model: str) -> None:
    """Check a model's declaration and claims; nothing is written.

    The exit code is 1 where a claim differs and gives no reason, where the test of its reason
    fails, or where it gives a reason and is reproduced after all.
    """
    loaded = _load(model)
    click.echo(f"{loaded.title}\n")
    with progress.shown():
        verdicts = _judged(loaded)
    _print_claims(verdicts)
    _exit_by(verdicts)


def _load(model: str) -> Model:
    try:
        return load_model(model)
    except CausaloptError as error:
        _stop(str(error))


def _perform(experiment: Experiment, folder: Path) -> bool:
    """Compute one experiment, write its data, then its figures; False where something failed."""
    click.echo(f"{experiment.title} ...")
    try:
        data = experiment.compute()
        storage.write_data(data, folder / f"{experiment.name}.nc")
        for name, paint in experiment.figures.items():
            png, _ = storage.write_figure(paint(data), folder, name)
            click.echo(f"    {png.name}")
    except Exception as error:  # a failing experiment must not take the others' results with it
        _complain(_told(error, folder))
        return False
    return True


def _told(error: Exception, folder: Path) -> str:
    return str(error) if isinstance(error, CausaloptError) else shortened(error, folder)


def _judged(model: Model) -> list[Verdict]:
    return [judge(claim) for claim in model.claims]


def _print_claims(verdicts: Iterable[Verdict]) -> None:
    verdicts = list(verdicts)
    if not verdicts:
        click.echo("This model makes no claims.")
        return
    click.echo("\nClaims")
    for verdict in verdicts:
        mark = "✓" if verdict.reproduced else "≠"
        colour = "red" if verdict.fault else "green" if verdict.reproduced else "yellow"
        click.secho(f"  {mark} {verdict.word:<10} ", fg=colour, nl=False)
        claim = verdict.claim
        click.echo(f"{claim.statement}")
        if claim.published is not True:
            click.echo(f"      published {_short(claim.published)}, ", nl=False)
            click.echo(f"computed {_short(verdict.computed)}")
        if claim.reason is not None:
            click.echo(f"      because {claim.reason.text}")
        if verdict.fault:
            click.secho(f"      {verdict.fault}", fg="red")
    same = sum(verdict.reproduced for verdict in verdicts)
    click.echo(f"{same} of {len(verdicts)} reproduced")


def _short(value: Any) -> str:
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(_short, value)) + ")"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:.10g}"


def _as_json(verdicts: Iterable[Verdict]) -> str:
    rows = [
        {
            "statement": verdict.claim.statement,
            "source": verdict.claim.source,
            "published": verdict.claim.published,
            "computed": verdict.computed,
            "tolerance": verdict.claim.tolerance,
            "verdict": verdict.word,
            "reason": verdict.claim.reason.text if verdict.claim.reason else None,
            "fault": verdict.fault,
        }
        for verdict in verdicts
    ]
    return json.dumps(rows, indent=2, default=str, ensure_ascii=False) + "\n"


def _exit_by(verdicts: Iterable[Verdict]) -> None:
    faults = [verdict for verdict in verdicts if verdict.fault]
    if faults:
        word = "claim" if len(faults) == 1 else "claims"
        _stop(f"{len(faults)} {word} cannot stand as written: see above.")


def _complain(message: str) -> None:
    click.secho(message, fg="red", err=True)


def _stop(message: str) -> NoReturn:
    _complain(message)
    sys.exit(1)
