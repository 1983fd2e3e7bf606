"""A model in text as a study: the experiments that its questions ask for, without any Python."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from causalopt.exchange.modeltext import ModelRecord, read_model
from causalopt.exchange.text.questions import ModelQuestion
from causalopt.ground.errors import FileError, QueryError
from causalopt.language.finite_variables import own_variable
from causalopt.language.symbols import Nodes, Variable
from causalopt.model.network import Network
from causalopt.model.staging import has_own_steps
from causalopt.model.system import System
from causalopt.study.courses import STEPS
from causalopt.study.record import Experiment, Study

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from causalopt.drawing import Drawing
    from causalopt.measures.question import Question

#: What is computed of a network of named values.
Chances = Callable[[System | Network], tuple[Experiment, ...]]
_Figures = dict[str, Callable[..., "Figure | Drawing"]]

# The difference that is made in the pictures of worlds, where a question names none.
_SHOWN_DIFFERENCE = 1e-3
# How many steps a graph shows.
_DRAWN = 3
# Graphs of more variables, and courses of more, are no pictures of anything.
_MOST_DRAWN, _MOST_COURSES = 40, 8


def study_of_text(path: Path, chances: Chances) -> Study:
    """A model in text as a study of its own; ``chances`` says what is computed of tables.

    Raises ``FileError`` as ``read_model`` does, and for a question that cannot be asked.
    """
    record = read_model(path)
    return Study(
        name=path.stem,
        title=record.title or f"{path.name}, a model in text",
        source=record.source or str(path),
        system=record.model,
        experiments=_asked_of(record, path) or _of_nothing_asked(record.model, chances),
    )


def _asked_of(record: ModelRecord, path: Path) -> tuple[Experiment, ...]:
    """What the questions of a file ask for, each with names of its own."""
    made: list[Experiment] = []
    for number, asked in enumerate(record.questions, 1):
        suffix = f"_{number}" if record.questions[1:] else ""
        try:
            made += _Asked(record.model, asked, suffix).experiments()
        except QueryError as error:
            raise FileError(f"{path}: question {number} cannot be asked: {error}") from None
    return tuple(made)


@functools.singledispatch
def _of_nothing_asked(model: System | Network, chances: Chances) -> tuple[Experiment, ...]:
    """What there is to see of a model of which nothing is asked."""
    return ()


@_of_nothing_asked.register
def _(model: System, chances: Chances) -> tuple[Experiment, ...]:
    from causalopt.runs.results import run

    figures = _graph_of(model)
    if len(model.variables) <= _MOST_COURSES:
        names = [str(variable) for variable in model.variables]
        figures["course"] = functools.partial(_course, names=names)
    compute = functools.partial(run, model.world(steps=STEPS))
    return (Experiment("worlds", f"The world over {STEPS} steps", compute, figures),)


@_of_nothing_asked.register
def _(model: Network, chances: Chances) -> tuple[Experiment, ...]:
    from causalopt.runs.results import run

    if all(own_variable(label) is not None for label in model.nodes):
        return chances(model)
    compute = functools.partial(run, model.world())
    return (Experiment("worlds", "The value of each node", compute, _graph_of(model)),)


def _graph_of(model: System | Network) -> _Figures:
    def graph(_: object) -> Drawing:
        """What acts on what."""
        from causalopt.drawing import draw

        return draw(model, steps=_DRAWN)

    return {"graph": graph} if len(model.graph) <= _MOST_DRAWN else {}


@dataclass(frozen=True)
class _Asked:
    """One question of a file; ``suffix`` sets its names apart from those of others."""

    model: System | Network
    asked: ModelQuestion
    suffix: str

    def experiments(self) -> list[Experiment]:
        """What is computed: as far as n and m, and a step of each variable, are there for it."""
        made = []
        if self.asked.n is not None:
            made.append(self.worlds())
        if self.asked.n is not None and self.asked.m is not None:
            made.append(self.strength())
        if has_own_steps(self.model):
            made += self.of_each()
        if self.asked.over and self.question.n is not None and self.question.m is not None:
            made.append(self.landscape())
        return made

    def of_each(self) -> list[Experiment]:
        """What is asked of every variable at once."""
        made = []
        if self.asked.n is not None:
            made.append(self.each_m() if self.asked.m is None else self.each_part())
        if self.asked.m is not None:
            made += [self.each_n(), self.shares()]
        return made

    # -- what is asked -------------------------------------------------------------------------

    @property
    def held(self) -> Nodes:
        """The nodes of A, as questions take them."""
        return list(self.asked.A) if isinstance(self.asked.A, tuple) else self.asked.A

    @functools.cached_property
    def question(self) -> Question:
        """The question, at the values of the file."""
        from causalopt.measures.question import Question

        asked = self.asked
        return Question(
            self.model, self.held, asked.n, asked.m, steps=asked.steps, delta=asked.delta
        )

    @functools.cached_property
    def last(self) -> Nodes | None:
        """The last node of m: m itself, where it is one node."""
        if self.asked.m is None or not self.question.over_rows:
            return self.asked.m
        m = cast(Variable, self.question.key_of_m)
        return m[self.question.place.rows[-1]]

    @property
    def sentence(self) -> str:
        """The question, as it is written: (A; n, m)."""
        named = self.question.arguments()
        return f"({named.pop('A')}; {', '.join(named.values())})"

    def experiment(
        self,
        name: str,
        title: str,
        compute: Callable[[], xr.Dataset | xr.DataArray],
        figures: _Figures,
    ) -> Experiment:
        """An experiment with names of its own."""
        named = {f"{key}{self.suffix}": paint for key, paint in figures.items()}
        return Experiment(f"{name}{self.suffix}", title, compute, named)

    # -- what is computed ----------------------------------------------------------------------

    def worlds(self) -> Experiment:
        """W, X and Y, for a difference that can be seen."""

        def compute() -> xr.Dataset | xr.DataArray:
            from causalopt.runs.results import run

            W = self.question.base
            X = W.perturb(self.asked.n, by=self.asked.delta or _SHOWN_DIFFERENCE)
            return run(W, X, X.clamp(self.held, to=W))

        def graph(_: object) -> Drawing:
            """W, X and Y as causal networks."""
            from causalopt.drawing import draw

            return draw(self.model, steps=_DRAWN, worlds=list(self.question.worlds()))

        figures: _Figures = {"graph": graph} if len(self.model.graph) <= _MOST_DRAWN else {}
        if self.question.over_rows and self.asked.m is not None:
            name = str(self.question.key_of_m)
            figures["course"] = functools.partial(_course, names=[name])
            figures["differences"] = functools.partial(_differences, name=name)
        return self.experiment("worlds", f"W, X and Y of {self.sentence}", compute, figures)

    def strength(self) -> Experiment:
        """Comp and Op, of one node m or over time."""

        def compute() -> xr.Dataset:
            import xarray as xr

            from causalopt.measures import COMP, OP
            from causalopt.measures.response.answers import answer

            each = {measure.name: answer(self.question, measure, "auto") for measure in (OP, COMP)}
            return xr.Dataset(each)

        figures: _Figures = {"op": _strength} if self.question.over_rows else {}
        return self.experiment("op", f"Op and Comp of {self.sentence}", compute, figures)

    def each_part(self) -> Experiment:
        """Op of every variable by itself."""

        def compute() -> xr.DataArray:
            from causalopt.measures import every_A

            return every_A(self.model, self.asked.n, self.last, steps=self.asked.steps)

        title = f"Op of each variable, in the place of A in {self.sentence}"
        return self.experiment("every_A", title, compute, {"every_A": _rows})

    def each_n(self) -> Experiment:
        """Comp for a difference anywhere."""

        def compute() -> xr.DataArray:
            from causalopt.measures import every_n

            return every_n(self.model, self.held, self.last)

        return self.experiment("every_n", f"Comp of {self.sentence}, for every n", compute, {})

    def each_m(self) -> Experiment:
        """Comp for what is seen anywhere."""

        def compute() -> xr.DataArray:
            from causalopt.measures import every_m

            return every_m(self.model, self.held, self.asked.n, steps=self.asked.steps)

        return self.experiment("every_m", f"Comp of {self.sentence}, for every m", compute, {})

    def shares(self) -> Experiment:
        """Who closes the loops that regulate m."""

        def compute() -> xr.Dataset:
            from causalopt.discovery.shares import steering_shares

            m = self.question.key_of_m
            return steering_shares(self.model, m, steps=self.question.base.steps)

        title = f"How Op2 at {self.question.key_of_m} is shared"
        return self.experiment("shares", title, compute, {"shares": _shares})

    def landscape(self) -> Experiment:
        """Op of the last node m, over what is swept."""

        def compute() -> xr.DataArray:
            from causalopt.measures import op

            asked = self.asked
            over = {key: list(values) for key, values in asked.over.items()}
            m, delta = self.last, asked.delta
            return op(self.model, self.held, asked.n, m, steps=asked.steps, delta=delta, over=over)

        is_drawn = len(self.asked.over) <= 2
        figures: _Figures = {"landscape": _landscape} if is_drawn else {}
        swept = " and ".join(map(str, self.asked.over))
        return self.experiment("landscape", f"Op of {self.sentence} over {swept}", compute, figures)


# -- figures ---------------------------------------------------------------------------------------


def _course(data: xr.Dataset, names: Sequence[str]) -> Figure:
    """The values over time."""
    from causalopt import plots

    with plots.figure(len(names), sharex=True, squeeze=False) as (picture, axes):
        for name, ax in zip(names, axes.ravel(), strict=True):
            plots.over_time(data[name], ax)
            if data.sizes.get("world", 1) > 1:
                ax.legend()
    return picture


def _differences(data: xr.Dataset, name: str) -> Figure:
    """X and Y less W, over time."""
    from causalopt import plots

    with plots.figure() as (picture, ax):
        plots.differences(data, name, ax)
    return picture


def _strength(data: xr.Dataset) -> Figure:
    """Op over time; shaded where Comp is negative."""
    from causalopt import plots

    with plots.figure() as (picture, ax):
        plots.measure_over_time(data["op"], ax, comp=data["comp"])
    return picture


def _rows(data: xr.DataArray) -> Figure:
    """A bar for each variable."""
    from causalopt import plots

    names = [plots.labels.tick_label(name) for name in data[data.dims[0]].values]
    with plots.figure(figsize=(6.4, 1.2 + 0.3 * len(names))) as (picture, ax):
        ax.barh(range(len(names)), plots.curves.with_gaps(data), 0.6, color=plots.palette.BLUE)
        ax.set_yticks(range(len(names)), names)
        ax.invert_yaxis()
        ax.set_xlabel(plots.labels.axis_label(data, str(data.name)))
    return picture


def _shares(data: xr.Dataset) -> Figure:
    """The share of each variable; they add up to Op2 of all of them together."""
    return _rows(data["share"])


def _landscape(data: xr.DataArray) -> Figure:
    """Op over what is swept, and where it is positive."""
    from causalopt import plots

    with plots.figure() as (picture, ax):
        plots.landscape(data, ax, basin=data > 0)
    return picture
