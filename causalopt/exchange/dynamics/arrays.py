"""Arrays written out: a variable for each element, and what runs over a dimension as a formula."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from causalopt.exchange.chances import FEW, Word
from causalopt.exchange.dynamics.labels import NewLabels
from causalopt.exchange.dynamics.syntax import (
    MOST_PARTS_IN_ALL,
    MOST_VARIABLES,
    Applied,
    Definition,
    Literal,
    Outline,
    Reference,
    Syntax,
    key_of,
)
from causalopt.ground.checks import shown
from causalopt.ground.errors import FileError, nearest

#: The most elements that all sums may run over, beside some for each variable.
MOST_TERMS = 500
_MOST_TERMS_FOR_EACH = 10
# What each function over a dimension makes of its elements.
_OVER = {"sum": "+", "prod": "*", "vmin": "min", "vmax": "max", "min": "min", "max": "max",
         "mean": "mean"}  # fmt: skip
#: Where a formula stands: the element that each dimension has there, by their keys.
Where = Mapping[str, str]


@dataclass
class _Arrays:
    """A file's arrays: the name of each element, and which there are along a side of an array."""

    outline: Outline
    labels: dict[str, str] = field(default_factory=dict)
    sides: dict[str, list[dict[str, None]]] = field(default_factory=dict)
    parts: int = 0
    # How much each sum runs over, by its offset.
    terms: Counter[int] = field(default_factory=Counter)
    # The variable that is written out, and those that are made of sums in its sums.
    owner: str = ""
    made: list[Definition] = field(default_factory=list)
    # By the identity of a formula, which is kept beside, so that no other takes its place.
    run_over: dict[int, tuple[Applied, dict[str, list[str]]]] = field(default_factory=dict)

    def refusal(self, offset: int, message: str) -> FileError:
        return self.outline.source.refusal(offset, message)

    def elements(self, subscript: str, offset: int) -> list[str]:
        """The keys of the elements that a subscript on the left stands for."""
        key = key_of(subscript)
        dimension = self.outline.dimensions.get(key)
        if dimension is not None:
            return [key_of(element) for element in dimension.elements]
        if key in self.labels:
            return [key]
        known = [d.name.text for d in self.outline.dimensions.values()]
        hint = nearest(subscript, known) if len(known) <= FEW else ""
        raise self.refusal(offset, f"{shown(subscript)} is no dimension or element here.{hint}")

    @cached_property
    def new(self) -> NewLabels:
        """Names for what has none."""
        return NewLabels({d.key for d in self.outline.definitions})

    def label(self, name: str, elements: Iterable[str]) -> str:
        """The name of one element of an array."""
        return f"{name}[{', '.join(self.labels[element] for element in elements)}]"


def written_out(outline: Outline) -> list[Definition]:
    """All definitions of a file without arrays: one for each element, as ``name[element]``.

    Raises ``FileError`` for dimensions and elements that are unknown, and more of them than are
    read.
    """
    arrays = _Arrays(outline)
    for dimension in outline.dimensions.values():
        if not dimension.elements or len(dimension.elements) > MOST_VARIABLES:
            told = f"{shown(dimension.name.text)} has {len(dimension.elements):,} elements."
            raise outline.source.refusal(dimension.name.offset, told)
        arrays.labels |= {key_of(element): element for element in dimension.elements}
    for definition in outline.definitions:
        sides = arrays.sides.setdefault(definition.key, [{} for _ in definition.subscripts])
        if len(sides) != len(definition.subscripts):
            told = f"{shown(definition.name.text)} has {len(sides)} dimensions elsewhere."
            raise arrays.refusal(definition.name.offset, told)
        for side, subscript in zip(sides, definition.subscripts, strict=True):
            side |= dict.fromkeys(arrays.elements(subscript.text, subscript.offset))
    made: list[Definition] = []
    for definition in outline.definitions:
        made += _one_for_each(arrays, definition, MOST_VARIABLES - len(made))
    _check_terms(arrays, len(made))
    return [*made, *arrays.made]


