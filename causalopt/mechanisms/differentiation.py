"""The derivative of a formula, part by part, in forms that keep their digits.

Each head of a sympy expression has a rule. Where sympy's own derivative subtracts numbers that are
nearly the same, or divides by zero where nothing has to be divided, the rule is another form of the
same derivative: 1 / cosh(u)^2 for tanh, in place of 1 - tanh(u)^2, and n b^(n-1) for b^n, in place
of n b^n / b. At a kink the derivative is that of the branch taken; jumps have derivative 0. A
branch that holds at a single point, by a condition of equality, says nothing about the slope there:
it is NaN, so that a run looks for it as a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set

import sympy
from sympy import Add, Eq, Expr, Function, Integer, Mul, Piecewise, Pow, Symbol
from sympy.core.function import ArgumentIndexError

from causalopt.ground.errors import DeclarationError
from causalopt.mechanisms.found import Found
from causalopt.mechanisms.numerical import without_code
from causalopt.mechanisms.quotients import slope_of_quotient
from causalopt.mechanisms.steady import (
    AboveBranch,
    AtPlace,
    Beside,
    Length,
    NoSlope,
    PlaceOfLargest,
    PlaceOfSmallest,
    Share,
)
from causalopt.mechanisms.truth import lost, undecided_in

_ZERO, _ONE = Integer(0), Integer(1)

#: The derivative of a part, from the part itself and the derivatives of its arguments.
Rule = Callable[[Expr, Sequence[Expr]], Expr]


def derivative(formula: Expr, argument: Symbol) -> Expr:
    """d formula / d argument.

    Raises ``DeclarationError`` for a function whose derivative is not known.

    >>> x, n = sympy.symbols("x n")
    >>> derivative(sympy.tanh(x) + x**n, x)
    n*x**(n - 1) + cosh(x)**(-2)
    >>> derivative(sympy.Max(x, 2 * n), n)
    Piecewise((0, x >= 2*n), (2, True))
    """
    return Differentiation(formula).by(argument)


class Differentiation:
    """A formula as a graph of parts, to be differentiated by one of its symbols after the other.

    A derivative looks at the parts that move with its symbol, and at no others: all derivatives of
    a sum of n terms, each of a few symbols, cost as much as n terms do.
    """

    def __init__(self, formula: Expr) -> None:
        self.formula = formula
        #: The parts, each after those that it depends on, and by each part those that it is in.
        self._order: dict[Expr, int] = {}
        self._users: dict[Expr, list[Expr]] = {}
        # Each part once, however often it occurs: formulas are graphs, and their trees can be far
        # larger. The stack is our own, for chains can be longer than Python's.
        waiting = [formula]
        while waiting:
            part = waiting[-1]
            inner = [branch for branch in _inner(part) if branch not in self._order]
            if inner:
                waiting += inner
                continue
            waiting.pop()
            if part not in self._order:
                self._order[part] = len(self._order)
                for branch in dict.fromkeys(_inner(part)):
                    self._users.setdefault(branch, []).append(part)

    def by(self, argument: Symbol) -> Expr:
        """The derivative by a symbol."""
        return self.along({argument: _ONE})

    def along(self, moves: Mapping[Symbol, Expr]) -> Expr:
        """How the formula moves where its symbols move so: sum_u df/du moves_u."""
        slopes = _Slopes(moves)
        moving = self._moved_by(moves)
        for part in sorted(moving, key=self._order.__getitem__):
            slopes[part] = _slope(part, moving[part], slopes, moves.keys())
        return slopes[self.formula]

    def _moved_by(self, symbols: Iterable[Symbol]) -> dict[Expr, list[Expr]]:
        """The parts that some symbols are in, each with those of its own parts that they are in."""
        moving: dict[Expr, list[Expr]] = {}
        waiting: list[Expr] = list(symbols)
        while waiting:
            branch = waiting.pop()
            for part in self._users.get(branch, ()):
                if part not in moving:
                    waiting.append(part)
                moving.setdefault(part, []).append(branch)
        return moving


class _Slopes(dict[Expr, Expr]):
    """The slopes of parts by one symbol; what is not there does not move."""

    def __missing__(self, part: Expr) -> Expr:
        return _ZERO


def _slope(part: Expr, moving: Sequence[Expr], known: _Slopes, symbols: Set[Symbol]) -> Expr:
    """The slope of a part, from those of its own parts."""
    if isinstance(part, Add):
        return Add(*(known[branch] for branch in moving))
    slopes = [known[branch] for branch in _inner(part)]
    if isinstance(part, Piecewise):
        slopes = _unless_alone(part, slopes, symbols)
    quotient = slope_of_quotient(part, known) if _is_product(part) else None
    return _rule(part)(part, slopes) if quotient is None else quotient


def _is_product(part: Expr) -> bool:
    """Whether a part may be a quotient; the logistic function has a rule of its own."""
    if isinstance(part, Pow):
        return not (part.exp == -1 and is_logistic(part.base))
    return isinstance(part, Mul)


def _inner(part: Expr) -> Sequence[Expr]:
    """The parts that a part depends on smoothly: of a choice its branches, not its conditions."""
    if isinstance(part, Piecewise):
        return [branch for branch, _ in part.args]
    return () if isinstance(part, _CONSTANT) else part.args


def _rule(part: Expr) -> Rule:
    if isinstance(part, _CONSTANT):
        return _constant
    for head, rule in _RULES.items():
        if isinstance(part, head):
            return rule
    return _of_function


def _constant(part: Expr, slopes: Sequence[Expr]) -> Expr:
    return _ZERO


def _of_product(part: Expr, slopes: Sequence[Expr]) -> Expr:
    factors = part.args
    moved = [(i, slope) for i, slope in enumerate(slopes) if slope != 0]
    return Add(*(_of_factor(factors, i, slope) for i, slope in moved))


def _of_factor(factors: Sequence[Expr], place: int, slope: Expr) -> Expr:
    """The slope of a product as one of its factors moves."""
    factor, others = factors[place], (*factors[:place], *factors[place + 1 :])
    is_plain = isinstance(factor, Pow) and isinstance(factor.base, Symbol)
    if is_plain and factor.exp.is_negative and not all(other.is_number for other in others):
        # y / x / x, for 1 / x^2 may be too small for a float.
        return Mul(*factors, Share(slope * factor.base / factor, factor.base))
    return Mul(*others, slope)


def _of_power(part: Expr, slopes: Sequence[Expr]) -> Expr:
    """b^e: e b^(e-1) b' + b^e log(b) e'."""
    (base, exponent), (slope, turn) = part.args, slopes
    terms = [_along_base(part, slope)] if slope != 0 else []
    if exponent == -1 and is_logistic(base):
        # -u' e^u / (1 + e^u)^2 is infinity over infinity where e^u overflows; this is not.
        (power,) = (term for term in base.args if isinstance(term, sympy.exp))
        inner = Mul(*(factor for factor in Mul.make_args(slope) if factor != power))
        terms = [Mul(-1, inner, Pow(2 + 2 * sympy.cosh(power.args[0]), -1))]
    if turn != 0 and base.is_negative:
        # Real for whole exponents alone.
        terms.append(NoSlope())
    elif turn != 0:
        grown = Mul(part, sympy.log(base), turn)
        # 0^e stays 0 as e moves, though log(0) is infinite.
        terms.append(grown if base.is_positive else Piecewise((_ZERO, Eq(base, 0)), (grown, True)))
    return Add(*terms)


def _along_base(part: Pow, slope: Expr) -> Expr:
    """e b^(e-1) b', as e b^e (b'/b) where a power of a sum or function below the line overflows."""
    base, exponent = part.args
    is_plain = isinstance(base, Symbol | Mul) or not exponent.could_extract_minus_sign()
    if is_plain and not isinstance(base, Add):
        return Mul(exponent, Pow(base, exponent - 1), slope)
    if exponent.is_nonnegative:
        return Mul(exponent, Pow(base, exponent - 1), slope)
    # cosh'/cosh and sinh'/sinh, where both are too large for a float.
    if isinstance(base, sympy.cosh):
        return Mul(exponent, part, sympy.tanh(base.args[0]), slope / sympy.sinh(base.args[0]))
    if isinstance(base, sympy.sinh):
        return Mul(exponent, part, 1 / sympy.tanh(base.args[0]), slope / sympy.cosh(base.args[0]))
    return Mul(exponent, part, Share(slope, base))


def is_logistic(base: Expr) -> bool:
    """Whether a base is 1 + exp(u), whose power -1 has a slope of its own.

    >>> x = Symbol("x", real=True)
    >>> is_logistic(1 + sympy.exp(-x)), is_logistic(2 + sympy.exp(-x))
    (True, False)
    """
    heads = sorted(type(term).__name__ for term in base.args)
    return isinstance(base, Add) and heads == ["One", "exp"]


def _of_choice(part: Expr, slopes: Sequence[Expr]) -> Expr:
    conditions = [condition for _, condition in part.args]
    slope = Piecewise(*zip(slopes, conditions, strict=True))
    # Of what moves on no branch nothing moves: no other is needed.
    return slope if slope == 0 else Add(slope, undecided_in(part))


def _unless_alone(part: Piecewise, slopes: Sequence[Expr], symbols: Set[Symbol]) -> list[Expr]:
    """The slopes of the branches, NaN where one holds at a single value of what moves."""
    kept, is_alone = [], False
    for slope, (_, condition) in zip(slopes, part.args, strict=True):
        equalities = condition.atoms(Eq) if isinstance(condition, Eq | sympy.And) else ()
        is_here = any(not symbols.isdisjoint(e.free_symbols) for e in equalities)
        kept.append(NoSlope() if is_here or is_alone else slope)
        # Of what comes after "not equal", nothing is left but equality.
        is_unequal = isinstance(condition, sympy.Ne)
        is_alone |= is_unequal and not symbols.isdisjoint(condition.free_symbols)
    return kept


def _of_size(part: Expr, slopes: Sequence[Expr]) -> Expr:
    (inner,), (slope,) = part.args, slopes
    if inner.has(Piecewise):
        return AtPlace(PlaceOfLargest(inner, -inner), 0, slope, -slope) + lost(inner)
    return Piecewise((slope, inner >= 0), (-slope, True)) + lost(inner)


def _of_extreme(part: Expr, slopes: Sequence[Expr]) -> Expr:
    """The slope of the first of the largest, or the smallest, arguments."""
    if len(slopes) == 2 and slopes[0] == slopes[1]:
        return slopes[0]
    doubt = Add(*map(lost, part.args))
    # A condition on a choice is written out by sympy: a choice of conditions, some without sense.
    if len(slopes) == 2 and not part.has(Piecewise):
        former = sympy.Ge if isinstance(part, sympy.Max) else sympy.Le
        return Piecewise((slopes[0], former(*part.args, evaluate=False)), (slopes[1], True)) + doubt
    place = (PlaceOfLargest if isinstance(part, sympy.Max) else PlaceOfSmallest)(*part.args)
    total = _ZERO
    for number, slope in enumerate(slopes):
        if slope != 0:
            total = AtPlace(place, number, slope, total)
    return total + doubt


def _of_remainder(part: Expr, slopes: Sequence[Expr]) -> Expr:
    (value, period), (slope, stretch) = part.args, slopes
    if stretch == 0:
        return slope
    # The whole number of periods that the remainder leaves: a quotient may be rounded up to one.
    periods = sympy.floor((value - part) / period + sympy.S.Half)
    return Add(slope, Mul(-1, periods, stretch))


def _of_fraction(part: Expr, slopes: Sequence[Expr]) -> Expr:
    return slopes[0]


def _of_tanh(part: Expr, slopes: Sequence[Expr]) -> Expr:
    return Mul(Pow(sympy.cosh(part.args[0]), -2), slopes[0])


def _of_exp(part: Expr, slopes: Sequence[Expr]) -> Expr:
    return Mul(part, slopes[0])


def _of_sinc(part: Expr, slopes: Sequence[Expr]) -> Expr:
    (u,) = part.args
    # cos(u) u - sin(u) loses all of its digits near zero, where a few terms of its series have all.
    near = Add(*(
        sympy.Rational((-1) ** k * 2 * k, sympy.factorial(2 * k + 1)) * u ** (2 * k - 1)
        for k in range(1, 9)
    ))  # fmt: skip
    away = (sympy.cos(u) - sympy.sin(u) / u) / u
    return Mul(Piecewise((near, sympy.Abs(u) < 1), (away, True)), slopes[0])


def _of_function(part: Expr, slopes: Sequence[Expr]) -> Expr:
    """The chain rule, with sympy's derivative of the function by each of its arguments."""
    terms = []
    for i, slope in enumerate(slopes):
        if slope == 0:
            continue
        try:
            partial = _partial(part, i)
        except (ArgumentIndexError, TypeError, NotImplementedError):
            partial = None
        if partial is None or partial.has(sympy.Derivative, sympy.Subs) or without_code(partial):
            raise DeclarationError(
                f"{part} has no derivative that can be computed. Write the mechanism with "
                "elementary functions or Piecewise."
            )
        terms.append(Mul(partial, slope))
    doubt = _doubt(part) if terms and isinstance(part, _NARROWER) else _ZERO
    return Add(*terms, doubt)


