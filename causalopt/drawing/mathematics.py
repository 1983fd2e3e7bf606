"""What a node's mechanism says, in its parents' own names: R[1] − 0.1·T[1]."""

from __future__ import annotations

from causalopt.drawing.formula import line
from causalopt.drawing.picture import AnyWorld, Item, Name, first_of, name_by_step, treatment_at
from causalopt.language.domains import Coded, domain_of


def right_side(world: AnyWorld, node: Item, name: Name) -> str:
    """The formula that gives a node its value in a world, or the value that it starts from.

    A system from rates whose method has inner stages is told by its rates, as d/dt. What is held
    or set says nothing: its mechanism has no say.
    """
    model, base = world.model, treatment_at(world, node).base
    if base is not None and base.cuts:
        return ""
    replaced = None if base is None else base.replacement
    account = model.account(*model.key_of(first_of(node)), replaced)
    if account.start is not None:
        return _start(account.start, node, name)
    if account.declared is None or account.assigned is None:
        return ""
    if account.in_stages:
        return f"d/dt: {account.declared.words(str, line)}"
    names = account.names
    return f"= {account.assigned.words(lambda symbol: name(names.get(symbol, symbol)), line)}"


def _start(start: Coded, node: Item, name: Name) -> str:
    """The value that a node starts from; on a template, the variable says of which step."""
    value = _value(node, start)
    by_step = name_by_step(node)
    return f"= {value}" if name(node) == by_step else f"{by_step} = {value}"


def _value(label: Item, number: Coded) -> str:
    value = domain_of(label).shown(number)
    return f"{value:g}".replace("-", "−") if isinstance(value, float) else str(value)
