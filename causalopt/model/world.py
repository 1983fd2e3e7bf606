"""Worlds: a network or system under a set of interventions. Cheap values; nothing runs here.

An intervention acts on stretches of nodes. A node has at most one base (what stands in for its
mechanism: ``do``, ``clamp`` or ``replace``) and at most one shift on top of it (``perturb``). The
later intervention wins, and a new base clears the shift. So every intervention is idempotent,
those on disjoint nodes commute, and two worlds are equal where they do the same to each node.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from sympy import Symbol

from causalopt.ground import checks
from causalopt.ground.errors import QueryError, nearest
from causalopt.ground.readonly import fields_alone, restore
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Nodes, Noise, Parameter
from causalopt.language.words import tex
from causalopt.mechanisms.declared import Formula
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.declaration import noises_of
from causalopt.model.gating import check_weighable, movable, replaceable, weighing
from causalopt.model.interface import Model
from causalopt.model.interventions import Base, Fixed, Held, Replaced, Treatment
from causalopt.model.selection import Key, Stretch
from causalopt.model.shifting import Shift, shift_of
from causalopt.model.views import Gate

M = TypeVar("M", bound=Model, covariant=True)

#: How a key is treated over the steps: treatments in order, those that do nothing left out.
Course = tuple[Treatment["World[Model]"], ...]
Effects = tuple[tuple[Key, Course], ...]


@dataclass(frozen=True)
class World(Generic[M]):
    """A model under interventions, run for a number of steps (None where it has no time).

    All worlds made from one another have its ``seed``, and so the same draws of its noise.

    Made by ``System.world`` and ``Network.world``, and from other worlds by ``perturb``, ``clamp``,
    ``do`` and ``replace``, each of which returns a new world. Source of W, X and Y: "Defining
    Optimization in a Deeper Way", part 3.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> W = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35}).world(steps=100)
    >>> X = W.perturb(R[0], by=1e-3)
    >>> Y = X.clamp(T, to=W)
    >>> Y == W.clamp(T, to=W).perturb(R[0], by=1e-3)
    True
    """

    model: M
    steps: int | None
    effects: Effects = ()
    seed: int = 0

    def perturb(
        self,
        nodes: Nodes,
        *,
        by: float | None = None,
        to: float | str | None = None,
        every_step: bool = False,
    ) -> World[M]:
        """Add a difference to nodes: x_n = w_n + by, or x_n = to; what is downstream follows.

        Where ``by`` is left out the difference is infinitesimal: the world carries derivatives by
        it. A second perturbation of the same node replaces the first. With ``every_step`` the
        nudge is sustained: it is added at the named step and at every later one, where a pulse is
        added once.

        >>> from causalopt.language.symbols import variables
        >>> from causalopt.model.system import System
        >>> (a,) = variables("a")
        >>> System({a: a / 2}, start={a: 1}).world(steps=4).perturb(a[2], every_step=True)
        World of System, steps=4
            a[2:5]: perturbed
        """
        find = self.model.onward if every_step else self.model.select
        stretches = movable(find(nodes, self.steps), nodes, added=to is None)
        return self._put(stretches, shift_of(nodes, by, to))

    def nudge(self, node: Nodes, *, by: float | None = None) -> World[M]:
        """Add a difference to what is there, an earlier difference too, which ``perturb`` replaces.

        So a measure asks about a world in which its node is perturbed already.
        """
        stretches = movable(self.model.select(node, self.steps), node)
        return self._change(stretches, _same(lambda treatment: treatment.moved(by)))

    def clamp(self, nodes: Nodes, *, to: World[M], by: float | Parameter = 1.0) -> World[M]:
        """Hold nodes at the values that they have in another world of the same model.

        ``by`` below 1 is a soft clamp: the nodes' inputs from nodes that are not clamped are
        weighted, (1 - by) of their own value and ``by`` of the one in ``to``; inputs from one
        another, such as a variable's own memory, are kept. What has no inputs is weighted itself.
        With by = 1 it is the clamp, with by = 0 nothing is changed. ``by`` may be a parameter of
        the model, and so be swept (outside 0 to 1 the weights go on as they are, and extrapolate);
        at 1 that is the clamp where ``to`` leaves the nodes to their mechanisms, since a gate
        weights inputs, and a difference or a value put on the nodes themselves is none.

        >>> from causalopt.language.symbols import variables
        >>> from causalopt.model.system import System
        >>> T, R = variables("T R")
        >>> W = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35}).world(steps=100)
        >>> W.perturb(R[0]).clamp(T, to=W, by=0.5)
        World of System, steps=100
            R[0]: perturbed
            T: clamped by 0.5
        """
        if not isinstance(to, World) or to.model != self.model or to.steps != self.steps:
            raise QueryError(
                f"clamp({nodes}, to=...): ``to`` must be a world of the same model and the same "
                "number of steps, such as clamp(T, to=W)."
            )
        weight = self._weight(by, nodes)
        stretches = self.model.select(nodes, self.steps)
        if weight == 1.0:
            held = Held[World[Model]](to)
            return self._put(stretches, lambda _: held)
        moved = [key for key, course in to.effects if any(t.is_moved for t in course)]
        check_weighable(self.model, stretches, f"clamp({nodes}, by={by})", moved)
        gate = Gate[World[Model]](to, weight, frozenset(stretches))
        return self._change(stretches, _same(lambda treatment: treatment.gated(gate)))

    def do(self, nodes: Nodes, value: float | str | Symbol) -> World[M]:
        """Set nodes to a value, whatever their mechanism says (Pearl's do); a named one by name."""
        if isinstance(value, Symbol):
            self._check_parameter(value, f"do({nodes}, {value})")

        def fixed(key: Key) -> Fixed[World[Model]]:
            if isinstance(value, Symbol):
                return Fixed(value)
            return Fixed(domain_of(key).code(value, f"The value of do({nodes})"))

        return self._put(self.model.select(nodes, self.steps), fixed)

    def replace(self, nodes: Nodes, formula: Formula) -> World[M]:
        """Give nodes another mechanism, in the language in which the model was declared."""

        @functools.cache
        def replaced(key: Key) -> Replaced[World[Model]]:
            return Replaced(self.model.mechanism(key, formula))

        return self._put(replaceable(self.model, nodes, self.steps, formula), replaced)

    def put(self, nodes: Nodes, base: Base[World[Model]]) -> World[M]:
        """Put a base of any kind on nodes: a new kind is a class derived from it."""
        if not isinstance(base, Base):
            raise QueryError(
                f"put({nodes}, {base!r}) is given no Base: for a value, write do(...)."
            )
        return self._put(self.model.select(nodes, self.steps), lambda _: base)

    def swept(self, nodes: Nodes, by: Symbol) -> World[M]:
        """This world with an input in the place of nodes' own values, in every world it is held to.

        Unlike ``do``, it leaves differences alone: it changes what the worlds start from.
        """
        world = self._map(lambda treatment: treatment.elsewhere(lambda one: one.swept(nodes, by)))
        stretches = self.model.select(nodes, self.steps)
        return world._change(stretches, _same(lambda treatment: treatment.swept(by, nodes)))

    def at(self, key: Key, step: int = 0) -> Treatment[World[Model]]:
        """What the interventions do to one node."""
        for treatment in self._courses.get(key, ()):
            if treatment.start <= step < treatment.stop:
                return treatment
        return Treatment(step, step + 1)

    def mechanism_at(self, key: Key, step: int = 0) -> Mechanism | None:
        """The mechanism that the inner stages of a step into a node follow, in place of its own."""
        base = self.at(key, step).base
        return None if base is None else base.mechanism_at(key, step)

    def origins(self, key: Key, step: int = 0) -> tuple[Base[World[Model]] | None, ...]:
        """What is done to a node; where it is held, then what is done where it is held to."""
        base = self.at(key, step).base
        return (None,) if base is None else base.origins(key, step)

    def values_only(self) -> World[M]:
        """This world without its infinitesimal perturbations and the clamps that change nothing.

        Its values are the same, so worlds that differ in derivatives alone are computed once.
        """
        # An infinitesimal difference moves no value, here or in the worlds that nodes are held to.
        plain = self._map(lambda t: t.without_nudge().elsewhere(World.values_only))
        loose = plain._map(lambda t: _let_go(t) if t.worlds() else t)
        targets = {world for t in plain.treatments for world in t.worlds()}
        # Held to what it would be anyway: the clamps change nothing.
        return loose if targets == {loose} else plain

    @property
    def noises(self) -> tuple[Noise, ...]:
        """The noises that the model's mechanisms use, or those in their place in this world."""
        bases = (treatment.base for treatment in self.treatments)
        new = (base.replacement for base in bases if base is not None)
        return (*self.model.noises, *noises_of(m for m in new if m is not None))

    def held_worlds(self) -> list[World[Model]]:
        """The worlds that some of its nodes are held to, or gated towards."""
        return list(dict.fromkeys(world for t in self.treatments for world in t.worlds()))

    @functools.cached_property
    def is_infinitesimal(self) -> bool:
        """Whether it, or a world that it is held to, carries derivatives."""
        own = any(t.shift is not None and t.shift.is_infinitesimal for t in self.treatments)
        return own or any(world.is_infinitesimal for world in self.held_worlds())

    @property
    def treatments(self) -> list[Treatment[World[Model]]]:
        """The different things that are done to nodes, however many nodes they are done to."""
        return [treatment for course in self.courses for treatment in course]

    @functools.cached_property
    def courses(self) -> dict[Course, tuple[Key, ...]]:
        """The different ways to be treated over the steps, each with the keys treated so.

        There are few of them, however many nodes are held.
        """
        # Courses are shared by the keys that were treated in one intervention: compared first by
        # identity, and by value only where they differ in that.
        alike: dict[int, tuple[Course, list[Key]]] = {}
        for key, course in self.effects:
            alike.setdefault(id(course), (course, []))[1].append(key)
        keys_of: dict[Course, tuple[Key, ...]] = {}
        for course, keys in alike.values():
            keys_of[course] = (*keys_of.get(course, ()), *keys)
        return keys_of

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        shape = frozenset((course, len(keys)) for course, keys in self.courses.items())
        return hash((self.model, self.steps, shape, self.seed))

    __getstate__, __setstate__ = fields_alone, restore

    @functools.cached_property
    def _courses(self) -> dict[Key, Course]:
        return dict(self.effects)

    def _weight(self, by: float | Parameter, nodes: Nodes) -> float | Parameter:
        """How far a clamp holds: a number from 0 to 1, or a parameter that has one."""
        act = f"clamp({nodes}, by={by!r})"
        if isinstance(by, Symbol):
            self._check_parameter(by, act)
        if isinstance(by, Parameter):
            return weighing(by, act)
        weight = checks.as_float(by)
        if weight is None or not 0 <= weight <= 1:
            raise QueryError(
                f"{act}: write a number from 0 (free) to 1 (held), or a parameter of the model."
            )
        return weight

    def _check_parameter(self, symbol: Symbol, act: str) -> None:
        if symbol not in self.model.parameters:
            known = nearest(symbol, self.model.parameters)
            raise QueryError(f"{act}: this model has no such parameter.{known}")

    def _put(
        self,
        stretches: Iterable[Stretch],
        what: Callable[[Key], Base[World[Model]] | Shift],
    ) -> World[M]:
        """This world with a base or a shift put on some nodes."""

        @functools.cache
        def putting(change: Base[World[Model]] | Shift) -> Change:
            return lambda treatment: treatment.put(change)

        return self._change(stretches, lambda key: putting(what(key)))

    def _change(self, stretches: Iterable[Stretch], change: Callable[[Key], Change]) -> World[M]:
        """This world with the treatment of some nodes changed; what is treated alike is made once.

        Changes are told apart by identity, so that ``change`` gives one for all that is alike.
        """

        # A million nodes that are treated alike share one course, and so one piece of work.
        @functools.cache
        def changed(before: Course, start: int, stop: int, how: Change) -> Course:
            return _overlay(before, start, stop, how)

        effects = dict(self.effects)
        for stretch in stretches:
            before = effects.get(stretch.key, ())
            how = change(stretch.key)
            effects[stretch.key] = changed(before, stretch.start, stretch.stop, how)
        return replace(self, effects=_canonical(effects))

    def _map(self, change: Change) -> World[M]:
        @functools.cache
        def changed(course: Course) -> Course:
            return _joined(map(change, course))

        return replace(
            self,
            effects=tuple(
                (key, course) for key, before in self.effects if (course := changed(before))
            ),
        )

    def __repr__(self) -> str:
        return "\n".join([self._head, *(f"    {nodes}: {what}" for nodes, what in self._rows())])

    def _repr_latex_(self) -> str:
        rows = [(self._head, ""), *self._rows()]
        body = r" \\ ".join(f"{tex(nodes)} & {tex(what)}" for nodes, what in rows[:21])
        more = rf" \\ \vdots & \text{{{len(rows) - 21} more}}" if len(rows) > 21 else ""
        return rf"$\begin{{array}}{{ll}}{body}{more}\end{{array}}$"

    @property
    def _head(self) -> str:
        return f"World of {type(self.model).__name__}, steps={self.steps}"

    def _rows(self) -> list[tuple[str, str]]:
        """The nodes that something is done to, and what."""
        return [
            (_span(key, treatment, self.steps), treatment.words())
            for key, course in self.effects
            for treatment in course
        ]


Change = Callable[[Treatment[World[Model]]], Treatment[World[Model]]]


def _same(change: Change) -> Callable[[Key], Change]:
    """One change for every key."""
    return lambda _: change


def _let_go(treatment: Treatment[World[Model]]) -> Treatment[World[Model]]:
    """A node that is held or gated, left to itself."""
    return replace(treatment, base=treatment.base.free() if treatment.base else None)


def _overlay(course: Course, first: int, last: int, change: Change) -> Course:
    """The course with a change from ``first`` to ``last``: cut there, filled where nothing was."""
    parts: list[Treatment[World[Model]]] = []
    free = first
    for treatment in course:
        start, stop = max(treatment.start, first), min(treatment.stop, last)
        if start >= stop:
            parts.append(treatment)
            continue
        parts.append(replace(treatment, stop=start))
        parts.append(change(Treatment(free, start)))
        parts.append(change(replace(treatment, start=start, stop=stop)))
        parts.append(replace(treatment, start=stop))
        free = stop
    parts.append(change(Treatment(free, last)))
    return _joined(parts)


def _joined(parts: Iterable[Treatment[World[Model]]]) -> Course:
    """Sorted treatments: empty and idle ones dropped, neighbours that do the same made one."""
    active = sorted(
        (t for t in parts if t.start < t.stop and (t.base or t.shift)), key=lambda t: t.start
    )
    joined: list[Treatment[World[Model]]] = []
    for treatment in active:
        last = joined[-1] if joined else None
        if (
            last
            and last.stop == treatment.start
            and replace(last, stop=treatment.stop) == replace(treatment, start=last.start)
        ):
            joined[-1] = replace(last, stop=treatment.stop)
        else:
            joined.append(treatment)
    return tuple(joined)


def _canonical(effects: Mapping[Key, Course]) -> Effects:
    treated = [(key, course) for key, course in effects.items() if course]
    return tuple(sorted(treated, key=lambda pair: (str(pair[0]), str(type(pair[0])))))


def _span(key: Key, treatment: Treatment[World[Model]], steps: int | None) -> str:
    if steps is None:
        return str(key)
    if treatment.stop == treatment.start + 1:
        return f"{key}[{treatment.start}]"
    if treatment.start == 0 and treatment.stop == steps + 1:
        return str(key)
    return f"{key}[{treatment.start}:{treatment.stop}]"
