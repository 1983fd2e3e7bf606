"""Numbers that a search finds: what is searched over is bound, and they move with nothing."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable

from sympy import Basic, Function, Symbol


class Found(Function):
    """A number that a search comes to, over symbols that mean something in it alone.

    By itself it moves with nothing; a mechanism that it is a part of says how it moves.
    """

    is_real = True
    is_commutative = True

    @property
    @abstractmethod
    def bound(self) -> frozenset[Symbol]:
        """The symbols that are searched over."""

    @property
    def free_symbols(self) -> set[Symbol]:
        """All but those that are bound."""
        inner: set[Symbol] = super().free_symbols
        return inner - self.bound

    @property
    def is_number(self) -> bool:
        """Whether nothing is left open but what is bound."""
        return not self.free_symbols


def bound_in(parts: Iterable[Basic]) -> frozenset[Symbol]:
    """The symbols that the searches among some parts of formulas are over."""
    return frozenset().union(*(part.bound for part in parts if isinstance(part, Found)))