def _doubt(part: Expr) -> Expr:
    """0 where a function is a number whose slope is one in more places, and NaN elsewhere."""
    # A root is there where a logarithm is, and takes a fraction of its time.
    return lost(sympy.sqrt(part.args[0]) if isinstance(part, sympy.log) else part)


def _partial(part: Expr, place: int) -> Expr | None:
    """The derivative of a function by one of its arguments."""
    form = _PARTIALS.get(type(part))
    if form is not None:
        return form(*part.args)[place]
    return part.fdiff(place + 1) if isinstance(part, Function) else None


def _of_angle(y: Expr, x: Expr) -> tuple[Expr, ...]:
    length = Length(x, y)
    return Share(Share(x, length), length), -Share(Share(y, length), length)


def _of_lambert(u: Expr, branch: Expr = _ZERO) -> tuple[Expr, ...]:
    above = AboveBranch(u, branch)
    return (sympy.exp(-sympy.LambertW(u, branch)) / above,)


# Where sympy's own form squares what may be large, or takes a square close to 1 from 1.
_PARTIALS: Mapping[type[Expr], Callable[..., tuple[Expr, ...]]] = {
    sympy.asin: lambda u: (1 / (sympy.sqrt(1 - u) * sympy.sqrt(1 + u)),),
    sympy.acos: lambda u: (-1 / (sympy.sqrt(1 - u) * sympy.sqrt(1 + u)),),
    sympy.atanh: lambda u: (1 / ((1 - u) * (1 + u)),),
    sympy.log: lambda u: (Share(1, u),),
    sympy.atan: lambda u: (Share(1, 1 + u**2),),
    sympy.asinh: lambda u: (1 / Length(1, u),),
    sympy.atan2: _of_angle,
    sympy.LambertW: _of_lambert,
}

# What has a slope whose formula is real where it itself is not: log(u) has 1/u where u < 0.
_NARROWER = sympy.log, sympy.atanh, sympy.loggamma, sympy.Ci, sympy.expint

# What does not move: atoms, and functions that are constant between their jumps.
_CONSTANT = (
    *(sympy.Atom, sympy.sign, sympy.floor, sympy.ceiling, sympy.Heaviside),
    *(sympy.logic.boolalg.Boolean, PlaceOfLargest, PlaceOfSmallest, Found),
)
_RULES: Mapping[type[Expr], Rule] = {
    Mul: _of_product,
    Pow: _of_power,
    sympy.exp: _of_exp,
    Piecewise: _of_choice,
    sympy.tanh: _of_tanh,
    sympy.Abs: _of_size,
    sympy.Max: _of_extreme,
    sympy.Min: _of_extreme,
    AtPlace: lambda part, slopes: AtPlace(*part.args[:2], *slopes[2:]),
    sympy.Mod: _of_remainder,
    sympy.frac: _of_fraction,
    sympy.sinc: _of_sinc,
    Beside: lambda part, slopes: Beside(*slopes[:2], *part.args[2:]),
}
