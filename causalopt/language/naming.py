"""The names of the dims of results, and how the names that users give never meet them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from causalopt.ground.errors import DeclarationError

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


def is_text(name: str) -> bool:
    """Whether it can be written to a file or a terminal: it holds no half of a surrogate pair.

    >>> is_text("θ"), is_text("\\ud800")
    (True, False)
    """
    return not any("\ud800" <= letter <= "\udfff" for letter in name)
