"""One sentence that answers: does A steer m, and how strongly?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from causalopt.explorer.screen import Screen
from causalopt.explorer.setting import Setting, can_differ, first_nodes, variable_of

if TYPE_CHECKING:
    import xarray as xr

# What one part does, and what several do.
_OF_ONE = {"steer": "steers", "amplify": "amplifies", "do": "does", "answer": "answers",
           "cancel": "cancels", "carry": "carries"}  # fmt: skip
_OF_SEVERAL = {verb: verb for verb in _OF_ONE}

# Smaller than this, it is the rounding of nothing.
_NOTHING = 1e-9


@dataclass(frozen=True)
class Said:
    """What is said of Op: a sentence and what it means.

    ``tone`` is steers, amplifies, nothing or unknown. ``value`` has all digits of Op, as Python
    prints them; empty where there is none.
    """

    sentence: str
    meaning: str
    tone: str
    value: str = ""

    def content(self) -> dict[str, object]:
        """The same as JSON holds it."""
        return asdict(self)


def undefined(fault: str) -> Said:
    """The verdict where what is asked cannot be."""
    return Said("There is no answer to this question.", fault, "unknown")


def nothing_held(setting: Setting) -> Said:
    """What is said where A is empty: of a model of one variable it cannot be anything else."""
    n = setting.n
    shown = f"The curves show what a nudge of {n} does."
    if {variable_of(node) for node in first_nodes(setting.declared)} > {variable_of(n)}:
        asked = "Choose what is held in Y (A): the part whose steering is asked about."
        return Said("Nothing is held yet.", f"{asked} {shown}", "unknown")
    alone = f"{variable_of(n)} is all there is: no other part could steer it."
    return Said(alone, shown, "unknown")


def of_names(setting: Setting) -> Said:
    """What is said where n or m has named values, of which no difference can be made."""
    nodes = (variable_of(setting.n), variable_of(setting.m))
    named = list(dict.fromkeys(str(node) for node in nodes if not can_differ(node)))
    meaning = (
        "Op divides differences, and between names there are none. The curves show what a change "
        f"of {setting.n} does; other measures ask about names too."
    )
    has = f"{' and '.join(named)} {'has' if len(named) == 1 else 'have'}"
    return Said(f"Op is of numbers, and {has} names.", meaning, "unknown")


def sentence(setting: Setting, values: xr.DataArray) -> Said:
    """The verdict on Op, at the last step where m is over time; of draws, on their median."""
    last, when = last_of(values)
    screen = setting.screen
    A, m = " and ".join(screen.A or ()), screen.m or ""
    verb = _OF_SEVERAL if len(screen.A or ()) > 1 else _OF_ONE
    number = f"Op = {last:.4g} nats{when}"
    value = repr(last)
    if math.isnan(last):
        return _unseen(screen, A, m, when)
    if math.isinf(last):
        return _endless(screen, A, m, number, value, verb)
    if abs(last) < _NOTHING:
        meaning = f"A nudge of {screen.n} ends up as large whether {A} {verb['answer']} or not."
        return Said(f"{A} {verb['do']} nothing about {m}: {number}.", meaning, "nothing", value)
    times = times_as_text(last)
    nudge = f"With {A} at work, a nudge of {screen.n} ends up"
    if last > 0:
        meaning = f"{nudge} {times} smaller in {m} than with {A} held still."
        return Said(f"{A} {verb['steer']} {m}: {number}.", meaning, "steers", value)
    meaning = f"{nudge} {times} larger in {m} than with {A} held still."
    said = f"{A} {verb['amplify']} what happens to {m}: {number}."
    return Said(said, meaning, "amplifies", value)


def _unseen(screen: Screen, A: str, m: str, when: str) -> Said:
    """What is said where m does not differ: of a finite difference it may be lost in rounding."""
    if screen.delta is not None:
        meaning = f"It is lost in the digits of {m}, or nothing leads there: leave delta empty."
        said = f"A difference of {screen.delta:g} is not seen in {m}{when}."
        return Said(said, meaning, "unknown", "nan")
    meaning = f"No difference reaches {m} from {screen.n}, with {A} held or not."
    return Said(f"{m} does not depend on {screen.n}{when}.", meaning, "unknown", "nan")


def _endless(
    screen: Screen, A: str, m: str, number: str, value: str, verb: Mapping[str, str]
) -> Said:
    """What is said where a difference is gone in X, or in Y: of a finite one it may be lost."""
    gone = value == "inf"
    if screen.delta is not None:
        world = f"{A} at work" if gone else f"{A} held still"
        meaning = (
            f"With {world} nothing is left in {m} of a difference of {screen.delta:g}, or it is "
            f"lost in the digits of {m}: leave delta empty to see which."
        )
        return Said(f"A difference is not seen in {m}: {number}.", meaning, "unknown", value)
    if gone:
        meaning = f"{A} {verb['cancel']} all of the difference."
        return Said(f"{A} {verb['steer']} {m} completely: {number}.", meaning, "steers", value)
    meaning = f"All of the difference in {m} comes by way of {A}."
    return Said(f"{A} {verb['carry']} what happens to {m}: {number}.", meaning, "amplifies", value)


def last_of(values: xr.DataArray) -> tuple[float, str]:
    """The last value, of draws the median, and when it is, in words."""
    middle = values.median("draw", keep_attrs=True) if "draw" in values.dims else values
    if not middle.dims:
        return float(middle.values), ""
    axis = middle[middle.dims[0]]
    when = "t" if axis.name == "time" else str(axis.name)
    return float(middle.values[-1]), f" at {when} = {float(axis.values[-1]):g}"


def times_as_text(value: float) -> str:
    """How much a difference is smaller (Op > 0) or larger, from an Op in nats.

    >>> times_as_text(0.01), times_as_text(-0.01), times_as_text(0.8)
    ('0.995 %', '1.01 %', '2.23 times')
    >>> times_as_text(-10.14), times_as_text(800)
    ('25,300 times', '2.73·10^347 times')
    """
    size = abs(value)
    if size < math.log(2):
        return f"{100 * (-math.expm1(-value) if value > 0 else math.expm1(size)):.3g} %"
    if size > np.log(1e7):
        power = math.floor(size / math.log(10))
        return f"{math.exp(size - power * math.log(10)):.3g}·10^{power} times"
    number = float(f"{math.exp(size):.3g}")
    return f"{number:,.0f} times" if number >= 100 else f"{number:.3g} times"
