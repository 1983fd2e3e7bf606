"""Linear plants of control libraries as equations and systems: scipy.signal and python-control."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast, runtime_checkable

import networkx as nx
import numpy as np
from sympy import Add, Expr, Float, Integer, sympify

from causalopt.ground import checks
from causalopt.ground.errors import DeclarationError
from causalopt.ground.readonly import ReadOnly
from causalopt.ground.types import Floats
from causalopt.language.naming import names_in
from causalopt.language.symbols import Earlier, Parameter, Variable, time
from causalopt.language.words import listed
from causalopt.mechanisms.declared import Formula
from causalopt.model.amounts import Amount, Kept
from causalopt.model.system import System

#: The most entries of a plant's matrices that are not 0: each is a term of a formula.
MOST_ENTRIES = 100_000


@runtime_checkable
class HasMatrices(Protocol):
    """What state spaces of scipy.signal and python-control have."""

    A: object
    B: object
    C: object
    D: object
    dt: object


@runtime_checkable
class HasStateSpace(Protocol):
    """What transfer functions of both have, and gains with zeros and poles."""

    def to_ss(self) -> HasMatrices:
        """The same as a state space."""


@dataclass(frozen=True)
class Plant:
    """A linear plant as equations: x' = A x + B u (or x[k+1]), y = C x + D u.

    ``changes`` has the rate of each state, or where there is a ``step`` its next value;
    ``readings`` has the outputs. ``step`` is the sampling time of a discrete plant, 1 where it only
    counts steps, and None of a continuous one. Inputs follow from nothing yet.
    """

    states: tuple[Variable, ...]
    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    changes: Mapping[Variable, Expr]
    readings: Mapping[Variable, Expr]
    step: float | None

    def system(
        self,
        inputs: Mapping[Variable, Formula] | None = None,
        *,
        start: Mapping[Variable, Amount] | None = None,
        parameters: Mapping[Parameter, Kept] | None = None,
        dt: float | None = None,
        method: str = "rk4",
    ) -> System:
        """The plant as a system, with a formula for each input; 0 for those that have none.

        Formulas are of states, outputs and other inputs at the same moment: ``{u: -2 * y}`` closes
        a loop. States ``start`` at 0 where nothing is said. A continuous plant needs ``dt``, the
        step of ``method``; of a discrete one it is known.

        Raises ``DeclarationError`` for a loop without a delay (through D), an input that is none,
        and a ``dt`` that is missing or not the plant's own.
        """
        formulas = self._formulas(inputs or {})
        self._check_delays(formulas)
        given = {**dict.fromkeys(self.states, 0.0), **(start or {})}
        if self.step is None:
            if dt is None:
                raise DeclarationError(
                    "The plant is continuous, and dt is missing: write dt=0.01, the step of the "
                    "method that integrates it."
                )
            return System.from_ode(
                self.changes,
                algebraic={**formulas, **self.readings},
                start=given,
                parameters=parameters,
                dt=dt,
                method=method,
            )
        if dt is not None and dt != self.step:
            raise DeclarationError(
                f"The plant is discrete with the step {self.step:g}, and dt is {dt}: leave dt out."
            )
        at_once = {**formulas, **self.readings}
        later = {v: v.next for v in (*self.states, *at_once)} | {time: time + self.step}
        beginning = {v: f.xreplace({time: Integer(0)}) for v, f in at_once.items()}
        return System(
            {**self.changes, **{v: f.xreplace(later) for v, f in at_once.items()}},
            start={**beginning, **given},
            parameters=parameters or {},
            dt=self.step,
        )

    def _formulas(self, given: Mapping[Variable, Formula]) -> dict[Variable, Expr]:
        strange = [variable for variable in given if variable not in self.inputs]
        if strange:
            raise DeclarationError(
                f"{strange[0]} is no input of the plant: its inputs are {listed(self.inputs)}."
            )
        formulas = {u: given.get(u, 0) for u in self.inputs}
        wrong = [u for u, f in formulas.items() if not isinstance(f, Expr | int | float)]
        if wrong:
            raise DeclarationError(f"The input {wrong[0]} is no formula: write one, such as -2*y.")
        terms = {u: sympify(f, strict=True) for u, f in formulas.items()}
        earlier = [u for u, term in terms.items() if term.has(Earlier) and self.step is not None]
        if earlier:
            raise DeclarationError(
                f"The input {earlier[0]} reads an earlier value, and inputs of a discrete plant "
                "are of values at the same moment: declare a System of plant.changes and "
                "plant.readings, in which x.next is the value at that moment."
            )
        return terms

    def _check_delays(self, formulas: Mapping[Variable, Expr]) -> None:
        """No input follows at once from itself: an output does from inputs, where D is not 0."""
        graph = nx.DiGraph()
        for target, formula in {**formulas, **self.readings}.items():
            graph.add_edges_from((source, target) for source in formula.free_symbols)
        if nx.is_directed_acyclic_graph(graph):
            return
        around = [str(source) for source, _ in nx.find_cycle(graph)]
        raise DeclarationError(
            f"The loop {' -> '.join([*around, around[0]])} has no delay: each follows at once from "
            "the one before, through D. Solve it for the input by hand."
        )


def plant_of(
    given: HasMatrices | HasStateSpace,
    *,
    states: str | Sequence[Variable] | None = None,
    inputs: str | Sequence[Variable] | None = None,
    outputs: str | Sequence[Variable] | None = None,
) -> Plant:
    """A linear plant of scipy.signal or python-control as equations of named variables.

    Takes ``StateSpace``, ``TransferFunction`` and ``ZerosPolesGain``, continuous and discrete, or
    whatever else has A (n, n), B (n, p), C (q, n), D (q, p) and ``dt``, or ``to_ss()``. Names are
    given as text ("x v") or variables; else they are those of the plant's own labels, or x, u and
    y, numbered where there are several. A transfer function has the states of its realisation.

    Raises ``DeclarationError`` for what has no such matrices, an improper transfer function, shapes
    that do not fit, entries that are no finite real numbers, more of them than ``MOST_ENTRIES``
    that are not 0, and a plant that does not say whether it is continuous.

    Source: Åström and Murray, "Feedback Systems", 2nd edition (2021), chapters 6 and 9.

    >>> from scipy.signal import TransferFunction
    >>> plant = plant_of(TransferFunction([2], [1, 3]))
    >>> plant.changes, plant.readings
    ({x: u - 3*x}, {y: 2*x})
    >>> (u,), (y,) = plant.inputs, plant.outputs
    >>> plant.system({u: -4 * y}, dt=0.01).template[u].formula
    -4*y.next
    """
    space = _state_space(given)
    A, B, C, D = (_matrix(space, letter) for letter in "ABCD")
    _check_shapes(A, B, C, D)
    x = _named(states, getattr(space, "state_labels", None), "x", len(A), "states")
    u = _named(inputs, getattr(given, "input_labels", None), "u", B.shape[1], "inputs")
    y = _named(outputs, getattr(given, "output_labels", None), "y", len(C), "outputs")
    _check_apart((*x, *u, *y))
    return Plant(
        x, u, y,
        ReadOnly({v: _sum(A[i], x) + _sum(B[i], u) for i, v in enumerate(x)}),
        ReadOnly({v: _sum(C[i], x) + _sum(D[i], u) for i, v in enumerate(y)}),
        _step_of(given),
    )  # fmt: skip


def _state_space(given: object) -> HasMatrices:
    if isinstance(given, HasMatrices):
        return given
    if not isinstance(given, HasStateSpace):
        raise DeclarationError(
            f"{type(given).__name__} is no linear plant: give a StateSpace, TransferFunction or "
            "ZerosPolesGain of scipy.signal or of python-control."
        )
    try:
        space = given.to_ss()
    except (ValueError, TypeError, ArithmeticError, RuntimeError, ImportError) as error:
        # What both raise here: of shapes, of improper ones, and for want of a library of theirs.
        raise DeclarationError(
            f"The {type(given).__name__} has no state space ({error}): a plant that answers to the "
            "rate of its input is improper. Add a pole that is fast, or give A, B, C and D."
        ) from error
    if not isinstance(space, HasMatrices):
        raise DeclarationError(
            f"The {type(given).__name__} has a state space without A, B, C, D and dt "
            f"({type(space).__name__}): give these."
        )
    return space


def _matrix(space: HasMatrices, letter: str) -> Floats:
    try:
        held = np.asarray(getattr(space, letter))
        is_real = held.dtype.kind in "iuf" and held.ndim == 2 and bool(np.isfinite(held).all())
    except (ValueError, TypeError, ArithmeticError, RuntimeError):
        is_real = False
    if not is_real:
        raise DeclarationError(
            f"{letter} of the plant is no matrix of finite real numbers: give rows of them, such "
            "as [[0, 1], [-2, -3]]."
        )
    return held.astype(np.float64)


def _check_shapes(A: Floats, B: Floats, C: Floats, D: Floats) -> None:
    n, p, q = len(A), B.shape[1], len(C)
    wanted = {"A": (n, n), "B": (n, p), "C": (q, n), "D": (q, p)}
    for letter, held in zip("ABCD", (A, B, C, D), strict=True):
        if held.shape != wanted[letter]:
            raise DeclarationError(
                f"{letter} has shape {held.shape}: with {n} states, {p} inputs and {q} outputs, as "
                f"A, B and C have them, it is {wanted[letter]}."
            )
    entries = sum(int(np.count_nonzero(held)) for held in (A, B, C, D))
    if entries > MOST_ENTRIES:
        raise DeclarationError(
            f"The plant has {entries:,} entries that are not 0, and {MOST_ENTRIES:,} are read "
            "(MOST_ENTRIES): reduce it, or leave out those that are next to nothing."
        )


def _step_of(given: object) -> float | None:
    """The sampling time; None of a continuous plant. True says discrete, without a time."""
    dt = getattr(given, "dt", None)
    if dt is True:
        return 1.0
    if dt is None and hasattr(given, "isctime"):
        raise DeclarationError(
            "The plant does not say whether it is continuous: give it dt=0, or its sampling time."
        )
    if dt is None or dt is False:
        return None
    step = checks.finite(dt, "dt of the plant")
    if step == 0:
        return None
    if step < 0:
        raise DeclarationError(f"dt of the plant is {step:g}: write a sampling time above 0.")
    return step


def _named(
    given: object, labels: object, letter: str, count: int, what: str
) -> tuple[Variable, ...]:
    """Variables: those that are given, or of names that are, or of the plant's own labels."""
    if given is None:
        named = [str(label) for label in labels] if isinstance(labels, list) else []
        # x[0] is how one speaks of a node.
        is_own = len(named) == count and not any(re.search(r"\[\d+\]$", name) for name in named)
        plain = [letter] if count == 1 else [f"{letter}{i}" for i in range(count)]
        return tuple(map(Variable, named if is_own else plain))
    made: object = list(map(Variable, names_in(given, what))) if isinstance(given, str) else given
    single: object = [made] if isinstance(made, Variable) else made
    held = checks.as_list(single, what, '"a b"')
    if len(held) != count or not all(isinstance(one, Variable) for one in held):
        raise DeclarationError(f"{what} is {checks.shown(given)}: name {count} variables.")
    return tuple(cast("list[Variable]", held))


def _check_apart(variables: Sequence[Variable]) -> None:
    names = Counter(variable.name for variable in variables)
    twice = next((name for name, count in names.items() if count > 1), None)
    if twice is not None:
        raise DeclarationError(
            f"Two of the states, inputs and outputs are called {twice}: name them apart, as in "
            'plant_of(plant, states="x v", outputs="y").'
        )


def _sum(row: Floats, variables: Sequence[Variable]) -> Expr:
    """The sum of variables by weights; those of weight 0 are left out."""
    # Most weights of a large plant are 0.
    places = np.flatnonzero(row).tolist()
    return Add(*(_number(float(row[place])) * variables[place] for place in places))


def _number(weight: float) -> Expr:
    """A whole number as one: 1 disappears from a formula, and 1.0 does not."""
    return Integer(int(weight)) if weight.is_integer() else Float(weight)
