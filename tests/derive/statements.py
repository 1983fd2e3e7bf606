"""Statements without number, sensible and not: whatever a hand may write on a page."""

from __future__ import annotations

import contextlib
import random
import signal
from collections.abc import Callable, Iterator

import numpy as np
import sympy as sp

from causalopt.derive import (
    Apply,
    Derivation,
    Equal,
    Expands,
    Follows,
    Given,
    Let,
    OverTheLine,
    Stationary,
    Substitution,
    TendsTo,
)
from causalopt.ground.work import Exhausted, at_most, measured

x, y, a = sp.symbols("x y a", real=True)
z = sp.Symbol("z")
n = sp.Symbol("n", integer=True)
p = sp.Symbol("p", positive=True)
f, g = sp.Function("f")(x), sp.Function("g", real=True)(x, y)
GIVEN = (x, y, a, z, n, p, f, g)
Draw = random.Random

ATOMS = (x, y, a, z, n, p, f, g, 0, 1, -1, 2, sp.Rational(-3, 2), sp.pi, sp.I, sp.E)
#: What is no number: it may stand where one is meant, and is either refused or left open.
ODD = (
    sp.oo, -sp.oo, sp.zoo, sp.nan, sp.true, sp.false, x < y, sp.Eq(x, y), sp.S.Reals, sp.S.EmptySet,
    sp.Interval(0, 1), sp.Tuple(x, y), sp.AccumBounds(-1, 1), sp.eye(2), sp.Matrix([[x, y]]),
    sp.MatrixSymbol("M", 2, 2), sp.Array([1, 2]), sp.Order(x), sp.Dummy("d"), sp.Wild("w"),
    sp.Function("f"), sp.Function("f", real=True)(x), sp.Function("h"), sp.sin,
    sp.Symbol, sp.Symbol("x"), sp.Idx("i"), sp.IndexedBase("A")[1], sp.core.symbol.Str("s"),
    sp.Lambda(x, x),
    sp.Float("0.5"), 0.5, "x", b"x", None, True, [], [x], (x,), {}, {x: 1}, {x}, object,
    np.float64(0.5),
    np.int64(3), np.array([1, 2]), np.array(3), 1j, range(3), lambda: x, print, float("nan"), ...,
)  # fmt: skip
ONE: tuple[Callable[..., sp.Basic], ...] = (
    sp.sin, sp.tan, sp.exp, sp.log, sp.sqrt, sp.Abs, sp.sign, sp.floor, sp.ceiling, sp.gamma,
    sp.atan, sp.factorial, sp.conjugate, sp.re, sp.arg, sp.Heaviside, sp.DiracDelta, sp.LambertW,
    sp.zeta,
    sp.erf, sp.frac, sp.Not, sp.cot, sp.acos, sp.cbrt, sp.digamma, sp.Si, sp.besselj, sp.polylog,
)  # fmt: skip
TWO: tuple[Callable[..., sp.Basic], ...] = (
    sp.Add, sp.Mul, sp.Pow, sp.Max, sp.Min, sp.Mod, sp.atan2, sp.binomial, sp.besselj, sp.beta,
    lambda u, v: u / v, lambda u, v: u - v, lambda u, v: sp.Derivative(u, v),
    lambda u, v: sp.Piecewise((u, v > 0)), lambda u, v: sp.Piecewise((u, sp.Ne(v, 0)), (v, True)),
    lambda u, v: sp.Integral(u, (v, 0, 1)), lambda u, v: sp.Integral(u, v),
    lambda u, v: sp.Sum(u, (v, 1, 3)), lambda u, v: sp.Limit(u, v, 0),
    lambda u, v: sp.Subs(u, v, 1), lambda u, v: sp.Product(u, (n, 1, v)),
    lambda u, v: sp.Mul(u, v, evaluate=False),
    lambda u, v: sp.Pow(u, v, evaluate=False), lambda u, v: sp.Function("f")(u),
    lambda u, v: sp.Sum(u, (n, 1, sp.oo)), lambda u, v: sp.Integral(u, (x, -sp.oo, v)),
    lambda u, v: sp.Function("f")(u, v), lambda u, v: sp.Derivative(u, x, 2), sp.Matrix.vstack,
    lambda u, v: sp.Matrix([u, v]), lambda u, v: sp.RootSum(u, sp.Lambda(x, v)), sp.KroneckerDelta,
)  # fmt: skip


def some_formula(draw: Draw, odd: float = 0.01) -> object:
    """What may stand on one side of an equation; now and then what may not."""
    return _bounded(lambda: _some_formula(draw, 3, odd), draw)


@contextlib.contextmanager
def _seconds(count: float) -> Iterator[None]:
    """Raise ``Exhausted`` in the block after so many seconds of the processor's time."""

    def stop(*_: object) -> None:
        raise Exhausted

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, count)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _bounded(make: Callable[[], object], draw: Draw) -> object:
    # sympy works much out as soon as it is written down, and some of it without end: in many calls,
    # or in few that take long, of mpmath with a million digits
    try:
        with measured(0.02), at_most(1), _seconds(1):
            return make()
    except (Exhausted, Exception):
        return draw.choice(ATOMS)


