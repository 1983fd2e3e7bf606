"""Many models: one question asked of each of a collection, with one row each."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from causalopt.ground.checks import shown
from causalopt.ground.errors import EvaluationError, ModelError, QueryError, SweepError
from causalopt.ground.readonly import ReadOnly
from causalopt.language.naming import apart
from causalopt.model.interface import Model
from causalopt.runs.cluster import StoredSweep, sweep
from causalopt.runs.cluster.work import why
from causalopt.runs.sweeps import Grid
from causalopt.study.files import find_model, model_files
from causalopt.study.loading import load_model

if TYPE_CHECKING:
    from distributed import Client

#: A question to a model: a function that returns labelled numbers.
ToAModel = Callable[[Model], object]


class Source(ABC):
    """Where a model comes from, where it is asked."""

    @abstractmethod
    def model(self) -> Model:
        """The model."""


@dataclass(frozen=True)
class AsItIs(Source):
    """A model that is there already, and is sent."""

    given: Model

    def model(self) -> Model:
        """The model itself."""
        return self.given


@dataclass(frozen=True)
class FromFile(Source):
    """A model file, which has to be the same where it is asked."""

    place: str = field(compare=False)
    digest: str

    @classmethod
    def of(cls, place: str) -> FromFile:
        """A file as it is here and now."""
        path = find_model(place)
        known = place if place in model_files() else str(path.absolute())
        return cls(known, hashlib.sha256(path.read_bytes()).hexdigest())

    def model(self) -> Model:
        """The system of the study that the file makes."""
        if FromFile.of(self.place).digest != self.digest:
            raise SweepError(f"{self.place} has changed since the sweep began: make another store.")
        system = load_model(self.place).system
        if system is None:
            raise ModelError(f"{self.place} declares no system.")
        return system


@dataclass(frozen=True)
class AskingModels:
    """A question to models, as a function of a model's name."""

    question: ToAModel
    sources: Mapping[str, Source]

    @property
    def __name__(self) -> str:
        return getattr(self.question, "__name__", type(self.question).__name__)

    def __call__(self, model: str) -> object:
        """The answer of one model; whatever is wrong with it is a fault of this row alone."""
        try:
            return self.question(self.sources[model].model())
        except SweepError:
            raise
        except Exception as error:
            raise EvaluationError(why(error)) from error


def sweep_models(
    models: Sequence[str | Path] | Mapping[str, Model],
    question: ToAModel,
    *,
    store: str | Path,
    client: Client | str | None = None,
    workers: int | None = None,
    retry: bool = False,
) -> StoredSweep:
    """Ask one question of many models, each on its own, with one row each.

    ``models`` are names of models that come with the package and paths of model files, which every
    worker loads by itself; or models by the names of their rows. ``question`` is a function of a
    model that returns a labelled array, a dataset, or one number, of the same form for all. The
    others are as for ``sweep``.

    Returns the ``StoredSweep``, along ``model``; its ``table`` has a column ``error`` too, which is
    empty where there is an answer. Whatever is wrong with a model is told there, and the others go
    on. Raises ``ModelError`` where there is no such file, and the errors of ``sweep``.

    >>> import tempfile
    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> (a,) = variables("a")
    >>> halves = {str(n): System({a: a / n}, start={a: 1}) for n in (2, 4)}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     place = f"{folder}/starts.zarr"
    ...     kept = sweep_models(halves, lambda system: system.start[a], store=place, workers=1)
    ...     kept.table.value.values.tolist(), kept.table.error.values.tolist()
    ([1.0, 1.0], ['', ''])
    """
    if not callable(question):
        raise QueryError(
            f"question is {shown(question)}: write a function of a model, such as "
            "lambda model: len(model.series)."
        )
    sources = _sources(models)
    asked = AskingModels(question, ReadOnly(sources))
    where: Grid = {"model": list(sources)}
    return sweep(asked, where, store=store, client=client, workers=workers, chunk=1, retry=retry)


def _sources(models: object) -> dict[str, Source]:
    """The models by the names of their rows."""
    if isinstance(models, Mapping):
        for name, model in models.items():
            if not isinstance(name, str) or not isinstance(model, Model):
                raise QueryError(f"models[{name!r}] is {shown(model)}: write names and models.")
        return {name: AsItIs(model) for name, model in models.items()}
    if isinstance(models, str | Path) or not isinstance(models, Sequence):
        raise QueryError(
            f"models is {shown(models)}: write a list of paths, such as "
            'sorted(Path("models").glob("*.py")), or models by their names.'
        )
    places = [str(place) for place in models]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice is not None:
        raise QueryError(f"models names {twice} more than once: write each model once.")
    stems = [Path(place).stem for place in places]
    named = stems if len(set(stems)) == len(stems) else apart(places)
    return dict(zip(named, map(FromFile.of, places), strict=True))
