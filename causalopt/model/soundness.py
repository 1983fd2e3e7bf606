"""Whether what a system declares fits together: symbols, starts, rates, units and shapes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, cast

from causalopt.ground.tensors import Tensor
from causalopt.language.symbols import Label, Parameter, Variable
from causalopt.language.trees import Tree
from causalopt.mechanisms.declared import Formula
from causalopt.mechanisms.events import Event
from causalopt.mechanisms.interface import Mechanism
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


def check_put_in(system: _Declared, key: Key, mechanism: Mechanism) -> None:
    """Raise ``DeclarationError`` where a mechanism cannot stand in for one of a system's own."""
    known = {*system.variables, *system.parameters}
    check_symbols({key: mechanism}, known, "use a variable of this system")
    check_units({key: mechanism}, system.dt, is_rate=key in system.rated)
    check_shapes({cast(Variable, key): mechanism}, system.parameter_arrays)
    delayed = moments.delayed_in(mechanism)
    moments.check_kept(key, delayed, system.delayed, system.method)
    system.beginning.check_delayed(delayed)
