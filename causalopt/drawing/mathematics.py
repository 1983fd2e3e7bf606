"""What a node's mechanism says, in its parents' own names: R[1] − 0.1·T[1]."""

from __future__ import annotations

from sympy import Symbol

from causalopt.drawing.formula import line
from causalopt.drawing.picture import AnyWorld, Item, Name, first_of, name_by_step, treatment_at
from causalopt.language.domains import domain_of
from causalopt.model.interface import Model


def right_side(world: AnyWorld, node: Item, name: Name) -> str:
    """The formula that gives a node its value in a world, or the value that it starts from.

    A system from rates whose method has inner stages is told by its rates, as d/dt. What is held
    or set says nothing: its mechanism has no say.
    """
    model, base = world.model, treatment_at(world, node).base
    if base is not None and base.cuts:
        return ""
    key, step = model.key_of(first_of(node))
    replaced = None if base is None else base.replacement
    mechanism = replaced or model.declared(key, step)
    if mechanism is None:
        return _start(model, node, name)
    if model.tells_rates:
        return f"d/dt: {mechanism.words(str, line)}"

    def at_node(symbol: Symbol) -> str:
        # In a mechanism that is replaced, a symbol of a network stands for itself.
        itself = replaced is not None and not step
        return name(symbol if itself else model.argument(key, step, symbol))

    declared = mechanism if replaced is not None else model.assigned(key, step)
    return f"= {(declared or mechanism).words(at_node, line)}"


def _start(model: Model, node: Item, name: Name) -> str:
    """The value that a node starts from; on a template, the variable says of which step."""
    value = _value(node, model.start_of(node))
    by_step = name_by_step(node)
    return f"= {value}" if name(node) == by_step else f"{by_step} = {value}"


def _value(label: Item, number: float) -> str:
    value = domain_of(label).value(number)
    return f"{value:g}".replace("-", "−") if isinstance(value, float) else str(value)