def _some_formula(draw: Draw, depth: int, odd: float) -> object:
    if draw.random() < odd:
        return draw.choice((*ODD, 10**400) if depth == 3 else ODD)
    if depth == 0 or draw.random() < 0.25:
        return draw.choice(ATOMS)
    try:
        if draw.random() < 0.4:
            return draw.choice(ONE)(_some_formula(draw, depth - 1, odd))
        parts = (_some_formula(draw, depth - 1, odd) for _ in range(2))
        return draw.choice(TWO)(*parts)
    except Exception:  # sympy itself refuses it, before this package is asked
        return draw.choice(ATOMS)


def _hashable(what: object) -> object:
    return what if isinstance(what, sp.Basic) else x


def some_equation(draw: Draw) -> object:
    """An equation, or what sympy makes of one."""
    left, right = some_formula(draw), some_formula(draw)
    return _bounded(lambda: sp.Eq(left, right, evaluate=draw.random() < 0.3), draw)


def some_word(draw: Draw) -> object:
    """What may stand where a word is meant."""
    odd = (None, 3, x, b"", ("a", "b"), "\x00", "\ud800", "a" * 1000)
    return draw.choice(odd) if draw.random() < 0.1 else draw.choice(("", "a", "b", "<b>", "$x$"))


def some_rule(draw: Draw) -> object:
    """By what a step is claimed."""
    variable = _hashable(draw.choice((x, y, n, some_formula(draw))))
    return draw.choice(
        (
            lambda: some_word(draw),
            lambda: Substitution({variable: some_formula(draw)}),
            lambda: Substitution(some_formula(draw)),
            lambda: Apply(_bounded(lambda: sp.Lambda(variable, some_formula(draw)), draw)),
            lambda: Apply(some_formula(draw)),
            lambda: OverTheLine(variable, some_formula(draw)),
            lambda: (),
        )
    )()


def some_step(draw: Draw) -> object:
    """A step of any kind, or what is none."""
    whole, other = some_formula(draw), some_formula(draw)
    variable = _hashable(draw.choice((x, x, y, n, z, some_formula(draw))))
    more: dict[str, object] = {}
    if draw.random() < 0.2:
        more["by"] = some_rule(draw)
    if draw.random() < 0.1:
        more["name"] = some_word(draw)
    if draw.random() < 0.15:
        more["assuming"] = draw.choice((x > 0, [y > x, x < 1], some_formula(draw, odd=0.5)))
    if draw.random() < 0.05:
        more["expect"] = draw.choice(("proved", "refuted", "exhausted", "maybe", None, 3, x, []))
    if draw.random() < 0.05:
        more["source"] = some_word(draw)
    since = draw.choice((1, 0, -1, "a", 10**30, True, None, [], some_equation(draw)))
    order = draw.choice((1, 2, 3, 0, -1, 2.0, "2", None, 10**9, x, True, np.int64(2)))
    side = draw.choice(("+", "-", "+-", "+-", "left", None, x, []))
    at = draw.choice(({x: other}, {x: 0, y: 1}, {}, {variable: other}, other))
    return draw.choice(
        (
            lambda: Equal(whole, other, **more),
            lambda: Equal(whole, whole, **more),
            lambda: Follows(some_equation(draw), since=[since, some_equation(draw)], **more),
            lambda: Follows(some_equation(draw), since=since, **more),
            lambda: TendsTo(whole, other, variable=variable, to=draw.choice((0, sp.oo, a)), **more),
            lambda: TendsTo(whole, 0, variable=x, to=other, side=side, **more),
            lambda: Expands(whole, other, variable=variable, about=0, order=order, **more),
            lambda: Expands(whole, whole, variable=x, about=other, order=2, **more),
            lambda: Stationary(whole, at=at, under=some_equation(draw), **more),
            lambda: Stationary(whole, at=at, multipliers=draw.choice(((), (1,), other)), **more),
            lambda: whole,
        )
    )()


def some_given(draw: Draw) -> object:
    """A given beside the usual ones, or what is none."""
    name = draw.choice((sp.Symbol("k"), sp.Function("G")(x), sp.Function("G")(x, x), x))
    return draw.choice(
        (
            lambda: some_formula(draw, odd=0.4),
            lambda: Given(some_formula(draw), some_word(draw)),
            lambda: Let(name, some_formula(draw), some_word(draw)),
            lambda: draw.choice((x > 0, y < x, x < 0, sp.Ne(a, 0), p > 2, n >= 1, x**2 < y)),
        )
    )()


def some_page(draw: Draw) -> Derivation:
    """A page of one or two steps; whatever cannot be is refused by an error of the house."""
    more = [some_given(draw) for _ in range(draw.choice((0, 0, 0, 1, 2)))]
    steps = [some_step(draw) for _ in range(draw.choice((1, 1, 1, 2)))]
    given: object = [*GIVEN, *more] if draw.random() < 0.97 else draw.choice(ODD)
    title = some_word(draw) if draw.random() < 0.1 else "page"
    return Derivation(title, given=given, steps=steps if draw.random() < 0.97 else draw.choice(ODD))
