"""The tokens of BIF: names, marks, and what lies between them and counts as blank."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from causalopt.exchange.chances import MOST_ROWS, Word
from causalopt.exchange.scanner import Scanner

# A word is whatever stands between blanks, marks and comments: values such as <5 and >=10 too.
_WORD = r"""(?:[^\s{}()\[\];,|"/]|/(?![/*]))(?:[^\s{}()\[\];,|"/]|/(?![/*]))*+"""
_PLAIN = re.compile(_WORD)
# Commas count as blanks. Nothing is tried twice, so that no text takes longer than its length.
_SKIPPED = r"(?:[\s,]++|//[^\n]*+|/\*(?s:.*?)\*/)*+"
_TOKEN = re.compile(
    rf"""{_SKIPPED}(?:"(?P<quoted>[^"\n]*+)"|(?P<mark>[{{}}()\[\];|])|(?P<word>{_WORD})|\Z)"""
)
_BLANKS = re.compile(_SKIPPED)
# Most rows are plain: without quotes and comments. Those are read at once, the others by tokens.
_NUMBERS = re.compile(r"([\s,0-9.eE+-]*+);")
_ROW = re.compile(r"""\(([^"(){}\[\];|/]*+)\)([\s,0-9.eE+-]*+);""")
# So many numbers are read by tokens.
_MOST_APART = 100_000
_PROPERTY = re.compile(r"""(?:[^;"]++|"[^"\n]*+")*+;""")


def is_plain(text: str) -> bool:
    """Whether a name can stand without quotes.

    >>> is_plain(">=10"), is_plain("a b"), is_plain("a//b")
    (True, False, False)
    """
    return _PLAIN.fullmatch(text) is not None


def _apart(listing: str) -> list[str]:
    return listing.replace(",", " ").split()


@dataclass
class Tokens(Scanner):
    """The tokens of BIF; ``rows`` counts the rows that were read."""

    pattern: ClassVar[re.Pattern[str]] = _TOKEN
    blanks: ClassVar[re.Pattern[str]] = _BLANKS

    rows: int = 0

    def word(self, what: str) -> Word:
        """A name, plain or in quotes, that has to be here."""
        if not self.is_name:
            self.refuse(what)
        word = Word(self.text, self.offset)
        self.advance()
        return word

    def words(self, what: str, end: str) -> Iterator[Word]:
        """Names, one or more, up to a mark, which is left at hand."""
        yield self.word(what)
        while self.is_name:
            yield Word(self.text, self.offset)
            self.advance()
        if not self.at(end):
            self.refuse(f"{what}, or {end!r},")

    def numbers(self) -> list[str]:
        """Numbers, one or more, and the semicolon behind them."""
        found = _NUMBERS.match(self.source.text, self.offset)
        plain = _apart(found[1]) if found and self.kind == "word" else []
        if found and plain:
            self.go_behind(found)
            return plain
        begun = self.offset
        numbers = [word.text for word in islice(self.words("a number", ";"), _MOST_APART + 1)]
        if len(numbers) > _MOST_APART:
            told = (
                f"of numbers with quotes, comments or letters among them {_MOST_APART:,} are read: "
                "write numbers alone."
            )
            raise self.source.refusal(begun, told)
        self.advance()
        return numbers

    def row(self) -> tuple[list[str], list[str]]:
        """The values of a row in brackets, and its numbers."""
        self.rows += 1
        if self.rows > MOST_ROWS:
            told = f"there are more than {MOST_ROWS:,} rows (MOST_ROWS)."
            raise self.source.refusal(self.offset, told)
        found = _ROW.match(self.source.text, self.offset)
        names, numbers = (_apart(found[1]), _apart(found[2])) if found else ([], [])
        if found and names and numbers:
            self.go_behind(found)
            return names, numbers
        self.skip("(")
        names = [word.text for word in self.words("a value", ")")]
        self.advance()
        return names, self.numbers()

    def skip_property(self) -> None:
        """Go behind a property, which is left out: any text up to a semicolon."""
        found = _PROPERTY.match(self.source.text, self.end)
        if found is None:
            raise self.source.refusal(self.offset, "a property that begins here has no ';' behind.")
        self.go_behind(found)
