"""What nodes hold, and whether their mechanisms give it: checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Symbol

from causalopt.ground.tensors import Tensor
from causalopt.language.data import Listed
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Label, Noise, Shifted, Variable
from causalopt.language.trees import Tree
from causalopt.mechanisms.interface import Mechanism


def check_shapes(
    mechanisms: Mapping[Variable, Mechanism], arrays: Mapping[Label, Tensor | Tree]
) -> None:
    """Raise ``DeclarationError`` for a mechanism that does not give what its node holds.

    ``arrays`` are the parameters that hold arrays.
    """
    of_numbers = not arrays and not any(
        rule.is_opaque or domain_of(target).shape or any(map(_is_drawn_array, rule.arguments))
        for target, rule in mechanisms.items()
    )

    def of(symbol: Symbol) -> object:
        owner = symbol.variable if isinstance(symbol, Shifted) else symbol
        if isinstance(owner, Noise) and isinstance(owner.law, Listed):
            return Tensor(owner.law.values.numbers[0])
        return arrays.get(owner, domain_of(owner))

    for target, rule in mechanisms.items() if not of_numbers else ():
        rule.check_shape(of, domain_of(target).shape, str(target))


def _is_drawn_array(symbol: Symbol) -> bool:
    return isinstance(symbol, Noise) and bool(symbol.shape)
