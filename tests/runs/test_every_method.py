"""One suite for every method on every backend that takes it: values and tangents, case by case.

The answers are closed forms, and 50-digit differences of the same steps written apart.
"""

import math
from dataclasses import dataclass

import mpmath
import numpy as np
import pytest
import sympy
from scipy.integrate import RK45

from causalopt import DeclarationError, Event, System, run, tangents, time, variables
from causalopt.backends import BACKENDS
from causalopt.mechanisms.methods import METHODS
from tests.backends.cases import BY_NAME

x, y, u = variables("x y u")
DT, STEPS = 0.125, 16
END = DT * STEPS
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Kind:
    """How a method is asked for, and its order where steps are as they are given."""

    method: str
    order: int | None = None

    @property
    def how(self):
        known = {"method": self.method}
        return known if self.order or self.method == "auto" else known | {"tolerance": TOLERANCE}


KINDS = {
    "euler": Kind("euler", 1),
    "rk4": Kind("rk4", 4),
    "dopri5": Kind("dopri5", 5),
    "rodas4": Kind("rodas4", 4),
    "dopri5 in parts": Kind("dopri5"),
    "rodas4 in parts": Kind("rodas4"),
    "auto": Kind("auto"),
}


@dataclass(frozen=True)
class Case:
    """A model and how it is asked, and what x and dx/d(nudged at the start) end at.

    So many orders are ``lost``, and it ``takes`` these methods alone.
    """

    rates: dict
    start: dict
    value: float
    slope: float
    given: dict
    hold: tuple = ()
    hit: tuple = ()
    takes: tuple = tuple(KINDS)
    nudged: sympy.Symbol = x
    lost: int = 0

    def system(self, kind, dt=DT):
        return System.from_ode(self.rates, start=self.start, dt=dt, **self.given, **kind.how)


def exp(t):
    return float(np.exp(t))


EXPLICIT = tuple(name for name in KINDS if not name.startswith("rodas4"))
# dv/dt = A v of a plant and its controller, x' = -x + y, y' = -2 x.
TURNING = np.array([[-1.0, 1.0], [-2.0, 0.0]])
TURNED = np.array(sympy.Matrix(TURNING * END).exp().evalf(30), dtype=float)
# Within a step, at 2/3 of it, and of one that is a quarter as long.
MOMENT = 17 / 24
# A neuron that would come to rest at 2 spikes at x = 1, and starts from 0: each MOMENT, twice.
LEAK = float(np.log(2)) / MOMENT
AFTER_SPIKES = LEAK * (END - 2 * MOMENT)
# By the method of steps, x' = -x(t - LAG), x = 1 up to 0, and x' = 1 - x(t - LAG), x = 0 up to 0.
LAG = 0.5
FADING = sum((-1) ** k * max(END - (k - 1) * LAG, 0) ** k / math.factorial(k) for k in range(6))
RISING = sum((-1) ** (k - 1) * max(END - (k - 1) * LAG, 0) ** k / math.factorial(k)
             for k in range(1, 6))  # fmt: skip
CASES = {
    "turning": Case({x: y - x, y: -2 * x}, {x: 1, y: 0.5}, TURNED[0] @ [1, 0.5], TURNED[0, 0], {}),
    "an equation": Case(
        {x: u - x}, {x: 1}, exp(-3 * END), exp(-3 * END), {"algebraic": {u: -2 * x}}),
    "an equation that is held": Case(
        {x: u - x}, {x: 1}, exp(-3 * END), exp(-END), {"algebraic": {u: -2 * x}}, hold=(u,)),
    "a state that is held": Case(
        {x: y - x, y: -2 * x}, {x: 1, y: 0.5}, TURNED[0] @ [1, 0.5], exp(-END), {}, hold=(y,)),
    "time in a rate": Case(
        {x: sympy.cos(time) * x}, {x: 2}, 2 * exp(np.sin(END)), exp(np.sin(END)), {}),
    "at rest, and hit between steps": Case(
        {x: -4 * (x - 1)}, {x: 1}, 1 + 4 * exp(-4 * (END - 4 * DT)), 0.0, {}, hit=((x[4], 5.0),)),
    "at rest, and hit within a step": Case(
        {x: -4 * (x - 1)}, {x: 1}, 1 + 4 * exp(-4 * (END - MOMENT)), 0.0,
        {"events": [Event(time >= MOMENT, {x: 5})]}, takes=EXPLICIT),
    "an event at a known time": Case(
        {x: -x}, {x: 1}, (exp(-MOMENT) + 2) * exp(MOMENT - END), exp(-END),
        {"events": [Event(time >= MOMENT, {x: x + 2})]}, takes=EXPLICIT),
    "a reset on a state": Case(
        # With T the last spike, dx/dT = -2 LEAK exp(-LEAK (t - T)), dT/dx(0) = -1 / (2 LEAK).
        {x: LEAK * (2 - x)}, {x: 0}, 2 - 2 * exp(-AFTER_SPIKES), exp(-AFTER_SPIKES),
        # The moment is where the continuous extension, of an order less, says that it is.
        {"events": [Event(x > 1, {x: 0})]}, takes=EXPLICIT, lost=1),
    "a delay": Case(
        {x: y - x.lag(LAG), y: 0 * y}, {x: 1, y: 0.5}, FADING + RISING / 2, RISING, {},
        takes=("euler", "rk4"), nudged=y),
}  # fmt: skip
# Steps of these lengths are nearly as short as those of which an order says what they leave.
ROOM = 0.8


