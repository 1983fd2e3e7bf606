"""Interventions: what ``do``, ``clamp``, ``replace`` and ``perturb`` make of a node.

This is the one place that knows the kinds. A kind says what a node becomes in terms of a ``View``:
what its mechanism says, a constant, the same node in another world. Plans and drawings bring views
with terms of their own, and never ask which kind it is. A new kind is a class here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar, Generic, Protocol, Self, TypeVar

from sympy import Symbol

from causalopt.ground.errors import QueryError
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.selection import Key
from causalopt.model.views import Behind, Gate, Outside, View


class Elsewhere(Protocol):
    """A world that nodes are held to, as far as an intervention needs to know it."""

    def mechanism_at(self, key: Key, step: int) -> Mechanism | None:
        """The mechanism that stands in for a node's own there; None where none does."""

    def origins(self, key: Key, step: int) -> tuple[Base[Self] | None, ...]:
        """What is done to a node there; where it is held, then what is done where it is held to."""

    def values_only(self) -> Self:
        """The world without what moves no value."""


W = TypeVar("W", bound=Elsewhere)
T = TypeVar("T")


# -- what stands in for a node's mechanism ---------------------------------------------------------


class Base(ABC, Generic[W]):
    """What stands in for a node's mechanism."""

    #: Whether it says where the node is, so that the inner stages of a step between two such nodes
    #: are held too.
    holds: ClassVar[bool] = True
    #: Whether it asks about nodes of the step before, so that it changes a step after they do.
    looks_back: ClassVar[bool] = False
    #: What is done to the node, in a word.
    deed: ClassVar[str]

    @property
    def ungated(self) -> Base[W] | None:
        """What is there without a gate: itself, but for a gate."""
        return self

    @property
    def gate_on_it(self) -> Gate[W] | None:
        """The gate that the node is behind; None where there is none."""
        return None

    @property
    def value_given(self) -> Outside | None:
        """The value that the node is given from outside; None where it is given none."""
        return None

    @property
    def rising(self) -> Base[W]:
        """What is done to the rises of a variable that this is done to: the same, as a rule."""
        return self

    @property
    def cuts(self) -> bool:
        """Whether the node no longer answers to its parents."""
        return True

    @property
    def replacement(self) -> Mechanism | None:
        """The mechanism that gives the node's value in place of its own; None where none does."""
        return None

    @property
    def told(self) -> Mechanism | None:
        """The same as it was written."""
        return self.replacement

    @abstractmethod
    def apply(self, view: View[W, T]) -> T:
        """What the node becomes."""

    @abstractmethod
    def words(self) -> str:
        """What is done to the node."""

    def worlds(self) -> tuple[W, ...]:
        """The worlds that its value is taken from."""
        return ()

    def elsewhere(self, change: Callable[[W], W]) -> Base[W]:
        """The same with other worlds in the place of those that its value is taken from."""
        return self

    def free(self) -> Base[W] | None:
        """What is left of it where the worlds that its value is taken from do not hold it."""
        return None if self.worlds() else self

    def mechanism_at(self, key: Key, step: int) -> Mechanism | None:
        """The mechanism that the inner stages of a step follow, where they are not held."""
        return self.replacement

    def origins(self, key: Key, step: int) -> tuple[Base[W] | None, ...]:
        """Itself; where the node is held, then what is done to it in that world, and so on."""
        return (self,)

    @abstractmethod
    def swept(self, by: Symbol, nodes: object) -> Base[W]:
        """The same where an input stands in for the node's own value."""


@dataclass(frozen=True)
class Fixed(Base[W]):
    """``do``: a value, or the input that sweeps it."""

    deed: ClassVar[str] = "set"
    value: Outside

    @property
    def value_given(self) -> Outside:
        """The value."""
        return self.value

    @property
    def rising(self) -> Base[W]:
        """Nothing: what has one value does not rise."""
        return Fixed(0.0)

    def apply(self, view: View[W, T]) -> T:
        """The value."""
        return view.constant(self.value)

    def words(self) -> str:
        """do 5.0"""
        return f"do {self.value}"

    def swept(self, by: Symbol, nodes: object) -> Base[W]:
        """An error, for a node has one value; itself where it is that sweep already."""
        if self.value == by:
            return self
        raise QueryError(
            f"{nodes} is swept, but do() has set it to {self.value} in this world: "
            "leave out one of the two."
        )


@dataclass(frozen=True)
class Held(Base[W]):
    """``clamp``: the value of the same node in another world."""

    deed: ClassVar[str] = "held"
    world: W

    def apply(self, view: View[W, T]) -> T:
        """The same node there."""
        return view.copied(self.world)

    def words(self) -> str:
        """clamped"""
        return "clamped"

    def worlds(self) -> tuple[W, ...]:
        """The world that it is held to."""
        return (self.world,)

    def elsewhere(self, change: Callable[[W], W]) -> Held[W]:
        """Held to another world."""
        return replace(self, world=change(self.world))

    def mechanism_at(self, key: Key, step: int) -> Mechanism | None:
        """That of the same node there, lest a world held to itself change in the step before."""
        return self.world.mechanism_at(key, step)

    def origins(self, key: Key, step: int) -> tuple[Base[W] | None, ...]:
        """Itself, then what is done to the node there."""
        return (self, *self.world.origins(key, step))

    def swept(self, by: Symbol, nodes: object) -> Base[W]:
        """Itself: what it is held to is swept there."""
        return self


