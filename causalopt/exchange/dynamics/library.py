"""Functions that stand for stocks and formulas, written as macros in Vensim's own language.

Sources: the Vensim Reference Manual, "Functions"; section 3.5 of XMILE 1.0. A step or pulse begins
at the step whose middle is behind its time, as in Vensim: half a step is far from any rounding.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

from causalopt.exchange.dynamics.syntax import (
    Applied,
    Definition,
    Macro,
    Syntax,
    by_other_name,
    rewritten,
)
from causalopt.exchange.dynamics.vensim_text import OTHER_NAMES, outline_of_vensim
from causalopt.exchange.reading import FileText

#: The most stages of a smooth or delay of any order.
MOST_STAGES = 100

_MACROS = """
:MACRO: STEP(height, start)
STEP = IF THEN ELSE(Time + TIME STEP / 2 > start, height, 0) ~~|
:END OF MACRO:
:MACRO: RAMP(slope, start, end)
RAMP = slope * MAX(0, MIN(Time, end) - start) ~~|
:END OF MACRO:
:MACRO: LASTING RAMP(slope, start)
LASTING RAMP = slope * MAX(0, Time - start) ~~|
:END OF MACRO:
:MACRO: PULSE(start, width)
PULSE = IF THEN ELSE(Time + TIME STEP / 2 <= start, 0,
  IF THEN ELSE(Time + TIME STEP / 2 < start + MAX(width, TIME STEP), 1, 0)) ~~|
:END OF MACRO:
:MACRO: PULSE TRAIN(start, width, interval, end)
PULSE TRAIN = IF THEN ELSE(Time + TIME STEP / 2 > start :AND: Time + TIME STEP / 2 < end :AND:
  MODULO OF TIME(Time + TIME STEP / 2 - start, interval) < MAX(width, TIME STEP), 1, 0) ~~|
:END OF MACRO:
:MACRO: IMPULSE(size, start)
IMPULSE = IF THEN ELSE(Time + TIME STEP / 2 > start :AND: Time < start + TIME STEP / 2,
  size / TIME STEP, 0) ~~|
:END OF MACRO:
:MACRO: IMPULSES(size, start, interval)
IMPULSES = IF THEN ELSE(Time + TIME STEP / 2 > start :AND:
  MODULO OF TIME(Time + TIME STEP / 2 - start, interval) < TIME STEP, size / TIME STEP, 0) ~~|
:END OF MACRO:
:MACRO: INITIAL(input)
INITIAL = INTEG(0, input) ~~|
:END OF MACRO:
:MACRO: SAMPLE IF TRUE(condition, input, initial)
SAMPLE IF TRUE = IF THEN ELSE(condition, input, held) ~~|
held = INTEG((SAMPLE IF TRUE - held) / TIME STEP, initial) ~~|
:END OF MACRO:
:MACRO: TREND(input, average time, initial)
TREND = ZIDZ(input - average, average time * average) ~~|
average = INTEG((input - average) / average time, input / (1 + initial * average time)) ~~|
:END OF MACRO:
:MACRO: FORECAST(input, average time, horizon)
FORECAST = input * (1 + ZIDZ(input - average, average time * average) * horizon) ~~|
average = INTEG((input - average) / average time, input) ~~|
:END OF MACRO:
:MACRO: FORECAST FROM(input, average time, horizon, initial)
FORECAST FROM = input * (1 + ZIDZ(input - average, average time * average) * horizon) ~~|
average = INTEG((input - average) / average time, input / (1 + initial * average time)) ~~|
:END OF MACRO:
:MACRO: NPV(stream, rate, initial, factor)
NPV = (summed + stream * TIME STEP * discount) * factor ~~|
summed = INTEG(stream * discount, initial) ~~|
discount = INTEG(-discount * rate / (1 + rate * TIME STEP), 1) ~~|
:END OF MACRO:
"""


def _smooth_of(order: int) -> str:
    """An average over time that goes through so many stages."""
    each = f"delay time / {order}" if order > 1 else "delay time"
    names = ["input", *(f"stage {n}" for n in range(1, order + 1))]
    stages = [
        f"{own} = INTEG(({before} - {own}) / ({each}), initial) ~~|"
        for before, own in pairwise(names)
    ]
    return _macro("SMOOTH N", f"SMOOTH N = {names[-1]} ~~|", stages)


def _delay_of(order: int) -> str:
    """What flows through so many levels, each of which holds it for its part of the time."""
    each = f"delay time / {order}" if order > 1 else "delay time"
    outflows = ["input", *(f"level {n} / ({each})" for n in range(1, order + 1))]
    levels = [
        f"level {n} = INTEG({outflows[n - 1]} - {outflows[n]}, initial * ({each})) ~~|"
        for n in range(1, order + 1)
    ]
    return _macro("DELAY N", f"DELAY N = {outflows[-1]} ~~|", levels)


def _macro(name: str, result: str, parts: list[str]) -> str:
    head = f":MACRO: {name}(input, delay time, initial)"
    return "\n".join((head, result, *parts, ":END OF MACRO:\n"))


#: Functions whose macro depends on their order.
STAGES: Mapping[str, Callable[[int], str]] = MappingProxyType(
    {"smooth n": _smooth_of, "delay n": _delay_of}
)


def own_macros(method: str) -> Mapping[str, Macro]:
    """The functions that stand for others, by their key, for steps of a method."""
    # Under RK4 a step has a stage in its middle, where nothing begins that begins behind it.
    return _read(_MACROS if method == "euler" else _MACROS.replace("STEP / 2", "STEP / 4"))


def macro_of_order(function: str, order: int) -> Macro:
    """A smooth or delay that goes through so many stages."""
    return _read(STAGES[function](order))[function]


@functools.cache
def _read(text: str) -> Mapping[str, Macro]:
    macros = outline_of_vensim(FileText("the functions of Vensim", text)).macros
    return {
        key: replace(macro, definitions=tuple(map(_plain, macro.definitions)))
        for key, macro in macros.items()
    }


def _plain(definition: Definition) -> Definition:
    """A definition with functions by the names that they have in all formats."""

    def change(part: Syntax) -> Syntax:
        return by_other_name(part, OTHER_NAMES) if isinstance(part, Applied) else part

    return replace(definition, formula=rewritten(definition.formula, change))
