"""The names of the dims of results, and how the names that users give never meet them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable

from sympy import symbols

from causalopt.ground.checks import as_whole, shown
from causalopt.ground.errors import DeclarationError
from causalopt.language.units import fault_in
from causalopt.language.words import listed

#: The dims of results: nothing that a user sweeps gives its plain name to a dim, if it is one.
DIMS = ("world", "time", "node", "variable", "draw", "sample")

#: The dims beside which the values of a system's variables stand, each by the variable's name.
BESIDE_VALUES = ("world", "time", "draw", "sample")


def refuse_names_of_dims(names: Iterable[object], dims: Collection[str] = BESIDE_VALUES) -> None:
    """Raise ``DeclarationError`` for a variable that is called like a dim beside its values."""
    for name in map(str, names):
        if name in dims:
            raise DeclarationError(
                f"A variable is called {name}, as is a dim of results ({', '.join(dims)}), and its "
                f'values would be lost in that: write another name, such as "{name}_".'
            )


def apart(labels: Iterable[object], taken: Collection[str] = ()) -> tuple[str, ...]:
    """Labels as text, no two the same and none of them taken: what is printed alike has its kind.

    None of those that are alike keeps the plain text, lest one be taken for the other.

    >>> apart([1, "1", "a"]), apart(["time", "b"], taken=["time"])
    (('1 (int)', '1 (str)', 'a'), ('time (str)', 'b'))
    """
    things = list(labels)
    plain = [str(thing) for thing in things]
    counts = Counter(plain)
    is_free = [counts[name] == 1 and name not in taken for name in plain]
    used = {*taken, *plain}
    names = []
    for thing, name, free in zip(things, plain, is_free, strict=True):
        names.append(name if free else _with_kind(name, thing, used))
        used.add(names[-1])
    return tuple(names)


def _with_kind(name: str, thing: object, used: Collection[str]) -> str:
    kind = type(thing).__name__.lower()
    number, text = 1, f"{name} ({kind})"
    while text in used:
        number += 1
        text = f"{name} ({kind} {number})"
    return text


def check_name(name: object, kind: str) -> None:
    """Raise ``DeclarationError`` for what cannot name a symbol: nothing, no text, half a letter."""
    if not isinstance(name, str) or not name.strip():
        article = "an" if kind[0] in "aeiou" else "a"
        raise DeclarationError(
            f"{shown(name)} cannot name {article} {kind}: write a non-empty string, such as "
            f'{kind}("k").'
        )
    check_letters(name, f"the name of a {kind}")


def check_unit(unit: object, name: str) -> None:
    """Raise ``DeclarationError`` for a unit that is no text, or a formula that cannot be read."""
    if not isinstance(unit, str):
        raise DeclarationError(
            f'The unit of {name} is {shown(unit)}: write a string, such as unit="m". '
            f"Several names come in one string."
        )
    check_letters(unit, f"the unit of {name}")
    odd = next((letter for letter in unit if not letter.isprintable()), None)
    if odd is not None:
        raise DeclarationError(
            f"{unit!a} is the unit of {name}, and holds {odd!a}, which no page or file shows: "
            'write letters, such as unit="m".'
        )
    fault = fault_in(unit) if unit.strip() else ""
    if fault:
        raise DeclarationError(
            f'The unit of {name} is "{unit}", which is written as a formula, and {fault}: write '
            'names with one sign between them, such as "m/s", "1/s" or "W/(m^2 K)".'
        )


def check_letters(text: str, where: str) -> None:
    """Raise ``DeclarationError`` for half of a surrogate pair, which no file or terminal takes."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DeclarationError(
            f"{text!a} is {where}, and holds {text[error.start]!a}, which is half of a letter: "
            "write letters, such as the θ of a file that is read as UTF-8."
        ) from None


def names_in(names: object, what: str, count: int | None = None) -> list[str]:
    """The names in a text, set apart by spaces or commas; "x0:3" names x0, x1 and x2.

    With a ``count`` the text is one name, and those are numbered from 0.

    >>> names_in("a, b x0:3", "variables")
    ['a', 'b', 'x0', 'x1', 'x2']
    >>> names_in("x", "variables", 2)
    ['x0', 'x1']
    """
    if count is not None:
        return _numbered(names, what, count)
    if not isinstance(names, str):
        raise DeclarationError(
            f'{what}({shown(names)}): the names come as one string, such as {what}("a b").'
        )
    parts = [name for part in names.replace(",", " ").split() for name in _ranged(part, what)]
    if not parts:
        raise DeclarationError(f'{what}({names!r}) names nothing: write {what}("a b").')
    twice = sorted(name for name, count in Counter(parts).items() if count > 1)
    if twice:
        raise DeclarationError(
            f"{what}({names!r}) declares {listed(twice)} twice: give each symbol its own name."
        )
    return parts


# The most names that are made at once: more are a mistake, or a network from arrays.
_MOST_NAMES = 1_000_000


def _numbered(names: object, what: str, count: object) -> list[str]:
    name, *others = names_in(names, what)
    if others or ":" in str(names):
        raise DeclarationError(
            f"{what}({names!r}, count={shown(count)}): a count numbers one name, so write "
            f'{what}("x", count=3), once for each name, or {what}("x0:3 y0:3") without a count.'
        )
    number = as_whole(count)
    if number is None or not 1 <= number <= _MOST_NAMES:
        raise DeclarationError(
            f"{what}({names!r}, count={shown(count)}): a count is a whole number from 1 to "
            f"{_MOST_NAMES:,}, such as {what}({name!r}, count=3)."
        )
    return [f"{name}{place}" for place in range(number)]


def _size(part: str) -> int:
    """How many names the numbers of ranges come to, as far as it counts."""
    bounds = re.findall(r"(\d*):(\d+)", part)
    if any(len(bound) > len(str(_MOST_NAMES)) for pair in bounds for bound in pair):
        return _MOST_NAMES + 1
    return math.prod(max(int(stop) - int(start or 0), 1) for start, stop in bounds)


def _ranged(part: str, what: str) -> list[str]:
    """A name, or the names of a range as sympy reads them."""
    if ":" not in part:
        return [part]
    if _size(part) > _MOST_NAMES:
        raise DeclarationError(
            f"{what}({shown(part)}) is a range of more than {_MOST_NAMES:,} names: for so many "
            "nodes, write Network.from_arrays."
        )
    try:
        named = [symbol.name for symbol in symbols(part, seq=True)]
    except ValueError as error:
        raise DeclarationError(
            f'{what}({part!r}) is no range of names ({error}): write {what}("x0:3").'
        ) from None
    if not named:
        raise DeclarationError(f'{what}({part!r}) is an empty range: write {what}("x0:3").')
    return named
