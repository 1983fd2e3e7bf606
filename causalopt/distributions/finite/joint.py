"""Distributions over the joint states of finite variables: exact (sympy) or float arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import sympy
from sympy import Expr, Symbol

from causalopt.distributions.finite import build, show, worlds
from causalopt.distributions.finite.states import (
    check_variables,
    codes_of,
    marginal_masses,
    outer,
    refuse_too_many,
    state_of,
    strides,
    substates,
)
from causalopt.ground.checks import as_mapping, of_kind
from causalopt.ground.errors import QueryError, nearest, stranger
from causalopt.ground.masses import (
    Masses,
    as_floats,
    check_masses,
    entropy_of,
    exact_array,
    is_exact,
    masses_of,
    sum_by_state,
    tidy,
    to_one_kind,
)
from causalopt.ground.readonly import fields_alone, restore
from causalopt.ground.types import Bools, Ints
from causalopt.language.domains import Value
from causalopt.language.finite_variables import Finite, own_variable
from causalopt.language.splits import Split, as_split
from causalopt.model.system import System
from causalopt.model.world import World

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Distribution:
    """A probability mass function over the joint states of finite variables.

    ``states`` (k,) are the states that have mass, ascending, the last variable running fastest;
    ``masses`` (k,) are sympy expressions (exact) or float64. States without mass are not kept, so
    that a small support costs little whatever the number of states. Operations on exact masses
    stay exact; where exact and float masses meet, the result is float. Made by ``of``,
    ``uniform``, ``delta``, ``product`` and ``neighbourhood``.

    Raises ``DeclarationError`` for masses that are negative, NaN, infinite, or do not sum to 1
    (floats: within 1e-9). Nothing is renormalised but where ``of`` is asked to.

    >>> from causalopt.language.finite_variables import finite
    >>> T, R = finite("T", ["high", "off"]), finite("R", ["hot", "cold"])
    >>> P = Distribution.of((T, R), {("high", "cold"): sympy.Rational(1, 2), ("off", "hot"): 0.5})
    >>> print(P)
          hot  cold
    high    0   0.5
    off   0.5     0
    """

    variables: tuple[Finite, ...]
    states: Ints
    masses: Masses

    def __post_init__(self) -> None:
        check_masses(self.masses, self._head, lambda i: state_of(self.variables, self.states[i]))
        self.states.setflags(write=False)
        self.masses.setflags(write=False)

    __getstate__, __setstate__ = fields_alone, restore

    # -- how it is made --------------------------------------------------------------------------

    @classmethod
    def of(
        cls,
        variables: Finite | Iterable[Finite],
        masses: object,
        *,
        normalise: bool = False,
    ) -> Distribution:
        """A distribution from a table of masses; a state that is left out has none.

        ``masses`` maps states to masses ({("high", "cold"): Rational(1, 3), ...}, for one variable
        {"high": ...}), or is a nested list or array with one axis a variable, as tables print.
        ``normalise=True`` divides them by their sum: counts, or published masses that are rounded.

        >>> from causalopt.language.finite_variables import finite
        >>> T = finite("T", ["high", "off"])
        >>> print(Distribution.of(T, {"high": 1, "off": 3}, normalise=True))
         high  off
          1/4  3/4
        """
        known = check_variables(variables)
        return cls(known, *build.listed_masses(known, masses, normalise))

    @classmethod
    def uniform(cls, *variables: Finite) -> Distribution:
        """The same exact mass 1/n for each of the n joint states.

        >>> from causalopt.language.finite_variables import finite
        >>> Distribution.uniform(finite("T", ["high", "low", "off"])).entropy()
        log(3)/log(2)
        """
        known = check_variables(variables)
        size = math.prod(v.size for v in known)
        refuse_too_many(size, "A distribution")
        masses = np.full(size, sympy.Rational(1, size), dtype=object)
        return cls(known, np.arange(size, dtype=np.int64), masses)

    @classmethod
    def delta(cls, state: Mapping[Finite, Value]) -> Distribution:
        """All mass at one state: {T: "high", R: "cold"}."""
        as_mapping(state, "The state", '{T: "high"}')
        known = check_variables(state)
        place = sum(
            v.code(state[v], f"delta: {v}") * s for v, s in zip(known, strides(known), strict=True)
        )
        return cls(known, np.array([place], dtype=np.int64), exact_array([sympy.Integer(1)]))

    @classmethod
    def product(cls, *factors: Distribution) -> Distribution:
        """The variables of the factors together, those of different factors independent."""
        known = [of_kind(f, Distribution, "A factor", "a Distribution") for f in factors]
        over = check_variables([v for factor in known for v in factor.variables])
        return cls(over, *outer(over, [(f.variables, f.states, f.masses) for f in known]))

    @classmethod
    def neighbourhood(
        cls, state: Mapping[Finite, Value], epsilon: object | Mapping[Finite, object]
    ) -> Distribution:
        """The states around one: each variable leaves its value with chance epsilon, by itself.

        P(s) = prod_v (1 - epsilon where s_v = state_v, else epsilon / (n_v - 1)), for n_v values
        of v. ``epsilon`` is a number from 0 to 1, an expression, or one of these per variable.
        Where the neighbours are not alike, take a ``product`` of marginals instead.

        Source: "Defining Optimization in a Deeper Way", part 2.

        >>> from causalopt.language.finite_variables import finite
        >>> T = finite("T", ["high", "low", "off"])
        >>> print(Distribution.neighbourhood({T: "low"}, sympy.Symbol("epsilon", positive=True)))
              high          low        off
         epsilon/2  1 - epsilon  epsilon/2
        """
        known = check_variables(state)
        chances = build.chances(known, epsilon)
        return cls.product(
            *(cls.of(v, build.around(v, state[v], chance)) for v, chance in chances.items())
        )

    # -- what it says ----------------------------------------------------------------------------

    @property
    def exact(self) -> bool:
        """Whether the masses are sympy expressions."""
        return is_exact(self.masses)

    @property
    def size(self) -> int:
        """The number of joint states, with mass or without."""
        return math.prod(v.size for v in self.variables)

    def mass(self, event: Mapping[Finite, Value]) -> Expr | float:
        """The mass of all states that agree with ``event``: {T: "high"}, or a whole state."""
        kept = self._agreeing(event)
        if self.exact:
            return tidy(sympy.Add(*self.masses[kept]))
        return float(self.masses[kept].sum())

    def marginal(self, *variables: Finite) -> Distribution:
        """The distribution of some of the variables, in the order in which they are named."""
        wanted = check_variables([self._check_known(variable) for variable in variables])
        # Where every state has mass, sums over axes cost less than sums by the number of the state.
        if self.states.size == self.size and not self.exact:
            return Distribution(wanted, *marginal_masses(self.variables, self.masses, wanted))
        size = math.prod(v.size for v in wanted)
        states = substates(self.states, self.variables, wanted)
        return Distribution(wanted, *sum_by_state(states, self.masses, size))

    def decorrelate(self, *parts: object) -> Distribution:
        """The product of the marginals of the parts: each keeps its own, none tells of another.

        P'(s) = prod_parts P(s_part). ``parts``: ``T | R``, ``Split((T, V), R)``, or the parts one
        by one, which together name every variable. Source: part 1.

        >>> from causalopt.language.finite_variables import finite
        >>> T, R = finite("T", ["high", "off"]), finite("R", ["hot", "cold"])
        >>> P = Distribution.of((T, R), [[0, sympy.Rational(1, 2)], [sympy.Rational(1, 2), 0]])
        >>> P.decorrelate(T | R).entropy() - P.entropy()
        1
        """
        split = self.split(*parts)
        marginals = [self.marginal(*_variables_of(part, self.variables)) for part in split.parts]
        pieces = [(m.variables, m.states, m.masses) for m in marginals]
        return Distribution(self.variables, *outer(self.variables, pieces))

    def split(self, *parts: object) -> Split:
        """The split that the parts name, checked against these variables."""
        return as_split(parts, self.variables)

    def given(self, event: Mapping[Finite, Value]) -> Distribution:
        """The distribution over the same variables, given that some have a value: Bayes' rule.

        P(s | event) = P(s) / P(event) for the states that agree with the event, 0 for the others.
        Raises ``QueryError`` for an event of probability 0.

        >>> from causalopt.language.finite_variables import finite
        >>> T, R = finite("T", ["high", "off"]), finite("R", ["hot", "cold"])
        >>> P = Distribution.of((T, R), [[0.1, 0.3], [0.2, 0.4]])
        >>> print(P.given({R: "hot"}).marginal(T))
             high       off
         0.333333  0.666667
        """
        kept = self._agreeing(event)
        masses = self.masses[kept]
        total = tidy(sympy.Add(*masses)) if self.exact else float(masses.sum())
        if total == 0:
            seen = ", ".join(f"{v} = {value}" for v, value in event.items())
            raise QueryError(
                f"{self._head} gives {seen} the mass 0, and nothing is to be said of what follows "
                "from it: give an event that can be."
            )
        shares = masses / total
        if self.exact:
            shares = exact_array([tidy(share) for share in shares])
        return Distribution(self.variables, self.states[kept], shares)

    def push(self, system: System | World[System], steps: int | None = None) -> Distribution:
        """The distribution a number of steps later (1), in a system of the same finite variables.

        P_{i+1}(s') = sum_s P_i(s) prod_v p(s'_v | s). Cost: linear in the states with mass where
        tables are deterministic, and times the values that rows spread over where not. Through a
        ``World`` it goes to the end, with what is done there: a ``do`` of a start changes P first.

        Source: "Defining Optimization in a Deeper Way", part 1.

        >>> from causalopt.language.finite_variables import finite
        >>> T = finite("T", ["high", "off"])
        >>> W = System({T: T}, start={T: "off"}).world(steps=3)
        >>> print(Distribution.uniform(T).push(W.do(T[2], "high")))
         high  off
            1    0
        """
        pushed = worlds.pushed(system, steps, self.variables, self.states, self.masses)
        return Distribution(self.variables, *pushed)

    def entropy(self, base: Expr | float = 2) -> Expr | float:
        """S = -sum_s P(s) log P(s) in units of log(base), bits unless asked otherwise.

        0 log 0 = 0. Exact masses give a closed form, floats a float.
        """
        return entropy_of(self.masses, base)

    def mutual_information(self, *parts: object, base: Expr | float = 2) -> Expr | float:
        """I = sum_parts S[part] - S[all]; for more than two parts, the total correlation.

        The parts need not name every variable: the others are summed out. Equal to
        S[decorrelate(P)] - S[P], in units of log(base).
        """
        split = as_split(parts, _variables_of(parts, self.variables))
        entropies = [
            self.marginal(*_variables_of(part, self.variables)).entropy(base)
            for part in (*split.parts, split.variables)
        ]
        return sum(entropies[:-1]) - entropies[-1]

    def total_variation(self, other: Distribution) -> Expr | float:
        """TV = sum_s |P(s) - Q(s)| / 2, from 0 (the same) to 1 (no state in common)."""
        of_kind(other, Distribution, "other", "a Distribution over the same variables")
        if set(self.variables) != set(other.variables):
            raise QueryError(
                f"{self._head} and {other._head} are over different variables: take marginals over "
                f"the same ones.{stranger(other.variables, self.variables)}"
            )
        # One minus the other as a signed measure: states that both have meet in the sum.
        mine, theirs = to_one_kind(self.masses, other.marginal(*self.variables).masses)
        states = np.concatenate([self.states, other.marginal(*self.variables).states])
        _, differences = sum_by_state(states, np.concatenate([mine, -theirs]), self.size)
        if is_exact(differences):
            return sympy.Add(*(sympy.Abs(d) for d in differences)) / 2
        return float(np.abs(differences).sum()) / 2

    def subs(self, values: Mapping[Symbol, object]) -> Distribution:
        """The distribution with numbers in place of symbols: exact by rationals, float by floats.

        Raises ``DeclarationError`` where a mass becomes negative: epsilon = 2.
        """
        given = as_mapping(values, "values", "{epsilon: 0.1}")
        if not self.exact:
            return self
        symbols = [of_kind(key, Symbol, "A key of values", "a symbol") for key in given]
        numbers = {s: masses_of([given[s]], f"values[{s}]")[0] for s in symbols}
        masses = masses_of([mass.subs(numbers) for mass in self.masses], self._head)
        return Distribution(self.variables, *_without_zeros(self, masses))

    def floats(self) -> Distribution:
        """The same masses as float64; an error where a symbol has no number."""
        return Distribution(self.variables, self.states, as_floats(self.masses))

    def to_xarray(self) -> xr.DataArray:
        """All masses as a labelled array with one dim a variable; symbols are an error."""
        import xarray as xr

        refuse_too_many(self.size, "An array", 16)
        dense = np.zeros(self.size)
        dense[self.states] = self.floats().masses
        coords = {v.name: v.domain.labels for v in self.variables}
        shape = [v.size for v in self.variables]
        return xr.DataArray(dense.reshape(shape), coords, list(coords), name="probability")

    # -- how it compares and prints ---------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        """The same variables in the same order, and equal masses (exact ones by their form)."""
        if not isinstance(other, Distribution):
            return NotImplemented
        return (
            self.variables == other.variables
            and np.array_equal(self.states, other.states)
            and np.array_equal(self.masses, other.masses)
        )

    def __hash__(self) -> int:
        return hash((self.variables, self.states.tobytes()))

    @property
    def _head(self) -> str:
        return f"P({', '.join(map(str, self.variables))})"

    def _check_known(self, variable: object) -> Finite:
        known = own_variable(variable)
        if known is None or known not in self.variables:
            raise QueryError(
                f"{self._head} does not have {variable}.{nearest(variable, self.variables)}"
            )
        return known

    def _agreeing(self, event: Mapping[Finite, Value]) -> Bools:
        """Which of the states agree with an event."""
        kept = np.ones(self.states.size, dtype=bool)
        for variable, value in as_mapping(event, "The event", '{T: "high"}').items():
            known = self._check_known(variable)
            kept &= self._codes(known) == known.code(value, f"The event: {known}")
        return kept

    def _codes(self, variable: Finite) -> Ints:
        return codes_of(self.states, self.variables, self._check_known(variable))

    def __str__(self) -> str:
        return show.text(self.variables, self.states, self.masses)

    def __repr__(self) -> str:
        kind = "exact" if self.exact else "float"
        if self.states.size > 20:
            return f"<{self._head}, {kind}: {self.states.size} of {self.size} states have mass>"
        cells = [
            f"{state_of(self.variables, state)}: {mass}"
            for state, mass in zip(self.states, self.masses, strict=True)
        ]
        return f"<{self._head}, {kind}: {'; '.join(cells)}>"

    def _repr_latex_(self) -> str:
        return show.latex(self.variables, self.states, self.masses)

    def _repr_html_(self) -> str:
        return show.html(self.variables, self.states, self.masses)


def _without_zeros(distribution: Distribution, masses: Masses) -> tuple[Ints, Masses]:
    """States and masses without zeros; negative masses are kept, for the constructor to refuse."""
    kept = np.array([mass != 0 for mass in masses], dtype=bool)
    return distribution.states[kept], masses[kept]


def _variables_of(parts: tuple[object, ...], variables: tuple[Finite, ...]) -> tuple[Finite, ...]:
    """Those of the variables that the parts name."""
    flat: set[object] = set()
    for part in parts:
        if isinstance(part, Split):
            flat |= set(part.variables)
        elif isinstance(part, Finite):
            flat.add(part)
        elif isinstance(part, Iterable):
            flat |= set(part)
    return tuple(v for v in variables if v in flat)
