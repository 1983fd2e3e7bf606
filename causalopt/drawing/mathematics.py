"""What a node's mechanism says, in its parents' own names: R[1] − 0.1·T[1]."""

from __future__ import annotations

from collections.abc import Hashable

from sympy import Expr, Symbol

from causalopt.drawing.formula import line
from causalopt.drawing.picture import Item, Name, name_by_step, piece_at
from causalopt.language.finite_variables import shown
from causalopt.language.symbols import Next, Node, Noise, Time, Variable
from causalopt.model.network import Network
from causalopt.model.system import System
from causalopt.model.world import Replaced, World


def right_side(world: World, node: Item, name: Name) -> str:
    """The formula that gives a node its value in a world, or the value that it starts from.

    A system from rates whose method has inner stages is told by its rates, as d/dt. What is held
    or set says nothing: its mechanism has no say.
    """
    piece = piece_at(world, node)
    if piece.base is not None and not isinstance(piece.base, Replaced):
        return ""
    model = world.model
    other = piece.base.mechanism.formula if isinstance(piece.base, Replaced) else None
    if isinstance(model, System) and isinstance(node, Node):
        return _of_system(model, node, other, name)
    assert isinstance(model, Network)
    if other is not None:
        return f"= {line(other, name)}"
    columns, place = model.columns, model.index[node]
    if columns.kinds[place] < 0:
        return f"= {_value(node, model.value(node))}"
    known = (*columns.labels, *columns.inputs)
    mechanism = columns.mechanisms[columns.kinds[place]]
    owners = [known[j] for j in columns.arguments_of(place).tolist()]
    names = {s: name(owner) for s, owner in zip(mechanism.arguments, owners, strict=True)}
    return f"= {line(mechanism.formula, names.__getitem__)}"


def _of_system(system: System, node: Node, other: Expr | None, name: Name) -> str:
    variable = node.variable
    if node.step == 0 and other is None:
        start = _value(variable, system.start[variable])
        return f"= {start}" if name(node) == name_by_step(node) else f"{variable}[0] = {start}"
    staged = system.template.keys() != system.mechanisms.keys()
    if staged:
        formula = system.mechanisms[variable].formula if other is None else other
        return f"d/dt: {line(formula)}"

    def at_step(symbol: Symbol) -> str:
        if isinstance(symbol, Next):
            return name(Node(symbol.variable, node.step))
        timed = isinstance(symbol, Variable | Time | Noise)
        return name(Node(symbol, node.step - 1)) if timed else name(symbol)

    formula = system.template[variable].formula if other is None else other
    return f"= {line(formula, at_step)}"


def _value(label: Hashable, value: float) -> str:
    named = shown(label, value)
    return f"{named:g}".replace("-", "−") if isinstance(named, float) else str(named)
