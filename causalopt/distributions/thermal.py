"""Enthalpies of states, and the Boltzmann distribution that they give at a temperature."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Rational
from typing import Literal

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr

from causalopt.backends.evaluation import evaluate
from causalopt.distributions.finite.build import refuse_twice
from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.finite.states import (
    Variables,
    check_variables,
    refuse_too_many,
    state_of,
    strides,
)
from causalopt.ground.checks import as_float, is_option, of_kind, refuse_masked, shown
from causalopt.ground.errors import DeclarationError, QueryError
from causalopt.ground.holding import hashed, same
from causalopt.ground.masses import exact_array, is_exact
from causalopt.ground.readonly import fields_alone, restore
from causalopt.ground.types import Array, Bools, Floats
from causalopt.language.domains import Value
from causalopt.language.finite_variables import Finite
from causalopt.mechanisms.symbolic import expression

#: "maximise": high enthalpies are likely, and G = H + T S is maximised, as in the source.
#: "minimise": low energies are likely, and F = E - T S is minimised, as in physics.
Convention = Literal["maximise", "minimise"]


@dataclass(frozen=True, eq=False)
class Enthalpies:
    """What each joint state of finite variables is worth, and in which sense.

    ``values`` (n,) has one enthalpy a state, in the order of ``Distribution``: sympy expressions
    (exact) or float64. With ``convention`` "maximise" (the default, as in the source) states of
    high enthalpy are the likely ones; with "minimise" those of low energy, as in physics. A
    forbidden state has the infinite value of the unlikely side: -inf, or inf where minimised.
    Made by ``of``.

    Raises ``DeclarationError`` for a value that is NaN, infinite on the likely side, or complex,
    and where all states are forbidden.

    >>> from causalopt.language.finite_variables import finite
    >>> level = finite("level", ["ground", "excited"])
    >>> boltzmann(Enthalpies.of(level, {"ground": 0, "excited": 1}, "minimise"), T=sympy.oo).mass(
    ...     {level: "excited"}
    ... )
    1/2
    """

    variables: Variables
    values: Array
    convention: Convention = "maximise"

    def __post_init__(self) -> None:
        if not is_option(self.convention, ("maximise", "minimise")):
            raise DeclarationError(
                f'convention is {shown(self.convention)}: write "maximise", where states of high '
                'enthalpy are likely, or "minimise", where those of low energy are.'
            )
        size = math.prod(v.size for v in self.variables)
        if self.values.shape != (size,):
            raise DeclarationError(
                f"There are {self.values.size} enthalpies for {size} states: give each one its own."
            )
        self._check()
        self.values.setflags(write=False)

    __getstate__, __setstate__ = fields_alone, restore
    __eq__, __hash__ = same, hashed

    @classmethod
    def of(
        cls,
        variables: Finite | Iterable[Finite],
        values: Mapping[Value | tuple[Value, ...], Expr | float] | npt.ArrayLike,
        convention: Convention = "maximise",
    ) -> Enthalpies:
        """Enthalpies from a table: {"ground": 0, ...} or {("up", "down"): 1, ...}, or an array.

        A dict names every state; an array has one axis a variable. Whole numbers, fractions and
        sympy expressions stay exact; any float makes all of them floats.
        """
        known = check_variables(variables)
        shape = tuple(v.size for v in known)
        if not isinstance(values, Mapping):
            refuse_masked(values, "The array of enthalpies")
            flat = np.asarray(values)
            if flat.shape != shape:
                raise DeclarationError(
                    f"The enthalpies have shape {flat.shape}: write one axis a variable, {shape}."
                )
            return cls(known, _numbers(flat.reshape(-1).tolist()), convention)
        places = [_place(known, state) for state in values]
        refuse_twice(list(values), places, "The enthalpies have a second value")
        value_of = dict(zip(places, values.values(), strict=True))
        missing = next((i for i in range(math.prod(shape)) if i not in value_of), None)
        if missing is not None:
            raise DeclarationError(
                f"{state_of(known, missing)} has no enthalpy: give one for each state; a state "
                "that cannot be has an infinite one."
            )
        return cls(known, _numbers([value_of[i] for i in range(len(value_of))]), convention)

    @classmethod
    def tabulated(
        cls, variables: Iterable[Finite], formula: Expr, convention: Convention = "minimise"
    ) -> Enthalpies:
        """The value of a formula in every state, in floats; variables stand for their places.

        For the energies of ``annealing``: Enthalpies.tabulated(model.spins, model.energy).
        """
        known, formula = check_variables(variables), expression(formula, "the energy").formula
        foreign = sorted(formula.free_symbols - set(known), key=str)
        if foreign:
            raise DeclarationError(
                f"The formula uses {foreign[0]}, which is none of {', '.join(map(str, known))}."
            )
        size = math.prod(v.size for v in known)
        refuse_too_many(size, "A table of energies", 8 * (len(known) + 8))
        places = np.indices([v.size for v in known], dtype=np.float64)
        (energies,) = evaluate([formula], dict(zip(known, places, strict=True)))
        return cls(known, energies.reshape(-1), convention)

    @property
    def exact(self) -> bool:
        """Whether the enthalpies are sympy expressions."""
        return is_exact(self.values)

    @property
    def sign(self) -> int:
        """1 where enthalpies are maximised, -1 where energies are minimised."""
        return 1 if self.convention == "maximise" else -1

    @property
    def rewards(self) -> Array:
        """The enthalpies (n,) with the sign with which the high ones are likely."""
        return self.sign * self.values

    @functools.cached_property
    def floats(self) -> Floats:
        """The rewards (n,) as float64."""
        rewards: Floats = self.rewards.astype(np.float64)
        rewards.setflags(write=False)
        return rewards

    @property
    def allowed(self) -> Bools:
        """Which states (n,) are not forbidden."""
        if not self.exact:
            return np.asarray(np.isfinite(self.values), dtype=bool)
        # Symbols stand for finite numbers, so that only infinities themselves are forbidden.
        return np.array([not value.is_infinite for value in self.values], dtype=bool)

    def scaled(self, factor: Expr | float) -> Enthalpies:
        """All enthalpies times one number: a tax of the fraction f is ``scaled(1 - f)``.

        What is forbidden stays so, taxed or not. Raises ``DeclarationError`` for a float times
        symbols.

        Source: the comment on free energy and mode collapse.
        """
        number = _numbers([factor])[0]
        return Enthalpies(self.variables, _times(self.values, number), self.convention)

    def _check(self) -> None:
        rewards = self.rewards
        if not self.exact:
            unfit = np.flatnonzero(np.isnan(rewards) | (rewards == np.inf))
            # One look at all of them; of the floats only the first unfit one is then told of.
            rewards = rewards[: unfit[0] + 1] if unfit.size else rewards[:0]
        for i, value in enumerate(rewards):
            exact = isinstance(value, Expr)
            undefined = value.has(sympy.nan, sympy.zoo) if exact else math.isnan(value)
            if undefined or value == math.inf or (exact and value.is_extended_real is False):
                kind = "infinite on the likely side" if value == math.inf else "not a real number"
                raise DeclarationError(
                    f"{state_of(self.variables, i)} has the enthalpy {self.values[i]}, which is "
                    f"{kind}: write a real number, or {-self.sign * math.inf} for a state that "
                    "cannot be."
                )
        if not self.allowed.any():
            raise DeclarationError("Every state is forbidden: give one a finite enthalpy.")


def boltzmann(H: Enthalpies, T: Expr | float) -> Distribution:
    """The Boltzmann distribution: P(s) = exp(H(s)/T) / Z, with Z = sum_s exp(H(s)/T).

    Where energies are minimised, P(s) = exp(-E(s)/T) / Z. T > 0 is in units of the enthalpy
    (k_B = 1); T = inf is allowed, and gives the same chance to every allowed state. Exact where
    enthalpies and T are (T may be a positive symbol); in floats no T is too cold or too hot,
    since the largest exponent is taken out first.

    Raises ``QueryError`` for T <= 0.

    Source: the comment on free energy and mode collapse; Lagrange multipliers, in
    ``models/derive_free_energy.py``.

    >>> from causalopt.language.finite_variables import finite
    >>> level = finite("level", ["low", "high"])
    >>> H = Enthalpies.of(level, {"low": 0, "high": sympy.log(2)})
    >>> print(boltzmann(H, T=1))
     low  high
     1/3   2/3
    >>> print(boltzmann(Enthalpies.of(level, {"low": 0.0, "high": 1.0}), T=1e-300))
     low  high
       0     1
    """
    temperature, H = as_temperature(T), as_enthalpies(H)
    states = np.flatnonzero(H.allowed)
    if not _exact_at(H, temperature):
        # Shifted so that the likeliest state has weight 1: what is too small for a float then is
        # too small beside 1 as well, and its state is left out.
        weights = np.exp(_log_weights(H, float(temperature))[1])
        masses = weights / weights.sum()
        kept = masses > 0
        return Distribution(H.variables, np.flatnonzero(kept), masses[kept])
    exact = [_weight(value, temperature) for value in H.rewards[states]]
    total = sympy.Add(*exact)
    return Distribution(H.variables, states, exact_array([w / total for w in exact]))


def log_partition(H: Enthalpies, T: Expr | float) -> Expr | float:
    """log Z = log sum_s exp(H(s)/T), or log sum_s exp(-E(s)/T) where energies are minimised.

    In nats; by log-sum-exp in floats, a sympy expression where enthalpies and T are exact. As T
    goes to infinity it tends to the log number of allowed states.
    """
    temperature, H = as_temperature(T), as_enthalpies(H)
    if _exact_at(H, temperature):
        rewards = H.rewards[np.flatnonzero(H.allowed)]
        return sympy.log(sympy.Add(*(_weight(value, temperature) for value in rewards)))
    # log sum exp(x) = top + log sum exp(x - top), whose terms are from 0 to 1, one of them 1.
    top, below = _log_weights(H, float(temperature))
    return float(top + np.log(np.exp(below).sum()))


def as_temperature(T: object) -> Expr | float:
    """A temperature: a number above 0, infinity, or a positive symbol."""
    number = as_float(T)
    is_symbolic = isinstance(T, Expr) and T.is_extended_real is not False
    if T is sympy.nan or (number is None and not is_symbolic):
        raise QueryError(f"T is {shown(T)}: write a temperature, a number above 0.")
    is_exact = isinstance(T, Expr | Rational)
    temperature = sympy.sympify(T) if is_exact or number is None else number
    if isinstance(temperature, Expr) and temperature.free_symbols:
        if not temperature.is_positive:
            raise QueryError(
                f"T is {temperature}, which need not be above 0: make its symbols positive, "
                'Symbol("T", positive=True).'
            )
        return temperature
    if not temperature > 0:
        raise QueryError(
            f"T is {temperature}: a temperature is above 0. At T = 0 all mass is at the best "
            "states; come near it with a small T, such as 1e-9, which is safe here."
        )
    return temperature


def as_enthalpies(H: object) -> Enthalpies:
    """Enthalpies, or an error that says what to write."""
    return of_kind(
        H, Enthalpies, "H", 'Enthalpies, such as Enthalpies.of(T, {"low": 0, "high": 1})'
    )


def _exact_at(H: Enthalpies, T: Expr | float) -> bool:
    return H.exact and isinstance(T, Expr) and not T.has(sympy.Float)


def _weight(reward: Expr, T: Expr) -> Expr:
    return sympy.Integer(1) if T is sympy.oo else sympy.exp(reward / T)


def _log_weights(H: Enthalpies, T: float) -> tuple[float, Floats]:
    """The largest of H/T (or -E/T), and how far each of the n lies below it: 0 or less."""
    rewards = H.floats
    best = rewards.max()
    below = np.full(len(rewards), -np.inf)
    with np.errstate(over="ignore"):
        # Differences first: dividing by a tiny T before would leave infinities to subtract.
        below[H.allowed] = (rewards[H.allowed] - best) / T
        return float(best / T), below


def _place(variables: Variables, state: object) -> int:
    values = state if isinstance(state, tuple) else (state,)
    if len(values) != len(variables):
        raise DeclarationError(
            f"The state {state!r} has {len(values)} values: write one for each of "
            f"{', '.join(map(str, variables))}."
        )
    pairs = zip(variables, values, strides(variables), strict=True)
    return sum(v.code(value, f"enthalpies: {v}") * stride for v, value, stride in pairs)


def _numbers(given: Sequence[object]) -> Array:
    """Numbers as an array: exact where all are, else float64."""
    try:
        numbers = [
            number if isinstance(number, float) else sympy.sympify(number, strict=True)
            for number in given
        ]
    except sympy.SympifyError as error:
        raise DeclarationError(
            f"An enthalpy is {error.expr!r}: write a number or a sympy expression."
        ) from None
    bad = [number for number in numbers if not isinstance(number, Expr | float)]
    if bad:
        raise DeclarationError(f"An enthalpy is {bad[0]!r}: write a number.")
    expressions = [number for number in numbers if isinstance(number, Expr)]
    if len(expressions) == len(numbers) and not any(e.has(sympy.Float) for e in expressions):
        return exact_array(numbers)
    symbols = sorted({str(s) for expression in expressions for s in expression.free_symbols})
    if symbols:
        raise DeclarationError(
            f"The enthalpies mix the symbol {symbols[0]} with floats: write the floats as "
            "rationals, or give the symbol a number."
        )
    return np.array([_as_float(number) for number in numbers])


def _as_float(value: Expr | float) -> float:
    try:
        return float(value)
    except TypeError:
        raise DeclarationError(
            f"An enthalpy is {value}: write a real number, or, where the others are formulas, "
            "rationals in the place of floats."
        ) from None


def _times(values: Array, factor: Expr | float) -> Array:
    # No tax is infinite: 0 times what is forbidden is forbidden still.
    if is_exact(values) and isinstance(factor, Expr):
        return exact_array([v if v.is_infinite and factor == 0 else v * factor for v in values])
    number = _as_float(factor)
    floats = np.array([_as_float(value) for value in values])
    return np.where(np.isinf(floats), floats, 0.0) if number == 0 else floats * number
