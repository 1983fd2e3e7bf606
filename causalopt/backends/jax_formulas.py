"""Blocks worked out by JAX: a table of what each kind of formula is there, and a walk over them.

Numbers and arrays take the same walk: sums, products and functions go entry by entry.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

import jax
import jax.numpy as jnp
import jax.scipy.special
import sympy
from jax import Array, lax
from sympy import Basic, Expr, Symbol

from causalopt.backends.jax_single import pushed_at_size, traced_back_at_size
from causalopt.mechanisms.calls import Called, Code, Pushed, is_passed_back
from causalopt.mechanisms.crossing import HALVINGS, SHARE, Crossing
from causalopt.mechanisms.routines import Filled
from causalopt.mechanisms.settled import TURNS, Settled, leads_nowhere
from causalopt.mechanisms.steady import (
    AtPlace,
    Beside,
    Length,
    Lost,
    NoSlope,
    Offset,
    PlaceOfLargest,
    PlaceOfSmallest,
    Polynomial,
    Share,
)
from causalopt.plan import Block

#: What a formula is: a number, or an array that JAX traces. (A function may be given a tree too.)
Value: TypeAlias = float | Array
# How many turns of a search are taken, whether it has come to something, and where it is.
_Search: TypeAlias = tuple[Array, Array, tuple[Array, ...]]
#: What a kind of formula is, of what its parts are.
Head: TypeAlias = Callable[..., Value]


class NoJaxCode(Exception):
    """A formula holds a function that JAX does not have; the message is its name."""


def results_of(block: Block, values: Sequence[Value]) -> list[Value]:
    """What a block gives where its arguments have these values."""
    walk = _Walk(dict(zip(block.arguments, values, strict=True)), _moving_in(block))
    for symbol, formula in block.assignments:
        walk.values[symbol] = walk.of(formula)
    return [walk.of(result) for result in block.results]


def _moving_in(block: Block) -> dict[tuple[Basic, ...], tuple[bool, ...]]:
    """Which arguments of each call move in some derivative of it, so that it is linearised once."""
    moving: dict[tuple[Basic, ...], tuple[bool, ...]] = {}
    for formula in (*(e for _, e in block.assignments), *block.results):
        for call in formula.atoms(Pushed):
            key = (call.code, *call.terms)
            moves = tuple(term != 0 for term in call.along)
            before = moving.get(key, (False,) * len(moves))
            moving[key] = tuple(a or b for a, b in zip(before, moves, strict=True))
    return moving


class _Walk:
    """The values of formulas, each worked out once; calls are linearised where they are moved."""

    def __init__(
        self, values: dict[Symbol, Value], moving: Mapping[tuple[Basic, ...], tuple[bool, ...]]
    ) -> None:
        self.values = values
        self.moving = moving
        self._known: dict[Basic, Value] = {}
        self._lines: dict[tuple[Basic, ...], tuple[Array, Callable[..., Array]]] = {}

    def of(self, formula: Basic) -> Value:
        """The value of a formula."""
        if isinstance(formula, Symbol):
            return self.values[formula]
        if formula not in self._known:
            self._known[formula] = self._worked_out(formula)
        return self._known[formula]

    def _worked_out(self, formula: Basic) -> Value:
        if formula is sympy.zoo:
            return math.nan
        if isinstance(formula, sympy.Number | sympy.NumberSymbol):
            return float(formula)
        if isinstance(formula, Called):
            return self._called(formula)
        if isinstance(formula, Filled):
            inner = map(self.of, formula.terms)
            filled = dict(zip(formula.routine.places, inner, strict=True))
            return _Walk(filled, {}).of(formula.routine.formula)
        if isinstance(formula, sympy.Piecewise):
            return self._chosen(formula)
        if isinstance(formula, Crossing):
            return self._crossed(formula)
        if isinstance(formula, Settled):
            return self._settled(formula)
        if isinstance(formula, sympy.Pow):
            return self._power(formula)
        for kind in type(formula).__mro__:
            if kind in _HEADS:
                return _HEADS[kind](*map(self.of, formula.args))
        raise NoJaxCode(type(formula).__name__)

    def _power(self, formula: sympy.Pow) -> Value:
        base, exponent = self.of(formula.base), formula.exp
        if exponent == sympy.Rational(1, 2):
            return jnp.sqrt(base)
        if exponent == sympy.Rational(-1, 2):
            return 1.0 / jnp.sqrt(base)
        if exponent.is_Integer and abs(exponent) <= 64:
            raised = jnp.asarray(base) ** abs(int(exponent))
            return raised if exponent > 0 else 1.0 / raised
        if formula.base == sympy.E:
            return jnp.exp(self.of(exponent))
        return jnp.power(jnp.asarray(base), self.of(exponent))

    def _chosen(self, formula: sympy.Piecewise) -> Value:
        result: Value = math.nan
        for value, condition in reversed(formula.args):
            here = self.of(value)
            result = here if condition == sympy.true else jnp.where(
                self.of(condition), here, result
            )  # fmt: skip
        return result

    def _crossed(self, formula: Crossing) -> Value:
        """The share of a step at which a condition comes true, by halving."""
        is_on, condition = self.of(formula.args[0]), formula.args[1]

        def half(_: int, ends: tuple[Array, Array]) -> tuple[Array, Array]:
            early, late = ends
            middle = 0.5 * (early + late)
            holds = _Walk({**self.values, SHARE: middle}, {}).of(condition)
            return jnp.where(holds, early, middle), jnp.where(holds, middle, late)

        ends = jnp.zeros(()), jnp.ones(())
        _, late = lax.fori_loop(0, HALVINGS, half, ends)
        moment = self._moving(late, condition, is_on) if is_passed_back() else late
        return jnp.where(is_on, moment, 1.0)

    def _moving(self, found: Array, condition: Basic, is_on: Value) -> Value:
        """A moment that moves as the two sides of its condition do, which are one there.

        A search passes nothing back, so the implicit function theorem stands in for it.
        """
        if not isinstance(condition, sympy.Gt | sympy.Ge | sympy.Lt | sympy.Le):
            return found
        height, there = condition.lhs - condition.rhs, lax.stop_gradient(found)

        def at(share: Array) -> Array:
            return jnp.asarray(_Walk({**self.values, SHARE: share}, {}).of(height), float)

        high, steep = jax.jvp(at, (there,), (jnp.ones(()),))
        # Where it does not happen, nothing is divided by a slope that may be 0.
        steep = jnp.where(is_on, lax.stop_gradient(steep), 1.0)
        moved: Array = there - (high - lax.stop_gradient(high)) / steep
        return moved

    def _settled(self, found: Settled) -> Value:
        """What an unknown settles at when turns are taken; NaN where it does not."""
        turn = found.turn
        outside = {symbol: lax.stop_gradient(value) for symbol, value in self.values.items()}
        begun = [lax.stop_gradient(jnp.asarray(self.of(guess), float)) for guess in found.guesses]

        def taken(state: _Search) -> _Search:
            number, _, now = state
            walk = _Walk({**outside, **dict(zip(turn.unknowns, now, strict=True))}, {})
            for symbol, formula in turn.steps:
                walk.values[symbol] = walk.of(formula)
            new, doubts = (
                tuple(jnp.asarray(walk.of(part)) for part in parts)
                for parts in (turn.results, turn.doubts)
            )
            moved = (abs(y - x) for x, y in zip(now, new, strict=True))
            nowhere = map(leads_nowhere, moved, new, doubts)
            return number + 1, functools.reduce(jnp.logical_and, nowhere), new

        def goes_on(state: _Search) -> Array:
            number, is_done, _ = state
            return (number < TURNS) & ~is_done

        first = jnp.asarray(0), jnp.asarray(False), tuple(begun)
        _, is_done, last = lax.while_loop(goes_on, taken, first)
        return jnp.where(is_done, last[found.place], math.nan)

    def _called(self, call: Called) -> Value:
        """A call, or how it moves along; both of one linearisation, where there are both."""
        key = (call.code, *call.terms)
        if key not in self.moving:
            code = call.code
            own = traced_back_at_size(code.call) if code.is_single else code.call
            return cast(Array, own(*map(self._argument, call.terms)))
        value, line = self._linearised(key)
        if not isinstance(call, Pushed):
            return value
        moves = zip(call.terms, call.along, self.moving[key], strict=True)
        moved = [self._tangent(at, along) for at, along, moving in moves if moving]
        return pushed_at_size(line, moved) if call.code.is_single else line(*moved)

    def _linearised(self, key: tuple[Basic, ...]) -> tuple[Array, Callable[..., Array]]:
        if key not in self._lines:
            code, *terms = key
            given, moves = [self._argument(term) for term in terms], self.moving[key]
            self._lines[key] = jax.linearize(
                functools.partial(_with_moving, code, given, moves),
                *(value for value, moving in zip(given, moves, strict=True) if moving),
            )
        return self._lines[key]

    def _argument(self, term: Expr) -> Value:
        """What a function is given: floats of JAX, so that what it asks of them is there."""
        value = self.of(term)
        return jnp.asarray(value) if isinstance(value, float) else value

    def _tangent(self, at: Expr, along: Expr) -> Value:
        """How an argument moves, of its own shape: a zero of a plan has none."""
        return jnp.broadcast_to(jnp.asarray(self.of(along)), jnp.shape(self.of(at)))


def _with_moving(code: Code, given: Sequence[Value], moves: Sequence[bool], *moved: Value) -> Value:
    """A call, with other values for what moves."""
    rest = iter(moved)
    pairs = zip(given, moves, strict=True)
    return cast(Array, code.call(*(next(rest) if moving else v for v, moving in pairs)))


def _sum(*terms: Value) -> Value:
    return functools.reduce(lambda a, b: a + b, terms)


def _product(*factors: Value) -> Value:
    return functools.reduce(lambda a, b: a * b, factors)


def _chosen_by(is_better: Callable[[Value, Value], Value]) -> Head:
    """The first of the best, and its slope: of two that are alike JAX would take half of each."""

    def one(best: Value, other: Value) -> Value:
        # What is no number stays none, wherever it stands.
        return jnp.where(jnp.logical_or(is_better(other, best), other != other), other, best)

    return lambda *terms: functools.reduce(one, terms)


def _folded(name: str) -> Head:
    """A function of two as one of many."""

    def folded(*terms: Value) -> Value:
        return functools.reduce(getattr(jnp, name), terms)

    return folded


def _named(path: str) -> Head:
    """A function of JAX by its name, of one argument or of several."""

    room, _, name = path.rpartition(".")
    function = getattr(jnp if room == "numpy" else jax.scipy.special, name)

    def named(*terms: Value) -> Value:
        try:
            result: Array = function(*map(jnp.asarray, terms))
        except NotImplementedError:
            # Of the zeta functions, JAX has Hurwitz's, of two arguments, alone.
            raise NoJaxCode(f"{name} of {len(terms)} arguments") from None
        return result

    return named


def _place(name: str) -> Head:
    def place(*terms: Value) -> Value:
        number: Array = getattr(jnp, name)(jnp.stack(jnp.broadcast_arrays(*terms)), axis=0)
        return number

    return place


def _polynomial(u: Value, *coefficients: Value) -> Value:
    *lower, result = coefficients
    for coefficient in reversed(lower):
        result = coefficient + u * result
    return result


def _heaviside(x: Value, at_zero: Value = 0.5) -> Value:
    # What is no number stays none.
    return jnp.where(x == 0, at_zero, jnp.where(x > 0, 1.0, jnp.where(x < 0, 0.0, math.nan)))


def _sign(x: Value) -> Value:
    # As NumPy's: that of -0 is 0.
    return jnp.where(x == 0, 0.0, jnp.sign(x))


_HEADS: Mapping[type, Head] = {
    sympy.Add: _sum,
    sympy.Mul: _product,
    **{
        getattr(sympy, name): _named(f"numpy.{theirs}")
        for name, theirs in {
            **{name: name for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
            **{f"a{name}": f"arc{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
            "atan2": "arctan2",
            "exp": "exp",
            "Abs": "abs",
            "floor": "floor",
            "ceiling": "ceil",
        }.items()
    },
    **{
        getattr(sympy, name): _named(f"scipy.special.{theirs}")
        for name, theirs in {
            "erf": "erf",
            "erfc": "erfc",
            "erfinv": "erfinv",
            "gamma": "gamma",
            "digamma": "digamma",
            "expint": "expn",
            "zeta": "zeta",
            "Ei": "expi",
        }.items()
    },
    sympy.log: lambda x, *base: jnp.log(x) if not base else jnp.log(x) / jnp.log(*base),
    sympy.Max: _chosen_by(operator.gt),
    sympy.Min: _chosen_by(operator.lt),
    sympy.And: _folded("logical_and"),
    sympy.Or: _folded("logical_or"),
    sympy.Not: lambda x: jnp.logical_not(x),
    sympy.ITE: lambda condition, a, b: jnp.where(condition, a, b),
    sympy.logic.boolalg.BooleanTrue: lambda: True,
    sympy.logic.boolalg.BooleanFalse: lambda: False,
    sympy.Gt: lambda a, b: a > b,
    sympy.Ge: lambda a, b: a >= b,
    sympy.Lt: lambda a, b: a < b,
    sympy.Le: lambda a, b: a <= b,
    sympy.Eq: lambda a, b: a == b,
    sympy.Ne: lambda a, b: a != b,
    sympy.KroneckerDelta: lambda a, b: jnp.where(a == b, 1.0, 0.0),
    sympy.Mod: lambda a, b: jnp.mod(a, b),
    sympy.frac: lambda a: a - jnp.floor(a),
    sympy.sinc: lambda a: jnp.sinc(a / math.pi),
    sympy.Heaviside: _heaviside,
    sympy.sign: _sign,
    sympy.loggamma: lambda x: jnp.where(x >= 0, jax.scipy.special.gammaln(x), math.nan),
    Share: lambda part, whole: part / whole,
    NoSlope: lambda: math.nan,
    Lost: lambda u: jnp.where(u == u, 0.0, u),
    Length: lambda u, v: jnp.hypot(u, v),
    Offset: lambda u, v: u - v,
    Polynomial: _polynomial,
    Beside: lambda near, away, offset, reach: jnp.where(
        (offset != 0) & (jnp.abs(offset) <= reach), near, away
    ),
    PlaceOfLargest: _place("argmax"),
    PlaceOfSmallest: _place("argmin"),
    AtPlace: lambda place, number, value, otherwise: jnp.where(place == number, value, otherwise),
}
