"""What the terminal prints: text that fits its columns, comparisons, reports, and errors."""

from __future__ import annotations

import contextlib
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from causalopt.ground.errors import CausaloptError
from causalopt.ground.letters import visible, visible_lines
from causalopt.study.loading import load_model, own_traceback

if TYPE_CHECKING:
    from causalopt.derive import Report
    from causalopt.model.interface import Model
    from causalopt.study.comparison import Comparison
    from causalopt.study.record import Study

#: The exit code of a program that Ctrl-C has stopped: 128 and the number of the signal.
STOPPED = 130
# Longer lines are hard to read, and in fewer columns than the least nothing fits.
_WIDEST, _NARROWEST = 80, 24


def load_or_stop(model: str) -> Study:
    """The study of a model file; where there is none, say so and exit."""
    with stopping_where_refused():
        return load_model(model)


def complain(message: str) -> None:
    """Print a message to standard error, in red."""
    click.secho(visible_lines(message), fg="red", err=True)


def stop(message: str) -> NoReturn:
    """Complain and exit with code 1."""
    complain(message)
    sys.exit(1)


@contextlib.contextmanager
def stopping_where_refused() -> Iterator[None]:
    """A refusal of the package's own within this is told, and the program exits."""
    try:
        yield
    except CausaloptError as error:
        stop(str(error))


def error_text(error: BaseException, file: Path) -> str:
    """A package's own message as it is; of others also where in the model's file they arose."""
    return str(error) if isinstance(error, CausaloptError) else own_traceback(error, file)


def width() -> int:
    """The columns that a line may take: those of the terminal, and 80 at most."""
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))


def fit(text: str) -> str:
    """Lines longer than the terminal, broken; what follows stands four columns further in.

    What would steer the terminal is shown as a sign, as in all that is printed of a model.
    """
    lines, columns = [], width()
    for line in visible_lines(text).split("\n"):
        indent = " " * (len(line) - len(line.lstrip()))
        after = indent + " " * 4
        parts = textwrap.wrap(line, columns, subsequent_indent=after, break_on_hyphens=False)
        lines += parts if len(line) > columns else [line]
    return "\n".join(lines)


def wrap(text: str, indent: int) -> str:
    """A paragraph as wide as the terminal, every line of it as far in as ``indent``."""
    margin = " " * indent
    return textwrap.fill(
        visible(text),
        width(),
        initial_indent=margin,
        subsequent_indent=margin,
        break_on_hyphens=False,
    )


def in_its_lines(model: Model) -> str:
    """A model in words, where a name with a line break adds no line of its own."""
    text, symbols = str(model), {*model.graph, *model.parameters, *model.noises}
    for name in sorted(map(str, symbols), key=len, reverse=True):
        if visible(name) != name:
            text = text.replace(name, visible(name))
    return text


def counted(count: int, thing: str) -> str:
    """How many there are of a thing; nothing where there are none.

    >>> counted(1, "claim"), counted(2, "claim"), counted(0, "claim")
    ('1 claim', '2 claims', '')
    """
    return f"{count} {thing}{'s' * (count > 1)}" if count else ""


def short(value: object) -> str:
    """A value in ten digits.

    >>> short((1 / 3, True))
    '(0.3333333333, True)'
    """
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(short, value)) + ")"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:.10g}"


def print_report(report: Report) -> None:
    """A derivation in a line; where a verdict is not the recorded one, in full."""
    words = [verdict.status.value for verdict in report.verdicts]
    counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    mark, colour = ("✓", "green") if report.as_expected else ("✗", "red")
    click.secho(f"  {mark} ", fg=colour, nl=False)
    click.echo(wrap(f"{report.derivation.title}: {counts}", 4)[4:])
    if not report.as_expected:
        click.echo(fit(str(report)))
        steps = ", ".join(map(str, report.unexpected))
        click.secho(f"      step {steps}: not the recorded verdict", fg="red")


def print_claims(comparisons: Sequence[Comparison]) -> None:
    """All claims with what became of them, and how many are reproduced."""
    if comparisons:
        click.echo("\nClaims")
        print_each(comparisons)
        same = sum(comparison.reproduced for comparison in comparisons)
        click.echo(f"{same} of {len(comparisons)} reproduced")


def print_each(comparisons: Iterable[Comparison]) -> None:
    """Each claim: whether it is reproduced, both numbers, why it differs, why it cannot stand."""
    for comparison in comparisons:
        mark = "✓" if comparison.reproduced else "≠"
        colour = "red" if comparison.fault else "green" if comparison.reproduced else "yellow"
        click.secho(f"  {mark} {comparison.word:<10} ", fg=colour, nl=False)
        claim = comparison.claim
        click.echo(wrap(claim.statement, 15)[15:])
        if claim.published is not True:
            pair = f"published {short(claim.published)}, computed {short(comparison.computed)}"
            click.echo(wrap(pair, 6))
        if claim.reason is not None:
            click.echo(wrap(f"because {claim.reason.text}", 6))
        if comparison.fault:
            click.secho(wrap(comparison.fault, 6), fg="red")
