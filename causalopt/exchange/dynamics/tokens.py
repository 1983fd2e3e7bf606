"""Formulas of XMILE and Vensim, token by token: what both share, and by what they differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, NoReturn

from causalopt.exchange.chances import Word, check_shows
from causalopt.exchange.dynamics.syntax import (
    MOST_NESTED,
    MOST_PARTS,
    Applied,
    Literal,
    Reference,
    Syntax,
    key_of,
)
from causalopt.exchange.scanner import Scanner
from causalopt.ground.checks import shown

# How strongly operators bind, by the table of section 3.3.1 of XMILE 1.0.
LEVELS: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(["or"], 1),
        **dict.fromkeys(["and"], 2),
        **dict.fromkeys(["=", "<>"], 4),
        **dict.fromkeys(["<", "<=", ">", ">="], 5),
        **dict.fromkeys(["+", "-"], 6),
        **dict.fromkeys(["*", "/", "mod"], 7),
        "^": 9,
    }
)
_SIGNS, _ALONE = 8, 10
# No number is printed with more letters.
_LONGEST = 400
#: Operators that hold any number of terms: a + b + c is one sum.
_OF_MANY = frozenset({"+", "*", "and", "or"})


@dataclass
class EquationTokens(Scanner):
    """The tokens of a text in which formulas stand, and how these are put together.

    A format says which words are operators, and whether signs come before powers: -a^b is (-a)^b in
    Vensim, and -(a^b) in XMILE. Operators of the same strength go from left to right.
    """

    operators: ClassVar[Mapping[str, str]]
    signs_come_first: ClassVar[bool]

    parts: int = 0
    depth: int = 0

    @property
    def place(self) -> int:
        """The character of the file at which the token at hand begins."""
        return self.offset

    def refuse_here(self, message: str) -> NoReturn:
        """Raise ``FileError`` at the token at hand."""
        raise self.source.refusal(self.offset, message)

    @property
    def operator(self) -> str:
        """The operator that is at hand; nothing where there is none."""
        if self.kind in ("quoted", "number", "text", ""):
            return ""
        known = self.operators.get(key_of(self.text), self.text)
        return known if known in LEVELS or known == "not" else ""

    def formula(self) -> Syntax:
        """A whole formula; its parts are counted."""
        self.parts = 0
        return self.operation(1)

    def operation(self, least: int) -> Syntax:
        """A formula of operators that bind at ``least`` so strongly."""
        self.depth += 1
        if self.depth > MOST_NESTED:
            self.refuse_here(
                f"parts stand deeper than {MOST_NESTED} in one another (MOST_NESTED): give the "
                "inner ones variables of their own."
            )
        left = self.signed()
        while (sign := self.operator) and LEVELS.get(sign, 0) >= least:
            place = self.place
            self.advance()
            right = self.exponent() if sign == "^" else self.operation(LEVELS[sign] + 1)
            left = self.joined(sign, left, right, place)
        self.depth -= 1
        return left

    def exponent(self) -> Syntax:
        """What stands behind a power; powers alone go from right to left."""
        if not self.signs_come_first:
            return self.operation(LEVELS["^"])
        right = self.operation(_ALONE)
        if self.operator == "^":
            self.refuse_here("programs read a^b^c in two ways: write a^(b^c) or (a^b)^c.")
        return right

    def signed(self) -> Syntax:
        """A formula with a sign or "not" before it, or without."""
        sign, place = self.operator, self.place
        if sign not in ("+", "-", "not"):
            return self.atom()
        self.advance()
        if sign == "not":
            denied = self.operation(_ALONE)
            if LEVELS.get(self.operator, 0) > LEVELS["and"]:
                self.refuse_here("programs read NOT a > b in two ways: write NOT (a > b).")
            return self.counted(Applied("not", (denied,), place))
        inner = self.operation(_ALONE if self.signs_come_first else _SIGNS)
        if sign == "+":
            return inner
        if isinstance(inner, Literal):
            return Literal(-inner.value, place)
        return self.counted(Applied("negative", (inner,), place))

    def joined(self, sign: str, left: Syntax, right: Syntax, place: int) -> Syntax:
        """Two formulas with an operator between; a sum of many terms is one."""
        if sign == "-":
            sign, right = "+", self.counted(Applied("negative", (right,), place))
        first: tuple[Syntax, ...] = (left,)
        if isinstance(left, Applied) and left.function == sign and sign in _OF_MANY:
            first = left.arguments
        # The parts of what is on the left are counted already.
        return self.counted(Applied(sign, (*first, right), place))

    def counted(self, formula: Applied) -> Applied:
        """The same, counted as one part more."""
        self.count()
        return formula

    def count(self) -> None:
        """Count one part more of the formula at hand."""
        self.parts += 1
        if self.parts > MOST_PARTS:
            self.refuse_here(
                f"a formula has more than {MOST_PARTS:,} parts (MOST_PARTS): give some of them "
                "variables of their own."
            )

    def atom(self) -> Syntax:
        """A number, a variable, a function of formulas, or a formula in parentheses."""
        self.count()
        if self.at("("):
            return self.in_parentheses()
        if self.kind == "number":
            return self.number()
        if not self.is_name:
            self.refuse("a number, a name or '('")
        word = self.name("a name")
        subscripts = self.subscripts() if self.at("[") else ()
        if not self.at("("):
            return Reference(word.text, word.offset, tuple(s.text for s in subscripts))
        return self.call(word, tuple(s.text for s in subscripts))

    def in_parentheses(self) -> Syntax:
        """A formula between parentheses."""
        self.advance()
        inner = self.operation(1)
        self.skip(")")
        return inner

    def number(self) -> Literal:
        """A number, finite as a float."""
        value = float(self.text) if len(self.text) <= _LONGEST else math.inf
        if not math.isfinite(value):
            self.refuse_here(f"the number {shown(self.text)} is none that a float holds.")
        literal = Literal(value, self.place)
        self.advance()
        return literal

    def name(self, what: str) -> Word:
        """A name, plain or in quotes, that has to be here."""
        if not self.is_name:
            self.refuse(what)
        text = self.text.replace("\\\n", " ").replace("\\n", " ").replace('\\"', '"')
        text = " ".join(text.split())
        word = Word(text, self.place)
        check_shows(self.source, Word(text, self.offset))
        self.advance()
        return word

    def call(self, word: Word, subscripts: tuple[str, ...]) -> Syntax:
        """A function, or a variable that is a graphical function, of what is in parentheses."""
        self.advance()
        arguments = self.arguments(key_of(word.text))
        self.skip(")", "',' or ')'")
        if subscripts:
            graph = Reference(word.text, word.offset, subscripts)
            return self.counted(Applied("lookup", (graph, *arguments), word.offset))
        return self.counted(Applied(key_of(word.text), arguments, word.offset))

    def arguments(self, function: str) -> tuple[Syntax, ...]:
        """The formulas between the parentheses of a function."""
        found: list[Syntax] = []
        while not self.at(")"):
            if found:
                self.skip(",", "',' or ')'")
            found.append(self.operation(1))
        return tuple(found)

    def subscripts(self) -> tuple[Word, ...]:
        """What stands in brackets behind a name."""
        self.skip("[")
        found: list[Word] = []
        while not self.at("]"):
            if found:
                self.skip(",", "',' or ']'")
            found.append(self.subscript())
        self.advance()
        return tuple(found)

    def subscript(self) -> Word:
        """A dimension or an element; "!" behind it says that a function runs over it."""
        if self.kind == "number" or self.at("*"):
            word = Word(self.text, self.place)
            self.advance()
            return word
        word = self.name("a subscript")
        if self.at("!"):
            self.advance()
            return Word(f"{word.text}!", word.offset)
        return word
