"""A question about random variables, given what is known of some: sums of factors, conditioned."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from sympy import Expr

from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.finite.states import Variables, refuse_too_many, strides
from causalopt.distributions.inference.cliques import cliques_of
from causalopt.distributions.inference.factors import Arithmetic, Factor
from causalopt.distributions.inference.rules import Spot
from causalopt.distributions.inference.unfolding import Unfolding
from causalopt.ground.checks import as_mapping, shown
from causalopt.ground.errors import QueryError
from causalopt.ground.masses import Masses, sum_by_state
from causalopt.ground.types import Array
from causalopt.language.domains import Value
from causalopt.language.symbols import Label
from causalopt.language.words import listed
from causalopt.model.interface import Model, as_model
from causalopt.model.world import World

#: What is known, or asked about: nodes with the values that they have.
Event = Mapping[Label, Value]

#: Nodes of a world with the places of the values that they have.
Places = Sequence[tuple[Spot, int]]


@dataclass(frozen=True, eq=False)
class Inquiry:
    """The random variables of a question, and what is known of them."""

    world: World[Model]
    unfolding: Unfolding
    evidence: Places

    @classmethod
    def about(
        cls,
        of: Model | World[Model],
        named: Sequence[object],
        given: Event | None,
        P: Distribution | None,
        seen_in: World[Model] | None = None,
    ) -> Inquiry:
        """A question about nodes of a model or world, given what is seen in it or in another."""
        seen = {} if given is None else as_event(given, "given")
        if P is not None and not isinstance(P, Distribution):
            raise QueryError(
                f"P is {shown(P)} ({type(P).__name__}): write a Distribution over nodes that start "
                "from a value, such as Distribution.uniform(R)."
            )
        beside_it = seen_in if isinstance(seen_in, World) else None
        world = world_of(of, [*named, *seen], beside_it)
        beside = world if seen_in is None else seen_in
        if not isinstance(beside, World) or (beside.model, beside.steps) != (
            world.model,
            world.steps,
        ):
            raise QueryError(
                "seen_in is no world of the same model and the same number of steps: write one, "
                "such as seen_in=W for a question about W.do(...)."
            )
        return cls(world, Unfolding(world, P), spots_with_places(beside, seen, "given"))

    def distribution(
        self, variables: Variables, numbers: Sequence[int], belief: Factor | None = None
    ) -> Distribution:
        """The joint distribution of variables that have these numbers, given what is known.

        ``belief`` is a table in proportion to it, where there is one at hand.
        """
        known = self.known()
        free = _unknown(numbers, known)
        masses = self._shares(free, known, belief)
        refuse_too_many(masses.size, "A distribution")
        places = dict(zip(free, np.indices(masses.shape), strict=True))
        states = np.zeros(masses.shape, dtype=np.int64)
        for number, stride in zip(numbers, strides(variables), strict=True):
            states += stride * (places[number] if number in places else known[number])
        size = math.prod(variable.size for variable in variables)
        return Distribution(variables, *sum_by_state(states.reshape(-1), masses.reshape(-1), size))

    def each(self, numbers: Iterable[int]) -> dict[int, Factor]:
        """A table in proportion to the chances of each variable that is not known."""
        known = self.known()
        factors = self.factors(self.arithmetic(), known)
        return cliques_of(factors).each(_unknown(numbers, known))

    def probability(self, event: Places) -> Expr | float:
        """The chance of an event, given what is known."""
        # All that is asked about first, since the numbers have to hold the chances of all.
        both = self._known([*self.evidence, *event])
        arithmetic, whole = self.weighed(self.known())
        if both is None:
            return arithmetic.mass(whole.table[()] * 0)
        part = cliques_of(self.factors(arithmetic, both)).total(frozenset())
        ratio = arithmetic.mass(part.table[()] / whole.table[()])
        return _times_power(ratio, part.exponent - whole.exponent)

    def weighed(
        self, known: Mapping[int, int], wanted: Sequence[int] = (), beside: Sequence[Array] = ()
    ) -> tuple[Arithmetic, Factor]:
        """A table in proportion to the chances of variables, in numbers for tables beside them too.

        In floats, all chances of what is known may round to 0: then exactly, of the same floats.
        Raises ``QueryError`` where they are 0.
        """
        plain = self.arithmetic(beside)
        for arithmetic in (plain, plain.without_rounding):
            cliques = cliques_of(self.factors(arithmetic, known), wanted)
            factor = cliques.total(frozenset(wanted))
            if np.add.reduce(factor.table, axis=None) != 0:
                return arithmetic, factor
        raise self._impossible()

    def known(self) -> dict[int, int]:
        """The places of the variables that are known; an error where that is impossible."""
        known = self._known(self.evidence)
        if known is None:
            raise self._impossible()
        return known

    def arithmetic(self, beside: Iterable[Array] = ()) -> Arithmetic:
        """The numbers for what is asked: exact where all masses are, and the tables beside them."""
        return Arithmetic.of([*self.unfolding.tables(), *beside])

    def factors(self, arithmetic: Arithmetic, known: Mapping[int, int]) -> list[Factor]:
        """The factors of all variables where some are known."""
        return [factor.at(known) for factor in self.unfolding.factors(arithmetic)]

    def _known(self, places: Places) -> dict[int, int] | None:
        """The places of variables, by the nodes that they are; None where two contradict."""
        seen = [(self.unfolding.variable(spot), place) for spot, place in places]
        known = dict(self.unfolding.known)
        for number, place in seen:
            if known.setdefault(number, place) != place:
                return None
        return known

    def _shares(
        self, free: Sequence[int], known: Mapping[int, int], belief: Factor | None
    ) -> Masses:
        """The chances of variables, an axis for each."""
        arithmetic, factor = self.arithmetic(), belief
        if factor is None or np.add.reduce(factor.table, axis=None) == 0:
            arithmetic, factor = self.weighed(known, free)
        table = factor.over(free)
        # Exact chances of nothing that is known sum to 1 as they are.
        if self.evidence or arithmetic.of_floats:
            table = table / np.add.reduce(table, axis=None)
        return arithmetic.masses(np.asarray(table))

    def _impossible(self) -> QueryError:
        seen = listed(f"{spot.name} = {spot.variable.domain.names[place]}"
                      for spot, place in self.evidence)  # fmt: skip
        return QueryError(
            f"{seen} has probability 0, and nothing is to be said of what follows from it: give "
            "evidence that can be."
        )


def as_event(given: object, where: str) -> Event:
    """Nodes and their values, in a mapping."""
    return cast(Event, as_mapping(given, where, '{R: "hot"}'))


def spots_with_places(world: World[Model], event: Event, where: str) -> Places:
    """The nodes of an event with the places of their values."""
    places = []
    for node, value in event.items():
        (spot,) = named_spots(world, [node])
        places.append((spot, spot.variable.code(value, f"{where}: {spot.name}")))
    return places


def named_spots(world: World[Model], nodes: Sequence[object]) -> list[Spot]:
    """The nodes of a world that a user names, one by one or in lists."""
    return [
        Spot(world, stretch.key, step)
        for node in nodes
        for stretch in world.model.select(node, world.steps)
        for step in range(stretch.start, stretch.stop)
    ]


def world_of(of: object, named: Sequence[object], like: World[Model] | None = None) -> World[Model]:
    """A world as it is; of a model that in which nothing is done, up to the last node named.

    It is as long as another world, where there is one.
    """
    if isinstance(of, World):
        return of
    model = as_model(of)
    try:
        return World(model, model.run_length(None, named) if like is None else like.steps)
    except QueryError as error:
        raise QueryError(f"{error} Or ask a world, such as system.world(steps=10).") from None


def _unknown(numbers: Iterable[int], known: Mapping[int, int]) -> list[int]:
    return list(dict.fromkeys(number for number in numbers if number not in known))


def _times_power(ratio: Expr | float, exponent: int) -> Expr | float:
    return math.ldexp(ratio, exponent) if exponent and isinstance(ratio, float) else ratio
