"""One step of a finite system, as it acts on the masses of joint states."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sympy import Symbol

from causalopt.distributions.finite.states import Variables, codes_of, strides, substates
from causalopt.ground.errors import QueryError, stranger
from causalopt.ground.masses import Masses, exact_array, is_exact, sum_by_state, to_one_kind
from causalopt.ground.types import Ints
from causalopt.language.finite_variables import Finite, as_finite
from causalopt.language.symbols import Next
from causalopt.language.words import listed
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.lookup import as_lookup
from causalopt.model.asked import as_system
from causalopt.model.moments import check_memoryless
from causalopt.model.system import System

#: How many (state, next state) pairs of a stochastic step are held at a time.
CHUNK = 4_000_000


@dataclass(frozen=True, eq=False)
class Transition:
    """How one variable follows from its parents: by places of values, or by masses of them."""

    target: Finite
    parents: tuple[Symbol, ...]
    codes: Ints | None
    chances: Masses | None

    @property
    def branches(self) -> int:
        """The largest number of values that a row gives mass to."""
        if self.chances is None:
            return 1
        return int((self.chances != 0).sum(axis=-1).max())


@dataclass(frozen=True, eq=False)
class Rows:
    """States on their way through a step: where from, what is known of where to, with what mass."""

    before: Ints
    masses: Masses
    after: dict[Finite, Ints]

    def pick(self, kept: Ints, weights: Masses) -> Rows:
        """These rows picked and repeated, their masses multiplied."""
        first, second = to_one_kind(self.masses[kept], weights)
        after = {target: codes[kept] for target, codes in self.after.items()}
        return Rows(self.before[kept], first * second, after)


def push_masses(
    steps: list[Transition], variables: Variables, states: Ints, masses: Masses
) -> tuple[Ints, Masses]:
    """The states and masses one step later: P'(s') = sum_s P(s) prod_v p(s'_v | s)."""
    size = math.prod(v.size for v in variables)
    moves = transitions(steps, variables, states, masses)
    parts = [sum_by_state(after, weights, size) for _, after, weights in moves]
    if len(parts) == 1:
        return parts[0]
    after = np.concatenate([states for states, _ in parts])
    return sum_by_state(after, _concatenate([weights for _, weights in parts]), size)


def transitions(
    steps: list[Transition], variables: Variables, states: Ints, masses: Masses
) -> Iterator[tuple[Ints, Ints, Masses]]:
    """What goes from where to where in one step, in parts: P(s) p(s' | s) for all pairs."""
    for part_states, part_masses in _chunks(states, masses, steps):
        rows = Rows(part_states, part_masses, {})
        for step in steps:
            rows = _apply(rows, step, variables)
        after = np.zeros_like(rows.before)
        for variable, stride in zip(variables, strides(variables), strict=True):
            after += rows.after[variable] * stride
        yield rows.before, after, rows.masses


def rules_of(system: System, variables: Variables) -> list[Transition]:
    """How each variable follows, in an order in which same-step values are there when needed."""
    check_pushable(system, variables)
    return [
        _transition(target, mechanism)
        for target, mechanism in system.template.items()
        if isinstance(target, Finite)
    ]


def check_pushable(system: System, variables: Variables) -> None:
    """Raise ``QueryError`` for a system that no distribution over these variables goes through."""
    as_system(system, " to push through: give a System of lookup tables.")
    check_memoryless(system.delayed, "Pushing a distribution")
    real = [v for v in system.variables if not isinstance(v, Finite)]
    if real:
        raise QueryError(
            f"{real[0]} takes real values, and a distribution over named values cannot be pushed "
            "through its system: push an Ensemble of samples instead."
        )
    if set(system.variables) != set(variables):
        raise QueryError(
            f"The distribution is over {listed(variables)}, the system over "
            f"{listed(system.variables)}: they must be the same variables."
            + stranger(variables, system.variables)
        )


def _transition(target: Finite, mechanism: Mechanism) -> Transition:
    lookup = as_lookup(target, mechanism)
    if lookup is None:
        raise QueryError(
            f"The mechanism of {target} is {mechanism}, and a distribution is pushed through "
            "lookup tables: write it as table(...)."
        )
    return Transition(target, lookup.parents, lookup.cells.codes, lookup.cells.chances)


def _apply(rows: Rows, step: Transition, variables: Variables) -> Rows:
    place = _row_of(rows, step, variables)
    if step.codes is not None:
        after = step.codes.reshape(-1)[place]
        return Rows(rows.before, rows.masses, {**rows.after, step.target: after})
    assert step.chances is not None
    # Each state is repeated, once for each value that its row of the table gives mass to.
    picked = step.chances.reshape(-1, step.target.size)[place]
    kept, values = np.nonzero(picked != 0)
    spread = rows.pick(kept, picked[kept, values])
    return Rows(spread.before, spread.masses, {**spread.after, step.target: values})


def _row_of(rows: Rows, step: Transition, variables: Variables) -> Ints:
    """The row of the table of a transition that each state is in."""
    present = tuple(parent for parent in step.parents if isinstance(parent, Finite))
    if len(present) == len(step.parents):
        return substates(rows.before, variables, present)
    # Some parents are values of this same step, which their own transitions have already given.
    row = np.zeros_like(rows.before)
    for parent in step.parents:
        owner = as_finite(parent.variable if isinstance(parent, Next) else parent, "A table")
        known = rows.after[owner] if isinstance(parent, Next) else None
        codes = codes_of(rows.before, variables, owner) if known is None else known
        row = row * owner.size + codes
    return row


def _chunks(states: Ints, masses: Masses, steps: list[Transition]) -> Iterator[tuple[Ints, Masses]]:
    """Deterministic steps whole; stochastic ones in pieces that bound what is held at a time."""
    # A state has as many rows in the end as its values have joint outcomes, and while a table is
    # looked up as many as that variable has values.
    branches = math.prod(step.branches for step in steps)
    widest = max(step.target.size if step.codes is None else 1 for step in steps)
    size = states.size if widest == 1 else max(1, CHUNK // max(branches, widest))
    for start in range(0, states.size, size):
        yield states[start : start + size], masses[start : start + size]


def _concatenate(pieces: list[Masses]) -> Masses:
    if is_exact(pieces[0]):
        return exact_array([mass for piece in pieces for mass in piece])
    return np.concatenate(pieces)
