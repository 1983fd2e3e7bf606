"""What a derivation starts from: symbols, unknown functions, assumptions and definitions."""

from __future__ import annotations

import dataclasses

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom

from causalopt.derive.statement.arguments import as_scalar, as_words
from causalopt.derive.statement.expressions import Name, expression
from causalopt.ground.errors import DerivationError


@dataclasses.dataclass(frozen=True)
class Given:
    """A symbol, an unknown smooth function such as P(W, t), or an assumption such as x > y.

    What sympy knows of a symbol or a function counts: ``Symbol("T", positive=True)`` needs no
    further assumption. A symbol made without any is complex.

    >>> Given(sp.Symbol("T", positive=True), "step size").what
    T
    """

    what: Name | Relational | BooleanAtom
    meaning: str = ""

    def __post_init__(self) -> None:
        as_words(self.meaning, "meaning")
        object.__setattr__(self, "what", expression(self.what))
        if isinstance(self.what, AppliedUndef):
            _check_arguments(self.what)
        elif not isinstance(self.what, sp.Symbol | Relational | BooleanAtom):
            raise DerivationError(
                f"{self.what} can be no given: give a symbol, an unknown function at symbols such "
                "as P(W, t), an assumption such as x > 0, or Let(name, value)."
            )


@dataclasses.dataclass(frozen=True)
class Let:
    """A definition: ``name``, a symbol or a function at symbols, stands for ``value``.

    >>> W = sp.Symbol("W", real=True)
    >>> Let(sp.Function("G")(W), W**2 - 1, "mean gradient").value
    W**2 - 1
    """

    name: Name
    value: sp.Expr
    meaning: str = ""

    def __post_init__(self) -> None:
        as_words(self.meaning, "meaning")
        object.__setattr__(self, "name", expression(self.name))
        object.__setattr__(self, "value", as_scalar(self.value))
        if isinstance(self.name, AppliedUndef):
            _check_arguments(self.name)
        elif not isinstance(self.name, sp.Symbol):
            raise DerivationError(
                f"Let cannot define {self.name}: name a symbol, or a function at symbols."
            )


def as_given(entry: object) -> Given | Let:
    """An entry of ``given=[...]`` as a given: what is bare becomes one without a meaning."""
    return entry if isinstance(entry, Given | Let) else Given(entry)


def _check_arguments(applied: AppliedUndef) -> None:
    symbols = [arg for arg in applied.args if isinstance(arg, sp.Symbol)]
    if len(symbols) != len(applied.args) or len(set(symbols)) != len(symbols):
        raise DerivationError(
            f"{applied}: give an unknown function at symbols, each of them once, such as P(W, t)."
        )
