"""Functions that stand for stocks and formulas, written as macros in Vensim's own language.

Sources: the Vensim Reference Manual, "Functions"; section 3.5 of XMILE 1.0. A step or pulse begins
at the step whose middle is behind its time, as in Vensim: half a step is far from any rounding.
"""

from __future__ import annotations

from itertools import pairwise

#: The most stages of a smooth or delay of any order.
MOST_STAGES = 100

MACROS = """
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
PULSE = IF THEN ELSE(Time + TIME STEP / 2 > start :AND:
  Time + TIME STEP / 2 < start + MAX(width, TIME STEP), 1, 0) ~~|
:END OF MACRO:
:MACRO: PULSE TRAIN(start, width, interval, end)
PULSE TRAIN = IF THEN ELSE(Time + TIME STEP / 2 > start :AND: Time + TIME STEP / 2 < end :AND:
  MODULO(Time + TIME STEP / 2 - start, interval) < MAX(width, TIME STEP), 1, 0) ~~|
:END OF MACRO:
:MACRO: IMPULSE(size, start)
IMPULSE = IF THEN ELSE(Time + TIME STEP / 2 > start :AND: Time < start + TIME STEP / 2,
  size / TIME STEP, 0) ~~|
:END OF MACRO:
:MACRO: IMPULSES(size, start, interval)
IMPULSES = IF THEN ELSE(Time + TIME STEP / 2 > start :AND:
  MODULO(Time + TIME STEP / 2 - start, interval) < TIME STEP, size / TIME STEP, 0) ~~|
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


def smooth_of(order: int) -> str:
    """An average over time that goes through so many stages."""
    each = f"delay time / {order}" if order > 1 else "delay time"
    names = ["input", *(f"stage {n}" for n in range(1, order + 1))]
    stages = [
        f"{own} = INTEG(({before} - {own}) / ({each}), initial) ~~|"
        for before, own in pairwise(names)
    ]
    return _macro("SMOOTH N", f"SMOOTH N = {names[-1]} ~~|", stages)


def delay_of(order: int) -> str:
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
