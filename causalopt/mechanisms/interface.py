"""What a mechanism is: how a node gets its value from its parents, and the derivatives by them."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sympy import Add, Expr, Integer, Mul, Symbol

from causalopt.ground.errors import DeclarationError
from causalopt.ground.types import Array
from causalopt.language.domains import Domain
from causalopt.language.symbols import Shifted, Variable
from causalopt.language.units import Measured, UnitOfMeasure
from causalopt.mechanisms.borders import Border
from causalopt.mechanisms.patterns import places
from causalopt.mechanisms.routines import LONG, Filled

#: What stands in for the arguments of a mechanism, in a plan: symbols, numbers, expressions.
Terms = Mapping[Symbol, Expr]

#: How an argument is called when a mechanism is told in words.
Naming = Callable[[Symbol], str]
#: The unit of an argument, and what is known of it.
UnitOf = Callable[[Symbol], Measured]
#: What an argument holds: something with a shape, () for a number; a tree has none.
ShapeOf = Callable[[Symbol], object]
#: How a formula is written as text, its symbols called as a naming says.
Writer = Callable[[Expr, Naming], str]

ZERO, ONE = Integer(0), Integer(1)


@dataclass(frozen=True)
class Addend:
    """A part of a sum of mechanisms: its weight, and terms in the place of some arguments."""

    weight: Expr
    mechanism: Mechanism
    terms: tuple[tuple[Symbol, Expr], ...] = ()

    @functools.cached_property
    def places(self) -> tuple[tuple[Symbol, Expr], ...]:
        """Each argument of the mechanism, in order, and the term that stands in its place."""
        terms = dict(self.terms)
        return tuple((symbol, terms.get(symbol, symbol)) for symbol in self.mechanism.arguments)

    @functools.cached_property
    def moving(self) -> tuple[tuple[Symbol, Expr], ...]:
        """Those of its places in which a variable stands, along which a tangent moves."""
        return tuple((s, term) for s, term in self.places if isinstance(s, Variable | Shifted))


class Mechanism(ABC):
    """How a node gets its value: a frozen record, equal and hashed by value.

    A mechanism speaks in terms: sympy expressions, which are what plans are made of. ``value``,
    ``forward`` and ``reverse`` say what a plan has to compute where other terms stand in for its
    arguments. A new kind of mechanism is a class with these methods, and, where its terms are of a
    new kind too, a printer of them in the backends.
    """

    @property
    @abstractmethod
    def arguments(self) -> tuple[Symbol, ...]:
        """The symbols that it depends on, in a fixed order: a node's parents are these alone."""

    @property
    def moved_by(self) -> tuple[Symbol, ...]:
        """The arguments that it moves with: all, but of a number that is taken to stand still."""
        return self.arguments

    @property
    def is_opaque(self) -> bool:
        """Whether it has no formula, so that its derivative is taken along directions alone."""
        return False

    @property
    def moves_as_computed(self) -> bool:
        """Whether its derivatives are those of how its value is computed, as a formula's are."""
        return False

    def fit(self, domain: Domain, where: str) -> Mechanism:
        """The same for a node of this domain, which ``where`` names.

        Raises ``DeclarationError`` where a node with this mechanism cannot have such values.
        """
        return self

    @property
    def precision(self) -> str:
        """The kind of the numbers that it computes with."""
        return "float64"

    @property
    def remedy(self) -> str:
        """What to do where its value is no finite number."""
        return "bound it, with Min, Max or Piecewise, or start it elsewhere"

    @property
    def addends(self) -> tuple[Addend, ...]:
        """The mechanisms that it is a weighted sum of, each computed by itself; or it alone."""
        return (Addend(ONE, self),)

    def long_form(self, least: int = LONG) -> Filled | None:
        """Its formula as one term of a plan, where it is long and smooth everywhere; else None."""
        return None

    @property
    def by_index(self) -> Callable[..., Array] | None:
        """It as a function of arrays, where that is an index and no formula; then it has no slope.

        Of an array for each argument, over nodes and points; a number where it is the same for all.
        """
        return None

    @abstractmethod
    def value(self, at: Terms) -> Expr:
        """Its value, with terms in the place of its arguments; those left out stand for themselves.

        Of one node's value f(u, v, ...).
        """

    def as_written(self, at: Terms) -> Expr:
        """The same as it was declared, where that is computed in another way."""
        return self.value(at)

    def forward(self, at: Terms, along: Terms) -> Expr:
        """The forward derivative: sum_u df/du(at) along_u, over the arguments u in ``along``."""
        slopes = self.reverse(at, ONE)
        return Add(*(Mul(slope, along[s]) for s, slope in slopes.items() if s in along))

    @abstractmethod
    def reverse(self, at: Terms, weight: Expr) -> dict[Symbol, Expr]:
        """The reverse derivative: weight df/du(at), for each of its arguments u."""

    @abstractmethod
    def renamed(self, names: Terms) -> Mechanism:
        """The same mechanism, its arguments called otherwise, or made of others by terms."""

    def pattern(self) -> tuple[Mechanism, tuple[Expr, ...]]:
        """The mechanism in names of its own, and what these stand for: its arguments, and numbers.

        Mechanisms that are alike up to names and numbers have one pattern, which is put in code
        once. The names are the arguments of the pattern, in their order.
        """
        names = [Symbol(name, real=True) for name in places(len(self.arguments))]
        return self.renamed(dict(zip(self.arguments, names, strict=True))), self.arguments

    def increment(self, variable: Symbol, parts: Sequence[tuple[Expr, Terms]]) -> Mechanism:
        """variable + sum_j weight_j f(at_j): a step along a rate of change f, for an integrator.

        ``parts`` are the (weight_j, at_j). Raises ``DeclarationError`` for what is no rate.
        """
        raise DeclarationError(f"{self.words(str)} gives no rate of change of {variable}.")

    def in_steps(self, room: float, length: float, where: str) -> Mechanism:
        """The mechanism for times that are multiples of ``length``, rounded by up to ``room``.

        Raises ``DeclarationError``, naming the node ``where``, for a condition that no time meets.
        """
        return self

    def between_borders(self) -> Mechanism:
        """The mechanism as a step sees it that has no border inside: see ``borders``."""
        return self

    @property
    def borders(self) -> frozenset[Border]:
        """The times at which it jumps by itself, where these are known."""
        return frozenset()

    def check_units(self, of: UnitOf, own: UnitOfMeasure | None, where: str) -> None:  # noqa: B027  # says nothing by default
        """Raise ``DeclarationError`` where the units of its parts surely do not fit together.

        ``of`` gives the unit of an argument, ``own`` is that which its value is to have; ``where``
        names the node. A mechanism that computes with no units has none to check.
        """

    def check_shape(self, of: ShapeOf, own: tuple[int, ...], where: str) -> None:
        """Raise ``DeclarationError`` where its value has not the shape ``own`` of the node.

        ``of`` says what an argument holds; ``where`` names the node.
        """
        shapes = {s: getattr(of(s), "shape", None) for s in self.arguments}
        strange = [s for s, shape in shapes.items() if shape not in ((), own)]
        if strange:
            held = of(strange[0])
            what = f"an array of shape {own}" if own else "a number"
            raise DeclarationError(
                f"The mechanism of {where} is the formula {self}, in which {strange[0]} is {held}, "
                f"and {where} holds {what}: a formula goes entry by entry, with numbers and arrays "
                "of the node's own shape. For anything else write a function, "
                f"function(f)({strange[0]}, ...)."
            )

    @abstractmethod
    def words(self, name: Naming, write: Writer | None = None) -> str:
        """The mechanism as text, its arguments called as ``name`` says.

        ``write`` says how a formula looks, where there is one; as sympy prints it, if left out.
        """

    def rows(self) -> list[str]:
        """What there is to say line by line: the rows of a table; nothing for a formula."""
        return []

    @abstractmethod
    def latex(self) -> str:
        """The mechanism as LaTeX."""

    def __str__(self) -> str:
        return self.words(str)
