"""What nodes hold, and whether their mechanisms give it: checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from sympy import Symbol

from causalopt.ground.errors import QueryError
from causalopt.ground.tensors import Tensor
from causalopt.language.arrays import ArrayVariable
from causalopt.language.data import Listed
from causalopt.language.domains import domain_of
from causalopt.language.parts import PartOf
from causalopt.language.symbols import Label, Noise, Parameter, Shifted
from causalopt.language.trees import Tree
from causalopt.mechanisms.interface import Mechanism

K = TypeVar("K", bound=Label)


def check_shapes(mechanisms: Mapping[K, Mechanism], arrays: Mapping[Label, Tensor | Tree]) -> None:
    """Raise ``DeclarationError`` for a mechanism that does not give what its node holds.

    ``arrays`` are the parameters that hold arrays.
    """
    of_numbers = not arrays and not any(
        rule.is_opaque or domain_of(target).shape or any(map(_is_array, rule.arguments))
        for target, rule in mechanisms.items()
    )

    def of(symbol: Symbol) -> object:
        owner = symbol.variable if isinstance(symbol, Shifted) else symbol
        if isinstance(owner, Noise) and isinstance(owner.law, Listed):
            return Tensor(owner.law.values.numbers[0])
        return arrays.get(owner, domain_of(owner))

    for target, rule in mechanisms.items() if not of_numbers else ():
        rule.check_shape(of, domain_of(target).shape, str(target))


def refuse_swept_array(target: object, arrays: Mapping[Label, Tensor | Tree]) -> None:
    """Raise ``QueryError`` for what holds an array, or is a part of one: no list has its values."""
    what = ""
    if isinstance(target, PartOf):
        what = "a part of an array"
    elif isinstance(target, Parameter) and target in arrays:
        what = f"which holds {arrays[target]}"
    if what:
        raise QueryError(
            f"over names {target}, {what}: a sweep is of numbers. Sweep a number that a function "
            "multiplies it by."
        )


def what_is_no_number(act: str, node: Label, rule: Mechanism | None) -> str:
    """Why what is asked of numbers and formulas cannot be asked where a node is another thing."""
    domain = domain_of(node)
    held = domain if domain.shape else "a number"
    what = f"holds {held}" if rule is None else f"follows by {rule}, as {held}"
    return (
        f"{act} is asked of numbers that follow by formulas, and {node} {what}. Of arrays and "
        "functions, ask comp and op, of each A by itself, every_A(among=h) of the entries of one "
        "array h, or of parts of it, and tangents."
    )


def _is_array(symbol: Symbol) -> bool:
    return isinstance(symbol, Noise | ArrayVariable) and bool(symbol.shape)
