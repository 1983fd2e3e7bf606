r"""Vensim's .mdl text as an outline: equations up to the sketch, and what the settings say.

An equation is ``name = formula ~ unit ~ what is told of it |``; what is told is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

from causalopt.exchange.chances import Word
from causalopt.exchange.dynamics.graphs import graph_of
from causalopt.exchange.dynamics.syntax import (
    MOST_VARIABLES,
    Applied,
    Definition,
    Dimension,
    GraphicalFunction,
    Literal,
    Macro,
    OtherName,
    Outline,
    Syntax,
    key_of,
)
from causalopt.exchange.dynamics.tokens import EquationTokens
from causalopt.exchange.reading import FileText
from causalopt.ground.checks import shown

# Blanks, lines that go on behind a backslash, and what stands in braces.
_BLANKS = r"(?:\s++|\\\n|\{[^{}]*+\})*+"
# Names have blanks in them; they end where something else begins.
_LETTER, _MORE = r"(?:[^\W\d]|\$)", r"[\w$'’&%]"
_WORD = rf"{_LETTER}{_MORE}*+(?:(?:[ \t]|\\\n)++{_MORE}++)*+"
_TOKEN = re.compile(
    rf"""{_BLANKS}(?:
    "(?P<quoted>(?:[^"\\\n]|\\(?s:.))*+)"
    |(?P<number>(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)
    |(?P<word>{_WORD})
    |(?P<text>'[^'\n]*+')
    |(?P<mark>:[A-Za-z][A-Za-z ]*+:|\*{{3,}}|:=|==|<->|->|<=|>=|<>|[-+*/^=<>(),;\[\]!~|:])
    |\Z)""",
    re.VERBOSE,
)
_SKETCH = "\\\\\\---///"
_METHODS = {0: "euler", 1: "rk4", 2: "euler", 5: "rk4"}
_SETTING = re.compile(r"^15:(?:[0-9]+,){3}([0-9]+)", re.MULTILINE)
_SAME_UNITS = re.compile(r"^22:(.*)$", re.MULTILINE)

_ONE, _THREE = Literal(1.0, 0), Literal(3.0, 0)
#: What stands for functions of Vensim. A seed is left out: that of a world decides.
OTHER_NAMES: Mapping[tuple[str, int], OtherName] = MappingProxyType(
    {
        ("if then else", 3): ("if", (0, 1, 2)),
        ("with lookup", 2): ("lookup", (0, 1)),
        ("smooth", 2): ("smooth n", (0, 1, 0, _ONE)),
        ("smoothi", 3): ("smooth n", (0, 1, 2, _ONE)),
        ("smooth3", 2): ("smooth n", (0, 1, 0, _THREE)),
        ("smooth3i", 3): ("smooth n", (0, 1, 2, _THREE)),
        ("delay1", 2): ("delay n", (0, 1, 0, _ONE)),
        ("delay1i", 3): ("delay n", (0, 1, 2, _ONE)),
        ("delay3", 2): ("delay n", (0, 1, 0, _THREE)),
        ("delay3i", 3): ("delay n", (0, 1, 2, _THREE)),
        ("random 0 1", 0): ("random uniform", (Literal(0.0, 0), _ONE)),
        ("random uniform", 3): ("random uniform", (0, 1)),
        ("random normal", 5): ("random normal", (2, 3, 0, 1)),
    }
)


@dataclass
class VensimTokens(EquationTokens):
    """The tokens of a model in Vensim's text, and its statements."""

    pattern: ClassVar[re.Pattern[str]] = _TOKEN
    blanks: ClassVar[re.Pattern[str]] = re.compile(_BLANKS)
    operators: ClassVar[Mapping[str, str]] = {":and:": "and", ":or:": "or", ":not:": "not"}
    signs_come_first: ClassVar[bool] = True

    definitions: list[Definition] = field(default_factory=list)
    dimensions: dict[str, Dimension] = field(default_factory=dict)
    macros: dict[str, Macro] = field(default_factory=dict)

    def statements(self) -> None:
        """All statements up to the end."""
        while self.kind:
            if self.at("|"):
                self.advance()
            elif self.text.startswith("***"):
                self.go_to_end(self.offset)
            elif key_of(self.text) == ":macro:" and self.kind == "mark":
                self.macro()
            else:
                self.definitions += self.statement()
            if len(self.definitions) > MOST_VARIABLES:
                told = f"there are more than {MOST_VARIABLES:,} variables (MOST_VARIABLES)."
                self.refuse_here(told)

    def statement(self) -> list[Definition]:
        """A variable, or a dimension, which is kept apart."""
        word = self.name("a name")
        if self.at(":", "<->"):
            self.dimension(word)
            return []
        subscripts = self.subscripts() if self.at("[") else ()
        formula = self.right_side(word)
        return [Definition(word, formula, subscripts, self.tail(word))]

    def right_side(self, word: Word) -> Syntax:
        """What a variable follows from: a formula, points, or numbers for its elements."""
        self.parts = 0
        if self.at("("):
            return self.points()
        if not self.at("=", "=="):
            self.refuse(f"'=' behind {shown(word.text)}, for data are not read,")
        self.advance()
        formula = self.formula()
        if not self.at(",", ";"):
            return formula
        rows = [formula]
        while self.at(",", ";"):
            self.advance()
            if not self.at("~", ""):
                rows.append(self.signed_number())
        return Applied("rows", tuple(rows), word.offset)

    def signed_number(self) -> Literal:
        """A number with its sign, which has to be here."""
        self.count()
        sign = -1.0 if self.at("-") else 1.0
        if self.at("-", "+"):
            self.advance()
        if self.kind != "number":
            self.refuse("a number")
        found = self.number()
        return Literal(sign * found.value, found.offset)

    def tail(self, word: Word) -> str:
        """The unit of an equation; what is told of it is skipped."""
        if not self.at("~", "|"):
            self.refuse("an operator, '~' or '|'")
        text = self.source.text
        begin = self.offset + 1
        end = min((at for at in (text.find(m, begin) for m in "~|") if at >= 0), default=begin)
        unit = text[begin:end] if self.at("~") else ""
        self.go_to_end(word.offset if self.at("~") else None)
        return " ".join(re.sub(r"\[.*?\]", "", unit.replace("\\\n", " ")).split())

    def go_to_end(self, begun: int | None) -> None:
        """Go behind the "|" that ends a statement."""
        if begun is None:
            self.advance()
            return
        end = self.source.text.find("|", self.offset)
        if end < 0:
            raise self.source.refusal(begun, "a statement that begins here has no '|' at its end.")
        self.end = end + 1
        self.advance()

    def dimension(self, word: Word) -> None:
        """The elements of a dimension, which is like another or has elements of its own."""
        if self.at("<->"):
            self.advance()
            other = self.name("a dimension")
            known = self.dimensions.get(key_of(other.text))
            if known is None:
                raise self.source.refusal(other.offset, f"{shown(other.text)} is no dimension yet.")
            elements = list(known.elements)
        else:
            elements = list(self.elements())
        if self.at("->"):
            self.refuse_here("mappings of dimensions are not read: write equations by elements.")
        self.tail(word)
        if key_of(word.text) in self.dimensions:
            told = f"the dimension {shown(word.text)} is declared twice."
            raise self.source.refusal(word.offset, told)
        self.dimensions[key_of(word.text)] = Dimension(word, tuple(elements))

    def elements(self) -> Iterator[str]:
        """The elements behind the colon of a dimension; (a1-a3) names a1, a2 and a3."""
        self.advance()
        while True:
            if self.at("("):
                yield from self.numbered()
            else:
                yield self.name("an element").text
            if not self.at(","):
                return
            self.advance()

    def numbered(self) -> Iterator[str]:
        """The elements from one number to another: (a1-a3)."""
        self.advance()
        first = self.name("an element")
        self.skip("-")
        last = self.name("an element")
        self.skip(")")
        ends = [re.fullmatch(r"(.*?)([0-9]{1,6})", one.text) for one in (first, last)]
        if ends[0] is None or ends[1] is None or ends[0][1] != ends[1][1]:
            told = "elements in a row are written as in (a1-a3), with one name before the numbers."
            raise self.source.refusal(first.offset, told)
        low, high = int(ends[0][2]), int(ends[1][2])
        if not 0 <= high - low < MOST_VARIABLES:
            told = f"elements go from {low} to {high}: write one to {MOST_VARIABLES:,} of them."
            raise self.source.refusal(first.offset, told)
        yield from (f"{ends[0][1]}{n}" for n in range(low, high + 1))

    def macro(self) -> None:
        """A macro up to its end."""
        self.advance()
        word = self.name("the name of a macro")
        self.skip("(")
        parameters: list[str] = []
        while not self.at(")"):
            if parameters:
                self.skip(",", "',' or ')'; macros of several outputs are not read:")
            parameters.append(key_of(self.name("a parameter").text))
        self.advance()
        body: list[Definition] = []
        while not (self.kind == "mark" and key_of(self.text) == ":end of macro:"):
            if not self.kind:
                raise self.source.refusal(word.offset, "a macro that begins here has no end.")
            body += self.statement()
        self.advance()
        if key_of(word.text) in self.macros:
            raise self.source.refusal(
                word.offset, f"the macro {shown(word.text)} stands here twice."
            )
        self.macros[key_of(word.text)] = Macro(word, tuple(parameters), tuple(body))

    # -- points ------------------------------------------------------------------------------------

    def arguments(self, function: str) -> tuple[Syntax, ...]:
        """The arguments of a function; WITH LOOKUP has points as its second."""
        if function != "with lookup":
            return super().arguments(function)
        inner = self.operation(1)
        self.skip(",")
        return (self.points(), inner)

    def points(self) -> GraphicalFunction:
        """Points in parentheses, with the range of a drawing before them or not."""
        start = self.offset
        self.skip("(")
        if self.at("["):
            self.skip_range(start)
        numbers: list[float] = []
        is_paired = self.at("(")
        while not self.at(")"):
            if numbers:
                self.skip(",", "',' or ')'")
            if is_paired:
                self.skip("(", "a point, such as (0,1),")
            numbers.append(self.signed_number().value)
            if is_paired:
                self.skip(",")
                numbers.append(self.signed_number().value)
                self.skip(")")
        self.advance()
        half = len(numbers) // 2
        pairs = (numbers[::2], numbers[1::2]) if is_paired else (numbers[:half], numbers[half:])
        if len(pairs[0]) != len(pairs[1]):
            raise self.source.refusal(start, "points are as many x as y: one number is too many.")
        return graph_of(self.source, list(zip(*pairs, strict=True)), "continuous", start)

    def skip_range(self, begun: int) -> None:
        """Go behind the range of a drawing, in brackets, and the points that it has."""
        end = self.source.text.find("]", self.offset)
        if end < 0:
            raise self.source.refusal(begun, "a range that begins here has no ']'.")
        self.end = end + 1
        self.advance()
        if self.at(","):
            self.advance()


def outline_of_vensim(source: FileText) -> Outline:
    """What a model in Vensim's text declares, or ``FileError`` with line and column."""
    equations, mark, rest = source.text.partition(_SKETCH)
    tokens = VensimTokens(FileText(source.path, equations))
    tokens.statements()
    found = _SETTING.search(rest)
    kind = int(found[1][:3]) if found else 0
    if kind not in _METHODS:
        told = f"the settings ask for integration of kind {kind}: Euler and RK4 alone are read."
        raise source.refusal(len(equations) + len(mark) + (found.start() if found else 0), told)
    same = [[name.strip() for name in line.split(",")] for line in _SAME_UNITS.findall(rest)]
    return Outline(
        source,
        tuple(tokens.definitions),
        _METHODS[kind],
        tokens.dimensions,
        tokens.macros,
        OTHER_NAMES,
        {other: names[0] for names in same for other in names[1:]},
    )
