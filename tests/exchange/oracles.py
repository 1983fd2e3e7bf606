"""Rates of change worked out beside the package: by mpmath, and by libroadrunner."""

import mpmath
import pytest
import sympy

from causalopt.language.symbols import time

libsbml = pytest.importorskip("libsbml", reason="python-libsbml is not installed")


def named(system, name):
    """The variable or parameter of a name."""
    return next(s for s in (*system.variables, *system.parameters) if str(s) == name)


def worked_out(formula, at):
    """A formula at a point, by mpmath with 30 digits."""
    arguments = sorted(formula.free_symbols, key=str)
    with mpmath.workdps(30):
        found = sympy.lambdify(arguments, formula, "mpmath", dummify=True)
        return float(found(*(mpmath.mpf(at[a]) for a in arguments)))


def everything_at(system, state):
    """The values of all symbols where variables with rates have those of a state."""
    at = {**system.parameter_values, **state, time: 0.0}
    waiting = dict(system.algebraic)
    while waiting:
        ready = [v for v, rule in waiting.items() if set(rule.arguments) <= at.keys()]
        assert ready
        for v in ready:
            at[v] = worked_out(waiting.pop(v).formula, at)
    return at


def values_at(system, state):
    """The same by name."""
    return {str(s): value for s, value in everything_at(system, state).items()}


def rates_at(system, state):
    """The rates of change at a state, by name."""
    at = everything_at(system, state)
    return {str(v): worked_out(rule.formula, at) for v, rule in system.mechanisms.items()}


class RoadRunner:
    """A model as libroadrunner has it."""

    def __init__(self, path):
        reason = "libroadrunner is not installed: pip install libroadrunner"
        roadrunner = pytest.importorskip("roadrunner", reason=reason)
        roadrunner.Logger.setLevel(roadrunner.Logger.LOG_ERROR)
        self.model = roadrunner.RoadRunner(str(path))
        ruled = self.model.getRateRuleIds()
        floating = set(self.model.model.getFloatingSpeciesIds()) - set(ruled)
        document = libsbml.readSBMLFromFile(str(path))  # its parts live as long as it does
        species = document.getModel().getListOfSpecies()
        amounts = {s.getId() for s in species if s.getHasOnlySubstanceUnits()}
        self.concentrations = floating - amounts

    def rates(self, system, state):
        """The rates of change at a state, in the meaning that a file's ids have."""
        self.model.reset()
        for variable, value in state.items():
            name = str(variable)
            self.model.setValue(f"[{name}]" if name in self.concentrations else name, value)
        found = self.model.getRatesOfChangeNamedArray()
        amounts = dict(zip((n.rstrip("'") for n in found.colnames), found[0], strict=True))
        return {str(v): amounts.get(str(v), 0.0) / self._size(str(v)) for v in system.mechanisms}

    def _size(self, name):
        if name not in self.concentrations:
            return 1.0
        return self.model.getValue(name) / self.model.getValue(f"[{name}]")
