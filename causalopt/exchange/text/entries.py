"""TOML that somebody else wrote, as entries that know where they stand: every fault has a place."""

from __future__ import annotations

import functools
import math
import os
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

from causalopt.exchange.reading import FileText, read_text
from causalopt.exchange.text.places import Path, TomlPlace, places_in_toml, toml_tokens
from causalopt.exchange.text.tokens import FormulaError
from causalopt.ground.checks import as_whole, shown
from causalopt.ground.errors import CausaloptError, FileError, nearest

T = TypeVar("T")

#: The most bytes of a TOML file, and the most tokens in it.
MOST_TOML_BYTES, MOST_TOML_TOKENS = 2_000_000, 500_000
#: How deep tables and arrays may stand in one another, and the most parts of a key.
MOST_TOML_DEPTH = 16
#: The most letters of a name.
MOST_NAME = 500

# A number has no more letters than this.
_LONGEST = 330
_TOLD = re.compile(r"(?s)(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)")


@dataclass
class TomlFile:
    """The text of a TOML file, and where in it things stand, which is asked of faults alone.

    ``at`` leads to the entry that is worked on, where the work may be too much.
    """

    source: FileText
    at: Path = ()

    @functools.cached_property
    def places(self) -> Mapping[Path, TomlPlace]:
        """The place of each entry."""
        return places_in_toml(self.source.text)

    def refusal(self, path: Path, message: str, letter: int | None, *, of_key: bool) -> FileError:
        """What is wrong with an entry, to be raised; where it has no place, with what it is in."""
        while path and path not in self.places:
            path = path[:-1]
        if not path:
            return self.source.refusal(0, message)
        place = self.places[path]
        at = (
            place.key
            if of_key
            else place.letter(letter or 0)
            if letter is not None
            else (place.token.offset)
        )
        return self.source.refusal(at, message)


@dataclass(frozen=True)
class TomlEntry:
    """A value of a TOML file, and what leads to it."""

    file: TomlFile
    path: Path
    value: object

    @property
    def name(self) -> str:
        """The last key that leads to it."""
        return str(self.path[-1]) if self.path else "the file"

    @property
    def where(self) -> str:
        """What leads to it, as it is written."""
        return ".".join(map(str, self.path)) or "the file"

    def refusal(
        self, message: str, letter: int | None = None, *, of_key: bool = False
    ) -> FileError:
        """What is wrong with it, to be raised; at a letter of its text, or at its key."""
        return self.file.refusal(self.path, message, letter, of_key=of_key)

    def asked(self, build: Callable[[], T], *, of_key: bool = False) -> T:
        """What is built of it; where the house refuses that, the error has its place."""
        self.file.at = self.path
        try:
            return build()
        except FileError:
            raise
        except FormulaError as error:
            raise self.refusal(error.reason, error.offset) from None
        except CausaloptError as error:
            raise self.refusal(str(error), of_key=of_key) from None
        except RecursionError:
            raise self.refusal("this is nested too deep.", of_key=of_key) from None

    # -- what a value is -----------------------------------------------------------------------

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def __getitem__(self, key: str | int) -> TomlEntry:
        held = cast(Mapping[str | int, object], self.value)
        return TomlEntry(self.file, (*self.path, key), held[key])

    def get(self, key: str) -> TomlEntry | None:
        """What stands behind a key; None where it is not there."""
        is_there = isinstance(self.value, dict) and key in self.value
        return self[key] if is_there else None

    def items(self) -> Iterator[TomlEntry]:
        """What stands in a table, each by its key."""
        held = self.table().value
        return (self[key] for key in held) if isinstance(held, dict) else iter(())

    def table(self, known: Collection[str] | None = None) -> TomlEntry:
        """Itself, if it is a table, of keys that are known."""
        if not isinstance(self.value, dict):
            raise self.refusal(f"{self.where} is {self._kind}: write a table, {{...}}.")
        for key in self.value:
            if known is not None and key not in known:
                told = f"{shown(key)} is not known here.{nearest(key, known)}"
                raise self[key].refusal(told, of_key=True)
        return self

    def each(self) -> list[TomlEntry]:
        """What stands in a list."""
        if not isinstance(self.value, list):
            raise self.refusal(f"{self.where} is {self._kind}: write a list, [...].")
        return [self[place] for place in range(len(self.value))]

    def text(self) -> str:
        """Its text."""
        if not isinstance(self.value, str):
            raise self.refusal(f"{self.where} is {self._kind}: write a text in quotes.")
        return self.value

    def truth(self) -> bool:
        """Whether it is true."""
        if not isinstance(self.value, bool):
            raise self.refusal(f"{self.where} is {self._kind}: write true or false.")
        return self.value

    def number(self, wanted: str = "a number") -> float:
        """Its number, finite as a float; ``wanted`` is said where it is none."""
        number = self.value
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise self.refusal(f"{self.where} is {self._kind}: write {wanted}.")
        try:
            value = float(number)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise self.refusal(
                f"{self.where} is {shown(number)}: write a finite number, below 1.8e308."
            )
        return value

    def whole(self, least: int, most: int) -> int:
        """Its whole number, between two."""
        number = None if isinstance(self.value, float) else as_whole(self.value)
        if number is None or not least <= number <= most:
            raise self.refusal(
                f"{self.where} is {shown(self.value)}: write a whole number from {least:,} to "
                f"{most:,}."
            )
        return number

    @property
    def is_number(self) -> bool:
        """Whether it is a number."""
        return isinstance(self.value, int | float) and not isinstance(self.value, bool)

    @property
    def _kind(self) -> str:
        kinds = {dict: "a table", list: "a list", str: "a text", bool: "a truth value"}
        named = kinds.get(type(self.value))
        number = "a number" if self.is_number else "a date or a time"
        return named or number


