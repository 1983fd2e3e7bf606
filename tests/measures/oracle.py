"""An independent oracle: random smooth systems, their worlds and Comp in 50-digit mpmath.

Formulas are small trees of tuples; they become sympy on one side and mpmath on the other, and
nothing of the package takes part in the second.
"""

from dataclasses import dataclass

import mpmath
import sympy as sp
from hypothesis import strategies as st

H = mpmath.mpf(10) ** -18


def formulas(leaves):
    """Trees over leaves, tame enough that a few steps stay of moderate size."""
    numbers = st.integers(-8, 8).map(lambda n: ("number", n / 4))
    atoms = st.one_of(st.sampled_from([("leaf", leaf) for leaf in leaves]), numbers)
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.tuples(st.just("add"), inner, inner),
            st.tuples(st.just("product"), inner, inner),
            st.tuples(st.just("sin"), inner),
            st.tuples(st.just("tanh"), inner),
            st.tuples(st.just("bell"), inner),
        ),
        max_leaves=5,
    ).map(lambda tree: ("add", ("tanh", tree), ("leaf", leaves[0])))


def as_sympy(tree, symbols):
    head, *rest = tree
    if head == "leaf":
        return symbols[rest[0]]
    if head == "number":
        return sp.Float(rest[0])
    parts = [as_sympy(one, symbols) for one in rest]
    return {
        "add": lambda u, v: u + v,
        "product": lambda u, v: sp.tanh(u) * sp.sin(v),
        "sin": sp.sin,
        "tanh": sp.tanh,
        "bell": lambda u: sp.exp(-(u**2)),
    }[head](*parts)


def as_number(tree, values):
    head, *rest = tree
    if head == "leaf":
        return values[rest[0]]
    if head == "number":
        return mpmath.mpf(rest[0])
    parts = [as_number(one, values) for one in rest]
    return {
        "add": lambda u, v: u + v,
        "product": lambda u, v: mpmath.tanh(u) * mpmath.sin(v),
        "sin": mpmath.sin,
        "tanh": mpmath.tanh,
        "bell": lambda u: mpmath.exp(-u * u),
    }[head](*parts)


@dataclass(frozen=True)
class Steps:
    """A system as trees: ``formulas[i]`` over the values one step before."""

    formulas: tuple
    start: tuple

    def walk(self, steps, nudged=None, by=0, held=(), to=None):
        """All values; ``nudged`` a (variable, step); ``held`` pairs copied from ``to``."""
        rows = []
        for t in range(steps + 1):
            if t == 0:
                row = [mpmath.mpf(v) for v in self.start]
            else:
                row = [as_number(tree, rows[-1]) for tree in self.formulas]
            for i in range(len(row)):
                if (i, t) in held:
                    row[i] = to[t][i]
                if (i, t) == nudged:
                    row[i] += by
            rows.append(row)
        return rows

    def comp(self, steps, nudged, held, m):
        """Comp at variable m over all steps, by central differences; None where 0/0."""
        base = self.walk(steps)
        spread = []
        for holding in ((), held):
            up = self.walk(steps, nudged, H, holding, base)
            down = self.walk(steps, nudged, -H, holding, base)
            spread.append([(u[m] - d[m]) / (2 * H) for u, d in zip(up, down, strict=True)])
        return list(zip(*spread, strict=True))
