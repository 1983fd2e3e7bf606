"""In a notebook, systems, networks and worlds show themselves: equations beside their graph.

``import causalopt`` calls ``register`` where IPython runs already. IPython then asks for HTML, and
for a picture, whenever one of these is a cell's value; what is too large for a picture is shown by
its formulas alone. Strengths, laws and studies are shown as HTML too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from causalopt.ground.errors import QueryError

# So many columns of a picture are as wide as a page is.
_COLUMNS = 4

if TYPE_CHECKING:
    from causalopt.distributions.real.affine import Box, Gaussian
    from causalopt.measures.split.strength import AdjustedStrength, Strength
    from causalopt.model.interface import Model
    from causalopt.model.network import Network
    from causalopt.model.system import System
    from causalopt.model.world import World
    from causalopt.study.record import Study


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
    for kind, forms in _FORMS.items():
        formatter = shell.display_formatter.formatters[kind]
        for (module, name), form in forms.items():
            formatter.for_type_by_name(f"causalopt.{module}", name, form)


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
    """A world beside the one in which nothing is done, as SVG; None where it cannot be read.

    Of a long run the first and the last steps are shown, so few that they fit on a page.
    """
    from causalopt.drawing import draw

    plain = replace(world, effects=())
    steps = 4 if world.steps is None else world.steps
    worlds = [plain] if world == plain else [plain, world]
    try:
        return (
            draw(world.model, steps=steps, worlds=worlds, columns=_COLUMNS).render("svg").decode()
        )
    except QueryError:
        return None


def system_html(system: System) -> str:
    """A system's equations and numbers beside its template."""
    from causalopt.study import cards

    return cards.system_card(system, template_svg(system))


def network_html(network: Network) -> str:
    """A network's equations and numbers beside its graph."""
    from causalopt.study import cards

    return cards.network_card(network, graph_svg(network))


def world_html(world: World[Model]) -> str:
    """What is done in a world, below its graph."""
    from causalopt.study import cards

    return cards.world_card(world, world_svg(world))


def strength_html(strength: Strength) -> str:
    """A strength and the entropies that it is the difference of."""
    from causalopt.study import cards

    return cards.strength_card(strength)


def adjusted_html(adjusted: AdjustedStrength) -> str:
    """An adjusted strength and what it is made of."""
    from causalopt.study import cards

    return cards.adjusted_card(adjusted)


def law_html(law: Gaussian | Box) -> str:
    """A distribution of real variables as a formula."""
    from causalopt.study import cards

    return cards.law_card(law)


def study_html(study: Study) -> str:
    """What a study holds."""
    from causalopt.study import cards

    return cards.study_card(study)


#: By MIME type: how each class is shown, by the module that it is in, since none is imported.
_FORMS: Mapping[str, Mapping[tuple[str, str], Callable[..., str | None]]] = {
    "image/svg+xml": {
        ("model.system", "System"): template_svg,
        ("model.network", "Network"): graph_svg,
        ("model.world", "World"): world_svg,
    },
    "text/html": {
        ("model.system", "System"): system_html,
        ("model.network", "Network"): network_html,
        ("model.world", "World"): world_html,
        ("measures.split.strength", "Strength"): strength_html,
        ("measures.split.strength", "AdjustedStrength"): adjusted_html,
        ("distributions.real.affine", "Gaussian"): law_html,
        ("distributions.real.affine", "Box"): law_html,
        ("study.record", "Study"): study_html,
    },
}
