"""Random small Bayesian networks: as plain data, in code, and their marginals in fractions."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np
from hypothesis import strategies as st

from causalopt import Network, finite, table

# Letters that formats, terminals and code have meanings for are among them.
ODD = "ab5_-.+<>=/&'θ é:#%$@!?*~^`\\|{}()[],;"
PIECES = 64  # chances are so many parts of 64, which no rounding touches


def names(letters=ODD):
    return st.text(letters, min_size=1, max_size=6).map(str.strip).filter(bool)


@dataclass(frozen=True)
class Recipe:
    """Variables by name with their values, parents by place, and the rows of chances in 64ths."""

    names: tuple
    values: tuple
    parents: tuple
    rows: tuple  # for each variable, a row for each joint state of its parents, the last fastest

    def states(self, variable):
        """The joint states of its parents, in the order of the rows."""
        return list(product(*(self.values[parent] for parent in self.parents[variable])))

    def network(self):
        """As it is declared in code; what is sure has no chance."""
        of = [finite(name, values) for name, values in zip(self.names, self.values, strict=True)]
        mechanisms, start = {}, {}
        for i, variable in enumerate(of):
            rows = np.array(self.rows[i]) / PIECES
            shape = [len(self.values[parent]) for parent in self.parents[i]]
            if ((rows == 0) | (rows == 1)).all():
                places = rows.argmax(axis=1)
                if not shape:
                    start[variable] = variable.values[places[0]]
                    continue
                rows, last = places, []
            else:
                last = [variable.size]
            seen = tuple(of[parent] for parent in self.parents[i])
            mechanisms[variable] = table(seen, rows.reshape(*shape, *last))
        return Network(mechanisms, start=start)

    def exact_marginals(self):
        """The chance of each value of each variable, summed over all joint states."""
        sums = [dict.fromkeys(values, Fraction(0)) for values in self.values]
        states = [self.states(i) for i in range(len(self.names))]
        for state in product(*self.values):
            chance = Fraction(1)
            for i, value in enumerate(state):
                row = states[i].index(tuple(state[parent] for parent in self.parents[i]))
                chance *= Fraction(self.rows[i][row][self.values[i].index(value)], PIECES)
            for i, value in enumerate(state):
                sums[i][value] += chance
        return dict(zip(self.names, sums, strict=True))


@st.composite
def recipes(draw, letters=ODD, most=4):
    count = draw(st.integers(1, most))
    called = draw(st.lists(names(letters), min_size=count, max_size=count, unique=True))
    values = [
        draw(st.lists(names(letters), min_size=1, max_size=3, unique=True)) for _ in range(count)
    ]
    parents, rows = [], []
    for i in range(count):
        seen = draw(st.lists(st.integers(0, i - 1), max_size=2, unique=True)) if i else []
        number = int(np.prod([len(values[parent]) for parent in seen], dtype=int))
        is_sure = draw(st.booleans()) and i > 0
        parents.append(tuple(seen))
        rows.append(tuple(draw(_row(len(values[i]), is_sure)) for _ in range(number)))
    order = draw(st.permutations(range(count)))
    at = {old: new for new, old in enumerate(order)}
    return Recipe(
        tuple(called[i] for i in order),
        tuple(tuple(values[i]) for i in order),
        tuple(tuple(at[parent] for parent in parents[i]) for i in order),
        tuple(rows[i] for i in order),
    )


@st.composite
def _row(draw, size, is_sure):
    if is_sure:
        place = draw(st.integers(0, size - 1))
        return tuple(PIECES * (i == place) for i in range(size))
    cuts = sorted(draw(st.lists(st.integers(0, PIECES), min_size=size - 1, max_size=size - 1)))
    return tuple(b - a for a, b in zip([0, *cuts], [*cuts, PIECES], strict=True))
