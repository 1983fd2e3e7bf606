"""The tokens of BIF: names, marks, and what lies between them and counts as blank."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from causalopt.exchange.chances import Word
from causalopt.exchange.reading import Source
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
_PROPERTY = re.compile(r"""(?:[^;"]++|"[^"\n]*+")*+;""")


def is_plain(text: str) -> bool:
    """Whether a name can stand without quotes.

    >>> is_plain(">=10"), is_plain("a b"), is_plain("a//b")
    (True, False, False)
    """
    return _PLAIN.fullmatch(text) is not None


@dataclass
class Tokens:
    """The tokens of a text, one by one: ``kind`` and ``text`` are those of the one at hand."""

    source: Source
    kind: str = ""
    text: str = ""
    offset: int = 0
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

    def skip_property(self) -> None:
        """Go behind a property, which is left out: any text up to a semicolon."""
        found = _PROPERTY.match(self.source.text, self._end)
        if found is None:
            raise self.source.refusal(self.offset, "a property that begins here has no ';' behind.")
        self._end = found.end()
        self.advance()

    def refuse(self, wanted: str) -> NoReturn:
        """Raise ``FileError``: something else was expected here."""
        met = f"there is {shown(self.text)}" if self.kind else "the file ends"
        raise self.source.refusal(self.offset, f"{wanted} was expected, and here {met}.")