def read_toml(path: str | os.PathLike[str], what: str) -> TomlEntry:
    """A TOML file as an entry; ``what`` it is is said in errors.

    Raises ``FileError`` for what is no TOML, too large or nested too deep, with line and column.
    """
    text = read_text(path, what, MOST_TOML_BYTES)
    return entry_of(os.fspath(path), text)


def entry_of(path: str, text: str) -> TomlEntry:
    """A TOML text as an entry; ``path`` is said in errors, which are those of ``read_toml``."""
    source = FileText(path, text)
    _check_sizes(source)
    try:
        held = tomllib.loads(source.text)
    except (ValueError, RecursionError) as error:
        raise _refusal_of(source, error) from None
    return TomlEntry(TomlFile(source), (), held)


def _refusal_of(source: FileText, error: Exception) -> FileError:
    """What the reader of TOML says, in the house's words."""
    found = _TOLD.fullmatch(str(error))
    told = found[1] if found else "it cannot be read"
    if found is None or found[2] is None:
        at = len(source.text) if found else 0
    else:
        lines = source.text.split("\n")
        at = sum(len(line) + 1 for line in lines[: int(found[2]) - 1]) + int(found[3]) - 1
    return source.refusal(min(at, len(source.text)), f"this is no TOML: {shown(told)[1:-1]}.")


def _check_sizes(source: FileText) -> None:
    """Raise ``FileError`` for what the reader of TOML would be long about, before it begins."""
    depth = points = 0
    for count, (kind, text, offset) in enumerate(toml_tokens(source.text)):
        if count > MOST_TOML_TOKENS:
            told = f"there are more than {MOST_TOML_TOKENS:,} keys and values (MOST_TOML_TOKENS)."
            raise source.refusal(offset, told)
        if kind == "mark":
            depth += (text in "[{") - (text in "]}")
            points = points + 1 if text == "." else 0
        if depth > MOST_TOML_DEPTH or points > MOST_TOML_DEPTH:
            told = f"tables and lists stand deeper than {MOST_TOML_DEPTH} in one another."
            raise source.refusal(offset, told)
        if kind == "bare" and len(text) > _LONGEST:
            told = f"{len(text):,} letters are here without quotes: {_LONGEST} are read."
            raise source.refusal(offset, told)


def check_label(entry: TomlEntry, name: str) -> None:
    """Raise ``FileError`` for a name that is empty or too long."""
    if not name.strip() or len(name) > MOST_NAME:
        told = f"a name has {len(name):,} letters" if name.strip() else "a name is empty"
        raise entry.refusal(f"{told}: write letters, up to {MOST_NAME}.", of_key=True)
