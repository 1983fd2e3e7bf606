"""A text token by token: the one at hand, what has to be here, and where a fault is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, NoReturn

from causalopt.exchange.reading import FileText
from causalopt.ground.checks import shown

#: Kinds of tokens that may be a name.
_NAMES = ("word", "quoted")


@dataclass
class Scanner:
    """The tokens of a text, one by one: ``kind`` and ``text`` are those of the one at hand.

    A format derives a class, whose ``pattern`` skips what counts as blank, which is ``blanks``, and
    matches a group of a kind (``quoted``, ``word`` and ``mark``) or the end. Behind the last token
    ``kind`` is empty.
    """

    pattern: ClassVar[re.Pattern[str]]
    blanks: ClassVar[re.Pattern[str]]

    source: FileText
    kind: str = ""
    text: str = ""
    offset: int = 0
    end: int = 0

    def __post_init__(self) -> None:
        self.advance()

    def advance(self) -> None:
        """Go to the next token."""
        found = self.pattern.match(self.source.text, self.end)
        if found is None:
            self._refuse_letters()
        self.kind = found.lastgroup or ""
        self.text = found[self.kind] if self.kind else ""
        self.offset = found.start(self.kind) - (self.kind == "quoted") if self.kind else found.end()
        self.end = found.end()

    def go_behind(self, found: re.Match[str]) -> None:
        """Go to the token behind what was read at once."""
        self.end = found.end()
        self.advance()

    def at(self, *texts: str) -> bool:
        """Whether the token at hand is one of these marks or plain words."""
        return self.kind != "quoted" and self.text in texts

    @property
    def is_name(self) -> bool:
        """Whether the token at hand may be a name, plain or in quotes."""
        return self.kind in _NAMES

    def skip(self, text: str, wanted: str = "") -> None:
        """Go behind a mark or word that has to be here."""
        if not self.at(text):
            self.refuse(wanted or f"{text!r}")
        self.advance()

    def refuse(self, wanted: str) -> NoReturn:
        """Raise ``FileError``: something else was expected here."""
        met = f"there is {shown(self.text)}" if self.kind else "the file ends"
        raise self.source.refusal(self.offset, f"{wanted} was expected, and here {met}.")

    def _refuse_letters(self) -> NoReturn:
        text = self.source.text
        blanks = self.blanks.match(text, self.end)
        at = blanks.end() if blanks else self.end
        begun = {'"': "a name in quotes", "/": "a comment"}.get(text[at])
        told = f"{begun} that begins here has no end." if begun else None
        raise self.source.refusal(at, told or f"{shown(text[at])} cannot be read here.")
