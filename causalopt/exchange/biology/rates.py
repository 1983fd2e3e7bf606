"""The rates of change that a file in SBML declares, and the equations that hold at each moment."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sympy import Add, Expr, Integer, Mul, Symbol

from causalopt.exchange.biology.formulas import Formulas
from causalopt.exchange.biology.numbers import UnfitError, applied, constant_of, number
from causalopt.exchange.biology.operations import Meaning
from causalopt.exchange.biology.process import refused
from causalopt.exchange.biology.symbols import Symbols
from causalopt.exchange.reading import FileText
from causalopt.ground.checks import shown
from causalopt.language.symbols import Lag, Parameter, Quantity, Variable, time
from causalopt.model.amounts import followed

if TYPE_CHECKING:
    from causalopt.exchange.biology.description import (
        Identified,
        ModelFact,
        ParticipantFact,
        ReactionFact,
        RuleFact,
    )


@dataclass(frozen=True)
class Participation:
    """A reaction's part in a species: as a product, 1, or as a reactant, -1."""

    sign: int
    part: ParticipantFact
    reaction: ReactionFact


@dataclass(frozen=True, eq=False)
class Rates:
    """The formulas of a model, by what they say of its symbols."""

    source: FileText
    model: ModelFact
    symbols: Symbols

    @functools.cached_property
    def formulas(self) -> Formulas:
        """What formulas are read with."""
        return Formulas(
            self.source,
            {f["id"]: f for f in self.model["functions"]},
            names=lambda: [*self.symbols.roles.symbols, *self.laws],
            named=self._named,
            rate=self._rate_of,
            delayed=self._delayed,
        )

    def _named(self, name: str) -> Expr | None:
        """What a name stands for: a symbol, a number, or the law of a reaction."""
        if name in self.symbols.quantities:
            return self.symbols.quantities[name]
        if name in self.laws:
            return self.laws[name]()
        parts = self.symbols.roles.parts
        return self._stoichiometry(parts[name]) if name in parts else None

    # -- reactions -------------------------------------------------------------------------------

    @functools.cached_property
    def laws(self) -> Mapping[str, Callable[[], Expr]]:
        """The law of each reaction, read when it is first asked for."""
        return {
            reaction["id"]: functools.cache(functools.partial(self._law, reaction))
            for reaction in self.model["reactions"]
        }

    def _law(self, reaction: ReactionFact) -> Expr:
        name, at = reaction["id"], reaction["at"]
        if not reaction["law"]:
            told = f"the reaction {shown(name)} has no kinetic law: it says not how fast it is."
            raise refused(self.source, at, told)
        if reaction["is_fast"]:
            told = (
                f"the reaction {shown(name)} is fast, in balance at each moment, and is not read: "
                "write a rule for what it balances."
            )
            raise refused(self.source, at, told)
        with self.formulas.inside(name, at):
            return self.formulas.number(reaction["law"], at, self.symbols.local[name])

    @functools.cached_property
    def _shares(self) -> Mapping[str, list[Participation]]:
        """The reactions that change each species."""
        found: dict[str, list[Participation]] = {name: [] for name in self.symbols.roles.species}
        for reaction in self.model["reactions"]:
            for sign, side in ((-1, reaction["reactants"]), (1, reaction["products"])):
                for part in side:
                    found[part["species"]].append(Participation(sign, part, reaction))
        return found

    def _stoichiometry(self, part: ParticipantFact) -> Expr:
        if part["id"] in self.symbols.quantities:
            return self.symbols.quantities[part["id"]]
        if part["formula"]:
            return self.formulas.number(part["formula"], part["at"])
        if part["stoichiometry"] is None:
            told = f"how much of {shown(part['species'])} takes part is not said here."
            raise refused(self.source, part["at"], f'{told} Write stoichiometry="1".')
        with self.formulas.within(part["at"]):
            return number(part["stoichiometry"])

    def _flux(self, name: str) -> Expr:
        """How fast reactions change a species: its amount, or its concentration."""
        fact = self.symbols.roles.species[name]
        factors: list[Meaning] = []
        conversion = fact["conversion"] or self.model["conversion"]
        if conversion:
            factors.append(self._known(conversion, fact))
        if self.symbols.roles.is_concentration(name) and name not in self.symbols.amounts:
            factors.append(1 / self._known(fact["compartment"], fact))
        terms: list[Meaning] = []
        for share in self._shares[name]:
            law = self.laws[share.reaction["id"]]()
            parts = [Integer(share.sign), self._stoichiometry(share.part), law, *factors]
            with self.formulas.within(share.part["at"]):
                terms.append(applied(Mul, parts))
        with self.formulas.within(fact["at"]):
            return cast(Expr, applied(Add, terms))

    def _known(self, name: str, fact: Identified) -> Quantity:
        if name not in self.symbols.quantities:
            raise refused(self.source, fact["at"], f"there is no {shown(name)}.")
        return self.symbols.quantities[name]

    # -- rates and equations ---------------------------------------------------------------------

    @functools.cached_property
    def rates(self) -> Mapping[Variable, Expr]:
        """The rates of change of what has one, in the order of the file."""
        roles = self.symbols.roles
        changing = [n for n in roles.symbols if n in roles.changing and n not in roles.assigned]
        return {self.symbols.owner(name): self._rate(name) for name in changing}

    def _rate(self, name: str) -> Expr:
        ruled = self.symbols.roles.rated.get(name)
        if ruled is not None:
            return self.formulas.number(ruled["formula"], ruled["at"])
        return self._flux(name) if name in self.symbols.roles.reacting else Integer(0)

    @functools.cached_property
    def equations(self) -> Mapping[Variable, Expr]:
        """What follows from the others at each moment: rules, and concentrations of amounts."""
        roles, found = self.symbols.roles, {}
        for name, rule in roles.assigned.items():
            found[self.symbols.variable(name)] = self._equation(self.symbols.variable(name), rule)
        for name, amount in self.symbols.amounts.items():
            size = self._known(roles.species[name]["compartment"], roles.species[name])
            found[self.symbols.variable(name)] = amount / size
        return found

    @functools.cached_property
    def still(self) -> frozenset[Symbol]:
        """What changes by jumps alone: parameters, what has no rate, what follows from these."""
        found = {q for q in self.symbols.quantities.values() if isinstance(q, Parameter)}
        found |= {v for v, rate in self.rates.items() if rate == 0}
        waiting = dict(self.equations)
        while ready := [v for v, f in waiting.items() if f.free_symbols <= found]:
            found.update(ready)
            waiting = {v: f for v, f in waiting.items() if v not in found}
        return frozenset(found)

    @functools.cached_property
    def positive(self) -> frozenset[Symbol]:
        """The parameters that are positive numbers in the file."""
        return frozenset(s for s, number in self.plain_numbers.items() if number > 0)

    @functools.cached_property
    def outputs(self) -> frozenset[Symbol]:
        """What follows from others by rules, and neither rates nor events do from it."""
        rules = {self.symbols.variable(name) for name in self.symbols.roles.assigned}
        asked = {self.symbols.quantities[n] for n in self.named if n in self.symbols.quantities}
        asked.update(*(rate.free_symbols for rate in self.rates.values()))
        delayed = {lag.variable for f in self.equations.values() for lag in f.atoms(Lag)}
        asked |= delayed
        return frozenset(rules - asked - followed(self.equations, asked))

    @functools.cached_property
    def used(self) -> frozenset[Symbol]:
        """The symbols that rates and equations follow from."""
        formulas = (*self.rates.values(), *self.equations.values())
        return frozenset().union(*(formula.free_symbols for formula in formulas))

    @functools.cached_property
    def named(self) -> frozenset[str]:
        """The ids that events and initial assignments name."""
        formulas = [
            *(rule["formula"] for rule in self.model["starts"]),
            *(e[part] for e in self.model["events"] for part in ("trigger", "delay", "priority")),
            *(one["formula"] for e in self.model["events"] for one in e["assignments"]),
        ]
        return frozenset(
            str(value) for tokens in formulas for kind, value, _ in tokens if kind == "name"
        )

    def _equation(self, variable: Variable, rule: RuleFact) -> Expr:
        """What a rule says of a variable; an algebraic one, 0 = f, is solved for it if it can be.

        Where it is not linear in the variable, that is itself less f. There is a symbol beside f,
        so that the two stay apart: f may be far smaller.
        """
        formula = self.formulas.number(rule["formula"], rule["at"])
        if rule["kind"] != "algebraic":
            return formula
        with self.formulas.within(rule["at"]):
            slope = formula.diff(variable)
            rest = formula.xreplace({variable: Integer(0)})
        if slope == 0:
            told = f"the algebraic rule says nothing of {shown(str(variable))}, which alone is left"
            raise refused(self.source, rule["at"], f"{told} for it to determine: leave it out.")
        if variable not in slope.free_symbols:
            return cast(Expr, -rest / slope)
        return cast(Expr, variable - formula / self.symbols.turn(variable))

    def _rate_of(self, symbol: Expr) -> Expr:
        """The rate of change of a symbol, where a formula asks for it."""
        if isinstance(symbol, Parameter):
            return Integer(0)
        name = self.symbols.id_of(symbol)
        roles = self.symbols.roles
        if name is None or name in self.symbols.amounts or name in roles.assigned:
            raise UnfitError(f"rateOf({shown(symbol)}), which has no rate of its own")
        with self.formulas.inside(f"rateOf({name})", roles.symbols[name]["at"]):
            return self._rate(name)

    # -- delays ----------------------------------------------------------------------------------

    def _delayed(self, formula: Expr, delay: Expr) -> Expr:
        """What a formula was some time before."""
        by = constant_of(delay, self.plain_numbers)
        if by is None or by < 0:
            raise UnfitError(
                f"a delay of {shown(delay)}: a delay is a number, or follows from parameters that "
                "are numbers"
            )
        if by == 0:
            return formula
        before = {v: v.lag(by) for v in formula.atoms(Variable)}
        return cast(Expr, formula.xreplace({**before, time: time - by}))

    @functools.cached_property
    def plain_numbers(self) -> Mapping[Symbol, float]:
        """The parameters and sizes that are given as numbers, and not as formulas."""
        roles = self.symbols.roles
        held = {**roles.compartments, **roles.values}
        plain = held.keys() - roles.changing - roles.starts.keys()
        values = {name: held[name]["value"] for name in plain}
        numbers = {self.symbols.quantities[n]: v for n, v in values.items() if v is not None}
        for reaction in self.model["reactions"]:
            for fact in reaction["local"]:
                if fact["value"] is not None:
                    numbers[self.symbols.local[reaction["id"]][fact["id"]]] = fact["value"]
        return numbers
