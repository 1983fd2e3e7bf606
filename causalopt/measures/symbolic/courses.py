"""Worlds node by node, as formulas: what each node is, and how it moves with what enters it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sympy import Add, Expr, Integer, Mul, Symbol

from causalopt.ground.errors import QueryError
from causalopt.ground.tensors import Tensor
from causalopt.language.subspaces import Directions, Subspace
from causalopt.language.symbols import Label, Parameter
from causalopt.language.trees import Tree
from causalopt.measures.symbolic.assigned import AnyWorld, Assigned, assigned_in
from causalopt.measures.symbolic.branches import exact
from causalopt.measures.symbolic.inputs import WorldInputs
from causalopt.measures.symbolic.lines import Lines
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.views import Difference, Gate, Outside

_ZERO, _ONE = Integer(0), Integer(1)


@dataclass(frozen=True)
class Inflow:
    """How a node moves with one that enters it: ``weight`` times a derivative of its mechanism.

    The derivative is that by ``argument``, where the arguments are ``at``.
    """

    source: Label
    weight: Expr
    mechanism: Mechanism
    argument: Symbol
    at: Mapping[Symbol, Expr] = field(repr=False)

    @property
    def slope(self) -> Expr:
        """The derivative of the node by its source."""
        return Mul(self.weight, self.mechanism.reverse(self.at, _ONE)[self.argument])

    @property
    def free_slope(self) -> Expr:
        """The same in the mechanism's own symbols."""
        return Mul(self.weight, self.mechanism.reverse({}, _ONE)[self.argument])


@dataclass(frozen=True)
class Seen:
    """What a node is: its value, the arrows into it, and an infinitesimal difference made at it."""

    value: Expr
    arrows: tuple[Inflow, ...] = ()
    nudge: Expr = _ZERO


@dataclass
class Courses:
    """The values of worlds, as lines: by each world, its nodes.

    A difference that is infinitesimal is the ``delta`` of a finite one, where there is one.
    """

    inputs: WorldInputs
    lines: Lines
    delta: Expr | None = None
    _values: dict[AnyWorld, dict[Label, Expr]] = field(default_factory=dict)

    def values(self, world: AnyWorld, prefix: str = "") -> Mapping[Label, Expr]:
        """The value of each node of a world; ``prefix`` sets its names apart from another's."""
        if world not in self._values:
            for place, other in enumerate(world.held_worlds()):
                self.values(other, f"{prefix}v{place}.")
            here: dict[Label, Expr] = {}
            self._values[world] = here
            for assigned in assigned_in(world.model, world):
                value = self.seen(world, assigned).value
                is_input = assigned.own is None and value.is_Symbol and not self._apart
                name = self._name(prefix, assigned)
                here[assigned.label] = value if is_input else self.lines.written(name, value)
        return self._values[world]

    @property
    def _apart(self) -> bool:
        """Whether starts need names: the start of a world that others are held to is no other's."""
        return self.lines.every and bool(self.inputs.world.held_worlds())

    def seen(self, world: AnyWorld, assigned: Assigned, at: AnyWorld | None = None) -> Seen:
        """What a node of a world is, where the values are those of the world ``at``."""
        values = self._values[world if at is None else at]
        return assigned.treatment.apply(SeenView(self, values, assigned))

    def there(self, world: AnyWorld) -> Mapping[Label, Expr]:
        """The values of a world that others are held to."""
        return self._values[world]

    def _name(self, prefix: str, assigned: Assigned) -> Symbol:
        own = self.inputs.symbol(assigned.label)
        # What starts has an input of its name, to which something may be done.
        prefix = prefix or ("w." if assigned.own is None else "")
        return Symbol(f"{prefix}{own.name}", real=True) if prefix else own


