"""The command line: causalopt list | show | draw | run | check | sweep | remake | survey."""

from __future__ import annotations

import io
import sys

import click
from click import Context

from causalopt.study.terminal.graphs import draw
from causalopt.study.terminal.judging import check, run
from causalopt.study.terminal.looking import list_models, show
from causalopt.study.terminal.printing import STOPPED
from causalopt.study.terminal.remaking import remake
from causalopt.study.terminal.surveying import survey
from causalopt.study.terminal.sweeping import sweep


class _Commands(click.Group):
    """Commands that Ctrl-C ends with the exit code of what was stopped, wherever they are."""

    def invoke(self, ctx: Context) -> object:
        """Do what is asked; what a command keeps when it is stopped, it has kept before."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("\nStopped.", err=True)
            sys.exit(STOPPED)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="causalopt")
def main() -> None:
    """Which part of a system is steering which other part, where to, and how strongly?"""
    for stream in (sys.stdout, sys.stderr):
        # A terminal may lack letters that a model has: they are told by their numbers.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


for _command in (list_models, run, check, show, draw, sweep, remake, survey):
    main.add_command(_command)
