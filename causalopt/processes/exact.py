"""Annealing without chance: the distribution over all states, pushed step by step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from sympy import Expr

from causalopt.distributions import Chain, Distribution, Enthalpies
from causalopt.distributions.finite.chain import dense_masses
from causalopt.ground.checks import as_float, shown, whole
from causalopt.ground.errors import DeclarationError, QueryError, TooLargeError
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.ground.types import Floats
from causalopt.processes.moves import Factor, Moves, as_moves
from causalopt.processes.rules import Acceptance, RuleName, rule_named
from causalopt.processes.schedules import as_schedule, temperatures
from causalopt.runs.keeping import Keep, kept

if TYPE_CHECKING:
    import xarray as xr
    from scipy.sparse import csr_array

#: Distributions over more states than this are not pushed.
LARGEST = 1 << 22


def annealing_kernel(
    energy: Enthalpies, moves: Moves, T: float, rule: RuleName = "metropolis"
) -> Chain:
    """One step of ``annealing`` at a temperature, as a Markov chain over all states.

    ``Flips`` and ``Steps`` give a sparse kernel in detailed balance with the Boltzmann
    distribution; ``Sweeps`` the product of one such kernel a variable, which leaves it stationary
    but fills up: for up to 2,000 states.

    T may be infinite: then all allowed states are alike.

    Raises ``TooLargeError`` for too many states, ``QueryError`` for T <= 0, and
    ``DeclarationError`` for moves that do not fit or do not connect the allowed states.

    >>> from causalopt.distributions import boltzmann
    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.processes.moves import Steps
    >>> spot = finite("spot", ["a", "b", "c"])
    >>> H = Enthalpies.of(spot, {"a": 1.0, "b": 0.0, "c": 3.0})
    >>> chain = annealing_kernel(H, Steps.of([("a", "b"), ("b", "c")]), T=0.5)
    >>> chain.imbalance(boltzmann(H, 0.5)) < 1e-15
    True
    """
    import scipy.sparse

    acceptance, rewards, factors = _prepare(energy, moves, rule)
    temperature = as_float(T)
    if temperature is None or not temperature > 0:
        raise QueryError(
            f"T is {shown(T)}: a temperature is a number above 0; take a small one, such as 1e-9."
        )
    size = len(rewards)
    if len(factors) > 1 and size > 2_000:
        raise TooLargeError(
            f"The kernel of a whole sweep over {size:,} states is dense "
            f"({8 * size**2 / 2**30:.3g} GiB): push a distribution with annealed, or take Flips()."
        )
    kernel = scipy.sparse.eye_array(size, format="csr")
    for factor in factors:
        kernel = kernel @ _kernel(factor, _exponents(rewards, temperature), acceptance)
    chain = Chain(energy.variables, kernel)
    _check_connected(energy, chain)
    return chain


def annealed(
    energy: Enthalpies,
    moves: Moves,
    schedule: Expr | float,
    rule: RuleName = "metropolis",
    *,
    start: Distribution,
    steps: int,
    keep: Keep = "all",
) -> xr.Dataset:
    """The exact distribution of ``annealing`` over time, without sampling.

    ``P`` with dims (time, one a variable); ``T``, the temperature of the step that led there (of
    the first step at time 0); ``enthalpy``, the mean; ``entropy`` in nats; and ``free_energy``,
    <H> + T S or <E> - T S by the convention of ``energy``, with dim (time). Time is in steps.
    Memory goes with the number of states times the steps kept; ``keep`` is "all", "last" or a
    whole number k for every k-th.

    Raises ``TooLargeError`` for more than 4 million states, or more than fits in memory.

    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.processes.moves import Flips
    >>> from causalopt.processes.schedules import geometric
    >>> spin = finite("spin", ["down", "up"])
    >>> H = Enthalpies.of(spin, {"down": 0.0, "up": 1.0})
    >>> cooled = annealed(
    ...     H, Flips(), geometric(10, 0.1, steps=50), start=Distribution.uniform(spin), steps=50
    ... )
    >>> round(float(cooled.P.sel(spin="up")[-1]), 3)
    1.0
    """
    import xarray as xr

    acceptance, rewards, factors = _prepare(energy, moves, rule)
    taken = {"time", "T", "P", "enthalpy", "entropy", "free_energy"}
    clash = [v.name for v in energy.variables if v.name in taken]
    if clash:
        raise DeclarationError(
            f"The result has a {clash[0]} of its own: give the variable {clash[0]} another name."
        )
    formula = as_schedule(schedule, {})
    steps = whole(steps, "steps", 1)
    recorded = kept(keep, range(steps + 1))
    refuse_what_does_not_fit(
        8 * len(rewards) * (len(recorded) + 4),
        f"Keeping {len(recorded):,} distributions over {len(rewards):,} states",
        'Keep fewer steps (keep="last", or keep=100 for every 100th), or run seeded chains: '
        "run(annealing(...).world(steps), draws=1000).",
    )
    cooling = temperatures(formula, np.arange(steps, dtype=np.float64), {})
    masses = dense_masses(start, energy.variables)
    pushes = enumerate(_pushes(masses, rewards, factors, cooling, acceptance))
    records = [now for i, now in pushes if i in recorded]
    names = [v.name for v in energy.variables]
    shape = [len(records), *(v.size for v in energy.variables)]
    P = xr.DataArray(
        np.array(records).reshape(shape),
        {"time": ("time", np.array(recorded), {"units": "steps"})}
        | {v.name: v.domain.labels for v in energy.variables},
        ["time", *names],
        attrs={"long_name": "probability"},
    )
    T = np.concatenate([cooling[:1], cooling])[list(recorded)]
    return _summary(P, T, energy)


def _summary(P: xr.DataArray, T: Floats, energy: Enthalpies) -> xr.Dataset:
    """The distribution over time with its temperature, mean enthalpy, entropy and free energy."""
    flat = P.values.reshape(len(T), -1)
    values = energy.sign * energy.floats
    # 0 times the infinite enthalpy of a forbidden state, and 0 log 0, count as 0.
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(flat > 0, flat * values, 0.0).sum(axis=1)
        entropy = -np.where(flat > 0, flat * np.log(flat), 0.0).sum(axis=1)
    summary = P.to_dataset(name="P")
    return summary.assign(
        T=("time", T, {"long_name": "temperature"}),
        enthalpy=("time", mean, {"long_name": "mean enthalpy"}),
        entropy=("time", entropy, {"long_name": "entropy", "units": "nat"}),
        free_energy=("time", mean + energy.sign * T * entropy, {"long_name": "free energy"}),
    )


def _prepare(
    energy: Enthalpies, moves: Moves, rule: RuleName
) -> tuple[Acceptance, Floats, list[Factor]]:
    if not isinstance(energy, Enthalpies):
        raise DeclarationError(
            "The exact distribution needs the energy of every state: write "
            "Enthalpies.tabulated(variables, energy)."
        )
    size = math.prod(v.size for v in energy.variables)
    if size > LARGEST:
        raise TooLargeError(
            f"{size:,} states need {8 * size / 2**30:.3g} GiB for each distribution, and at most "
            f"{LARGEST:,} states are pushed: run seeded chains instead, "
            "run(annealing(...).world(steps), draws=1000)."
        )
    return rule_named(rule), energy.floats, as_moves(moves).factors(energy.variables)


def _pushes(
    masses: Floats, rewards: Floats, factors: Sequence[Factor], cooling: Floats, rule: Acceptance
) -> Iterator[Floats]:
    """The masses (n,) at the start and after each step."""
    yield masses
    # A sweep is a product of kernels, and is pushed factor by factor: the product itself is dense.
    for T in cooling.tolist():
        exponents = _exponents(rewards, T)
        for factor in factors:
            masses = _push(masses, factor, exponents, rule)
        yield masses


def _exponents(rewards: Floats, T: float) -> Floats:
    """R/T of each state; what is forbidden stays so, however hot it is."""
    return np.divide(rewards, T, where=np.isfinite(rewards), out=rewards.copy())


def _push(masses: Floats, factor: Factor, exponents: Floats, rule: Acceptance) -> Floats:
    """P K for one factor: what leaves each set's members, and where it goes to."""
    after = masses.copy()
    for family in factor:
        # Every set of a family at once: row i holds the i-th member of each.
        members = np.ascontiguousarray(family.sets.T)
        here = masses[members]
        change = np.zeros_like(here)
        for i, j, chance in rule.pairs(exponents[members]):
            flow = here[i] * chance
            # What one member loses another gains, to the last digit: no mass is made or lost.
            change[i] -= flow
            change[j] += flow
        change *= family.chance
        after += np.bincount(members.reshape(-1), change.reshape(-1), len(masses))
    # Rounding may leave -1e-17 where all mass has left.
    return np.maximum(after, 0.0)


