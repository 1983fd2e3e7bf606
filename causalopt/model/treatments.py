"""What is done to a node: a base in the place of its mechanism, and a shift on top of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Generic, TypeVar

from sympy import Symbol

from causalopt.language.subspaces import Subspace
from causalopt.model.in_parts import with_part
from causalopt.model.interventions import Base, Elsewhere, Fixed, Gated
from causalopt.model.selection import Key
from causalopt.model.shifting import Shift
from causalopt.model.views import Gate, View

W = TypeVar("W", bound=Elsewhere)
T = TypeVar("T")


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

    def put(
        self, change: Base[W] | Shift, part: Subspace | None = None, by: float = 1.0
    ) -> Treatment[W]:
        """A shift comes on top of the base; a new base clears the shift, in its part alone."""
        if part is not None:
            return self._put_in(part, change, by)
        if isinstance(change, Shift):
            return replace(self, shift=change)
        return replace(self, base=change, shift=None)

    def _put_in(self, part: Subspace, change: Base[W] | Shift, by: float) -> Treatment[W]:
        shift = None if self.shift is None else self.shift.outside(part)
        if isinstance(change, Shift):
            return replace(self, shift=change if shift is None else shift.plus(change))
        return replace(self, base=with_part(self.base, part, change, by), shift=shift)

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

    def moved(self, by: Shift) -> Treatment[W]:
        """The same with one more difference."""
        return replace(self, shift=by if self.shift is None else self.shift.plus(by))

    def pushed(self, by: Symbol) -> Treatment[W]:
        """The same with an input as its difference."""
        shift = Shift(None) if self.shift is None else self.shift
        return replace(self, shift=shift.given(by))

    def without_nudge(self) -> Treatment[W]:
        """The same without an infinitesimal difference."""
        shift = self.shift
        if shift is None or not shift.is_infinitesimal:
            return self
        return replace(self, shift=shift.without_nudge())

    @property
    def rising(self) -> Treatment[W]:
        """What is done to the rises of a variable inside of a step whose stages this is done to."""
        return replace(self, base=None if self.base is None else self.base.rising)

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
