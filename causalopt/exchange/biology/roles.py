"""What each id of a file in SBML is in a system: what changes it, and by what it starts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from causalopt.exchange.biology.process import refused
from causalopt.exchange.reading import FileText
from causalopt.ground.checks import shown
from causalopt.ground.errors import FileError, nearest

if TYPE_CHECKING:
    from causalopt.exchange.biology.description import (
        CompartmentFact,
        Identified,
        ModelFact,
        ParticipantFact,
        RuleFact,
        SpeciesFact,
        Tokens,
        ValueFact,
    )

#: The most symbols of a file: each one is a node at each step.
MOST_SYMBOLS = 2_000


@dataclass(frozen=True)
class Roles:
    """The symbols of a model by id, and what changes each.

    ``parts`` are reactants and products whose amounts have ids of their own. ``assigned`` follow
    from rules at each moment, ``rated`` have rates by rules, ``reacting`` are species that
    reactions change, ``jumping`` are set by events, and what is ``inherited`` has no change of its
    own, but starts from what has one, or is diluted by it.
    """

    compartments: Mapping[str, CompartmentFact]
    species: Mapping[str, SpeciesFact]
    values: Mapping[str, ValueFact]
    parts: Mapping[str, ParticipantFact]
    assigned: Mapping[str, RuleFact]
    rated: Mapping[str, RuleFact]
    starts: Mapping[str, RuleFact]
    reacting: frozenset[str]
    jumping: frozenset[str]
    inherited: frozenset[str] = frozenset()

    @property
    def symbols(self) -> Mapping[str, Identified]:
        """All that has a value, in the order of the file."""
        return {**self.compartments, **self.species, **self.values, **self.parts}

    @property
    def changing(self) -> frozenset[str]:
        """What is a variable: the rest are parameters."""
        moved = self.reacting | self.jumping | self.inherited
        return moved | self.assigned.keys() | self.rated.keys()

    def is_constant(self, name: str) -> bool:
        """Whether it is declared that nothing changes it."""
        kinds = (self.compartments, self.species, self.values, self.parts)
        return any(kind[name]["constant"] for kind in kinds if name in kind)

    def is_plain(self, name: str) -> bool:
        """Whether it is how much of a species takes part, and nothing changes it: a number."""
        return name in self.parts and name not in self.changing and name not in self.starts

    def is_concentration(self, name: str) -> bool:
        """Whether a species' id means its concentration."""
        fact = self.species.get(name)
        if fact is None or fact["is_amount"]:
            return False
        return self.compartments[fact["compartment"]]["dimensions"] > 0

    def is_diluted(self, name: str) -> bool:
        """Whether its concentration follows from its amount: where its compartment changes."""
        if not self.is_concentration(name) or name in self.assigned or name in self.rated:
            return False
        return self.species[name]["compartment"] in self.changing

    def is_rescaled(self, name: str) -> bool:
        """Whether its start is an amount and its id means a concentration, or reversely."""
        fact = self.species.get(name)
        if fact is None or name in self.starts:
            return False
        given = "concentration" if self.is_concentration(name) else "amount"
        return fact[given] is None  # type: ignore[literal-required]  # the one or the other


def roles_of(source: FileText, model: ModelFact) -> Roles:
    """The roles of all symbols.

    Raises ``FileError`` for two things of one id, rules and references that name what is not
    there, two rules for one symbol, and a change of what is declared to be constant.
    """
    _check_apart(source, model)
    compartments = {c["id"]: c for c in model["compartments"]}
    species = {s["id"]: s for s in model["species"]}
    values = {p["id"]: p for p in model["parameters"]}
    parts = {p["id"]: p for p in _participants(model) if p["id"]}
    for fact in model["species"]:
        _check_there(source, fact, fact["compartment"], compartments, "compartment")
    for one in _participants(model):
        _check_there(source, one, one["species"], species, "species")
    known = {**compartments, **species, **values, **parts}
    rated, assigned, starts = (_by_symbol(source, k, model, known) for k in _BY_SYMBOL)
    _check_one_rule(source, assigned, rated)
    sets = [a for event in model["events"] for a in event["assignments"]]
    for one_set in sets:
        _check_known(source, one_set, known)
    moved = (p["species"] for p in _participants(model))
    roles = Roles(
        *(compartments, species, values, parts, assigned, rated, starts),
        reacting=frozenset(name for name in moved if not species[name]["is_boundary"]),
        jumping=frozenset(one_set["symbol"] for one_set in sets),
    )
    roles = _with_solved(source, roles, [r for r in model["rules"] if r["kind"] == "algebraic"])
    _check_changes(source, roles)
    return _with_inherited(roles, model)


_BY_SYMBOL = ("rate", "assignment", "start")


def _participants(model: ModelFact) -> list[ParticipantFact]:
    return [p for r in model["reactions"] for p in (*r["reactants"], *r["products"])]


def _check_apart(source: FileText, model: ModelFact) -> None:
    """Ids are one name space; those of units are another, and those of events nobody uses."""
    seen: set[str] = set()
    symbols = len(model["compartments"]) + len(model["species"]) + len(model["parameters"])
    things: list[Identified] = [
        *model["compartments"], *model["species"], *model["parameters"], *model["functions"],
        *model["reactions"], *_participants(model),
    ]  # fmt: skip
    if len(things) > 5 * MOST_SYMBOLS or symbols > MOST_SYMBOLS:
        raise FileError(
            f"{source.path}: {symbols:,} symbols, {len(things):,} with functions, reactions and "
            f"their parts, are more than {MOST_SYMBOLS:,} (MOST_SYMBOLS), or {5 * MOST_SYMBOLS:,}: "
            "split the model."
        )
    for thing in things:
        if thing["id"] and thing["id"] in seen:
            told = f"the id {shown(thing['id'])} is given twice: write another."
            raise refused(source, thing["at"], told)
        seen.add(thing["id"])


