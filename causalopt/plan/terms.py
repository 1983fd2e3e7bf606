"""What the nodes of a system's plan become: expressions of the state, by what is done to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sympy import Add, Expr, Integer, Mul, Symbol

from causalopt.language.domains import domain_of
from causalopt.language.subspaces import Blending, Directions, Subspace
from causalopt.language.symbols import LeftLimit, Next, Parameter, Past, Shifted, Variable
from causalopt.mechanisms.calls import Called, Code, Filling, Transformed
from causalopt.mechanisms.interface import Addend, Mechanism
from causalopt.mechanisms.routines import Filled
from causalopt.model.template import node_at
from causalopt.model.views import Difference, Gate, Outside
from causalopt.plan.lanes import AnyWorld, Lane, Lanes
from causalopt.plan.names import UNIT, Names, Slope, Slot

_ZERO, _ONE = Integer(0), Integer(1)


@dataclass(frozen=True)
class NodeTerms:
    """What a node of one lane becomes, as an expression of the state: the view of a system's plan.

    ``own`` is the mechanism that gives it, None at the start; ``same`` gives the node in another
    lane.
    """

    names: Names
    lanes: Lanes
    place: int
    target: Variable
    step: int
    own: Mechanism | None
    same: Callable[[Slot], Expr]

    @property
    def lane(self) -> Lane:
        """The lane that the node is in."""
        return self.lanes.lanes[self.place]

    def computed(self, mechanism: Mechanism | None, gate: Gate[AnyWorld] | None) -> Expr:
        """What gives the node: its own mechanism, its start, or what stands in for them."""
        # Another mechanism is a part of ``own`` already: an integrator has made a step of it.
        if self.own is None:
            start = _ZERO if self.lane.is_tangent else self.names.start(self.target)
            return start if gate is None else self.mixed(start, self.there(gate.world), gate.by)
        at = self._arguments(self.own, self.lane.values, gate)
        if not self.lane.is_tangent:
            return self._whole(self._summed(lambda addend: self._value(addend, at), at))
        along = self._arguments(self.own, self.place, gate)
        return self._whole(self._summed(lambda addend: self._moved(addend, at, along), at))

    def _whole(self, term: Expr) -> Expr:
        """What its mechanism gives; of an array that follows from numbers, in all entries."""
        shape, own = self.target.domain.shape, self.own
        if not shape or own is None or own.is_opaque:
            return term
        if any(domain_of(symbol).shape for symbol in own.arguments):
            return term
        linear = Transformed if self.lane.is_tangent else Called
        return linear(Code(Filling(shape)), term)

    def _summed(self, part: Callable[[Addend], Expr], at: Mapping[Symbol, Expr]) -> Expr:
        """The sum of what its mechanism is made of; what is weighted has a name, and is shared."""
        addends = () if self.own is None else self.own.addends
        if len(addends) == 1:
            return part(addends[0])
        parts = [(addend.weight.xreplace(at), part(addend)) for addend in addends]
        return Add(*(Mul(weight, self.names.part(term, self.place)) for weight, term in parts))

    def _value(self, addend: Addend, at: Mapping[Symbol, Expr]) -> Expr:
        mechanism, inner = addend.mechanism, _seen_by(addend, at)
        long = self._long_form(mechanism)
        if long is not None:
            return long.at(inner)
        key = "value", mechanism, tuple(inner.values())
        return self.names.once(key, lambda: mechanism.value(inner))

    def _moved(
        self, addend: Addend, at: Mapping[Symbol, Expr], along: Mapping[Symbol, Expr]
    ) -> Expr:
        """The chain rule: slopes at the values, times what moves along each argument."""
        mechanism, inner = addend.mechanism, _seen_by(addend, at)
        paths = {s: along[term] for s, term in addend.moving}
        key = mechanism, tuple(inner.values())

        def moved() -> Expr:
            if mechanism.is_opaque:
                return mechanism.forward(inner, paths)
            long = self._long_form(mechanism)
            if long is not None:
                return long.along(inner, paths)
            slopes = self.names.once(("slopes", *key), lambda: mechanism.reverse(inner, _ONE))
            return Add(
                *(Mul(self._slope(mechanism, slopes[s], s, inner), by) for s, by in paths.items())
            )

        return self.names.once(("moved", *key, tuple(paths.values())), moved)

    def _long_form(self, mechanism: Mechanism) -> Filled | None:
        """A formula that is long and smooth as one term, in a plan that has such."""
        least = self.names.routines_from
        return None if least is None else mechanism.long_form(least)

    def _slope(
        self, mechanism: Mechanism, formula: Expr, argument: Symbol, at: Mapping[Symbol, Expr]
    ) -> Expr:
        """A partial derivative: as it stands where it is a polynomial, else by a name."""
        if formula.is_polynomial():
            return formula
        target = Slot(self.lane.values, self.target)
        return self.names.slope(formula, Slope(mechanism, argument, at, target))

    def constant(self, value: Outside) -> Expr:
        """A value from outside; its tangent is zero. A parameter stands in all entries."""
        if self.lane.is_tangent:
            return _ZERO
        given, shape = self.names.constant(value), self.target.domain.shape
        is_number = bool(shape) and isinstance(value, Symbol)
        return Called(Code(Filling(shape)), given) if is_number else given

    def copied(self, world: AnyWorld) -> Expr:
        """The node in another world's lane."""
        return self._in(self.lanes.of_world(self.lane, world))

    def there(self, world: AnyWorld) -> Expr:
        """The same without the difference that is added to it there."""
        shift, copied = world.at(self.target, self.step).shift, self.copied(world)
        lane = self.lanes.of_world(self.lane, world)
        if shift is None or lane is None:
            return copied
        return copied - shift.apply(replace(self, place=lane), _ZERO)

    def mixed(self, own: Expr, other: Expr, by: float | Parameter) -> Expr:
        """A part of each of two terms."""
        weight = self.names.constant(by)
        return Add(Mul(_ONE - weight, own), Mul(weight, other))

    def blended(self, own: Expr, other: Expr, part: Subspace, by: float) -> Expr:
        """A part of an array from another one: that is linear, and so moves as it is."""
        linear = Transformed if self.lane.is_tangent else Called
        given = [self.names.constant(array) for array in part.inputs]
        return linear(Code(Blending(type(part).rule, by)), own, other, *given)

    def moved(self, term: Expr, by: Difference) -> Expr:
        """A term with a difference added, which moves no tangent."""
        return term if self.lane.is_tangent else term + self.names.constant(by)

    def nudged(self, term: Expr, along: Directions | None) -> Expr:
        """A tangent with 1 added, or with a direction."""
        if not self.lane.is_tangent:
            return term
        # At the start no power has been taken out of a tangent yet, later the nudge has its own.
        unit = self.names.before(Slot(self.place, UNIT)) if self.step else _ONE
        return term + (unit if along is None else Mul(unit, self.names.directions(along)))

    def _in(self, lane: int | None) -> Expr:
        """This node in a lane; a tangent that has no lane is zero."""
        return _ZERO if lane is None else self.same(Slot(lane, self.target))

    def _arguments(
        self, mechanism: Mechanism, place: int, gate: Gate[AnyWorld] | None
    ) -> dict[Symbol, Expr]:
        """What each argument of a mechanism is in a lane, behind the gate if there is one."""
        # At the start each node is what it was before: later, all of a lane see the same.
        known = self.names.seen_in(place) if self.step else {}
        terms: dict[Symbol, Expr] = {}
        for symbol in mechanism.arguments:
            term = known.get(symbol)
            if term is None:
                term = known[symbol] = self._argument(place, symbol)
            terms[symbol] = term
        if gate is None:
            return terms
        is_tangent = self.lanes.lanes[place].is_tangent
        behind = (
            self.lanes.tangent_of.get(gate.world)
            if is_tangent
            else self.lanes.values_of(gate.world)
        )
        if behind == place:
            return terms
        for symbol in mechanism.arguments:
            if isinstance(symbol, Variable | Shifted) and not self._is_inside(symbol, gate):
                other = _ZERO if behind is None else self._argument(behind, symbol)
                terms[symbol] = self.mixed(terms[symbol], other, gate.by)
        return terms

    def _argument(self, place: int, symbol: Symbol) -> Expr:
        """What an argument is in a lane; what was before the start is the same in all."""
        if self.step or isinstance(symbol, Next) or not isinstance(symbol, Variable | Past):
            return self.names.argument(place, self._remembered(place, symbol))
        node, is_tangent = node_at(symbol, self.step), self.lanes.lanes[place].is_tangent
        return _ZERO if is_tangent else self.names.history(node.variable, node.step)

    def _remembered(self, place: int, symbol: Symbol) -> Symbol:
        """The variable itself, for its limit in a lane where that is the same: one is kept."""
        at = symbol.variable if isinstance(symbol, Past) else symbol
        if not isinstance(at, LeftLimit) or self._jumps(place, at.owner):
            return symbol
        return Past(at.owner, symbol.by) if isinstance(symbol, Past) else at.owner

    def _jumps(self, place: int, variable: Variable) -> bool:
        """Whether a variable may be another at some end of a step than it comes to there."""
        beginning = self.names.beginning
        known = () if beginning is None else (*beginning.history, *beginning.equations)
        return variable in known or variable in self.lanes.lanes[place].treated

    def _is_inside(self, symbol: Symbol, gate: Gate[AnyWorld]) -> bool:
        """Whether an argument is one of the nodes inside a gate."""
        node = node_at(symbol, self.step)
        return gate.lets_in(node.variable, node.step)


def _seen_by(addend: Addend, at: Mapping[Symbol, Expr]) -> dict[Symbol, Expr]:
    """What the arguments of a part of a mechanism are, where those of the whole are given."""
    seen: dict[Symbol, Expr] = {}
    for symbol, term in addend.places:
        known = at.get(term)
        seen[symbol] = term.xreplace(at) if known is None else known
    return seen