@dataclass(frozen=True)
class Replaced(Base[W]):
    """``replace``: another mechanism."""

    holds: ClassVar[bool] = False
    deed: ClassVar[str] = "replaced"
    mechanism: Mechanism
    #: As it was written: what it says of a step knows delays by their steps alone.
    written: Mechanism | None = field(default=None, compare=False)

    def apply(self, view: View[W, T]) -> T:
        """What the other mechanism gives."""
        return view.computed(self.mechanism, None)

    def words(self) -> str:
        """replaced by ..."""
        return f"replaced by {self.told}"

    @property
    def cuts(self) -> bool:
        """It answers to the parents that the other mechanism has."""
        return False

    @property
    def replacement(self) -> Mechanism | None:
        """The other mechanism."""
        return self.mechanism

    @property
    def told(self) -> Mechanism | None:
        """The other mechanism, as it was written."""
        return self.written or self.mechanism

    def swept(self, by: Symbol, nodes: object) -> Base[W]:
        """The input: a sweep says what the node's value is."""
        return Fixed(by)


@dataclass(frozen=True)
class OnTop(Base[W]):
    """What is put on top of another base (None: a node as it is), and leaves the rest to it."""

    under: Base[W] | None

    @property
    def cuts(self) -> bool:
        """What is under it may."""
        return self.under is not None and self.under.cuts

    @property
    def replacement(self) -> Mechanism | None:
        """That of what is under it."""
        return None if self.under is None else self.under.replacement

    @property
    def told(self) -> Mechanism | None:
        """That of what is under it."""
        return None if self.under is None else self.under.told

    def worlds(self) -> tuple[W, ...]:
        """Those of what is under it."""
        return () if self.under is None else self.under.worlds()

    def mechanism_at(self, key: Key, step: int) -> Mechanism | None:
        """That of what is under it."""
        return None if self.under is None else self.under.mechanism_at(key, step)

    @property
    def _words_under(self) -> str:
        return "" if self.under is None else f"{self.under.words()}, "

    @property
    def _under_free(self) -> Base[W] | None:
        return None if self.under is None else self.under.free()

    def _under_elsewhere(self, change: Callable[[W], W]) -> Base[W] | None:
        return None if self.under is None else self.under.elsewhere(change)

    def _under_swept(self, by: Symbol, nodes: object) -> Base[W]:
        return Fixed[W](by) if self.under is None else self.under.swept(by, nodes)


@dataclass(frozen=True)
class Gated(OnTop[W]):
    """``clamp`` by a part: inputs from outside are weighted towards another world.

    ``under`` is what stands in for the mechanism under the gate. What has no inputs (a start, a
    root, a value that is set or held) is weighted itself.
    """

    holds: ClassVar[bool] = False
    looks_back: ClassVar[bool] = True
    deed: ClassVar[str] = "gated"
    gate: Gate[W]

    @property
    def ungated(self) -> Base[W] | None:
        """What is under the gate."""
        return self.under

    @property
    def gate_on_it(self) -> Gate[W]:
        """The gate."""
        return self.gate

    @property
    def rising(self) -> Base[W]:
        """That of what is under the gate, behind it."""
        return replace(self, under=None if self.under is None else self.under.rising)

    def apply(self, view: View[W, T]) -> T:
        """What is under the gate, seen from behind it; what has no inputs is weighted itself."""
        if self.under is None:
            return view.computed(None, self.gate)
        if self.under.holds:
            there = view.there(self.gate.world)
            return view.mixed(self.under.apply(view), there, self.gate.by)
        return self.under.apply(Behind(view, self.gate))

    def words(self) -> str:
        """clamped by 0.5"""
        return f"{self._words_under}clamped by {self.gate.by}"

    def worlds(self) -> tuple[W, ...]:
        """The world behind the gate, and those under it."""
        return (self.gate.world, *super().worlds())

    def elsewhere(self, change: Callable[[W], W]) -> Gated[W]:
        """Gated towards another world."""
        return Gated(
            self._under_elsewhere(change), replace(self.gate, world=change(self.gate.world))
        )

    def free(self) -> Base[W] | None:
        """What is under the gate."""
        return self._under_free

    def origins(self, key: Key, step: int) -> tuple[Base[W] | None, ...]:
        """Those of what is under the gate, behind it."""
        under = (None,) if self.under is None else self.under.origins(key, step)
        return tuple(Gated(base and base.ungated, self.gate) for base in under)

    def swept(self, by: Symbol, nodes: object) -> Base[W]:
        """The input under the gate."""
        return replace(self, under=self._under_swept(by, nodes))
