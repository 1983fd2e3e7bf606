"""A process that reads SBML by libsbml, and tells what it says: text comes in, JSON goes out.

It stands apart, since libsbml may crash on what it is given, and take what memory there is: then
this process ends, and the one that has started it goes on. It is started by ``process``.
"""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import libsbml

    from causalopt.exchange.biology.description import (
        CompartmentFact,
        Description,
        EventFact,
        FunctionFact,
        ModelFact,
        ParticipantFact,
        Place,
        ReactionFact,
        ReadFault,
        RuleFact,
        SpeciesFact,
        Token,
        Tokens,
        UnitFact,
        ValueFact,
    )

#: The most memory that this process may take, in bytes, and the most time of a processor, in
#: seconds: no file of the size that is read comes near either, unless libsbml goes astray.
MOST_MEMORY, MOST_SECONDS = 450_000_000, 60
# So many faults are told of; libsbml may find one a line.
_MOST_FAULTS = 20
# Operations on as many parts as there are, of which libsbml makes pairs.
_SEVERAL = ("plus", "times", "logical_and", "logical_or")
# Packages that say how a model is drawn, and nothing of what it means; and how a fault names one.
_PICTURES = ("layout", "render")
_NAMED = "package '{}"
# By this a function of levels 1 and 2, which have none of their own, is a rate of change.
_RATE = 'definition="http://en.wikipedia.org/wiki/Derivative"'
# What libsbml's words for the parts of a formula begin with.
_PREFIX = "AST_"


def main() -> None:
    """Describe the text of standard input on standard output."""
    _limit()
    json.dump(description_of(sys.stdin.buffer.read().decode()), sys.stdout)


def description_of(text: str) -> Description:
    """What a text in SBML says, and what libsbml finds wrong in it."""
    import libsbml

    kinds = {
        value: name.removeprefix(_PREFIX).lower()
        for name, value in vars(libsbml).items()
        if name.startswith(_PREFIX)
    }
    for package in _PICTURES:
        libsbml.SBMLExtensionRegistry.disablePackage(package)
    document = libsbml.readSBMLFromString(text)
    model = document.getModel()
    return {
        "faults": _faults(document.getErrorLog(), libsbml.LIBSBML_SEV_ERROR),
        "model": None if model is None else _Describing(kinds).model(model),
    }


def _limit() -> None:
    """Keep this process within its limits, where the system can."""
    with contextlib.suppress(ImportError):
        import resource

        for kind, most in (
            (resource.RLIMIT_AS, MOST_MEMORY),
            (resource.RLIMIT_CPU, MOST_SECONDS),
            (resource.RLIMIT_CORE, 0),
        ):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (most, most))


def _faults(log: libsbml.SBMLErrorLog, least: int) -> list[ReadFault]:
    errors = (log.getError(i) for i in range(log.getNumErrors()))
    grave = [e for e in errors if e.getSeverity() >= least and not _is_of_pictures(e)]
    return [{"at": _place(error), "told": error.getMessage()} for error in grave[:_MOST_FAULTS]]


def _is_of_pictures(error: libsbml.SBMLError) -> bool:
    told = error.getMessage()
    return any(_NAMED.format(package) in told for package in _PICTURES)


class _Placed(Protocol):
    """What every element and error of libsbml's has."""

    def getLine(self) -> int: ...

    def getColumn(self) -> int: ...


def _place(part: _Placed) -> Place:
    # libsbml counts columns from 0, and lines from 1; before a text without an XML declaration,
    # and here it never has one, it puts a line with one. What has no place has line 0.
    return [max(part.getLine() - 1, 0), part.getColumn() + 1]


