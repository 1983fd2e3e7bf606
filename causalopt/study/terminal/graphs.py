"""The command that draws a model's causal graph."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from causalopt.ground.letters import visible
from causalopt.study.terminal.printing import load_or_stop, stop, stopping_where_refused

if TYPE_CHECKING:
    from causalopt.drawing import Drawing
    from causalopt.model.interface import Model


class _Options(TypedDict):
    """What the picture is to show, as the command's options say it."""

    steps: int
    columns: int
    template: bool
    part: tuple[str, ...]
    perturb: str | None
    inputs: bool
    mechanisms: bool
    values: bool


@click.command(short_help="Draw a model's causal graph.")
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
def draw(model: str, output: Path | None, **options: Unpack[_Options]) -> None:
    """Draw a model's causal graph, in MODEL.svg or --output FILE."""
    study = load_or_stop(model)
    if study.system is None:
        stop(f"{study.name} declares no system, and has no graph. Write: causalopt show")
    target = output or Path(f"{study.name}.svg")
    if os.path.lexists(target):
        stop(f"{target} is there already: choose another name with --output FILE.")
    with stopping_where_refused():
        _picture(study.system, options).save(target)
    click.echo(visible(f"Picture: {target.resolve()}"))


def _picture(model: Model, options: _Options) -> Drawing:
    """The template, the graph, or the worlds of a perturbation side by side."""
    from causalopt import drawing
    from causalopt.model.world import World
    from causalopt.runs import results

    A = [model.find(name) for name in options["part"]] or None
    inputs, mechanisms, perturb = options["inputs"], options["mechanisms"], options["perturb"]
    if options["template"]:
        if perturb or options["values"]:
            stop("--template draws no run: leave out --perturb and --values.")
        return drawing.draw_template(model, A=A, inputs=inputs, mechanisms=mechanisms)  # type: ignore[arg-type]  # it says itself what is no system
    steps = options["steps"]
    W = World(model, model.run_length(steps if model.has_time else None))
    worlds = [W]
    if perturb:
        X = W.perturb(model.find(perturb))
        worlds += [X, X.clamp(A, to=W)] if A else [X]
    return drawing.draw(
        model,
        A=A,
        inputs=inputs,
        mechanisms=mechanisms,
        steps=steps,
        columns=options["columns"],
        worlds=worlds if perturb else (),
        values=results.run(*worlds) if options["values"] else None,
    )
