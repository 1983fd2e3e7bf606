"""Questions as what a sweep asks: Op of the question, at whichever points it is given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from causalopt.measures.question import Question
from causalopt.measures.record import Measure
from causalopt.measures.response.answers import answer
from causalopt.measures.response.of_arrays import ArrayQuestion, is_of_arrays
from causalopt.measures.response.optimization import OP
from causalopt.runs.cluster.survey import Ask, Survey, Together, asking, surveyed
from causalopt.runs.sweeps import Draws, Over

if TYPE_CHECKING:
    import xarray as xr


# Whoever has a question can sweep it: it is handed out here, where a sweep learns how.
__all__ = ["Answering", "Question"]


@dataclass(frozen=True)
class Answering:
    """A measure of a question, as a function of the points at which it is asked."""

    question: Question
    measure: Measure = OP
    backend: str = "auto"

    @property
    def __name__(self) -> str:
        told = self.question.arguments()
        named = ", ".join(f"{name}={nodes}" for name, nodes in told.items())
        return f"{self.measure.symbol}({named})"

    def __call__(self, over: Over | None = None, draws: Draws | None = None) -> xr.DataArray:
        """The answer, with a dim for each thing that is swept."""
        asked = replace(self.question, over=over, draws=draws)
        if is_of_arrays(asked):
            return ArrayQuestion(asked).answer(self.measure, self.backend)
        return answer(asked, self.measure, self.backend)


@asking.register
def _(asked: Question) -> Ask:
    return Together(Answering(replace(asked, over=None, draws=None)))


@surveyed.register
def _(asked: Question, over: Over | None, draws: Draws | None) -> Survey:
    """Where the question itself says it, if nothing else is said."""
    where = asked.over if over is None else over
    return Survey(asked, where, asked.draws if draws is None else draws)
