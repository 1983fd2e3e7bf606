"""The variables and parameters of a system that stand for the ids of a file in SBML."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

from causalopt.exchange.biology.roles import Roles
from causalopt.language.naming import BESIDE_VALUES
from causalopt.language.symbols import Parameter, Quantity, Variable

if TYPE_CHECKING:
    from causalopt.exchange.biology.description import ReactionFact

Q = TypeVar("Q", bound=Quantity)


@dataclass(frozen=True)
class Symbols:
    """What each id stands for: a variable where something changes it, else a parameter.

    ``units`` are texts, by name. A name is the id itself, with a low line behind it where results
    have a dim of that name.
    """

    roles: Roles
    reactions: list[ReactionFact]
    units: Mapping[str, str]

    @functools.cached_property
    def quantities(self) -> Mapping[str, Quantity]:
        """The symbol of each id that has one."""
        return {
            name: self._kind(name)(self.free_name(name), self.units.get(name, ""))
            for name in self.roles.symbols
            if not self.roles.is_plain(name)
        }

    def _kind(self, name: str) -> type[Quantity]:
        return Variable if name in self.roles.changing else Parameter

    def free_name(self, name: str, taken: Collection[str] = BESIDE_VALUES) -> str:
        """A name that is not taken, and no other id's."""
        free = name
        while free in taken or (free != name and free in self.roles.symbols):
            free += "_"
        return free

    @functools.cached_property
    def step(self) -> Parameter:
        """The length of a step, in the file's unit of time."""
        name = self.free_name("dt", self.roles.symbols)
        return Parameter(name, self.units.get("time", ""))

    @functools.cached_property
    def amounts(self) -> Mapping[str, Variable]:
        """The amounts of species that are diluted as their compartment grows."""
        diluted = [name for name in self.roles.species if self.roles.is_diluted(name)]
        return {name: self._made(Variable, f"amount of {name}") for name in diluted}

    def turn(self, variable: Variable) -> Parameter:
        """What turns an algebraic rule into the unit of what it determines: 1, and none is told."""
        return Parameter(f"rule per {variable}")

    def _made(self, kind: type[Q], name: str) -> Q:
        return kind(name, self.units.get(name, ""))

    @functools.cached_property
    def local(self) -> Mapping[str, Mapping[str, Parameter]]:
        """The parameters of each reaction alone, by their ids in it; a dot sets them apart."""
        return {
            reaction["id"]: {
                p["id"]: self._made(Parameter, f"{reaction['id']}.{p['id']}")
                for p in reaction["local"]
            }
            for reaction in self.reactions
        }

    def owner(self, name: str) -> Variable:
        """The variable that has the rate of a symbol: itself, or its amount."""
        return self.amounts.get(name) or self.variable(name)

    def variable(self, name: str) -> Variable:
        """The variable of what changes."""
        return cast(Variable, self.quantities[name])

    def size(self, species: str) -> Quantity | None:
        """The size of a species' compartment."""
        return self.quantities.get(self.roles.species[species]["compartment"])

    def id_of(self, quantity: object) -> str | None:
        """The id that a symbol stands for."""
        return next((name for name, one in self.quantities.items() if one == quantity), None)
