"""How a key is treated over the steps: treatments in order, cut and joined where they change."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from causalopt.model.interventions import Elsewhere
from causalopt.model.selection import Key, Stretch
from causalopt.model.treatments import Treatment

W = TypeVar("W", bound=Elsewhere)

#: Treatments in order, those that do nothing left out.
Course = tuple[Treatment[W], ...]
Effects = tuple[tuple[Key, Course[W]], ...]
Change = Callable[[Treatment[W]], Treatment[W]]


def same(change: Change[W]) -> Callable[[Stretch], Change[W]]:
    """One change for every stretch of nodes."""
    return lambda _: change


def let_go(treatment: Treatment[W]) -> Treatment[W]:
    """A node that is held or gated, left to itself."""
    return replace(treatment, base=treatment.base.free() if treatment.base else None)


def overlay(course: Course[W], first: int, last: int, change: Change[W]) -> Course[W]:
    """The course with a change from ``first`` to ``last``: cut there, filled where nothing was."""
    parts: list[Treatment[W]] = []
    free = first
    for treatment in course:
        start, stop = max(treatment.start, first), min(treatment.stop, last)
        if start >= stop:
            parts.append(treatment)
            continue
        parts.append(replace(treatment, stop=start))
        parts.append(change(Treatment(free, start)))
        parts.append(change(replace(treatment, start=start, stop=stop)))
        parts.append(replace(treatment, start=stop))
        free = stop
    parts.append(change(Treatment(free, last)))
    return joined_up(parts)


def joined_up(parts: Iterable[Treatment[W]]) -> Course[W]:
    """Sorted treatments: empty and idle ones dropped, neighbours that do the same made one."""
    active = sorted(
        (t for t in parts if t.start < t.stop and (t.base or t.shift)), key=lambda t: t.start
    )
    joined: list[Treatment[W]] = []
    for treatment in active:
        last = joined[-1] if joined else None
        if (
            last
            and last.stop == treatment.start
            and replace(last, stop=treatment.stop) == replace(treatment, start=last.start)
        ):
            joined[-1] = replace(last, stop=treatment.stop)
        else:
            joined.append(treatment)
    return tuple(joined)


def canonical(effects: Mapping[Key, Course[W]]) -> Effects[W]:
    """Courses by key, in an order of their own: worlds that do the same are equal."""
    treated = [(key, course) for key, course in effects.items() if course]
    return tuple(sorted(treated, key=lambda pair: _by_name(pair[0])))


# To write a symbol takes longer than all else that an intervention does.
@functools.lru_cache(maxsize=4096, typed=True)
def _by_name(key: Key) -> tuple[str, str]:
    return str(key), str(type(key))


def span(key: Key, treatment: Treatment[W], steps: int | None) -> str:
    """The nodes of a key that are treated so, as they are named."""
    if steps is None:
        return str(key)
    if treatment.stop == treatment.start + 1:
        return f"{key}[{treatment.start}]"
    if treatment.start == 0 and treatment.stop == steps + 1:
        return str(key)
    return f"{key}[{treatment.start}:{treatment.stop}]"
