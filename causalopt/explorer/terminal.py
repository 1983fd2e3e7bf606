"""The command that opens a model's page in the browser."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

import click

from causalopt.ground import progress
from causalopt.study.files import find_model, model_files
from causalopt.study.foreign import FORMATS
from causalopt.study.loading import load_model
from causalopt.study.needs import is_installed
from causalopt.study.terminal.printing import (
    STOPPED,
    complain,
    counted,
    fit,
    stop,
    stopping_where_refused,
)


@click.command(short_help="Look at a model in the browser, and move its values.")
@click.argument("model")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="A port; else a free one.")
@click.option("--no-browser", is_flag=True, help="Print the link, and open nothing.")
@click.option("--trust", is_flag=True, help="Run a model file in Python without asking.")
@click.option(
    "--export",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the page into a file that opens without Python or network, and serve nothing.",
)
@click.option(
    "--along",
    metavar="NAME[=LOW:HIGH:COUNT]",
    multiple=True,
    help="A slider of the exported page; two at most. Else the one that matters most.",
)
@click.option(
    "--question",
    metavar="ADDRESS",
    help="What the exported page asks: what the address bar of the live page holds.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
def explore(
    model: str,
    port: int,
    no_browser: bool,
    trust: bool,
    export: Path | None,
    along: tuple[str, ...],
    question: str | None,
    force: bool,
) -> None:
    """Open a page on this machine: the graph, the worlds and Op of MODEL, moving as sliders move.

    MODEL is the name of a model (see: causalopt list) or the path of a model file. Nobody else can
    open the page: it listens on this machine alone, and its link holds a secret. Ctrl-C ends it,
    with the exit code 130.

    With --export the page is written into a file, computed beforehand at values along one or two
    parameters or start values. Another question than the opening one is taken from the live page:
    --question 'n=R[0]&A=T&m=R'.
    """
    if export is None and (along or force or question is not None):
        stop("--along, --question and --force are about a page in a file: add --export FILE.")
    with stopping_where_refused():
        if export is not None:
            _export(model, export, along, question or "", trust=trust, force=force)
            return
        _refuse_missing()
        _ask_for_trust(model, trust)
        from causalopt.explorer.running import serve

        serve(model, port, lambda link: _tell(link, no_browser))
    click.echo("\nEnded.")
    # A server ends by being stopped, as every other command that is.
    sys.exit(STOPPED)


def _export(
    model: str, path: Path, along: tuple[str, ...], question: str, *, trust: bool, force: bool
) -> None:
    """Write the page of a model into a file, and say what it holds."""
    from causalopt.explorer.exporting import exported, question_in, refuse_existing, write

    refuse_existing(path, force)
    asked = question_in(question)
    _ask_for_trust(model, trust)
    with progress.shown():
        made = exported(load_model(model), model, along, asked)
    write(made, path)
    over = " and ".join(axis.name for axis in made.axes)
    points = counted(made.points, "point") + (f" along {over}" if over else "")
    click.echo(fit(f"Page: {path.resolve()}\n{points}, {path.stat().st_size / 1e6:.2f} MB"))


def _refuse_missing() -> None:
    if not is_installed("explore"):
        stop("The page needs causalopt[explore], not installed here: pip install "
             "'causalopt[explore]'.")  # fmt: skip


def _ask_for_trust(model: str, trust: bool) -> None:
    """Have the user say that a file of Python may be run, where it is none of the package's."""
    path = find_model(model)
    own = path in model_files().values() or path.suffix.lower() in FORMATS
    if own or trust:
        return
    if not sys.stdin.isatty():
        stop(f"{path} is a program, and is run to be explored. If you trust it, add --trust.")
    click.confirm(f"{path} is a program, and is run to be explored. Do you trust it?", abort=True)


def _tell(link: str, no_browser: bool) -> None:
    click.echo(fit(f"The page is open at\n    {link}\nCtrl-C ends it."))
    if not no_browser and not webbrowser.open(link):
        complain("There is no browser here. Open the link yourself.")
