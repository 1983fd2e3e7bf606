"""What a file in SBML says, as plain data: what the worker writes as JSON, and the reader reads."""

from __future__ import annotations

from typing import TypeAlias, TypedDict

#: Where an element begins: line and column, from 1.
Place: TypeAlias = list[int]
#: A part of a formula: its kind, by libsbml's own word; a number or a name; how many parts it has.
Token: TypeAlias = tuple[str, float | str | None, int]
#: A formula in postfix order, each part after its own parts: nothing nests.
Tokens: TypeAlias = list[Token]


class ReadFault(TypedDict):
    """What libsbml finds wrong in a file."""

    at: Place
    told: str


class Identified(TypedDict):
    """What has an id, which is its name in formulas."""

    id: str
    at: Place


class ValueFact(Identified):
    """A parameter or a compartment: its value, None where the file says none."""

    value: float | None
    constant: bool
    units: str


class CompartmentFact(ValueFact):
    """A compartment, with the number of its dimensions."""

    dimensions: float


class SpeciesFact(Identified):
    """A species: its start as an amount or as a concentration, and which of them its id means."""

    compartment: str
    amount: float | None
    concentration: float | None
    is_amount: bool
    is_boundary: bool
    constant: bool
    conversion: str
    units: str


class FunctionFact(Identified):
    """A function definition: the names of its arguments, and its formula."""

    arguments: list[str]
    body: Tokens


class RuleFact(TypedDict):
    """A rule, or an initial assignment: which symbol has which value or rate; "" if algebraic."""

    kind: str
    symbol: str
    formula: Tokens
    at: Place


class ParticipantFact(Identified):
    """A reactant or product: how much of a species, by a number or a formula; its id may be ""."""

    species: str
    stoichiometry: float | None
    formula: Tokens
    constant: bool


class ReactionFact(Identified):
    """A reaction with its kinetic law, in amount over time, and the parameters of that alone."""

    reactants: list[ParticipantFact]
    products: list[ParticipantFact]
    law: Tokens
    local: list[ValueFact]
    is_fast: bool


class EventFact(Identified):
    """An event: its trigger, delay and priority (empty where there is none), and what it sets."""

    trigger: Tokens
    is_persistent: bool
    is_true_before: bool
    delay: Tokens
    priority: Tokens
    takes_values_then: bool
    assignments: list[RuleFact]


class UnitFact(Identified):
    """A unit of measure: for each factor its kind, exponent, scale (of ten) and multiplier."""

    factors: list[tuple[str, float, int, float]]


class ModelFact(TypedDict):
    """A model: its lists, its conversion factor ("" if none), and units by what they measure."""

    level: int
    version: int
    compartments: list[CompartmentFact]
    species: list[SpeciesFact]
    parameters: list[ValueFact]
    functions: list[FunctionFact]
    rules: list[RuleFact]
    starts: list[RuleFact]
    reactions: list[ReactionFact]
    events: list[EventFact]
    units: list[UnitFact]
    measures: dict[str, str]
    conversion: str


class Description(TypedDict):
    """What is wrong in a file, worst first; and its model, where it has one."""

    faults: list[ReadFault]
    model: ModelFact | None
