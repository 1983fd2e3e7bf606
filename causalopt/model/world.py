"""Worlds: a network or system under a set of interventions. Cheap values; nothing runs here.

An intervention acts on stretches of nodes. A node has at most one base (what stands in for its
mechanism: ``do``, ``clamp`` or ``replace``) and at most one shift on top of it (``perturb``). The
later intervention wins, and a new base clears the shift. So every intervention is idempotent,
those on disjoint nodes commute, and two worlds are equal where they do the same to each node.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from sympy import Symbol

from causalopt.ground import checks
from causalopt.ground.errors import QueryError, nearest
from causalopt.ground.readonly import fields_alone, restore
from causalopt.language.subspaces import Subspace
from causalopt.language.symbols import Nodes, Noise, Parameter
from causalopt.language.words import tex
from causalopt.mechanisms.declared import Formula, mechanism_of
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.courses import (
    Change,
    Course,
    Effects,
    canonical,
    joined_up,
    let_go,
    overlay,
    same,
    span,
)
from causalopt.model.declaration import noises_of, refuse_shared_names
from causalopt.model.gating import check_weighable, movable, replaceable, weighing
from causalopt.model.interface import Model
from causalopt.model.interventions import Base, Fixed, Held, Replaced
from causalopt.model.selection import Key, Stretch
from causalopt.model.shifting import Shift, shift_of, value_of
from causalopt.model.treatments import Treatment
from causalopt.model.views import Gate

M = TypeVar("M", bound=Model, covariant=True)

AnyCourse = Course["World[Model]"]
AnyChange = Change["World[Model]"]


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
    effects: Effects[World[Model]] = ()
    seed: int = 0

    def perturb(
        self,
        nodes: Nodes,
        *,
        by: object = None,
        to: object = None,
        along: object = None,
        every_step: bool = False,
    ) -> World[M]:
        """Add a difference to nodes: x_n = w_n + by, or x_n = to; what is downstream follows.

        Where ``by`` is left out the difference is infinitesimal: the world carries derivatives by
        it. A second perturbation of the same node replaces the first. With ``every_step`` the
        nudge is sustained: it is added at the named step and at every later one, where a pulse is
        added once. An infinitesimal difference of an array is ``along`` one direction of its shape,
        or several (k, *shape), each by itself; a number ``by`` is added to every entry named.

        >>> from causalopt.language.symbols import variables
        >>> from causalopt.model.system import System
        >>> (a,) = variables("a")
        >>> System({a: a / 2}, start={a: 1}).world(steps=4).perturb(a[2], every_step=True)
        World of System, steps=4
            a[2:5]: perturbed
        """
        find = self.model.onward if checks.switch(every_step, "every_step") else self.model.select
        stretches = movable(find(nodes, self.steps), nodes, added=to is None)
        return self._put(stretches, shift_of(nodes, by, to, along))

    def nudge(self, node: Nodes, *, by: object = None, along: object = None) -> World[M]:
        """Add a difference to what is there, an earlier difference too, which ``perturb`` replaces.

        So a measure asks about a world in which its node is perturbed already.
        """
        stretches = movable(self.model.select(node, self.steps), node)
        shift = shift_of(node, by, None, along)
        return self._change(stretches, lambda at: functools.partial(Treatment.moved, by=shift(at)))

    def clamp(self, nodes: Nodes, *, to: World[M], by: float | Parameter = 1.0) -> World[M]:
        """Hold nodes at the values that they have in another world of the same model.

        ``by`` below 1 is a soft clamp: the nodes' inputs from nodes that are not clamped are
        weighted, (1 - by) of their own value and ``by`` of the one in ``to``; inputs from one
        another, such as a variable's own memory, are kept. What has no inputs is weighted itself.
        With by = 1 it is the clamp, with by = 0 nothing is changed. ``by`` may be a parameter of
        the model, and so be swept (outside 0 to 1 the weights go on as they are, and extrapolate);
        at 1 that is the clamp where ``to`` leaves the nodes to their mechanisms, since a gate
        weights inputs, and a difference or a value put on the nodes themselves is none. A part of
        an array has no inputs of its own, and is weighted itself.

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
        if to.seed != self.seed:
            raise QueryError(
                f"clamp({nodes}, to=...): ``to`` has the seed {to.seed}, and this world "
                f"{self.seed}, so that their noise differs: make them from one another."
            )
        weight = self._weight(by, nodes)
        stretches = self.model.select(nodes, self.steps)
        held = Held[World[Model]](to)
        if weight == 1.0 or any(stretch.part for stretch in stretches):
            return self._put(stretches, lambda _: held, self._in_part(weight, stretches, nodes))
        moved = [key for key, course in to.effects if any(t.is_moved for t in course)]
        check_weighable(self.model, stretches, f"clamp({nodes}, by={by})", moved)
        gate = Gate[World[Model]](to, weight, frozenset(stretches))
        return self._change(stretches, same(lambda treatment: treatment.gated(gate)))

    def do(self, nodes: Nodes, value: object) -> World[M]:
        """Set nodes to a value, whatever their mechanism says (Pearl's do); a named one by name.

        Of an array, a number stands in all entries. Of some entries, such as h.part[3:10], values
        have the shape of the part, or that of the array, of which the part is taken; so have those
        of ``perturb``.
        """
        if isinstance(value, Symbol):
            self._check_parameter(value, f"do({nodes}, {value})")

        def fixed(at: Stretch) -> Fixed[World[Model]]:
            if isinstance(value, Symbol):
                return Fixed(value)
            return Fixed(value_of(at, value, f"The value of do({nodes})"))

        return self._put(self.model.select(nodes, self.steps), fixed)

    def replace(self, nodes: Nodes, formula: Formula) -> World[M]:
        """Give nodes another mechanism, in the language in which the model was declared."""

        @functools.cache
        def replaced(at: Stretch) -> Replaced[World[Model]]:
            mechanism = self.model.mechanism(at.key, formula)
            refuse_shared_names({*self.noises, *mechanism.arguments})
            return Replaced(mechanism, mechanism_of(at.key, formula))

        # A start follows from no step: what is done to it stays as it is.
        stretches = [
            dataclasses.replace(at, start=1)
            if at.start == 0
            and at.stop > 1
            and self.at(at.key).base
            and not self._steps_at_start(at)
            else at
            for at in replaceable(self.model, nodes, self.steps, formula)
        ]
        return self._put(stretches, replaced)

    def _steps_at_start(self, at: Stretch) -> bool:
        """Whether a node follows by its mechanism at step 0 too, as an equation does."""
        return self.steps is None or self.model.account(at.key, 0).start is None

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
        return world._change(stretches, same(lambda treatment: treatment.swept(by, nodes)))

    def under(self, model: Model) -> World[Model]:
        """The same interventions on another model with the same nodes."""
        world = self._map(lambda treatment: treatment.elsewhere(lambda one: one.under(model)))
        return replace(world, model=model)  # type: ignore[arg-type]  # one of another type

    def pushed(self, at: Stretch, by: Symbol) -> World[M]:
        """This world with the difference at a node, if there is any, as an input."""
        return self._change([at], same(lambda treatment: treatment.pushed(by)))

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
        return self._values

    @functools.cached_property
    def _values(self) -> World[M]:
        # An infinitesimal difference moves no value, here or in the worlds that nodes are held to.
        plain = self._map(lambda t: t.without_nudge().elsewhere(World.values_only))
        loose = plain._map(lambda t: let_go(t) if t.worlds() else t)
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
    def courses(self) -> dict[AnyCourse, tuple[Key, ...]]:
        """The different ways to be treated over the steps, each with the keys treated so.

        There are few of them, however many nodes are held.
        """
        # Courses are shared by the keys that were treated in one intervention: compared first by
        # identity, and by value only where they differ in that.
        alike: dict[int, tuple[AnyCourse, list[Key]]] = {}
        for key, course in self.effects:
            alike.setdefault(id(course), (course, []))[1].append(key)
        keys_of: dict[AnyCourse, tuple[Key, ...]] = {}
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
    def _courses(self) -> dict[Key, AnyCourse]:
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
            asked = "write a number from 0 (free) to 1 (held), or a parameter of the model."
            raise QueryError(f"{act}: {asked}")
        return weight

    def _in_part(
        self, weight: float | Parameter, stretches: Sequence[Stretch], nodes: Nodes
    ) -> float:
        """The weight by which parts are held: a number, and where it is not 1 all are parts."""
        if weight != 1.0 and (isinstance(weight, Symbol) or not all(s.part for s in stretches)):
            raise QueryError(
                f"clamp({nodes}, by={weight}): parts of arrays are weighted themselves, by a "
                "number, and whole nodes by their inputs: clamp the one after the other."
            )
        return float(weight)

    def _check_parameter(self, symbol: Symbol, act: str) -> None:
        if symbol not in self.model.parameters:
            known = nearest(symbol, self.model.parameters)
            raise QueryError(f"{act}: this model has no such parameter.{known}")
        held = self.model.parameter_arrays.get(symbol)
        if held is not None:
            raise QueryError(f"{act}: {symbol} holds {held}, and a number is wanted.")

    def _put(
        self,
        stretches: Iterable[Stretch],
        what: Callable[[Stretch], Base[World[Model]] | Shift],
        by: float = 1.0,
    ) -> World[M]:
        """This world with a base or a shift put on some nodes, or on parts of them by a weight."""

        # Changes are told apart by identity: one for all that is alike.
        made: dict[tuple[Base[World[Model]] | Shift, Subspace | None], AnyChange] = {}

        def putting(at: Stretch) -> AnyChange:
            key = what(at), at.part
            return made.setdefault(key, lambda treatment: treatment.put(*key, by))

        return self._change(stretches, putting)

    def _change(
        self, stretches: Iterable[Stretch], change: Callable[[Stretch], AnyChange]
    ) -> World[M]:
        """This world with the treatment of some nodes changed; what is treated alike is made once.

        Changes are told apart by identity, so that ``change`` gives one for all that is alike.
        """
        # A million nodes that are treated alike share one course, and so one piece of work.
        made: dict[tuple[AnyCourse, int, int, AnyChange], AnyCourse] = {}
        effects = dict(self.effects)
        for stretch in stretches:
            before = effects.get(stretch.key, ())
            how = before, stretch.start, stretch.stop, change(stretch)
            if how not in made:
                made[how] = overlay(*how)
            effects[stretch.key] = made[how]
        return replace(self, effects=canonical(effects))

    def _map(self, change: AnyChange) -> World[M]:
        made = {course: joined_up(map(change, course)) for course in self.courses}
        effects = tuple((key, made[before]) for key, before in self.effects if made[before])
        return replace(self, effects=effects) if self.effects else self

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
            (span(key, treatment, self.steps), treatment.words())
            for key, course in self.effects
            for treatment in course
        ]
