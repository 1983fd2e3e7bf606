"""Interventions: what ``do``, ``clamp``, ``replace`` and ``perturb`` make of a node.

This is the one place that knows the kinds. A kind says what a node becomes in terms of a ``View``:
what its mechanism says, a constant, the same node in another world. Plans and drawings bring views
with terms of their own, and never ask which kind it is. A new kind is a class here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import ClassVar, Generic, Protocol, Self, TypeVar

from sympy import Symbol

from causalopt.ground.errors import QueryError
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.selection import Key
from causalopt.model.shifting import Shift
from causalopt.model.views import Behind, Gate, View


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
    def value_given(self) -> float | Symbol | None:
        """The value that the node is given from outside; None where it is given none."""
        return None

    @property
    def cuts(self) -> bool:
        """Whether the node no longer answers to its parents."""
        return True

    @property
    def replacement(self) -> Mechanism | None:
        """The mechanism that gives the node's value in place of its own; None where none does."""
        return None

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
    value: float | Symbol

    @property
    def value_given(self) -> float | Symbol:
        """The value."""
        return self.value

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

    def apply(self, view: View[W, T]) -> T:
        """What the other mechanism gives."""
        return view.computed(self.mechanism, None)

    def words(self) -> str:
        """replaced by ..."""
        return f"replaced by {self.mechanism}"

    @property
    def cuts(self) -> bool:
        """It answers to the parents that the other mechanism has."""
        return False

    @property
    def replacement(self) -> Mechanism | None:
        """The other mechanism."""
        return self.mechanism

    def swept(self, by: Symbol, nodes: object) -> Base[W]:
        """The input: a sweep says what the node's value is."""
        return Fixed(by)


@dataclass(frozen=True)
class Gated(Base[W]):
    """``clamp`` by a part: inputs from outside are weighted towards another world.

    ``under`` is what stands in for the mechanism under the gate. What has no inputs (a start, a
    root, a value that is set or held) is weighted itself.
    """

    holds: ClassVar[bool] = False
    looks_back: ClassVar[bool] = True
    deed: ClassVar[str] = "gated"
    under: Base[W] | None
    gate: Gate[W]

    @property
    def ungated(self) -> Base[W] | None:
        """What is under the gate."""
        return self.under

    @property
    def gate_on_it(self) -> Gate[W]:
        """The gate."""
        return self.gate

    def apply(self, view: View[W, T]) -> T:
        """What is under the gate, seen from behind it; what has no inputs is weighted itself."""
        if self.under is None:
            return view.computed(None, self.gate)
        if self.under.holds:
            there = view.there(self.gate.world)
            return view.mixed(self.under.apply(view), there, self.gate.by)
        return self.under.apply(Behind(view, self.gate))

    @property
    def cuts(self) -> bool:
        """What is under the gate may."""
        return self.under is not None and self.under.cuts

    @property
    def replacement(self) -> Mechanism | None:
        """That under the gate."""
        return None if self.under is None else self.under.replacement

    def words(self) -> str:
        """clamped by 0.5"""
        under = "" if self.under is None else f"{self.under.words()}, "
        return f"{under}clamped by {self.gate.by}"

    def worlds(self) -> tuple[W, ...]:
        """The world behind the gate, and those under it."""
        under = () if self.under is None else self.under.worlds()
        return (self.gate.world, *under)

    def elsewhere(self, change: Callable[[W], W]) -> Gated[W]:
        """Gated towards another world."""
        under = None if self.under is None else self.under.elsewhere(change)
        return Gated(under, replace(self.gate, world=change(self.gate.world)))

    def free(self) -> Base[W] | None:
        """What is under the gate."""
        return None if self.under is None else self.under.free()

    def mechanism_at(self, key: Key, step: int) -> Mechanism | None:
        """That under the gate."""
        return None if self.under is None else self.under.mechanism_at(key, step)

    def origins(self, key: Key, step: int) -> tuple[Base[W] | None, ...]:
        """Those of what is under the gate, behind it."""
        under = (None,) if self.under is None else self.under.origins(key, step)
        return tuple(Gated(base and base.ungated, self.gate) for base in under)

    def swept(self, by: Symbol, nodes: object) -> Base[W]:
        """The input under the gate."""
        under = Fixed[W](by) if self.under is None else self.under.swept(by, nodes)
        return Gated(under, self.gate)


