"""How a node of a world follows from others, as a table of places or chances, or of amounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from sympy import Expr, Float, Integer, Symbol

from causalopt.ground.errors import QueryError
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.language.domains import Named, domain_of
from causalopt.language.finite_variables import Finite, own_variable
from causalopt.language.subspaces import Directions, Subspace
from causalopt.language.symbols import Label, Noise, Parameter
from causalopt.mechanisms.decisions import Utility, as_utility, is_decision, without_policy
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.lookup import Cells, as_lookup
from causalopt.mechanisms.symbolic import Expression
from causalopt.model.interface import Model
from causalopt.model.selection import Key
from causalopt.model.views import Difference, Gate, Outside
from causalopt.model.world import World


@dataclass(frozen=True)
class Spot:
    """A node of a world."""

    world: World[Model]
    key: Key
    step: int

    @property
    def label(self) -> Label:
        """The node as it is called."""
        return self.world.model.label(self.key, self.step)

    @property
    def name(self) -> str:
        """The node in words."""
        return self.world.model.name_of(self.label)

    def beside(self, label: Label) -> Spot:
        """Another node of the same world."""
        key, step = self.world.model.key_of(label)
        if step < 0:
            raise QueryError(
                f"{self.name} looks back to {label}, before the start: ask system.unroll(steps), "
                "in which that is an input."
            )
        return Spot(self.world, key, step)

    @property
    def variable(self) -> Finite:
        """The finite variable that a distribution has for it: of R[3], one that is called so."""
        variable = own_variable(self.label)
        if variable is not None:
            return variable
        raise QueryError(
            f"{self.name} takes no named values, and probabilities are those of named values: "
            f'declare it with finite("{self.name}", ["...", "..."]).'
        )


@dataclass(frozen=True)
class Rule:
    """What a node follows from: a table, the spots that ask it, and the noise of a table of chance.

    ``cells`` is None for a node that starts from a value of its own.
    """

    cells: Cells | None
    parents: tuple[Spot, ...] = ()
    noise: Label | None = None


@dataclass(frozen=True)
class Way:
    """What a world makes of a node: a mechanism with what it sees, or the same node elsewhere."""

    mechanism: Mechanism | None = None
    names: Mapping[Symbol, Label] | None = None
    elsewhere: World[Model] | None = None


@dataclass(frozen=True)
class _AsTables:
    """The view in which a world says what becomes of a node that is drawn with others."""

    spot: Spot

    def computed(self, mechanism: Mechanism | None, gate: Gate[World[Model]] | None) -> Way:
        """By its own mechanism, or another; a start value by none."""
        if gate is not None:
            self._refuse("is clamped by a part", "clamp it whole")
        account = self.spot.world.model.account(self.spot.key, self.spot.step, mechanism)
        if account.start is not None:
            return Way()
        return Way(account.assigned, account.names)

    def constant(self, value: Outside) -> Way:
        """A value from outside."""
        if not isinstance(value, float | int):
            self._refuse(f"is set to {value}", "set it to a value of its own")
        whole = Integer(int(value)) if value == int(value) else Float(value)
        return Way(Expression(whole), {})

    def copied(self, world: World[Model]) -> Way:
        """The same node in another world."""
        return Way(elsewhere=world)

    def there(self, world: World[Model]) -> Way:
        """The same: a difference is never added to a named value."""
        return Way(elsewhere=world)

    def mixed(self, own: Way, other: Way, by: float | Parameter) -> Way:
        """None: nothing lies between two names."""
        self._refuse("is clamped by a part", "clamp it whole")

    def blended(self, own: Way, other: Way, part: Subspace, by: float) -> Way:
        """None: a name has no parts."""
        self._refuse(f"is held in {part}", "hold it whole")

    def moved(self, term: Way, by: Difference) -> Way:
        """None: nothing adds to a name."""
        self._refuse(f"is perturbed by {by}", "perturb it to a value")

    def nudged(self, term: Way, along: Directions | None) -> Way:
        """None: a name has no derivative."""
        self._refuse("carries an infinitesimal difference", "ask about the world without it")

    def _refuse(self, what: str, remedy: str) -> NoReturn:
        raise QueryError(f"{self.spot.name} {what}, and has no probabilities so: {remedy}.")


def way_of(spot: Spot) -> Way:
    """What the world makes of a node."""
    return spot.world.at(spot.key, spot.step).apply(_AsTables(spot))


def rule_of(spot: Spot) -> Rule:
    """The rule by which a node with named values follows.

    Raises ``QueryError`` for a node without named values, a decision without a policy, and what
    follows from no table and from numbers or noise that are not finite.
    """
    target = spot.variable
    given = spot.world.model.parameter_values.get(spot.label)
    if given is not None:  # an input, such as what was before the start of an unrolled system
        return Rule(Cells(target, np.array(int(given))))
    way = way_of(spot)
    if way.elsewhere is not None:
        same = Spot(way.elsewhere, spot.key, spot.step)
        return Rule(Cells(target, np.arange(target.size, dtype=np.int64)), (same,))
    if way.mechanism is None or way.names is None:
        return Rule(None)
    if is_decision(way.mechanism):
        raise QueryError(without_policy(spot.name))
    lookup = as_lookup(target, way.mechanism)
    if lookup is None:
        return _tabulated(spot, target, way.mechanism, way.names)
    noise = None if lookup.cells.codes is not None else way.names[lookup.inputs[-1]]
    parents = tuple(spot.beside(way.names[symbol]) for symbol in lookup.parents)
    return Rule(lookup.cells, parents, noise)


def utility_at(spot: Spot) -> tuple[Utility, tuple[Spot, ...]] | None:
    """A node as a utility, with the spots that ask it; None for a node of another kind."""
    way = way_of(spot)
    if way.elsewhere is not None:
        return utility_at(Spot(way.elsewhere, spot.key, spot.step))
    wanted = None if way.mechanism is None else as_utility(way.mechanism)
    if wanted is None or way.names is None:
        return None
    return wanted, tuple(spot.beside(way.names[symbol]) for symbol in wanted.inputs)


def _tabulated(
    spot: Spot, target: Finite, mechanism: Mechanism, names: Mapping[Symbol, Label]
) -> Rule:
    """The table of a formula of finite variables: its value for each of their joint states."""
    numbers = spot.world.model.parameter_values
    inputs = [s for s in mechanism.arguments if names.get(s) not in numbers]
    domains = []
    for symbol in inputs:
        domain = domain_of(symbol)
        if isinstance(symbol, Noise) or not isinstance(domain, Named):
            raise QueryError(
                f"{spot.name} follows from {symbol}, which takes no named values, and "
                "probabilities go through tables: write it as table(...)."
            )
        domains.append(domain)
    shape = tuple(domain.size for domain in domains)
    refuse_what_does_not_fit(
        1000 * int(np.prod(shape, dtype=object)), f"The table of {spot.name}", "Take fewer parents."
    )
    known: dict[Symbol, Expr] = {
        s: Float(numbers[names[s]]) for s in mechanism.arguments if names.get(s) in numbers
    }
    codes = np.zeros(shape, dtype=np.int64)
    for place in np.ndindex(*shape):
        at = known | {s: Integer(code) for s, code in zip(inputs, place, strict=True)}
        codes[place] = int(mechanism.value(at))
    return Rule(Cells(target, codes), tuple(spot.beside(names[s]) for s in inputs))
