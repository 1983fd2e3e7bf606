"""The command that sweeps: an experiment of a model, in chunks that are kept in a store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from causalopt.ground import progress
from causalopt.study.terminal.printing import (
    STOPPED,
    counted,
    fit,
    stop,
    stopping_where_refused,
    wrap,
)

if TYPE_CHECKING:
    from causalopt.runs.cluster import StoredSweep

# More failures than this are counted alone.
_SHOWN = 20


@click.command(short_help="Sweep an experiment in chunks that are kept.")
@click.argument("model", required=False)
@click.option("--experiment", metavar="NAME", help="The experiment; needless where there is one.")
@click.option(
    "--store",
    required=True,
    type=click.Path(path_type=Path),
    help="A new folder for the results, or one that was begun: then it goes on.",
)
@click.option("--scheduler", metavar="ADDRESS", help="A dask scheduler, tcp://10.0.0.5:8786.")
@click.option("--workers", type=int, metavar="N", help="Processes of this machine; else its cores.")
@click.option("--chunk", type=int, metavar="N", help="Points in a chunk; else as time allows.")
@click.option("--retry", is_flag=True, help="Do again what failed before.")
@click.option("--status", is_flag=True, help="Say how far a store is, and compute nothing.")
def sweep(
    model: str | None,
    experiment: str | None,
    store: Path,
    scheduler: str | None,
    workers: int | None,
    chunk: int | None,
    retry: bool,
    status: bool,
) -> None:
    """Sweep an experiment of MODEL, on this machine or on a cluster, and keep it in --store.

    The experiment computes a survey: a question, and all points at which it is asked. Ctrl-C stops;
    what is done by then stays, and the same command goes on from there. The exit code is 1 where
    some points have no number.
    """
    from causalopt.runs.cluster import open_sweep
    from causalopt.runs.cluster import sweep as sweep_it
    from causalopt.study.surveys import survey_of

    with stopping_where_refused():
        if status:
            _print_status(open_sweep(store))
            return
        if model is None:
            stop("Which model? Write causalopt sweep MODEL --store x.zarr, or add --status.")
        survey = survey_of(model, experiment)
        try:
            with progress.shown():
                kept = sweep_it(
                    survey, store=store, client=scheduler, workers=workers, chunk=chunk, retry=retry
                )
        except KeyboardInterrupt:
            click.echo(fit(f"\nStopped. What was done is in {store}: the same command goes on."))
            sys.exit(STOPPED)
        _print_status(kept)
    sys.exit(1 if kept.marked.faulty else 0)


def _print_status(kept: StoredSweep) -> None:
    """How far a sweep is, by whom it was done, and what failed."""
    status, identity = kept.status, kept.store.identity
    click.echo(fit(f"{identity.asked}, over {identity.swept}"))
    share = f"{status.done:,} of {status.chunks:,} chunks of {kept.store.chunks.each} are done"
    click.echo(fit(f"{share}, in {status.seconds:,.1f} seconds of work"))
    for who, count in sorted(status.by.items()):
        click.echo(wrap(f"{counted(count, 'chunk')} by {who}", 4))
    failures = kept.failures
    if failures:
        chunks = len({failure.chunk for failure in failures})
        click.secho(f"{counted(len(failures), 'failure')}, in {chunks} chunks:", fg="red")
    for failure in failures[:_SHOWN]:
        click.echo(wrap(str(failure), 4))
    if len(failures) > _SHOWN:
        click.echo(f"    and {len(failures) - _SHOWN:,} more")
    click.echo(fit(f"Open it: causalopt.open_sweep({str(kept.path)!r}).data"))
