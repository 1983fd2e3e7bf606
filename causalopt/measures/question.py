"""The question that Comp and Op ask, (A; n, m), checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from causalopt.ground.errors import QueryError
from causalopt.language.symbols import Moment, Node, Variable
from causalopt.model.network import Network
from causalopt.model.system import ENDLESS, System
from causalopt.model.world import Stretch, World
from causalopt.runs.keeping import Keep, kept
from causalopt.runs.sweeps import Sweep, sweep


@dataclass(frozen=True)
class Question:
    """How much does A compress at m a difference made at n?

    ``key`` and ``recorded`` say where m is: a variable over steps, or, where ``over_time`` is
    false, at one step. In a network without time ``recorded`` is step 0 alone.
    """

    base: World
    A: Any
    n: Any
    m: Any
    key: Any
    recorded: range
    over_time: bool
    swept: Sweep

    @property
    def model(self) -> System | Network:
        """The model that is asked about."""
        model = self.base.model
        assert isinstance(model, System | Network)
        return model

    def worlds(self, by: float | None) -> tuple[World, World, World]:
        """W; X, nudged at n; and Y, nudged at n with A held at its values in W."""
        X = self.base.perturb(self.n, by=by)
        return self.base, X, X.clamp(self.A, to=self.base)

    def arguments(self) -> dict[str, str]:
        """The question as text, for the attributes of a result."""
        return {"A": text(self.A), "n": str(self.n), "m": str(self.m)}


def question(
    of: System | Network | World,
    A: Any,
    n: Any,
    m: Any,
    steps: int | None,
    over: Mapping[Any, Any] | None,
    keep: Keep = "all",
    draws: int | None = None,
) -> Question:
    """The question, or a ``QueryError`` that says which part of it cannot be."""
    base = base_world(of, A, n, m, steps)
    model = base.model
    assert isinstance(model, System | Network)
    places = model.select(m, base.steps)
    if len(places) != 1:
        raise QueryError(f"m = {text(m)} names {len(places)} sets of nodes: ask about one.")
    held = model.select(A, base.steps)
    check_n(model, n, held, base)
    _check_m(m, places[0], held)
    recorded = kept(keep, range(places[0].start, places[0].stop))
    over_time = isinstance(model, System) and not isinstance(m, Node | Moment)
    return Question(base, A, n, m, places[0].key, recorded, over_time, sweep(model, over, draws))


def base_world(of: System | Network | World, A: Any, n: Any, m: Any, steps: int | None) -> World:
    """The world W that is asked about: long enough for every node that is named."""
    if isinstance(of, World):
        if steps not in (None, of.steps):
            raise QueryError(f"steps is {steps}, but this world has {of.steps}: leave steps out.")
        return of
    if isinstance(of, Network):
        return of.world()
    if not isinstance(of, System):
        raise QueryError(
            f"{type(of).__name__} cannot be measured: give a System, a Network or a World."
        )
    return of.world(_last_step_named(of, A, n, m) if steps is None else steps)


def _last_step_named(system: System, A: Any, n: Any, m: Any) -> int:
    ends = [stretch.stop for stretch in system.select(m, None)]
    if max(ends) == ENDLESS:
        example = m if isinstance(m, Variable) else system.variables[0]
        raise QueryError(
            f"steps is missing: m = {text(m)} has no last node. Write steps=1000, or name one "
            f"node, such as m={example}[1000]."
        )
    for named in (A, n):
        ends += [s.stop for s in system.select(named, None) if s.stop != ENDLESS]
    return max(max(ends) - 1, 1)


def check_n(model: System | Network, n: Any, held: tuple[Stretch, ...], base: World) -> None:
    """n is one node, outside A."""
    if isinstance(model, System) and not isinstance(n, Node | Moment):
        hint = f"{n}[0]" if isinstance(n, Variable) else f"{model.variables[0]}[0]"
        raise QueryError(f"n = {n} is not one node: write {hint}, where the difference is made.")
    (place,) = model.select(n, base.steps)
    if any(_overlap(place, stretch) for stretch in held):
        raise QueryError(
            f"n = {n} lies inside A: Y would hold it at its value in W, so that no difference "
            "could be made there. Choose n outside A, or leave it out of A."
        )


def _check_m(m: Any, place: Stretch, held: tuple[Stretch, ...]) -> None:
    inside = [stretch for stretch in held if _overlap(place, stretch)]
    if not inside:
        return
    last = max(stretch.stop for stretch in inside)
    hint = f", such as m={place.key}[{last}:]" if last < place.stop else ""
    raise QueryError(
        f"m = {m} lies inside A: Y holds it at its value in W, so that it cannot show what A does. "
        f"Choose m outside A{hint}, or leave it out of A."
    )


def _overlap(a: Stretch, b: Stretch) -> bool:
    return a.key == b.key and max(a.start, b.start) < min(a.stop, b.stop)


def text(given: Any) -> str:
    """A set of nodes as text."""
    if isinstance(given, list | tuple | set | frozenset):
        return ", ".join(str(one) for one in given)
    return str(given)
