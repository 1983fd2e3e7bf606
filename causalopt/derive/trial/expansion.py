"""Expansions in powers of a small h, with all that had to be nonzero on the way.

Where h is positive they hold on one side of a point; where nothing is known of h, in the plane:
then every rule that is used is one of analytic functions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

import sympy as sp
from sympy.core.function import AppliedUndef, UndefinedFunction

TERMS = 6
MOST_TERMS = 14

ENTIRE = (sp.exp, sp.sin, sp.cos, sp.sinh, sp.cosh, sp.erf, sp.erfc, sp.erfi, sp.airyai, sp.airybi)
#: Entire in their last argument, for a whole number as the first.
ENTIRE_BY_ORDER = (sp.besselj, sp.besseli)
#: Quotients of entire functions.
QUOTIENTS: dict[type[sp.Expr], Callable[[sp.Expr], tuple[sp.Expr, sp.Expr]]] = {
    sp.tan: lambda v: (sp.sin(v), sp.cos(v)),
    sp.cot: lambda v: (sp.cos(v), sp.sin(v)),
    sp.sec: lambda v: (sp.S.One, sp.cos(v)),
    sp.csc: lambda v: (sp.S.One, sp.sin(v)),
    sp.coth: lambda v: (sp.cosh(v), sp.sinh(v)),
    sp.sech: lambda v: (sp.S.One, sp.cosh(v)),
    sp.csch: lambda v: (sp.S.One, sp.sinh(v)),
}
#: Analytic at every real number.
ON_REAL = (sp.tanh, sp.atan, sp.asinh)
#: Analytic where this is positive.
BRANCHED: dict[type[sp.Expr], Callable[[sp.Expr], sp.Expr]] = {
    sp.gamma: lambda v: v,
    sp.loggamma: lambda v: v,
    sp.asin: lambda v: 1 - v**2,
    sp.acos: lambda v: 1 - v**2,
    sp.atanh: lambda v: 1 - v**2,
    sp.acosh: lambda v: v - 1,
    sp.LambertW: lambda v: v + sp.exp(-1),
}


class Unexpandable(Exception):
    """No expansion in whole powers of h is known."""


class Undetermined(Exception):
    """What comes out depends on the sign of an expression that is not known."""

    def __init__(self, gap: sp.Expr) -> None:
        super().__init__(str(gap))
        self.gap = gap


@dataclasses.dataclass(frozen=True)
class Expansion:
    """Σ coefficients[i] h^(low + i), and a rest of the order of the next power.

    ``nonzero`` are the expressions that were divided by: where one vanishes, nothing is said.
    """

    low: int
    coefficients: tuple[sp.Expr, ...]
    nonzero: frozenset[sp.Expr] = frozenset()

    @property
    def end(self) -> int:
        """The first power that is not known."""
        return self.low + len(self.coefficients)

    def at(self, power: int) -> sp.Expr:
        """The coefficient of one power of h."""
        if power >= self.end:
            raise Unexpandable("too few terms")
        return self.coefficients[power - self.low] if power >= self.low else sp.S.Zero

    def leading(self) -> Expansion:
        """Without the first terms where their coefficients are identically zero."""
        for place, coefficient in enumerate(self.coefficients):
            if not vanishes(coefficient):
                return dataclasses.replace(
                    self, low=self.low + place, coefficients=self.coefficients[place:]
                )
        raise Unexpandable("all terms vanish")

    def limit(self) -> sp.Expr:
        """The limit as h goes to zero; where it is infinite, its sign must be known."""
        if self.low < 0:
            negative = self.coefficients[: -self.low]
            if not all(vanishes(c) for c in negative):
                first = self.leading().coefficients[0]
                return sp.oo * known_sign(first)
        return self.at(0) if self.low <= 0 else sp.S.Zero


def vanishes(whole: sp.Expr) -> bool:
    """Whether an expression is identically zero: False where that is not seen."""
    if whole == 0 or whole.is_nonzero:
        return bool(whole == 0)
    probe = _probe(whole)
    if probe is not None and probe.is_comparable and abs(sp.N(probe, 15)) > 1e-9:
        return False
    return bool(sp.expand(whole) == 0 or sp.simplify(whole) == 0)


def _probe(whole: sp.Expr) -> sp.Expr | None:
    """A value of the expression, where its symbols may have the values that are tried."""
    symbols = sorted(whole.free_symbols, key=str)
    if whole.atoms(AppliedUndef) or any(s.is_integer or s.is_real is not True for s in symbols):
        return None
    sizes = {s: sp.Rational(2 * k + 5, 7) for k, s in enumerate(symbols)}
    return whole.subs({s: -v if s.is_nonpositive else v for s, v in sizes.items()})


def known_sign(whole: sp.Expr) -> int:
    """1, -1 or 0.

    Raises
    ------
    Undetermined
        Where what sympy knows leaves it open.
    """
    for form in (whole, sp.factor(whole)):
        if form.is_positive:
            return 1
        if form.is_negative:
            return -1
        if form.is_zero:
            return 0
    if vanishes(whole):
        return 0
    beside_exponential = _against_exponential(whole)
    if beside_exponential is not None:
        return known_sign(beside_exponential)
    raise Undetermined(whole)


def _against_exponential(whole: sp.Expr) -> sp.Expr | None:
    """For p - c exp(v) with numbers p, c > 0: log(p/c) - v, or with signs turned, for the other."""
    number, rest = whole.as_coeff_Add()
    factor, power = rest.as_coeff_Mul()
    if not isinstance(power, sp.exp) or not power.args[0].is_real or not number * factor < 0:
        return None
    return sp.sign(number) * (sp.log(-number / factor) - power.args[0])


def sign_near_zero(whole: sp.Expr, h: sp.Symbol) -> int:
    """The sign that an expression has for all small h > 0."""
    try:
        return known_sign(whole)
    except Undetermined:
        if not whole.has(h):
            raise
    expansion = expand(whole, h)
    for coefficient in expansion.coefficients:
        sign = known_sign(coefficient)
        if sign:
            for divisor in expansion.nonzero:
                if divisor.is_nonzero is not True and known_sign(divisor) == 0:
                    raise Unexpandable("divided by zero")
            return sign
    raise Unexpandable("a sign that no term decides")


def expand(whole: sp.Expr, h: sp.Symbol, upto: int = 0) -> Expansion:
    """The expansion of an expression without seams, as far as h to the power ``upto``.

    >>> x, h = sp.Symbol("x", real=True), sp.Symbol("h", positive=True)
    >>> sine = expand(sp.sin(h) / h, h, 2)
    >>> sine.at(0), sine.at(1), sine.at(2)
    (1, 0, -1/6)
    """
    for terms in (TERMS + upto, MOST_TERMS + upto):
        expansion = None
        try:
            expansion = _Expander(h, terms).expand(whole)
        except Unexpandable:
            if terms > TERMS + upto:
                raise
        if expansion is not None and expansion.end > upto:
            return expansion
    raise Unexpandable("too few terms")


class _Expander:
    """Rules for each kind of node, all with one h and one number of terms."""

    def __init__(self, h: sp.Symbol, terms: int) -> None:
        self.h, self.terms = h, terms

    def expand(self, node: sp.Expr) -> Expansion:
        if node == self.h:
            return Expansion(1, (sp.S.One, *[sp.S.Zero] * (self.terms - 1)))
        if self.h not in node.free_symbols:  # it may be bound inside
            return self.constant(node)
        if isinstance(node, sp.Add | sp.Mul):
            combine = _add if isinstance(node, sp.Add) else _multiply
            return _fold(combine, [self.expand(arg) for arg in node.args])
        if isinstance(node, sp.exp | sp.Pow):
            return self.power(node)
        if node.func in QUOTIENTS:
            above, below = QUOTIENTS[node.func](node.args[0])
            return _multiply(self.expand(above), self.inverse(self.expand(below)))
        if isinstance(node, ENTIRE_BY_ORDER) and node.order.is_integer:
            order = node.order
            return self.compose(lambda v: node.func(order, v), self.expand(node.argument))
        if isinstance(node, ENTIRE):
            return self.compose(node.func, self.expand(node.args[0]))
        if isinstance(node, sp.log) and len(node.args) == 1:
            return self.logarithm(node.args[0])
        if node.func in (*ON_REAL, *BRANCHED) and len(node.args) == 1:
            return self.branched(node)
        if isinstance(node, AppliedUndef):
            return self.unknown(node)
        raise Unexpandable(f"{type(node).__name__} is not expanded")

    def constant(self, node: sp.Expr) -> Expansion:
        if node.has(sp.nan, sp.zoo, sp.oo, -sp.oo):
            raise Unexpandable("undefined")
        return Expansion(0, (node, *[sp.S.Zero] * (self.terms - 1)))

    def power(self, node: sp.Expr) -> Expansion:
        base, exponent = node.as_base_exp()
        if base == sp.E:
            return self.compose(sp.exp, self.expand(exponent))
        if exponent.has(self.h):
            risen = self.expand(sp.exp(exponent * sp.log(base), evaluate=False))
            # of zero there is a power, and no logarithm
            needs = frozenset() if base.is_nonzero or base.has(self.h) else frozenset({base})
            return dataclasses.replace(risen, nonzero=risen.nonzero | needs)
        inner = self.expand(base)
        if exponent.is_Integer:
            inner = inner if exponent > 0 else self.inverse(inner)
            return _fold(_multiply, [inner] * abs(int(exponent)))
        return self.root(base, inner.leading(), exponent)

    def root(self, base: sp.Expr, inner: Expansion, exponent: sp.Expr) -> Expansion:
        """(c h^k u)^e for u = 1 + ..., where h^(k e) is a whole power.

        In the plane only for k = 0: h^(k e) has branches there.
        """
        if not (inner.low * exponent).is_Integer or (inner.low and not self.h.is_positive):
            raise Unexpandable("no whole power")
        unit = Expansion(0, inner.coefficients, inner.nonzero)
        turn = self.turn(base, unit)
        if turn:
            unit = dataclasses.replace(unit, coefficients=tuple(-c for c in unit.coefficients))
        rooted = self.compose(lambda z: z**exponent, unit)
        turned = _multiply(self.constant(sp.exp(sp.I * sp.pi * turn * exponent)), rooted)
        return dataclasses.replace(turned, low=turned.low + int(inner.low * exponent))

    def logarithm(self, arg: sp.Expr) -> Expansion:
        inner = self.expand(arg)
        self.check_bounded(inner)
        turn = self.turn(arg, inner)
        if turn:
            inner = dataclasses.replace(inner, coefficients=tuple(-c for c in inner.coefficients))
        return _add(self.constant(sp.I * sp.pi * turn), self.compose(sp.log, inner))

    def turn(self, whole: sp.Expr, inner: Expansion) -> int:
        """How a power or a logarithm of something is that of its negative: turned by ±π, or not.

        0 where it keeps off the negative numbers; ±1 where it lies on them, or comes to them from
        above or from below.
        """
        about = inner.at(0)
        if about.is_real is False or known_sign(about) > 0:
            return 0
        if known_sign(about) == 0 or not self.h.is_positive:
            raise Unexpandable("a branch point, or a cut")
        if whole.is_real:
            return 1
        for coefficient in inner.coefficients[1 - inner.low :]:
            side = known_sign(sp.im(coefficient))
            if side:
                return side
        # terms that are not known may leave the line
        raise Unexpandable("along a cut")

    def inverse(self, inner: Expansion) -> Expansion:
        inner = inner.leading()
        first, *rest = inner.coefficients
        inverted = [1 / first]
        for place in range(1, len(inner.coefficients)):
            total = sum(rest[k] * inverted[place - 1 - k] for k in range(place))
            inverted.append(sp.expand(-total / first))
        needs = inner.nonzero if first.is_nonzero else inner.nonzero | {first}
        return Expansion(-inner.low, tuple(inverted), needs)

    def branched(self, node: sp.Expr) -> Expansion:
        """A function that is analytic on a part of the line, and beside that part in the plane."""
        inner = self.expand(node.args[0])
        self.check_bounded(inner)
        about = inner.at(0)
        if about.is_real is not True and not node.args[0].is_real:
            raise Unexpandable("an argument that may not be real")
        inside = BRANCHED.get(node.func)
        if inside is not None and known_sign(inside(about)) <= 0:
            raise Unexpandable("an argument at which it may not be analytic")
        return self.compose(node.func, inner)

    def check_bounded(self, inner: Expansion) -> None:
        if any(not vanishes(c) for c in inner.coefficients[: max(0, -inner.low)]):
            raise Unexpandable("an argument without a bound")

    def compose(self, function: Callable[[sp.Expr], sp.Expr], inner: Expansion) -> Expansion:
        """Taylor's series of the function about the limit of its argument, with that put in."""
        z = sp.Dummy("z")
        slopes = (sp.diff(function(z), z, j) for j in range(self.terms))
        return self.taylor((lambda about: [s.subs(z, about) for s in slopes]), inner)

    def taylor(self, slopes: Callable[[sp.Expr], Iterable[sp.Expr]], inner: Expansion) -> Expansion:
        self.check_bounded(inner)
        about = inner.at(0)
        shift = Expansion(1, tuple(inner.at(k) for k in range(1, inner.end)), inner.nonzero)
        total = dataclasses.replace(self.constant(sp.S.Zero), nonzero=inner.nonzero)
        term = self.constant(sp.S.One)
        for j, slope in enumerate(slopes(about)):
            if slope.has(sp.nan, sp.zoo):
                raise Unexpandable("a slope that is not finite")
            scale = self.constant(slope / sp.factorial(j))
            total = _add(total, _multiply(scale, term))
            term = _multiply(term, shift)
        return total

    def unknown(self, node: AppliedUndef) -> Expansion:
        """A smooth function of which nothing else is known: its slopes stand as they are."""
        moving = [place for place, arg in enumerate(node.args) if arg.has(self.h)]
        if len(moving) > 1:
            raise Unexpandable("a function that moves along two arguments at once")
        place = moving[0]
        # what takes real values alone has slopes along the line, and none in the plane
        if node.is_extended_real and not node.args[place].is_real:
            raise Unexpandable("a real function off the line")
        inner = self.expand(node.args[place])
        return self.taylor(lambda about: _slopes(node, place, about, self.terms), inner)


