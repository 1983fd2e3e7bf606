"""Functions of chance: the law of the draws of each, and what is made of a draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from causalopt.exchange.dynamics.syntax import Applied, Literal, Syntax
from causalopt.exchange.reading import FileText
from causalopt.language.laws import Law, Normal, Uniform, as_law

#: A law of standard draws, and the formula that makes of a draw what a function gives.
Chance = tuple[Law, Callable[[Syntax], Syntax]]
#: The numbers that arguments come to, where they are constants.
Given = Sequence[float | None]


def _scaled(part: Applied, middle: Syntax, width: Syntax) -> Callable[[Syntax], Syntax]:
    """A middle and so many widths as are drawn."""

    def formula(drawn: Syntax) -> Syntax:
        product = Applied("*", (width, drawn), part.offset)
        return Applied("+", (middle, product), part.offset)

    return formula


def _uniform(source: FileText, part: Applied, given: Given) -> Chance:
    low, high = part.arguments
    width = Applied("+", (high, Applied("negative", (low,), part.offset)), part.offset)
    return Uniform(), _scaled(part, low, width)


def _normal(source: FileText, part: Applied, given: Given) -> Chance:
    middle, width, *ends = part.arguments
    if not ends:
        return Normal(), _scaled(part, middle, width)
    mean, deviation, low, high = _constants(source, part, given)
    if not (deviation > 0 and low < high):
        told = f"a normal law has the deviation {deviation:g}, between {low:g} and {high:g}"
        raise source.refusal(
            part.offset, f"{told}: write a deviation above 0, and low before high."
        )
    from scipy.stats import truncnorm

    law = as_law(truncnorm((low - mean) / deviation, (high - mean) / deviation))
    return law, _scaled(part, middle, width)


def _exponential(source: FileText, part: Applied, given: Given) -> Chance:
    from scipy.stats import expon

    return as_law(expon()), _scaled(part, Literal(0.0, part.offset), part.arguments[0])


def _poisson(source: FileText, part: Applied, given: Given) -> Chance:
    (mean,) = _constants(source, part, given)
    if not 0 < mean < 1e9:
        raise source.refusal(
            part.offset, f"a Poisson law has the mean {mean:g}: write one above 0."
        )
    from scipy.stats import poisson

    return as_law(poisson(mean)), lambda drawn: drawn


def _constants(source: FileText, part: Applied, given: Given) -> list[float]:
    """The numbers of a law, or ``FileError`` where one of them is no constant."""
    numbers = [number for number in given if number is not None]
    if len(numbers) < len(given):
        told = f"{part.function.upper()} has bounds or a mean that change: constants are read."
        raise source.refusal(part.offset, told)
    return numbers


#: Functions of chance, by their key and how many arguments they have.
LAWS: Mapping[tuple[str, int], Callable[[FileText, Applied, Given], Chance]] = MappingProxyType(
    {
        ("random uniform", 2): _uniform,
        ("random normal", 2): _normal,
        ("random normal", 4): _normal,
        ("exprnd", 1): _exponential,
        ("poisson", 1): _poisson,
    }
)
