"""Whether what a system declares fits together: symbols, starts, rates, units and shapes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, cast

from sympy import Float, Integer, sstr
from sympy.core.relational import StrictGreaterThan, StrictLessThan

from causalopt.ground.errors import DeclarationError
from causalopt.ground.tensors import Tensor
from causalopt.language.symbols import Label, Parameter, Variable, time
from causalopt.language.trees import Tree
from causalopt.mechanisms.declared import Formula
from causalopt.mechanisms.events import Event
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.symbolic import Expression
from causalopt.model import moments
from causalopt.model.amounts import Amount, Kept, formulas_of
from causalopt.model.beginning import Beginning
from causalopt.model.declaration import check_rates, check_seen, check_start, check_symbols
from causalopt.model.selection import Key
from causalopt.model.shapes import check_shapes
from causalopt.model.units import check_other_units, check_units


class _Declared(Protocol):
    """What is declared of a system, as far as it is checked here."""

    @property
    def mechanisms(self) -> Mapping[Variable, Formula]: ...
    @property
    def algebraic(self) -> Mapping[Variable, Formula]: ...
    @property
    def start(self) -> Mapping[Variable, Amount]: ...
    @property
    def history(self) -> Mapping[Variable, Formula]: ...
    @property
    def parameters(self) -> Mapping[Parameter, Kept]: ...
    @property
    def parameter_arrays(self) -> Mapping[Label, Tensor | Tree]: ...
    @property
    def events(self) -> Sequence[Event]: ...
    @property
    def dt(self) -> float | Parameter | None: ...
    @property
    def method(self) -> str | None: ...
    @property
    def variables(self) -> tuple[Variable, ...]: ...
    @property
    def rated(self) -> Collection[Key]: ...
    @property
    def delayed(self) -> frozenset[Variable]: ...
    @property
    def beginning(self) -> Beginning: ...


def check_declared(system: _Declared, written: Mapping[Variable, Mechanism]) -> None:
    """Raise ``DeclarationError`` where the parts of a system do not fit together.

    ``written`` are its mechanisms and equations.
    """
    rates = cast(Mapping[Variable, Mechanism], system.mechanisms)
    check_start(rates, system.algebraic, system.start)
    known = {*written, *system.parameters}
    check_symbols(written, known, "give it a mechanism and a start value")
    check_seen(system.events, known)
    check_rates(rates, system.method)
    check_units(rates, system.dt, is_rate=system.method is not None)
    formulas = formulas_of(system.start), formulas_of(system.parameters)
    stated = system.algebraic, system.history, *formulas
    check_other_units(cast(Sequence[Mapping[Label, Mechanism]], stated), system.events, system.dt)
    check_shapes(written, system.parameter_arrays)
    for event in system.events if system.method is not None else ():
        _check_end(event, rates, system.beginning.parameters)


def _check_end(
    event: Event, rates: Mapping[Variable, Mechanism], parameters: Mapping[Label, float]
) -> None:
    """Raise ``DeclarationError`` for an event that surely would happen again and again, at once.

    It sets its condition to the edge, where that is false, and true a moment later. Where that
    depends on what the variables are then, a run tells.
    """
    if not event.sets_its_edge or not isinstance(event.when, StrictGreaterThan | StrictLessThan):
        return
    numbers = {s: Float(number) for s, number in parameters.items()}
    values = event.values
    along = {v: rule.value({}) for v, rule in rates.items() if not rule.is_opaque}
    motion = Expression(event.crossing).forward({}, {**along, time: Integer(1)})
    height, speed = (e.xreplace(values).xreplace(numbers) for e in (event.crossing, motion))
    asked = event.when.free_symbols & {*rates, time}
    if height == 0 and speed.is_number and speed.is_positive and asked <= {*along, time}:
        told = ", ".join(f"{v} = {sstr(value, full_prec=False)}" for v, value in values.items())
        raise DeclarationError(
            f"The event when {event.when} sets {told}, the edge of its condition: there it is "
            "false, and true again a moment later, so that it would happen without end. Set what "
            "lies beyond the edge, and wait for the way back; or bound the rate by Piecewise or "
            "Max, which stops at the edge."
        )


def check_put_in(system: _Declared, key: Key, mechanism: Mechanism) -> None:
    """Raise ``DeclarationError`` where a mechanism cannot stand in for one of a system's own."""
    known = {*system.variables, *system.parameters}
    check_symbols({key: mechanism}, known, "use a variable of this system")
    check_units({key: mechanism}, system.dt, is_rate=key in system.rated)
    check_shapes({cast(Variable, key): mechanism}, system.parameter_arrays)
    delayed = moments.delayed_in(mechanism)
    moments.check_kept(key, delayed, system.delayed, system.method)
    system.beginning.check_delayed(delayed)
