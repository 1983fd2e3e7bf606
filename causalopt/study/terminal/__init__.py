"""The command line: causalopt list | show | draw | run | check | sweep | remake | survey."""

from __future__ import annotations

import io
import sys

import click

from causalopt.study.terminal.graphs import draw
from causalopt.study.terminal.judging import check, run
from causalopt.study.terminal.looking import list_models, show
from causalopt.study.terminal.remaking import remake
from causalopt.study.terminal.surveying import survey
from causalopt.study.terminal.sweeping import sweep


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="causalopt")
def main() -> None:
    """Which part of a system is steering which other part, where to, and how strongly?"""
    for stream in (sys.stdout, sys.stderr):
        # A terminal may lack letters that a model has: they are told by their numbers.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


for _command in (list_models, run, check, show, draw, sweep, remake, survey):
    main.add_command(_command)
