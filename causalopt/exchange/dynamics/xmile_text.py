"""Formulas of XMILE: the text of an element with its places in the file, and its tokens."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from types import MappingProxyType
from typing import ClassVar

from causalopt.exchange.dynamics.syntax import (
    Applied,
    Dimension,
    Literal,
    OtherName,
    Reference,
    Syntax,
    key_of,
)
from causalopt.exchange.dynamics.tokens import EquationTokens
from causalopt.exchange.elements import Element
from causalopt.exchange.reading import FileText
from causalopt.ground.checks import shown
from causalopt.ground.errors import FileError

_TAG = re.compile(r"""<[^<>"']*+(?:"[^"]*+"[^<>"']*+|'[^']*+'[^<>"']*+)*+>""")
_PIECE = re.compile(
    r"""<!\[CDATA\[(?P<kept>.*?)\]\]>|<!--.*?-->|<\?.*?\?>|(?P<entity>&[^;<&]++;)|(?P<plain>[^<&]++)""",
    re.DOTALL,
)


@dataclass(frozen=True)
class Excerpt(FileText):
    """The text of an element, of which each character has its place in the whole file."""

    whole: FileText
    places: Sequence[int]

    def place_of(self, offset: int) -> int:
        """The place of a character in the whole file; that of the last behind it."""
        return self.places[min(offset, len(self.places) - 1)]

    def refusal(self, offset: int, message: str) -> FileError:
        """What is wrong at a character of the text, told where it is in the file."""
        return self.whole.refusal(self.place_of(offset), message)


def excerpt_of(source: FileText, element: Element) -> Excerpt:
    """The text of an element as an equation.

    >>> source = FileText("a.xml", "<eqn>a &lt; <!-- why --> b</eqn>")
    >>> excerpt = excerpt_of(source, Element("eqn", {}, 0, [], ["a < ", " b"]))
    >>> str(excerpt.refusal(excerpt.text.index("b"), "b is unknown."))
    'a.xml, line 1, column 26: b is unknown.'
    """
    letters = list(_letters(source.text, element.offset))
    text = "".join(letter for letter, _ in letters)
    if text != "".join(element.pieces) or not letters:
        # However it is written, it is told where the element begins.
        text = "".join(element.pieces)
        return Excerpt(source.path, text, source, [element.offset])
    return Excerpt(source.path, text, source, [place for _, place in letters])


def _letters(text: str, begin: int) -> Iterator[tuple[str, int]]:
    """The characters that stand in an element, and where each is."""
    tag = _TAG.match(text, begin)
    at = tag.end() if tag else begin
    while (piece := _PIECE.match(text, at)) is not None:
        if piece["entity"]:
            yield unescape(piece["entity"]), at
        for kind in ("kept", "plain"):
            first = piece.start(kind)
            yield from ((c, first + i) for i, c in enumerate(piece[kind] or ""))
        at = piece.end()


_ONE, _THREE, _NONE = Literal(1.0, 0), Literal(3.0, 0), Literal(0.0, 0)
#: What stands for functions of XMILE. A seed is left out: that of a world decides.
OTHER_NAMES: Mapping[tuple[str, int], OtherName] = MappingProxyType(
    {
        ("int", 1): ("whole at most", (0,)),
        ("init", 1): ("initial", (0,)),
        ("previous", 2): ("delay fixed", (0, Reference("TIME STEP", 0), 1)),
        ("smth1", 2): ("smooth n", (0, 1, 0, _ONE)),
        ("smth1", 3): ("smooth n", (0, 1, 2, _ONE)),
        ("smth3", 2): ("smooth n", (0, 1, 0, _THREE)),
        ("smth3", 3): ("smooth n", (0, 1, 2, _THREE)),
        ("smthn", 3): ("smooth n", (0, 1, 0, 2)),
        ("smthn", 4): ("smooth n", (0, 1, 3, 2)),
        ("delay1", 2): ("delay n", (0, 1, 0, _ONE)),
        ("delay1", 3): ("delay n", (0, 1, 2, _ONE)),
        ("delay3", 2): ("delay n", (0, 1, 0, _THREE)),
        ("delay3", 3): ("delay n", (0, 1, 2, _THREE)),
        ("delayn", 3): ("delay n", (0, 1, 0, 2)),
        ("delayn", 4): ("delay n", (0, 1, 3, 2)),
        ("delay", 2): ("delay fixed", (0, 1, 0)),
        ("delay", 3): ("delay fixed", (0, 1, 2)),
        ("trend", 2): ("trend", (0, 1, _NONE)),
        ("forcst", 3): ("forecast", (0, 1, 2)),
        ("forcst", 4): ("forecast from", (0, 1, 2, 3)),
        ("ramp", 2): ("lasting ramp", (0, 1)),
        ("pulse", 2): ("impulse", (0, 1)),
        ("pulse", 3): ("impulses", (0, 1, 2)),
        ("random", 0): ("random uniform", (_NONE, _ONE)),
        ("random", 2): ("random uniform", (0, 1)),
        ("random", 3): ("random uniform", (0, 1)),
        ("uniform", 2): ("random uniform", (0, 1)),
        ("uniform", 3): ("random uniform", (0, 1)),
        ("normal", 2): ("random normal", (0, 1)),
        ("normal", 3): ("random normal", (0, 1)),
        ("normal", 5): ("random normal", (0, 1, 3, 4)),
        ("exprnd", 2): ("exprnd", (0,)),
        ("poisson", 2): ("poisson", (0,)),
    }
)

_KEPT: Mapping[str, str] = {
    "time": "Time", "dt": "TIME STEP", "starttime": "INITIAL TIME", "stoptime": "FINAL TIME"
}  # fmt: skip
_WORDS = frozenset({"if", "then", "else", "and", "or", "not", "mod"})
_BLANKS = r"(?:\s++|\{[^{}]*+\})*+"


@dataclass
class XmileTokens(EquationTokens):
    """The tokens of an equation; ``shapes`` are the dimensions of arrays, by their keys."""

    pattern: ClassVar[re.Pattern[str]] = re.compile(
        rf"""{_BLANKS}(?:
        "(?P<quoted>[^"]*+)"
        |(?P<number>(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)
        |(?P<word>(?:[^\W\d]|[$_])[\w$.]*+)
        |(?P<mark><=|>=|<>|[-+*/^=<>(),\[\]!])
        |\Z)""",
        re.VERBOSE,
    )
    blanks: ClassVar[re.Pattern[str]] = re.compile(_BLANKS)
    operators: ClassVar[Mapping[str, str]] = {
        "and": "and", "or": "or", "not": "not", "mod": "mod"
    }  # fmt: skip
    signs_come_first: ClassVar[bool] = False

    excerpt: Excerpt | None = None
    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    shapes: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def place(self) -> int:
        """The character of the file at which the token at hand begins."""
        return self.excerpt.place_of(self.offset) if self.excerpt else self.offset

    def equation(self) -> Syntax:
        """The whole text as one formula."""
        formula = self.formula()
        if self.kind:
            self.refuse("an operator, or the end of the formula,")
        return formula

    def atom(self) -> Syntax:
        """A number, a name, a function, a formula in parentheses, or IF ... THEN ... ELSE."""
        key, place = key_of(self.text), self.place
        if self.kind != "word" or key not in (*_WORDS, *_KEPT, "pi"):
            return self.with_places(super().atom())
        if key == "mod" or (key in _WORDS and key != "if"):
            self.refuse("a number, a name or '('")
        self.advance()
        if key == "if":
            return self.condition(place)
        return Literal(math.pi, place) if key == "pi" else Reference(_KEPT[key], place)

    def condition(self, place: int) -> Syntax:
        """What stands behind IF."""
        parts = [self.operation(1)]
        for word in ("then", "else"):
            if key_of(self.text) != word or self.kind != "word":
                self.refuse(word.upper())
            self.advance()
            parts.append(self.operation(1))
        return self.counted(Applied("if", tuple(parts), place))

    def with_places(self, part: Syntax) -> Syntax:
        """An element of an array by its name, where its place is written."""
        if not isinstance(part, Reference) or not any(s.isdigit() for s in part.subscripts):
            return part
        shape = self.shapes.get(part.key, ())
        named = tuple(
            self.element(shape[i], s, part) if s.isdigit() and i < len(shape) else s
            for i, s in enumerate(part.subscripts)
        )
        return Reference(part.name, part.offset, named)

    def element(self, dimension: str, place: str, part: Reference) -> str:
        """The element at a place of a dimension, counted from 1."""
        known = self.dimensions.get(key_of(dimension))
        number = int(place[:9])
        if known is None or not 1 <= number <= len(known.elements):
            told = f"{shown(part.name)} has no element {place} of {shown(dimension)}."
            self.refuse_here(told)
        return known.elements[number - 1]
