"""Experiments of model files as surveys: each process that computes loads the file by itself."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from causalopt.ground.errors import ModelError, SweepError, nearest
from causalopt.runs.cluster.chunks import Part
from causalopt.runs.cluster.extents import Extent
from causalopt.runs.cluster.survey import Ask, Survey, asking
from causalopt.study.files import find_model, model_files
from causalopt.study.loading import load_model
from causalopt.study.record import Study

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class OfExperiment(Ask):
    """What an experiment of a model file asks, by the file's place and its content's ``digest``.

    A model file may hold whatever cannot be sent. It is loaded where it is asked, and has to be the
    same there.
    """

    model: str = field(compare=False)
    experiment: str
    digest: str

    def answer(self, extents: Sequence[Extent], part: Part) -> xr.Dataset:
        """The results of the experiment's own survey."""
        return _loaded(self).ask.answer(extents, part)

    def check(self, extents: Sequence[Extent]) -> None:
        """The survey was checked when the file made it."""

    def words(self) -> str:
        """The experiment, and the model that it is of."""
        return f"the experiment {self.experiment} of {self.model}"


@asking.register
def _(what: OfExperiment) -> Ask:
    return what


def survey_of(model: str, experiment: str | None) -> Survey:
    """The survey that an experiment of a model file makes; the only one, where none is named.

    Raises ``ModelError`` where there is none.
    """
    study = load_model(model)
    name = _named(study, experiment)
    survey = _surveys(study)[name]
    place = model if model in model_files() else str(find_model(model).absolute())
    return Survey(OfExperiment(place, name, _digest(model)), survey.over, survey.draws)


def _surveys(study: Study) -> dict[str, Survey]:
    """The experiments that compute surveys."""
    computed = {experiment.name: experiment.compute for experiment in study.experiments}
    return {name: compute for name, compute in computed.items() if isinstance(compute, Survey)}


def _named(study: Study, name: str | None) -> str:
    """The name of the experiment that is meant."""
    surveys, known = _surveys(study), [experiment.name for experiment in study.experiments]
    if name is None and len(surveys) > 1:
        raise ModelError(f"{study.name} has several surveys: name one, {', '.join(surveys)}.")
    if name is not None and name not in known:
        raise ModelError(f"{study.name} has no experiment {name!r}.{nearest(name, known)}")
    found = next(iter(surveys), None) if name is None else name
    if found is None or found not in surveys:
        whose = study.name if found is None else f"The experiment {found} of {study.name}"
        raise ModelError(
            f"{whose} has nothing to sweep: let an experiment compute a survey, such as "
            "Survey(partial(op, system, A=T, n=R[0], m=R[100]), over={k: [...]})."
        )
    return found


def _digest(model: str) -> str:
    return hashlib.sha256(find_model(model).read_bytes()).hexdigest()


@functools.lru_cache(maxsize=8)
def _loaded(asked: OfExperiment) -> Survey:
    """The survey of an experiment, from the file as it is here."""
    if _digest(asked.model) != asked.digest:
        raise SweepError(
            f"The model file {asked.model} is another one where it is computed: copy the file "
            "there as it is here, and leave it alone while it is swept."
        )
    return _surveys(load_model(asked.model))[asked.experiment]
