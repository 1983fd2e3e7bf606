"""Interventions on parts of arrays: entries or coordinates are held, and the rest goes on."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

from sympy import Symbol

from causalopt.language.subspaces import Subspace
from causalopt.model.interventions import Base, Elsewhere, OnTop
from causalopt.model.views import View

W = TypeVar("W", bound=Elsewhere)
T = TypeVar("T")


@dataclass(frozen=True)
class HeldInPart(OnTop[W]):
    """A part of an array with a base of its own, by a weight; the rest is what is ``under`` it."""

    deed: ClassVar[str] = "gated"
    part: Subspace
    inner: Base[W]
    by: float = 1.0

    @property
    def holds(self) -> bool:  # type: ignore[override]  # of parts, that depends on the kinds
        """Where what is in the part does: the rest is computed in any case."""
        return self.inner.holds and (self.under is None or self.under.holds)

    def apply(self, view: View[W, T]) -> T:
        """What is under it, with the part of the other."""
        own = view.computed(None, None) if self.under is None else self.under.apply(view)
        return view.blended(own, self.inner.apply(view), self.part, self.by)

    def words(self) -> str:
        """clamped in part[3:10]"""
        amount = "" if self.by == 1.0 else f" by {self.by}"
        return f"{self._words_under}{self.inner.words()}{amount} in {self.part}"

    def worlds(self) -> tuple[W, ...]:
        """Those of the part, and of the rest."""
        return (*self.inner.worlds(), *super().worlds())

    def elsewhere(self, change: Callable[[W], W]) -> HeldInPart[W]:
        """The same with other worlds in both."""
        inner = self.inner.elsewhere(change)
        return replace(self, under=self._under_elsewhere(change), inner=inner)

    def free(self) -> Base[W] | None:
        """What is left of both."""
        under, inner = self._under_free, self.inner.free()
        return under if inner is None else replace(self, under=under, inner=inner)

    def swept(self, by: Symbol, nodes: object) -> Base[W]:
        """The input, under the part."""
        return replace(self, under=self._under_swept(by, nodes))


def with_part(base: Base[W] | None, part: Subspace, inner: Base[W], by: float) -> Base[W]:
    """What is done to a node, with a base for one part; the later one wins where parts overlap.

    Entries that do not overlap come in a fixed order, and those that are treated alike as one, so
    that worlds are equal where they do the same.
    """
    whole, ways = _taken_apart(base)
    new = HeldInPart(None, part, inner, by)
    # Coordinates see what is under them: what comes later stays on top of them.
    last = max((i + 1 for i, way in enumerate(ways) if not way.part.is_entries), default=0)
    below, beside = (ways[:last], ways[last:]) if part.is_entries else (ways, [])
    left = [(way, way.part.without(part)) for way in beside]
    rest = [replace(way, part=remains) for way, remains in left if remains is not None]
    alike = [way for way in rest if replace(way, part=part) == new]
    joined = functools.reduce(lambda one, way: one.joined(way.part), alike, part)
    others = [way for way in rest if way not in alike]
    if joined.is_whole and by == 1.0 and not below:
        return inner
    if part.is_entries and by == 1.0 and not below and inner == whole:
        # So it is done to all of the node.
        return _put_together(whole, others) if others else inner
    ordered = sorted([*others, replace(new, part=joined)], key=lambda way: way.part.order)
    return _put_together(whole, [*below, *ordered])


def _taken_apart(base: Base[W] | None) -> tuple[Base[W] | None, list[HeldInPart[W]]]:
    """What is done to a node as a whole, and to its parts on top of that, in turn."""
    ways: list[HeldInPart[W]] = []
    while isinstance(base, HeldInPart):
        ways.insert(0, replace(base, under=None))
        base = base.under
    return base, ways


def _put_together(whole: Base[W] | None, ways: Sequence[HeldInPart[W]]) -> Base[W]:
    first, *others = ways
    bottom = replace(first, under=whole)
    return functools.reduce(lambda under, way: replace(way, under=under), others, bottom)