def _check_there(
    source: FileText, thing: Identified, name: str, known: Collection[str], what: str
) -> None:
    if name not in known:
        told = f"there is no {what} {shown(name)}.{nearest(name, known)}"
        raise refused(source, thing["at"], told)


def _check_known(source: FileText, rule: RuleFact, known: Collection[str]) -> None:
    if rule["symbol"] not in known:
        told = f"there is no {shown(rule['symbol'])} that could be set."
        raise refused(source, rule["at"], told + nearest(rule["symbol"], known))


def _by_symbol(
    source: FileText, kind: str, model: ModelFact, known: Mapping[str, Identified]
) -> dict[str, RuleFact]:
    """Rules of a kind by what they are for, one for each."""
    found: dict[str, RuleFact] = {}
    for rule in (*model["rules"], *model["starts"]):
        if rule["kind"] != kind:
            continue
        _check_known(source, rule, known)
        _check_one_rule(source, found, {rule["symbol"]: rule})
        found[rule["symbol"]] = rule
    return found


def _check_one_rule(
    source: FileText, first: Mapping[str, RuleFact], second: Mapping[str, RuleFact]
) -> None:
    for name, rule in second.items():
        if name in first:
            told = f"{shown(name)} has two rules: leave one out."
            raise refused(source, rule["at"], told)


def _with_solved(source: FileText, roles: Roles, rules: list[RuleFact]) -> Roles:
    """The roles, with algebraic rules as rules for the symbols that nothing else determines.

    First where one symbol is left for a rule to determine; the others are as many as their symbols,
    and determine them together.
    """
    waiting = list(rules)
    while waiting:
        open_in = [_undetermined(roles, rule) for rule in waiting]
        place = next((i for i, names in enumerate(open_in) if len(names) == 1), None)
        if place is None:
            given = _shared_out(open_in)
            if given is None:
                raise _undecided(source, waiting, open_in)
            together = dict(zip(given, waiting, strict=True))
            return replace(roles, assigned={**roles.assigned, **together})
        (name,) = open_in[place]
        roles = replace(roles, assigned={**roles.assigned, name: waiting.pop(place)})
    return roles


def _undecided(source: FileText, waiting: list[RuleFact], open_in: list[set[str]]) -> FileError:
    names = ", ".join(sorted(open_in[0])) or "nothing"
    told = (
        f"algebraic rules are read where they are as many as the symbols that are left for them to "
        f"determine, and {names} is left here: write an assignment rule."
    )
    return refused(source, waiting[0]["at"], told)


def _shared_out(open_in: Sequence[Collection[str]]) -> list[str] | None:
    """A symbol for each rule, of those that it leaves open; None where they are not as many.

    >>> _shared_out([{"y", "z"}, {"z"}]), _shared_out([{"y", "z"}, {"y"}, {"z"}])
    (['y', 'z'], None)
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    every = sorted(set[str]().union(*open_in))
    if len(every) != len(open_in):
        return None
    pairs = csr_array([[name in names for name in every] for names in open_in])
    places = maximum_bipartite_matching(pairs, perm_type="column")
    return None if (places < 0).any() else [every[place] for place in places]


def _undetermined(roles: Roles, rule: RuleFact) -> set[str]:
    """The symbols of a rule that may change, and that nothing else changes."""
    named = {str(value) for kind, value, _ in rule["formula"] if kind == "name"}
    free = (named & roles.symbols.keys()) - roles.changing
    return {name for name in free if not roles.is_constant(name)}


def _check_changes(source: FileText, roles: Roles) -> None:
    """Nothing changes that is constant, and nothing in two ways at once."""
    for name, fact in roles.symbols.items():
        ruled = roles.assigned.get(name) or roles.rated.get(name)
        changed = ruled is not None or name in roles.reacting or name in roles.jumping
        if changed and roles.is_constant(name):
            at = fact["at"] if ruled is None else ruled["at"]
            told = f"{shown(name)} is declared to be constant, and something changes it."
            raise refused(source, at, f'{told} Write constant="false".')
        if name in roles.assigned and name in roles.jumping:
            told = f"{shown(name)} follows from a rule at each moment, and an event sets it too."
            raise refused(source, roles.assigned[name]["at"], told)
        if ruled is not None and name in roles.reacting:
            told = (
                f"{shown(name)} has a rule, and reactions change it too: write "
                'boundaryCondition="true", or leave the rule out.'
            )
            raise refused(source, ruled["at"], told)


def _with_inherited(roles: Roles, model: ModelFact) -> Roles:
    """The roles, with all that starts from what changes, and what a changing size dilutes."""
    needing: dict[str, list[str]] = {}
    for name in roles.symbols:
        for needed in _needed(roles, name):
            needing.setdefault(needed, []).append(name)
    inherited: set[str] = set()
    waiting = [*roles.changing, *(reaction["id"] for reaction in model["reactions"])]
    while waiting:
        for name in needing.get(waiting.pop(), ()):
            if name not in inherited and name not in roles.changing:
                inherited.add(name)
                waiting.append(name)
    return replace(roles, inherited=frozenset(inherited))


def _needed(roles: Roles, name: str) -> set[str]:
    """What a symbol that nothing changes follows from."""
    formula: Tokens = roles.starts[name]["formula"] if name in roles.starts else []
    needed = {str(value) for kind, value, _ in formula if kind == "name"}
    if roles.is_concentration(name) or roles.is_rescaled(name):
        needed.add(roles.species[name]["compartment"])
    return needed
