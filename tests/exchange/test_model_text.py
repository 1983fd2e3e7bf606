"""Models in text: what is declared is read, written and read back as equal; the rest is refused."""

import functools
import random
import runpy
import tomllib
import warnings

import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from declarations import Guess
from exchange.formula_trees import Made
from exchange.model_texts import read_text_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import causalopt as co
from causalopt import (
    CausaloptError,
    DeclarationError,
    Event,
    FileError,
    Network,
    System,
    choice,
    decision,
    finite,
    function,
    noise,
    normal,
    parameter,
    parameters,
    series,
    table,
    uniform,
    utility,
    variable,
    variables,
)
from causalopt.exchange import ModelQuestion, ModelRecord, read_model, write_model
from causalopt.study import model_files
from causalopt.study.needs import missing_extras

T, R, x, y, u = variables("T R x y u")
k, d, s = parameters("k d s")
time = co.time


def again(folder, model, *questions):
    """The model that is read back."""
    write_model(folder / "again.toml", model, questions)
    record = read_model(folder / "again.toml")
    assert record.questions == questions
    return record.model


# -- what is read ----------------------------------------------------------------------------------

ROOM = """
title = "A room"
source = "a post"
[parameters]
k = 0.1
d = {value = "250*k", unit = "degC"}
[noises.e]
normal = [0, "k"]
[variables.T]
unit = "degC"
next = "R - d"
start = 10
[variables.R]
unit = "degC"
next = "R - k*T + e"
start = "T + 25"
[[questions]]
A = "T"
n = "R[0]"
m = "R"
steps = 20
delta = 1e-3
over = {k = [0.1, 0.2], "T[0]" = {from = 0, to = 1, count = 3}}
[[questions]]
A = ["T[2:5]", "T[7]"]
n = "R[1]"
m = "R[9]"
"""


def test_a_system_in_steps(tmp_path):
    record = read_text_of(tmp_path, ROOM)
    T, R = variables("T R", unit="degC")
    k, d = parameter("k"), parameter("d", "degC")
    room = System(
        {T: R - d, R: R - k * T + noise("e", normal(0, k))},
        start={T: 10, R: T + 25},
        parameters={k: 0.1, d: 250 * k},
    )
    asked = (
        ModelQuestion(T, R[0], R, 20, 1e-3, {k: (0.1, 0.2), T[0]: (0.0, 0.5, 1.0)}),
        ModelQuestion((T[2:5], T[7]), R[1], R[9]),
    )
    assert record.model.variables == (T, R)
    # The law is of 0, as a number of the file is a float.
    law = noise("e", normal(0.0, k))
    exact = System({**room.mechanisms, R: R - k * T + law}, start=room.start,
                   parameters=room.parameters)  # fmt: skip
    assert record == ModelRecord("model", "A room", "a post", exact, asked)


