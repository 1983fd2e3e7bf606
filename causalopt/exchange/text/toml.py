"""TOML that is written: names and values as a file has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

#: What may be written: truths, numbers and texts, lists of them, and tables by name.
TomlValue = bool | int | float | str | list["TomlValue"] | dict[str, "TomlValue"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f",
            "\r": "\\r"}  # fmt: skip


def toml_name(name: str) -> str:
    """A name as a key: plain where it can be, else in quotes.

    >>> toml_name("R"), toml_name("heat flow")
    ('R', '"heat flow"')
    """
    return name if _BARE.fullmatch(name) else toml_text(name)


def toml_text(text: str) -> str:
    r"""A text in quotes.

    >>> print(toml_text('a "b" \\ \n'))
    "a \"b\" \\ \n"
    """
    return f'"{"".join(map(_letter, text))}"'


def _letter(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter.isprintable():
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) < 1 << 16 else f"\\U{ord(letter):08x}"


def toml_value(value: TomlValue) -> str:
    """A value on one line.

    >>> toml_value({"from": 0.5, "to": [True, 2]})
    '{from = 0.5, to = [true, 2]}'
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return toml_text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        pairs = (f"{toml_name(key)} = {toml_value(one)}" for key, one in value.items())
        return f"{{{', '.join(pairs)}}}"
    return repr(value)


def toml_lines(pairs: Mapping[str, TomlValue]) -> Iterable[str]:
    """A line for each key and its value."""
    return (f"{toml_name(key)} = {toml_value(value)}" for key, value in pairs.items())


def toml_document(
    head: Mapping[str, TomlValue],
    tables: Iterable[tuple[str, Mapping[str, TomlValue]]],
) -> str:
    """A file: what stands by itself, and then tables by their headers, such as ``[rates]``."""
    blocks = ["\n".join(toml_lines(head))] if head else []
    blocks += ["\n".join([header, *toml_lines(pairs)]) for header, pairs in tables]
    return "\n\n".join(blocks) + "\n"
