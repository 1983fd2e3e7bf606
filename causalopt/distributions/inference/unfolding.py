"""The nodes of one or more worlds as random variables, each once, with the factors that tie them.

Worlds share their noise. A node that follows in two of them by the same rule from the same parents
is one variable, so that worlds are drawn together only where they differ: the twin network
(Balke and Pearl 1994).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import sympy

from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.finite.states import refuse_too_many
from causalopt.distributions.inference.factors import Arithmetic, Factor
from causalopt.distributions.inference.noise import outcomes_of
from causalopt.distributions.inference.rules import Rule, Spot, rule_of
from causalopt.ground.errors import QueryError
from causalopt.ground.masses import exact_array
from causalopt.ground.types import Array
from causalopt.language.finite_variables import Finite
from causalopt.language.symbols import Label
from causalopt.mechanisms.decisions import is_decision
from causalopt.mechanisms.lookup import Cells
from causalopt.model.declaration import cycle_message
from causalopt.model.interface import Model
from causalopt.model.selection import Key
from causalopt.model.world import World


@dataclass(frozen=True)
class Drawn:
    """A random variable: its table, the variables that ask it, and its noise."""

    cells: Cells
    parents: tuple[int, ...]
    noise: Label | None


class Unfolding:
    """Random variables, numbered as they are asked for; ``known`` are those with one value.

    ``P`` is a distribution over nodes that start from a value, in the place of those values.
    """

    def __init__(self, world: World[Model], P: Distribution | None = None) -> None:
        self.known: dict[int, int] = {}
        self._P = P
        self._starting = {} if P is None else _starting(world, P)
        self._started: dict[Finite, int] = {}
        self._number_of: dict[Hashable, int] = {}
        self._spots: dict[Spot, int] = {}
        self._drawn: dict[int, Drawn] = {}

    def variable(self, spot: Spot) -> int:
        """The number of the random variable that a node of a world is."""
        # A walk with a list of its own, since a chain of nodes may be longer than Python's stack.
        waiting, rules = [spot], dict[Spot, Rule]()
        while waiting:
            here = waiting[-1]
            if here in self._spots:
                waiting.pop()
                continue
            is_new = here not in rules
            rule = rules.setdefault(here, rule_of(here)) if is_new else rules[here]
            open_parents = [parent for parent in rule.parents if parent not in self._spots]
            if open_parents and is_new:
                # Whoever has a rule and no number waits for this one.
                circular = next((parent for parent in open_parents if parent in rules), None)
                if circular is not None:
                    opened = [known for known in rules if known not in self._spots]
                    raise QueryError(_cycle(opened, circular))
                waiting.extend(open_parents)
                continue
            self._spots[here] = self._numbered(here, rule)
            waiting.pop()
        return self._spots[spot]

    def _numbered(self, spot: Spot, rule: Rule) -> int:
        """The variable that has this rule: a new one only where there is none."""
        cells = rule.cells
        if cells is None:
            return self._start(spot)
        parents = tuple(self._spots[parent] for parent in rule.parents)
        if cells.codes is not None:
            if all(parent in self.known for parent in parents):
                place = cells.codes[tuple(self.known[parent] for parent in parents)]
                return self._constant(cells.target, int(place))
            if len(parents) == 1 and np.array_equal(cells.codes, np.arange(cells.target.size)):
                return parents[0]
        number = self._number((cells, parents, rule.noise))
        self._drawn[number] = Drawn(cells, parents, rule.noise)
        if cells.target.size == 1:
            self.known[number] = 0
        return number

    def _start(self, spot: Spot) -> int:
        variable = self._starting.get(spot.key)
        if variable is None:
            place = int(cast(float, spot.world.model.account(spot.key, spot.step).start or 0))
            return self._constant(spot.variable, place)
        self._started[variable] = self._number(("start", variable))
        return self._started[variable]

    def _constant(self, target: Finite, place: int) -> int:
        number = self._number((target.size, place))
        self.known[number] = place
        return number

    def _number(self, identity: Hashable) -> int:
        return self._number_of.setdefault(identity, len(self._number_of))

    # -- what ties them --------------------------------------------------------------------------

    def tables(self) -> list[Array]:
        """All masses that the factors are made of."""
        own = [d.cells.chances for d in self._drawn.values() if d.cells.chances is not None]
        return own if self._P is None or not self._started else [*own, self._P.masses]

    def factors(self, arithmetic: Arithmetic) -> list[Factor]:
        """A factor for each variable: its chances, given its parents."""
        factors = [Factor((), arithmetic.table(np.ones((), dtype=np.int64)))]
        by_noise: dict[Label, list[int]] = defaultdict(list)
        for number, drawn in self._drawn.items():
            if drawn.noise is None:
                factors.append(_certain(number, drawn.parents, drawn.cells, arithmetic))
            else:
                by_noise[drawn.noise].append(number)
        for noise, numbers in by_noise.items():
            if len(numbers) == 1:
                factors.append(_by_chance(numbers[0], self._drawn[numbers[0]], arithmetic))
            else:
                factors += self._sharing(noise, numbers, arithmetic)
        if self._P is not None and self._started:
            factors.append(self._start_factor(self._P, arithmetic))
        return [factor.once().at(self.known) for factor in factors]

    def _start_factor(self, P: Distribution, arithmetic: Arithmetic) -> Factor:
        """The chances of what starts by P."""
        marginal = P.marginal(*self._started)
        refuse_too_many(marginal.size, "A factor")
        masses = np.full(marginal.size, 0, dtype=marginal.masses.dtype)
        masses[marginal.states] = marginal.masses
        if marginal.exact:
            masses = exact_array([sympy.sympify(mass, strict=True) for mass in masses])
        shape = [variable.size for variable in self._started]
        return Factor(tuple(self._started.values()), arithmetic.table(masses).reshape(shape))

    def _sharing(
        self, noise: Label, numbers: Sequence[int], arithmetic: Arithmetic
    ) -> list[Factor]:
        """A variable for a noise that tables share, and each of them as one without chance."""
        drawn = [self._drawn[number] for number in numbers]
        tables = [d.cells.chances for d in drawn if d.cells.chances is not None]
        chances, places = outcomes_of(tables, str(noise))
        own = self._number(("noise", noise))
        factors = [Factor((own,), arithmetic.table(chances))]
        for number, d, codes in zip(numbers, drawn, places, strict=True):
            settled = Cells(d.cells.target, codes)
            factors.append(_certain(number, (*d.parents, own), settled, arithmetic))
        return factors


def _certain(number: int, parents: tuple[int, ...], cells: Cells, arithmetic: Arithmetic) -> Factor:
    """1 where a variable has the value that its parents lead to, and 0 elsewhere."""
    codes = cells.codes
    assert codes is not None
    table = arithmetic.table((codes[..., None] == np.arange(cells.target.size)).astype(np.int64))
    return Factor((*parents, number), table)


def _by_chance(number: int, drawn: Drawn, arithmetic: Arithmetic) -> Factor:
    """The chances of a variable given its parents."""
    chances = drawn.cells.chances
    assert chances is not None
    return Factor((*drawn.parents, number), arithmetic.table(chances))


def _starting(world: World[Model], P: Distribution) -> dict[Key, Finite]:
    """The keys of the nodes that start by a distribution, each with its variable there.

    Raises ``QueryError`` for a variable that does not start from a value.
    """
    starting: dict[Key, Finite] = {}
    for variable in P.variables:
        stretch = world.model.select(variable, world.steps)[0]
        if world.model.account(stretch.key, stretch.start).start is None:
            raise QueryError(
                f"P gives {variable}, which follows from a mechanism: P is over nodes that start "
                "from a value. Give it that in start=, or take it out of P with P.marginal(...)."
            )
        starting[stretch.key] = variable
    return starting


def _cycle(opened: Sequence[Spot], parent: Spot) -> str:
    """What is wrong where each of those opened waits for the next one, and the last for another."""
    loop = [parent, *reversed(opened[opened.index(parent) + 1 :]), parent]
    decided = next((spot.name for spot in loop if _is_decided(spot)), None)
    return cycle_message([spot.name for spot in loop], decided)


def _is_decided(spot: Spot) -> bool:
    """Whether a node is declared as a decision, whatever policy it has."""
    declared = spot.world.model.account(spot.key, spot.step).assigned
    return declared is not None and is_decision(declared)
