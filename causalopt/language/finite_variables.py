"""Variables that take one of a few named values: finite("T", ["high", "low", "off"])."""

from __future__ import annotations

from collections.abc import Iterable

from causalopt.ground.errors import DeclarationError
from causalopt.language.domains import Named, Value, named
from causalopt.language.symbols import Lag, Next, Node, Variable


class Finite(Variable):
    """A variable with named values; inside mechanisms it stands for the place of its value, from 0.

    Two are the same where name, values (in order) and unit are. Made by ``finite``.
    """

    __slots__ = ("domain",)
    domain: Named

    def __new__(cls, name: str, values: Iterable[Value], unit: str = "") -> Finite:
        domain = named(values, name)
        variable = super().__new__(cls, name, unit, integer=True, nonnegative=True)
        variable.domain = domain
        return variable

    def _hashable_content(self) -> tuple[object, ...]:
        return (*super()._hashable_content(), self.values)

    def __getnewargs_ex__(self) -> tuple[tuple[object, ...], dict[str, bool]]:
        return (self.name, self.values, self.unit), {}

    @property
    def values(self) -> tuple[Value, ...]:
        """The values, in the order of their places."""
        return self.domain.values

    @property
    def size(self) -> int:
        """The number of values."""
        return self.domain.size

    def code(self, value: object, where: str = "") -> int:
        """The place of a value in the list, from 0; ``where`` says in a message what was given.

        >>> finite("T", ["high", "low", "off"]).code("off")
        2
        """
        given = f"{where} is {value!r}" if where else repr(value)
        return self.domain.place(value, f"{given}, which is no value of {self}")


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


def as_finite(symbol: object, where: str) -> Finite:
    """The finite variable itself, or an error: ``where`` says what wanted one."""
    if isinstance(symbol, Finite):
        return symbol
    if isinstance(symbol, Lag):
        raise DeclarationError(
            f"{where} has {symbol}: tables read what was one step before. Hand the value on by "
            f"a variable of its own, {{before: {symbol.variable}}}, and read that."
        )
    raise DeclarationError(
        f"{where} has {symbol!r}, which takes no named values: declare it with "
        f'finite("{symbol}", ["...", "..."]).'
    )


def own_variable(label: object) -> Finite | None:
    """The variable that a distribution has for a node: of R[3], one that is called so; else None.

    >>> own_variable(finite("R", ["hot", "cold"])[3]).values
    ('hot', 'cold')
    """
    if isinstance(label, Node) and isinstance(label.variable, Finite):
        return Finite(str(label), label.variable.values, label.variable.unit)
    return label if isinstance(label, Finite) else None


#: What a lookup table is asked by: a finite variable, or its value in the same step.
Parent = Finite | Next


def as_parent(symbol: object, where: str) -> Parent:
    """A finite variable, or its value in the step that is being computed."""
    if isinstance(symbol, Next) and isinstance(symbol.variable, Finite):
        return symbol
    return as_finite(symbol, where)


def values_of(parent: Parent) -> Named:
    """The values that a parent of a table takes."""
    variable = parent.variable if isinstance(parent, Next) else parent
    return as_finite(variable, "A table").domain
