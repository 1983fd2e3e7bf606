"""The record of a measure of a response: what results, plots, tables and docs say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from causalopt.ground.scaled import Ratio, RatioForm
from causalopt.ground.types import Array, Floats


@dataclass(frozen=True)
class InForm:
    """What a measure makes of ratios in a form that is one number; it may put it in their place."""

    form: RatioForm
    function: Callable[[Floats], Array]

    def __call__(self, ratio: Ratio) -> Array:
        """The measure of ratios that are told in that form first."""
        return self.function(ratio.told(self.form))


@dataclass(frozen=True)
class Measure:
    """A number made of the ratio of two responses, x_m to y_m.

    ``name`` is the name of results, ``symbol`` and ``unit`` go on axes, and ``neutral`` is the
    value where A does nothing. ``function`` gives the measure of many ratios at once. ``told`` says
    the same of a form of these that is all it needs, which runs make more quickly.
    """

    name: str
    symbol: str
    unit: str
    neutral: float
    function: Callable[[Ratio], Array]
    told: InForm | None = None

    def attributes(self) -> dict[str, str | float]:
        """What a result says of its measure."""
        return {
            "long_name": self.symbol,
            "units": self.unit,
            "symbol": self.symbol,
            "neutral": self.neutral,
        }
