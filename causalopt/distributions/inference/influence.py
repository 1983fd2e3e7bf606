"""Influence diagrams: what is to be expected of decisions, and the policies that are best."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import networkx as nx
import numpy as np
import sympy
from sympy import Expr, Symbol

from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.inference.inquiry import Event, Inquiry, world_of
from causalopt.distributions.inference.rules import Spot, utility_at, way_of
from causalopt.distributions.inference.worth import Goal, amounts_of, expected, prospects
from causalopt.ground.errors import QueryError, TooLargeError
from causalopt.ground.masses import Masses, exact_array
from causalopt.ground.readonly import ReadOnly
from causalopt.ground.types import Ints
from causalopt.language.finite_variables import as_finite
from causalopt.language.laws import Uniform
from causalopt.language.symbols import Label, Noise
from causalopt.language.words import listed
from causalopt.mechanisms.decisions import is_decision
from causalopt.mechanisms.lookup import Cells, Lookup
from causalopt.model.interface import Model
from causalopt.model.wiring import is_separated
from causalopt.model.world import World

# Where decisions have to be found together, all of their policies are tried.
_MOST_POLICIES = 20_000


@dataclass(frozen=True)
class Solution:
    """Policies that together expect the most: ``value``, the sum of all utilities, in ``world``.

    ``policies`` holds a table for each decision, as ``world.replace`` takes it; ``world`` is the
    one that was asked about, under these.
    """

    world: World[Model]
    value: Expr | float
    policies: Mapping[Label, Lookup]

    def __repr__(self) -> str:
        lines = [f"    {node}: {'; '.join(p.rows()) or p}" for node, p in self.policies.items()]
        return "\n".join([f"Solution of value {self.value}", *lines])


def expected_utility(
    of: Model | World[Model],
    *,
    given: Event | None = None,
    P: Distribution | None = None,
    seen_in: World[Model] | None = None,
) -> Expr | float:
    """The expectation of the sum of all utilities, given what is seen: E[sum_j U_j | given].

    All decisions have policies (``world.replace(D, table(...))``). Exact where masses and utilities
    are. Parameters and errors are those of ``marginal``; ``QueryError`` where nothing is wanted.

    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.symbols import variable
    >>> from causalopt.language.tables import table
    >>> from causalopt.mechanisms.decisions import utility
    >>> from causalopt.model.network import Network
    >>> coin, gain = finite("coin", ["heads", "tails"]), variable("gain")
    >>> bet = Network({coin: table((), {"heads": 0.5, "tails": 0.5}),
    ...                gain: utility(coin, {"heads": 3, "tails": -1})})
    >>> expected_utility(bet)
    1.0
    """
    asked = Inquiry.about(of, (), given, P, seen_in)
    return expected(asked, _goals_in(asked.world))


def solve(of: Model | World[Model], *, P: Distribution | None = None) -> Solution:
    """The policies that expect the most of the sum of all utilities, exactly.

    A policy says for all that a decision sees which value it takes; where two are equally good, and
    where nothing that it sees can be, it is the first. Decisions are solved one after the other, so
    that one comes after those that matter to it (s-reachability), with the others at random, which
    then do not matter: so it is for decisions that remember what earlier ones saw and did, and for
    more. Those that matter to one another are found together, by trying all of their policies.

    Parameters: ``of`` a model with decisions and utilities, or a world of one, whose interventions
    hold; ``P`` as in ``marginal``.

    Raises ``QueryError`` where nothing is decided, or wanted, and where it depends on a symbol what
    is best; ``TooLargeError`` for more than 20,000 policies to be tried.

    Source: Koller and Milch, "Multi-agent influence diagrams" (2003); Lauritzen and Nilsson,
    "Representing and solving decision problems with limited information" (2001).

    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.symbols import variable
    >>> from causalopt.language.tables import table
    >>> from causalopt.mechanisms.decisions import decision, utility
    >>> from causalopt.model.network import Network
    >>> sky, umbrella = finite("sky", ["sun", "rain"]), finite("umbrella", ["yes", "no"])
    >>> forecast, dry = finite("forecast", ["sun", "rain"]), variable("dry")
    >>> day = Network({
    ...     sky: table((), {"sun": 0.75, "rain": 0.25}),
    ...     forecast: table(sky, {"sun": {"sun": 0.75, "rain": 0.25}, "rain": "rain"}),
    ...     umbrella: decision(forecast),
    ...     dry: utility((umbrella, sky), {"yes": {"sun": 2, "rain": 7},
    ...                                       "no": {"sun": 9, "rain": 0}}),
    ... })
    >>> solve(day)
    Solution of value 7.1875
        umbrella: sun -> no, rain -> yes
    """
    world = world_of(of, ())
    decisions = _decisions_in(world)
    if not decisions:
        raise QueryError("There is no decision: declare one, such as D: decision(R).")
    goals = _goals_in(world)
    order = _in_order(world, decisions, goals)
    policies = {spot.label: at_random(spot) for spot in decisions}
    for together in order:
        policies |= _best(world, together, policies, goals, P)
    solved = _under(world, policies)
    value = expected(Inquiry.about(solved, (), None, P), _moved(solved, goals))
    return Solution(solved, value, ReadOnly(policies))


def _nodes_in(world: World[Model]) -> list[Spot]:
    """All nodes of a world, causes first."""
    keys = map(world.model.key_of, world.model.wiring(world.steps or 0).parents)
    return [Spot(world, key, step) for key, step in keys]


def _goals_in(world: World[Model]) -> list[Goal]:
    """All utilities of a world."""
    goals = []
    for spot in _nodes_in(world):
        wanted = utility_at(spot)
        if wanted is not None:
            goals.append(Goal(wanted[1], amounts_of(wanted[0].amounts, wanted[1])))
    if not goals:
        raise QueryError("There is no utility: declare one, such as U: utility(R, {...}).")
    return goals


def _decisions_in(world: World[Model]) -> list[Spot]:
    """All nodes of a world that are still to be decided."""
    spots = [(spot, way_of(spot)) for spot in _nodes_in(world)]
    return [s for s, way in spots if way.mechanism is not None and is_decision(way.mechanism)]


# -- in which order ------------------------------------------------------------------------------


def _in_order(
    world: World[Model], decisions: Sequence[Spot], goals: Sequence[Goal]
) -> list[list[Spot]]:
    """The decisions, those first that matter to others; those that matter to one another together.

    The policy of d matters to e if d, and its utility, are not separated: if from a parent of d
    that is added for the policy some utility below e can be told, knowing e and what it sees.
    """
    graph = nx.DiGraph()
    for spot in _nodes_in(world):
        graph.add_node(spot.label)
        graph.add_edges_from((label, spot.label) for label in (way_of(spot).names or {}).values())
    for number, goal in enumerate(goals):
        graph.add_edges_from((spot.label, ("goal", number)) for spot in goal.spots)
    matters = nx.DiGraph()
    matters.add_nodes_from(decisions)
    for first, second in itertools.permutations(decisions, 2):
        if _matters(graph, first.label, second.label, len(goals)):
            matters.add_edge(first, second)
    parts = nx.condensation(matters)
    members = nx.get_node_attributes(parts, "members")
    return [sorted(members[part], key=decisions.index) for part in nx.topological_sort(parts)]


def _matters(graph: nx.DiGraph, first: Label, second: Label, goals: int) -> bool:
    """Whether what is best at the second decision may depend on the policy of the first."""
    below = nx.descendants(graph, second)
    wanted = {("goal", number) for number in range(goals)} & below
    if not wanted:
        return False
    with_policy = graph.copy()
    with_policy.add_edge("policy", first)
    known = {second, *graph.predecessors(second)}
    return not is_separated(with_policy, {"policy"}, wanted, known)


# -- policies ------------------------------------------------------------------------------------


def seen_by(spot: Spot) -> tuple[Spot, ...]:
    """What a decision sees, or what a table is asked by; ``QueryError`` for a node without."""
    names = way_of(spot).names or {}
    return tuple(spot.beside(names[symbol]) for symbol in _sight(spot))


def _sight(spot: Spot) -> tuple[Symbol, ...]:
    """The symbols of what is seen, as they were declared."""
    mechanism = way_of(spot).mechanism
    if mechanism is None:
        raise QueryError(
            f"{spot.name} starts from a value, and follows from nothing that it could see: ask "
            "about a node with a table, or a decision."
        )
    return tuple(symbol for symbol in mechanism.arguments if not isinstance(symbol, Noise))


def _policy(spot: Spot, codes: Ints | None, chances: Masses | None = None) -> Lookup:
    """A policy as a table by what the decision sees."""
    target = as_finite(getattr(spot.label, "variable", spot.label), "A decision")
    by_chance = (Noise(f"chance of {target}", Uniform()),) if codes is None else ()
    return Lookup(Cells(target, codes, chances), (*_sight(spot), *by_chance))


def at_random(spot: Spot) -> Lookup:
    """The policy that takes each value alike, whatever is seen."""
    size = spot.variable.size
    shape = (*(seen.variable.size for seen in seen_by(spot)), size)
    masses = exact_array([sympy.Rational(1, size)] * math.prod(shape))
    return _policy(spot, None, masses.reshape(shape))


def _under(world: World[Model], policies: Mapping[Label, Lookup]) -> World[Model]:
    for label, policy in policies.items():
        world = world.replace(label, policy)
    return world


def _moved(world: World[Model], goals: Sequence[Goal]) -> list[Goal]:
    """The same goals in another world."""
    return [replace(g, spots=tuple(replace(s, world=world) for s in g.spots)) for g in goals]


def _best(
    world: World[Model],
    together: Sequence[Spot],
    policies: Mapping[Label, Lookup],
    goals: Sequence[Goal],
    P: Distribution | None,
) -> dict[Label, Lookup]:
    """The best policies of decisions that matter to one another, given those of the others."""
    if len(together) > 1:
        return _best_of_all(world, together, policies, goals, P)
    (spot,) = together
    now = _under(world, policies)
    asked = Inquiry.about(now, (), None, P)
    spots = [replace(s, world=now) for s in (*seen_by(spot), spot)]
    worth = prospects(asked, _moved(now, goals), spots).worth
    codes = np.zeros(worth.shape[:-1], dtype=np.int64)
    for place in np.ndindex(*codes.shape):
        codes[place] = _largest(list(worth[place]), spot)
    return {spot.label: _policy(spot, codes)}


def _best_of_all(
    world: World[Model],
    together: Sequence[Spot],
    policies: Mapping[Label, Lookup],
    goals: Sequence[Goal],
    P: Distribution | None,
) -> dict[Label, Lookup]:
    """The best of all combinations of policies without chance."""
    shapes = [tuple(seen.variable.size for seen in seen_by(spot)) for spot in together]
    sizes = [(s.variable.size, math.prod(n)) for s, n in zip(together, shapes, strict=True)]
    count = math.prod(size**rows for size, rows in sizes)
    if count > _MOST_POLICIES:
        raise TooLargeError(
            f"The decisions {listed(spot.name for spot in together)} matter to one another, and "
            f"have {count:,} policies together, more than {_MOST_POLICIES:,}: let later ones see "
            "what earlier ones saw and did, or let them see less."
        )
    combinations = [
        {
            spot.label: _policy(spot, np.array(codes, dtype=np.int64).reshape(shape))
            for spot, codes, shape in zip(together, each, shapes, strict=True)
        }
        for each in itertools.product(
            *(itertools.product(range(size), repeat=rows) for size, rows in sizes)
        )
    ]
    values = []
    for combination in combinations:
        now = _under(world, {**policies, **combination})
        values.append(expected(Inquiry.about(now, (), None, P), _moved(now, goals)))
    return combinations[_largest(values, together[0])]


def _largest(values: Sequence[Expr | float], spot: Spot) -> int:
    """The place of the first of the largest values."""
    best = 0
    for place, value in enumerate(values[1:], start=1):
        is_more = _is_positive(value - values[best], spot)
        best = place if is_more else best
    return best


def _is_positive(more: Expr | float, spot: Spot) -> bool:
    if not isinstance(more, Expr):
        return bool(more > 0)
    excess = more if more.is_number else sympy.factor(more)
    if excess.is_positive is None and not excess.is_nonpositive:
        raise QueryError(
            f"What is best for {spot.name} depends on whether {excess} is positive: give the "
            "symbols numbers."
        )
    return bool(excess.is_positive)
