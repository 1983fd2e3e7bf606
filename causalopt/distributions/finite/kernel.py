"""One step of a finite system, as it acts on the masses of joint states."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import Expr

from causalopt.distributions.finite.states import Variables, codes_of, moved, strides
from causalopt.ground.errors import QueryError
from causalopt.ground.masses import Ints, Masses, exact_array, is_exact, summed, together
from causalopt.language.finite_variables import Finite, finite_of, listed
from causalopt.language.lookup import Lookup
from causalopt.language.symbols import Next
from causalopt.model.system import System

#: How many (state, next state) pairs of a stochastic step are held at a time.
CHUNK = 4_000_000


@dataclass(frozen=True, eq=False)
class Rule:
    """How one variable follows from its parents: by places of values, or by masses of them."""

    target: Finite
    parents: tuple[Expr, ...]
    codes: Ints | None
    chances: npt.NDArray[Any] | None

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

    def taken(self, kept: Ints, weights: Masses) -> Rows:
        """These rows picked and repeated, their masses multiplied."""
        first, second = together(self.masses[kept], weights)
        after = {target: codes[kept] for target, codes in self.after.items()}
        return Rows(self.before[kept], first * second, after)


def pushed(
    system: System, variables: Variables, states: Ints, masses: Masses
) -> tuple[Ints, Masses]:
    """The states and masses one step later: P'(s') = sum_s P(s) prod_v p(s'_v | s)."""
    size = math.prod(v.size for v in variables)
    moves = transitions(system, variables, states, masses)
    found = [summed(after, weights, size) for _, after, weights in moves]
    if len(found) == 1:
        return found[0]
    return summed(np.concatenate([s for s, _ in found]), _joined([m for _, m in found]), size)


def transitions(
    system: System, variables: Variables, states: Ints, masses: Masses
) -> Iterator[tuple[Ints, Ints, Masses]]:
    """What goes from where to where in one step, in parts: P(s) p(s' | s) for all pairs."""
    rules = rules_of(system, variables)
    for part_states, part_masses in _chunks(states, masses, rules):
        rows = Rows(part_states, part_masses, {})
        for rule in rules:
            rows = _advanced(rows, rule, variables)
        after = np.zeros_like(rows.before)
        for variable, stride in zip(variables, strides(variables), strict=True):
            after += rows.after[variable] * stride
        yield rows.before, after, rows.masses


def rules_of(system: System, variables: Variables) -> list[Rule]:
    """The rules of a finite system, in an order in which same-step values are there when needed."""
    if not isinstance(system, System):
        raise QueryError(
            f"{type(system).__name__} has no steps to push through: give a System of lookup tables."
        )
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
        )
    return [_rule(target, m.formula) for target, m in system.template.items()]


def _rule(variable: object, formula: Expr) -> Rule:
    target = finite_of(variable)
    assert target is not None
    if isinstance(formula, Lookup):
        return Rule(target, formula.parents, formula.cells.codes, formula.cells.chances)
    if finite_of(formula) is None:
        raise QueryError(
            f"The mechanism of {target} is {formula}, and a distribution is pushed through lookup "
            "tables: write it as table(...)."
        )
    return Rule(target, (formula,), np.arange(target.size, dtype=np.int64), None)


def _advanced(rows: Rows, rule: Rule, variables: Variables) -> Rows:
    row = _row_of(rows, rule, variables)
    if rule.codes is not None:
        after = rule.codes.reshape(-1)[row]
        return Rows(rows.before, rows.masses, {**rows.after, rule.target: after})
    assert rule.chances is not None
    picked = rule.chances.reshape(-1, rule.target.size)[row]
    kept, values = np.nonzero(picked != 0)
    made = rows.taken(kept, picked[kept, values])
    return Rows(made.before, made.masses, {**made.after, rule.target: values})


def _row_of(rows: Rows, rule: Rule, variables: Variables) -> Ints:
    """The row of the rule's table that each state is in."""
    present = tuple(parent for parent in rule.parents if isinstance(parent, Finite))
    if len(present) == len(rule.parents):
        return moved(rows.before, variables, present)
    row = np.zeros_like(rows.before)
    for parent in rule.parents:
        owner = finite_of(parent)
        assert owner is not None
        known = rows.after[owner] if isinstance(parent, Next) else None
        codes = codes_of(rows.before, variables, owner) if known is None else known
        row = row * owner.size + codes
    return row


def _chunks(states: Ints, masses: Masses, rules: list[Rule]) -> Iterator[tuple[Ints, Masses]]:
    """Deterministic steps whole; stochastic ones in pieces that bound what is held at a time."""
    branches = math.prod(rule.branches for rule in rules)
    widest = max(rule.target.size if rule.codes is None else 1 for rule in rules)
    size = states.size if widest == 1 else max(1, CHUNK // max(branches, widest))
    for start in range(0, states.size, size):
        yield states[start : start + size], masses[start : start + size]


def _joined(pieces: list[Masses]) -> Masses:
    if is_exact(pieces[0]):
        return exact_array([mass for piece in pieces for mass in piece])
    return np.concatenate(pieces)
