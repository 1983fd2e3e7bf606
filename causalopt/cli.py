"""The command line: causalopt list | show | draw | run | check."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from causalopt import pages, progress, storage
from causalopt.errors import CausaloptError, QueryError, nearest
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

if TYPE_CHECKING:
    from causalopt.derive import Report
    from causalopt.drawing import Drawing
    from causalopt.network import Network
    from causalopt.system import System


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
            storage.write_text(_as_json(verdicts), folder / "claims.json")
            reports = _derived(loaded)
    except KeyboardInterrupt:
        click.echo(f"\nStopped. What was finished is in {folder}", err=True)
        sys.exit(130)
    if reports:
        storage.write_text("\n\n".join(map(str, reports)) + "\n", folder / "derivations.txt")
        page = pages.alone(loaded.title, [report._repr_html_() for report in reports])
        storage.write_text(page, folder / "derivations.html")
    _print_claims(verdicts)
    click.echo(f"\nPictures and data: {folder.resolve()}")
    if failed:
        _stop(f"These experiments failed: {', '.join(failed)}")
    _exit_by(verdicts, reports)


@main.command()
@click.argument("model")
def check(model: str) -> None:
    """Check a model's declaration, claims and derivations; nothing is written.

    The exit code is 1 where a claim differs and gives no reason, where the test of its reason
    fails, where it gives a reason and is reproduced after all, or where a step of a derivation
    has not the verdict that it records.
    """
    loaded = _load(model)
    click.echo(f"{loaded.title}\n")
    with progress.shown():
        verdicts = _judged(loaded)
        _print_claims(verdicts)
        reports = _derived(loaded)
    _exit_by(verdicts, reports)


@main.command()
@click.argument("model")
def show(model: str) -> None:
    """Show a model in text: declaration, graph, experiments and claims."""
    loaded = _load(model)
    click.echo(f"{loaded.title}\n{loaded.source}\n")
    if loaded.system is not None:
        click.echo(f"{loaded.system}\n")
        for child, parents in loaded.system.causes().items():
            click.echo(_wrapped(f"{child} <- {', '.join(parents)}", 4))
    for experiment in loaded.experiments:
        click.echo(f"\nExperiment {experiment.name}\n{_wrapped(experiment.title, 4)}")
    for claim in loaded.claims:
        click.echo(f"\nClaim\n{_wrapped(claim.statement, 4)}")
    for build in loaded.derivations:
        click.echo(f"\n{build()}")


@main.command()
@click.argument("model")
@click.option("--steps", type=int, default=4, show_default=True, help="How many steps to draw.")
@click.option(
    "--columns",
    type=int,
    default=12,
    show_default=True,
    help="A run of more steps is drawn as its first and last ones.",
)
@click.option("--template", is_flag=True, help="Draw the template, a step and the one after it.")
@click.option("--part", multiple=True, help="A variable or node of part A; can be given again.")
@click.option("--perturb", metavar="NODE", help="Draw W, X and, with --part, Y: such as R[0].")
@click.option("--inputs", is_flag=True, help="Draw parameters, noise and time too.")
@click.option("--mechanisms", is_flag=True, help="Write each node's formula.")
@click.option("--values", is_flag=True, help="Run the model, and colour nodes by their values.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The picture's file; its ending says the format: svg, png, pdf or dot.",
)
def draw(model: str, output: Path | None, **asked: Any) -> None:
    """Draw a model's causal graph, in MODEL.svg or --output FILE."""
    loaded = _load(model)
    if loaded.system is None:
        _stop(f"{loaded.name} is a page of derivations, and has no graph. Write: causalopt show")
    target = output or Path(f"{loaded.name}.svg")
    if target.exists():
        _stop(f"{target} is there already: choose another name with --output FILE.")
    try:
        _drawing(loaded.system, **asked).save(target)
    except (CausaloptError, OSError) as error:
        _stop(str(error))
    click.echo(f"Picture: {target.resolve()}")


