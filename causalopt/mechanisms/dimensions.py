"""Whether the units of a formula fit together: like is added to and compared with like.

Numbers are computed with as they are, and nothing is converted, so that units agree where dimension
and scale do. What cannot be told is not judged: a symbol without a unit, and what holds one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import sympy
from sympy import Add, Basic, Expr, Mul, Pow, Symbol

from causalopt.ground.checks import shown
from causalopt.ground.errors import DeclarationError
from causalopt.language.base_units import factor, have_one_zero, is_pure
from causalopt.language.units import NUMBER, PURE, UNKNOWN, Measured, UnitOfMeasure, times
from causalopt.mechanisms.fitness import inside_out

#: What is known of a part, from the part and what is known of its arguments; and the node.
Rule = Callable[[Basic, Sequence[Measured], str], Measured]

#: A part of a formula, or words for it; the number that it is multiplied by; and its unit.
Term = tuple[Basic | str, float, UnitOfMeasure]


def check_units(
    formula: Expr, of: Callable[[Symbol], Measured], own: UnitOfMeasure | None, where: str
) -> None:
    """Raise ``DeclarationError`` where units surely do not fit together in a node's formula.

    ``of`` gives what is known of a symbol, ``own`` is the unit of what the formula gives.

    >>> from causalopt.language.units import unit_of
    >>> x, y = sympy.symbols("x y")
    >>> units = {x: Measured(unit_of("m")), y: Measured(unit_of("cm"))}
    >>> check_units(x + y / 100, units.get, unit_of("m"), "x")
    >>> check_units(x + y, units.get, unit_of("m"), "x")
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.DeclarationError: The mechanism of x adds what is not alike: x is in m,
    and y is in cm. Nothing is converted, and 1 m is 100 cm. Multiply x by a parameter in cm/m, or
    correct a unit.
    """
    known: dict[Basic, Measured] = {}
    for part in inside_out(formula):
        if isinstance(part, Symbol):
            known[part] = of(part)
            continue
        known[part] = _rule(part)(part, [known[arg] for arg in part.args], where)
    given = known[formula]
    if own is not None and given.unit is not None and not given.is_number:
        term = (formula, _number_in(formula), given.unit)
        wanted = ("what is wanted there", 1.0, own)
        _compare(term, wanted, f"The mechanism of {where} has another unit", has_zero=True)


def _rule(part: Basic) -> Rule:
    for head, rule in _RULES.items():
        if isinstance(part, head):
            return rule
    return _of_unknown


def _of_unknown(part: Basic, args: Sequence[Measured], where: str) -> Measured:
    return UNKNOWN


def _of_number(part: Basic, args: Sequence[Measured], where: str) -> Measured:
    return NUMBER


def _of_sum(part: Basic, args: Sequence[Measured], where: str) -> Measured:
    return _alike(part.args, args, f"The mechanism of {where} adds what is not alike")


def _of_choice(part: Basic, args: Sequence[Measured], where: str) -> Measured:
    branches = [getattr(arg, "expr", arg) for arg in part.args]
    return _alike(branches, args, f"The mechanism of {where} takes one of what is not alike")


def _of_branch(part: Basic, args: Sequence[Measured], where: str) -> Measured:
    return args[0]


def _of_comparison(part: Basic, args: Sequence[Measured], where: str) -> Measured:
    _alike(part.args, args, f"The mechanism of {where} compares what is not alike")
    return UNKNOWN


def _of_angle(part: Basic, args: Sequence[Measured], where: str) -> Measured:
    _of_comparison(part, args, where)
    return _number_or(PURE, args)


def _of_remainder(part: Basic, args: Sequence[Measured], where: str) -> Measured:
    _of_comparison(part, args, where)
    return args[0] if not args[1].is_number or args[0].is_number else UNKNOWN


def _of_product(part: Basic, args: Sequence[Measured], where: str) -> Measured:
    units = [arg.unit for arg in args if not arg.is_number]
    if not units:
        return NUMBER
    # Made anew for the type checker: none of them is missing.
    sure = [unit for unit in units if unit is not None]
    return Measured(times(sure)) if len(sure) == len(units) else UNKNOWN


def _of_power(part: Basic, args: Sequence[Measured], where: str) -> Measured:
    (_, exponent), (base, turn) = part.args, args
    _refuse_dimension(exponent, turn, f"The mechanism of {where} has the exponent")
    if base.is_number and turn.is_number:
        return NUMBER
    if base.unit is None or turn.unit is None:
        return UNKNOWN
    if is_pure(base.unit):
        return Measured(PURE)
    raised = []
    # x**(2*n + 1) is in m^(2*n) m.
    for term in Add.make_args(exponent):
        number, symbol = term.as_coeff_Mul()
        power = _fraction(number)
        if power is None or (symbol != 1 and symbol.is_number):
            return UNKNOWN
        raised.append(base.unit.to_the(power, "" if symbol == 1 else str(symbol)))
    return Measured(times(raised))


def _fraction(number: Expr) -> Fraction | None:
    """An exponent as a fraction; a float as that which it is meant for."""
    if isinstance(number, sympy.Rational):
        return Fraction(int(number.p), int(number.q))
    return Fraction(float(number)).limit_denominator(1000) if number.is_Float else None


def _of_size(part: Basic, args: Sequence[Measured], where: str) -> Measured:
    return args[0]


def _of_rounding(part: Basic, args: Sequence[Measured], where: str) -> Measured:
    # To a whole number of metres, or of feet, is not the same.
    is_sure = all(arg.unit is not None and is_pure(arg.unit) for arg in args)
    return _number_or(PURE, args) if is_sure else UNKNOWN


def _of_function(part: Basic, args: Sequence[Measured], where: str) -> Measured:
    for inner, arg in zip(part.args, args, strict=True):
        _refuse_dimension(inner, arg, f"The mechanism of {where} takes {type(part).__name__} of")
    return _number_or(PURE, args)


def _number_or(unit: UnitOfMeasure, args: Sequence[Measured]) -> Measured:
    if all(arg.is_number for arg in args):
        return NUMBER
    return UNKNOWN if any(arg.unit is None for arg in args) else Measured(unit)


# -- what does not fit -----------------------------------------------------------------------------


def _alike(parts: Sequence[Basic], args: Sequence[Measured], wrong: str) -> Measured:
    """What is known of parts that are alike; a number among them may be meant in any unit."""
    terms: list[Term] = [
        (part, _number_in(part), arg.unit)
        for part, arg in zip(parts, args, strict=True)
        if arg.unit is not None and not arg.is_number
    ]
    # Nothing is nothing in any unit.
    is_sure = len(terms) == sum(not getattr(part, "is_zero", False) for part in parts)
    if not terms:
        return NUMBER if all(arg.is_number for arg in args) else UNKNOWN
    # What is multiplied by no number is surely not converted.
    terms.sort(key=lambda term: _height(term[1]))
    for term in terms[1:]:
        _compare(terms[0], term, wrong, has_zero=is_sure)
    first = terms[0][2]
    if is_sure:
        scales = (unit for _, _, unit in terms if unit.is_scale and factor(unit, first) == 1)
        return Measured(next(scales, first))
    is_number = all(arg.is_number or arg.unit is not None for arg in args)
    return Measured(PURE) if is_number and is_pure(first) else UNKNOWN


def _compare(first: Term, second: Term, wrong: str, *, has_zero: bool) -> None:
    """Raise ``DeclarationError`` where the units of two terms surely differ."""
    (part, number, unit), (other, beside, its) = first, second
    ratio = factor(unit, its)
    turn = times([its, unit.to_the(Fraction(-1))])
    if ratio == 1:
        if not has_zero or have_one_zero(unit, its):
            return
        remedy = (
            "Nothing is converted, and the two are counted from different zeros: write both in one "
            f"unit, or multiply a difference by a parameter in {turn}."
        )
    elif ratio is not None:
        if _converts(number, ratio) or _converts(beside, 1 / ratio):
            return
        remedy = (
            f"Nothing is converted, and {_told(unit, its)}. Multiply {_worded(part)} by a "
            f"parameter in {turn}, or correct a unit."
        )
    else:
        remedy = f"Multiply {_worded(part)} by a parameter in {turn}, or correct a unit."
    raise DeclarationError(
        f"{wrong}: {_worded(part)} {_in(unit)}, and {_worded(other)} {_in(its)}. {remedy}"
    )


def _worded(part: Basic | str) -> str:
    return part if isinstance(part, str) else shown(part)


def _in(unit: UnitOfMeasure) -> str:
    return f"is in {unit}" if unit.powers else "has no unit"


def _told(unit: UnitOfMeasure, other: UnitOfMeasure) -> str:
    """1 m is 100 cm: the larger unit by the smaller one."""
    ratio = factor(unit, other) or 1.0
    if ratio < 1:
        unit, other, ratio = other, unit, 1 / ratio
    large, small = (f" {u}" if u.powers else "" for u in (unit, other))
    return f"1{large} is {ratio:.10g}{small}"


def _refuse_dimension(part: Basic, arg: Measured, taken: str) -> None:
    """Raise ``DeclarationError`` where a part surely has a unit, and none can be there."""
    if arg.unit is None or arg.is_number:
        return
    ratio = factor(arg.unit, PURE)
    if ratio == 1 or (ratio is not None and _converts(_number_in(part), ratio)):
        return
    why = "" if ratio is None else f" 1 {arg.unit} is {ratio:.10g}, and nothing is converted."
    raise DeclarationError(
        f"{taken} {shown(part)}, which is in {arg.unit}: only a number without a unit can stand "
        f"there.{why} Divide by a parameter in {arg.unit}, or correct a unit."
    )


# -- numbers that may convert ----------------------------------------------------------------------


def _number_in(part: Basic) -> float:
    """The size of the number that a part is multiplied by."""
    numbers = [arg for arg in Mul.make_args(part) if arg.is_number] if part.is_Mul else []
    return abs(float(Mul(*numbers)))


def _converts(number: float, ratio: float) -> bool:
    """Whether a number may hold the factor that turns one unit into the other, as y/100 does.

    It may where it is much simpler without it: 1/100 is 1 without a factor of 1/100, and 2 is 200.
    """
    return _height(number / ratio) <= math.sqrt(_height(number))


def _height(number: float) -> float:
    """How far from simple a number is: p q, of the simplest p/q that is near it."""
    if not (math.isfinite(number) and number > 0):
        return math.inf
    rest, (p, before), (q, under) = number, (1, 0), (0, 1)
    while True:
        whole = math.floor(rest)
        p, before, q, under = whole * p + before, p, whole * q + under, q
        if abs(p / q - number) <= 1e-3 * number:
            return float(p * q)
        rest = 1 / (rest - whole)


# What takes numbers without a dimension.
_OF_NUMBERS = (
    *(sympy.exp, sympy.log, sympy.LambertW, sympy.sinc),
    *(sympy.sin, sympy.cos, sympy.tan, sympy.asin, sympy.acos, sympy.atan),
    *(sympy.sinh, sympy.cosh, sympy.tanh, sympy.asinh, sympy.acosh, sympy.atanh),
    *(sympy.erf, sympy.erfc, sympy.erfinv, sympy.erfcinv, sympy.erfi),
    *(sympy.gamma, sympy.loggamma, sympy.digamma, sympy.factorial),
)
_RULES: Mapping[type[Basic], Rule] = {
    sympy.Number: _of_number,
    sympy.NumberSymbol: _of_number,
    Add: _of_sum,
    Mul: _of_product,
    Pow: _of_power,
    sympy.Abs: _of_size,
    sympy.Max: _of_choice,
    sympy.Min: _of_choice,
    sympy.Piecewise: _of_choice,
    sympy.functions.elementary.piecewise.ExprCondPair: _of_branch,
    sympy.core.relational.Relational: _of_comparison,
    sympy.Mod: _of_remainder,
    sympy.atan2: _of_angle,
    # As a choice of numbers is: 2 * Heaviside(d - R) may be two degrees, or none.
    sympy.sign: _of_number,
    sympy.Heaviside: _of_number,
    sympy.floor: _of_rounding,
    sympy.ceiling: _of_rounding,
    **dict.fromkeys(_OF_NUMBERS, _of_function),
}
