"""What measures of finite worlds share: who is asked about, and states now beside states later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sympy import Expr

from causalopt.distributions.finite.joint import Distribution
from causalopt.ground.checks import as_mapping, shown
from causalopt.ground.errors import QueryError, nearest, stranger
from causalopt.ground.masses import is_exact
from causalopt.language.domains import Value
from causalopt.language.finite_variables import Finite, as_finite
from causalopt.language.symbols import Nodes, Variable
from causalopt.language.tables import table
from causalopt.language.words import listed
from causalopt.measures.literature.measurement import Amount
from causalopt.model.asked import as_system
from causalopt.model.system import System


@dataclass(frozen=True)
class Requirement:
    """What a measure needs of a system, and which one to ask where the system does not have it."""

    measure: str
    instead: str

    def finite(self, system: System) -> System:
        """The system, if all of its variables take named values."""
        known = self.system(system)
        real = [v for v in known.variables if not isinstance(v, Finite)]
        if real:
            raise QueryError(
                f"{self.measure} asks a finite world, and {real[0]} takes real values: declare it "
                f"with finite(...), or ask {self.instead}."
            )
        return known

    def real(self, system: System) -> System:
        """The system, if all of its variables take real values."""
        known = self.system(system)
        named = [v for v in known.variables if isinstance(v, Finite)]
        if named:
            raise QueryError(
                f"{self.measure} divides differences, and {named[0]} takes named values, which "
                f"have none: ask {self.instead}."
            )
        return known

    def numbers(self, system: System, P: object) -> System:
        """The system, if all of its variables take real values, as those of P do."""
        known = self.system(system)
        named = [v for v in known.variables if isinstance(v, Finite)]
        if named:
            raise QueryError(
                f"P is {shown(P)} ({type(P).__name__}), of real values, and {named[0]} takes named "
                f"ones: give a system whose values are all real, or, where all have names, a "
                f"Distribution such as Distribution.uniform({listed(named)})."
            )
        return known

    def system(self, system: System) -> System:
        """The system, if it has steps."""
        return as_system(system, f", and {self.measure} follows them: give a System.")

    def distribution(self, system: System, P: object) -> Distribution:
        """P, if it is a distribution over the variables of a finite system."""
        known = self.finite(system)
        if not isinstance(P, Distribution):
            raise QueryError(
                f"{self.measure} needs a distribution over named values, and P is {shown(P)} "
                f"({type(P).__name__}): write Distribution.uniform("
                f"{listed(known.variables)}), or Distribution.of(...)."
            )
        if set(P.variables) != set(known.variables):
            raise QueryError(
                f"P is over {listed(P.variables)}, and the system over {listed(known.variables)}: "
                f"they must be the same variables.{stranger(P.variables, known.variables)}"
            )
        return P


@dataclass(frozen=True, eq=False)
class Journey:
    """States now beside states some steps later: ``joint`` is over both, ``now`` names the former.

    >>> from causalopt.language.finite_variables import finite
    >>> A, B = finite("A", [0, 1]), finite("B", [0, 1])
    >>> swap = System({A: B, B: A}, start={A: 0, B: 0})
    >>> moved = journey(swap, Distribution.uniform(A, B), 1)
    >>> moved.information([moved.now[A]], [A]), moved.information([moved.now[A]], [B])
    (0, 1)
    """

    joint: Distribution
    now: Mapping[Finite, Finite]

    def entropy(self, variables: Iterable[Finite], base: Expr | float = 2) -> Amount:
        """S of some of the variables together; none of them have none."""
        chosen = tuple(dict.fromkeys(variables))
        return self.joint.marginal(*chosen).entropy(base) if chosen else 0

    def information(
        self,
        first: Iterable[Finite],
        second: Iterable[Finite],
        given: Iterable[Finite] = (),
        base: Expr | float = 2,
    ) -> Amount:
        """I(first; second | given) = S[1, g] + S[2, g] - S[1, 2, g] - S[g]."""
        one, two, known = tuple(first), tuple(second), tuple(given)
        apart = self.entropy((*one, *known), base) + self.entropy((*two, *known), base)
        joint = self.entropy((*one, *two, *known), base)
        return not_negative(apart - joint - self.entropy(known, base), self.joint)


def not_negative(amount: Amount, P: Distribution) -> Amount:
    """An information, which floats may round to just below 0."""
    return amount if is_exact(P.masses) else max(0.0, float(amount))


def journey(system: System, P: Distribution, steps: int) -> Journey:
    """The states that P starts from, beside those that they come to."""
    # Variables that keep their values remember the start, so that one push gives the joint.
    now: dict[Finite, Finite] = {}
    for v in P.variables:
        now[v] = Finite(_free_name(v, (*P.variables, *now.values())), v.values)
    kept = {memory: memory for memory in now.values()}
    longer = replace(
        system,
        mechanisms={**system.mechanisms, **kept},
        start={**system.start, **{memory: memory.values[0] for memory in kept}},
    )
    twice = Distribution((*kept, *P.variables), P.states * P.size + P.states, P.masses)
    return Journey(twice.push(longer, steps), now)


def _free_name(variable: Finite, others: Iterable[Finite]) -> str:
    name, taken = f"{variable.name} before", {v.name for v in others}
    while name in taken:
        name += " before"
    return name


def variables_of(system: System, A: Nodes, name: str) -> tuple[Finite, ...]:
    """The variables that a set of nodes names, at the step from which a measure starts."""
    stretches = system.select(A, 1)
    later = next((s for s in stretches if s.start), None)
    if later is not None:
        raise QueryError(
            f"{name} = {shown(A)} begins after step 0, and P is of the states at step 0: write "
            f"{later.key}."
        )
    return tuple(dict.fromkeys(s.key for s in stretches if isinstance(s.key, Finite)))


def ending(system: System, m: Nodes, steps: int | None) -> tuple[Variable, int]:
    """The variable that is asked about and the step at which it is: that of m, or the last one."""
    length = 1 if steps is None and isinstance(m, Variable) else system.run_length(steps, [m])
    stretches = system.select(m, length)
    if len(stretches) != 1 or not isinstance(stretches[0].key, Variable):
        raise QueryError(f"m = {shown(m)} names {len(stretches)} sets of nodes: ask about one.")
    last = stretches[0].stop - 1
    if last < 1:
        raise QueryError(f"m = {shown(m)} is where everything starts: ask about a later step.")
    return stretches[0].key, last


def finite_ending(system: System, m: Nodes, steps: int | None) -> tuple[Finite, int]:
    """The same in a finite world."""
    variable, last = ending(system, m, steps)
    return as_finite(variable, f"m = {m}"), last


def with_values(P: Distribution, values: Mapping[Finite, Value]) -> Distribution:
    """P where some variables are set, whatever they were; the others keep their marginal."""
    rest = [v for v in P.variables if v not in values]
    pieces = [P.marginal(*rest)] if rest else []
    pieces += [Distribution.delta(values)] if values else []
    return Distribution.product(*pieces).marginal(*P.variables)


def with_commands(system: System, values: Mapping[Finite, Value]) -> System:
    """The system where a step sets some variables, whatever their tables say."""
    fixed = {v: table(v, dict.fromkeys(v.values, value)) for v, value in values.items()}
    return replace(system, mechanisms={**system.mechanisms, **fixed}) if fixed else system


def beginning(system: System, start: Mapping[Variable, Value] | None = None) -> Distribution:
    """The one state that a system starts from, some of its values other than it says."""
    given = as_mapping({} if start is None else start, "start", '{R: "hot"}')
    for variable in given:
        if variable not in system.variables:
            known = nearest(variable, system.variables)
            raise QueryError(f"start names {variable}, which is no variable of this system.{known}")
    numbers = system.with_start(given).start_values
    finite = {as_finite(v, "A finite world"): int(number) for v, number in numbers.items()}
    return Distribution.delta({v: v.values[place] for v, place in finite.items()})