def _slopes(node: AppliedUndef, place: int, about: sp.Expr, terms: int) -> list[sp.Expr]:
    function: UndefinedFunction = node.func
    # taken in fresh names, since the point may hold the symbols of other arguments
    names = [sp.Dummy(f"a{k}") for k in range(len(node.args))]
    here = dict(zip(names, (*node.args[:place], about, *node.args[place + 1 :]), strict=True))
    return [sp.diff(function(*names), names[place], j).subs(here).doit() for j in range(terms)]


def _fold(
    combine: Callable[[Expansion, Expansion], Expansion], parts: list[Expansion]
) -> Expansion:
    total = parts[0]
    for part in parts[1:]:
        total = combine(total, part)
    return total


def _add(first: Expansion, second: Expansion) -> Expansion:
    low, end = min(first.low, second.low), min(first.end, second.end)
    powers = range(low, max(end, low))
    sums = tuple(first.at(k) + second.at(k) for k in powers)
    return Expansion(low, sums, first.nonzero | second.nonzero)


def _multiply(first: Expansion, second: Expansion) -> Expansion:
    count = min(len(first.coefficients), len(second.coefficients))
    products = tuple(
        sp.expand(sum(first.coefficients[i] * second.coefficients[k - i] for i in range(k + 1)))
        for k in range(count)
    )
    return Expansion(first.low + second.low, products, first.nonzero | second.nonzero)
