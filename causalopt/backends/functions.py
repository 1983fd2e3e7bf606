"""Blocks as Python functions of scalars or arrays, by sympy's lambdify."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sympy
from sympy import Expr
from sympy.printing.numpy import SciPyPrinter

from causalopt.backends import special
from causalopt.backends.grouping import Alike, Groups, grouped
from causalopt.backends.writer import LONGEST
from causalopt.ground.types import Number
from causalopt.mechanisms.crossing import SHARE, Crossing
from causalopt.mechanisms.found import Found
from causalopt.mechanisms.numerical import SPECIAL
from causalopt.mechanisms.routines import Filled, Routine
from causalopt.mechanisms.settled import Settled, called
from causalopt.mechanisms.steady import (
    AboveBranch,
    AtPlace,
    Beside,
    Length,
    Lost,
    NoSlope,
    Offset,
    PlaceOf,
    Polynomial,
    Share,
)
from causalopt.plan import Block, block_of

# What NumPy computes itself; for any other function lambdify is told of scipy too.
_ELEMENTARY = (
    *(sympy.sin, sympy.cos, sympy.tan, sympy.asin, sympy.acos, sympy.atan, sympy.atan2),
    *(sympy.sinh, sympy.cosh, sympy.tanh, sympy.asinh, sympy.acosh, sympy.atanh),
    *(sympy.exp, sympy.log, sympy.Abs, sympy.sign, sympy.floor, sympy.ceiling, sympy.frac),
    *(sympy.Max, sympy.Min, sympy.Heaviside, sympy.Piecewise, sympy.sinc, sympy.Mod),
    *(Share, Length, Lost, NoSlope, Offset, Polynomial, Beside, PlaceOf, AtPlace, Found),
)


# What scipy has, but not for all real numbers.
_OWN: Mapping[type, Callable[..., Number]] = {
    sympy.LambertW: special.lambert,
    AboveBranch: special.above_branch,
    sympy.loggamma: special.log_gamma,
    sympy.Ci: special.cosine_integral,
    sympy.factorial: special.factorial,
    sympy.beta: special.beta,
}
_NAMED = {f"own_{function.__name__}": function for function in _OWN.values()}
# lambdify's own "numpy" has all of it imported, also those parts that come on first use.
_NUMPY = {name: vars(np)[name] for name in np.__all__ if name in vars(np)}
_ELEMENTARY_MODULES = [{"came_true": special.came_true, "settled": special.settled}, _NUMPY]
_MODULES = [_NAMED, "scipy", *_ELEMENTARY_MODULES]
# From this size on, integers are none of NumPy's.
_NO_INTEGER = 2**63


@functools.lru_cache(maxsize=8192)
def compiled(block: Block) -> Callable[..., list[Number]]:
    """A block as a Python function of scalars or arrays; it sees generated names only.

    >>> from causalopt.plan import single_form
    >>> x = sympy.Symbol("x")
    >>> compiled(single_form([x], {}, [x**2]))(np.float64(3.0))
    [np.float64(9.0)]
    """
    groups = grouped(block, range(len(block.results)))
    return _written(block) if groups is None else Gathered(groups)


@dataclass(frozen=True, eq=False)
class Gathered:
    """A large block as a function: each of its groups is one call, of all that are alike."""

    groups: Groups

    def __call__(self, *arguments: Number) -> list[Number]:
        """The results, of numbers or of arrays over points."""
        shape = np.broadcast_shapes(*(np.shape(argument) for argument in arguments))
        table = np.empty((self.groups.rows, *shape))
        for row, argument in enumerate(arguments):
            table[row] = argument
        numbers = self.groups.numbers
        # Transposed, so that each is there at all points.
        table[len(arguments) : len(arguments) + len(numbers)].T[...] = numbers
        for function, group in self._calls:
            table[group.first : group.first + group.count] = function(*table[group.seen])
        return [table[row] for row in self.groups.results.values()]

    @functools.cached_property
    def _calls(self) -> list[tuple[Callable[..., Number], Alike]]:
        return [(_compiled_routine(group.routine), group) for group in self.groups.groups]


def _written(block: Block) -> Callable[..., list[Number]]:
    """All of a block written out as one function."""
    formulas = [*(e for _, e in block.assignments), *block.results]
    heads = {f.func for e in formulas for f in e.atoms(sympy.Function)}
    elementary = all(issubclass(head, _ELEMENTARY) for head in heads)
    routines = _routines_in(formulas)
    called = {name: _compiled_routine(routine) for routine, name in routines.items()}
    function: Callable[..., list[Number]] = sympy.lambdify(
        block.arguments,
        list(block.results),
        modules=[called, *(_ELEMENTARY_MODULES if elementary else _MODULES)],
        printer=_NumPyPrinter(routines),
        cse=lambda _: (list(block.assignments), list(block.results)),
    )
    numbers = [j for j, e in enumerate(block.results) if e.is_number]
    if numbers:
        function = _floats_at(numbers, function)
    # What scipy computes may be complex, NumPy's own functions of real numbers are real or NaN.
    return function if elementary else _real(function)


def _routines_in(formulas: Sequence[Expr]) -> dict[Routine, str]:
    """The routines that are in some formulas, and what each is called."""
    calls = (call for formula in formulas for call in formula.atoms(Filled))
    routines = dict.fromkeys(call.routine for call in calls)
    return {routine: f"routine{i}" for i, routine in enumerate(routines)}


@functools.lru_cache(maxsize=4096)
def _compiled_routine(routine: Routine) -> Callable[..., Number]:
    function = _written(block_of(routine))
    return lambda *terms: function(*terms)[0]


def _real(function: Callable[..., list[Number]]) -> Callable[..., list[Number]]:
    """The function with its complex results as floats, NaN where they are not real."""

    def wrapped(*arguments: Number) -> list[Number]:
        return [
            np.where(result.imag == 0.0, result.real, np.nan)[()]
            if np.iscomplexobj(result)
            else result
            for result in function(*arguments)
        ]

    return wrapped


def _floats_at(
    numbers: Sequence[int], function: Callable[..., list[Number]]
) -> Callable[..., list[Number]]:
    """The function with its constant results as floats, so that dividing by them is no error."""

    def wrapped(*arguments: Number) -> list[Number]:
        results = function(*arguments)
        for j in numbers:
            results[j] = np.float64(results[j])
        return results

    return wrapped


class _NumPyPrinter(SciPyPrinter):
    """NumPy code in which scalars and arrays mix in conditions too."""

    def __init__(self, routines: Mapping[Routine, str]) -> None:
        super().__init__({"fully_qualified_modules": False, "inline": True})
        self.routines = routines

    def _print_Filled(self, call: Filled) -> str:
        return f"{self.routines[call.routine]}({', '.join(map(self._print, call.terms))})"

    def _print_Function(self, call: sympy.Function) -> str:
        if type(call) in _OWN:
            return f"own_{_OWN[type(call)].__name__}({', '.join(map(self._print, call.args))})"
        if type(call) in SPECIAL:
            name = self._module_format(f"scipy.special.{SPECIAL[type(call)]}")
            return f"{name}({', '.join(map(self._print, call.args))})"
        text: str = super()._print_Function(call)
        return text

    _print_zeta = _print_expint = _print_elliptic_e = _print_Function
    _print_LambertW = _print_loggamma = _print_Ci = _print_factorial = _print_beta = _print_Function

    def _print_Crossing(self, call: Crossing) -> str:
        is_on, condition = map(self._print, call.args)
        return f"came_true({is_on}, lambda {SHARE}: {condition})"

    def _print_Settled(self, found: Settled) -> str:
        return called(found, self)

    def _print_Rational(self, number: sympy.Rational) -> str:
        # Rounded once, and short: Python reads no literals of thousands of digits.
        return f"({number.p / number.q!r})"

    def _print_Float(self, number: sympy.Float) -> str:
        # All digits of it: sympy prints fifteen, and a float has up to seventeen.
        return repr(float(number))

    def _print_Integer(self, number: sympy.Integer) -> str:
        # What no integer of NumPy's can hold would be an object in an array.
        return str(number.p) if abs(number.p) < _NO_INTEGER else repr(float(number.p))

    def _print_Heaviside(self, call: sympy.Heaviside) -> str:
        # sympy's own way is a choice that takes what is no number for more than 0.
        step = self._module_format("numpy.heaviside")
        return f"{step}({', '.join(map(self._print, call.args))})"

    def _print_KroneckerDelta(self, call: sympy.KroneckerDelta) -> str:
        same = f"{self._module_format('numpy.equal')}({', '.join(map(self._print, call.args))})"
        return f"(1.0*{same})"

    def _print_And(self, condition: sympy.And) -> str:
        return self._folded("numpy.logical_and", condition.args)

    def _print_Or(self, condition: sympy.Or) -> str:
        return self._folded("numpy.logical_or", condition.args)

    def _print_Add(self, total: sympy.Add, order: str | None = None) -> str:
        if len(total.args) > LONGEST:
            return self._folded("numpy.add", self._as_ordered_terms(total, order=order))
        text: str = super()._print_Add(total, order=order)
        return text

    def _print_Mul(self, product: sympy.Mul) -> str:
        if len(product.args) > LONGEST:
            return self._folded("numpy.multiply", product.as_ordered_factors())
        text: str = super()._print_Mul(product)
        return text

    def _print_Piecewise(self, choice: sympy.Piecewise) -> str:
        # sympy's own way makes simpler conditions first, and asks for values at places of its own.
        select = self._module_format("numpy.select")
        values, conditions = (
            f"[{','.join(self._print(pair.args[i]) for pair in choice.args)}]" for i in (0, 1)
        )
        return f"{select}({conditions}, {values}, default={self._print(sympy.nan)})"

    def _print_ComplexInfinity(self, number: sympy.Expr) -> str:
        return str(self._print(sympy.nan))

    def _print_ITE(self, condition: sympy.ITE) -> str:
        # sympy's own way is a choice of numbers, NaN by default, and no condition any more.
        return (
            f"{self._module_format('numpy.where')}({', '.join(map(self._print, condition.args))})"
        )

    def _folded(self, function: str, parts: Iterable[sympy.Basic]) -> str:
        """What a function of two makes of parts, from the left: a line of them is too long."""
        reduce, two = self._module_format("functools.reduce"), self._module_format(function)
        return f"{reduce}({two}, [{', '.join(map(self._print, parts))}])"
