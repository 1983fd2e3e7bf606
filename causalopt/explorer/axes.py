"""What an exported page moves: one or two sliders, and the values at which it is computed."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import cast

import numpy as np

from causalopt.explorer.facts import axes_of, sliders_of
from causalopt.explorer.screen import Screen
from causalopt.explorer.setting import Setting, moved, swept_by
from causalopt.ground.errors import CausaloptError, QueryError, nearest
from causalopt.measures.response.optimization import op
from causalopt.model.interface import Model

#: The most sliders of an exported page, and the most points at which it is computed.
MOST_AXES, MOST_POINTS = 2, 300
# How many values a slider has where nothing is said: one alone, and each of two. Odd, so that the
# model's own value, which is in the middle, is among them.
_ALONE, _BOTH = 33, 9
# So many sliders are tried for how much they matter; more would take too long.
_MOST_TRIED = 12

Slider = Mapping[str, object]

#: All is left to the model.
NOTHING = Screen()


@dataclass(frozen=True)
class SliderStops:
    """A slider with the values at which a page is computed.

    ``key`` is what an address calls it, ``values`` are numbers, or the names of named values, and
    ``own`` is the place of the model's own value, or of the nearest one.
    """

    key: str
    name: str
    kind: str
    unit: str
    values: tuple[float | str, ...]
    own: int

    def content(self) -> dict[str, object]:
        """The same as JSON holds it."""
        return asdict(self)

    def moved(self, screen: Screen, value: float | str) -> Screen:
        """A screen with this moved to a value."""
        name = self.key[2:]
        if self.key.startswith("p."):
            return replace(screen, parameters={**screen.parameters, name: float(value)})
        text = value if isinstance(value, str) else repr(value)
        return replace(screen, start={**screen.start, name: text})


def axes_asked(
    model: Model, texts: Sequence[str], question: Screen = NOTHING
) -> tuple[SliderStops, ...]:
    """The axes that are asked for as NAME or NAME=LOW:HIGH:COUNT, of parameters or start values.

    They open where ``question`` has moved them to.

    Raises ``QueryError`` for what the model has not, for a range that is none, and for too many.

    >>> from causalopt.language.symbols import parameters, variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> (k,) = parameters("k")
    >>> room = System({T: R - 25, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 0.1})
    >>> (axis,) = axes_asked(room, ["k=0:0.2:3"])
    >>> axis.values, axis.own
    ((0.0, 0.1, 0.2), 1)
    """
    if len(texts) > MOST_AXES:
        raise QueryError(
            f"--along is given {len(texts)} times: a page has sliders for one value, or for two."
        )
    sliders = standing(sliders_of(model), model, question)
    asked = [_read(sliders, text) for text in texts]
    names = [str(slider["name"]) for slider, _ in asked]
    if len({str(slider["key"]) for slider, _ in asked}) < len(asked):
        raise QueryError(f"--along names {names[0]} twice: name another value, or none.")
    axes = tuple(_axis(slider, ends, len(asked)) for slider, ends in asked)
    _refuse_many(axes)
    return axes


def axes_opened(setting: Setting) -> tuple[SliderStops, ...]:
    """The axis of a page where none is asked for: the slider that matters most to Op, or the first.

    None of a model in which nothing can be moved.
    """
    model = setting.declared
    numbers, sliders = (standing(of(model), model, setting.screen) for of in (axes_of, sliders_of))
    best = max(numbers[:_MOST_TRIED], key=lambda slider: _matters(setting, slider), default=None)
    chosen = [best] if best is not None else sliders[:1]
    return tuple(_axis(slider, "", 1) for slider in chosen)


def standing(sliders: Sequence[Slider], model: Model, question: Screen) -> list[Slider]:
    """Sliders that stand where a question has moved them to, in the range that they have."""
    values = {slider["key"]: slider["value"] for slider in sliders_of(moved(model, question))}
    return [{**slider, "value": values[slider["key"]]} for slider in sliders]


def screens(axes: Sequence[SliderStops], question: Screen = NOTHING) -> Iterator[Screen]:
    """What is asked at each point, the values of the last axis running fastest."""
    found = [question]
    for axis in axes:
        found = [axis.moved(screen, value) for screen in found for value in axis.values]
    yield from found


def _matters(setting: Setting, slider: Slider) -> float:
    """How far Op at the end goes as a slider goes from a quarter to three quarters of its range."""
    low, high = cast(float, slider["low"]), cast(float, slider["high"])
    label = swept_by(setting.declared, str(slider["key"]))
    with contextlib.suppress(CausaloptError):
        found = op(
            setting.W,
            A=setting.A,
            n=setting.n,
            m=setting.m,
            over={label: np.linspace(low, high, 5)[1:4].tolist()},
            backend=setting.backend,
        )
        last = found.isel(time=-1, step=-1, missing_dims="ignore").values
        seen = last[np.isfinite(last)]
        return float(np.ptp(seen)) if seen.size else 0.0
    return -math.inf


def _read(sliders: Sequence[Slider], text: str) -> tuple[Slider, str]:
    """The slider of a text, and what stands behind it as its range."""
    known = {str(slider[by]): slider for by in ("key", "name") for slider in sliders}
    if text in known:
        return known[text], ""
    name, equals, ends = text.rpartition("=")
    if equals and name in known:
        return known[name], ends or ":"
    wrong = name if equals else text
    if not known:
        raise QueryError(f"--along {wrong}: this model has nothing that can be moved.")
    raise QueryError(
        f"--along {wrong}: the model has no parameter or start value of this name."
        + nearest(wrong, [str(slider["name"]) for slider in sliders])
    )


def _axis(slider: Slider, ends: str, beside: int) -> SliderStops:
    names, value = cast(list[str], slider["names"]), cast(float, slider["value"])
    if names and ends:
        raise QueryError(
            f"--along {slider['name']}={ends}: its values have names, {', '.join(names)}, and no "
            f"range. Write --along {slider['name']}."
        )
    values: tuple[float | str, ...] = tuple(names)
    own = int(value)
    if not names:
        spread = _spread(slider, ends, beside)
        own = int(np.argmin(np.abs(spread - value)))
        values = tuple(spread.tolist())
    key, name, kind, unit = (str(slider[said]) for said in ("key", "name", "kind", "unit"))
    return SliderStops(key, name, kind, unit, values, own)


def _spread(slider: Slider, ends: str, beside: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The values of a range, evenly spread; of none the slider's own."""
    if not ends:
        low, high = cast(float, slider["low"]), cast(float, slider["high"])
        return np.linspace(low, high, _ALONE if beside == 1 else _BOTH)
    name = str(slider["name"])
    parts = ends.split(":")
    low, high = (_number(part) for part in parts[:2]) if len(parts) == 3 else (math.nan, math.nan)
    count = parts[-1].strip()
    if not (math.isfinite(high - low) and low < high and count.isascii() and count.isdecimal()):
        raise QueryError(
            f"--along {name}={ends}: write LOW:HIGH:COUNT, two finite numbers, the lower one "
            f"first, and how many values from one to the other, such as {name}=0:1:11."
        )
    if len(count) > 9 or not 2 <= int(count) <= MOST_POINTS:
        raise QueryError(
            f"--along {name}={ends}: {count} values are asked for. Write 2 to {MOST_POINTS}."
        )
    return np.linspace(low, high, int(count))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _refuse_many(axes: Sequence[SliderStops]) -> None:
    counts = [len(axis.values) for axis in axes]
    if math.prod(counts) > MOST_POINTS:
        names = " and ".join(axis.name for axis in axes)
        raise QueryError(
            f"{names} have {' x '.join(map(str, counts))} = {math.prod(counts):,} points together, "
            f"and a page holds {MOST_POINTS}: write fewer, such as 17 for each."
        )
