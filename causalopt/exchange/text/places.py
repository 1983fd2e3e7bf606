"""Where in the text of a TOML file its keys and values stand, which its reader does not tell."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

#: What leads to a value: keys, and numbers within arrays.
Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""(?:[ \t]++|\#[^\n]*+)*+(?:
    (?P<long>\"\"\"(?:[^"\\]|\\(?s:.)|\"(?!\"\"))*+\"{3,5}|'''(?:[^']|'(?!''))*+'{3,5})
    |(?P<short>"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')
    |(?P<mark>[\[\]{}=,.\n])
    |(?P<bare>[^\s\[\]{}=,."'\#]++)
    |(?P<other>.)
    |\Z)""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|[ \t]*\n\s*|(.))")
_LETTERS = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


class TomlToken(NamedTuple):
    """A token of a TOML text: its kind, its text, and the character at which it begins."""

    kind: str
    text: str
    offset: int


def toml_tokens(text: str) -> Iterator[TomlToken]:
    """The tokens of a text; ``other`` is what begins none."""
    end = 0
    while (found := _TOKEN.match(text, end)) and found.lastgroup:
        yield TomlToken(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup))
        end = found.end()


class TomlPlace(NamedTuple):
    """The character at which a key begins, and the token with which its value does."""

    key: int
    token: TomlToken

    def letter(self, offset: int) -> int:
        """The character of the file at which a letter of a text stands; where it begins, of others.

        >>> places_in_toml(r'x = "\\"k\\" + 1"')[("x",)].letter(3)
        10
        """
        if self.token.kind not in ("short", "long"):
            return self.token.offset
        found = next(itertools.islice(_letters(self.token), offset, None), None)
        return self.token.offset if found is None else found[1]


def places_in_toml(text: str) -> Mapping[Path, TomlPlace]:
    """The place of each key and value in a text that is known to be TOML.

    >>> places_in_toml('[rates]\\nx = "-k*x"')[("rates", "x")].key
    8
    """
    walk = _TomlWalk(list(toml_tokens(text)))
    walk.document()
    return walk.places


@dataclass
class _TomlWalk:
    """Where one is among the tokens; the values within one another that are open."""

    tokens: Sequence[TomlToken]
    at: int = 0
    places: dict[Path, TomlPlace] = field(default_factory=dict)
    counts: dict[Path, int] = field(default_factory=dict)

    @property
    def token(self) -> TomlToken:
        return self.tokens[self.at] if self.at < len(self.tokens) else TomlToken("", "", 0)

    def skip(self, *marks: str) -> bool:
        """Go behind a mark, if one of these is here."""
        is_here = self.token.kind == "mark" and self.token.text in marks
        self.at += is_here
        return is_here

    def document(self) -> None:
        table: Path = ()
        while self.token.kind:
            start = self.token
            if self.skip("\n"):
                continue
            if self.skip("["):
                is_one_of_many = self.skip("[")
                table = self.one_of_many(self.key()) if is_one_of_many else self.path_of(self.key())
                for end in range(len(table), 0, -1):
                    self.places.setdefault(table[:end], TomlPlace(start.offset, start))
                while self.skip("]"):
                    pass
            else:
                self.pair(table)
            # What is no TOML is told by its own reader; here it only has to come to an end.
            self.at += self.token is start

    def path_of(self, keys: Sequence[str]) -> Path:
        """The path of a table: through an array of tables it leads to the last of them."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
        return path

    def one_of_many(self, keys: Sequence[str]) -> Path:
        path = (*self.path_of(keys[:-1]), *keys[-1:])
        self.counts[path] = self.counts.get(path, 0) + 1
        return (*path, self.counts[path] - 1)

    def key(self) -> list[str]:
        """A key, of one part or of several with points between them."""
        parts = []
        while self.token.kind in ("bare", "short"):
            token = self.token
            is_bare = token.kind == "bare"
            parts.append(token.text if is_bare else "".join(a for a, _ in _letters(token)))
            self.at += 1
            if not self.skip("."):
                break
        return parts

    def pair(self, table: Path) -> None:
        begun = self.token.offset
        path = (*table, *self.key())
        self.skip("=")
        self.value(path, begun)

    def value(self, path: Path, begun: int) -> None:
        """A value, and all that is within it."""
        for end in range(len(path), 0, -1):
            self.places.setdefault(path[:end], TomlPlace(begun, self.token))
        if self.skip("["):
            self.array(path)
        elif self.skip("{"):
            self.table(path)
        else:
            while self.token.kind in ("bare", "short", "long") or self.token.text == ".":
                self.at += 1

    def array(self, path: Path) -> None:
        place = 0
        while self.token.kind and not self.skip("]"):
            if not self.skip("\n", ","):
                start = self.token
                self.value((*path, place), start.offset)
                place += 1
                self.at += self.token is start

    def table(self, path: Path) -> None:
        while self.token.kind and not self.skip("}"):
            if not self.skip("\n", ","):
                start = self.token
                self.pair(path)
                self.at += self.token is start


def _letters(token: TomlToken) -> Iterator[tuple[str, int]]:
    """The letters of a text in quotes, each with its place in the file."""
    width = 3 if token.kind == "long" else 1
    inside = token.text[width : len(token.text) - width]
    first = token.offset + width
    at = 1 if width == 3 and inside.startswith("\n") else 0
    while at < len(inside):
        found = _ESCAPE.match(inside, at) if token.text[0] == '"' else None
        if found is None:
            yield inside[at], first + at
            at += 1
            continue
        code = found[1] or found[2]
        if code:
            yield chr(int(code, 16)), first + at
        elif found[3]:
            yield _LETTERS.get(found[3], found[3]), first + at
        at = found.end()
