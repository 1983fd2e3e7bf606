"""In a notebook, systems, networks and worlds show themselves as graphs.

``import causalopt`` calls ``register`` where IPython runs already. IPython then asks for a picture
whenever one of these is a cell's value; what is too large for one is shown by its formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from causalopt.ground.errors import QueryError

if TYPE_CHECKING:
    from causalopt.model.interface import Model
    from causalopt.model.network import Network
    from causalopt.model.system import System
    from causalopt.model.world import World


class Formatter(Protocol):
    """IPython's formatter of one MIME type."""

    def for_type_by_name(
        self, module: str, name: str, show: Callable[..., str | None], /
    ) -> object:
        """Show values of a class by a function; nothing is imported to say so."""


class DisplayFormatter(Protocol):
    """IPython's formatters, by MIME type."""

    @property
    def formatters(self) -> Mapping[str, Formatter]:
        """The formatter of each MIME type."""


class Shell(Protocol):
    """What is asked of an IPython shell."""

    @property
    def display_formatter(self) -> DisplayFormatter:
        """What turns the value of a cell into what the notebook shows."""


def register(shell: Shell | None) -> None:
    """Tell an IPython shell, if one runs, how to draw; nothing is imported before it has to."""
    if shell is None:
        return
    svg = shell.display_formatter.formatters["image/svg+xml"]
    svg.for_type_by_name("causalopt.model.system", "System", template_svg)
    svg.for_type_by_name("causalopt.model.network", "Network", graph_svg)
    svg.for_type_by_name("causalopt.model.world", "World", world_svg)


def graph_svg(model: Network) -> str | None:
    """A network as SVG; None where it cannot be read."""
    from causalopt.drawing import draw

    try:
        return draw(model, inputs=True).render("svg").decode()
    except QueryError:
        return None


def template_svg(system: System) -> str | None:
    """The template of a system as SVG; None where it cannot be read.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> (a,) = variables("a")
    >>> "a[i+1]" in template_svg(System({a: a / 2}, start={a: 1}))
    True
    """
    from causalopt.drawing import draw_template

    try:
        return draw_template(system, inputs=True).render("svg").decode()
    except QueryError:
        return None


def world_svg(world: World[Model]) -> str | None:
    """A world beside the one in which nothing is done, as SVG; None where it cannot be read."""
    from causalopt.drawing import draw

    plain = replace(world, effects=())
    steps = 4 if world.steps is None else world.steps
    worlds = [plain] if world == plain else [plain, world]
    try:
        return draw(world.model, steps=steps, worlds=worlds, columns=8).render("svg").decode()
    except QueryError:
        return None
