"""Formulas of a stock-and-flow file as trees: each part knows the character at which it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from causalopt.exchange.chances import Word
from causalopt.exchange.reading import FileText
from causalopt.ground.readonly import ReadOnly
from causalopt.language.laws import Law

#: The most variables that a file may come to, elements of arrays and parts of delays counted.
MOST_VARIABLES = 5_000
#: The most parts of one formula, and of all formulas of a file once they are written out.
MOST_PARTS, MOST_PARTS_IN_ALL = 3_000, 100_000
#: How deep the parts of a formula may stand in one another.
MOST_NESTED = 40


@dataclass(frozen=True)
class Literal:
    """A number."""

    value: float
    offset: int


@dataclass(frozen=True)
class Reference:
    """A variable by its name, and which element of it, where it is an array."""

    name: str
    offset: int
    subscripts: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What the name is looked up by."""
        return key_of(self.name)


@dataclass(frozen=True)
class GraphicalFunction:
    """A function by points, of which the first numbers go up; ``kind`` says what is between.

    ``continuous`` is a line from point to point and level beyond, ``extrapolate`` goes on beyond,
    ``discrete`` stays at each point up to the next.
    """

    points: tuple[tuple[float, float], ...]
    kind: str
    offset: int


@dataclass(frozen=True)
class Applied:
    """A function or operator, by its key, of formulas."""

    function: str
    arguments: tuple[Syntax, ...]
    offset: int


@dataclass(frozen=True)
class Draw:
    """A number that is drawn by a law at each step; ``name`` is that of the noise."""

    name: str
    law: Law
    offset: int


@dataclass(frozen=True)
class Delayed:
    """What a variable was some time ago, and ``before`` the start that is known by constants."""

    reference: Reference
    delay: float
    before: Syntax
    offset: int


Syntax = Literal | Reference | GraphicalFunction | Applied | Draw | Delayed


@dataclass(frozen=True)
class Definition:
    """A variable of a file: its name there, its formula, which elements it is of, its unit."""

    name: Word
    formula: Syntax
    subscripts: tuple[Word, ...] = ()
    unit: str = ""

    @property
    def key(self) -> str:
        """What the name is looked up by."""
        return key_of(self.name.text)


@dataclass(frozen=True)
class Macro:
    """Definitions that stand for a function: of parameters, by key, and with its name as result."""

    name: Word
    parameters: tuple[str, ...]
    definitions: tuple[Definition, ...]


@dataclass(frozen=True)
class Dimension:
    """The elements of a dimension, in order, and where it is declared."""

    name: Word
    elements: tuple[str, ...]


#: A function by another name: the key of that, and for each of its arguments the place of one that
#: is given, or what is always there.
OtherName = tuple[str, tuple[int | Literal | Reference, ...]]


@dataclass(frozen=True)
class Outline:
    """All that a file declares: variables, and how steps are taken, ``euler`` or ``rk4``.

    ``dimensions`` are the names of elements by the key of a dimension, ``macros`` are by theirs.
    ``other_names`` say what stands for a function, by its key and how many arguments it has.
    ``same_units`` are units by other names of theirs.
    """

    source: FileText
    definitions: tuple[Definition, ...]
    method: str
    dimensions: Mapping[str, Dimension] = ReadOnly({})
    macros: Mapping[str, Macro] = ReadOnly({})
    other_names: Mapping[tuple[str, int], OtherName] = ReadOnly({})
    same_units: Mapping[str, str] = ReadOnly({})


def key_of(name: str) -> str:
    r"""What a name is looked up by: small and large letters, blanks and underscores are alike.

    >>> key_of("Teacup_Temperature"), key_of("teacup  temperature"), key_of(r"Teacup\nTemperature")
    ('teacup temperature', 'teacup temperature', 'teacup temperature')
    """
    return " ".join(name.replace("\\n", " ").replace("_", " ").casefold().split())


def parts_in(formula: Syntax) -> Iterator[Syntax]:
    """Each part of a formula, before its own parts."""
    waiting = [formula]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, Applied):
            waiting += reversed(part.arguments)


def references_in(formula: Syntax) -> Iterator[Reference]:
    """The variables that a formula names."""
    return (part for part in parts_in(formula) if isinstance(part, Reference))


def rewritten(formula: Syntax, change: Callable[[Syntax], Syntax]) -> Syntax:
    """A formula with each part changed, inner ones first."""
    if isinstance(formula, Applied):
        inner = tuple(rewritten(part, change) for part in formula.arguments)
        formula = replace(formula, arguments=inner)
    return change(formula)


# Without an interval, or where it is 0, there is one pulse: section 3.5.4 of XMILE 1.0.
_LAST_ZERO_IS_NONE = frozenset({("pulse", 3)})


def by_other_name(applied: Applied, other_names: Mapping[tuple[str, int], OtherName]) -> Applied:
    """A function by the name that it has in all formats."""
    written = applied.arguments
    key = (applied.function, len(written))
    if key in other_names and key in _LAST_ZERO_IS_NONE and _is_zero(written[-1]):
        written, key = written[:-1], (key[0], key[1] - 1)
    function, places = other_names.get(key, (applied.function, range(len(written))))
    given = tuple(
        written[place] if isinstance(place, int) else replace(place, offset=applied.offset)
        for place in places
    )
    return replace(applied, function=function, arguments=given)


def _is_zero(formula: Syntax) -> bool:
    return isinstance(formula, Literal) and formula.value == 0