def _drawing(
    system: System | Network,
    *,
    steps: int,
    columns: int,
    template: bool,
    part: tuple[str, ...],
    perturb: str | None,
    inputs: bool,
    mechanisms: bool,
    values: bool,
) -> Drawing:
    from causalopt import drawing, results
    from causalopt.system import System, check_steps

    A = [_node(system, one) for one in part] or None
    if template:
        if perturb or values:
            _stop("--template draws no run: leave out --perturb and --values.")
        return drawing.draw_template(system, A=A, inputs=inputs, mechanisms=mechanisms)  # type: ignore[arg-type]  # it says itself what is no system
    W = system.world(check_steps(steps)) if isinstance(system, System) else system.world()
    worlds = [W]
    if perturb:
        X = W.perturb(_node(system, perturb))
        worlds += [X, X.clamp(A, to=W)] if A else [X]
    return drawing.draw(
        system, steps=steps, columns=columns, A=A, inputs=inputs, mechanisms=mechanisms,
        worlds=worlds if perturb else (), values=results.run(*worlds) if values else None,
    )  # fmt: skip


def _node(system: System | Network, text: str) -> Any:
    """The variable or node of this name, such as T or R[0]; the text is compared, never run."""
    from causalopt.system import System

    if not isinstance(system, System):
        return next((node for node in system.nodes if str(node) == text), text)
    known = {variable.name: variable for variable in system.variables}
    name, bracket, step = text.removesuffix("]").rpartition("[")
    if bracket and text.endswith("]") and step.isdecimal() and name in known and text not in known:
        return known[name][int(step)]
    if text not in known:
        raise QueryError(f"{text} is not a variable of this system." + nearest(text, known))
    return known[text]


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


def _derived(model: Model) -> list[Report]:
    """Check every derivation, and tell of each; those that are not as recorded in full."""
    reports = []
    for build in model.derivations:
        report = build().check()
        reports.append(report)
        words = [verdict.status.value for verdict in report.verdicts]
        counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
        mark, colour = ("✓", "green") if report.as_expected else ("✗", "red")
        click.secho(f"  {mark} ", fg=colour, nl=False)
        click.echo(f"{report.derivation.title}: {counts}")
        if not report.as_expected:
            click.echo(str(report))
            steps = ", ".join(map(str, report.unexpected))
            click.secho(f"      step {steps}: not the recorded verdict", fg="red")
    return reports


def _judged(model: Model) -> list[Verdict]:
    return [judge(claim) for claim in model.claims]


def _print_claims(verdicts: Iterable[Verdict]) -> None:
    verdicts = list(verdicts)
    if not verdicts:
        return
    click.echo("\nClaims")
    for verdict in verdicts:
        mark = "✓" if verdict.reproduced else "≠"
        colour = "red" if verdict.fault else "green" if verdict.reproduced else "yellow"
        click.secho(f"  {mark} {verdict.word:<10} ", fg=colour, nl=False)
        claim = verdict.claim
        click.echo(_wrapped(claim.statement, 15)[15:])
        if claim.published is not True:
            told = f"published {_short(claim.published)}, computed {_short(verdict.computed)}"
            click.echo(_wrapped(told, 6))
        if claim.reason is not None:
            click.echo(_wrapped(f"because {claim.reason.text}", 6))
        if verdict.fault:
            click.secho(_wrapped(verdict.fault, 6), fg="red")
    same = sum(verdict.reproduced for verdict in verdicts)
    click.echo(f"{same} of {len(verdicts)} reproduced")


def _wrapped(text: str, indent: int) -> str:
    margin = " " * indent
    return textwrap.fill(text, width=80, initial_indent=margin, subsequent_indent=margin)


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


def _exit_by(verdicts: Iterable[Verdict], reports: Iterable[Report]) -> None:
    claims = sum(verdict.fault is not None for verdict in verdicts)
    pages = sum(not report.as_expected for report in reports)
    if claims or pages:
        _stop(f"Cannot stand as written: {claims} claims, {pages} derivations. See above.")


def _complain(message: str) -> None:
    click.secho(message, fg="red", err=True)


def _stop(message: str) -> NoReturn:
    _complain(message)
    sys.exit(1)
