"""The command line: causalopt list | show | draw | run | check."""

from __future__ import annotations

import contextlib
import io
import sys
import textwrap
import webbrowser
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from causalopt.ground import progress
from causalopt.ground.errors import CausaloptError, QueryError, nearest
from causalopt.study import findings, storage
from causalopt.study.findings import Findings
from causalopt.study.record import (
    Experiment,
    Model,
    Verdict,
    find_model,
    judge,
    load_model,
    model_files,
    shortened,
    title_of,
)

if TYPE_CHECKING:
    from causalopt.derive import Report
    from causalopt.drawing import Drawing
    from causalopt.model.network import Network
    from causalopt.model.system import System


_SAYS_LESS = click.option("--quiet", is_flag=True, help="Print only what cannot stand.")
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")


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
@click.option("--open", "look", is_flag=True, help="Open the page of results when it is done.")
@_SAYS_LESS
@_AS_JSON
def run(model: str, results: Path, look: bool, quiet: bool, as_json: bool) -> None:
    """Run a model's experiments, write data and figures, and judge its claims.

    MODEL is the name of a model (see: causalopt list) or the path of a model file. Ctrl-C stops
    it; what is finished by then is written.
    """
    with _silent(quiet or as_json):
        loaded = _load(model)
    try:
        folder, moved = storage.fresh_folder(results, loaded.name)
    except CausaloptError as error:
        _stop(str(error))
    done = Findings(loaded, find_model(model))
    with _silent(quiet or as_json):
        click.echo(f"{loaded.title}\n{loaded.source}\n")
        if moved is not None:
            click.echo(f"The results of an earlier run are now in {moved}\n")
        try:
            with progress.shown(not (quiet or as_json)):
                for experiment in progress.pieces(loaded.experiments, "experiments"):
                    _perform(experiment, folder, done)
                _find(done)
        except KeyboardInterrupt:
            done.stopped = True
        findings.write(done, folder)
        _print_claims(done.verdicts)
        click.echo(f"\nPictures and data: {folder.resolve()}")
    _finish(done, quiet, as_json, folder)
    page = folder.resolve() / "index.html"
    if look and not webbrowser.open(page.as_uri()):
        _complain(f"There is no browser here. Open {page} yourself.")
    _exit_by(done)


@main.command()
@click.argument("model")
@_SAYS_LESS
@_AS_JSON
def check(model: str, quiet: bool, as_json: bool) -> None:
    """Check a model's declaration, claims and derivations; nothing is written.

    The exit code is 1 where a claim differs and gives no reason, where the test of its reason
    fails, where it gives a reason and is reproduced after all, or where a step of a derivation
    has not the verdict that it records.
    """
    with _silent(quiet or as_json):
        done = Findings(_load(model), find_model(model))
        click.echo(f"{done.model.title}\n")
        try:
            with progress.shown(not (quiet or as_json)):
                _find(done)
        except KeyboardInterrupt:
            done.stopped = True
        _print_claims(done.verdicts)
    _finish(done, quiet, as_json, None)
    _exit_by(done)


@main.command()
@click.argument("model")
def show(model: str) -> None:
    """Show a model in text: declaration, equations, graph, experiments and claims."""
    loaded = _load(model)
    click.echo(_fitted(f"{loaded.title}\n{loaded.source}\n"))
    if loaded.system is not None:
        click.echo(_fitted(f"{loaded.system}\n\nGraph: what each variable is computed from"))
        for child, parents in loaded.system.causes().items():
            click.echo(_wrapped(f"{child} <- {', '.join(parents)}", 4))
    for experiment in loaded.experiments:
        click.echo(f"\nExperiment {experiment.name}\n{_wrapped(experiment.title, 4)}")
    for claim in loaded.claims:
        click.echo(f"\nClaim\n{_wrapped(claim.statement, 4)}")
    for build in loaded.derivations:
        click.echo(_fitted(f"\n{build()}"))


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
    from causalopt import drawing
    from causalopt.model.system import System, check_steps
    from causalopt.runs import results

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
    from causalopt.model.system import System

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