@dataclass(frozen=True)
class Treatment(Generic[W]):
    """One stretch of steps on which a node's key has the same base and shift."""

    start: int
    stop: int
    base: Base[W] | None = None
    shift: Shift | None = None

    def apply(self, view: View[W, T]) -> T:
        """What a node becomes: its base, and on top of it the shift."""
        own = view.computed(None, None) if self.base is None else self.base.apply(view)
        return own if self.shift is None else self.shift.apply(view, own)

    def put(self, change: Base[W] | Shift) -> Treatment[W]:
        """A shift comes on top of the base; a new base clears the shift."""
        if isinstance(change, Shift):
            return replace(self, shift=change)
        return replace(self, base=change, shift=None)

    def gated(self, gate: Gate[W]) -> Treatment[W]:
        """What there is, behind a gate; a second gate takes the place of the first.

        A shift stays: a gate weights the inputs of a node, and a shift is none of them.
        """
        under = None if self.base is None else self.base.ungated
        return replace(self, base=Gated(under, gate))

    def swept(self, by: Symbol, nodes: object) -> Treatment[W]:
        """The input ``by`` where the treatment leaves a node's own value."""
        return replace(self, base=Fixed(by) if self.base is None else self.base.swept(by, nodes))

    def elsewhere(self, change: Callable[[W], W]) -> Treatment[W]:
        """The same with other worlds in the place of those that values are taken from."""
        return self if self.base is None else replace(self, base=self.base.elsewhere(change))

    def moved(self, by: float | None) -> Treatment[W]:
        """The same with one more difference."""
        return replace(self, shift=Shift(by) if self.shift is None else self.shift.plus(by))

    def without_nudge(self) -> Treatment[W]:
        """The same without an infinitesimal difference."""
        shift = self.shift
        if shift is None or not shift.is_infinitesimal:
            return self
        return replace(self, shift=shift.without_nudge())

    @property
    def is_moved(self) -> bool:
        """Whether a shift brings the node to a value, whatever it would be without."""
        return self.shift is not None and self.shift.to is not None

    def worlds(self) -> tuple[W, ...]:
        """The worlds that values are taken from."""
        return () if self.base is None else self.base.worlds()

    def words(self) -> str:
        """What is done, in words."""
        return ", ".join(part.words() for part in (self.base, self.shift) if part is not None)

    def inside(self, before: Treatment[W], key: Key, step: int) -> Treatment[W]:
        """What is done to the inner stages of a step, given what is done at its two ends.

        They are held where both ends are, and behind a gate where both are behind that one; else
        they are left alone. A shift is made at the end of the step alone.
        """
        firsts = (None,) if before.base is None else before.base.origins(key, step - 1)
        lasts = (None,) if self.base is None else self.base.origins(key, step)
        # As where it is held to: by the nearest rule that the ends share, or share under a gate.
        bare = [[base and base.ungated for base in ends] for ends in (firsts, lasts)]
        pairs = (*product(firsts, lasts), *product(*bare), (firsts[-1], lasts[-1]))
        first, last = next((pair for pair in pairs if _are_alike(*pair)), pairs[-1])
        if first is None or last is None:
            return Treatment(self.start, self.stop)
        inner, gate, before_it = last.ungated, last.gate_on_it, first.gate_on_it
        is_held = all(base is not None and base.holds for base in (first.ungated, inner))
        stage = inner if is_held else None
        if gate and before_it and _are_alike(Gated(None, gate), Gated(None, before_it)):
            stage = Gated(stage, gate)
        return Treatment(self.start, self.stop, base=stage)


def _are_alike(first: Base[W] | None, second: Base[W] | None) -> bool:
    """Whether two bases give the same values, lest tangents follow another rule than values do."""
    if first is None or second is None:
        return first is second
    settled = [base.elsewhere(lambda world: world.values_only()) for base in (first, second)]
    return settled[0] == settled[1]
