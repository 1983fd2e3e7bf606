"""Plants of control libraries: a built system answers to each frequency as its library says."""

import numpy as np
import pytest
import scipy.signal as sps
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from causalopt import DeclarationError, run, time, variables
from causalopt.discovery import sensitivity
from causalopt.exchange import plant_of
from causalopt.linearisation.still import still_world

entries = st.integers(-8, 8).map(lambda k: k / 8)


def matrix(rows, columns):
    return st.lists(st.lists(entries, min_size=columns, max_size=columns), min_size=rows,
                    max_size=rows).map(lambda m: np.array(m).reshape(rows, columns))  # fmt: skip


@st.composite
def spaces(draw):
    n, p, q = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    A, B, C, D = (draw(matrix(*s)) for s in ((n, n), (n, p), (q, n), (q, p)))
    # All modes are inside the unit circle, so that answers settle.
    return A / (2 * n), B, C, D


def measured(system, source, sink, z):
    """What a swinging difference added to one variable becomes at another, in the built system."""
    still = still_world(system.world(steps=10))
    names = [str(member) for member in still.linear.members]
    start, end = still.ends_of([names.index(source.name), names.index(sink.name)])
    return still.response(z)[end, start]


def answer(A, B, C, D, s):
    return C @ np.linalg.solve(s * np.eye(len(A)) - A, B) + D


@given(space=spaces(), w=st.sampled_from([0.0, 0.1, 1.0, 3.0]))
def test_discrete_plants_have_the_answers_of_scipy(space, w):
    given_ = sps.dlti(*space, dt=0.5)
    plant = plant_of(given_)
    system = plant.system()
    assert system.step_size == 0.5
    found = np.array([[measured(system, u, y, np.exp(1j * w)) for u in plant.inputs]
                      for y in plant.outputs])  # fmt: skip
    np.testing.assert_allclose(found, answer(*space, np.exp(1j * w)), rtol=0, atol=1e-9)


@pytest.mark.parametrize("w", [0.1, 1.0, 2.5])
@pytest.mark.parametrize(
    "given_",
    [
        sps.dlti([1.0, 0.5], [1.0, -0.5, 0.25], dt=1),
        sps.dlti([0.2], [0.5, -0.25], 2.0, dt=1),
        sps.StateSpace([[0.5]], [[1.0]], [[2.0]], [[0.5]], dt=True),
        sps.StateSpace([[0.5]], [[1.0]], [[2.0]], [[0.5]], dt=True).to_tf(),
    ],
)
def test_transfer_functions_have_the_answers_of_scipy(given_, w):
    plant = plant_of(given_)
    (u,), (y,) = plant.inputs, plant.outputs
    _, theirs = sps.dfreqresp(given_, [w])
    assert abs(measured(plant.system(), u, y, np.exp(1j * w)) - theirs[0]) < 1e-9


@pytest.mark.parametrize("w", [0.5, 2.0])
@pytest.mark.parametrize(
    "given_",
    [
        sps.TransferFunction([2.0], [1.0, 3.0]),
        sps.TransferFunction([1.0, 0.5], [1.0, 0.4, 4.0]),
        sps.ZerosPolesGain([-2.0], [-1.0, -3.0], 4.0),
        sps.StateSpace([[-1.0, 1.0], [0.0, -2.0]], [[0.0], [1.0]], [[1.0, 0.0]], [[0.25]]),
    ],
)
def test_continuous_plants_swing_as_scipy_says(given_, w):
    # Forced by sin(w t) from the swing itself, x = Im (iw - A)^-1 B e^(iwt): nothing has to settle.
    plant, space = plant_of(given_), given_.to_ss()
    (u,), (y,) = plant.inputs, plant.outputs
    swing = np.linalg.solve(1j * w * np.eye(len(space.A)) - space.A, space.B)[:, 0]
    start = dict(zip(plant.states, swing.imag.tolist(), strict=True))
    system = plant.system({u: sp.sin(w * time)}, start=start, dt=0.005)
    found = run(system.world(steps=600))[y.name].squeeze()
    _, theirs = sps.freqresp(given_, [w])
    wanted = (theirs[0] * np.exp(1j * w * found.time.values)).imag
    # Runge-Kutta's error is of the order (w dt)^4 dt a step, below 1e-9 here in all.
    np.testing.assert_allclose(found.values, wanted, rtol=0, atol=1e-9)


def test_a_loop_has_the_sensitivity_of_control():
    plant = plant_of(sps.dlti([0.25], [1.0, -0.5], dt=1))
    (u,), (y,) = plant.inputs, plant.outputs
    loop = plant.system({u: -y})
    w = np.array([0.1, 1.0, 3.0])
    (x,) = plant.states
    found = sensitivity(loop, A=u, n=x, m=x, at=w).comp.values
    _, open_loop = sps.dfreqresp(sps.dlti([0.25], [1.0, -0.5], dt=1), w)
    np.testing.assert_allclose(found, 1 / (1 + open_loop), rtol=1e-12)


