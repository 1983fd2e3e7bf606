"""What a step speaks of: its symbols and unknown functions, with all that is assumed of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import sympy as sp
from sympy.core.function import AppliedUndef, UndefinedFunction
from sympy.core.relational import Relational


@dataclasses.dataclass(frozen=True)
class Scope:
    """Symbols and functions with what is assumed of them, and how cases for them are drawn.

    ``borrowed`` relations are those under which the steps that are cited hold; ``gaussian`` makes
    the functions of a case vanish at infinity; ``seed`` decides all cases.
    """

    symbols: tuple[sp.Symbol, ...] = ()
    functions: tuple[AppliedUndef, ...] = ()
    relations: tuple[Relational, ...] = ()
    gaussian: bool = False
    seed: int = 0
    borrowed: tuple[Relational, ...] = dataclasses.field(default=(), repr=False)

    def within(self, *wholes: sp.Basic) -> Scope:
        """The part of the scope that expressions, and the assumptions on them, speak of.

        >>> x, y, z = sp.symbols("x y z")
        >>> Scope((x, y, z), relations=(sp.Ne(z, 0),)).within(2 * x).symbols
        (x, z)
        """
        used = {f.func for whole in wholes for f in whole.atoms(AppliedUndef)}
        functions = tuple(
            f for f in self.functions if f.func in used or _speak_of(self.relations, f.func)
        )
        free = set().union(*(whole.free_symbols for whole in (*wholes, *self.relations)))
        symbols = tuple(s for s in self.symbols if s in free)
        return dataclasses.replace(self, symbols=symbols, functions=functions)

    def without(self, variable: sp.Symbol) -> Scope:
        """The scope without a symbol that a step binds, and without what is assumed of it.

        >>> x, y = sp.symbols("x y")
        >>> Scope((x, y), relations=(x > y,)).without(x)
        Scope(symbols=(y,), functions=(), relations=(), gaussian=False, seed=0)
        """
        return dataclasses.replace(
            self,
            symbols=tuple(s for s in self.symbols if s != variable),
            relations=tuple(r for r in self.relations if not r.has(variable)),
        )


def _speak_of(relations: Sequence[Relational], function: UndefinedFunction) -> bool:
    return any(relation.has(function) for relation in relations)
