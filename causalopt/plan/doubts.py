"""Values that may not be there: what a run of derivatives looks at beside what these depend on.

The derivative of sqrt(z) + y by y is 1 wherever it is asked, and depends on neither; but where z is
negative there is no value whose derivative that would be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sympy
from sympy import Basic, Expr, Pow, Symbol
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean

from causalopt.mechanisms.calls import Called, Code, Filling, Transformed
from causalopt.mechanisms.routines import Filled, Numbers, Routine
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
    *(Length, Offset, Polynomial, Beside, PlaceOf, AtPlace),
    *(Routine, Numbers, Filled, Code, Transformed),
)


def values_in_doubt(
    wanted: Iterable[Slot], names: Names, lanes: Lanes, raws: Sequence[Mapping[Symbol, Expr]]
) -> tuple[Slot, ...]:
    """The values that the variables of wanted tangents follow from, those that may not be there."""
    doubted = {s for raw in raws for s, formula in raw.items() if is_in_doubt(formula)}
    if not doubted:
        return ()
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
        own = names.after(slot)
        entering = _entering(own, slot_of, raws)
        found[slot] = own in doubted or not doubted.isdisjoint(entering - slot_of.keys())
        waiting.extend({slot_of[s] for s in entering if s in slot_of} - found.keys())
    return tuple(s for s in names.states if found.get(s) and not is_inner(s.variable))


def _entering(
    symbol: Symbol, slots: Mapping[Symbol, Slot], raws: Sequence[Mapping[Symbol, Expr]]
) -> set[Symbol]:
    """What enters a symbol at once: the parts of it that have names, and other slots."""
    entering: set[Symbol] = set()
    for raw in raws:
        waiting, seen = [symbol], set[Symbol]()
        while waiting:
            formula = raw.get(waiting.pop())
            if formula is not None:
                new = symbols_of(formula) - seen
                seen |= new
                waiting.extend(new - slots.keys())
        entering |= seen
    return entering


def is_in_doubt(formula: Expr) -> bool:
    """Whether there may be no value where all symbols of a formula have one.

    >>> z = Symbol("z", real=True)
    >>> [is_in_doubt(f) for f in (sympy.sqrt(z), 1 / z, sympy.sqrt(1 + z**2), sympy.exp(z))]
    [True, True, False, False]
    """
    waiting: list[Basic] = [formula]
    seen: set[Basic] = set()
    while waiting:
        part = waiting.pop()
        if not _is_there(part):
            return True
        # A routine is filled with hundreds of symbols, each of which has a value.
        inner = [arg for arg in part.args if not arg.is_Symbol and arg not in seen]
        seen.update(inner)
        waiting += inner
    return False


def _is_there(part: Basic) -> bool:
    """Whether a part is a number wherever its own parts are."""
    if isinstance(part, Pow):
        base, exponent = part.args
        is_product = exponent.is_Integer and exponent.is_nonnegative
        is_root = exponent.is_nonnegative and base.is_nonnegative
        return bool(is_product or is_root or base.is_positive)
    if isinstance(part, sympy.log):
        return bool(part.args[0].is_positive)
    if isinstance(part, sympy.Piecewise):
        return bool(part.args[-1].cond == sympy.true)
    if isinstance(part, sympy.Mod):
        return bool(part.args[1].is_nonzero)
    if isinstance(part, Called):
        return isinstance(part, Transformed) or isinstance(part.code.call, Filling)
    return isinstance(part, _THERE)
