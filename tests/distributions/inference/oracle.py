"""Random finite networks, and what is true of them: sums over all that noise does, in Fractions.

The oracle knows no factor and no graph: it draws nothing, but goes through all that the noises can
do, and lets each world follow.
"""

import itertools
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import strategies as st

from causalopt import Network, finite, table


@dataclass(frozen=True)
class Example:
    """Nodes 0, 1, ..., each with its parents before it, and its chances by their places."""

    sizes: tuple[int, ...]
    parents: tuple[tuple[int, ...], ...]
    rows: tuple[dict, ...]

    @property
    def variables(self):
        return [finite(f"x{i}", range(size)) for i, size in enumerate(self.sizes)]

    def table(self, i, rows=None, number=lambda mass: mass):
        x = self.variables
        masses = {
            place: {value: number(mass) for value, mass in enumerate(row)}
            for place, row in (self.rows[i] if rows is None else rows).items()
        }
        return table([x[j] for j in self.parents[i]], masses if self.parents[i] else masses[()])

    def network(self, number=lambda mass: mass):
        return Network({x: self.table(i, number=number) for i, x in enumerate(self.variables)})

    def noises(self, others=()):
        """All that the noise of each node can do that some row tells apart: (chance, a number)."""
        each = []
        for i in range(len(self.sizes)):
            rows = [*self.rows[i].values(), *(row for o in others for row in o.get(i, {}).values())]
            cuts = {Fraction(0), Fraction(1)}
            for row in rows:
                cuts |= {sum(row[:k], Fraction(0)) for k in range(len(row))}
            ends = sorted(cuts)
            each.append([(b - a, a) for a, b in itertools.pairwise(ends)])
        return each

    def state(self, noise, done=None, rows=None, held=None):
        """Where each node is, by what its noise does, what is done, and what is held."""
        places = []
        for i in range(len(self.sizes)):
            if done and i in done:
                places.append(done[i])
            elif held and i in held:
                places.append(held[i])
            else:
                table_of = (rows or {}).get(i, self.rows[i])
                row = table_of[tuple(places[j] for j in self.parents[i])]
                places.append(next(k for k in range(len(row)) if noise[i] < sum(row[: k + 1])))
        return tuple(places)

    def worlds(self, *worlds, others=()):
        """The joint states of several worlds of one noise, with their chances.

        A world is a function of the noise, and of the states of the worlds before it.
        """
        joint = {}
        for combination in itertools.product(*self.noises(others)):
            chance = Fraction(1)
            for mass, _ in combination:
                chance *= mass
            noise = [start for _, start in combination]
            states = []
            for world in worlds:
                states.append(world(noise, *states))
            joint[tuple(states)] = joint.get(tuple(states), 0) + chance
        return joint


def fractions_of(draw, size):
    weights = draw(st.lists(st.integers(0, 4), min_size=size, max_size=size).filter(any))
    return tuple(Fraction(w, sum(weights)) for w in weights)


@st.composite
def examples(draw, most=4):
    count = draw(st.integers(1, most))
    sizes = tuple(draw(st.integers(1, 3)) for _ in range(count))
    parents = tuple(
        tuple(draw(st.lists(st.integers(0, i - 1), max_size=2, unique=True))) if i else ()
        for i in range(count)
    )
    return Example(sizes, parents, tuple(rows_for(draw, sizes, parents, i) for i in range(count)))


def rows_for(draw, sizes, parents, i):
    places = itertools.product(*(range(sizes[j]) for j in parents[i]))
    return {place: fractions_of(draw, sizes[i]) for place in places}


def events(draw, example, most=2):
    nodes = st.lists(st.integers(0, len(example.sizes) - 1), max_size=most, unique=True)
    return {i: draw(st.integers(0, example.sizes[i] - 1)) for i in draw(nodes)}


def conditioned(joint, seen):
    """The states in which something is seen, their chances over their sum; None where that is 0."""
    left = {state: mass for state, mass in joint.items() if mass and seen(state)}
    total = sum(left.values())
    return {state: mass / total for state, mass in left.items()} if total else None


def marginal_of(joint, what):
    sums = {}
    for state, mass in joint.items():
        sums[what(state)] = sums.get(what(state), 0) + mass
    return sums
