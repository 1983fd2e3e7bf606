"""Curves as a page draws them: as many points as a screen can show, and what they are."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from causalopt.explorer.discretion import fault_of
from causalopt.ground.types import Array, Ints

#: In so many parts the course of a curve is cut; of each its least and its largest value are kept.
_PARTS = 200
# From this ratio of the largest to the usual size on, sizes are drawn by their powers of ten.
_FAR_APART = 300.0


@dataclass(frozen=True)
class Trace:
    """A curve: its name, what it stands for (which says how it looks), and its numbers."""

    name: str
    role: str
    values: Array


@dataclass(frozen=True)
class Chart:
    """Curves over one axis, as a page draws them; or in words why there are none.

    ``names`` are those of named values, which stand for the numbers from 0 on; ``labels`` are the
    names of nodes, where the axis is none of numbers. ``scale`` is linear or log.
    """

    key: str
    title: str
    x_label: str = ""
    y_label: str = ""
    x: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    traces: tuple[Mapping[str, object], ...] = ()
    scale: str = "linear"
    note: str = ""
    fault: str = ""

    def content(self) -> dict[str, object]:
        """The chart as JSON holds it."""
        return dict(vars(self))


def thinned(lines: Sequence[Array], parts: int = _PARTS) -> Ints:
    """The places that are kept of curves over one axis: of each part, what is least and largest.

    So no peak is lost, and first and last are always there.

    >>> thinned([np.sin(np.arange(1000.0))], parts=10).size
    22
    """
    size = len(lines[0])
    if size <= 2 * parts:
        return np.arange(size)
    edges = np.linspace(0, size, parts + 1).astype(np.int64).tolist()
    kept = [np.array([0, size - 1])]
    for line in lines:
        # A gap in a curve is no extreme of it.
        low, high = np.where(np.isnan(line), np.inf, line), np.where(np.isnan(line), -np.inf, line)
        for choose, values in ((np.argmin, low), (np.argmax, high)):
            parted = itertools.pairwise(edges)
            kept.append(np.array([i + choose(values[i:j]) for i, j in parted]))
    return np.unique(np.concatenate(kept))


def charted(
    key: str,
    title: str,
    x: Array,
    traces: Sequence[Trace],
    *,
    by_size: bool = False,
    **said: object,
) -> Chart:
    """A chart of curves over an axis; ``by_size``, they may be drawn by their powers of ten."""
    places = thinned([trace.values for trace in traces])
    cut = [{"name": t.name, "role": t.role, "values": numbers(t.values[places])} for t in traces]
    far = by_size and are_far_apart([trace.values for trace in traces])
    return Chart(
        key,
        title,
        x=tuple(x[places].tolist()),
        traces=tuple(cut),
        scale="log" if far else "linear",
        **said,  # type: ignore[arg-type]  # the words that a chart has
    )


def are_far_apart(lines: Sequence[Array]) -> bool:
    """Whether sizes grow so far that the small ones could not be seen beside the large ones."""
    sizes = np.abs(np.concatenate(lines))
    seen = sizes[np.isfinite(sizes) & (sizes > 0)]
    return bool(seen.size) and float(seen.max()) > _FAR_APART * float(np.abs(lines[0][0]) or 1)


def numbers(values: Array) -> list[float | None]:
    """Numbers as JSON has them, which knows neither infinite ones nor NaN: both are gaps."""
    return [v if np.isfinite(v) else None for v in values.tolist()]


def in_words(key: str, title: str, draw: Callable[[], Chart]) -> Chart:
    """A chart, or, where what is asked cannot be, the same chart with the reason in it."""
    try:
        return draw()
    except Exception as error:  # also of a model's own functions: the page goes on
        return Chart(key, title, fault=fault_of(error))
