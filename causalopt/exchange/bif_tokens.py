"""The tokens of BIF: names, marks, and what lies between them and counts as blank."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from causalopt.exchange.chances import MOST_ROWS, Word
from causalopt.exchange.reading import FileText
from causalopt.ground.checks import shown

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
class Tokens:
    """The tokens of a text, one by one: ``kind`` and ``text`` are those of the one at hand."""

    source: FileText
    kind: str = ""
    text: str = ""
    offset: int = 0
    rows: int = 0
    _end: int = 0

    def __post_init__(self) -> None:
        self.advance()

    def advance(self) -> None:
        """Go to the next token; behind the last one, ``kind`` is empty."""
        found = _TOKEN.match(self.source.text, self._end)
        if found is None:
            self._refuse_letters()
        self.kind = found.lastgroup or ""
        self.text = found[self.kind] if self.kind else ""
        self.offset = found.start(self.kind) - (self.kind == "quoted") if self.kind else found.end()
        self._end = found.end()

    def _refuse_letters(self) -> NoReturn:
        text = self.source.text
        blanks = _BLANKS.match(text, self._end)
        at = blanks.end() if blanks else self._end
        what = "a comment" if text[at] == "/" else "a name in quotes"
        raise self.source.refusal(at, f"{what} that begins here has no end.")

    def at(self, *texts: str) -> bool:
        """Whether the token at hand is one of these marks or plain words."""
        return self.kind != "quoted" and self.text in texts

    def skip(self, text: str) -> None:
        """Go behind a mark or word that has to be here."""
        if not self.at(text):
            self.refuse(f"{text!r}")
        self.advance()

    def word(self, what: str) -> Word:
        """A name, plain or in quotes, that has to be here."""
        if self.kind not in ("word", "quoted"):
            self.refuse(what)
        word = Word(self.text, self.offset)
        self.advance()
        return word

    def words(self, what: str, end: str) -> Iterator[Word]:
        """Names, one or more, up to a mark, which is left at hand."""
        yield self.word(what)
        while self.kind in ("word", "quoted"):
            yield Word(self.text, self.offset)
            self.advance()
        if not self.at(end):
            self.refuse(f"{what}, or {end!r},")

    def numbers(self) -> list[str]:
        """Numbers, one or more, and the semicolon behind them."""
        found = _NUMBERS.match(self.source.text, self.offset)
        plain = _apart(found[1]) if found and self.kind == "word" else []
        if found and plain:
            self._behind(found)
            return plain
        numbers = [word.text for word in self.words("a number", ";")]
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
            self._behind(found)
            return names, numbers
        self.skip("(")
        names = [word.text for word in self.words("a value", ")")]
        self.advance()
        return names, self.numbers()

    def _behind(self, found: re.Match[str]) -> None:
        self._end = found.end()
        self.advance()

    def skip_property(self) -> None:
        """Go behind a property, which is left out: any text up to a semicolon."""
        found = _PROPERTY.match(self.source.text, self._end)
        if found is None:
            raise self.source.refusal(self.offset, "a property that begins here has no ';' behind.")
        self._behind(found)

    def refuse(self, wanted: str) -> NoReturn:
        """Raise ``FileError``: something else was expected here."""
        met = f"there is {shown(self.text)}" if self.kind else "the file ends"
        raise self.source.refusal(self.offset, f"{wanted} was expected, and here {met}.")