class _Describing:
    """The elements of a model as plain data; ``kinds`` are libsbml's words in formulas."""

    def __init__(self, kinds: dict[int, str]) -> None:
        self.kinds = kinds

    def model(self, model: libsbml.Model) -> ModelFact:
        """All that a model says."""
        measures = ("substance", "time", "volume", "area", "length", "extent")
        return {
            "level": model.getLevel(),
            "version": model.getVersion(),
            "compartments": [self.compartment(c) for c in model.getListOfCompartments()],
            "species": [self.species(s) for s in model.getListOfSpecies()],
            "parameters": [self.parameter(p) for p in model.getListOfParameters()],
            "functions": [self.function(f) for f in model.getListOfFunctionDefinitions()],
            "rules": [self.rule(r) for r in model.getListOfRules()],
            "starts": [self.start(a) for a in model.getListOfInitialAssignments()],
            "reactions": [self.reaction(r) for r in model.getListOfReactions()],
            "events": [self.event(e) for e in model.getListOfEvents()],
            "units": [self.unit(u) for u in model.getListOfUnitDefinitions()],
            "measures": {m: getattr(model, f"get{m.title()}Units")() for m in measures},
            "conversion": model.getConversionFactor(),
        }

    def compartment(self, given: libsbml.Compartment) -> CompartmentFact:
        return {
            "id": given.getId(),
            "at": _place(given),
            "value": given.getSize() if given.isSetSize() else None,
            "constant": given.getLevel() > 1 and given.getConstant(),
            "units": given.getUnits(),
            "dimensions": given.getSpatialDimensionsAsDouble(),
        }

    def species(self, given: libsbml.Species) -> SpeciesFact:
        is_given = given.isSetInitialConcentration()
        return {
            "id": given.getId(),
            "at": _place(given),
            "compartment": given.getCompartment(),
            "amount": given.getInitialAmount() if given.isSetInitialAmount() else None,
            "concentration": given.getInitialConcentration() if is_given else None,
            "is_amount": given.getHasOnlySubstanceUnits(),
            "is_boundary": given.getBoundaryCondition(),
            "constant": given.getLevel() > 1 and given.getConstant(),
            "conversion": given.getConversionFactor(),
            "units": given.getSubstanceUnits(),
        }

    def parameter(self, given: libsbml.Parameter) -> ValueFact:
        return {
            "id": given.getId(),
            "at": _place(given),
            "value": given.getValue() if given.isSetValue() else None,
            "constant": given.getLevel() > 1 and given.getConstant(),
            "units": given.getUnits(),
        }

    def function(self, given: libsbml.FunctionDefinition) -> FunctionFact:
        count = given.getNumArguments()
        names = [given.getArgument(i).getName() for i in range(count)]
        is_rate = count == 1 and _RATE in given.getAnnotationString()
        rate: Tokens = [("name", names[0], 0), ("function_rate_of", None, 1)] if is_rate else []
        return {
            "id": given.getId(),
            "at": _place(given),
            "arguments": names,
            "body": rate or self.tokens(given.getBody()),
        }

    def rule(self, given: libsbml.Rule) -> RuleFact:
        is_kind = {"rate": given.isRate(), "assignment": given.isAssignment(), "algebraic": True}
        return {
            "kind": next(kind for kind, is_so in is_kind.items() if is_so),
            "symbol": given.getVariable(),
            "formula": self.tokens(given.getMath()),
            "at": _place(given),
        }

    def start(self, given: libsbml.InitialAssignment) -> RuleFact:
        return {
            "kind": "start",
            "symbol": given.getSymbol(),
            "formula": self.tokens(given.getMath()),
            "at": _place(given),
        }

    def reaction(self, given: libsbml.Reaction) -> ReactionFact:
        law = given.getKineticLaw()
        # Level 3 has a list of its own for them.
        local = [] if law is None else [*law.getListOfParameters(), *law.getListOfLocalParameters()]
        return {
            "id": given.getId(),
            "at": _place(given),
            "reactants": [self.participant(r) for r in given.getListOfReactants()],
            "products": [self.participant(p) for p in given.getListOfProducts()],
            "law": [] if law is None else self.tokens(law.getMath()),
            "local": list({p.getId(): self.parameter(p) for p in local}.values()),
            "is_fast": given.getFast(),
        }

    def participant(self, given: libsbml.SpeciesReference) -> ParticipantFact:
        told = given.getStoichiometryMath()
        is_given = given.getLevel() < 3 or given.isSetStoichiometry()
        number = given.getStoichiometry() / given.getDenominator() if is_given else None
        return {
            "id": given.getId(),
            "at": _place(given),
            "species": given.getSpecies(),
            "stoichiometry": number,
            "formula": [] if told is None else self.tokens(told.getMath()),
            "constant": given.getLevel() < 3 or given.getConstant(),
        }

    def event(self, given: libsbml.Event) -> EventFact:
        trigger, delay, priority = given.getTrigger(), given.getDelay(), given.getPriority()
        is_new = given.getLevel() > 2
        return {
            "id": given.getId(),
            "at": _place(given),
            "trigger": [] if trigger is None else self.tokens(trigger.getMath()),
            "is_persistent": trigger is None or not is_new or trigger.getPersistent(),
            "is_true_before": trigger is None or not is_new or trigger.getInitialValue(),
            "delay": [] if delay is None else self.tokens(delay.getMath()),
            "priority": [] if priority is None else self.tokens(priority.getMath()),
            "takes_values_then": given.getUseValuesFromTriggerTime(),
            "assignments": [self.set(a) for a in given.getListOfEventAssignments()],
        }

    def set(self, given: libsbml.EventAssignment) -> RuleFact:
        return {
            "kind": "event",
            "symbol": given.getVariable(),
            "formula": self.tokens(given.getMath()),
            "at": _place(given),
        }

    def unit(self, given: libsbml.UnitDefinition) -> UnitFact:
        import libsbml

        return {
            "id": given.getId(),
            "at": _place(given),
            "factors": [
                (
                    libsbml.UnitKind_toString(one.getKind()),
                    one.getExponentAsDouble(),
                    one.getScale(),
                    one.getMultiplier(),
                )
                for one in given.getListOfUnits()
            ],
        }

    def tokens(self, formula: libsbml.ASTNode | None) -> Tokens:
        """A formula in postfix order, however deep it is; nothing where there is none."""
        found: Tokens = []
        waiting = [] if formula is None else [formula]
        while waiting:
            part = waiting.pop()
            inner = self.inside(part)
            found.append(self.token(part, len(inner)))
            waiting += inner
        return found[::-1]

    def inside(self, part: libsbml.ASTNode) -> list[libsbml.ASTNode]:
        """The parts of a part; a + b + c has three, where libsbml has (a + b) + c."""
        kind = part.getType()
        later: list[libsbml.ASTNode] = []
        while self.kinds.get(kind) in _SEVERAL and part.getNumChildren() == 2:
            if part.getChild(0).getType() != kind:
                break
            later.append(part.getChild(1))
            part = part.getChild(0)
        return [*(part.getChild(i) for i in range(part.getNumChildren())), *later[::-1]]

    def token(self, part: libsbml.ASTNode, count: int) -> Token:
        kind = self.kinds.get(part.getType(), "unknown")
        if part.isNumber() or kind == "name_avogadro":
            return "number", part.getValue(), count
        return kind, part.getName(), count


if __name__ == "__main__":
    main()
