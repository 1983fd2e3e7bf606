"""One step of a system with real values as formulas in its variables and its noise; Jacobians."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import sympy
from sympy import Expr, Matrix, Rational, Symbol

from causalopt.ground.checks import as_float, as_whole, shown
from causalopt.ground.errors import QueryError, stranger
from causalopt.ground.work import bounded
from causalopt.language.finite_variables import Finite
from causalopt.language.laws import Normal, law_text
from causalopt.language.symbols import Next, Noise, Variable, time
from causalopt.mechanisms.symbolic import Expression
from causalopt.model.asked import as_system
from causalopt.model.circles import check_straight
from causalopt.model.moments import check_memoryless
from causalopt.model.system import System

# A denominator up to this is that of a quotient as it was written.
_SMALL = 10_000

_NO_NUMBERS = (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, sympy.I)


def check_pushable(system: System, variables: tuple[Variable, ...]) -> None:
    """A system over the same variables, all real, whose step is the same at all times."""
    as_system(system, " to push through: give a System.")
    check_memoryless(system.delayed, "Pushing a distribution")
    system.stepping.check_whole("Pushing a distribution", system.parameter_values)
    named = [v for v in system.variables if isinstance(v, Finite)]
    if named:
        raise QueryError(
            f"{named[0]} takes named values: push a Distribution over them through this system."
        )
    if set(system.variables) != set(variables):
        raise QueryError(
            f"The distribution is over {', '.join(map(str, variables))}, the system over "
            f"{', '.join(map(str, system.variables))}: they must be the same variables."
            + stranger(variables, system.variables)
        )
    system.check_numbers("A distribution pushed through a step")
    check_straight(system.circles, "A distribution pushed through a step")
    if any(time in mechanism.arguments for mechanism in system.template.values()):
        raise QueryError(
            "The step of this system depends on time, so that pushing twice would not be pushing "
            "two steps: make what drives it a variable of the system."
        )


def step_of(system: System, values: Mapping[Symbol, Expr]) -> dict[Variable, Expr]:
    """What a step gives each variable, with inner stages put in and parameters at ``values``."""
    step: dict[Symbol, Expr] = {}
    for target, mechanism in system.template.items():
        seen: dict[Symbol, Expr] = {**values}
        seen |= {s: step[s.variable] for s in mechanism.arguments if isinstance(s, Next)}
        step[target] = mechanism.value(seen)
    return {variable: step[variable] for variable in system.variables}


def jacobian(step: Mapping[Variable, Expr], variables: tuple[Variable, ...]) -> Matrix:
    """The derivatives of the step, rows and columns in the order of ``variables``."""
    rows = [[Expression(step[target]).partial(source) for source in variables]
            for target in variables]  # fmt: skip
    return Matrix(rows)


def exact_values(system: System) -> dict[Symbol, Expr]:
    """The parameters as the rationals that they print as: 0.3 is 3/10."""
    return {symbol: rational(value) for symbol, value in system.parameter_values.items()}


def rational(given: object) -> Expr:
    """A number as a rational, floats as what they print as; expressions likewise.

    A float that is a quotient of small numbers is that: 1/3 has no decimal that ends.

    >>> rational(0.3), rational(1 / 3), rational(sympy.Float(0.1) * sympy.Symbol("x"))
    (3/10, 1/3, x/10)
    """
    if isinstance(given, Expr):
        if given.is_real is False or given.has(*_NO_NUMBERS):
            raise QueryError(f"{given} is no finite real number: write one, or an expression.")
        floats = given.atoms(sympy.Float)
        return given.xreplace({decimal: _simplest(float(decimal)) for decimal in floats})
    whole, value = as_whole(given), as_float(given)
    if value is None or not math.isfinite(value):
        kind = "number" if value is None else "finite number"
        raise QueryError(f"{shown(given)} is no {kind}: write one, or an expression.")
    return _simplest(value) if whole is None else sympy.Integer(whole)


def _simplest(value: float) -> Rational:
    """The quotient of small numbers that a float is, rounded, or else the decimal."""
    quotient = Fraction(value).limit_denominator(_SMALL)
    # Of a decimal of 12 digits or fewer, no other such quotient has the same float.
    return Rational(quotient) if float(quotient) == value else Rational(repr(value))


@dataclass(frozen=True)
class AffineStep:
    """A step z -> ``matrix`` z + ``noise`` e + ``offset``, e independent, of mean 0 and variance 1.

    ``noise`` (d, m) has the deviation of each normal law in its column, ``offset`` (d, 1) the
    means. All are exact.
    """

    matrix: Matrix
    noise: Matrix
    offset: Matrix


def affine(system: System, variables: tuple[Variable, ...], beside: str) -> AffineStep:
    """The step as an affine one with rational entries; an error where it is none.

    Noise is normal and added to what the state gives. ``beside`` says what to do where it is not.
    """
    check_pushable(system, variables)
    step = {v: rational(f) for v, f in step_of(system, exact_values(system)).items()}
    matrix = jacobian(step, variables).applyfunc(sympy.simplify)
    for i, target in enumerate(variables):
        for j, source in enumerate(variables):
            if matrix[i, j].free_symbols:
                raise QueryError(
                    f"The step of this system is not affine: d{target}/d{source} = {matrix[i, j]}. "
                    f"Closed forms are for affine steps; {beside}."
                )
    constant = [step[v].subs(dict.fromkeys(variables, 0)) for v in variables]
    noises = [e for e in system.noises if any(e in entry.free_symbols for entry in constant)]
    gains = Matrix(len(variables), len(noises), lambda i, j: _gain(constant[i], noises[j], beside))
    laws = [_normal(e, beside) for e in noises]
    offset = Matrix([entry.subs(dict.fromkeys(noises, 0)) for entry in constant])
    line = matrix * Matrix(variables) + gains * Matrix(len(noises), 1, noises) + offset
    _check_whole(step, variables, line, beside)
    for j, (mean, _) in enumerate(laws):
        offset += gains[:, j] * mean
    return AffineStep(matrix, gains * sympy.diag(*(spread for _, spread in laws)), offset)


def _check_whole(
    step: Mapping[Variable, Expr], variables: tuple[Variable, ...], line: Matrix, beside: str
) -> None:
    """The step is its line, everywhere: floor(x) has the derivative 0, and is no constant."""
    for i, target in enumerate(variables):
        missing = sympy.expand(step[target] - line[i])
        if missing != 0 and not _cancels(missing, target, beside):
            raise QueryError(
                f"The step of this system is not affine: {target} becomes {step[target]}. Closed "
                f"forms are for affine steps; {beside}."
            )


def _cancels(missing: Expr, target: Variable, beside: str) -> bool:
    with bounded(f"Whether {target} becomes what is affine", beside):
        return bool(sympy.simplify(missing) == 0)


def _gain(entry: Expr, noise: Noise, beside: str) -> Expr:
    """By how much one noise is multiplied before it is added, a constant."""
    with bounded(f"The effect of the noise {noise}", beside):
        gain = sympy.simplify(Expression(entry).partial(noise))
    if gain.free_symbols:
        raise QueryError(
            f"The step of this system is not affine in its noise: d/d{noise} of {entry} is {gain}. "
            f"Closed forms are for noise that is added; {beside}."
        )
    return gain


def _normal(noise: Noise, beside: str) -> tuple[Expr, Expr]:
    """The mean and the deviation of a normal noise, exact."""
    if not isinstance(noise.law, Normal):
        raise QueryError(
            f"The noise {noise} is {law_text(noise.law)}: the closed form is for normal noise, "
            f"normal(mean, deviation); {beside}."
        )
    return rational(noise.law.mean), rational(noise.law.deviation)