def found(case, kind, backend, dt=DT):
    """x and dx/dx(0) at the end."""
    W = case.system(kind, dt).world(steps=round(END / dt))
    for node, value in case.hit:
        W = W.do(x[round(node.step * DT / dt)], value)
    X = W.perturb(case.nudged[0])
    for held in case.hold:
        X = X.clamp(held, to=W)
    value = run(W, backend=backend).x.values[0, -1]
    slope = tangents(X, labels=["X"], backend=backend).x.values[0, -1]
    return np.array([value, slope])


every_backend = pytest.mark.parametrize("backend", BY_NAME)
# Compiled code takes seconds a case: one method goes through all of it here, the others in the long
# run.
ASKED = [
    pytest.param(name, kind, backend, marks=[] if is_quick else [pytest.mark.long])
    for name, case in CASES.items() for kind in case.takes for backend in BACKENDS
    for is_quick in [(backend, kind) == ("numba", "rk4") or backend == "numpy"]
]  # fmt: skip


def test_every_method_is_here():
    assert {kind.method for kind in KINDS.values()} == METHODS.keys()


@pytest.mark.sampled(12)
@pytest.mark.parametrize(("name", "kind", "backend"), ASKED)
@pytest.mark.filterwarnings("ignore::causalopt.ground.errors.LongStepsWarning")
def test_values_and_tangents_are_those_of_the_closed_form(name, kind, backend):
    case, kind = CASES[name], KINDS[kind]
    exact = np.array([case.value, case.slope])
    if kind.order is None:
        assert found(case, kind, backend) == pytest.approx(exact, rel=1e-7, abs=1e-7)
        return
    gaps = [abs(found(case, kind, backend, DT / parts) - exact) for parts in (1, 2, 4)]
    # What rounding leaves has no order.
    most = np.maximum(gaps[0] * 0.25 ** (kind.order - case.lost - ROOM), 1e-11)
    assert (gaps[2] <= most).all(), gaps
    assert (gaps[0] < (1.0 if kind.order == 1 else 2e-2)).all(), gaps


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name, case in CASES.items() for kind in KINDS if kind not in case.takes],
)
def test_a_method_that_cannot_says_which_can(name, kind):
    with pytest.raises(DeclarationError, match=r"method=.(rk4|dopri5)"):
        CASES[name].system(KINDS[kind])


# -- stiff -----------------------------------------------------------------------------------------


@pytest.mark.sampled(6)
@every_backend
@pytest.mark.parametrize("kind", ["rodas4", "rodas4 in parts", "auto"])
def test_a_fast_rate_is_no_hurdle(kind, backend):
    """x' = -1e6 (x - y), y' = -y, by steps of 1e5 times what x takes: x is y, dx/dy(0) is too."""
    system = System.from_ode(
        {x: -1e6 * (x - y), y: -y}, start={x: 3, y: 1}, dt=DT, **KINDS[kind].how
    )
    W = system.world(steps=STEPS)
    # What is left of 3 is 0.
    exact = 1e6 / (1e6 - 1) * exp(-END)
    room = 1e-5 if KINDS[kind].order else 1e-8
    assert run(W, backend=backend).x.values[0, -1] == pytest.approx(exact, rel=room)
    slope = tangents(W.perturb(y[0]), labels=["X"], backend=backend).x.values[0, -1]
    assert slope == pytest.approx(exact, rel=room)


# -- the same steps, written apart -----------------------------------------------------------------

TABLES = {
    "euler": ([[]], [1]),
    "rk4": ([[], ["1/2"], [0, "1/2"], [0, 0, 1]], ["1/6", "1/3", "1/3", "1/6"]),
    "dopri5": (RK45.A.tolist(), RK45.B.tolist()),
}


def ended(kind, x0):
    """Where x' = y - x^3 / 3, y' = cos(x) - y end, from x0 and 1/4, by explicit steps."""
    A, b = TABLES[kind]
    state = [mpmath.mpf(x0), mpmath.mpf("0.25")]
    h = mpmath.mpf(DT)
    for _ in range(STEPS):
        looks = []
        for row in A[: len(b)]:
            p, q = (
                v + h * sum(mpmath.mpf(w) * look[n] for w, look in zip(row, looks, strict=False))
                for n, v in enumerate(state)
            )
            looks.append((q - p**3 / 3, mpmath.cos(p) - q))
        state = [v + h * sum(mpmath.mpf(w) * look[n] for w, look in zip(b, looks, strict=True))
                 for n, v in enumerate(state)]  # fmt: skip
    return state[0]


@every_backend
@pytest.mark.parametrize("kind", TABLES)
def test_the_steps_and_their_derivatives_are_those_of_50_digits(kind, backend):
    case = Case({x: y - x**3 / 3, y: sympy.cos(x) - y}, {x: 1.5, y: 0.25}, 0, 0, {})
    with mpmath.workdps(50):
        step = mpmath.mpf(10) ** -20
        value = ended(kind, mpmath.mpf("1.5"))
        slope = (ended(kind, mpmath.mpf("1.5") + step) - ended(kind, mpmath.mpf("1.5") - step)) / (
            2 * step
        )
    got = found(case, KINDS[kind], backend)
    assert got == pytest.approx([float(value), float(slope)], rel=1e-13)
