"""What a step of a system assigns in a world, and on which stretches of steps that is the same."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from causalopt.ground.errors import QueryError
from causalopt.ground.readonly import ReadOnly
from causalopt.language.symbols import Past, Rise, Stage, Variable
from causalopt.language.words import listed
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.circles import WHOLE, Cut, Cuts, check_straight
from causalopt.model.interface import Model
from causalopt.model.stepping import Stepping
from causalopt.model.system import System
from causalopt.model.template import Template, is_stage, owner_of
from causalopt.model.treatments import Treatment
from causalopt.model.world import World

AnyWorld = World[Model]

#: What is done to a variable, or a stage of it, at the end of a step or inside of it.
Treated = Callable[[AnyWorld, Variable, int], Treatment[AnyWorld]]


def refuse_shared_steps(system: System, what: str) -> None:
    """Raise ``QueryError`` where not each variable has a step of its own, or steps are in parts.

    In an implicit step all that is not held is solved for together, so that another step is written
    for each set that is held.
    """
    system.stepping.check_whole(what, system.parameter_values)
    check_straight(system.circles, what)
    if system.is_implicit:
        raise QueryError(
            f"{what} asks for a step of each variable, and {system.method} solves for all "
            "together: ask for one m and one A (op, comp), or write another method."
        )


def has_own_steps(model: Model) -> bool:
    """Whether each variable has a step of its own, as what is asked of all at once needs.

    >>> from causalopt.language.symbols import variables
    >>> x, y = variables("x y")
    >>> rates, start = {x: y, y: -x}, {x: 1, y: 0}
    >>> ways = [System.from_ode(rates, start=start, dt=1, method=m) for m in ("rk4", "auto")]
    >>> [has_own_steps(way) for way in ways]
    [True, False]
    """
    if not isinstance(model, System):
        return True
    try:
        refuse_shared_steps(model, "A measure of every variable")
    except QueryError:
        return False
    return True


def cuts_of(system: System, worlds: Sequence[AnyWorld], step: int, treated: Treated) -> list[Cuts]:
    """At what the circles of equations are cut open in each of some worlds, in a step.

    Raises ``QueryError`` for a gate on one of them.
    """
    if not system.newton:
        return [WHOLE] * len(worlds)
    ends = [_cut(system, world, step, treated) for world in worlds]
    stages = [_cut(system, world, step, _inside) for world in worlds] if step else ends
    return list(zip(_together(ends), _together(stages), strict=True))


def _inside(world: AnyWorld, variable: Variable, step: int) -> Treatment[AnyWorld]:
    return treatment_of(world, Stage(variable, 1), step)


def _cut(system: System, world: AnyWorld, step: int, treated: Treated) -> Cut:
    done = {v: treated(world, v, step) for v in system.algebraic}
    for variable in frozenset().union(*system.circles):
        base = done[variable].base
        if base is not None and base.gate_on_it is not None:
            raise QueryError(
                f"{variable} is gated, and circles of equations are solved here (newton=): a part "
                "of what enters one of them is no equation. Hold it as a whole."
            )
    held = frozenset(v for v, t in done.items() if t.base is not None and t.base.cuts)
    return Cut(held, frozenset(v for v, t in done.items() if t.shift is not None) - held)


def _together(cuts: Sequence[Cut]) -> list[Cut]:
    """The cuts of worlds, each with the ways of all."""
    ways = {way for cut in cuts for way in (cut.held, cut.held | cut.moved)}
    ordered = tuple(sorted(ways, key=lambda way: (len(way), sorted(map(str, way)))))
    return [replace(cut, ways=ordered) for cut in cuts]


def starts_of(system: System, world: AnyWorld, cuts: Cuts = WHOLE) -> Mapping[Variable, Mechanism]:
    """What gives the variables at step 0 that have no number there, where some are replaced."""
    bases = {variable: world.at(variable, 0).base for variable in system.algebraic}
    replaced = {v: base.replacement for v, base in bases.items() if base and base.replacement}
    return system.beginning.replaced(replaced, cuts)


def held_inside(system: System, worlds: Sequence[AnyWorld], step: int) -> frozenset[Variable]:
    """The variables whose stages are held in an implicit step, in one of some worlds.

    One step is written for all worlds, and so serves those alone in which what is held in one is
    held in the next. Raises ``QueryError`` for others.
    """
    if not system.is_implicit:
        return frozenset()
    sets = {
        frozenset(v for v in system.variables if treatment_of(world, Stage(v, 1), step).base)
        for world in worlds
    }
    ordered = sorted(sets, key=lambda held: (len(held), sorted(map(str, held))))
    for fewer, more in pairwise(ordered):
        if not fewer <= more:
            raise QueryError(
                f"{listed(sorted(map(str, fewer - more)))} is held in one world and "
                f"{listed(sorted(map(str, more - fewer)))} in another, and an implicit step solves "
                "for all that is not held: ask for each by itself."
            )
    return ordered[-1]


def template_of(
    system: System,
    world: AnyWorld,
    step: int,
    held: frozenset[Variable] = frozenset(),
    cuts: Cuts = WHOLE,
    *,
    errors: bool = False,
) -> Template:
    """What a step assigns in a world, where some mechanisms may be replaced.

    ``held`` are the variables whose stages are held in it, here or in a world beside, and ``cuts``
    say at what circles of equations are cut open; with ``errors`` the estimates of a step's errors
    are assigned too.
    """
    replaced: dict[Variable, Mechanism] = {}
    for variable in system.variables:
        base = world.at(variable, step).base
        if base is None:
            continue
        # Only a method has inner stages; they follow one even where the step's end is held.
        staged = base.replacement if system.method is None else base.mechanism_at(variable, step)
        if staged is not None:
            replaced[variable] = staged
    if not replaced and not held and not errors and cuts == WHOLE:
        return system.template
    declared = ReadOnly({**system.declarations, **replaced}) if replaced else system.declarations
    return _assigned(system.stepping, declared, held, cuts, errors)


@functools.lru_cache(maxsize=64)
def _assigned(
    stepping: Stepping,
    declared: Mapping[Variable, Mechanism],
    held: frozenset[Variable],
    cuts: Cuts,
    errors: bool,
) -> Template:
    """What a step assigns: the same for all lanes of a plan in which as much is replaced."""
    return ReadOnly(stepping.of(declared, held, cuts, errors=errors))


def treatment_of(world: AnyWorld, target: Variable, step: int) -> Treatment[AnyWorld]:
    """What happens to a variable at the end of a step, or to an inner stage of it."""
    owner = owner_of(target)
    at_end = world.at(owner, step)
    if owner is target:
        return at_end
    stage = at_end.inside(world.at(owner, step - 1), owner, step)
    return stage.rising if isinstance(target, Rise) else stage


def treatment_inside(world: AnyWorld, target: Variable, step: int) -> Treatment[AnyWorld]:
    """What happens to a variable inside a step, where a part of it ends, or to a stage of it."""
    if owner_of(target) is not target:
        return treatment_of(world, target, step)
    return world.at(target, step).inside(world.at(target, step - 1), target, step)


def stretches_of(system: System, steps: int, worlds: Sequence[AnyWorld]) -> list[tuple[int, int]]:
    """The stretches of steps, from 1 on, over which the interventions of worlds stay the same."""
    treatments = [t for world in worlds for t in world.treatments]
    # What depends on both ends of a step changes once more, one step later.
    staged = any(map(is_stage, system.template))
    reach = int(staged or any(t.base is not None and t.base.looks_back for t in treatments))
    gates = {t.base.gate_on_it for t in treatments if t.base is not None}
    # Nodes inside a gate may have been given another treatment since.
    inside = [stretch for gate in gates if gate is not None for stretch in gate.among]
    ends = {end for t in treatments for end in (t.start, t.stop)}
    ends |= {end for stretch in inside for end in (stretch.start, stretch.stop)}
    # Whether what is looked back to is inside a gate changes as much later as it is looked back.
    back = {s.by + 1 for s in _pasts(system, treatments)} if any(gates) else set()
    later = {0, reach, *back, *(steps_back + 1 for steps_back in back if staged)}
    cuts = {1, steps + 1, *(end + by for end in ends for by in later)}
    return list(pairwise(sorted(cut for cut in cuts if 1 <= cut <= steps + 1)))


def _pasts(system: System, treatments: Iterable[Treatment[AnyWorld]]) -> set[Past]:
    """What mechanisms look back to, those that stand in for others among them."""
    bases = [t.base for t in treatments if t.base is not None]
    rules = [base.replacement for base in bases if base.replacement is not None]
    symbols = {s for rule in (*system.template.values(), *rules) for s in rule.arguments}
    return {s for s in symbols if isinstance(s, Past)}