READ = {
    "rates": (
        'dt = 0.01\nmethod = "rk4"\n[variables.x]\nrate = "u - x"\nstart = 1\n'
        '[variables.u]\nequals = "-2*x"\n',
        System.from_ode({x: u - x}, algebraic={u: -2 * x}, start={x: 1}, dt=0.01, method="rk4"),
    ),
    "euler": (
        'dt = 0.5\n[variables.x]\nrate = "-x"\nstart = 1\n',
        System.from_ode({x: -x}, start={x: 1}, dt=0.5),
    ),
    "dt of its own": (
        'dt = "s"\n[parameters]\ns = 0.5\n[variables.x]\nrate = "-x"\nstart = 1\n',
        System.from_ode({x: -x}, start={x: 1}, dt=s, parameters={s: 0.5}),
    ),
    "delays": (
        '[variables.x]\nnext = "x.lag(3) + y.next"\nstart = 1\nhistory = "sin(time)"\n'
        '[variables.y]\nnext = "x/2"\nstart = 0\n',
        System({x: x.lag(3) + y.next, y: x / 2}, start={x: 1, y: 0}, history={x: sympy.sin(time)}),
    ),
    "events": (
        'dt = 0.1\nmethod = "rk4"\n[variables.x]\nrate = "y"\nstart = 1\n[variables.y]\n'
        'rate = "-9.81"\nstart = 0\n[[events]]\nwhen = "x < 0"\nset = {y = "-y/2"}\n',
        System.from_ode({x: y, y: -9.81}, start={x: 1, y: 0}, dt=0.1, method="rk4",
                        events=[Event(x < 0, {y: -y / 2})]),
    ),
    "a network": (
        '[variables.x]\nstart = 2\n[variables.y]\nequals = "x**2"\n[variables.u]\nequals = 3\n',
        Network({y: x**2, u: 3}, start={x: 2}),
    ),
    "assumptions": (
        "[variables.z]\nassume = {positive = true}\nstart = 2\n",
        Network({}, start={variable("z", positive=True): 2}),
    ),
    "names": (
        '[variables."heat flow"]\nnext = "\'heat flow\'/2"\nstart = 2\n',
        System({variable("heat flow"): variable("heat flow") / 2},
               start={variable("heat flow"): 2}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_what_is_read_is_what_python_declares(case, tmp_path):
    text, wanted = READ[case]
    assert read_text_of(tmp_path, text).model == wanted


def test_tables_are_read(tmp_path):
    text = """
    [variables.T]
    values = ["on", "off"]
    next = {table = ["R"], rows = {hot = "off", cold = "on"}}
    start = "on"
    [variables.R]
    values = ["hot", "cold"]
    start = "hot"
    [variables.R.next]
    table = ["T.next", "R"]
    [variables.R.next.rows]
    on = {hot = "hot", cold = {hot = "1/3", cold = "2/3"}}
    off = {hot = {hot = "1/2", cold = "1/2"}, cold = "cold"}
    """
    T, R = finite("T", ["on", "off"]), finite("R", ["hot", "cold"])
    third, half = sympy.Rational(1, 3), sympy.Rational(1, 2)
    rows = {"on": {"hot": "hot", "cold": {"hot": third, "cold": 2 * third}},
            "off": {"hot": {"hot": half, "cold": half}, "cold": "cold"}}  # fmt: skip
    wanted = System({T: table(R, {"hot": "off", "cold": "on"}), R: table((T.next, R), rows)},
                    start={T: "on", R: "hot"})  # fmt: skip
    assert read_text_of(tmp_path, text).model == wanted


# -- there and back --------------------------------------------------------------------------------

Fin, Num = finite("F", ["a", "b c", "d"], unit="m"), finite("N", [1, "1", 2])
eps = sympy.Symbol("epsilon", positive=True)
a, b, c = variables("a b c")
KEPT = {
    "decimals": System({x: 0.1 * x + 1e-300 * y, y: x / 3}, start={x: 1 / 3, y: -1e22}),
    "rates of a parameter": System.from_ode({x: -k * x}, start={x: s}, parameters={k: s / 2, s: 3},
                                            dt=0.1),
    "steps of time": System({x: x + sympy.sin(time)}, start={x: 1}, dt=0.25),
    "units": System({variable("v", "m"): parameter("w", "m")}, start={variable("v", "m"): 1},
                    parameters={parameter("w", "m"): 2}),
    "assumed": System({variable("v", integer=True, positive=True): 2 * s},
                      start={variable("v", integer=True, positive=True): 3},
                      parameters={s: 1}),
    "names": System({variable("a b"): variable('q"\'\\'), variable('q"\'\\'): variable("if").next,
                     variable("if"): variable("θ\n") + variable("[x]"), variable("θ\n"): 1,
                     variable("[x]"): parameter("pi")},
                    start={variable(n): 1 for n in ("a b", 'q"\'\\', "if", "θ\n", "[x]")},
                    parameters={parameter("pi"): 3}),
    "laws": System({x: x + noise("e", normal(1, 2)) + noise("f", uniform(-1, 1)),
                    y: noise("g", choice([1, 2.5], [0.25, 0.75]), unit="m")},
                   start={x: 0, y: 0}),
    "laws of parameters": System({x: noise("e", normal(k, 2 * s)) + noise("f", uniform(0, s)),
                                  y: noise("g", choice([1, s], [k, 1 - k]))},
                                 start={x: 0, y: 0}, parameters={k: 0.5, s: 2}),
    "series": System({x: series("w", [1, 2, 3]), y: series("v", [0.5, 1.5])}, start={x: 0, y: 0}),
    "named values": System({Fin: Fin, Num: table((Num, Fin), {
        (n, f): (n if f == "a" else {1: 0.5, "1": 0.25, 2: 0.25})
        for n in Num.values for f in Fin.values})}, start={Fin: "b c", Num: "1"}),
    "cases of named values": System({Fin: sympy.Piecewise((Fin, Fin > 1), (2, True))},
                                    start={Fin: "a"}),
    "exact chances": Network({Fin: table((), {"a": eps / eps / 3, "d": 2 * eps / eps / 3})}),
    "chances with symbols": Network({Fin: table((), {"a": eps, "d": 1 - eps})}),
    "an influence diagram": Network({
        Fin: table((), {"a": 0.25, "b c": 0.25, "d": 0.5}),
        Num: decision(Fin),
        u: utility((Fin, Num), {(f, n): sympy.Rational(i, 7) for i, (f, n) in enumerate(
            (f, n) for f in Fin.values for n in Num.values)}),
        y: utility(Num, {1: 0.5, "1": -1.5, 2: 0})}),
    "a network": Network({c: a * b + k, b: sympy.sin(a)}, start={a: 2},
                         parameters={k: 3, s: 2 * k}),
    "a root that is a formula": Network({c: a + b}, start={a: 2, b: a / 2}),
    "a network with noise": Network({c: a + noise("e", normal())}, start={a: 1}),
    "events in steps": System({x: x + 1, y: y}, start={x: 0, y: 0}, events=[
        Event((x > 3) & (time < 9), {x: 0, y: y + 1}), Event(sympy.Ne(x, y), {y: x})]),
    "delays": System.from_ode({x: -x.lag(0.5)}, start={x: 1}, history={x: sympy.cos(time)}, dt=0.1,
                              method="rk4"),
    "starts and equations": System.from_ode({x: u}, algebraic={u: -2 * x, y: u + x},
                                            start={x: 3}, dt=0.1),
    "a tidy and an untidy sum": System({x: sympy.Mul(2, x + y, evaluate=False), y: 2 * (x + y)},
                                       start={x: 1, y: 1}),
    "no parts": System({x: 1.5, y: 2}, start={x: 1, y: 1}),
}  # fmt: skip


@pytest.mark.parametrize("case", KEPT)
def test_what_is_written_is_read_back_as_equal(case, tmp_path):
    model = KEPT[case]
    found = again(tmp_path, model)
    assert found == model
    assert repr(found) == repr(model)
    tomllib.loads((tmp_path / "again.toml").read_text(encoding="utf-8"))


def test_what_is_asked_is_read_back_as_equal(tmp_path):
    system = System({x: y, y: x}, start={x: 1, y: 0}, parameters={k: 1}, dt=0.5)
    asked = (
        ModelQuestion(x, y[0], y, steps=5),
        ModelQuestion((x[1:4], x.at(3.5)), y[2], y.between(0, 2), delta=-0.25),
        ModelQuestion([x, x[2:]], m=y[3], over={k: [1, 2], y[0]: np.array([0.5, 1.5])}),
        ModelQuestion(x, n=y[1], steps=5),
    )
    assert again(tmp_path, system, *asked) == system


@functools.cache
def models_of(path):
    """The systems and networks that a model file declares."""
    held = runpy.run_path(str(path))
    named = [value for value in held.values() if isinstance(value, System | Network)]
    own = held["study"].system
    return list(dict.fromkeys([*named, own] if own is not None else named))


# What these declare are functions of arrays, which are Python, or nothing at all; and those that
# take long to load have none either.
WITHOUT_TWIN = {
    "arrays and functions": ("influence_of_data", "localization", "mode_collapse",
                             "network_of_a_thermostat", "neural_thermostat", "training_op"),
    "no system": ("derive_comp_and_op", "derive_current", "derive_free_energy",
                  "derive_invariances", "enthalpy_tax", "imaginary_time", "stirling"),
}  # fmt: skip


def with_twins():
    """The models that have one; the largest, 61 formulas of 300 letters, in the long run alone."""
    without = {name for group in WITHOUT_TWIN.values() for name in group}
    marks = {"explicit_scheme": [pytest.mark.long]}
    names = [name for name in model_files() if name not in without]
    return [pytest.param(name, marks=marks.get(name, [])) for name in names]


@pytest.mark.parametrize("name", with_twins())
def test_every_model_of_the_package_has_a_twin_in_text(name, tmp_path):
    path = model_files()[name]
    if missing_extras(path):
        pytest.skip(f"needs {missing_extras(path)}")
    models = models_of(path)
    assert models
    for model in models:
        assert again(tmp_path, model) == model


def test_models_without_a_twin_declare_no_formulas():
    # Of those that are quick to load: nothing of what they hold would have a twin.
    for name in WITHOUT_TWIN["no system"]:
        assert not models_of(model_files()[name])


@given(seed=st.integers(0, 10**9))
@settings(max_examples=40, deadline=None)
def test_declarations_at_random_are_read_back_as_equal(seed, tmp_path_factory):
    draw = random.Random(seed)
    made = [Made(seed + i).number(draw.randint(1, 3)) for i in range(2)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names = {v: variable(v.name) for v in (x, y, variable("z"))}
            system = System(
                {x: made[0], y: made[1].xreplace({x.next: x}), variable("z"): x / 2},
                start=dict.fromkeys(names, draw.choice([1, 0.5, -2.25])),
                parameters={k: draw.choice([1, s]), s: 2.5},
            )
    except CausaloptError:
        return
    assert again(tmp_path_factory.mktemp("made"), system) == system


def test_what_the_fuzz_of_declarations_makes_is_read_back_or_refused(tmp_path):
    written = 0
    for number in range(100):
        guess = Guess(number)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = guess.system()
        except CausaloptError:
            continue
        try:
            write_model(tmp_path / "m.toml", model)
        except DeclarationError:
            continue
        assert read_model(tmp_path / "m.toml").model == model
        written += 1
    assert written > 30


# -- what no text says -----------------------------------------------------------------------------

h = co.array("h", (3,))
unrolled = System({x: x / 2}, start={x: 1}).unroll(2)
REFUSED = {
    "a function": (System({h: function(lambda h: h)(h)}, start={h: jnp.ones(3)}),
                   "h .*function|array"),
    "an array as a parameter": (
        System({x: x}, start={x: 1}, parameters={k: np.ones(2)}), "the parameter k"),
    "a law of scipy": (
        System({x: noise("e", stats.gamma(2.5))}, start={x: 1}), "The noise e has the law gamma"),
    "labels": (Network.from_arrays([lambda u: 2 * u], [-1, 0], [[-1], [0]], start=1),
               "The node 0 .* is no variable"),
    "an unrolled system": (unrolled, r"The node x\[0\]"),
    "digits": (System({x: sympy.Float("0.1", 40) * x}, start={x: 1}), "x: .*more digits"),
    "functions without a name": (
        System({x: sympy.expint(2, x)}, start={x: 1}), "x: .*uses expint"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_text_says_is_refused_by_name(case, tmp_path):
    model, told = REFUSED[case]
    with pytest.raises(DeclarationError, match=told):
        write_model(tmp_path / "m.toml", model)
    assert not list(tmp_path.iterdir())


def test_what_is_no_model_and_no_question_is_refused(tmp_path):
    with pytest.raises(DeclarationError, match="is no model"):
        write_model(tmp_path / "m.toml", {x: x})
    system = System({x: x}, start={x: 1})
    for asked in (ModelQuestion(h.part[0], x[0], x), ModelQuestion("x", x[0], x)):
        with pytest.raises(DeclarationError, match="names no nodes"):
            write_model(tmp_path / "m.toml", system, [asked])
    with pytest.raises(DeclarationError, match="is swept"):
        write_model(tmp_path / "m.toml", system, [ModelQuestion(x, x[0], x, over={k: (np.nan,)})])
    assert not list(tmp_path.iterdir())


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path):
    path = tmp_path / "m.toml"
    write_model(path, System({x: x}, start={x: 1}))
    before = path.read_text()
    with pytest.raises(DeclarationError):
        write_model(path, REFUSED["a function"][0])
    assert path.read_text() == before
    with pytest.raises(FileError, match="there is no folder"):
        write_model(tmp_path / "none" / "m.toml", System({x: x}, start={x: 1}))
    assert list(tmp_path.iterdir()) == [path]


def test_a_declaration_in_another_order_is_refused_in_words(tmp_path):
    # Roots come first in a declaration by formulas; this one was made otherwise.
    network = Network.from_arrays(
        [lambda u: 2 * u], [0, -1], [[1], [-1]], start=1, labels=[variable("p"), variable("q")]
    )
    with pytest.raises(DeclarationError, match="would be read as another model"):
        write_model(tmp_path / "m.toml", network)


def test_a_tolerance_is_read_back_and_auto_chooses(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text('dt = 1\nmethod = "auto"\n[variables.x]\nrate = "-x"\nstart = 1\n')
    (x,) = variables("x")
    system = System.from_ode({x: -x}, start={x: 1}, dt=1, method="auto")
    assert read_model(path).model == system
    write_model(path, system)
    assert "tolerance = 1e-09" in path.read_text()
    assert read_model(path).model == system
    path.write_text('tolerance = 1e-9\n[variables.x]\nnext = "x"\nstart = 1\n')
    with pytest.raises(FileError, match="line 1, column 1: a tolerance is of rates"):
        read_model(path)
