"""NumPy's numbers count as numbers wherever one is asked for, and no others do."""

from fractions import Fraction

import numpy as np
import pytest

from causalopt import (
    CausaloptError,
    Network,
    System,
    choice,
    comp,
    every_m,
    every_n,
    finite,
    noise,
    normal,
    op,
    parameters,
    run,
    table,
    uniform,
    variables,
)

a, b = variables("a b")
(k,) = parameters("k")

WHOLE = {
    "int64": np.int64,
    "int8": np.int8,
    "uint16": np.uint16,
    "an array without axes": np.array,
    "a small one": lambda value: np.array(value, dtype=np.uint8),
    "from an array": lambda value: np.arange(9)[value],
}
REAL = {
    **WHOLE,
    "float64": np.float64,
    "float32": np.float32,
    "an array of a float": lambda value: np.array(float(value)),
    "a fraction": Fraction,
}


def system():
    shock = noise("shock", normal(0, 1))
    return System({a: b / 2 + shock, b: k * a}, start={a: 1, b: 2}, parameters={k: 0.5})


def same(answer):
    """What two equal answers share; as text where there are labels, for NaN equals nothing."""
    return str(answer.to_dict()) if hasattr(answer, "to_dict") else answer


S, N = system(), Network.from_arrays([lambda u: 2 * u], [-1, 0, 0], [[-1], [0], [1]], start=1)
W = S.world(steps=4)
ASK_WHOLE = {
    "steps": lambda n: S.world(steps=n),
    "seed": lambda n: S.world(steps=3, seed=n),
    "unroll": lambda n: S.unroll(n),
    "node": lambda n: a[n],
    "nodes": lambda n: (a[n:], a[:n], b[1 : n + 1]),
    "steps of a measure": lambda n: comp(S, A=a, n=b[0], m=b, steps=n),
    "steps of op": lambda n: op(S, A=a, n=b[0], m=b, steps=n),
    "steps of every_m": lambda n: every_m(S, A=a, n=b[0], steps=n),
    "draws": lambda n: run(W, draws=n, backend="numpy"),
    "draws of a measure": lambda n: comp(S, A=a, n=b[0], m=b[3], draws=n),
    "keep": lambda n: run(W, keep=n, backend="numpy"),
    "keep of a measure": lambda n: comp(S, A=a, n=b[0], m=b, steps=5, keep=n),
    "finite values": lambda n: finite("s", [0, 1, n]),
    "value of a finite variable": lambda n: finite("s", range(4)).code(n),
}  # fmt: skip
ASK_LABEL = {
    "label": lambda n: N.world().do(n, 3),
    "labels of a measure": lambda n: comp(N, A=[1], n=0, m=n),
    "labels in one pass": lambda n: every_n(N, A=[1], m=n),
}
ASK_REAL = {
    "start": lambda x: System({a: a}, start={a: x}),
    "with_start": lambda x: S.with_start({a: x}),
    "parameters": lambda x: System({a: k * a}, start={a: 1}, parameters={k: x}),
    "with_parameters": lambda x: S.with_parameters({k: x}),
    "roots": lambda x: Network({b: k * a}, start={a: x}, parameters={k: x}),
    "roots of arrays": lambda x: Network.from_arrays([], [-1], [[-1]], start=x),
    "dt of rates": lambda x: System.from_ode({a: -a}, start={a: 1}, dt=x),
    "do": lambda x: W.do(a[1], x),
    "perturb": lambda x: W.perturb(a[1], by=x),
    "delta": lambda x: comp(S, A=a, n=b[0], m=b[3], delta=x),
    "over": lambda x: run(S.world(3), over={k: [x, 2]}, backend="numpy"),
    "time": lambda x: (a.at(x), a.between(x, 7)),
    "laws": lambda x: (normal(x, x), uniform(0, x), choice([x, 1])),
}