def test_inputs_are_formulas_of_the_same_moment():
    plant = plant_of(sps.dlti([[0.5]], [[1.0]], [[2.0]], [[0.25]], dt=0.5), outputs="T")
    (u,), (x,) = plant.inputs, plant.states
    found = run(plant.system({u: 3 * time}, start={x: 1}).world(steps=4))
    expected, state = [], 1.0
    for k in range(5):
        expected.append(2 * state + 0.25 * 3 * 0.5 * k)
        state = 0.5 * state + 3 * 0.5 * k
    np.testing.assert_allclose(found["T"].squeeze(), expected, rtol=1e-15)


def test_names_are_those_that_are_given():
    space = sps.StateSpace([[0, 1], [-1, 0]], [[0], [1]], [[1, 0]], [[0]])
    p, f = variables("p f")
    plant = plant_of(space, states="x v", inputs=[f], outputs=p)
    assert [str(v) for v in (*plant.states, *plant.inputs, *plant.outputs)] == ["x", "v", "f", "p"]
    assert plant_of(space).states == variables("x0 x1")
    x, v = plant.states
    assert dict(plant.changes) == {x: v, v: f - x}
    assert dict(plant.readings) == {p: x}


class Space:
    """What has matrices, of no library."""

    def __init__(self, A, B, C, D, dt=1, **more):
        self.A, self.B, self.C, self.D, self.dt = A, B, C, D, dt
        self.__dict__.update(more)


ONE = [[0.5]]
WRONG = {
    "no plant": (3, {}, "int is no linear plant"),
    "improper": (sps.TransferFunction([1, 2, 3], [1, 2]), {}, "is improper. Add a pole"),
    "a row": (Space([1.0], ONE, ONE, ONE), {}, "A of the plant is no matrix"),
    "ragged": (Space([[1], [1, 2]], ONE, ONE, ONE), {}, "A of the plant is no matrix"),
    "complex": (Space([[1j]], ONE, ONE, ONE), {}, "no matrix of finite real"),
    "NaN": (Space([[np.nan]], ONE, ONE, ONE), {}, "no matrix of finite real"),
    "text": (Space([["a"]], ONE, ONE, ONE), {}, "no matrix of finite real"),
    "shape of A": (Space([[1.0, 2.0]], ONE, ONE, ONE), {}, r"A has shape \(1, 2\)"),
    "shape of D": (Space(ONE, ONE, ONE, [[1.0, 2.0]]), {}, r"D has shape \(1, 2\): .* \(1, 1\)"),
    "a negative step": (Space(ONE, ONE, ONE, ONE, -1), {}, "above 0"),
    "no step": (Space(ONE, ONE, ONE, ONE, None, isctime=None), {}, "does not say whether"),
    "two names": (Space(ONE, ONE, ONE, ONE), {"states": "a b"}, "states is 'a b': name 1 var"),
    "one name": (Space(ONE, ONE, ONE, ONE), {"states": "u"}, "Two of .* are called u"),
    "no names": (Space(ONE, ONE, ONE, ONE), {"inputs": 3}, "inputs is"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_plant_is_told(case):
    given_, asked, told = WRONG[case]
    with pytest.raises(DeclarationError, match=told):
        plant_of(given_, **asked)


def test_what_no_system_can_be_made_of_is_told():
    plant = plant_of(Space(ONE, ONE, ONE, ONE))
    (u,), (y,), (x,) = plant.inputs, plant.outputs, plant.states
    with pytest.raises(DeclarationError, match=r"loop .*u.* has no delay"):
        plant.system({u: -y})
    with pytest.raises(DeclarationError, match="x is no input of the plant: its inputs are u"):
        plant.system({x: 1})
    with pytest.raises(DeclarationError, match="u is no formula"):
        plant.system({u: "-y"})
    with pytest.raises(DeclarationError, match="earlier value"):
        plant.system({u: -x.lag(1)})
    with pytest.raises(DeclarationError, match="leave dt out"):
        plant.system(dt=0.5)
    with pytest.raises(DeclarationError, match="dt is missing"):
        plant_of(Space(ONE, ONE, ONE, ONE, 0)).system()


def test_plants_of_python_control_are_the_same():
    control = pytest.importorskip("control", reason="the extra `test` brings it")
    A, B, C, D = [[0, 1], [-2, -3]], [[0], [1]], [[1, 0]], [[0.5]]
    named = control.ss(A, B, C, D, states=["p", "v"], inputs=["force"], outputs=["place"])
    plant = plant_of(named)
    assert [str(v) for v in (*plant.states, *plant.inputs, *plant.outputs)] == \
        ["p", "v", "force", "place"]  # fmt: skip
    assert plant_of(control.ss(A, B, C, D)) == plant_of(sps.StateSpace(A, B, C, D))
    assert plant_of(control.ss(A, B, C, D, 0.5)) == plant_of(sps.StateSpace(A, B, C, D, dt=0.5))
    tf = control.tf([1.0, 0.5], [1.0, -0.5, 0.25], True)
    sampled = plant_of(tf)
    assert sampled.step == 1.0
    (u,), (y,) = sampled.inputs, sampled.outputs
    z = np.exp(1j)
    assert abs(measured(sampled.system(), u, y, z) - tf(z)) < 1e-9
    with pytest.raises(DeclarationError, match="improper"):
        plant_of(control.tf([1, 2, 3], [1, 2]))
    with pytest.raises(DeclarationError, match="does not say whether"):
        plant_of(control.ss(A, B, C, D, dt=None))