def _perform(experiment: Experiment, folder: Path, done: Findings) -> None:
    """Compute one experiment, write its data, then its figures."""
    _tell(f"{experiment.title} ...")
    figures = done.figures.setdefault(experiment.name, [])
    with _kept_apart(f"the experiment {experiment.name}", done):
        data = experiment.compute()
        storage.write_data(data, folder / f"{experiment.name}.nc")
        for name, paint in experiment.figures.items():
            png, _ = storage.write_figure(paint(data), folder, name)
            figures.append(name)
            _tell(f"    {png.name}")


@contextlib.contextmanager
def _kept_apart(what: str, done: Findings) -> Iterator[None]:
    """What fails is told and remembered, and takes nothing else with it."""
    try:
        yield
    except Exception as error:
        done.failed.append(what)
        with progress.above():
            _complain(_told(error, done.file))


def _find(done: Findings) -> None:
    """Judge every claim and check every derivation; of those that are not as recorded, in full."""
    for claim in progress.pieces(done.model.claims, "claims"):
        with _kept_apart(f"the claim {claim.statement!r}", done):
            done.verdicts.append(judge(claim))
    for build in progress.pieces(done.model.derivations, "derivations"):
        with _kept_apart("a derivation", done):
            report = build().check()
            done.reports.append(report)
            with progress.above():
                _print_report(report)


def _finish(done: Findings, quiet: bool, as_json: bool, folder: Path | None) -> None:
    """Say in short what was asked for in short; where it was stopped, exit."""
    if as_json:
        click.echo(findings.as_text(findings.summary(done, folder)), nl=False)
    elif quiet:
        _print_each(one for one in done.verdicts if one.fault)
        for report in done.reports:
            if not report.as_expected:
                _print_report(report)
    if done.stopped:
        kept = "Nothing was written" if folder is None else f"What was finished is in {folder}"
        click.echo(f"\nStopped. {kept}", err=True)
        sys.exit(130)


def _told(error: Exception, file: Path) -> str:
    """A package's own message as it is; of others also where in the model's file they arose."""
    return str(error) if isinstance(error, CausaloptError) else shortened(error, file)


def _print_report(report: Report) -> None:
    words = [verdict.status.value for verdict in report.verdicts]
    counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    mark, colour = ("✓", "green") if report.as_expected else ("✗", "red")
    click.secho(f"  {mark} ", fg=colour, nl=False)
    click.echo(_wrapped(f"{report.derivation.title}: {counts}", 4)[4:])
    if not report.as_expected:
        click.echo(_fitted(str(report)))
        steps = ", ".join(map(str, report.unexpected))
        click.secho(f"      step {steps}: not the recorded verdict", fg="red")


def _print_claims(verdicts: list[Verdict]) -> None:
    if verdicts:
        click.echo("\nClaims")
        _print_each(verdicts)
        same = sum(verdict.reproduced for verdict in verdicts)
        click.echo(f"{same} of {len(verdicts)} reproduced")


def _print_each(verdicts: Iterable[Verdict]) -> None:
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


def _tell(text: str) -> None:
    with progress.above():
        click.echo(text)


def _silent(wanted: bool) -> contextlib.AbstractContextManager[Any]:
    """Within this, nothing is printed to standard output, by a model file's own code neither."""
    return contextlib.redirect_stdout(io.StringIO()) if wanted else contextlib.nullcontext()


def _fitted(text: str) -> str:
    """Lines longer than 80 columns, broken; what follows stands four columns further in."""
    lines = []
    for line in text.split("\n"):
        indent = " " * (len(line) - len(line.lstrip()))
        after = indent + " " * 4
        parts = textwrap.wrap(line, 80, subsequent_indent=after, break_on_hyphens=False)
        lines += parts if len(line) > 80 else [line]
    return "\n".join(lines)


def _wrapped(text: str, indent: int) -> str:
    margin = " " * indent
    return textwrap.fill(text, width=80, initial_indent=margin, subsequent_indent=margin)


def _short(value: Any) -> str:
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(_short, value)) + ")"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:.10g}"


def _exit_by(done: Findings) -> None:
    if done.failed:
        _stop(f"These failed: {', '.join(done.failed)}")
    claims = sum(verdict.fault is not None for verdict in done.verdicts)
    derivations = sum(not report.as_expected for report in done.reports)
    if claims or derivations:
        _stop(f"Cannot stand as written: {claims} claims, {derivations} derivations. See above.")


def _complain(message: str) -> None:
    click.secho(message, fg="red", err=True)


def _stop(message: str) -> NoReturn:
    _complain(message)
    sys.exit(1)
