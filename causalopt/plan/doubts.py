"""Values that may not be there: what a run of derivatives looks at beside what these depend on.

The derivative of sqrt(z) + y by y is 1 wherever it is asked, and depends on neither; but where z is
negative there is no value whose derivative that would be.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import sympy
from sympy import Basic, Expr, Pow, Symbol
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean

from causalopt.mechanisms.calls import Called, Code, Filling, Transformed
from causalopt.mechanisms.fitness import parts_of
from causalopt.mechanisms.routines import Filled, Routine
from causalopt.mechanisms.steady import AtPlace, Beside, Length, Offset, PlaceOf, Polynomial
from causalopt.model.template import is_inner
from causalopt.plan.block import symbols_of
from causalopt.plan.lanes import Lanes
from causalopt.plan.names import Names, Slot

# What is a finite number wherever its own parts are, unless it is too large for a float.
_THERE = (
    *(Symbol, sympy.Rational, sympy.Float, sympy.NumberSymbol, sympy.Add, sympy.Mul),
    *(sympy.Abs, sympy.sign, sympy.floor, sympy.ceiling, sympy.Heaviside, sympy.Max, sympy.Min),
    *(sympy.sin, sympy.cos, sympy.tan, sympy.sinc, sympy.exp, sympy.sinh, sympy.cosh, sympy.tanh),
    *(sympy.asinh, sympy.atan, sympy.atan2, sympy.erf, sympy.erfc, sympy.frac),
    *(sympy.KroneckerDelta, sympy.Piecewise, ExprCondPair, Boolean),
    *(Length, Offset, Polynomial, Beside, PlaceOf, AtPlace, Routine, Filled, Code, Transformed),
)


def values_in_doubt(
    wanted: Iterable[Slot], names: Names, lanes: Lanes, raws: Sequence[Mapping[Symbol, Expr]]
) -> tuple[Slot, ...]:
    """The values that the variables of wanted tangents follow from, those that may not be there."""
    of_values = lanes.tangents
    # Where a step comes to in between is a part of it, which the start has no value of.
    slot_of = {s: slot for slot, pair in names.states.items() if not is_inner(slot.variable)
               for s in pair}  # fmt: skip
    tangents = [slot for slot in wanted if slot.lane in of_values]
    waiting = [Slot(of_values[slot.lane], slot.variable) for slot in tangents]
    found: dict[Slot, bool] = {}
    while waiting:
        slot = waiting.pop()
        if slot in found or slot not in names.states:
            continue
        formulas = list(_formulas(names.after(slot), slot_of, raws))
        found[slot] = any(map(is_in_doubt, formulas))
        seen = {slot_of[s] for f in formulas for s in symbols_of(f) if s in slot_of}
        waiting.extend(seen - found.keys())
    return tuple(s for s in names.states if found.get(s) and not is_inner(s.variable))


def _formulas(
    symbol: Symbol, slots: Mapping[Symbol, Slot], raws: Sequence[Mapping[Symbol, Expr]]
) -> Iterator[Expr]:
    """What a symbol is assigned, and the parts of it that have names of their own."""
    for raw in raws:
        waiting, seen = [symbol], set[Symbol]()
        while waiting:
            formula = raw.get(waiting.pop())
            if formula is not None:
                yield formula
                named = symbols_of(formula) - slots.keys() - seen
                seen |= named
                waiting.extend(named)


@functools.lru_cache(maxsize=4096)
def is_in_doubt(formula: Expr) -> bool:
    """Whether there may be no value where all symbols of a formula have one.

    >>> z = Symbol("z", real=True)
    >>> [is_in_doubt(f) for f in (sympy.sqrt(z), 1 / z, sympy.sqrt(1 + z**2), sympy.exp(z))]
    [True, True, False, False]
    """
    return not all(map(_is_there, parts_of(formula)))


def _is_there(part: Basic) -> bool:
    """Whether a part is a number wherever its own parts are."""
    if isinstance(part, Pow):
        base, exponent = part.args
        is_product = exponent.is_Integer and exponent.is_nonnegative
        is_root = exponent.is_nonnegative and base.is_nonnegative
        return bool(is_product or is_root or base.is_positive)
    if isinstance(part, sympy.log):
        return bool(part.args[0].is_positive)
    if isinstance(part, sympy.Mod):
        return bool(part.args[1].is_nonzero)
    if isinstance(part, Called):
        return isinstance(part, Transformed) or isinstance(part.code.call, Filling)
    return isinstance(part, _THERE)
