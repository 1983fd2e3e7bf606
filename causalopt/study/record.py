"""The record of a study: a model with its source, experiments, claims and derivations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from causalopt.ground.errors import ModelError
from causalopt.study.archive import Archive
from causalopt.study.declared import (
    check_file_name,
    check_function,
    check_mapping,
    check_names_apart,
    check_parts,
    check_text,
    check_tolerance,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from causalopt.derive import Derivation
    from causalopt.drawing import Drawing
    from causalopt.model.network import Network
    from causalopt.model.system import System


@dataclass(frozen=True)
class Experiment:
    """A computation with labelled results, and the figures drawn from them.

    ``compute`` takes nothing and returns a dataset or array, which is written before anything is
    drawn; each of ``figures`` takes that result and returns a matplotlib figure or a ``Drawing``.
    ``depicts`` says which published figures a figure answers, by their keys in
    ``docs/published_figures.csv``.
    """

    name: str
    title: str
    compute: Callable[[], xr.Dataset | xr.DataArray]
    figures: Mapping[str, Callable[..., Figure | Drawing]] = field(default_factory=dict, hash=False)
    depicts: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        check_file_name(self.name, "an experiment")
        where = f"the experiment {self.name!r}"
        check_text(self.title, f"the title of {where}")
        check_function(self.compute, f"what {where} computes", "lambda: run(W, X, Y)")
        for part in ("figures", "depicts"):
            check_mapping(getattr(self, part), f"{part} of {where}")
        for name, paint in self.figures.items():
            check_file_name(name, f"a figure of {where}")
            check_function(paint, f"the figure {name!r} of {where}", "course")
        unknown = [name for name in self.depicts if name not in self.figures]
        if unknown:
            raise ModelError(
                f"the experiment {self.name!r} says what {unknown[0]!r} depicts, but has no such "
                f"figure; its figures are {', '.join(map(repr, self.figures)) or 'none'}"
            )

    def caption(self, figure: str) -> str:
        """What is said of a figure: the first paragraph of its function's docstring, or its name.

        >>> Experiment("e", "t", dict, {"the_course": lambda data: None}).caption("the_course")
        'The course.'
        """
        said = inspect.getdoc(self.figures[figure]) or ""
        return (
            " ".join(said.split("\n\n")[0].split()) or f"{figure.replace('_', ' ')}.".capitalize()
        )


@dataclass(frozen=True)
class Reason:
    """Why a claim differs, and a test that proves it: ``proof`` must return True."""

    text: str
    proof: Callable[[], bool]

    def __post_init__(self) -> None:
        check_text(self.text, "the text of a reason")
        check_function(self.proof, "the proof of a reason", "lambda: printed != ours")


@dataclass(frozen=True)
class Claim:
    """A number or statement published about a model, and what this software computes for it.

    ``published`` is a number, a tuple of numbers, or, where ``statement`` itself is what was
    published, True. ``tolerance`` comes from the published digits: 0.0005 for 19.961. A claim that
    differs needs a ``reason``; one that is reproduced must have none.
    """

    statement: str
    source: str
    published: bool | float | tuple[float, ...]
    compute: Callable[[], object]
    tolerance: float = 0.0
    reason: Reason | None = None

    def __post_init__(self) -> None:
        check_text(self.statement, "the statement of a claim")
        where = f"the claim {self.statement!r}"
        check_text(self.source, f"the source of {where}")
        check_function(self.compute, f"what {where} computes", "lambda: float(value)")
        check_tolerance(self.tolerance, where)
        reasons = () if self.reason is None else (self.reason,)
        check_parts(reasons, Reason, where, "reasons")


@dataclass(frozen=True)
class Study:
    """A system with its source, experiments, claims and derivations; a model file makes one.

    ``derivations`` are functions that return a ``Derivation``; each of its steps records the
    verdict that is expected of it. A page of derivations alone needs no ``system``. ``archives``
    hold results that take long; ``causalopt remake`` makes them anew.
    """

    name: str
    title: str
    source: str
    system: System | Network | None = None
    experiments: tuple[Experiment, ...] = ()
    claims: tuple[Claim, ...] = ()
    derivations: tuple[Callable[[], Derivation], ...] = ()
    archives: tuple[Archive, ...] = ()

    def __post_init__(self) -> None:
        check_file_name(self.name, "a study")
        check_text(self.title, f"the title of {self.name}")
        check_text(self.source, f"the source of {self.name}")
        check_parts(self.experiments, Experiment, self.name, "experiments")
        check_parts(self.claims, Claim, self.name, "claims")
        check_parts(self.derivations, object, self.name, "derivations")
        check_parts(self.archives, Archive, self.name, "archives")
        check_names_apart([str(a.path) for a in self.archives], self.name, "archives")
        for build in self.derivations:
            check_function(build, f"a derivation of {self.name}", "page")
        check_names_apart([e.name for e in self.experiments], self.name, "experiments")
        figures = [name for experiment in self.experiments for name in experiment.figures]
        # They lie in one folder.
        check_names_apart(figures, self.name, "figures")
