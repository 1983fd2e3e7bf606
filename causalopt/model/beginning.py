"""How a system begins: the values at step 0, by numbers or formulas, and what was before."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from sympy import Expr, Float, Rational, Symbol

from causalopt.ground.errors import DeclarationError
from causalopt.ground.readonly import ReadOnly
from causalopt.ground.tensors import Tensor
from causalopt.language.domains import Coded, domain_of
from causalopt.language.symbols import Label, LeftLimit, Next, Node, Parameter, Variable, time
from causalopt.mechanisms.borders import INSIDE
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.amounts import Kept, comes_to, formulas_of, numbers_in
from causalopt.model.circles import WHOLE, Cuts, opened
from causalopt.model.template import is_stage, node_at, owner_of, sources


@dataclass(frozen=True, eq=False)
class Beginning:
    """The values of ``variables`` at step 0, and before.

    ``given`` are their start values, as numbers or as formulas of parameters and start values;
    ``equations`` hold at step 0 as at any other, and circles of them are solved from the values in
    ``newton``; ``history`` gives what was before, by formulas of time, and what started from a
    number had that. ``size`` is the length of a step, a ``length``.
    """

    variables: tuple[Variable, ...]
    given: Mapping[Variable, Kept]
    equations: Mapping[Variable, Mechanism]
    history: Mapping[Variable, Mechanism]
    parameters: Mapping[Label, float]
    size: Expr
    length: float
    newton: Mapping[Variable, float] = ReadOnly({})

    @functools.cached_property
    def numbers(self) -> ReadOnly[Variable, float]:
        """The start value of each variable that holds a number, as a number."""
        known = numbers_in(self.given)
        numbers = {v: n for v, n in known.items() if not isinstance(n, Expr)}
        for variable, rule in self.mechanisms.items():
            self._refuse_arrays_in(variable, rule)
            at = {symbol: self._number(symbol, numbers) for symbol in rule.arguments}
            number = self._comes_to(variable, rule, at)
            numbers[variable] = _coded(variable, rule, number)
        held = self.arrays
        return ReadOnly({v: numbers[v] for v in self.variables if v not in held})

    def _comes_to(self, variable: Variable, rule: Mechanism, at: Mapping[Symbol, float]) -> float:
        try:
            # So many digits leave nothing to cancel.
            return comes_to(rule.as_written({}), at, f"start[{variable}]")
        except DeclarationError as error:
            as_written = error
        try:
            # What reads 0/0 there is told by its limit.
            return comes_to(rule.value({}), at, f"start[{variable}]")
        except DeclarationError:
            owner = owner_of(variable)
            if owner is variable:
                raise as_written from None
            raise DeclarationError(
                f"Newton's method comes to no value of {owner}[0] on its circle of equations, from "
                f"newton={self.newton}: write values nearer to a solution, if there is one."
            ) from None

    def _refuse_arrays_in(self, variable: Variable, rule: Mechanism) -> None:
        """Raise ``DeclarationError`` where a function or an array is to give a value at step 0."""
        held = {s for s in rule.arguments if isinstance(s, Parameter)} - self.parameters.keys()
        if rule.is_opaque or held or any(domain_of(s).shape for s in (variable, *rule.arguments)):
            raise DeclarationError(
                f"{variable} follows at the start by {rule}, a function or a formula of arrays, "
                "and starts and equations (algebraic=) are formulas of numbers: give it a number "
                "or an array to start from, and a mechanism of R.next in a System of steps; or "
                "work it out inside of the function that takes it."
            )

    @functools.cached_property
    def arrays(self) -> Mapping[Variable, Tensor]:
        """The start value of each variable that holds an array."""
        return ReadOnly({v: a for v, a in self.given.items() if isinstance(a, Tensor)})

    def value_of(self, variable: Variable) -> float | Tensor:
        """The start value of a variable, a number or an array."""
        return self.arrays[variable] if variable in self.arrays else self.numbers[variable]

    def _number(self, symbol: Symbol, numbers: Mapping[Variable, float]) -> float:
        """The number that an argument stands for, in what gives a value at step 0."""
        if isinstance(symbol, Parameter):
            return self.parameters[symbol]
        node = cast(Node, node_at(symbol, 0))
        if node.step == 0:
            return numbers[cast(Variable, node.variable)]
        known = self.input(node)
        return comes_to(known, self.parameters, str(node)) if isinstance(known, Expr) else known

    @functools.cached_property
    def mechanisms(self) -> Mapping[Variable, Mechanism]:
        """What gives each variable that has no number, as in a step whose end is the start.

        With the stages that it takes to solve circles of equations.
        """
        return self.replaced({})

    @property
    def entering(self) -> Mapping[Variable, list[Symbol]]:
        """What the variables follow from at step 0 that have no number there."""
        rules = self.mechanisms
        own = (v for v in rules if not is_stage(v))
        return {v: list(sources(v, rules.__getitem__, is_stage)) for v in own}

    @functools.cached_property
    def written(self) -> Mapping[Variable, Mechanism]:
        """The same as it is written: start values that are formulas, and equations."""
        return self._with({})

    def replaced(
        self, equations: Mapping[Variable, Mechanism], cuts: Cuts = WHOLE
    ) -> Mapping[Variable, Mechanism]:
        """The same where other equations stand in for some, each after those that it needs.

        ``cuts`` say at what circles are cut open.
        """
        guesses = {v: Float(number) for v, number in self.newton.items()}
        return opened(self._with(equations), guesses, cuts)

    def _with(self, equations: Mapping[Variable, Mechanism]) -> dict[Variable, Mechanism]:
        starts = {
            v: rule.renamed({u: u.next for u in rule.arguments if isinstance(u, Variable)})
            for v, rule in formulas_of(self.given).items()
        }
        return {**starts, **self.equations, **equations}

    def before(self, variable: Variable, step: int) -> Expr | None:
        """What a variable was at a step before the start, or a stage of a step up to it.

        None where it is what the variable started from, a number.
        """
        owner = owner_of(variable)
        if owner in self.history:
            rule, middle, steps = self.history[owner], step - Rational(1, 2), Rational(step)
            if isinstance(variable, LeftLimit):
                rule = rule.between_borders()
            elif variable is not owner:
                # The only other stage that is looked back to is the middle of a step.
                steps = middle
            known = rule.value({time: steps * self.size, INSIDE: middle * self.size})
            if known.free_symbols <= {self.size}:
                where = (
                    f"What {owner} was at time = {float(steps) * self.length:g}, before the start,"
                )
                comes_to(known, self.parameters, where)
            return known
        start = self.given[owner]
        return start if isinstance(start, Expr) else None

    def input(self, node: Node) -> float | Expr:
        """What enters from outside: a time, or what was before the start."""
        if node.variable == time:
            return node.step * self.length
        variable = node.variable
        before = self.before(variable, node.step)
        if before is None:
            return self.given[owner_of(variable)]
        return before if before.free_symbols else float(before)

    def check_history(self, farthest: Mapping[Variable, int]) -> None:
        """Raise ``DeclarationError`` for a history that has no value where it is looked back to."""
        for variable, steps in farthest.items():
            for step in range(-steps, 0) if variable in self.history else ():
                self.before(variable, step)

    def check_delayed(self, delayed: frozenset[Variable]) -> None:
        """Raise ``DeclarationError`` for a delayed variable of which nothing is known before."""
        for variable in delayed - self.history.keys():
            rule = self.written.get(variable)
            if rule and (variable in self.equations or any(map(_is_start, rule.arguments))):
                raise DeclarationError(
                    f"{variable} is used with a delay, and starts from other variables: say what "
                    f"it was before the start, by history={{{variable}: ...}}, a number or a "
                    "formula of time."
                )


def _coded(variable: Variable, rule: Mechanism, number: float) -> Coded:
    """The code of a start value; a formula is written out where it is to be told of alone."""
    domain = domain_of(variable)
    value = domain.value(number)
    try:
        return domain.code(value, f"start[{variable}]")
    except DeclarationError:
        return domain.code(value, f"start[{variable}] = {rule}")


def _is_start(symbol: Symbol) -> bool:
    return isinstance(symbol, Next)
