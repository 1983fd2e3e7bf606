"""A lookup table inside a formula: its rows as arrays, and the Piecewise that picks one of them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Atom, Eq, Expr, Integer, Piecewise

from causalopt.ground.errors import EvaluationError
from causalopt.language.finite_variables import Finite, finite_of

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
    A stochastic table has one more argument, a uniform noise u on [0, 1): it gives the first value
    up to which the masses sum to more than u.
    """

    is_commutative = True
    is_real = True

    def __new__(cls, cells: Cells, *arguments: Expr) -> Expr:
        parents = arguments if cells.codes is not None else arguments[:-1]
        if all(finite_of(parent) is not None for parent in parents):
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
        return tuple(self.args[1:] if self.cells.codes is not None else self.args[1:-1])

    def _eval_derivative(self, symbol: Expr) -> Expr:
        return Integer(0)

    def _sympystr(self, printer: Any) -> str:
        return f"table({', '.join(printer.doprint(parent) for parent in self.parents)})"

    def _latex(self, printer: Any) -> str:
        inside = ", ".join(printer.doprint(parent) for parent in self.parents)
        return rf"\operatorname{{table}}\left({inside}\right)"


def _branches(cells: Cells, arguments: tuple[Expr, ...]) -> Expr:
    """The next value as a Piecewise of the parents, and, where it is a matter of chance, of u."""
    rows = cells.codes if cells.codes is not None else cells.chances
    assert rows is not None
    if rows.size > LARGEST_BRANCHES:
        raise EvaluationError(
            f"The table of {cells.target} has {rows.size} entries: a world can be run for "
            f"up to {LARGEST_BRANCHES}. Push a distribution through the system instead, such as "
            "Distribution.delta(...).push(system)."
        )
    if cells.codes is not None:
        return picked(cells.codes, arguments)
    *parents, u = arguments
    bounds = np.cumsum(_floats(cells), axis=-1)
    branches = [
        (Integer(j), u < picked(bounds[..., j], tuple(parents)))
        for j in range(cells.target.size - 1)
    ]
    return Piecewise(*branches, (Integer(cells.target.size - 1), True))


def _floats(cells: Cells) -> npt.NDArray[np.float64]:
    assert cells.chances is not None
    try:
        return cells.chances.astype(np.float64)
    except (TypeError, ValueError):
        raise EvaluationError(
            f"The table of {cells.target} has masses with symbols in them, and a world needs "
            "numbers: push a distribution through the system instead, such as P.push(system)."
        ) from None


def picked(codes: npt.NDArray[Any], arguments: tuple[Expr, ...]) -> Expr:
    """An entry of an array as nested Piecewise of its places, one level an argument.

    Equal branches are made one. ``codes`` has an axis for each of the ``arguments``.
    """
    if (codes == codes.flat[0]).all():
        return sympy.sympify(codes.flat[0].item(), strict=True)
    first, rest = arguments[0], arguments[1:]
    if first.is_Integer:
        return picked(codes[int(first)], rest)
    places: dict[Expr, list[int]] = {}
    for place, inner in enumerate(codes):
        places.setdefault(picked(inner, rest), []).append(place)
    *others, last = sorted(places.items(), key=lambda pair: len(pair[1]))
    branches = [
        (formula, sympy.Or(*(Eq(first, place) for place in found))) for formula, found in others
    ]
    return Piecewise(*branches, (last[0], True)) if branches else last[0]
