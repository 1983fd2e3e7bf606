"""A lookup table inside a formula: its rows as arrays, and the Piecewise that picks one of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Atom, Eq, Expr, Integer, Piecewise

from causalopt.errors import EvaluationError
from causalopt.finite import Finite, finite_of

#: A table with more rows than this can be pushed through, but not run as a world.
LARGEST_BRANCHES = 10_000


class Cells(Atom):
    """The checked entries of a table for one variable: places of values, or masses of them.

    ``codes`` has shape (sizes of parents) where the table is deterministic; else ``chances`` has
    shape (sizes of parents, size of target), exact or float.
    """

    __slots__ = ("chances", "codes", "digest", "target")
    target: Finite
    codes: npt.NDArray[np.int64] | None
    chances: npt.NDArray[Any] | None
    digest: str

    def __new__(
        cls,
        target: Finite,
        codes: npt.NDArray[np.int64] | None,
        chances: npt.NDArray[Any] | None = None,
    ) -> Cells:
        made: Cells = Atom.__new__(cls)
        made.target, made.codes, made.chances = target, codes, chances
        held = chances if codes is None else codes
        assert held is not None
        held.setflags(write=False)
        content = sympy.srepr(held.tolist()).encode() if held.dtype == object else held.tobytes()
        made.digest = hashlib.sha256(content).hexdigest() + str(held.shape)
        return made

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.target, self.codes is None, self.digest)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.target, self.codes, self.chances)

    def _sympystr(self, printer: Any) -> str:
        return f"rows of {self.target}"


class Lookup(Expr):
    """A table applied to its parents: a formula that knows its rows as arrays.

    Over finite variables it stays whole, so that distributions go through it by index. Applied to
    anything else, as a plan does, it becomes the Piecewise that picks its row, so that plans and
    backends need to know nothing of tables. Its derivative is zero, as for any function with jumps.
    """

    is_commutative = True
    is_real = True

    def __new__(cls, cells: Cells, *arguments: Expr) -> Expr:
        whole = all(finite_of(argument) is not None for argument in arguments)
        if whole or cells.codes is None:
            return Expr.__new__(cls, cells, *arguments)
        return _branches(cells, arguments)

    @property
    def cells(self) -> Cells:
        """The rows."""
        found = self.args[0]
        assert isinstance(found, Cells)
        return found

    @property
    def parents(self) -> tuple[Expr, ...]:
        """What the table is applied to, in the order of its rows."""
        return tuple(self.args[1:])

    def _eval_derivative(self, symbol: Expr) -> Expr:
        return Integer(0)

    def _sympystr(self, printer: Any) -> str:
        return f"table({', '.join(printer.doprint(parent) for parent in self.parents)})"

    def _latex(self, printer: Any) -> str:
        inside = ", ".join(printer.doprint(parent) for parent in self.parents)
        return rf"\operatorname{{table}}\left({inside}\right)"


def _branches(cells: Cells, arguments: tuple[Expr, ...]) -> Expr:
    assert cells.codes is not None
    if cells.codes.size > LARGEST_BRANCHES:
        raise EvaluationError(
            f"The table of {cells.target} has {cells.codes.size} rows: a world can be run for "
            f"up to {LARGEST_BRANCHES}. Push a distribution through the system instead, such as "
            "Distribution.delta(...).push(system)."
        )
    return _picked(cells.codes, arguments)


def _picked(codes: npt.NDArray[np.int64], arguments: tuple[Expr, ...]) -> Expr:
    """The entry of a row as nested Piecewise, one level a parent; equal branches made one."""
    if (codes == codes.flat[0]).all():
        return Integer(int(codes.flat[0]))
    first, rest = arguments[0], arguments[1:]
    if first.is_Integer:
        return _picked(codes[int(first)], rest)
    places: dict[Expr, list[int]] = {}
    for place, inner in enumerate(codes):
        places.setdefault(_picked(inner, rest), []).append(place)
    *others, last = sorted(places.items(), key=lambda pair: len(pair[1]))
    branches = [
        (formula, sympy.Or(*(Eq(first, place) for place in found))) for formula, found in others
    ]
    return Piecewise(*branches, (last[0], True)) if branches else last[0]


def refuse_random(formulas: Iterable[Expr]) -> None:
    """No table among these formulas is stochastic; else say what can be done with it."""
    for formula in formulas:
        if isinstance(formula, Lookup) and formula.cells.codes is None:
            target = formula.cells.target
            raise EvaluationError(
                f"The table of {target} is stochastic, and a world is one draw of its noise, "
                "which tables cannot be given yet: push a distribution through the system, such "
                f"as P.push(system), or make the rows of {target} deterministic."
            )
