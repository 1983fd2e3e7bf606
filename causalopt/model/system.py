"""A system: the time-lagged template that says how each step follows from the one before."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Mapping

import networkx as nx
from sympy import Expr, Symbol

from causalopt.ground.errors import DeclarationError, QueryError, nearest
from causalopt.language import typeset
from causalopt.language.finite_variables import Finite, shown
from causalopt.language.symbols import (
    Moment,
    Next,
    Node,
    NodeSet,
    Noise,
    Parameter,
    Span,
    Stage,
    Time,
    Variable,
    time,
)
from causalopt.language.tables import Table, rows_in_words
from causalopt.mechanisms.integrators import METHODS, runge_kutta
from causalopt.mechanisms.symbolic import Expression
from causalopt.model.columns import Binding, Label, bind
from causalopt.model.declaration import (
    check_formulas,
    check_seed,
    check_symbols,
    cycle_message,
    mechanism_of,
    noises_of,
    number,
    numbers,
)
from causalopt.model.network import Network
from causalopt.model.world import Key, Stretch, World

#: What a step assigns, given one variable and its declared formula.
Rule = Callable[[Variable, Expression], dict[Variable, Expression]]


#: Where a set of nodes ends that is named without a run to end it.
ENDLESS = sys.maxsize


class System:
    """Variables that follow from their values one step before: a two-slice template.

    ``System({T: R - d, R: R - k*T}, start={T: 10, R: 35}, parameters={k: 0.01, d: 25})`` means
    T[i+1] = R[i] - d and R[i+1] = R[i] - k T[i]. On the right, ``R`` is the value one step before,
    ``R.next`` the value in the same step, ``time`` the time of step i. ``dt``, a number or a
    parameter, is the length of a step in units of time; without it, time counts steps.

    Raises ``DeclarationError`` for a same-step cycle, an unknown symbol, a symbol declared twice,
    and a value that is missing, NaN or no number.

    >>> from causalopt.language.symbols import parameters, variables
    >>> T, R = variables("T R")
    >>> k, d = parameters("k d")
    >>> System({T: R - d, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 0.01, d: 25})
    System(
        T[i+1] = R - d
        R[i+1] = R - T*k
        T[0] = 10.0
        R[0] = 35.0
        k = 0.01
        d = 25.0
    )
    """

    def __init__(
        self,
        mechanisms: Mapping[Variable, Expr | float | Table],
        *,
        start: Mapping[Variable, float | str],
        parameters: Mapping[Parameter, float] | None = None,
        dt: float | Parameter | None = None,
    ) -> None:
        formulas = check_formulas(mechanisms, same_step=True)
        self._set(formulas, start, parameters, dt, _as_declared)

    @classmethod
    def from_ode(
        cls,
        rates: Mapping[Variable, Expr | float],
        *,
        start: Mapping[Variable, float],
        parameters: Mapping[Parameter, float] | None = None,
        dt: float | Parameter,
        method: str = "euler",
    ) -> System:
        """A system from the rates of change da/dt, by an explicit method with step ``dt``.

        ``euler``: a[i+1] = a[i] + dt f(a[i]). ``rk4``: the classical method of order four, whose
        inner stages are nodes too: where a variable is clamped over a step, so are its stages.

        >>> from causalopt.language.symbols import variables
        >>> (a,) = variables("a")
        >>> System.from_ode({a: -a}, start={a: 1}, dt=0.1).template[a].formula
        -a*dt + a
        """
        if method not in METHODS:
            raise DeclarationError(f"There is no method {method!r}." + nearest(method, METHODS))
        if isinstance(dt, Parameter):
            size = dt
        else:
            size = Parameter("dt")
            number(dt, "dt")
            parameters = {**(parameters or {}), size: dt}
        formulas = check_formulas(rates, same_step=True)
        for target, rate in formulas.items():
            if isinstance(target, Finite):
                raise DeclarationError(
                    f"{target} takes named values, which have no rate of change: declare it in a "
                    f"System, with a table."
                )
            same = [s for s in rate.arguments if isinstance(s, Next)]
            if same:
                raise DeclarationError(
                    f"The rate of {target} uses {same[0]}: a rate depends on the present state, "
                    f"so write {same[0].variable}."
                )
        rule = functools.partial(runge_kutta, METHODS[method], size, formulas)
        made = cls.__new__(cls)
        made._set(formulas, start, parameters, size, rule)
        return made

    def _set(
        self,
        mechanisms: dict[Variable, Expression],
        start: Mapping[Variable, float | str],
        parameters: Mapping[Parameter, float] | None,
        dt: float | Parameter | None,
        rule: Rule,
    ) -> None:
        self.mechanisms = mechanisms
        self.start = numbers(start, Variable, "start")
        self.parameters = numbers(parameters or {}, Parameter, "parameters")
        self.dt = _step_size(dt, self.parameters)
        self.dt_symbol = dt if isinstance(dt, Parameter) else None
        _check_start(self.mechanisms, self.start)
        known = {*self.mechanisms, *self.parameters}
        check_symbols(self.mechanisms, known, "give it a mechanism and a start value")
        self.rule = rule
        self.template = in_order(self.realise(self.mechanisms))

    def realise(self, mechanisms: Mapping[Variable, Expression]) -> dict[Variable, Expression]:
        """What a step assigns for declared formulas: themselves, or an integrator's stages too."""
        assigned: dict[Variable, Expression] = {}
        for variable, formula in mechanisms.items():
            assigned.update(self.rule(variable, formula))
        return assigned

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables, in the order of their declaration; stages left out."""
        return tuple(self.mechanisms)

    def parents(self, variable: Variable) -> tuple[set[Variable], set[Variable]]:
        """What a variable depends on: one step before, and in the same step. Stages are passed by.

        >>> from causalopt.language.symbols import variables
        >>> a, b = variables("a b")
        >>> System({a: b, b: a.next}, start={a: 0, b: 1}).parents(b)
        (set(), {a})
        """
        before: set[Variable] = set()
        same: set[Variable] = set()
        waiting, seen = [variable], {variable}
        while waiting:
            for symbol in self.template[waiting.pop()].arguments:
                target = symbol.variable if isinstance(symbol, Next) else None
                if isinstance(target, Stage):
                    waiting += [target] if target not in seen else []
                    seen.add(target)
                elif target is not None:
                    same.add(target)
                elif isinstance(symbol, Variable):
                    before.add(symbol)
        return before, same

    def causes(self) -> dict[str, list[str]]:
        """The template's graph in words: for each R[i+1], what it follows from.

        >>> from causalopt.language.symbols import variables
        >>> a, b = variables("a b")
        >>> System({a: b, b: a.next}, start={a: 0, b: 1}).causes()
        {'a[i+1]': ['b[i]'], 'b[i+1]': ['a[i+1]']}
        """
        made = {}
        for variable in self.variables:
            before, same = (sorted(map(str, found)) for found in self.parents(variable))
            made[f"{variable}[i+1]"] = [f"{v}[i]" for v in before] + [f"{v}[i+1]" for v in same]
        return made

    @functools.cached_property
    def noises(self) -> tuple[Noise, ...]:
        """The noises that its mechanisms use, by name."""
        return noises_of(self.template.values())

    def time_of(self, step: int) -> float:
        """The time of a step: step * dt, or the step itself where the system has no dt."""
        return step if self.dt is None else step * self.dt

    def step_at(self, instant: float, node: object) -> int:
        """The step at a point in time; an error where time falls between two steps."""
        if self.dt is None:
            raise QueryError(
                f"{node}: this system counts steps and has no dt. Index it by steps, such as "
                f"R[{round(instant)}], or declare the system with dt=."
            )
        step = round(instant / self.dt)
        if abs(step * self.dt - instant) > 1e-6 * self.dt:
            below = math.floor(instant / self.dt)
            raise QueryError(
                f"{node} falls between two steps of dt = {self.dt:g}: the nearest times are "
                f"{below * self.dt:g} and {(below + 1) * self.dt:g}."
            )
        return step

    def world(self, steps: int, *, seed: int = 0) -> World:
        """The world W: this system run from step 0 to ``steps``.

        ``seed`` gives the draws of its noise, which all worlds made from this one share.

        >>> from causalopt.language.symbols import variables
        >>> (a,) = variables("a")
        >>> System({a: a / 2}, start={a: 1}).world(steps=10).perturb(a[0])
        World of System, steps=10
            a[0]: perturbed
        """
        return World(self, check_steps(steps), seed=check_seed(seed))

    def select(self, target: object, steps: int | None) -> tuple[Stretch, ...]:
        """The stretches of nodes that a user names: R, R[0], R[:100], R.at(2.5), or a list.

        A set that reaches past the end of the run ends with it; a node past the end is an error.
        """
        last = ENDLESS - 1 if steps is None else steps
        match target:
            case Node(variable, step):
                return (self._one(variable, step, last, target),)
            case Moment(variable, instant):
                return (self._one(variable, self.step_at(instant, target), last, target),)
            case NodeSet(variable, start, stop):
                return (self._many(variable, start, stop, last, target),)
            case Span(variable, begin, end):
                start, stop = self.step_at(begin, target), self.step_at(end, target) + 1
                return (self._many(variable, start, stop, last, target),)
            case Variable():
                return (self._many(target, 0, None, last, target),)
            case list() | tuple() | set() | frozenset() if target:
                return tuple(s for one in target for s in self.select(one, steps))
        raise QueryError(
            f"{target!r} names no nodes of this system: write a variable such as {self._example}, "
            f"a node such as {self._example}[0], or a list of them."
        )

    @property
    def _example(self) -> Variable:
        return self.variables[0]

    def _one(self, variable: Symbol, step: int, last: int, target: object) -> Stretch:
        if step > last:
            raise QueryError(
                f"{target} lies after the last step, {last}: ask for an earlier node, or run the "
                f"system for more steps (steps={step})."
            )
        return Stretch(self._known(variable), step, step + 1)

    def _many(
        self, variable: Symbol, start: int, stop: int | None, last: int, target: object
    ) -> Stretch:
        if start > last:
            raise QueryError(f"{target} lies after the last step, {last}.")
        end = last + 1 if stop is None else min(stop, last + 1)
        return Stretch(self._known(variable), start, end)

    def _known(self, variable: Symbol) -> Symbol:
        if variable not in self.mechanisms:
            raise QueryError(
                f"{variable} is not a variable of this system." + nearest(variable, self.variables)
            )
        return variable

    def mechanism(self, key: Key, formula: object) -> Expression:
        """A formula for one of this system's variables, its symbols checked."""
        made = mechanism_of(key, formula)
        known = {*self.mechanisms, *self.parameters}
        check_symbols({key: made}, known, "use a variable of this system")
        return made

    def unroll(self, steps: int) -> Network:
        """The network of all nodes from step 0 to ``steps``; times and noises become inputs.

        >>> from causalopt.language.symbols import variables
        >>> (a,) = variables("a")
        >>> network = System({a: a / 2}, start={a: 1}).unroll(2)
        >>> network.nodes, network.parents(a[2])
        ((a[0], a[1], a[2]), {a[1]})
        """
        check_steps(steps)
        labels = [Node(v, 0) for v in self.variables]
        bindings: list[Binding | None] = [None] * len(labels)
        for i in range(steps):
            for target, mechanism in self.template.items():
                labels.append(Node(target, i + 1))
                bindings.append((mechanism, [_owner(s, i) for s in mechanism.arguments]))
        timed = any(time in m.arguments for m in self.template.values())
        times = {Node(time, i): self.time_of(i) for i in range(steps)} if timed else {}
        drawn = [Node(noise, i) for i in range(steps) for noise in self.noises]
        columns = bind(tuple(labels), (*self.parameters, *times, *drawn), bindings)
        values: dict[Label, float] = {Node(v, 0): value for v, value in self.start.items()}
        return Network.from_columns(columns, values | dict(self.parameters) | dict(times))

    def __repr__(self) -> str:
        lines = []
        for v, m in self.mechanisms.items():
            lines += [
                f"{v}[i+1] = {m.formula}",
                *(f"    {row}" for row in rows_in_words(m.formula)),
            ]
        if self.template.keys() != self.mechanisms.keys() or self.rule is not _as_declared:
            lines = [f"d{v}/dt = {m.formula}" for v, m in self.mechanisms.items()]
        lines += [f"{v}[0] = {shown(v, value)}" for v, value in self.start.items()]
        lines += [f"{p} = {value}" for p, value in self.parameters.items()]
        return "System(\n    " + "\n    ".join(lines) + "\n)"

    def _repr_latex_(self) -> str:
        left = "{{{}}}^{{+}}" if self.rule is _as_declared else r"\dot{{{}}}"
        return typeset.aligned(
            (left.format(typeset.name(variable)), typeset.latex(mechanism.formula))
            for variable, mechanism in self.mechanisms.items()
        )


