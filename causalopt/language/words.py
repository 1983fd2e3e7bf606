"""Names as text: listed in a message, or as LaTeX with their special letters escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from causalopt.ground.letters import visible

_TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
}


def listed(values: Iterable[object], limit: int = 12) -> str:
    """Values for a message: all of them, or the first few."""
    names = [str(value) for value in values]
    return ", ".join(names[:limit]) + (f", ... ({len(names)})" if len(names) > limit else "")


def the_first(told: Sequence[str], most: int = 5) -> str:
    """What is told, thing by thing: all of them, or the first few and how many more there are.

    >>> the_first(["a -> b -> a", "c -> c"]), the_first(["a", "b", "c"], 1)
    ('a -> b -> a; c -> c', 'a; and 2 more')
    """
    more = len(told) - most
    return "; ".join(told[:most]) + (f"; and {more} more" if more > 0 else "")


def tex(label: object) -> str:
    """A label as LaTeX text of letters that can be seen, its special ones escaped.

    >>> print(tex("50%_off"))
    \\text{50\\%\\_off}
    """
    return rf"\text{{{''.join(_TEX.get(letter, letter) for letter in visible(str(label)))}}}"
