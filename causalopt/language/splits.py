"""Splits: a system's variables divided into parts A, B, ... between which correlation is cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from causalopt.ground.checks import as_whole, shown
from causalopt.ground.errors import QueryError, nearest


class Divisible:
    """What a split divides: a variable. A bar between several of them names a split, A | B."""

    __slots__ = ()

    def __or__(self, other: object) -> Split:
        # Not sympy's Or, which is True of whatever is assumed to be positive.
        return _barred(self, other)

    __ror__ = __or__


Part = tuple[Divisible, ...]

_EXAMPLE = "such as Split(T, R), or Split((T, V), R)"


@dataclass(frozen=True, init=False)
class Split:
    """A partition of variables into two or more parts: ``Split(A, B)``, ``Split((A, B), C, D)``.

    Each part is a variable or several of them; ``A | B`` is Split(A, B). Raises ``QueryError`` for
    fewer than two parts, an empty part, and a variable in two parts. Source: "Defining Optimization
    in a Deeper Way", part 1 ("divide the universe into two sections").

    >>> from causalopt.language.symbols import variables
    >>> A, B, C = variables("A B C")
    >>> Split((A, B), C)
    Split((A, B), C)
    """

    parts: tuple[Part, ...]

    def __init__(self, *parts: Divisible | Iterable[Divisible]) -> None:
        object.__setattr__(self, "parts", tuple(_part(part) for part in parts))
        if len(parts) < 2:
            raise QueryError(
                f"{self!r} has {len(parts)} parts: a split has two or more, {_EXAMPLE}."
            )
        seen: set[Divisible] = set()
        for variable in self.variables:
            if variable in seen:
                raise QueryError(f"{self!r} has {variable} twice: parts must not overlap.")
            seen.add(variable)

    @property
    def variables(self) -> Part:
        """The variables of all parts, part by part."""
        return tuple(variable for part in self.parts for variable in part)

    def __or__(self, other: object) -> Split:
        return _barred(self, other)

    __ror__ = __or__

    def __repr__(self) -> str:
        return f"Split({', '.join(_label(part) for part in self.parts)})"

    def __str__(self) -> str:
        return " | ".join(" ".join(map(str, part)) for part in self.parts)


def as_split(given: tuple[object, ...], variables: Iterable[Divisible]) -> Split:
    """The split that a user names of these variables: a ``Split``, ``A | B``, or its parts.

    Raises ``QueryError`` where a part holds an unknown variable, or a variable is in no part.
    """
    first = given[0] if len(given) == 1 else None
    split = first if isinstance(first, Split) else Split(*given)  # type: ignore[arg-type]  # Split says what is wrong with them
    known = tuple(variables)
    for variable in split.variables:
        if variable not in known:
            raise QueryError(
                f"{split!r} has {variable}, which is not among the variables "
                f"{', '.join(map(str, known))}.{nearest(variable, known)}"
            )
    left = [str(variable) for variable in known if variable not in split.variables]
    if left:
        raise QueryError(
            f"{split!r} leaves out {', '.join(left)}: every variable belongs to one part. "
            "Put it into a part, or take the marginal of the others first."
        )
    return split


def partitions(variables: Iterable[Divisible], parts: int = 2) -> Iterator[Split]:
    """All splits of variables into a number of parts; there are 2**(n-1) - 1 into two.

    >>> from causalopt.language.symbols import variables
    >>> [str(split) for split in partitions(variables("A B C"))]
    ['A C | B', 'A | B C', 'A B | C']
    """
    known = tuple(variables)
    count = as_whole(parts)
    if count is None or not 2 <= count <= len(known):
        raise QueryError(
            f"parts is {parts!r}: {len(known)} variables can be split into 2 to {len(known)} parts."
        )
    for blocks in _blocks(known, count):
        yield Split(*blocks)


def _blocks(variables: Part, parts: int) -> Iterator[tuple[Part, ...]]:
    """Every way to put variables, in order, into blocks numbered by their first member."""
    if len(variables) < parts:
        return
    if not variables:
        yield ()
        return
    # The last variable joins a block of the others, or is a block of its own: so every partition
    # comes once (the recurrence of Stirling's numbers of the second kind).
    *before, last = variables
    for blocks in _blocks(tuple(before), parts):
        if blocks:
            for i, block in enumerate(blocks):
                yield (*blocks[:i], (*block, last), *blocks[i + 1 :])
    if parts == 0:
        return
    for blocks in _blocks(tuple(before), parts - 1):
        yield (*blocks, (last,))


def _barred(left: object, right: object) -> Split:
    """The split that a bar names, its parts in the order of their names."""
    parts: list[Part] = []
    for side in (left, right):
        if not isinstance(side, Divisible | Split):
            raise QueryError(
                f"{left} | {shown(right)} names no split: write Split({left}, {shown(right)}), "
                "with one part for each of its arguments, a variable or several of them."
            )
        parts += side.parts if isinstance(side, Split) else [(side,)]
    return Split(*sorted(parts, key=_label))


def _part(given: object) -> Part:
    if isinstance(given, Divisible):
        return (given,)
    # An array without axes is iterable by its type alone.
    has_axes = getattr(given, "ndim", None) != 0
    if isinstance(given, str) or not isinstance(given, Iterable) or not has_axes:
        raise QueryError(f"A split has the part {given!r}: a part is one or more variables.")
    part = tuple(given)
    if not part:
        raise QueryError(f"A split has an empty part: give each part a variable, {_EXAMPLE}.")
    for variable in part:
        if not isinstance(variable, Divisible):
            raise QueryError(f"A split has {variable!r} in a part: parts hold variables.")
    return part


def _label(part: Part) -> str:
    return str(part[0]) if len(part) == 1 else f"({', '.join(map(str, part))})"