def check_steps(steps: object) -> int:
    """A whole number of steps, one or more."""
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise QueryError(f"steps is {steps!r}: write a whole number of 1 or more.")
    return steps


def _as_declared(variable: Variable, formula: Expression) -> dict[Variable, Expression]:
    return {variable: formula}


def in_order(assigned: dict[Variable, Expression]) -> dict[Variable, Expression]:
    """The assignments in an order in which every same-step value is there when it is needed."""
    graph = nx.DiGraph()
    graph.add_nodes_from(assigned)
    for target, mechanism in assigned.items():
        same = [s.variable for s in mechanism.arguments if isinstance(s, Next)]
        graph.add_edges_from((source, target) for source in same)
    try:
        order = list(nx.lexicographical_topological_sort(graph, key=list(assigned).index))
    except nx.NetworkXUnfeasible:
        loop = [f"{source}.next" for source, _ in nx.find_cycle(graph)]
        raise DeclarationError(cycle_message([*loop, loop[0]])) from None
    return {target: assigned[target] for target in order}


def _owner(symbol: Symbol, step: int) -> Node | Parameter:
    """The node or input that a symbol of the template stands for in the step after ``step``."""
    if isinstance(symbol, Next):
        return Node(symbol.variable, step + 1)
    if isinstance(symbol, Variable | Time | Noise):
        return Node(symbol, step)
    assert isinstance(symbol, Parameter)
    return symbol


def _step_size(dt: float | Parameter | None, parameters: Mapping[Parameter, float]) -> float | None:
    if dt is None:
        return None
    if isinstance(dt, Parameter):
        if dt not in parameters:
            raise DeclarationError(
                f"dt is the parameter {dt}, which has no value: give one in "
                f"parameters={{{dt}: ...}}."
            )
        dt = parameters[dt]
    value = number(dt, "dt")
    if value <= 0:
        raise DeclarationError(f"dt is {value}: a step takes a positive time, such as dt=0.01.")
    return value


def _check_start(
    mechanisms: Mapping[Variable, Expression], start: Mapping[Variable, float]
) -> None:
    missing = [str(v) for v in mechanisms if v not in start]
    if missing:
        raise DeclarationError(
            f"{', '.join(missing)} has no start value: write start={{{missing[0]}: ...}}."
        )
    extra = [v for v in start if v not in mechanisms]
    if extra:
        raise DeclarationError(
            f"start gives a value for {extra[0]}, which has no mechanism: give it one, such as "
            f"{{{extra[0]}: {extra[0]}}} to keep it constant, or declare it as a parameter."
            + nearest(extra[0], mechanisms)
        )