def _kernel(factor: Factor, exponents: Floats, rule: Acceptance) -> csr_array:
    """The sparse kernel of one factor, which stays where no set is picked."""
    import scipy.sparse

    size = len(exponents)
    rows, columns, chances = [], [], []
    for family in factor:
        members = family.sets.T
        for i, j, chance in rule.pairs(exponents[members]):
            rows.append(members[i])
            columns.append(members[j])
            chances.append(family.chance * chance)
    places = np.concatenate(rows), np.concatenate(columns)
    moved = scipy.sparse.coo_array((np.concatenate(chances), places), shape=(size, size)).tocsr()
    stays = 1.0 - np.asarray(moved.sum(axis=1)).reshape(-1)
    return moved + scipy.sparse.diags_array(np.maximum(stays, 0.0), format="csr")


def _check_connected(energy: Enthalpies, chain: Chain) -> None:
    """The allowed states are reached from one of them."""
    first = int(np.flatnonzero(energy.allowed)[0])
    missing = chain.unreachable(first)
    missing = missing[energy.allowed[missing]]
    if missing.size:
        raise DeclarationError(
            f"The moves do not connect the allowed states: {chain.name(int(missing[0]))} cannot be "
            f"reached from {chain.name(first)}. Allow a state between them, or add a step."
        )
