"""An oracle for finite worlds: plain dicts of Fractions, summed state by state.

Nothing of the package takes part in it but the declaration of what is asked.
"""

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import strategies as st

from causalopt import Distribution, System, finite, table


@dataclass(frozen=True)
class Tables:
    """Two variables: ``rules[i][(a, b)]`` gives the chances of the next value of the i-th."""

    sizes: tuple
    rules: tuple
    masses: dict

    @property
    def variables(self):
        return tuple(finite(name, range(size)) for name, size in zip("AB", self.sizes, strict=True))

    @property
    def system(self):
        pair = self.variables
        tables = {
            v: table(pair, {state: dict(enumerate(row)) for state, row in rule.items()})
            for v, rule in zip(pair, self.rules, strict=True)
        }
        return System(tables, start=dict.fromkeys(pair, 0))

    @property
    def P(self):
        return Distribution.of(self.variables, dict(self.masses))

    def step(self, masses):
        after = {}
        for state, mass in masses.items():
            rows = [rule[state] for rule in self.rules]
            for a, b in itertools.product(*map(range, self.sizes)):
                chance = mass * rows[0][a] * rows[1][b]
                if chance:
                    after[a, b] = after.get((a, b), 0) + chance
        return after

    def joint(self, masses, steps):
        """The masses of (state now, state later)."""
        return {
            (now, later): mass
            for now in masses
            for later, mass in self.walk({now: masses[now]}, steps).items()
        }

    def walk(self, masses, steps):
        for _ in range(steps):
            masses = self.step(masses)
        return masses

    def apart(self):
        """The masses of P with A and B made independent."""
        first, second = (marginal(self.masses, lambda s, i=i: s[i]) for i in (0, 1))
        return {(a, b): p * q for a, p in first.items() for b, q in second.items()}


def marginal(masses, of):
    """The masses of a function of the state."""
    summed = {}
    for state, mass in masses.items():
        summed[of(state)] = summed.get(of(state), 0) + mass
    return summed


def entropy(masses):
    return -math.fsum(float(m) * math.log2(m) for m in masses.values() if m)


def information(joint, first, second, given=lambda _: ()):
    """I(first; second | given), term by term."""
    both = marginal(joint, lambda s: (first(s), second(s), given(s)))
    one = marginal(joint, lambda s: (first(s), given(s)))
    two = marginal(joint, lambda s: (second(s), given(s)))
    known = marginal(joint, given)
    return math.fsum(
        float(m) * math.log2(m * known[g] / (one[u, g] * two[v, g]))
        for (u, v, g), m in both.items()
        if m
    )


def chances(size, sure):
    """A row of chances: a few quarters, or one value."""
    if sure:
        return st.integers(0, size - 1).map(lambda i: unit(size, i))
    weights = st.lists(st.integers(0, 3), min_size=size, max_size=size)
    return weights.filter(any).map(lambda w: tuple(Fraction(n, sum(w)) for n in w))


def unit(size, place):
    return tuple(Fraction(int(i == place)) for i in range(size))


@st.composite
def worlds(draw, sure=None):
    """Worlds of two variables with two or three values, some without chance."""
    sizes = draw(st.tuples(st.integers(2, 3), st.integers(2, 3)))
    states = list(itertools.product(*map(range, sizes)))
    certain = draw(st.booleans()) if sure is None else sure
    rules = tuple({state: draw(chances(size, certain)) for state in states} for size in sizes)
    weights = draw(
        st.lists(st.integers(0, 3), min_size=len(states), max_size=len(states)).filter(any)
    )
    masses = {s: Fraction(w, sum(weights)) for s, w in zip(states, weights, strict=True) if w}
    return Tables(sizes, rules, masses)
