"""The terms in which somebody asks what a node becomes under interventions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

from sympy import Symbol

from causalopt.ground.tensors import Tensor
from causalopt.language.domains import Coded
from causalopt.language.subspaces import Directions, Subspace
from causalopt.language.symbols import Parameter
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.selection import Key, Stretch
from causalopt.model.template import owner_of

W = TypeVar("W")

#: A value from outside: a number, an array, or the symbol of what is swept.
Outside: TypeAlias = "Coded | Symbol"
#: A difference that is added to a node.
Difference: TypeAlias = "float | Tensor | Symbol"
T = TypeVar("T")


@dataclass(frozen=True)
class Gate(Generic[W]):
    """A weight on inputs: those from outside ``among`` are (1 - by) own + by those in ``world``.

    ``by`` is a number from 0 to 1, or a parameter of the model.
    """

    world: W
    by: float | Parameter
    among: frozenset[Stretch]

    def lets_in(self, key: Key, step: int) -> bool:
        """Whether a node is inside, and passes the gate as it is; a stage where both ends are."""
        owner = owner_of(key)
        ends = (step,) if owner is key else (step - 1, step)
        return all(any(stretch.holds(owner, end) for stretch in self.among) for end in ends)


class View(Protocol[W, T]):
    """The terms in which somebody asks what a node becomes."""

    def computed(self, mechanism: Mechanism | None, gate: Gate[W] | None) -> T:
        """What a mechanism gives (None: the node's own, or the value it starts from)."""

    def constant(self, value: Outside) -> T:
        """A value from outside, or the input that sweeps it."""

    def copied(self, world: W) -> T:
        """The same node in another world."""

    def there(self, world: W) -> T:
        """The same node in another world, without the difference that is added to it there."""

    def mixed(self, own: T, other: T, by: float | Parameter) -> T:
        """(1 - by) own + by other."""

    def blended(self, own: T, other: T, part: Subspace, by: float) -> T:
        """A node that holds an array, with (1 - by) of its own part and ``by`` of another's."""

    def moved(self, term: T, by: Difference) -> T:
        """A term with a difference added."""

    def nudged(self, term: T, along: Directions | None) -> T:
        """A term with an infinitesimal difference added: 1 to its derivative.

        To an array, in each of the directions (k, *shape) ``along``, or by 1 to each entry.
        """


@dataclass(frozen=True)
class Behind(Generic[W, T]):
    """A view from behind a gate: what a mechanism gives comes through it, all else is as it is."""

    view: View[W, T]
    gate: Gate[W]

    def computed(self, mechanism: Mechanism | None, gate: Gate[W] | None) -> T:
        """What a mechanism gives, its inputs from outside weighted."""
        return self.view.computed(mechanism, self.gate)

    def constant(self, value: Outside) -> T:
        """As without the gate."""
        return self.view.constant(value)

    def copied(self, world: W) -> T:
        """As without the gate."""
        return self.view.copied(world)

    def there(self, world: W) -> T:
        """As without the gate."""
        return self.view.there(world)

    def mixed(self, own: T, other: T, by: float | Parameter) -> T:
        """As without the gate."""
        return self.view.mixed(own, other, by)

    def blended(self, own: T, other: T, part: Subspace, by: float) -> T:
        """As without the gate."""
        return self.view.blended(own, other, part, by)

    def moved(self, term: T, by: Difference) -> T:
        """As without the gate."""
        return self.view.moved(term, by)

    def nudged(self, term: T, along: Directions | None) -> T:
        """As without the gate."""
        return self.view.nudged(term, along)
