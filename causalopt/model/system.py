"""A system: the time-lagged template that says how each step follows from the one before."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import cast

import networkx as nx
from sympy import Symbol

from causalopt.ground import checks
from causalopt.ground.errors import DeclarationError, QueryError
from causalopt.ground.readonly import ReadOnly
from causalopt.language.symbols import Label, Moment, Next, Node, Noise, Parameter, Variable, time
from causalopt.language.vectors import spread
from causalopt.mechanisms.declared import Formula, mechanism_of
from causalopt.mechanisms.integrators import METHODS, on_clock, runge_kutta
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.building import by_label, check_unrolled, unrolled_columns
from causalopt.model.declaration import (
    changed,
    check_formulas,
    check_rates,
    check_seed,
    check_start,
    check_steps,
    check_symbols,
    checked_dt,
    noises_of,
    values,
)
from causalopt.model.interface import Account, Axis, Model, Place, Series
from causalopt.model.network import Network
from causalopt.model.selection import ENDLESS, Key, Stretch
from causalopt.model.showing import causes_in_words, latex_steps, step_equations
from causalopt.model.template import Template, in_order, is_stage, node_at, sources
from causalopt.model.timeline import Timeline
from causalopt.model.units import check_units
from causalopt.model.wiring import Wiring, graph_as_written, wired_over_time
from causalopt.model.world import World


@dataclass(frozen=True, repr=False)
class System(Model):
    """Variables that follow from their values one step before: a two-slice template.

    ``System({T: R - d, R: R - k*T}, start={T: 10, R: 35}, parameters={k: 0.01, d: 25})`` means
    T[i+1] = R[i] - d and R[i+1] = R[i] - k T[i]. On the right, ``R`` is the value one step before,
    ``R.next`` the value in the same step, ``time`` the time of step i. ``dt``, a number or a
    parameter, is the length of a step in units of time; without it, time counts steps. With a
    ``method``, the formulas are rates of change, as ``from_ode`` declares them.

    A system is frozen: its mappings are read-only, two that declare the same are equal, and
    ``with_parameters`` and ``with_start`` give new ones. Raises ``DeclarationError`` for a
    same-step cycle, an unknown symbol, a symbol declared twice, and a value that is missing, NaN or
    no number.

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
    start: Mapping[Variable, float | str]
    parameters: Mapping[Parameter, float] = ReadOnly({})
    dt: float | Parameter | None = None
    method: str | None = None
    #: The start values as numbers: of a variable with named values, the place of its value.
    start_values: Mapping[Variable, float] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        # Frozen fields are set once, here, to what was checked of them.
        put = functools.partial(object.__setattr__, self)
        put("mechanisms", ReadOnly(check_formulas(self.mechanisms, same_step=True)))
        put("start_values", values(self.start, Variable, "start"))
        put("start", ReadOnly({v: v.domain.value(n) for v, n in self.start_values.items()}))
        put("parameters", values(self.parameters, Parameter, "parameters"))
        put("dt", checked_dt(self.dt, self.parameters))
        check_start(self.declarations, self.start)
        known = {*self.mechanisms, *self.parameters}
        check_symbols(self.declarations, known, "give it a mechanism and a start value")
        check_rates(self.declarations, self.method)
        check_units(self.declarations, self.dt, is_rate=self.method is not None)
        self.template  # noqa: B018  # worked out at once: a cycle is an error of the declaration

    @classmethod
    def from_ode(
        cls,
        rates: Mapping[Variable, Formula],
        *,
        start: Mapping[Variable, float | str],
        parameters: Mapping[Parameter, float] | None = None,
        dt: float | Parameter,
        method: str = "euler",
    ) -> System:
        """A system from the rates of change da/dt, by an explicit method with step ``dt``.

        ``euler``: a[i+1] = a[i] + dt f(a[i]). ``rk4``: the classical method of order four, whose
        inner stages are nodes too: where a variable is clamped over a step, so are its stages.

        >>> from causalopt.language.symbols import variables
        >>> (a,) = variables("a")
        >>> print(System.from_ode({a: -a}, start={a: 1}, dt=0.1).template[a])
        -a*dt + a
        """
        size, known = Parameter("dt"), values(parameters, Parameter, "parameters")
        if isinstance(dt, Parameter):
            return cls(rates, start=start, parameters=known, dt=dt, method=method)
        written = spread(checks.as_mapping(rates, "What from_ode takes", "{a: -a}"), "from_ode")
        if size.name in map(str, (*written, *known)):
            raise DeclarationError(
                "dt is declared twice, as the length of a step and as a symbol of the system: "
                "write dt=dt to make the parameter the length of a step, or rename the symbol."
            )
        length = {**known, size: checks.finite(dt, "dt")}
        return cls(rates, start=start, parameters=length, dt=size, method=method)

    # -- what it is made of ----------------------------------------------------------------------

    @property
    def declarations(self) -> Mapping[Variable, Mechanism]:
        """What was declared of each variable: a step, or, with a method, a rate of change."""
        return cast(Mapping[Variable, Mechanism], self.mechanisms)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables, in the order of their declaration; stages left out."""
        return tuple(self.mechanisms)

    @functools.cached_property
    def template(self) -> Template:
        """What a step assigns, in order: the variables, and the inner stages of a method."""
        return ReadOnly(in_order(self.realise(self.declarations)))

    def realise(self, mechanisms: Mapping[Variable, Mechanism]) -> dict[Variable, Mechanism]:
        """What a step assigns for declared formulas: themselves, or an integrator's stages too."""
        mechanisms = on_clock(mechanisms, self.dt, self.step_size, self.method)
        if self.method is None:
            return mechanisms
        method, size = METHODS[self.method], cast(Parameter, self.dt)
        assigned: dict[Variable, Mechanism] = {}
        for variable, rate in mechanisms.items():
            assigned |= runge_kutta(method, size, self.variables, variable, rate)
        return assigned

    @property
    def step_size(self) -> float | None:
        """The length of a step in units of time; None where time counts steps."""
        if self.dt is None:
            return None
        return self.parameters[self.dt] if isinstance(self.dt, Parameter) else float(self.dt)

    @functools.cached_property
    def noises(self) -> tuple[Noise, ...]:
        """The noises that its mechanisms use, by name."""
        return noises_of(self.template.values())

    def with_parameters(self, values: Mapping[Parameter, float]) -> System:
        """The same system with other values of some parameters.

        >>> from causalopt.language.symbols import parameter, variable
        >>> a, k = variable("a"), parameter("k")
        >>> decay = System({a: k * a}, start={a: 1}, parameters={k: 0.5})
        >>> decay.with_parameters({k: 0.9}).parameters, decay.parameters
        ({k: 0.9}, {k: 0.5})
        """
        return replace(self, parameters=changed(self.parameters, values, "with_parameters"))

    def with_start(self, values: Mapping[Label, float | str]) -> System:
        """The same system with other start values of some variables."""
        new = changed(self.start_values, values, "with_start")
        return replace(self, start={v: v.domain.value(number) for v, number in new.items()})

    def parents(self, variable: Variable) -> tuple[set[Variable], set[Variable]]:
        """What a variable depends on, as written: one step before, and in the same step.

        >>> from causalopt.language.symbols import variables
        >>> a, b = variables("a b")
        >>> System({a: b, b: a.next}, start={a: 0, b: 1}).parents(b)
        (set(), {a})
        """
        symbols = self._written(variable)
        before = {s for s in symbols if isinstance(s, Variable)}
        return before, {s.variable for s in symbols if isinstance(s, Next)}

    def _written(self, variable: Variable) -> list[Symbol]:
        # A rate is added to the variable itself.
        own = () if self.method is None else (variable, cast(Parameter, self.dt))
        return list(dict.fromkeys((*own, *self.declarations[variable].arguments)))

    @functools.cached_property
    def graph(self) -> nx.DiGraph:
        """The variables; an edge a -> b where the step or the rate of b is written with a."""
        return graph_as_written(self.declarations)

    def causes(self) -> dict[str, list[str]]:
        """The template's graph in words: for each R[i+1], what it follows from.

        >>> from causalopt.language.symbols import variables
        >>> a, b = variables("a b")
        >>> System({a: b, b: a.next}, start={a: 0, b: 1}).causes()
        {'a[i+1]': ['b[i]'], 'b[i+1]': ['a[i+1]']}
        """
        return causes_in_words({variable: self.parents(variable) for variable in self.variables})

    def mechanism(self, key: Key, formula: object) -> Mechanism:
        """A formula for one of this system's variables, its symbols checked."""
        mechanism = mechanism_of(key, formula)
        known = {*self.mechanisms, *self.parameters}
        check_symbols({key: mechanism}, known, "use a variable of this system")
        return mechanism

    def account(self, key: Key, step: int, replacement: Mechanism | None = None) -> Account:
        """A start value at step 0, whatever the mechanism; else the step or the rate."""
        variable = cast(Variable, key)
        if step == 0:
            return Account(start=self.start_values[variable])
        declared = replacement or self.declarations[variable]
        in_stages = self.template.keys() != self.mechanisms.keys()
        # A step through stages is told by its rate, and so is one that is replaced.
        assigned = declared if in_stages or replacement is not None else self.template[variable]
        names = {symbol: node_at(symbol, step) for symbol in assigned.arguments}
        return Account(None, declared, assigned, names, in_stages)

    def earlier(
        self, key: Key, replaced: Callable[[Key], Mechanism | None]
    ) -> tuple[Variable | Noise, ...]:
        """The variables and noises of the step before that a variable follows from, in order."""
        variable = cast(Variable, key)
        symbols = sources(variable, lambda v: replaced(v) or self.template[v], lambda _: True)
        return tuple(s for s in symbols if isinstance(s, Variable | Noise))

    def wiring(self, steps: int, *, written: bool = False) -> Wiring:
        """The nodes up to a step, with their parents and inputs; inner stages left out."""
        entering = {
            v: self._written(v) if written else sources(v, self.template.__getitem__, is_stage)
            for v in self.template if v in self.mechanisms
        }  # fmt: skip
        return wired_over_time(self.variables, entering, steps)

    # -- time, and which nodes are meant ---------------------------------------------------------

    @functools.cached_property
    def timeline(self) -> Timeline:
        """The variables over time: how users name nodes, and when these are."""
        return Timeline(self.variables, self.step_size)

    def time_of(self, step: int) -> float:
        """The time of a step: step * dt, or the step itself where the system has no dt."""
        return self.timeline.time_of(step)

    def time_step(self, finer: int) -> System | None:
        """The same with steps shorter by a whole factor; None without a method."""
        if self.method is None or not isinstance(self.dt, Parameter):
            return None
        return self.with_parameters({self.dt: self.parameters[self.dt] / finer})

    def select(self, target: object, steps: int | None = None) -> tuple[Stretch, ...]:
        """The stretches of nodes that a user names: R, R[0], R[:100], R.at(2.5), or a list.

        A set that reaches past the end of the run ends with it; a node past the end is an error.
        """
        return self.timeline.select(target, steps)

    def onward(self, target: object, steps: int | None = None) -> tuple[Stretch, ...]:
        """The nodes that a user names, and the same variables at every later step."""
        end = ENDLESS if steps is None else steps + 1
        return tuple(replace(stretch, stop=end) for stretch in self.select(target, steps))

    def single(self, target: object, steps: int | None, name: str) -> Stretch:
        """The one node that a user names as ``name``."""
        places = () if isinstance(target, Variable) else self.select(target, steps)
        if len(places) == 1 and places[0].stop == places[0].start + 1:
            return places[0]
        example = target if isinstance(target, Variable) else self.variables[0]
        raise QueryError(
            f"{name} = {target} is not one node: write {example}[0], where the difference is made."
        )

    def check_swept(self, target: object) -> None:
        """What takes many values in one run is a node or a parameter, dt left out."""
        if isinstance(target, Parameter) and target in self.parameters and target != self.dt:
            return
        if target == self.dt and target is not None:
            raise QueryError(
                f"over names {target}, the length of a step: it sets the time axis, which all "
                "points share. Run the system once for each value."
            )
        self.timeline.check_swept(target, self.parameters)

    def label(self, key: Key, step: int) -> Label:
        """R[3]."""
        return Node(cast(Variable, key), step)

    def key_of(self, label: Label) -> tuple[Key, int]:
        """The variable and the step of a node."""
        node = cast(Node, label)
        return node.variable, node.step

    def size(self, steps: int) -> int:
        """The number of variables, at every step."""
        return len(self.variables) * (steps + 1)

    def find(self, text: str) -> Variable | Node:
        """The variable or node of this name, such as T or R[0]; text is compared, never run."""
        return self.timeline.find(text)

    # -- worlds, results, unrolling --------------------------------------------------------------

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

    def run_length(self, steps: int | None, named: Sequence[object] = ()) -> int:
        """The number of steps: as given, or up to the last node that is named."""
        if steps is not None:
            return check_steps(steps)
        if not named:
            raise QueryError("steps is missing: write steps=1000, the length of the run.")
        return self.timeline.last_step(named)

    @property
    def series(self) -> tuple[Series, ...]:
        """The variables, each over the steps of a run."""
        return tuple(Series(v, v.name, v.unit, v.domain) for v in self.variables)

    def place(self, stretch: Stretch) -> Place:
        """A variable, over some steps."""
        return Place(stretch.key, range(stretch.start, stretch.stop))

    def rows(self, steps: int | None) -> range:
        """The steps of a run."""
        return range((steps or 0) + 1)

    def axis(self, rows: range | Sequence[int]) -> Axis:
        """Time, in units of dt, or in steps where there is none."""
        size, unit = self.step_size, self.dt.unit if isinstance(self.dt, Parameter) else ""
        steps = rows if isinstance(rows, range) else range(rows[0], rows[-1] + 1)
        return Axis("time", steps, *((1.0, "steps") if size is None else (size, unit)))

    def along_rows(self, target: object) -> bool:
        """Whether a name stands for nodes over time: all but single nodes."""
        return not isinstance(target, Node | Moment)

    def unroll(self, steps: int) -> Network:
        """The network of all nodes from step 0 to ``steps``; times and noises become inputs.

        >>> from causalopt.language.symbols import variables
        >>> (a,) = variables("a")
        >>> network = System({a: a / 2}, start={a: 1}).unroll(2)
        >>> network.nodes, network.parents(a[2])
        ((a[0], a[1], a[2]), {a[1]})
        """
        last = check_steps(steps)
        check_unrolled(self.template, last)
        timed = any(time in m.arguments for m in self.template.values())
        times = {Node(time, i): self.time_of(i) for i in range(last)} if timed else {}
        drawn = [Node(noise, i) for i in range(last) for noise in self.noises]
        inputs = (*self.parameters, *times, *drawn)
        columns = unrolled_columns(self.variables, self.template, inputs, last)
        start = {Node(v, 0): value for v, value in self.start_values.items()}
        known = {**by_label(self.parameters), **by_label(times)}
        return Network(columns, start=by_label(start), parameters=known)

    def __repr__(self) -> str:
        lines = step_equations(self.declarations, is_rate=self.method is not None)
        lines += [f"{v}[0] = {v.domain.shown(start)}" for v, start in self.start_values.items()]
        lines += [f"{p} = {value}" for p, value in self.parameters.items()]
        return "System(\n    " + "\n    ".join(lines) + "\n)"

    def _repr_latex_(self) -> str:
        return latex_steps(self.declarations, is_rate=self.method is not None)


def as_system(given: object, remedy: str) -> System:
    """The system itself, or an error: only a system has steps; ``remedy`` says what to write."""
    if isinstance(given, System):
        return given
    raise QueryError(f"{type(given).__name__} has no steps{remedy}")
