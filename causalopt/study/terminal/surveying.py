"""The command that surveys a folder: each model file of it in a row."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from causalopt.ground.files import only_one
from causalopt.ground.letters import visible_lines
from causalopt.study.storage import write_text
from causalopt.study.terminal.printing import STOPPED, fit, stopping_where_refused

if TYPE_CHECKING:
    from causalopt.study.folders import FileRow

# A table needs more columns than a paragraph, and no more than these.
_NARROWEST, _WIDEST = 60, 100
_ENDINGS = (".csv", ".md")


@click.command(short_help="Read all model files of a folder, and compare them.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A table, .csv or .md; a survey in .csv that was begun goes on.",
)
def survey(folder: Path, output: Path | None) -> None:
    """Read every model file in FOLDER and in folders of it, and tell what each is.

    Each is compared with the native answer beside it, and asked which variables regulate which.
    Models in Python are code, and are not run. Ctrl-C stops; what is done by then is in --output,
    and the same command goes on from there. The exit code is 1 where a file could not be read.
    """
    from causalopt.study.folders import files_of, rows_of
    from causalopt.study.survey_tables import foot_of, head_lines, known_in, lines_of

    if output is not None and output.suffix.lower() not in _ENDINGS:
        raise click.BadParameter(f"{output} ends in neither .csv nor .md.", param_hint="--output")
    columns = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))
    rows: list[FileRow] = []
    with stopping_where_refused(), _alone(output):
        _, python = files_of(folder)
        known = {} if output is None else known_in(output)
        _keep(output, rows, known, python)
        click.echo(visible_lines(head_lines(columns)))
        try:
            for row in rows_of(folder, known):
                rows.append(row)
                _keep(output, rows, known, python)
                click.echo(visible_lines(lines_of(row, columns)))
        except KeyboardInterrupt:
            goes_on = f" What was done is in {output}: the same command goes on." if output else ""
            click.echo(fit(f"\nStopped.{goes_on}"), err=True)
            sys.exit(STOPPED)
        _keep(output, rows, {}, python)
    click.echo(fit(f"\n{foot_of(rows, python)}"))
    sys.exit(int(any(row.fault for row in rows)))


@contextlib.contextmanager
def _alone(output: Path | None) -> Iterator[None]:
    """Within this no other survey writes the same file."""
    with contextlib.ExitStack() as stack:
        if output is not None:
            busy = f"{output} is being written by another process."
            stack.enter_context(only_one(output, busy))
        yield


def _keep(output: Path | None, rows: list[FileRow], known: dict[str, FileRow], python: int) -> None:
    """Write what is done, and of an earlier survey what has not been come to yet."""
    from causalopt.study.survey_tables import as_csv, as_markdown

    if output is None:
        return
    done = {row.file for row in rows}
    every = [*rows, *(row for name, row in known.items() if name not in done)]
    is_csv = output.suffix.lower() == ".csv"
    write_text(as_csv(every) if is_csv else as_markdown(rows, python), output)
