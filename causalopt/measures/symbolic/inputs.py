"""What enters a world from outside, as symbols with numbers: parameters, starts, noises, times."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from sympy import Expr, Symbol

from causalopt.ground import checks
from causalopt.ground.errors import QueryError, nearest
from causalopt.language.symbols import Label, Node, Noise, Time
from causalopt.measures.symbolic.assigned import AnyWorld
from causalopt.measures.symbolic.branches import exact, plain
from causalopt.model.network import Network
from causalopt.model.stepping import step_term
from causalopt.model.system import System
from causalopt.model.template import is_inner, owner_of
from causalopt.plan.draws import Stream, stream_of


@functools.singledispatch
def entering(model: object, label: Label) -> Expr | Label:
    """What an input is: a formula, or a label that stands for itself."""
    raise TypeError(f"no inputs of a {type(model).__name__}")


@entering.register
def _(model: System, label: Label) -> Expr | Label:
    if not isinstance(label, Node):
        return label
    if isinstance(label.variable, Time):
        return label.step * step_term(model.dt)
    if label.step >= 0 and not is_inner(label):
        return label
    before = model.beginning.before(label.variable, label.step)
    return Node(owner_of(label.variable), 0) if before is None else before


@entering.register
def _(model: Network, label: Label) -> Expr | Label:
    is_time = isinstance(label, Node) and isinstance(label.variable, Time)
    return exact(model.value(label)) if is_time else label


@functools.singledispatch
def _declared(model: object, label: Label) -> float:
    raise TypeError(f"no numbers of a {type(model).__name__}")


@_declared.register
def _(model: System, label: Label) -> float:
    if isinstance(label, Node):
        return model.start_values[label.variable]
    return model.parameter_values[label]


@_declared.register
def _(model: Network, label: Label) -> float:
    return cast(float, model.value(label))


@dataclass
class WorldInputs:
    """The symbols of a world's inputs, as far as they were asked for; ``values`` are put for some.

    A parameter and a network's variable stand for themselves; of other nodes, such as R[0], there
    is a symbol of that name.
    """

    world: AnyWorld
    values: Mapping[Label, Expr]
    labels: dict[Symbol, Label] = field(default_factory=dict)

    def of(self, label: Label) -> Expr:
        """An input as a symbol, a number put for it, or the formula that it follows from."""
        if label in self.values:
            return self.values[label]
        known = entering(self.world.model, label)
        if known is not label:
            return self._written(known) if isinstance(known, Expr) else self.of(known)
        formula = self.world.model.formula_of(label)
        if formula is not None:
            return self._written(formula)
        symbol = self.symbol(label)
        self.labels[symbol] = label
        return symbol

    def _written(self, formula: Expr) -> Expr:
        """A formula of inputs, these as they are."""
        return plain(formula.xreplace({s: self.of(s) for s in formula.free_symbols}))

    def symbol(self, label: Label) -> Symbol:
        """The symbol of a node or input."""
        if isinstance(label, Symbol):
            return label
        of = label.variable if isinstance(label, Node) else label
        assumed = of._assumptions_orig if isinstance(of, Symbol) else {"real": True}
        return Symbol(self.world.model.name_of(label), **assumed)

    def number(self, symbol: Symbol) -> float:
        """The number of an input, as declared; of a noise, as drawn in the world."""
        label = self.labels[symbol]
        match label:
            case Noise():
                return float(self._stream(label).without_time())
            case Node(Noise() as noise, step):
                return float(self._stream(noise).at(step))
        return _declared(self.world.model, label)

    def _stream(self, noise: Noise) -> Stream:
        return stream_of(noise, self.world.seed)


def put_for(
    world: AnyWorld, values: Mapping[Label, float | Expr] | None, name: str
) -> dict[Label, Expr]:
    """Numbers for inputs, as a user gives them, exactly.

    Raises ``QueryError`` for what is no input of the model, and what is no finite number.
    """
    model = world.model
    numbers: dict[Label, Expr] = {}
    for label, value in checks.as_mapping(
        {} if values is None else values, name, "{k: Rational(1, 4)}"
    ).items():
        known = label if label in model.parameters else _started(world, label)
        is_exact = isinstance(value, Expr) and value.is_real and value.is_number
        numbers[known] = value if is_exact else exact(checks.finite(value, f"{name}[{label}]"))
    return numbers


def _started(world: AnyWorld, label: Label) -> Label:
    """A node that has a value of its own from outside: a start, a root, a noise at a step."""
    model = world.model
    if isinstance(label, Noise) or (isinstance(label, Node) and isinstance(label.variable, Noise)):
        return label
    place = model.single(label, world.steps, "a value")
    known = model.label(place.key, place.start)
    if model.account(place.key, place.start).start is None:
        raise QueryError(
            f"{label} follows from other nodes, and no number can be put for it: give numbers for "
            "parameters and starts, or write in_terms_of it." + nearest(label, model.parameters)
        )
    return known
