"""What a study declares, checked: names that become those of files, texts, functions, parts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from numbers import Real

from causalopt.ground.errors import ModelError

# With an ending behind it a name still fits the 255 bytes that a disk has for one.
_LONGEST = 200


def check_file_name(name: object, what: str) -> None:
    r"""Raise ``ModelError`` for what cannot name a file inside the folder of results.

    >>> check_file_name("../escaped", "an experiment")
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.ModelError: an experiment is named '../escaped', which names a file too:
    write a name without slashes and control characters, that does not start with a dot and has 200
    bytes at most, such as "course".
    """
    if isinstance(name, str) and name.strip() and _is_one_file(name):
        return
    raise ModelError(
        f"{what} is named {name!r}, which names a file too: write a name without slashes and "
        f"control characters, that does not start with a dot and has {_LONGEST} bytes at most, "
        'such as "course".'
    )


def check_names_apart(names: Iterable[str], owner: str, what: str) -> None:
    """Raise ``ModelError`` where two names are one on a disk that does not see capitals."""
    seen: dict[str, str] = {}
    for name in names:
        key = unicodedata.normalize("NFC", name).casefold()
        if key in seen:
            alike = "" if seen[key] == name else f" and {name}, which are one to some disks"
            raise ModelError(f"{owner} has two {what} named {seen[key]}{alike}: rename one.")
        seen[key] = name


def _is_one_file(name: str) -> bool:
    # Cc are control characters, Cs halves of a letter, which no file can be named by.
    odd = any(letter in "/\\" or unicodedata.category(letter) in ("Cc", "Cs") for letter in name)
    return not odd and not name.startswith(".") and len(name.encode()) <= _LONGEST


def check_text(given: object, what: str) -> None:
    """Raise ``ModelError`` for what is no text."""
    if not isinstance(given, str):
        raise ModelError(f"{what} is {_kind(given)}: write text.")


def check_function(given: object, what: str, example: str) -> None:
    """Raise ``ModelError`` for what cannot be called."""
    if not callable(given):
        raise ModelError(
            f"{what} is {_kind(given)}: write a function, to be called later, such as {example}."
        )


def check_mapping(given: object, what: str) -> None:
    """Raise ``ModelError`` for what maps nothing."""
    if not isinstance(given, Mapping):
        raise ModelError(f'{what} is {_kind(given)}: write a dict, such as {{"course": ...}}.')


def check_parts(given: object, kind: type, owner: str, what: str) -> None:
    """Raise ``ModelError`` for what is no tuple, or list, of parts of a kind."""
    if not isinstance(given, tuple | list):
        raise ModelError(f"the {what} of {owner} are {_kind(given)}: write them in a tuple.")
    for part in given:
        if not isinstance(part, kind):
            instead = f"write {kind.__name__}(...)"
            raise ModelError(f"{owner} has among its {what} {_kind(part)}: {instead}.")


def check_tolerance(given: object, where: str) -> None:
    """Raise ``ModelError`` for what is no number from 0 on."""
    if isinstance(given, bool) or not isinstance(given, Real) or not float(given) >= 0:
        raise ModelError(f"the tolerance of {where} is {given!r}: write a number of 0 or more.")


def _kind(given: object) -> str:
    return f"{given!r} ({type(given).__name__})"
