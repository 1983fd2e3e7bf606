"""Partial derivatives that are too small for a float: as mantissas and powers of two.

The derivative of x**2 * y by y is 1e-400 where x is 1e-200: no float, but a number all the same,
and what is made of it further on may be a float again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import mpmath
import numpy as np
import sympy
from sympy import Expr, Symbol

from causalopt.backends.limits import PRECISE
from causalopt.ground.types import Floats, Ints, Number
from causalopt.mechanisms.interface import ONE, Mechanism
from causalopt.mechanisms.rebuilding import NO_VALUE
from causalopt.mechanisms.routines import written_out

# More digits than a formula of floats can lose.
_DIGITS = 60
# A float below this has not all of its digits.
_LEAST = np.finfo(np.float64).tiny


@dataclass(frozen=True, eq=False)
class Slopes:
    """One partial derivative an argument, (k, points) or numbers: ``mantissas * 2**powers``.

    Without ``powers`` the mantissas are all of it, as they nearly always are.
    """

    mantissas: Sequence[Number]
    powers: Sequence[Ints] | None = None

    def times(self, kept: Sequence[Floats]) -> Slopes:
        """Each less by what is kept of its argument."""
        return Slopes([s * k for s, k in zip(self.mantissas, kept, strict=True)], self.powers)

    def twice(self) -> Slopes:
        """All of them, and all once more."""
        powers = None if self.powers is None else [*self.powers, *self.powers]
        return Slopes([*self.mantissas, *self.mantissas], powers)


def heard(
    function: Callable[..., Sequence[Number]], seen: Sequence[Floats]
) -> tuple[Sequence[Number], bool]:
    """What a function of arrays gives, and whether something in it was too small for a float."""
    try:
        with np.errstate(under="raise"):
            return function(*seen), False
    except FloatingPointError:
        return function(*seen), True


def lifted(mechanism: Mechanism, slopes: Sequence[Number], seen: Sequence[Floats]) -> Slopes:
    """The partial derivatives of a mechanism, those anew that a float has lost.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.mechanisms.symbolic import Expression
    >>> x, y = variables("x y")
    >>> seen = [np.array([[1e-200]]), np.array([[3.0]])]
    >>> by_x, by_y = lifted(Expression(x**2 * y), [6e-200, np.array([[0.0]])], seen).powers
    >>> by_x.item(), by_y.item()
    (0, -1328)
    """
    shape, found = seen[0].shape, False
    mantissas = [np.array(np.broadcast_to(slope, shape)) for slope in slopes]
    powers = [np.zeros(shape, dtype=np.int64) for _ in slopes]
    for j, argument in enumerate(mechanism.arguments):
        mantissa, power = mantissas[j], powers[j]
        if not np.ndim(slopes[j]):
            continue  # of what it does not move with, or moves with everywhere alike
        for place in map(tuple, np.argwhere(np.abs(mantissa) < _LEAST)):
            exact = _slope(mechanism, argument, tuple(float(column[place]) for column in seen))
            if exact:
                mantissa[place], power[place], found = float(exact[0]), exact[1], True
    return Slopes(mantissas, powers) if found else Slopes(slopes)


@functools.lru_cache(maxsize=4096)
def _slope(
    mechanism: Mechanism, argument: Symbol, values: tuple[float, ...]
) -> tuple[mpmath.mpf, int] | None:
    """A partial derivative as a mantissa and a power; None where it is 0, or has no number."""
    with mpmath.workdps(_DIGITS):
        try:
            number = mpmath.mpmathify(_function(mechanism, argument)(*map(mpmath.mpf, values)))
        except NO_VALUE:
            return None
        if not isinstance(number, mpmath.mpf) or not mpmath.isfinite(number) or not number:
            return None
        mantissa, power = mpmath.frexp(number)
        return mantissa, int(power)


@functools.lru_cache(maxsize=1024)
def _function(mechanism: Mechanism, argument: Symbol) -> Callable[..., object]:
    named: Mapping[Symbol, Symbol] = {
        s: Symbol(f"a{i}", real=True) for i, s in enumerate(mechanism.arguments)
    }
    formula: Expr = written_out(mechanism.reverse({}, ONE)[argument]).xreplace(named)
    function: Callable[..., object] = sympy.lambdify(list(named.values()), formula, modules=PRECISE)
    return function
