"""Where a run looks whether its steps are short enough: the steps that are taken once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat

from causalopt.language.symbols import Noise, Past
from causalopt.mechanisms.borders import Border
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.methods import METHODS
from causalopt.model.moments import at_start
from causalopt.model.stepping import step_term
from causalopt.model.system import System
from causalopt.plan.block import Input
from causalopt.plan.lanes import AnyWorld

# So many steps are looked at along a run, and so many more where something begins or ends.
_ALONG, _AT_BORDERS = 5, 16
# What is told, and from what part of its largest on a value counts: of u' = -k u a step that leaves
# twice of what it should (rk4, dt = 1.9 / k), and by Euler's method, which is off by as much as a
# value bends, one that leaves less than nothing (dt = 1 / k).
_BOUND, _LEAST = 0.15, 1e-3
_BOUND_OF_ONE_STAGE, _LEAST_OF_ONE_STAGE = 0.25, 0.1


@dataclass(frozen=True)
class Samples:
    """The step after each of ``steps`` is taken once more, in two halves.

    ``length`` is the place among the inputs of a plan of what is halved, the length of a step.
    A difference between these of more than a part ``bound`` of a value is told; a value counts from
    a part ``least`` of its largest on. So many ``witnesses``, steps of one point at which there is
    one, are asked for: where what happens in a step is found by the step itself, one that just
    meets it, and whose halves just miss it, says nothing of its length.
    """

    steps: tuple[int, ...] = ()
    length: int = 0
    bound: float = _BOUND
    least: float = _LEAST
    witnesses: int = 1


NONE = Samples()


def samples_of(
    system: System, steps: int, worlds: Sequence[AnyWorld], inputs: Sequence[Input]
) -> Samples:
    """The samples of a run; none where two halves of a step are no step.

    That is without a method, where the length of a step enters formulas, or where a formula in
    place of a mechanism says what a whole step does; and where an inner stage looks back by one
    step, of which the second half would see the first. Both halves have the draws of the whole, and
    look back to what it does.
    """
    labels = [entry.label for entry in inputs]
    if system.method is None or not _can_be_halved(system, worlds) or system.dt not in labels:
        return NONE
    treatments = [t for world in worlds for t in world.treatments]
    borders = {edge for t in treatments for edge in (t.start, t.stop) if edge > 0}
    nudged = [range(t.start, t.stop) for t in treatments if t.shift is not None]
    # What begins is seen from the next step on; along the run, whatever falls there.
    beginnings = sorted({0, *borders})[:_AT_BORDERS]
    along = [k * (steps - 1) // max(_ALONG - 1, 1) for k in range(_ALONG)]
    chosen = {
        step for step in (*beginnings, *along)
        if step < steps and step + 1 not in borders and not any(step + 1 in n for n in nudged)
    }  # fmt: skip
    is_rough = len(METHODS[system.method].nodes) == 1
    told = (_BOUND_OF_ONE_STAGE, _LEAST_OF_ONE_STAGE) if is_rough else (_BOUND, _LEAST)
    witnesses = 2 if system.events else 1
    return Samples(tuple(sorted(chosen)), labels.index(system.dt), *told, witnesses)


def divides_at(system: System, worlds: Sequence[AnyWorld]) -> frozenset[Border]:
    """The times at which the steps of worlds are divided, since formulas jump there."""
    bases = [t.base for world in worlds for t in world.treatments if t.base is not None]
    replaced = [base.replacement for base in bases if base.replacement is not None]
    # One that stands in for an equation is written for the end of a step.
    earlier = [at_start(rule, step_term(system.dt)) for rule in replaced]
    is_divided = system.stepping.divides and all(
        map(_divides, replaced, earlier, repeat(system.dt))
    )
    if system.tolerance is None and not is_divided:
        return frozenset()
    return system.stepping.borders.union(*(rule.borders for rule in (*replaced, *earlier)))


def _divides(rule: Mechanism, earlier: Mechanism, dt: object) -> bool:
    """Whether what is put in says what a part of a step does, and not what a whole one does."""
    is_whole = any(isinstance(s, Noise | Past) for s in rule.arguments)
    return not is_whole and dt not in {*rule.arguments} & {*earlier.arguments}


def _can_be_halved(system: System, worlds: Sequence[AnyWorld]) -> bool:
    """Whether a step is a method's, of rates that do not know how long it is."""
    if system.tolerance is not None or system.method is None:
        return False
    bases = [t.base for world in worlds for t in world.treatments if t.base is not None]
    is_whole = all(base.replacement is None for base in bases)
    looks_inside = len(METHODS[system.method].nodes) > 1 and 1 in _looked_back(system)
    return system.stepping.is_plain and is_whole and not looks_inside


def _looked_back(system: System) -> set[int]:
    """By how many steps it is looked back."""
    symbols = (s for rule in system.template.values() for s in rule.arguments)
    return {s.by for s in symbols if isinstance(s, Past)}
