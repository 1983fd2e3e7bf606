"""A system: the time-lagged template that says how each step follows from the one before."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import TYPE_CHECKING, cast

from sympy import Symbol

from causalopt.ground import checks
from causalopt.ground.readonly import ReadOnly
from causalopt.language.symbols import Label, Next, Noise, Parameter, Past, Variable
from causalopt.language.vectors import spread
from causalopt.mechanisms.declared import Formula, mechanism_of
from causalopt.mechanisms.events import Event
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.methods import METHODS
from causalopt.model import building, moments
from causalopt.model.amounts import (
    Amount,
    Kept,
    changed,
    checked_parameters,
    checked_starts,
    coded,
)
from causalopt.model.beginning import Beginning
from causalopt.model.circles import check_straight, checked_guesses, circles_of
from causalopt.model.declaration import (
    check_formulas,
    check_seed,
    check_steps,
    checked_dt,
    checked_events,
    checked_tolerance,
    mechanisms_of,
    noises_of,
)
from causalopt.model.interface import Account
from causalopt.model.network import Network
from causalopt.model.over_time import OverTime
from causalopt.model.selection import Key
from causalopt.model.showing import (
    causes_in_words,
    given_beside,
    guesses_shown,
    latex_steps,
    step_equations,
)
from causalopt.model.solving import Solver, chosen, in_steps_of
from causalopt.model.soundness import check_declared, check_put_in
from causalopt.model.stepping import Stepping, step_term
from causalopt.model.template import Template, is_inner, is_stage, node_at, sources
from causalopt.model.unrolling import check_unrolled, unrolled
from causalopt.model.wiring import Wiring, graph_as_written, wired_over_time
from causalopt.model.world import World

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, repr=False)
class System(OverTime):
    """Variables that follow from their values one step before: a two-slice template.

    ``System({T: R - d, R: R - k*T}, start={T: 10, R: 35}, parameters={k: 0.01, d: 25})`` means
    T[i+1] = R[i] - d and R[i+1] = R[i] - k T[i]. On the right, ``R`` is the value one step before,
    ``R.next`` the value in the same step, ``R.lag(5)`` that of 5 steps before, ``time`` the time of
    step i. ``dt``, a number or a parameter, is the length of a step in units of time; without it,
    time counts steps. With a ``method``, the formulas are rates of change, as ``from_ode`` declares
    them. A variable with an equation, in ``algebraic``, follows from the others at each moment;
    circles of equations are solved by Newton's method for those in ``newton``.

    Parameters may be formulas of parameters, start values formulas of parameters and start values.
    ``history`` gives what a delayed variable was before, where it was not what it starts from.
    ``events`` set variables when a condition comes true. A system is frozen; two that declare the
    same are equal; ``with_parameters`` and ``with_start`` give new ones.

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

    mechanisms: Mapping[Variable, Formula]
    _: KW_ONLY
    start: Mapping[Variable, Amount]
    parameters: Mapping[Parameter, Kept] = ReadOnly({})
    dt: float | Parameter | None = None
    method: str | None = None
    tolerance: float | None = None
    algebraic: Mapping[Variable, Formula] = ReadOnly({})
    newton: Mapping[Variable, float] = ReadOnly({})
    history: Mapping[Variable, Formula] = ReadOnly({})
    events: Sequence[Event] = ()

    def __post_init__(self) -> None:
        # Frozen fields are set once, here, to what was checked of them.
        put = functools.partial(object.__setattr__, self)
        put("mechanisms", ReadOnly(check_formulas(self.mechanisms, same_step=True)))
        put("algebraic", ReadOnly(mechanisms_of(self.algebraic, "algebraic")))
        put("newton", checked_guesses(self.newton, self._written, self.circles, self.events))
        put("history", ReadOnly(mechanisms_of(self.history, "history")))
        put("events", checked_events(self.events, self.mechanisms, self.method))
        put("parameters", checked_parameters(self.parameters))
        put("dt", checked_dt(self.dt, self.parameter_values))
        put("start", checked_starts(self.start, self._written, self.parameters))
        check_declared(self, self._written)
        put("tolerance", checked_tolerance(self.tolerance, self.method, self._written, self.dt))
        self.template, self.start_values  # noqa: B018  # cached; a cycle is told at once

    @classmethod
    def from_ode(
        cls,
        rates: Mapping[Variable, Formula],
        *,
        start: Mapping[Variable, Amount],
        parameters: Mapping[Parameter, Kept] | None = None,
        dt: float | Parameter,
        method: str | Solver = "euler",
        tolerance: float | None = None,
        algebraic: Mapping[Variable, Formula] | None = None,
        newton: Mapping[Variable, float] | None = None,
        history: Mapping[Variable, Formula] | None = None,
        events: Sequence[Event] | None = None,
    ) -> System:
        """A system from the rates of change da/dt, by a method with step ``dt``.

        ``euler``, ``rk4`` and ``dopri5``, of order one, four and five, are explicit, ``rodas4`` is
        implicit, for stiff rates. Inner stages are nodes too, clamped where a variable is over a
        step. With a ``tolerance`` (``dopri5`` and ``rodas4``) a step is taken in as many parts as
        an estimate of their errors asks for, the same in all worlds; ``auto`` is ``dopri5`` with
        1e-9, and ``rodas4`` where a run shows that rates are stiff. A solver of diffrax carries an
        array over a whole step. What is ``algebraic`` has an equation and no rate. Circles of
        equations are solved for what is in ``newton`` on each: from the values given there, and in
        a step from its value before. What is nudged or held on a circle is what it is moved to, and
        the others follow.

        >>> from causalopt.language.symbols import variables
        >>> x, u = variables("x u")
        >>> held = System.from_ode({x: u - x}, algebraic={u: -3*x}, start={x: 1}, dt=0.1)
        >>> print(held.template[x])
        dt*(u - x) + x
        """
        method, tolerance = chosen(method, tolerance, events)
        written, kind, known, length = in_steps_of(rates, method, parameters, dt, algebraic)
        return cls(
            written,
            start=start,
            parameters=known,
            dt=length,
            method=kind,
            tolerance=tolerance,
            algebraic={} if algebraic is None else algebraic,
            newton={} if newton is None else newton,
            history={} if history is None else history,
            events=() if events is None else events,
        )

    @functools.cached_property
    def declarations(self) -> Mapping[Variable, Mechanism]:
        """What was declared of each variable, in terms of a step: a value, or a rate of change."""
        return ReadOnly({v: self._in_a_step(v, rule) for v, rule in self._written.items()})

    @functools.cached_property
    def _written(self) -> Mapping[Variable, Mechanism]:
        return cast(Mapping[Variable, Mechanism], {**self.mechanisms, **self.algebraic})

    def _in_a_step(self, variable: Variable, written: Mechanism) -> Mechanism:
        """A mechanism as written, its delays in steps; an equation as it is at a step's end."""
        mechanism = moments.in_steps(written, self.step_size or 1.0, variable)
        if variable not in self.algebraic:
            return mechanism
        moments.check_equation(variable, mechanism)
        return moments.at_end(mechanism, step_term(self.dt))

    @functools.cached_property
    def beginning(self) -> Beginning:
        """How it begins: what gives the values at step 0, and what was before."""
        equations = {v: self.declarations[v] for v in self.algebraic}
        return Beginning(
            variables=self.variables,
            given=coded(self.start),
            equations=equations,
            history=cast(Mapping[Variable, Mechanism], self.history),
            parameters=self.parameter_values,
            size=step_term(self.dt),
            length=self.step_size or 1.0,
            newton=self.newton,
        )

    @functools.cached_property
    def start_values(self) -> Mapping[Variable, float]:
        """The start values that are numbers: of named values, their places."""
        moments.check_history(self.history, self.delayed, self.parameters)
        self.beginning.check_delayed(self.delayed)
        self.beginning.check_history(moments.farthest(self.declarations.values()))
        return self.beginning.numbers

    @property
    def delayed(self) -> frozenset[Variable]:
        """The variables that are used with a delay."""
        return frozenset().union(*map(moments.delayed_in, self._written.values()))

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables, in the order of their declaration; stages left out."""
        return (*self.mechanisms, *self.algebraic)

    @functools.cached_property
    def template(self) -> Template:
        """What a step assigns, in order: the variables, and the inner stages of a method."""
        return ReadOnly(self.stepping.of(self.declarations))

    @functools.cached_property
    def stepping(self) -> Stepping:
        """What makes steps of its declarations."""
        return Stepping(
            frozenset(self.algebraic), self.events, self.dt, self.step_size, self.method,
            bool(self.delayed), self.newton, self.tolerance, tuple(self._written.values()),
        )  # fmt: skip

    @functools.cached_property
    def noises(self) -> tuple[Noise, ...]:
        """The noises that its mechanisms use, by name."""
        return noises_of(self.template.values())

    def with_parameters(self, values: Mapping[Parameter, Kept]) -> System:
        """The same system with other values of some parameters; formulas follow.

        >>> from causalopt.language.symbols import parameter, variable
        >>> a, k = variable("a"), parameter("k")
        >>> decay = System({a: k * a}, start={a: 1}, parameters={k: 0.5})
        >>> decay.with_parameters({k: 0.9}).parameters, decay.parameters
        ({k: 0.9}, {k: 0.5})
        """
        return replace(self, parameters=changed(self.parameters, values, "with_parameters"))

    def with_start(self, values: Mapping[Label, Amount]) -> System:
        """The same system with other start values of some variables."""
        changed(self.start, values, "with_start")
        new = spread(checks.as_mapping(values, "start", "{R: 35}"), "with_start")
        return replace(self, start={**self.start, **new})  # type: ignore[dict-item]  # checked

    def parents(self, variable: Variable) -> tuple[set[Variable], set[Variable]]:
        """What a variable depends on, as written: before the step, and in the same step."""
        symbols = self._entering(variable)
        same = {s.variable for s in symbols if isinstance(s, Next)}
        before = {s for s in symbols if isinstance(s, Variable)}
        return before | {s.variable for s in symbols if isinstance(s, Past)}, same

    def _entering(self, variable: Variable) -> list[Symbol]:
        # A rate is added to the variable itself.
        is_rate = self.method is not None and variable in self.mechanisms
        own = (variable, cast(Parameter, self.dt)) if is_rate else ()
        return list(dict.fromkeys((*own, *self._as_written(variable))))

    def _as_written(self, variable: Variable) -> tuple[Symbol, ...]:
        """What its mechanism, and the events that set it, are written with."""
        events = [s for event in self.events if variable in event.set for s in event.arguments]
        return (*self.declarations[variable].arguments, *events)

    @functools.cached_property
    def graph(self) -> nx.DiGraph:
        """The variables; an edge a -> b where the step or the rate of b is written with a."""
        return graph_as_written({v: self._as_written(v) for v in self.variables})

    def causes(self) -> dict[str, list[str]]:
        """The template's graph in words: for each R[i+1], what it follows from.

        >>> from causalopt.language.symbols import variables
        >>> a, b = variables("a b")
        >>> System({a: b, b: a.next}, start={a: 0, b: 1}).causes()
        {'a[i+1]': ['b[i]'], 'b[i+1]': ['a[i+1]']}
        """
        return causes_in_words({variable: self._entering(variable) for variable in self.variables})

    def mechanism(self, key: Key, formula: object) -> Mechanism:
        """A formula for one of this system's variables, its symbols checked."""
        mechanism = mechanism_of(key, formula)
        check_put_in(self, key, mechanism)
        return self._in_a_step(cast(Variable, key), mechanism)

    def account(self, key: Key, step: int, replacement: Mechanism | None = None) -> Account:
        """A start value at step 0, whatever the mechanism; else the step or the rate."""
        variable = cast(Variable, key)
        if step == 0:
            other = replacement if variable in self.algebraic else None
            rule = other or self.beginning.written.get(variable)
            if rule is None:
                return Account(start=self.beginning.value_of(variable))
            return Account(None, rule, rule, {s: node_at(s, 0) for s in rule.arguments})
        declared = replacement or self._written[variable]
        # Where a template has inner stages too, a step is told by its rate, also a replaced one.
        in_stages = len(self.template) > len(self.declarations)
        in_step = self.declarations if in_stages else self.template
        assigned = in_step[variable] if replacement is None else replacement
        names = {symbol: node_at(symbol, step) for symbol in assigned.arguments}
        return Account(None, declared, assigned, names, in_stages)

    def earlier(
        self, key: Key, replaced: Callable[[Key], Mechanism | None]
    ) -> tuple[Variable | Noise, ...]:
        """The variables and noises of the step before that a variable follows from, in order."""
        variable = cast(Variable, key)
        symbols = sources(variable, lambda v: replaced(v) or self.template[v], lambda _: True)
        return tuple(s for s in symbols if isinstance(s, Variable | Noise) and not is_inner(s))

    def wiring(self, steps: int, *, written: bool = False) -> Wiring:
        """The nodes up to a step, with their parents and inputs; inner stages left out."""
        entering = {
            v: self._entering(v) if written else sources(v, self.template.__getitem__, is_stage)
            for v in self.template if v in self.declarations
        }  # fmt: skip
        return wired_over_time(self.variables, self.beginning.entering, entering, steps)

    @property
    def rated(self) -> Collection[Key]:
        """The variables with rates of change."""
        return () if self.method is None else self.mechanisms

    @property
    def is_implicit(self) -> bool:
        """Whether its steps solve equations, in which the variables are seen together."""
        return self.method is not None and METHODS[self.method].tableau is None

    @property
    def jumping(self) -> Sequence[frozenset[Variable]]:
        """What each event inside its steps sets at one moment: held together, or not at all."""
        return [frozenset(e.set) for e in self.events if self.method is not None]

    @functools.cached_property
    def circles(self) -> Sequence[frozenset[Variable]]:
        """The variables whose equations are solved together, circle by circle."""
        return circles_of(self._written, self.algebraic)

    @property
    def memory(self) -> int:
        """How many steps a step looks back: one, and more where there are delays."""
        symbols = (s for rule in self.template.values() for s in rule.arguments)
        return 1 + max((s.by for s in symbols if isinstance(s, Past)), default=0)

    def time_step(self, finer: int) -> System | None:
        """The same with steps shorter by a whole factor; None without a method."""
        if self.method is None or not isinstance(self.dt, Parameter):
            return None
        return self.with_parameters({self.dt: self.parameter_values[self.dt] / finer})

    def in_whole_steps(self) -> System:
        """The same by rk4, where a tolerance has its steps taken in parts."""
        return self if self.tolerance is None else replace(self, method="rk4", tolerance=None)

    def world(self, steps: int | None = None, *, seed: int = 0) -> World[System]:
        """The world W: this system run from step 0 to ``steps``.

        ``seed`` gives the draws of its noise, which all worlds made from this one share.

        >>> from causalopt.language.symbols import variables
        >>> (a,) = variables("a")
        >>> System({a: a / 2}, start={a: 1}).world(steps=10).perturb(a[0])
        World of System, steps=10
            a[0]: perturbed
        """
        return World(self, self.run_length(steps), seed=check_seed(seed))

    def unroll(self, steps: int) -> Network:
        """The network of all nodes from step 0 to ``steps``; times and noises become inputs.

        >>> from causalopt.language.symbols import variables
        >>> (a,) = variables("a")
        >>> network = System({a: a / 2}, start={a: 1}).unroll(2)
        >>> network.nodes, network.parents(a[2])
        ((a[0], a[1], a[2]), {a[1]})
        """
        last = check_steps(steps)
        check_straight(self.circles, "A network of nodes")
        check_unrolled(self, self.template, last, self.stepping)
        return unrolled(self.template, self.beginning, building.by_label(self.parameters), last)

    def __repr__(self) -> str:
        lines = step_equations(self.mechanisms, self.algebraic, is_rate=self.method is not None)
        lines += guesses_shown(self.newton)
        lines += given_beside(self.start, self.history, self.parameters, self.tolerance)
        return "System(\n    " + "\n    ".join([*lines, *map(str, self.events)]) + "\n)"

    def _repr_latex_(self) -> str:
        return latex_steps(self.mechanisms, self.algebraic, is_rate=self.method is not None)