def _check_terms(arrays: _Arrays, count: int) -> None:
    """Raise ``FileError`` where sums run over much more than there are variables."""
    if arrays.terms.total() > MOST_TERMS + _MOST_TERMS_FOR_EACH * count:
        (offset, largest), *_ = arrays.terms.most_common(1)
        told = (
            f"this runs over {largest:,} elements, and all that do over more than {MOST_TERMS} and "
            f"{_MOST_TERMS_FOR_EACH} for each variable and element of an array (MOST_TERMS)."
        )
        raise arrays.refusal(offset, told)


def _one_for_each(arrays: _Arrays, definition: Definition, room: int) -> list[Definition]:
    """A definition for each of its elements."""
    subscripts = definition.subscripts
    each = [arrays.elements(s.text, s.offset) for s in subscripts]
    keys = [key_of(s.text) for s in subscripts]
    if len(set(keys)) < len(keys):
        told = f"{shown(definition.name.text)} has a dimension twice: name them apart."
        raise arrays.refusal(definition.name.offset, told)
    if math.prod(map(len, each)) > room:
        told = f"with the elements of arrays there are more than {MOST_VARIABLES:,} variables."
        raise arrays.refusal(definition.name.offset, f"{told[:-1]} (MOST_VARIABLES).")
    made = []
    for place, elements in enumerate(itertools.product(*each)):
        where = dict(zip(keys, elements, strict=True))
        formula = _element_of(arrays, definition, place, math.prod(map(len, each)))
        text = arrays.label(definition.name.text, elements) if subscripts else definition.name.text
        arrays.owner, word = text, Word(text, definition.name.offset)
        written = _at(arrays, formula, where)
        made.append(replace(definition, name=word, subscripts=(), formula=written))
    return made


def _element_of(arrays: _Arrays, definition: Definition, place: int, count: int) -> Syntax:
    """The formula of an element: its own, where numbers are written for each."""
    formula = definition.formula
    if not isinstance(formula, Applied) or formula.function != "rows":
        return formula
    if len(formula.arguments) != count:
        told = (
            f"{shown(definition.name.text)} has {count} elements here and "
            f"{len(formula.arguments)} numbers: write one for each."
        )
        raise arrays.refusal(formula.offset, told)
    return formula.arguments[place]


def _at(arrays: _Arrays, formula: Syntax, where: Where) -> Syntax:
    """A formula where each dimension has one element."""
    arrays.parts += 1
    if arrays.parts > MOST_PARTS_IN_ALL:
        told = f"formulas, written out, have more than {MOST_PARTS_IN_ALL:,} parts"
        raise arrays.refusal(formula.offset, f"{told} (MOST_PARTS_IN_ALL).")
    if isinstance(formula, Reference):
        return _chosen(arrays, formula, where) if formula.subscripts else formula
    if not isinstance(formula, Applied):
        return formula
    if formula.function in ("elmcount", "size"):
        return _size(arrays, formula)
    if formula.function in _OVER and (over := _run_over(arrays, formula)):
        return _over(arrays, formula, over, where)
    return replace(formula, arguments=tuple(_at(arrays, a, where) for a in formula.arguments))


def _chosen(arrays: _Arrays, reference: Reference, where: Where) -> Reference:
    """One element of an array, by the dimensions or elements in its brackets."""
    elements = []
    for subscript in reference.subscripts:
        key = key_of(subscript)
        element = where.get(key, key)
        if element not in arrays.labels:
            wrong = "is a dimension over which nothing runs here" if (
                key.rstrip("!") in arrays.outline.dimensions or key == "*"
            ) else "is no dimension or element here"  # fmt: skip
            raise arrays.refusal(reference.offset, f"{shown(subscript)} {wrong}.")
        elements.append(element)
    return Reference(arrays.label(reference.name, elements), reference.offset)


def _size(arrays: _Arrays, formula: Applied) -> Literal:
    """How many elements a dimension, or an array, has."""
    named = [a for a in formula.arguments if isinstance(a, Reference)]
    if len(named) != 1 or len(formula.arguments) != 1:
        raise arrays.refusal(formula.offset, f"{formula.function.upper()} is of one dimension.")
    sides = arrays.sides.get(named[0].key)
    count = (
        math.prod(map(len, sides))
        if sides
        else len(arrays.elements(named[0].name, named[0].offset))
    )
    return Literal(float(count), formula.offset)


# -- what runs over a dimension --------------------------------------------------------------------