@dataclass(frozen=True)
class SeenView:
    """What a node becomes, as a formula of others with the arrows into it: a view of treatments."""

    courses: Courses
    values: Mapping[Label, Expr]
    assigned: Assigned

    def computed(self, mechanism: Mechanism | None, gate: Gate[AnyWorld] | None) -> Seen:
        """What the node's own mechanism gives, or the symbol that it starts from."""
        # Another mechanism is a part of ``own`` already.
        own = self.assigned.own
        if own is None:
            start = Seen(self.courses.inputs.of(self.assigned.label))
            return start if gate is None else self.mixed(start, self.there(gate.world), gate.by)
        if own.is_opaque:
            raise QueryError(f"{own} is a function, and {_NO_ARRAYS}")
        weights = {s: self._weight(label, gate) for s, label in self.assigned.names.items()}
        at = {
            s: self._argument(label, weights[s], gate) for s, label in self.assigned.names.items()
        }
        nodes = {s: label for s, label in self.assigned.names.items() if label in self.values}
        arrows = [Inflow(label, _ONE - weights[s], own, s, at) for s, label in nodes.items()]
        return Seen(own.value(at), tuple(arrows))

    def _weight(self, label: Label, gate: Gate[AnyWorld] | None) -> Expr:
        """How far a node comes from the world behind the gate; inputs are the same in both."""
        if gate is None or label not in self.values:
            return _ZERO
        is_inside = gate.lets_in(*self.courses.inputs.world.model.key_of(label))
        return _ZERO if is_inside else self._part(gate.by)

    def _argument(self, label: Label, weight: Expr, gate: Gate[AnyWorld] | None) -> Expr:
        if label not in self.values:
            return self.courses.inputs.of(label)
        own = self.values[label]
        if gate is None or weight == 0:
            return own
        return (_ONE - weight) * own + weight * self.courses.there(gate.world)[label]

    def _part(self, by: float | Parameter) -> Expr:
        return self.courses.inputs.of(by) if isinstance(by, Parameter) else exact(by)

    def constant(self, value: Outside) -> Seen:
        """A value from outside."""
        return Seen(exact(_of_numbers(value)))

    def copied(self, world: AnyWorld) -> Seen:
        """The node in another world, which does not move."""
        return Seen(self.courses.there(world)[self.assigned.label])

    def there(self, world: AnyWorld) -> Seen:
        """The same without the difference that is added to it there."""
        model = world.model
        shift, copied = world.at(*model.key_of(self.assigned.label)).shift, self.copied(world)
        if shift is None:
            return copied
        return Seen(copied.value - shift.apply(self, Seen(_ZERO)).value)

    def mixed(self, own: Seen, other: Seen, by: float | Parameter) -> Seen:
        """A part of each."""
        part = self._part(by)
        sides = ((_ONE - part, own), (part, other))
        arrows = [replace(a, weight=w * a.weight) for w, side in sides for a in side.arrows]
        value = Add(*(w * side.value for w, side in sides))
        return Seen(value, tuple(arrows), Add(*(w * side.nudge for w, side in sides)))

    def blended(self, own: Seen, other: Seen, part: Subspace, by: float) -> Seen:
        """An error: arrays have no formulas."""
        raise QueryError(f"{part} is a part of an array, and {_NO_ARRAYS}")

    def moved(self, term: Seen, by: Difference) -> Seen:
        """The node with a difference added."""
        return replace(term, value=term.value + exact(_of_numbers(by)))

    def nudged(self, term: Seen, along: Directions | None) -> Seen:
        """The node with an infinitesimal difference added, or with ``delta`` in its place."""
        if self.courses.delta is None:
            return replace(term, nudge=term.nudge + _ONE)
        return replace(term, value=term.value + self.courses.delta)


_NO_ARRAYS = "a formula is of numbers: ask comp or op, which compute."


def _of_numbers(value: Outside) -> float | Symbol:
    """A value that a formula can hold."""
    if isinstance(value, Tensor | Tree):
        raise QueryError(f"{value} is an array, and {_NO_ARRAYS}")
    return value
