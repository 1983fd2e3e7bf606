"""The command that opens a model's page in the browser."""

from __future__ import annotations

import sys
import webbrowser

import click

from causalopt.study.files import find_model, model_files
from causalopt.study.foreign import FORMATS
from causalopt.study.needs import is_installed
from causalopt.study.terminal.printing import complain, fit, stop, stopping_where_refused


@click.command(short_help="Look at a model in the browser, and move its values.")
@click.argument("model")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="A port; else a free one.")
@click.option("--no-browser", is_flag=True, help="Print the link, and open nothing.")
@click.option("--trust", is_flag=True, help="Run a model file in Python without asking.")
def explore(model: str, port: int, no_browser: bool, trust: bool) -> None:
    """Open a page on this machine: the graph, the worlds and Op of MODEL, moving as sliders move.

    MODEL is the name of a model (see: causalopt list) or the path of a model file. Nobody else can
    open the page: it listens on this machine alone, and its link holds a secret. Ctrl-C ends it.
    """
    with stopping_where_refused():
        _refuse_missing()
        _ask_for_trust(model, trust)
        from causalopt.explorer.running import serve

        serve(model, port, lambda link: _tell(link, no_browser))
    click.echo("\nEnded.")


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