def _run_over(arrays: _Arrays, formula: Applied) -> dict[str, list[str]]:
    """The elements that a function runs over, by the mark that stands for them in brackets."""
    known = arrays.run_over.get(id(formula))
    if known is None:
        # Once for each: of functions in functions, each asks this of all that stand in it.
        known = arrays.run_over[id(formula)] = formula, _marks_outside(arrays, formula)
    return known[1]


def _marks_outside(arrays: _Arrays, formula: Applied) -> dict[str, list[str]]:
    over: dict[str, list[str]] = {}
    for reference in _references_outside(arrays, formula):
        for mark in _marks(arrays, reference):
            if mark.startswith("*"):
                over[mark] = mark[1:].split("|")
            elif mark.endswith("!"):
                over[mark] = arrays.elements(mark[:-1], reference.offset)
    return over


def _references_outside(arrays: _Arrays, formula: Applied) -> Iterator[Reference]:
    """The variables in a function, but for those that another inside of it runs over."""
    for part in formula.arguments:
        if isinstance(part, Reference):
            yield part
        elif isinstance(part, Applied) and not (
            part.function in _OVER and _run_over(arrays, part)
        ):  # fmt: skip
            yield from _references_outside(arrays, part)


def _marks(arrays: _Arrays, reference: Reference) -> tuple[str, ...]:
    """The keys of subscripts; "*" is all elements there, and so is each side of a whole array."""
    sides = arrays.sides.get(reference.key, [])
    marks = [key_of(s) for s in reference.subscripts] or ["*"] * len(sides)
    for place, mark in enumerate(marks):
        if mark == "*":
            if place >= len(sides):
                told = f"{shown(reference.name)} has no dimension at place {place + 1}."
                raise arrays.refusal(reference.offset, told)
            # The same for all arrays that have these elements there, so that they run together.
            marks[place] = f"*{'|'.join(sides[place])}"
    return tuple(marks)


def _over(arrays: _Arrays, formula: Applied, over: Mapping[str, list[str]], where: Where) -> Syntax:
    """A sum, product, or the like of all elements."""
    if len(formula.arguments) != 1:
        told = f"{formula.function.upper()} over a dimension is of one formula."
        raise arrays.refusal(formula.offset, told)
    count = math.prod(map(len, over.values()))
    if count > MOST_VARIABLES:
        told = f"{formula.function.upper()} runs over {count:,} elements, more than"
        raise arrays.refusal(formula.offset, f"{told} {MOST_VARIABLES:,} (MOST_VARIABLES).")
    arrays.terms[formula.offset] += count
    inner = _with_marks(arrays, _with_sums_apart(arrays, formula.arguments[0], where))
    terms = tuple(
        _at(arrays, inner, {**where, **dict(zip(over, elements, strict=True))})
        for elements in itertools.product(*over.values())
    )
    if len(terms) == 1:
        return terms[0]
    function = _OVER[formula.function]
    if function != "mean":
        return Applied(function, terms, formula.offset)
    total = Applied("+", terms, formula.offset)
    return Applied("/", (total, Literal(float(count), formula.offset)), formula.offset)


def _with_sums_apart(arrays: _Arrays, formula: Syntax, where: Where) -> Syntax:
    """What is summed up, where each sum in it is a variable of its own.

    No element of the sum outside is in it, so that it is the same for each of them: written out in
    each, sums in sums would grow without end.
    """
    if not isinstance(formula, Applied):
        return formula
    if formula.function in _OVER and (over := _run_over(arrays, formula)):
        written = _over(arrays, formula, over, where)
        if not isinstance(written, Applied):
            return written
        title = f"{formula.function.upper()} in {arrays.owner}"
        word = Word(arrays.new.label(title), formula.offset)
        arrays.made.append(Definition(word, written))
        return Reference(word.text, formula.offset)
    inner = tuple(_with_sums_apart(arrays, part, where) for part in formula.arguments)
    return replace(formula, arguments=inner)


def _with_marks(arrays: _Arrays, formula: Syntax) -> Syntax:
    """A formula in which each "*" is the dimension that stands there."""
    if isinstance(formula, Applied):
        inner = tuple(_with_marks(arrays, part) for part in formula.arguments)
        return replace(formula, arguments=inner)
    if not isinstance(formula, Reference):
        return formula
    return replace(formula, subscripts=_marks(arrays, formula))
