"""The command that computes anew what a model keeps in archives."""

from __future__ import annotations

import sys

import click

from causalopt.ground import progress
from causalopt.ground.letters import visible
from causalopt.study.files import find_model
from causalopt.study.needs import refuse_missing_files
from causalopt.study.terminal.printing import STOPPED, error_text, load_or_stop, stop


@click.command(short_help="Compute anew what a model keeps of long computations.")
@click.argument("model")
@click.option("--archive", "names", multiple=True, help="One alone, by the name of its file.")
def remake(model: str, names: tuple[str, ...]) -> None:
    """Compute anew the results that a model keeps in archives.

    MODEL is the name of a model (see: causalopt list) or the path of a model file. What was stopped
    goes on where it stopped; an archive is replaced when a new one is whole.
    """
    study = load_or_stop(model)
    known = {archive.path.stem: archive for archive in study.archives}
    if not known:
        stop(f"{study.name} keeps no archives: there is nothing to remake.")
    # With its suffix or without.
    asked = [name.removesuffix(".nc") for name in names]
    strange = [name for name in asked if name not in known]
    if strange:
        stop(f"There is no archive {strange[0]!r}: {study.name} keeps {', '.join(known)}.")
    for name in asked or known:
        archive, file = known[name], find_model(model)
        try:
            refuse_missing_files(file, [one.path for one in study.archives], to_remake=True)
            with progress.shown():
                for _ in progress.counted(archive.remake(), archive.count, 0, "points"):
                    pass
        except KeyboardInterrupt:
            click.echo("\nStopped. The same command goes on from here.", err=True)
            sys.exit(STOPPED)
        except Exception as error:
            stop(error_text(error, file))
        click.echo(visible(f"{archive.path}: {archive.count} points"))
