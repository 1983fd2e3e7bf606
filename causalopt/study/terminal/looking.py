"""The commands that only look: list the models, and show one in text."""

from __future__ import annotations

import click

from causalopt.ground.letters import visible
from causalopt.study.files import model_files, title_of
from causalopt.study.needs import missing_extras, missing_files
from causalopt.study.terminal.printing import fit, in_its_lines, load_or_stop, wrap


@click.command("list", short_help="List the models that come with the package.")
def list_models() -> None:
    """List the models that come with the package."""
    files = model_files()
    column = max(map(len, files), default=0) + 2
    for name, path in files.items():
        lacks = [f"causalopt[{extra}]" for extra in missing_extras(path)] + missing_files(path)
        needs = "".join(f" (needs {one})" for one in lacks)
        click.echo(f"{name:<{column}}{wrap(title_of(path) + needs, column)[column:]}")
    click.echo("\nRun one with: causalopt run " + next(iter(files), "MODEL"))


@click.command(short_help="Show a model in text.")
@click.argument("model")
def show(model: str) -> None:
    """Show a model in text: declaration, equations, graph, experiments and claims."""
    study = load_or_stop(model)
    click.echo(fit(f"{visible(study.title)}\n{visible(study.source)}\n"))
    if study.system is not None:
        declared = in_its_lines(study.system)
        click.echo(fit(f"{declared}\n\nGraph: what each variable is computed from"))
        for child, parents in study.system.causes().items():
            click.echo(wrap(f"{child} <- {', '.join(parents)}", 4))
    for experiment in study.experiments:
        click.echo(f"\nExperiment {experiment.name}\n{wrap(experiment.title, 4)}")
    for claim in study.claims:
        click.echo(f"\nClaim\n{wrap(claim.statement, 4)}")
    for build in study.derivations:
        click.echo(fit(f"\n{build()}"))
