"""Finite Markov chains: the sparse kernel of one step, where it settles, and how fast."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.finite.kernel import rules_of, transitions
from causalopt.distributions.finite.states import (
    Variables,
    check_variables,
    refuse_too_many,
    state_of,
    substates,
)
from causalopt.ground.checks import (
    TOLERANCE,
    as_float,
    as_floats,
    beside_one,
    refuse_masked,
    shown,
    switch,
    whole,
)
from causalopt.ground.errors import DeclarationError, QueryError, TooLargeError, stranger
from causalopt.ground.holding import hashed, same
from causalopt.ground.types import Floats, Ints
from causalopt.language.finite_variables import Finite
from causalopt.model.declaration import check_steps
from causalopt.model.system import System

if TYPE_CHECKING:
    from scipy.sparse import csr_array, sparray

#: Chains with more states than this are not turned into dense matrices.
DENSE = 2_000


@dataclass(frozen=True, eq=False)
class Chain:
    """The kernel K(s, s') = p(s' | s) of one step over the joint states of finite variables.

    ``kernel`` is a scipy CSR array (n, n) whose rows sum to 1; states are numbered as in
    ``Distribution``, the last variable running fastest. Made by ``of`` from a system of lookup
    tables, or from a kernel. What is read off it (``settled``, ``gap``) is in float64.

    Raises ``DeclarationError`` for a kernel of the wrong shape, with negative or undefined entries,
    or with a row that does not sum to 1 (within 1e-9).

    >>> from causalopt.language.finite_variables import finite
    >>> weather = finite("weather", ["dry", "wet"])
    >>> chain = Chain(weather, [[0.9, 0.1], [0.5, 0.5]])
    >>> print(chain.settled())
          dry       wet
     0.833333  0.166667
    >>> round(chain.gap(), 12)
    0.6
    """

    variables: Variables
    kernel: csr_array

    __eq__, __hash__ = same, hashed

    def __init__(
        self,
        variables: Finite | Iterable[Finite],
        kernel: npt.ArrayLike | sparray,
        *,
        normalise: bool = False,
    ) -> None:
        known = check_variables(variables)
        # A copy, since what is tidied here is not the caller's own.
        rows = _rows_of(kernel)
        rows.sum_duplicates()
        # What is read off the graph takes every entry that is stored for an arrow.
        rows.eliminate_zeros()
        if switch(normalise, "normalise"):
            rows = _normalised(known, rows)
        object.__setattr__(self, "variables", known)
        object.__setattr__(self, "kernel", rows)
        _check_kernel(known, rows)

    @classmethod
    def of(cls, system: System, variables: Iterable[Finite] | None = None) -> Chain:
        """The chain of a system of lookup tables, its variables in the order of their declaration.

        The number of states is the product of the sizes of the variables; memory goes with the
        number of pairs (s, s') that have mass.
        """
        import scipy.sparse

        known = check_variables(system.variables if variables is None else variables)
        size = math.prod(v.size for v in known)
        refuse_too_many(size, "A chain")
        states = np.arange(size, dtype=np.int64)
        parts = list(transitions(rules_of(system, known), known, states, np.ones(size)))
        before, after, masses = (np.concatenate(column) for column in zip(*parts, strict=True))
        return cls(known, scipy.sparse.coo_array((masses, (before, after)), shape=(size, size)))

    @property
    def size(self) -> int:
        """The number of states."""
        return int(self.kernel.shape[0])

    def name(self, state: int) -> str:
        """A state in words: T = high, R = hot."""
        return state_of(self.variables, self._known(state, "state"))

    def masses(self, P: Distribution) -> Floats:
        """The masses of a distribution over these variables, one for each state: (n,)."""
        return dense_masses(P, self.variables)

    def distribution(self, masses: Floats) -> Distribution:
        """The distribution with these masses (n,), one for each state."""
        row = as_floats(masses)
        if row is None or row.size != self.size:
            raise QueryError(
                f"masses is {shown(masses)}: write one mass for each of the {self.size} states."
            )
        return Distribution.of(self.variables, row.reshape([v.size for v in self.variables]))

    def push(self, P: Distribution, steps: int = 1) -> Distribution:
        """The distribution a number of steps later: P K^n."""
        check_steps(steps)
        # The transpose in rows of its own, since a product by rows is the fast one.
        masses, turned = self.masses(P), self.kernel.T.tocsr()
        for _ in range(steps):
            masses = turned @ masses
        return self.distribution(masses)

    def settled(self) -> Distribution:
        """The stationary distribution, pi K = pi.

        By elimination without subtraction (Grassmann, Taksar and Heyman 1985), so that each mass
        is right to a relative 1e-12 or so, however small; up to 2,000 states.

        Raises ``QueryError`` where there is more than one: the states fall apart into sets that do
        not reach each other.
        """
        order = self._closed_class()
        dense = self._dense()[np.ix_(order, order)]
        masses = np.zeros(self.size)
        masses[order] = _stationary(dense)
        return self.distribution(masses)

    def gap(self) -> float:
        """The spectral gap 1 - |lambda_2|: what is out of equilibrium shrinks so much a step.

        lambda_2 is the eigenvalue of K with the second largest modulus.
        """
        return 1.0 - self._second()

    def imbalance(self, P: Distribution) -> float:
        """The defect in detailed balance, max |P(s) K(s, s') - P(s') K(s', s)| over all pairs."""
        flow = self.kernel.multiply(self.masses(P)[:, None])
        return float(np.abs(flow - flow.T).max()) if flow.nnz else 0.0

    def unreachable(self, start: int = 0) -> Ints:
        """The states that cannot be reached from a state, ascending; ``name`` names them."""
        from scipy.sparse.csgraph import breadth_first_order

        first = self._known(start, "start")
        reached = breadth_first_order(self.kernel, first, return_predecessors=False)
        return np.setdiff1d(np.arange(self.size), reached)

    def steps_to(self, P: Distribution, tolerance: float = 0.01) -> int:
        """The steps until P is within a total variation of ``tolerance`` of the stationary one.

        Doubles the number of steps until near, then halves the distance; the total variation never
        grows from one step to the next. Up to 2,000 states.

        Raises ``QueryError`` where it never comes near (a chain that is periodic).
        """
        largest = as_float(tolerance)
        if largest is None or not 0 < largest < 1:
            raise QueryError(f"tolerance is {shown(tolerance)}: write a number between 0 and 1.")
        end, now = self.masses(self.settled()), self.masses(P)
        if _total_variation(now, end) <= tolerance:
            return 0
        # By squaring, K^1, K^2, K^4, ...: the least number of steps is then put together from the
        # highest bit down, which finds it since the distance to the end never grows.
        powers = [self._dense()]
        while _total_variation(now @ powers[-1], end) > tolerance:
            if len(powers) == 64:
                raise QueryError(
                    "The chain does not come near its stationary distribution: it is periodic, or "
                    "too slow for 2**64 steps. Let each state stay with some chance."
                )
            powers.append(powers[-1] @ powers[-1])
        steps = 0
        for exponent in reversed(range(len(powers))):
            later = now @ powers[exponent]
            if _total_variation(later, end) > tolerance:
                now, steps = later, steps + 2**exponent
        return steps + 1

    def _known(self, state: object, name: str) -> int:
        """The number of a state that there is."""
        return whole(state, name, 0, self.size - 1)

    def _second(self) -> float:
        if self.size == 1:
            return 0.0
        if self.size <= DENSE:
            eigenvalues = np.linalg.eigvals(self._dense())
        else:
            from scipy.sparse.linalg import eigs

            eigenvalues = eigs(self.kernel, k=2, which="LM", return_eigenvectors=False)
        return float(np.sort(np.abs(eigenvalues))[-2])

    def _dense(self) -> Floats:
        if self.size > DENSE:
            memory = 8 * self.size**2 / 2**30
            raise TooLargeError(
                f"{self.size:,} states are too many for a dense kernel ({memory:.3g} GiB; at most "
                f"{DENSE:,} states): push a distribution instead."
            )
        entries: Floats = self.kernel.toarray()
        return entries

    def _closed_class(self) -> Ints:
        """The states of the one set that is never left again."""
        from scipy.sparse.csgraph import connected_components

        count, owner = connected_components(self.kernel, connection="strong")
        rows, columns = self.kernel.nonzero()
        # A strong component that an entry leads out of is left sooner or later for good.
        left = np.unique(owner[rows[owner[rows] != owner[columns]]])
        closed = np.setdiff1d(np.arange(count), left)
        if closed.size > 1:
            first, second = (int(np.flatnonzero(owner == label)[0]) for label in closed[:2])
            raise QueryError(
                f"The chain settles in more than one way: it does not come from "
                f"{self.name(first)} to {self.name(second)}, nor back. "
                "Let moves connect all states, or leave some out."
            )
        return np.flatnonzero(owner == closed[0])


def _rows_of(kernel: npt.ArrayLike | sparray) -> csr_array:
    """A kernel as sparse rows of its own."""
    import scipy.sparse

    refuse_masked(kernel, "The kernel")
    try:
        if np.iscomplexobj(kernel):
            raise TypeError
        # Read as numbers first, for scipy leaves out what is no number and false.
        given = kernel if scipy.sparse.issparse(kernel) else as_floats(kernel)
        if given is None:
            raise TypeError
        return scipy.sparse.csr_array(given, dtype=np.float64, copy=True)
    except (TypeError, ValueError, OverflowError):
        raise DeclarationError(
            f"The kernel is {shown(kernel)} ({type(kernel).__name__}): write a square of chances, "
            "such as [[0.9, 0.1], [0.5, 0.5]]."
        ) from None


def dense_masses(P: Distribution, variables: Variables) -> Floats:
    """The masses (n,) of a distribution for all joint states of its variables, in some order."""
    if not isinstance(P, Distribution):
        raise QueryError(
            f"{shown(P)} ({type(P).__name__}) is no distribution: write one, such as "
            "Distribution.uniform(...)."
        )
    if set(P.variables) != set(variables):
        raise QueryError(
            f"The distribution is over {', '.join(map(str, P.variables))}, and the states are "
            f"those of {', '.join(map(str, variables))}: they must be the same variables."
            + stranger(P.variables, variables)
        )
    size = math.prod(v.size for v in variables)
    refuse_too_many(size, "A row of masses", 16)
    dense = np.zeros(size)
    dense[substates(P.states, P.variables, variables)] = P.floats().masses
    return dense


def _normalised(variables: Variables, kernel: csr_array) -> csr_array:
    """Each row divided by its sum, which is above 0; entries are checked afterwards."""
    from scipy.sparse import diags_array

    # Of a kernel of another shape states have no name, and one without rows no sums.
    _check_shape(variables, kernel)
    with np.errstate(over="ignore"):
        sums = np.asarray(kernel.sum(axis=1)).reshape(-1)
    if np.isinf(sums).any() and np.isfinite(kernel.data).all():
        # By the largest of all first, so that no sum overflows.
        return _normalised(variables, kernel / kernel.data.max())
    empty = np.flatnonzero(~(sums > 0))
    if empty.size:
        raise DeclarationError(
            f"The chances to go on from {state_of(variables, empty[0])} sum to "
            f"{sums[empty[0]]:.12g}: there is nothing to normalise by."
        )
    return (diags_array(1 / sums) @ kernel).tocsr()


def _check_shape(variables: Variables, kernel: csr_array) -> None:
    size = math.prod(v.size for v in variables)
    if kernel.shape != (size, size):
        raise DeclarationError(
            f"The kernel has shape {kernel.shape}: for {size} states, write ({size}, {size})."
        )


def _check_kernel(variables: Variables, kernel: csr_array) -> None:
    _check_shape(variables, kernel)
    # NaN is not >= 0 either.
    bad = ~(kernel.data >= 0) | ~np.isfinite(kernel.data)
    if bad.any():
        raise DeclarationError(
            f"The kernel holds {kernel.data[bad][0]:g}: chances are numbers from 0 to 1."
        )
    sums = np.asarray(kernel.sum(axis=1)).reshape(-1)
    off = np.flatnonzero(np.abs(sums - 1) > TOLERANCE)
    if off.size:
        state, total = state_of(variables, off[0]), float(sums[off[0]])
        raise DeclarationError(
            f"The chances to go on from {state} sum to {total:.12g}, {beside_one(total)} "
            f"(tolerance {TOLERANCE:g}): each row of a kernel sums to 1. Write normalise=True to "
            "divide each row by its sum."
        )


def _stationary(kernel: Floats) -> Floats:
    """The stationary masses of an irreducible kernel, by taking out one state after the other."""
    left = kernel.copy()
    # The last state is cut out of all paths: what came to it goes on to where it led. Its own
    # chance to stay, 1 - leaving, is never formed, so that nothing is subtracted and no digit lost.
    for last in range(len(left) - 1, 0, -1):
        leaving = left[last, :last].sum()
        left[:last, last] /= leaving
        left[:last, :last] += np.outer(left[:last, last], left[last, :last])
    # And back: the states come in again in turn, each by the flow from those before it.
    weights = np.ones(len(left))
    for state in range(1, len(left)):
        weights[state] = weights[:state] @ left[:state, state]
    masses: Floats = weights / weights.sum()
    return masses


def _total_variation(first: Floats, second: Floats) -> float:
    return float(np.abs(first - second).sum()) / 2
