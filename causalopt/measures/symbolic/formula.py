"""A measure of one question as a formula: exact, with its conditions, and with declared numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

import numpy as np
import sympy
from sympy import Expr, Ne, Symbol
from sympy.logic.boolalg import Boolean

from causalopt.ground import checks
from causalopt.ground.errors import QueryError, TooLargeError, nearest
from causalopt.ground.readonly import fields_alone, restore
from causalopt.ground.scaled import Ratio, Scaled
from causalopt.ground.work import bounded
from causalopt.language.symbols import Label
from causalopt.language.typeset import latex
from causalopt.measures.record import Measure
from causalopt.measures.response.optimization import OP
from causalopt.measures.symbolic.branches import exact
from causalopt.measures.symbolic.inputs import WorldInputs
from causalopt.measures.symbolic.lines import Lines
from causalopt.measures.symbolic.tidying import tidied

# Millions of calls that writing one formula out may take.
_WORK = 20.0
# A difference that small beside 1 may be rounding alone.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class SymbolicResponse:
    """Comp or Op of one question as a formula of parameters and of symbols of nodes, such as R[0].

    It is kept line by line, each node once, however often it is used: ``lines`` shows them, and
    ``number`` and ``at`` are worked out by them. Written out, ``x`` and ``y`` are the differences
    at m in X and in Y (derivatives by n, or, for a ``delta``, finite differences), ``expression``
    is the measure of their ratio, and ``conditions`` say where it holds.

    These raise ``TooLargeError`` where they would be too long to be written out.
    """

    measure: Measure
    _shared: tuple[Expr, Expr] = field(repr=False)
    _lines: Lines = field(repr=False)
    _inputs: WorldInputs = field(repr=False)
    _keep: frozenset[Symbol] = field(repr=False)

    @functools.cached_property
    def _content(self) -> tuple[Hashable, ...]:
        lines = frozenset(self._lines.formulas.items())
        inputs = self._inputs.world, frozenset(self._inputs.values.items())
        return self.measure, self._shared, self._branches, self._keep, lines, inputs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SymbolicResponse) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    __getstate__, __setstate__ = fields_alone, restore

    @functools.cached_property
    def x(self) -> Expr:
        """The difference at m in X, where n is nudged."""
        return self._out(self._shared[0])

    @functools.cached_property
    def y(self) -> Expr:
        """The difference at m in Y, where n is nudged and A is held."""
        return self._out(self._shared[1])

    @functools.cached_property
    def expression(self) -> Expr:
        """The measure. 0/0 is ``nan``; where y alone is zero, it is infinite."""
        return measure_of(self.measure, self.x, self.y)

    @functools.cached_property
    def conditions(self) -> tuple[Boolean, ...]:
        """Where it holds: where those branches are taken that were chosen, and y is not zero."""
        under = [self._lines.out(condition, self._keep) for condition in self._branches]
        under += is_defined(self.x, self.y)
        return tuple(dict.fromkeys(each for each in under if each != sympy.true))

    @property
    def lines(self) -> Mapping[Symbol, Expr]:
        """What x and y are made of, line by line: values of W, and how nodes move with n."""
        return self._lines.part(self._shared, self._keep)

    @property
    def number(self) -> float:
        """What it comes to at the declared numbers, and at the draws of the world's noise."""
        return self.at({})

    def symbol(self, label: Label) -> Symbol:
        """The symbol that stands for an input or for a node that is kept.

        Raises ``QueryError`` for a node that is written out.
        """
        symbol = self._inputs.symbol(label)
        known = self._keep.union(self._inputs.labels)
        if symbol not in known:
            raise QueryError(
                f"{label} does not stand in this formula: ask in_terms_of it, where it is a node "
                "of W that follows from others." + nearest(symbol, sorted(known, key=str))
            )
        return symbol

    def at(self, values: Mapping[Label, float]) -> float:
        """What it comes to where some nodes and parameters have other numbers.

        Raises ``QueryError`` for a node that is written out, and where another branch is taken.
        """
        listed = checks.as_mapping(values, "at", "{k: 0.5}").items()
        given = {self.symbol(v): checks.finite(number, f"at[{v}]") for v, number in listed}
        compared = sorted(set().union(*(c.free_symbols for c in self._branches)), key=str)
        wanted = (*self._shared, *compared)
        others = self._lines.inputs(wanted, given.keys()) - given.keys()
        known = given | {symbol: self._inputs.number(symbol) for symbol in others}
        x, y, *sides = self._lines.numbers(wanted, known)
        x, y = self._without_rounding(x, y)
        self._check_branches(dict(zip(compared, map(exact, sides), strict=True)))
        ratio = Ratio.of(Scaled.of(np.array([x])), Scaled.of(np.array([y])))
        return float(self.measure.function(ratio)[0])

    def _without_rounding(self, x: float, y: float) -> tuple[float, float]:
        """Both sides, 0 where a side is: the difference of two worlds may leave its rounding."""
        sides = x, y
        if min(map(abs, sides)) > _ROUNDING * (1.0 + max(map(abs, sides))):
            return sides
        try:
            return 0.0 if self.x == 0 else x, 0.0 if self.y == 0 else y
        except TooLargeError:
            return sides

    def _check_branches(self, there: Mapping[Symbol, Expr]) -> None:
        for condition in self._branches:
            if condition.xreplace(there) == sympy.false:
                raise QueryError(
                    f"There {condition} does not hold, and another branch is taken: ask with "
                    "at={...} for the branches of that point."
                )

    @property
    def _branches(self) -> tuple[Boolean, ...]:
        return () if self._lines.branches is None else tuple(self._lines.branches.conditions)

    def _out(self, side: Expr) -> Expr:
        with bounded("Writing this formula out", "ask about fewer steps", _WORK):
            return tidied(self._lines.out(side, self._keep))

    def __str__(self) -> str:
        under = ", ".join(map(str, self.conditions))
        return f"{self.measure.symbol} = {self.expression}" + (f", where {under}" if under else "")

    def _repr_latex_(self) -> str:
        under = r",\ ".join(map(latex, self.conditions))
        where = rf"\quad\text{{where }} {under}" if under else ""
        name = rf"\mathrm{{{self.measure.symbol}}}"
        return rf"$\displaystyle {name} = {latex(self.expression)}{where}$"


def is_defined(x: Expr, y: Expr) -> list[Boolean]:
    """That y is not zero; where it always is, that x is not."""
    side = x if y == 0 else y
    return [] if side.is_number else [Ne(side, 0)]


def measure_of(measure: Measure, x: Expr, y: Expr, tidy: Callable[[Expr], Expr] = tidied) -> Expr:
    """Comp, x / y, or Op, -log |x / y|; 0/0 is ``nan``, x/0 infinite, with the sign of x."""
    if y == 0:
        if measure is OP:
            return sympy.nan if x == 0 else -sympy.oo
        return sympy.nan if x == 0 else sympy.sign(x) * sympy.oo
    ratio = tidy(x / y)
    if measure is not OP:
        return ratio
    return sympy.oo if x == 0 else -sympy.log(sympy.Abs(ratio))
