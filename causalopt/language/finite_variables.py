"""Variables that take one of a few named values: finite("T", ["high", "low", "off"])."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from causalopt.ground.errors import DeclarationError, nearest
from causalopt.language.symbols import Next, Variable

#: What a value is called: a name, or a whole number.
Value = str | int

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


class Finite(Variable):
    """A variable with named values; inside mechanisms it stands for the place of its value, from 0.

    Two are the same where name, values (in order) and unit are. Made by ``finite``.
    """

    __slots__ = ("values",)
    values: tuple[Value, ...]

    def __new__(cls, name: str, values: Iterable[Value], unit: str = "") -> Finite:
        checked = _checked(name, values)
        made = super().__new__(cls, name, unit, integer=True, nonnegative=True)
        assert isinstance(made, Finite)
        made.values = checked
        return made

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.values)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, bool]]:
        return (self.name, self.values, self.unit), {}

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.values)

    def code(self, value: object, where: str = "") -> int:
        """The place of a value in the list, from 0; ``where`` says in a message what was given.

        >>> finite("T", ["high", "low", "off"]).code("off")
        2
        """
        found = _places(self.values).get(value) if isinstance(value, Value) else None
        if found is None or isinstance(value, bool):
            given = f"{where} is {value!r}" if where else repr(value)
            raise DeclarationError(
                f"{given}, which is no value of {self}: its values are {listed(self.values)}."
                + (nearest(value, self.values) if isinstance(value, str) else "")
            )
        return found


def finite(name: str, values: Iterable[Value], unit: str = "") -> Finite:
    """A variable that takes one of a few named values, in the order in which tables show them.

    Values are strings or whole numbers, one or more, no two the same. Wherever a value is asked
    for (``start``, ``do``, tables, distributions) it is given by name; results hold the place of
    the value, from 0, and name the values in ``attrs``.

    Raises ``DeclarationError`` for no values, a value given twice, and one that is no name.
    Source: the thermostat and the room of "Defining Optimization in a Deeper Way", part 1.

    >>> T = finite("T", ["high", "low", "off"])
    >>> T.values, T[0]
    (('high', 'low', 'off'), T[0])
    """
    return Finite(name, values, unit)


def finite_of(symbol: object) -> Finite | None:
    """The finite variable that a symbol or a node stands for (``T``, ``T.next``, ``T[3]``)."""
    owner = getattr(symbol, "variable", symbol)
    return owner if isinstance(owner, Finite) else None


def shown(symbol: object, value: float) -> Value | float:
    """A number as the named value that it stands for, where its node takes named values."""
    owner = finite_of(symbol)
    return value if owner is None else owner.values[int(value)]


def as_finite(symbol: object, where: str) -> Finite:
    """The finite variable itself, or an error: ``where`` says what wanted one."""
    if isinstance(symbol, Finite):
        return symbol
    raise DeclarationError(
        f"{where} has {symbol!r}, which takes no named values: declare it with "
        f'finite("{symbol}", ["...", "..."]).'
    )


def check_parent(symbol: object, where: str) -> Finite | Next:
    """A finite variable, or its value in the step that is being computed."""
    if isinstance(symbol, Next) and isinstance(symbol.variable, Finite):
        return symbol
    return as_finite(symbol, where)


def told(state: Mapping[Finite, Value]) -> str:
    """A state in words: T = high, R = hot."""
    return ", ".join(f"{v} = {value}" for v, value in state.items())


def listed(values: Iterable[object], limit: int = 12) -> str:
    """Values for a message: all of them, or the first few."""
    names = [str(one) for one in values]
    return ", ".join(names[:limit]) + (f", ... ({len(names)})" if len(names) > limit else "")


def tex(label: object) -> str:
    """A label as LaTeX text, its special letters escaped.

    >>> print(tex("50%_off"))
    \\text{50\\%\\_off}
    """
    return rf"\text{{{''.join(_TEX.get(letter, letter) for letter in str(label))}}}"


@functools.lru_cache(maxsize=1024)
def _places(values: tuple[Value, ...]) -> Mapping[Value, int]:
    return {value: place for place, value in enumerate(values)}


def _checked(name: object, values: object) -> tuple[Value, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise DeclarationError(
            f"finite({name!r}, {values!r}): the values come as a list, such as "
            f'finite({name!r}, ["high", "low"]).'
        )
    found = tuple(values)
    if not found:
        raise DeclarationError(f"finite({name!r}, []) has no values: give it one or more.")
    for value in found:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise DeclarationError(
                f"finite({name!r}, ...) has the value {value!r} ({type(value).__name__}): "
                "a value is a string or a whole number."
            )
    if len(set(found)) < len(found):
        twice = next(value for value in found if found.count(value) > 1)
        raise DeclarationError(
            f"finite({name!r}, ...) has the value {twice!r} twice: each value has its own name."
        )
    return found
