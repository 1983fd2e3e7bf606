"""The values of a plan's inputs: numbers, what follows from them in a sweep, and draws."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import cast

from sympy import Expr, Symbol

from causalopt.backends import Inputs
from causalopt.backends.evaluation import evaluate
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Floats
from causalopt.language.symbols import Label, Node, Noise
from causalopt.language.trees import Tree
from causalopt.model.amounts import followed, in_turn
from causalopt.model.interface import Model
from causalopt.plan import Input, Plan
from causalopt.plan.draws import Stream, stream_of
from causalopt.runs.sweeps import Sweep


def inputs_of(plan: Plan, model: Model, sweep: Sweep, seed: int) -> Inputs:
    """The value of each input, and the stream of draws of each noise, by generated names."""
    chains = sweep.chains()
    known_of = given_by(model, sweep, [entry.label for entry in plan.inputs])

    @functools.cache
    def stream(noise: Noise) -> Stream:
        return stream_of(noise, seed, chains)

    def value(entry: Input) -> float | Floats | Tensor | Tree:
        match entry.label:
            case Noise():
                return stream(entry.label).without_time()
            case Node(Noise() as noise, step):
                # A noise of an unrolled system; its nodes come in the order of their steps.
                return stream(noise).at(step)
            case None:
                return entry.value
            case Symbol() as symbol if symbol in sweep.arrays:
                return sweep.arrays[symbol]
        return entry.value if (known := known_of(entry.label)) is None else known

    noises = [entry for entry in plan.noises if isinstance(entry.label, Noise)]
    draws = {entry.symbol.name: stream(entry.label) for entry in noises}
    # A network draws its noises one after the other, where it puts them.
    given = [entry for entry in plan.inputs if entry.symbol.name not in draws]
    values = {entry.symbol.name: value(entry) for entry in given}
    arrays = {name: v for name, v in values.items() if isinstance(v, Tensor | Tree)}
    numbers = {name: v for name, v in values.items() if not isinstance(v, Tensor | Tree)}
    return Inputs(numbers, draws, arrays)


def given_by(
    model: Model, sweep: Sweep, labels: Iterable[object]
) -> Callable[[Label], float | Floats | None]:
    """What a sweep, or a formula, gives some inputs; None where one has a value of its own."""
    swept, numbers_of = sweep.inputs(), model.parameter_values
    found: dict[Label, Floats] = {}

    # It does not call itself: what it holds, which may be large, would wait for a collection.
    def known_of(label: Label) -> float | Floats | None:
        formula = model.formula_of(label)
        if label in swept or formula is None:
            return swept.get(label)
        return found[label]

    for label, formula in _formulas_in_turn(model, labels):
        if label not in swept:
            columns = {s: known_of(s) for s in formula.free_symbols}
            numbers = {s: numbers_of[s] if c is None else c for s, c in columns.items()}
            found[label] = sweep.checked(label, formula, evaluate([formula], numbers)[0])
    return known_of


def _formulas_in_turn(model: Model, labels: Iterable[object]) -> list[tuple[Label, Expr]]:
    """The parameters with formulas that inputs follow from, each after what it follows from."""
    given = cast(Mapping[Label, float | Expr], model.parameters)
    if not any(isinstance(value, Expr) for value in given.values()):
        return []
    ends = [label for label in labels if label in given]
    formulas = {s: given[s] for s in [*ends, *followed(given, ends)]}
    written = {s: f for s, f in formulas.items() if isinstance(f, Expr)}
    return [(label, written[label]) for label in in_turn(written, "parameters")]
