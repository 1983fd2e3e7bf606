"""The step of a system with finite noise as weighted maps of its state, in up to two dimensions."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from sympy import Expr, Symbol

from causalopt.backends.evaluation import evaluate
from causalopt.distributions.real.step import rational, step_of
from causalopt.ground.errors import EvaluationError, QueryError
from causalopt.ground.readonly import ReadOnly
from causalopt.ground.types import Floats
from causalopt.language.laws import Choice, law_text
from causalopt.language.symbols import Parameter, Variable, time
from causalopt.model.asked import as_system
from causalopt.model.moments import check_memoryless
from causalopt.model.system import System

#: More outcomes of one step than this are not followed one by one.
_MOST = 4096


@dataclass(frozen=True)
class Branch:
    """One outcome of the noise of a step: its chance, and the map of the state that it means.

    ``formulas`` give the next value of each of the ``variables`` from their present ones and from
    ``parameters``, which have these values.
    """

    chance: float
    variables: tuple[Variable, ...]
    formulas: tuple[Expr, ...]
    parameters: ReadOnly[Parameter, float]

    def image(self, states: Floats) -> Floats:
        """Where a step takes each state (n, d); ``EvaluationError`` where it is not real."""
        columns: dict[Symbol, Floats | float] = {
            v: states[:, i] for i, v in enumerate(self.variables)
        }
        images = evaluate(self.formulas, {**columns, **self.parameters})
        for variable, formula, image in zip(self.variables, self.formulas, images, strict=True):
            wrong = np.flatnonzero(~np.isfinite(image))
            if wrong.size:
                raise self._not_real(variable, formula, image[wrong[0]], states[wrong[0]])
        return np.stack(images, axis=1)

    def _not_real(
        self, variable: Variable, formula: Expr, image: np.float64, state: Floats
    ) -> EvaluationError:
        kind = "infinite" if np.isinf(image) else "complex or undefined"
        where = ", ".join(f"{v} = {x:.6g}" for v, x in zip(self.variables, state, strict=True))
        return EvaluationError(
            f"A step from {where} takes {variable} to what is {kind}: its formula is {formula}. "
            "States are finite real numbers; watch a smaller interval, or bound the mechanism with "
            "Min, Max or Piecewise."
        )


def branches(system: System) -> tuple[tuple[Variable, ...], tuple[Branch, ...]]:
    """The one or two variables that carry the state of a system, and its maps with their chances.

    Variables that follow from the state and the noise of the same step (a gradient, a pick) are
    put in. Raises ``QueryError`` for a step that depends on time, for noise with other laws than
    ``choice``, and for a state of more than two dimensions.
    """
    as_system(system, ": give a System.")
    check_memoryless(system.delayed, "A transfer operator")
    system.stepping.check_whole("A transfer operator", system.parameter_values)
    system.check_numbers("A transfer operator")
    if any(time in mechanism.arguments for mechanism in system.template.values()):
        raise QueryError("The step of this system depends on time: it has no one operator.")
    for noise in system.noises:
        if not isinstance(noise.law, Choice):
            raise QueryError(
                f"The noise {noise} is {law_text(noise.law)}: a transfer operator needs finitely "
                "many outcomes with chances that are numbers, so declare it with choice([-1, 1], "
                "weights=[0.4, 0.6]), or run an ensemble."
            )
    variables = _state(system)
    # Outcomes that move the state alike are one branch, so that a grid is mapped once for each map
    # and not once for each of the many ways in which a batch can be picked.
    merged: dict[tuple[Expr, ...], list[float]] = {}
    for chance, formulas in _outcomes(system):
        merged.setdefault(tuple(formulas[v] for v in variables), []).append(chance)
    maps = tuple(
        Branch(math.fsum(chances), variables, formulas, _parameters(system, formulas))
        for formulas, chances in merged.items()
        if math.fsum(chances) > 0
    )
    return variables, maps


def _outcomes(system: System) -> list[tuple[float, dict[Variable, Expr]]]:
    laws = [(noise, noise.law) for noise in system.noises]
    sides = [
        [(noise, value, weight) for value, weight in zip(law.values, law.weights, strict=True)]
        for noise, law in laws
        if isinstance(law, Choice)
    ]
    count = math.prod(len(side) for side in sides)
    if count > _MOST:
        raise QueryError(
            f"The noise of one step has {count} outcomes, more than {_MOST}: take a smaller batch, "
            "or run an ensemble."
        )
    steps: list[tuple[float, dict[Variable, Expr]]] = []
    for outcome in itertools.product(*sides):
        values: dict[Symbol, Expr] = {noise: rational(value) for noise, value, _ in outcome}
        steps.append((math.prod(weight for *_, weight in outcome), step_of(system, values)))
    return steps


def _state(system: System) -> tuple[Variable, ...]:
    """The variables whose values before a step matter, in the order of the system."""
    step = step_of(system, {})
    needed = {s for formula in step.values() for s in formula.free_symbols}
    kept = tuple(v for v in system.variables if v in needed)
    if len(kept) in (1, 2):
        return kept
    names = ", ".join(map(str, kept)) or "nothing"
    raise QueryError(
        f"The state of this system is {names}: transfer operators are built for one or two "
        "dimensions, since a grid in more has too many points. Run an ensemble instead: "
        "run(system.world(steps=100), draws=10_000)."
    )


def _parameters(system: System, formulas: tuple[Expr, ...]) -> ReadOnly[Parameter, float]:
    """The values of the parameters that formulas use."""
    symbols = set().union(*(formula.free_symbols for formula in formulas))
    return ReadOnly({p: system.parameter_values[p] for p in system.parameters if p in symbols})
