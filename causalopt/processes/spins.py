"""Compiled sweeps over the spins of an Ising model: ensembles of annealed chains, fast.

An ordinary system of N spins recomputes every coupling of every spin in each step. Here the field
on each spin is kept, and changed only where a neighbour flips, so that a move that is refused
costs a comparison. The law of the chains is that of ``annealing(model.energy, Sweeps(), ...)``;
the draws are others.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from sympy import Expr

from causalopt.ground.checks import whole
from causalopt.ground.errors import DeclarationError
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.ground.types import Floats, Ints
from causalopt.model.declaration import check_seed
from causalopt.processes.ising import Ising
from causalopt.processes.rules import RuleName, rule_named
from causalopt.processes.schedules import as_schedule, temperatures

if TYPE_CHECKING:
    import xarray as xr

#: Numbers drawn at a time, so that long runs need little memory.
_BLOCK = 1 << 16


@dataclass(frozen=True, eq=False)
class _Rows:
    """E = offset + sum_i fields_i v_i + sum_ij weights_ij v_i v_j, as rows of neighbours.

    ``dense`` (n, n) are the same rows in full where most are there, else (0, 0): whole rows are
    added at several numbers a cycle.
    """

    offset: float
    fields: Floats
    bounds: Ints
    neighbours: Ints
    weights: Floats
    dense: Floats

    def pull(self, states: Floats) -> Floats:
        """What the neighbours add to the field on each site (chains, sites)."""
        from scipy.sparse import csr_array

        shape = (len(self.fields), len(self.fields))
        matrix = csr_array((self.weights, self.neighbours, self.bounds), shape=shape)
        pulls: Floats = (matrix @ states.T).T
        return pulls

    def energy(self, states: Floats) -> Floats:
        """The energies of states (chains, sites)."""
        pairs = (states * self.pull(states)).sum(axis=1)
        energies: Floats = self.offset + states @ self.fields + pairs / 2
        return energies


def anneal_spins(
    model: Ising,
    schedule: Expr | float,
    rule: RuleName = "metropolis",
    *,
    steps: int,
    chains: int,
    seed: int = 0,
) -> xr.Dataset:
    """An ensemble of chains of an Ising or QUBO model, from random states, by compiled sweeps.

    Each of ``steps`` is a sweep in the order of the spins at the temperature of its step. Gives
    ``state`` (chain, spin) by the values of the spins and ``energy`` (chain), in the end, and
    ``best`` (chain), the least energy at the end of any sweep. Chain c draws from the seed and c
    alone, so that more chains leave the first ones as they are. A heat bath has the same law as
    Glauber's rule here. Metropolis makes every move that leaves the energy as it is, so that a
    sweep carries the walls between domains of equal energy along without letting them meet;
    Glauber's rule does not.

    Raises ``QueryError`` for a number of steps or chains below 1, and what ``annealing`` raises
    for the schedule and the rule.

    Source: Kirkpatrick, Gelatt and Vecchi (1983).

    >>> import networkx as nx
    >>> from causalopt.processes.schedules import geometric
    >>> ring = Ising.of_graph(nx.cycle_graph(10), coupling=1.0)
    >>> cooling = geometric(3, 0.1, steps=300)
    >>> anneal_spins(ring, cooling, "glauber", steps=300, chains=4).energy.values
    array([-10., -10., -10., -10.])
    """
    import xarray as xr

    if not isinstance(model, Ising):
        raise DeclarationError(
            f"{type(model).__name__} has no spins: write Ising(...) or Ising.of_graph(...)."
        )
    steps, chains = whole(steps, "steps", 1), whole(chains, "chains", 1)
    check_seed(seed)
    rule_named(rule)
    # The states of all chains, and beside them what their energies are summed from in the end; a
    # temperature for each step, twice while they are computed.
    refuse_what_does_not_fit(
        8 * (chains * (4 * len(model.spins) + 4) + 3 * steps),
        f"{chains:,} chains of {len(model.spins):,} spins over {steps:,} steps",
        "Run fewer chains or steps, such as chains=1000: with another seed for each part, chains "
        "of several runs can be put together.",
    )
    cooling = temperatures(as_schedule(schedule, {}), np.arange(steps, dtype=np.float64), {})
    rows = _rows_of(model)
    pairs = np.array([spin.values for spin in model.spins], dtype=np.float64)
    states, best = np.empty((chains, len(pairs))), np.full(chains, np.inf)
    for chain in range(chains):
        source = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(chain,)))
        states[chain] = np.where(source.random(len(pairs)) < 0.5, pairs[:, 0], pairs[:, 1])
        best[chain] = _one_chain(
            rows, pairs.sum(axis=1), states[chain], cooling, source, rule != "metropolis"
        )
    return xr.Dataset(
        {
            "state": (("chain", "spin"), states),
            "energy": ("chain", rows.energy(states)),
            "best": ("chain", best),
        },
        {"spin": [spin.name for spin in model.spins]},
        {"rule": rule, "steps": steps, "seed": seed, "schedule": str(schedule)},
    )


def _one_chain(
    rows: _Rows, sums: Floats, state: Floats, cooling: Floats,
    source: np.random.Generator, glauber: bool,
) -> float:  # fmt: skip
    """Sweep one state in place at each temperature; the least energy on the way."""
    # The field on a spin is what its energy changes by, a unit of the spin: kept for every spin.
    field = rows.fields + rows.pull(state[None])[0]
    energy = best = float(rows.energy(state[None])[0])
    many = max(1, _BLOCK // len(state))
    for first in range(0, len(cooling), many):
        part = cooling[first : first + many]
        drawn = source.random((len(part), len(state)))
        energy, best = _sweeps()(state, field, sums, rows.bounds, rows.neighbours, rows.weights,
                                 rows.dense, part, drawn, glauber, energy, best)  # fmt: skip
    return best


class CompiledSweeps(Protocol):
    """Sweeps over one state in place; gives its energy and the least one on the way."""

    def __call__(
        self, state: Floats, field: Floats, sums: Floats, bounds: Ints, neighbours: Ints,
        weights: Floats, dense: Floats, cooling: Floats, drawn: Floats, glauber: bool,
        energy: float, best: float, /,
    ) -> tuple[float, float]:  # fmt: skip
        """Over each temperature of ``cooling``, with its draws (steps, spins)."""


@functools.cache
def _sweeps() -> CompiledSweeps:
    """The compiled loop; numba is imported on first use."""
    import numba

    @numba.njit()
    def sweeps(
        state: Floats, field: Floats, sums: Floats, bounds: Ints, neighbours: Ints,
        weights: Floats, dense: Floats, cooling: Floats, drawn: Floats, glauber: bool,
        energy: float, best: float,
    ) -> tuple[float, float]:  # fmt: skip
        for step in range(cooling.size):
            temperature = cooling[step]
            for site in range(state.size):
                # From one of its two values to the other, whose sum is known.
                change = sums[site] - 2 * state[site]
                rise = change * field[site]
                # u < 1 / (1 + exp(rise/T)), without the division.
                if glauber:
                    accepted = drawn[step, site] * (1 + np.exp(rise / temperature)) < 1
                else:
                    # Uniform numbers are multiples of 2^-53, so that e^-40 is below all but 0.
                    accepted = rise <= 0 or (
                        rise < 40 * temperature and drawn[step, site] < np.exp(-rise / temperature)
                    )
                if accepted:
                    state[site] += change
                    energy += rise
                    if dense.size:
                        row = dense[site]
                        for other in range(row.size):
                            field[other] += row[other] * change
                    else:
                        for place in range(bounds[site], bounds[site + 1]):
                            field[neighbours[place]] += weights[place] * change
            best = min(best, energy)
        return energy, best

    return sweeps


def _rows_of(model: Ising) -> _Rows:
    """The couplings of a model as rows of neighbours, each pair in both rows."""
    from scipy.sparse import coo_array

    count = len(model.spins)
    pairs = np.array(list(model.couplings), dtype=np.int64).reshape(-1, 2)
    weights = np.array(list(model.couplings.values()), dtype=np.float64)
    rows, columns = np.concatenate([pairs, pairs[:, ::-1]]).T
    near = coo_array((np.tile(weights, 2), (rows, columns)), shape=(count, count)).tocsr()
    dense = near.toarray() if near.nnz > count**2 / 4 else np.empty((0, 0))
    bounds, neighbours = near.indptr.astype(np.int64), near.indices.astype(np.int64)
    return _Rows(model.offset, np.array(model.fields), bounds, neighbours, near.data, dense)
