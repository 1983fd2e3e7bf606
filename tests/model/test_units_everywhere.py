"""Units where no mechanism stands: laws, events, histories, other mechanisms, parts of a clamp."""

import pytest
from sympy import Max, log

from causalopt import (
    DeclarationError,
    Event,
    Network,
    QueryError,
    System,
    choice,
    noise,
    normal,
    parameter,
    run,
    time,
    uniform,
    variable,
)

a, b, x = variable("a", unit="m"), variable("b", unit="cm"), variable("x")
speed = variable("v", unit="m/s")
length, short, share = parameter("l", unit="m"), parameter("w", unit="cm"), parameter("p", unit="1")
rate, dt, plain = parameter("r", unit="m/s"), parameter("dt", unit="s"), parameter("k")
KNOWN = {length: 1, short: 100, share: 0.25, rate: 2, plain: 1}
START = {a: 1, b: 100, x: 1, speed: 0}

# Laws of a length, of the state a and of parameters; and what is none.
LAWS = {
    "a deviation": (lambda a, m, w, p, r, k: normal(0, m), True),
    "both": (lambda a, m, w, p, r, k: normal(m, 2 * m), True),
    "a number beside it": (lambda a, m, w, p, r, k: normal(m, 1), True),
    "a mean of the state": (lambda a, m, w, p, r, k: normal(0, a), True),
    "bounds": (lambda a, m, w, p, r, k: uniform(m, 2 * m), True),
    "from zero": (lambda a, m, w, p, r, k: uniform(0, m), True),
    "weights": (lambda a, m, w, p, r, k: choice([1, 0], weights=[p, 1 - p]), True),
    "values": (lambda a, m, w, p, r, k: choice([m, 0], weights=[p, 1 - p]), True),
    "without a unit": (lambda a, m, w, p, r, k: normal(0, k), True),
    "values in cm": (lambda a, m, w, p, r, k: choice([w, 0], weights=[0.5, 0.5]), False),
    "a deviation in cm": (lambda a, m, w, p, r, k: normal(0, w), False),
    "a mean in cm": (lambda a, m, w, p, r, k: normal(w, m), False),
    "bounds in both": (lambda a, m, w, p, r, k: uniform(w, m), False),
    "a rate": (lambda a, m, w, p, r, k: normal(0, r), False),
}


def steps(**more):
    return System({a: a / 2, b: b, x: x, speed: speed}, start=START,
                  parameters={**KNOWN, dt: 0.1}, dt=dt, **more)  # fmt: skip


def smooth(*events, **more):
    rates = {a: speed, b: 0 * b, x: 0 * x, speed: 0 * speed}
    return System.from_ode(rates, start=START, parameters={**KNOWN, dt: 0.1}, dt=dt,
                           events=events, method="rk4", **more)  # fmt: skip


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("unit", ["m", ""])
def test_a_law_has_the_unit_of_what_it_is_made_of(name, unit):
    law, fits = LAWS[name]

    def drawn(state, numbers, unit):
        shock = noise("e", law(state, *list(numbers)[:5]), unit=unit)
        return System({state: state + shock}, start={state: 1}, parameters=numbers)

    if not fits:
        with pytest.raises(DeclarationError, match=r"not alike|another unit"):
            drawn(a, KNOWN, unit)
        return
    # The draws are those of the noise's name, whatever the units.
    bare = {parameter(symbol.name): number for symbol, number in KNOWN.items()}
    systems = drawn(a, KNOWN, unit), drawn(variable("a"), bare, "")
    found, expected = (run(system.world(steps=3, seed=1)).a.values for system in systems)
    assert (found == expected).all()


FITTING = {
    "like is compared": lambda: smooth(Event(a > length, {a: length})),
    "a number": lambda: smooth(Event(a > 3, {a: 0, b: 3})),
    "a time": lambda: smooth(Event(time > dt * 2, {speed: a / dt})),
    "in steps": lambda: steps(events=[Event(a > 2 * length, {a: a / 2, b: 100 * short})]),
    "a history": lambda: steps().__class__(
        {a: a.lag(0.2)}, start={a: 1}, parameters={rate: 1, dt: 0.1}, dt=dt,
        history={a: rate * time},
    ),
    "another mechanism": lambda: steps().world(steps=3).replace(a[1:], Max(a, length)),
    "another rate": lambda: smooth().world(steps=3).replace(a[1:], rate + a / dt),
    "in a network": lambda: Network({a: 2 * length}, start={x: 1}, parameters=KNOWN)
    .world().replace(a, 3 * length),
    "a part": lambda: (W := steps().world(steps=3)).clamp(a, to=W, by=share),
    "a part without a unit": lambda: (W := steps().world(steps=3)).clamp(a, to=W, by=plain),
}  # fmt: skip


@pytest.mark.parametrize("name", FITTING)
def test_what_agrees_is_accepted(name):
    FITTING[name]()


AMISS = {
    "another scale": lambda: smooth(Event(a > short, {a: 0})),
    "a length and a time": lambda: smooth(Event(time > length, {a: 0})),
    "a function of a length": lambda: smooth(Event(log(a) > 0, {a: 0})),
    "set to another scale": lambda: smooth(Event(a > 3, {a: b})),
    "set to a rate": lambda: smooth(Event(a > 3, {a: speed})),
    "in steps": lambda: steps(events=[Event(a > b, {x: 0})]),
    "a history in cm": lambda: System({a: a.lag(2)}, start={a: 1}, parameters={short: 1},
                                      history={a: short}),
    "a history of times squared": lambda: System(
        {a: a.lag(0.2)}, start={a: 1}, parameters={rate: 1, dt: 0.1}, dt=dt,
        history={a: rate * time**2},
    ),
    "another mechanism": lambda: steps().world(steps=3).replace(a, b),
    "a rate for a step": lambda: steps().world(steps=3).replace(a, rate),
    "a length for a rate": lambda: smooth().world(steps=3).replace(a, length),
    "in a network": lambda: Network({a: 2 * length}, start={x: 1}, parameters=KNOWN)
    .world().replace(a, short),
    "a part of a length": lambda: (W := steps().world(steps=3)).clamp(a, to=W, by=length),
}  # fmt: skip


@pytest.mark.parametrize("name", AMISS)
def test_what_surely_does_not_agree_is_refused(name):
    with pytest.raises((DeclarationError, QueryError), match=r"not alike|another unit|is in "):
        AMISS[name]()


@pytest.mark.parametrize("odd", ["\x00", "\x1b[0m", "\u202e", "\n", "\x7f"])
def test_a_unit_is_text_that_can_be_shown(odd):
    with pytest.raises(DeclarationError, match="which no page or file shows"):
        variable("q", unit=f"m{odd}")
    assert variable("q", unit="µm °C²").unit == "µm °C²"