# These take several numbers, and are asked about these elsewhere.
LOOSE = ("over", "time", "laws", "roots", "roots of arrays")


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("ask", {**ASK_WHOLE, **ASK_LABEL})
def test_a_whole_number_of_numpys_is_one(ask, kind):
    question = {**ASK_WHOLE, **ASK_LABEL}[ask]
    number = 2 if ask in ASK_LABEL else 3
    plain, given = question(number), question(WHOLE[kind](number))
    assert same(given) == same(plain)
    assert repr(given) == repr(plain)


@pytest.mark.parametrize("kind", REAL)
@pytest.mark.parametrize("ask", ASK_REAL)
def test_a_number_of_numpys_is_one(ask, kind):
    question = ASK_REAL[ask]
    plain, given = question(3), question(REAL[kind](3))
    assert same(given) == same(plain)
    assert repr(given) == repr(plain)
    if not hasattr(plain, "to_dict"):
        assert hash(given) == hash(plain)


@pytest.mark.parametrize("one", [1, 1.0, np.int8(1), np.float32(1), np.array(1), Fraction(1)])
def test_a_weight_of_one_is_the_clamp(one):
    assert W.clamp(a, to=W, by=one) == W.clamp(a, to=W)


@pytest.mark.parametrize(
    "bad",
    [True, np.bool_(True), np.array(True), 3.0, np.float64(3), np.array(3.0), np.array([3]),
     np.array([], dtype=int), "3", None, 3j, [3], -1, np.int64(-1), np.nan],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("ask", ["steps", "seed", "unroll", "draws", "node"])
def test_what_is_no_whole_number_is_refused(ask, bad):
    if ask == "draws" and bad is None:
        return  # It says that there is a single run.
    with pytest.raises(CausaloptError):
        ASK_WHOLE[ask](bad)


@pytest.mark.parametrize(
    "bad",
    [True, np.bool_(True), np.array(True), np.array([3.0]), "3", 3j, np.complex128(3), [3],
     np.nan, np.inf, np.float32(-np.inf), np.array(np.nan), np.str_("3"), b"3"],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("ask", [ask for ask in ASK_REAL if ask not in LOOSE])
def test_what_is_no_finite_number_is_refused(ask, bad):
    with pytest.raises(CausaloptError):
        ASK_REAL[ask](bad)


def test_named_values_from_arrays_are_those_of_lists():
    three = finite("s", np.arange(3))
    assert three == finite("s", [0, 1, 2])
    assert hash(three) == hash(finite("s", range(3)))
    assert [type(value) for value in three.values] == [int] * 3
    named = finite("s", np.array(["off", "on"]))
    assert named == finite("s", ["off", "on"])
    assert repr(named.values) == "('off', 'on')"
    turning = System({three: table(three, {0: 1, 1: 2, 2: 0})}, start={three: np.int64(1)})
    found = run(turning.world(steps=np.int32(4)).do(three[2], np.uint8(0)), backend="numpy")
    assert found.s.values[0].tolist() == [1, 2, 0, 1, 2]
    rows = {np.int64(0): np.int64(1), 1: {np.int8(2): 1}, 2: 0}
    assert System({three: table(three, rows)}, start={three: 1}) == System(
        {three: table(three, {0: 1, 1: {2: 1}, 2: 0})}, start={three: 1}
    )


def test_dt_of_a_user_is_never_overwritten():
    (dt,) = parameters("dt")
    with pytest.raises(CausaloptError, match=r"dt is declared twice.* write dt=dt"):
        System.from_ode({a: -a * dt}, start={a: 1}, parameters={dt: 5}, dt=0.01)
    own = System.from_ode({a: -a * dt}, start={a: 1}, parameters={dt: 0.25}, dt=dt)
    # One Euler step of 1/4 along -a/4.
    assert run(own.world(steps=1), backend="numpy").a.values[0, 1] == 1 - 0.25 * 0.25
    (other,) = parameters("rate")
    free = System.from_ode({a: -a * other}, start={a: 1}, parameters={other: 5}, dt=0.01)
    assert run(free.world(steps=1), backend="numpy").a.values[0, 1] == pytest.approx(0.95)
