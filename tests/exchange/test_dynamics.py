"""Stock-and-flow models: published trajectories, and each feature beside a loop in plain Python."""

import csv
import math
import warnings
from collections import deque

import numpy as np
import pytest
from beside import folder_of, needs
from exchange.stock_models import read, simple, trajectories, variable, vensim, xmile
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import DeclarationError, FileError, System, parameter, run, variables
from causalopt.exchange import read_vensim, read_xmile, steps_of

PUBLISHED = folder_of("data", "models", "sd")
MODELS = sorted(p.name for p in PUBLISHED.iterdir() if p.suffix in (".mdl", ".xmile")) if (
    PUBLISHED) else ["none"]  # fmt: skip


def values_of(system):
    return {str(parameter): value for parameter, value in system.parameter_values.items()}


# -- published models ------------------------------------------------------------------------------


@needs(PUBLISHED)
@pytest.mark.parametrize("name", MODELS)
def test_published_trajectories_are_reproduced(name):
    read_it = read_vensim if name.endswith(".mdl") else read_xmile
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        system = read_it(PUBLISHED / name)
    ran = trajectories(system)
    constants = values_of(system)
    assert not ran.keys() & constants.keys()
    with (PUBLISHED / f"{name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 5
    columns = rows[0].keys() - {"time"}
    assert columns == ran.keys() | constants.keys()
    step, first = constants["TIME STEP"], constants["INITIAL TIME"]
    for row in rows:
        at = round((float(row["time"]) - first) / step)
        for column in columns:
            found = constants[column] if column in constants else ran[column][at]
            assert found == pytest.approx(float(row[column]), rel=1e-12, abs=0), (column, row)


@needs(PUBLISHED)
def test_one_model_in_two_formats_is_one_system(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        systems = [read_vensim(PUBLISHED / "teacup.mdl"), read_xmile(PUBLISHED / "teacup.xmile")]
    # One of them has units.
    assert sorted(repr(systems[0]).split("\n")) == sorted(repr(systems[1]).split("\n"))


# -- what is what ----------------------------------------------------------------------------------

CUP = """
Cup = INTEG(-Loss + 0 * Heat, Warm)
Loss = (Cup - Room) / Slowness
Heat = 2 * Half + Cup - Cup
Half = Slowness / 2
Warm = Room + 70
Room = 20
Slowness = 8
"""
CUP_XML = (
    variable("stock", "Cup", "Warm", flows=[("outflow", "Loss")]).replace("</stock>", "</stock>"),
    variable("flow", "Loss", "(Cup - Room) / Slowness"),
    variable("aux", "Heat", "2 * Half + Cup - Cup"),
    variable("aux", "Half", "Slowness / 2"),
    variable("aux", "Warm", "Room + 70"),
    variable("aux", "Room", "20"),
    variable("aux", "Slowness", "8"),
)


def test_stocks_equations_and_constants(tmp_path):
    system = read(tmp_path, vensim(CUP))
    assert {str(v) for v in system.rated} == {"Cup"}
    assert {str(v) for v in system.algebraic} == {"Loss", "Heat"}
    assert values_of(system) == values_of(read(tmp_path, xmile(*CUP_XML)))
    assert values_of(system)["Half"] == 4.0
    assert str(system.dt) == "TIME STEP"
    assert steps_of(system) == 20
    # Constants that are formulas follow a change of what they are made of.
    room, slowness = (p for p in system.parameters if str(p) in ("Room", "Slowness"))
    other = system.with_parameters({room: 0.0, slowness: 4.0})
    assert values_of(other)["Warm"] == 70.0
    cup, found = 70.0, trajectories(other)["Cup"]
    for k in range(21):
        assert found[k] == pytest.approx(cup, rel=1e-12)
        cup += 0.5 * -(cup - 0.0) / 4.0


def test_both_formats_give_equal_systems(tmp_path):
    lean = CUP.replace(" + 0 * Heat", "")
    assert read(tmp_path, vensim(lean)) == read(tmp_path, xmile(*CUP_XML))


def test_steps_are_known_of_what_was_read_alone(tmp_path):
    (x,) = variables("x")
    with pytest.raises(DeclarationError, match="was not read"):
        steps_of(System({x: x / 2}, start={x: 1}))


def test_names_are_one_whatever_blanks_and_letters_they_have(tmp_path):
    system = read(tmp_path, vensim('Tea cup = INTEG(-"tea_CUP", 1)\nworld = tea  cup * 2'))
    ran = trajectories(system)
    # "world" is a dim of results.
    assert ran["world_"] == pytest.approx(2 * ran["Tea cup"], rel=1e-15)
    odd = r'"a \"b\" | \ ~ ^c"'
    ran = trajectories(read(tmp_path, vensim(f"{odd} = INTEG({odd}, 1)")))
    assert ran[r'a "b" | \ ~ ^c'][1] == 1.5
    text = xmile(variable("stock", r"Tea\ncup", "1", flows=[("outflow", "x")]),
                 variable("flow", "x", '"Tea cup" + Tea_cup'))  # fmt: skip
    assert trajectories(read(tmp_path, text))["Tea cup"][1] == 0.0


def test_time_begins_where_the_file_says(tmp_path):
    for text in (
        vensim("a = INTEG(Time, Time * 2)\ny = Time", start=5, stop=8, dt=0.25),
        xmile(variable("stock", "a", "TIME * 2", flows=[("inflow", "y")]),
              variable("flow", "y", "TIME"), start=5, stop=8, dt=0.25),
    ):  # fmt: skip
        ran = trajectories(read(tmp_path, text))
        assert ran["y"] == pytest.approx(5 + 0.25 * np.arange(13), rel=1e-15)
        a = 10.0
        for k in range(13):
            assert ran["a"][k] == pytest.approx(a, rel=1e-14)
            a += 0.25 * (5 + 0.25 * k)


def test_values_at_the_start_are_those_of_its_time(tmp_path):
    assert trajectories(read(tmp_path, simple("1 / Time", start=5)))["y"][0] == 0.2
    with pytest.raises(FileError, match="1 / 0 is no finite number at the start"):
        read(tmp_path, simple("1 / (Time - 5)", start=5))


def test_a_step_may_be_written_as_its_reciprocal(tmp_path):
    text = xmile(*CUP_XML, dt=0.125)
    other = text.replace("<dt>0.125</dt>", '<dt reciprocal="true">8</dt>')
    assert read(tmp_path, other) == read(tmp_path, text)


def test_rk4_is_that_of_the_equations(tmp_path):
    body = "x = INTEG(v, 1)\nv = INTEG(-pull * x - Time, 0)\npull = 2 + x / 10"
    found = trajectories(read(tmp_path, vensim(body, method=1, start=1, stop=3, dt=0.25)))

    def rates(t, x, v):
        return v, -(2 + x / 10) * x - t

    t, state = 1.0, (1.0, 0.0)
    for k in range(9):
        assert (found["x"][k], found["v"][k]) == pytest.approx(state, rel=1e-13)
        h, slopes = 0.25, []
        for share in (0, 0.5, 0.5, 1):
            at = [s + share * h * (slopes[-1][i] if slopes else 0) for i, s in enumerate(state)]
            slopes.append(rates(t + share * h, *at))
        state = tuple(s + h / 6 * (a + 2 * b + 2 * c + d)
                      for s, a, b, c, d in zip(state, *slopes, strict=True))  # fmt: skip
        t += h


@pytest.mark.parametrize("kind", [3, 4])
def test_other_methods_are_refused(kind, tmp_path):
    with pytest.raises(FileError, match=r"line 10, column 1: .*Euler and RK4"):
        read(tmp_path, vensim(CUP, method=kind))
    with pytest.raises(FileError, match=r"column 22: the method is 'gear'"):
        read(tmp_path, xmile(*CUP_XML, method="gear"))
    assert read(tmp_path, xmile(*CUP_XML, method="gear, rk4")).method == "rk4"


# -- functions of time -----------------------------------------------------------------------------

TIMED = {
    "STEP(3, 2)": lambda t, h: 3.0 if t >= 2 else 0.0,
    "RAMP(2, 1, 4)": lambda t, h: 2.0 * max(0.0, min(t, 4) - 1),
    "PULSE(2, 1.5)": lambda t, h: float(2 <= t < 3.5),
    "PULSE(2, 0)": lambda t, h: float(2 <= t < 2 + h),
    "PULSE TRAIN(1, 0.5, 2, 6)": lambda t, h: float(1 <= t < 6 and (t - 1) % 2 < 0.5),
    "Time * TIME STEP": lambda t, h: t * h,
}
TIMED_XML = {
    "STEP(3, 2)": TIMED["STEP(3, 2)"],
    "RAMP(2, 1)": lambda t, h: 2.0 * max(0.0, t - 1),
    "RAMP(2, 1, 4)": TIMED["RAMP(2, 1, 4)"],
    "PULSE(6, 2)": lambda t, h: 6 / h if t == 2 else 0.0,
    "PULSE(6, 2, 3)": lambda t, h: 6 / h if t >= 2 and (t - 2) % 3 == 0 else 0.0,
    # With an interval of 0 there is one: section 3.5.4 of XMILE 1.0.
    "PULSE(6, 2, 0)": lambda t, h: 6 / h if t == 2 else 0.0,
    "TIME * DT + STARTTIME - STOPTIME": lambda t, h: t * h + 0 - 10,
}


@pytest.mark.parametrize(
    ("dialect", "formula"),
    [("vensim", f) for f in TIMED] + [("xmile", f) for f in TIMED_XML],
)
@pytest.mark.parametrize("dt", [0.5, 0.125])
def test_functions_of_time(dialect, formula, dt, tmp_path):
    expected = (TIMED if dialect == "vensim" else TIMED_XML)[formula]
    found = trajectories(read(tmp_path, simple(formula, dialect, dt=dt)))["y"]
    times = np.arange(len(found)) * dt  # exact in binary
    assert found == pytest.approx([expected(t, dt) for t in times], rel=1e-13)


@pytest.mark.parametrize(
    ("dialect", "formula", "interval"),
    [
        ("vensim", "PULSE TRAIN(1, 0.5, 0, 6)", "0"),
        ("vensim", "PULSE TRAIN(1, 0.5, -2, 6)", "-2"),
        ("vensim", "PULSE TRAIN(1, 0.5, Time * 0, 6)", "0"),
        ("xmile", "PULSE(6, 2, -1)", "-1"),
        ("xmile", "PULSE(6, 2, TIME * 0)", "0"),
    ],
)
def test_an_interval_that_leads_to_no_next_pulse_is_told(dialect, formula, interval, tmp_path):
    told = f"line .*the interval from one pulse to the next is {interval} at the start: write one"
    with pytest.raises(FileError, match=told):
        read(tmp_path, simple(formula, dialect))


def test_a_step_begins_on_time_where_floats_are_rounded(tmp_path):
    # 0.1 is no float: 30 * 0.1 is above 3, and 6 * 0.1 above 0.6.
    text = simple("STEP(1, 0.6) + PULSE(3, 0.3)", dt=0.1, stop=4)
    found = trajectories(read(tmp_path, text))["y"]
    assert list(np.flatnonzero(np.diff(found))) == [5, 29, 32]


# -- smooths and delays ----------------------------------------------------------------------------


def smooth(inputs, delay, initial, order, dt):
    """An average that goes through stages, step by step."""
    stages = [initial] * order
    for x in inputs:
        yield stages[-1]
        before = [x, *stages[:-1]]
        stages = [s + dt * (b - s) / (delay / order) for s, b in zip(stages, before, strict=True)]


def delay(inputs, time, initial, order, dt):
    """What flows through levels."""
    each = time / order
    levels = [initial * each] * order
    for x in inputs:
        yield levels[-1] / each
        into = [x, *(level / each for level in levels[:-1])]
        levels = [lv + dt * (i - lv / each) for lv, i in zip(levels, into, strict=True)]


SMOOTHED = {
    "SMOOTH(w, 2)": ("SMTH1(w, 2)", smooth, 2, None, 1),
    "SMOOTHI(w, 2, 5)": ("SMTH1(w, 2, 5)", smooth, 2, 5, 1),
    "SMOOTH3(w, 3)": ("SMTH3(w, 3)", smooth, 3, None, 3),
    "SMOOTH3I(w, 3, 5)": ("SMTH3(w, 3, 5)", smooth, 3, 5, 3),
    "SMOOTH N(w, 4, 5, 4)": ("SMTHN(w, 4, 4, 5)", smooth, 4, 5, 4),
    "DELAY1(w, 2)": ("DELAY1(w, 2)", delay, 2, None, 1),
    "DELAY1I(w, 2, 5)": ("DELAY1(w, 2, 5)", delay, 2, 5, 1),
    "DELAY3(w, 3)": ("DELAY3(w, 3)", delay, 3, None, 3),
    "DELAY3I(w, 3, 5)": ("DELAY3(w, 3, 5)", delay, 3, 5, 3),
    "DELAY N(w, 4, 5, 4)": ("DELAYN(w, 4, 4, 5)", delay, 4, 5, 4),
}


@pytest.mark.parametrize("formula", SMOOTHED)
def test_smooths_and_delays_are_stocks(formula, tmp_path):
    other, model, time, initial, order = SMOOTHED[formula]
    lines = f"s = INTEG(w, 2)\nw = 3 + s * 0.1\ny = {formula}\nz = {formula} * 2"
    text = vensim(lines)
    system = read(tmp_path, text)
    ran = trajectories(system)
    first = ran["w"][0] if initial is None else initial
    assert ran["y"] == pytest.approx(list(model(ran["w"], time, first, order, 0.5)), rel=1e-12)
    assert ran["z"] == pytest.approx(2 * ran["y"], rel=1e-12)
    assert len(system.rated) == 1 + 2 * order
    again = read(tmp_path, xmile(
        variable("stock", "s", "2", flows=[("inflow", "w")]), variable("flow", "w", "3 + s * 0.1"),
        variable("aux", "y", other), variable("aux", "z", f"{other} * 2"),
    ))  # fmt: skip
    assert again == system


@pytest.mark.parametrize(("formula", "other"), [
    ("DELAY FIXED(w, 1.5, 7)", "DELAY(w, 1.5, 7)"),
    ("DELAY FIXED(w, 1.5, u)", "DELAY(w, 1.5, u)"),
    ("DELAY FIXED(w, k * 2, s)", "DELAY(w, k * 2, s)"),
])  # fmt: skip
def test_fixed_delays_look_back(formula, other, tmp_path):
    text = vensim(f"s = INTEG(w, 2)\nw = 3 + s * 0.1\nu = 9\nk = 0.75\ny = {formula}")
    system = read(tmp_path, text)
    ran = trajectories(system)
    before = {"7)": 7, "u)": 9, "s)": 2}[formula[-2:]]
    pipe = deque([before] * 3)
    for k, w in enumerate(ran["w"]):
        pipe.append(w)
        assert ran["y"][k] == pytest.approx(pipe.popleft(), rel=1e-14)
    again = xmile(
        variable("stock", "s", "2", flows=[("inflow", "w")]), variable("flow", "w", "3 + s * 0.1"),
        variable("aux", "u", "9"), variable("aux", "k", "0.75"), variable("aux", "y", other),
    )  # fmt: skip
    assert read(tmp_path, again) == system


def test_the_value_before_and_the_first(tmp_path):
    ran = trajectories(read(tmp_path, simple("PREVIOUS(TIME, -3)", "xmile")))["y"]
    assert ran == pytest.approx([-3, *(0.5 * np.arange(20))], rel=1e-15)
    text = xmile(
        variable("stock", "s", "4", flows=[("inflow", "f")]), variable("flow", "f", "1 + s"),
        variable("aux", "y", "INIT(s * 2) + s"),
    )  # fmt: skip
    ran = trajectories(read(tmp_path, text))
    assert ran["y"] == pytest.approx(8 + ran["s"], rel=1e-15)


def test_samples_trends_forecasts_and_present_values(tmp_path):
    lines = """
    s = INTEG(w, 2)
    w = 3 + s * 0.1
    sampled = SAMPLE IF TRUE(MODULO(Time, 2) < 0.25, w, -5)
    trend = TREND(w, 2, 0.1)
    forecast = FORECAST(w, 2, 3)
    npv = NPV(w, 0.1, 1, 2)
    """
    ran = trajectories(read(tmp_path, vensim(lines)))
    held, average, plain, summed, discount = -5.0, ran["w"][0] / 1.2, ran["w"][0], 1.0, 1.0
    for k, w in enumerate(ran["w"]):
        held = w if (0.5 * k) % 2 < 0.25 else held
        found = [ran[name][k] for name in ("sampled", "trend", "forecast", "npv")]
        assert found == pytest.approx([
            held, (w - average) / (2 * average), w * (1 + (w - plain) / (2 * plain) * 3),
            (summed + w * 0.5 * discount) * 2,
        ], rel=1e-12)  # fmt: skip
        average += 0.5 * (w - average) / 2
        plain += 0.5 * (w - plain) / 2
        summed += 0.5 * w * discount
        discount += 0.5 * -discount * 0.1 / (1 + 0.1 * 0.5)


# -- graphical functions ---------------------------------------------------------------------------

POINTS = [(-1.0, 2.0), (0.0, 0.5), (1.5, 3.0), (2.0, -1.0)]


def oracle(kind, x):
    xs, ys = zip(*POINTS, strict=True)
    if kind == "discrete":
        return ys[max(np.searchsorted(xs, x, side="right") - 1, 0)]
    if kind == "extrapolate" and x < xs[0]:
        return ys[0] + (x - xs[0]) * (ys[1] - ys[0]) / (xs[1] - xs[0])
    if kind == "extrapolate" and x > xs[-1]:
        return ys[-1] + (x - xs[-1]) * (ys[-1] - ys[-2]) / (xs[-1] - xs[-2])
    return np.interp(x, xs, ys)


@pytest.mark.parametrize("kind", ["continuous", "extrapolate", "discrete"])
def test_graphical_functions(kind, tmp_path):
    pairs = ",".join(f"({x},{y})" for x, y in POINTS)
    call = {"continuous": "f(s)", "extrapolate": "LOOKUP EXTRAPOLATE(f, s)",
            "discrete": "LOOKUP BACKWARD(f, s)"}[kind]  # fmt: skip
    gf = (f"<gf type='{kind}'><xpts>{','.join(str(x) for x, _ in POINTS)}</xpts>"
          f"<ypts sep=';'>{';'.join(str(y) for _, y in POINTS)}</ypts></gf>")  # fmt: skip
    texts = [
        vensim(f"f([(-1,-1)-(3,3)],{pairs})\ns = INTEG(1, -2)\ny = {call}", dt=0.125, stop=5),
        xmile(variable("stock", "s", "-2", flows=[("inflow", "i")]), variable("flow", "i", "1"),
              variable("aux", "y", "s", beside=gf), dt=0.125, stop=5),
    ]  # fmt: skip
    if kind == "continuous":
        xs, ys = zip(*POINTS, strict=True)
        flat = ",".join(map(str, (*xs, *ys)))
        texts.append(vensim(f"f({flat})\ns = INTEG(1, -2)\ny = f(s)", dt=0.125, stop=5))
        texts.append(vensim(f"s = INTEG(1, -2)\ny = WITH LOOKUP(s, ({pairs}))", dt=0.125, stop=5))
    for text in texts:
        ran = trajectories(read(tmp_path, text))
        expected = [oracle(kind, s) for s in ran["s"]]
        assert ran["y"] == pytest.approx(expected, rel=1e-13, abs=1e-15)


def test_points_are_spread_over_a_scale(tmp_path):
    gf = '<gf><xscale min="1" max="3"/><yscale min="0" max="9"/><ypts>0, 4,1</ypts></gf>'
    named = '<gf name="g"><xscale min="1" max="3"/><ypts>0, 4,1</ypts></gf>'
    text = xmile(variable("stock", "s", "0", flows=[("inflow", "i")]), variable("flow", "i", "1"),
                 variable("aux", "y", "s", beside=gf), named,
                 variable("aux", "z", "g(s) + LOOKUP(g, s)"), stop=4)  # fmt: skip
    ran = trajectories(read(tmp_path, text))
    expected = np.interp(ran["s"], [1, 2, 3], [0, 4, 1])
    assert ran["y"] == pytest.approx(expected, rel=1e-14)
    assert ran["z"] == pytest.approx(2 * expected, rel=1e-14)


# -- macros ----------------------------------------------------------------------------------------

MACRO = """
:MACRO: LAGGED(input, time)
LAGGED = INTEG((input - LAGGED) * gain, start) ~~|
gain = 1 / time ~~|
start = 10 ~~|
:END OF MACRO:
s = INTEG(w, 2)
w = 3 + s * 0.1
y = LAGGED(w, 2) + LAGGED(w * 2, 4)
"""


def test_each_use_of_a_macro_has_variables_of_its_own(tmp_path):
    ran = trajectories(read(tmp_path, vensim(MACRO)))
    first = second = 10.0
    for k, w in enumerate(ran["w"]):
        assert ran["y"][k] == pytest.approx(first + second, rel=1e-13)
        first += 0.5 * (w - first) / 2
        second += 0.5 * (2 * w - second) / 4
    assert {"LAGGED in y", "LAGGED in y (2)", "input of LAGGED in y"} <= ran.keys()


def test_macros_of_xmile(tmp_path):
    macro = (
        '<macro name="LAGGED"><parm>input</parm><parm>time</parm><eqn>kept + more</eqn><variables>'
        + variable("stock", "kept", "10", flows=[("inflow", "change")])
        + variable("flow", "change", "(input - kept) / time") + variable("aux", "more", "g(input)")
        + '<gf name="g"><xscale min="0" max="10"/><ypts>0,1</ypts></gf></variables></macro>'
    )  # fmt: skip
    text = xmile(variable("stock", "s", "2", flows=[("inflow", "w")]),
                 variable("flow", "w", "3 + s * 0.1"), variable("aux", "y", "LAGGED(w, 2)"),
                 before=macro)  # fmt: skip
    ran, kept = trajectories(read(tmp_path, text)), 10.0
    for k, w in enumerate(ran["w"]):
        assert ran["y"][k] == pytest.approx(kept + min(w, 10) / 10, rel=1e-13)
        kept += 0.5 * (w - kept) / 2


# -- arrays ----------------------------------------------------------------------------------------

ARRAYS = """
Region: North, South
Age: (g1-g3)
rate[Region, Age] = 1, 2, 3; 4, 5, 6;
people[Region, Age] = INTEG(rate[Region, Age] * people[Region, Age] * 0.01 + moved[Region], 100)
moved[North] = -people[North, g1] * 0.1
moved[South] = people[North, g1] * 0.1
total[Region] = SUM(people[Region, Age!])
world total = SUM(people[Region!, Age!])
mixed[Age] = SUM(rate[Region!, Age] * people[Region!, Age]) / PROD(rate[Region!, Age])
most = VMAX(people[Region!, Age!]) - VMIN(people[Region!, g2])
nested = SUM(people[Region!, g1] * SUM(rate[Region!, Age!]) + SUM(rate[North, Age!]))
count = ELMCOUNT(Age)
"""


def test_arrays_are_variables_of_their_elements(tmp_path):
    system = read(tmp_path, vensim(ARRAYS))
    ran = trajectories(system)
    rate = np.array([[1, 2, 3], [4, 5, 6]], float)
    people = np.full((2, 3), 100.0)
    for k in range(21):
        found = [[ran[f"people[{r}, g{a}]"][k] for a in (1, 2, 3)] for r in ("North", "South")]
        assert np.allclose(found, people, rtol=1e-12, atol=0)
        sums = [ran[f"total[{r}]"][k] for r in ("North", "South")]
        assert sums == pytest.approx(people.sum(1), rel=1e-12)
        assert ran["world total"][k] == pytest.approx(people.sum(), rel=1e-12)
        mixed = (rate * people).sum(0) / rate.prod(0)
        assert [ran[f"mixed[g{a}]"][k] for a in (1, 2, 3)] == pytest.approx(mixed, rel=1e-12)
        most = people.max() - people[:, 1].min()
        assert ran["most"][k] == pytest.approx(most, rel=1e-9)
        nested = people[:, 0].sum() * rate.sum() + 2 * rate[0].sum()
        assert ran["nested"][k] == pytest.approx(nested, rel=1e-12)
        moved = people[0, 0] * 0.1 * np.array([[-1], [1]])
        people = people + 0.5 * (rate * people * 0.01 + moved)
    assert values_of(system)["count"] == 3


def test_arrays_of_xmile(tmp_path):
    dims = ('<dimensions><dim name="Region"><elem name="North"/><elem name="South"/></dim>'
            '<dim name="Age" size="3"/></dimensions>')  # fmt: skip
    both = '<dimensions><dim name="Region"/><dim name="Age"/></dimensions>'
    rates = "".join(f'<element subscript="{r}, {a + 1}"><eqn>{i * 3 + a + 1}</eqn></element>'
                    for i, r in enumerate(("North", "South")) for a in range(3))  # fmt: skip
    text = xmile(
        variable("stock", "people", "100", flows=[("inflow", "grown")], beside=both),
        variable("flow", "grown", "rate[Region, Age] * people[Region, Age] * 0.01", beside=both),
        f'<aux name="rate">{both}{rates}</aux>',
        variable("aux", "total", "SUM(people[Region, *])",
                 beside='<dimensions><dim name="Region"/></dimensions>'),
        variable("aux", "all", "SUM(people) + MEAN(rate[*, 2]) + SIZE(people) + people[2, 1]"),
        before=dims,
    )  # fmt: skip
    ran = trajectories(read(tmp_path, text))
    rate = np.array([[1, 2, 3], [4, 5, 6]], float)
    people = np.full((2, 3), 100.0)
    for k in range(21):
        sums = [ran[f"total[{r}]"][k] for r in ("North", "South")]
        assert sums == pytest.approx(people.sum(1), rel=1e-12)
        expected = people.sum() + 3.5 + 6 + people[1, 0]
        assert ran["all"][k] == pytest.approx(expected, rel=1e-12)
        people = people * (1 + 0.5 * rate * 0.01)
    assert "people[South, Age 3]" in ran


# -- never negative --------------------------------------------------------------------------------


def test_a_stock_that_is_never_negative_lets_out_what_is_in_it(tmp_path):
    text = xmile(
        variable("stock", "s", "2", beside="<non_negative/>",
                 flows=[("inflow", "i"), ("outflow", "o"), ("outflow", "p")]),
        variable("flow", "i", "1 + 0 * s"), variable("flow", "o", "1.2 * TIME"),
        variable("flow", "p", "TIME - 1", beside="<non_negative/>"),
    )  # fmt: skip
    ran, s = trajectories(read(tmp_path, text)), 2.0
    for k in range(21):
        room = s / 0.5 + 1
        o = min(1.2 * 0.5 * k, room)
        p = min(max(0.5 * k - 1, 0), room - o)
        assert [ran[n][k] for n in "sop"] == pytest.approx([s, o, p], rel=1e-12, abs=1e-12)
        s += 0.5 * (1 - o - p)
    assert ran["s"].min() > -1e-12
    behavior = "<behavior><stock><non_negative/></stock></behavior>"
    plain = text.replace("<non_negative/>", "", 1).replace("<model>", f"{behavior}<model>")
    assert read(tmp_path, plain) == read(tmp_path, text)
    with pytest.raises(FileError, match="whole steps: use Euler"):
        read(tmp_path, text.replace('"euler"', '"rk4"'))


@pytest.mark.parametrize("inflow", ["1 - TIME", "s - 2 * TIME", "-3"])
def test_an_inflow_that_is_negative_takes_no_more_out_than_there_is(inflow, tmp_path):
    """And no flow that is never negative turns round to make up for it."""
    text = xmile(
        variable("stock", "s", "2", beside="<non_negative/>",
                 flows=[("inflow", "i"), ("inflow", "j"), ("outflow", "o")]),
        variable("flow", "i", f"{inflow} + 0 * s"), variable("flow", "j", "-0.5 + 0 * s"),
        variable("flow", "o", "0.4", beside="<non_negative/>"),
    )  # fmt: skip
    ran, s = trajectories(read(tmp_path, text)), 2.0
    for k in range(21):
        wanted = {"1 - TIME": 1 - 0.5 * k, "s - 2 * TIME": s - k, "-3": -3}[inflow]
        i = max(wanted, -s / 0.5)
        j = max(-0.5, -(s / 0.5 + i))
        o = min(0.4, s / 0.5 + i + j)
        assert [ran[n][k] for n in "sijo"] == pytest.approx([s, i, j, o], rel=1e-12, abs=1e-12)
        s += 0.5 * (i + j - o)
    assert min(ran["s"].min(), ran["o"].min()) > -1e-12


def test_a_flow_one_way_into_a_stock_is_left_as_it_is(tmp_path):
    flows = [("inflow", "i"), ("inflow", "j")]
    stock = variable("stock", "s", "2", beside="<non_negative/>", flows=flows)
    one_way = variable("flow", "i", "TIME", beside="<non_negative/>"), variable("flow", "j", "3")
    told = repr(read(tmp_path, xmile(stock, *one_way)))
    assert "i = Max(0, INITIAL TIME + t)" in told
    assert "j = 3.0" in told


@pytest.mark.parametrize(("stock", "told"), [
    (variable("stock", "s", "-3", beside="<non_negative/>"), "never negative and starts from -3"),
    (variable("stock", "s", "1", beside='<gf><xscale min="0" max="1"/><ypts>1,2</ypts></gf>'),
     "the stock 's' has a graphical function"),
    (variable("stock", "s", "1", flows=[("inflow", "i")])
     + variable("flow", "i", "DELAY(s, -2)"), "a delay of -2 is below 0"),
    (variable("stock", "s", "1") + variable("aux", "a", "2", flows=[("inflow", "s")]),
     "'a' is of the kind aux, and has the element inflow, which is not read there"),
    (variable("stock", "s", "1") + variable("aux", "a", "2", beside="<non_negative/>"),
     "'a' is of the kind aux, and has the element non_negative"),
])  # fmt: skip
def test_what_means_nothing_where_it_stands_is_refused(stock, told, tmp_path):
    with pytest.raises(FileError, match=told):
        read(tmp_path, xmile(stock))


# -- chance ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dialect", "formula", "mean", "deviation", "least", "most"), [
    ("vensim", "RANDOM UNIFORM(a, 5, 1)", 4, 2 / math.sqrt(12), 3, 5),
    ("vensim", "RANDOM 0 1()", 0.5, 1 / math.sqrt(12), 0, 1),
    ("vensim", "RANDOM NORMAL(-1, 1, 0, 1, 3)", 0, 0.5396, -1, 1),
    ("xmile", "NORMAL(a, 2)", 3, 2, -10, 16),
    ("xmile", "EXPRND(a)", 3, 3, 0, 60),
    ("xmile", "POISSON(4)", 4, 2, 0, 30),
    ("xmile", "UNIFORM(1, 2)", 1.5, 1 / math.sqrt(12), 1, 2),
])  # fmt: skip
def test_draws_follow_their_laws(dialect, formula, mean, deviation, least, most, tmp_path):
    system = read(tmp_path, simple(formula, dialect, stop=4000, dt=1))
    drawn = run(system.world(steps=4000, seed=1)).y.values.ravel()[1:]
    assert drawn.min() >= least
    assert drawn.max() <= most
    # Of 4000 draws: five deviations of a mean, and as many of a deviation.
    assert drawn.mean() == pytest.approx(mean, abs=5 * deviation / math.sqrt(4000))
    assert drawn.std() == pytest.approx(deviation, rel=0.15)
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.1
    other = run(system.world(steps=4000, seed=2)).y.values.ravel()[1:]
    assert abs(np.corrcoef(drawn, other)[0, 1]) < 0.1


def test_a_draw_begins_with_its_median_and_is_one_for_all_who_read_it(tmp_path):
    text = vensim("a = INTEG(y, 0)\ny = RANDOM UNIFORM(2, 4, 1)\nz = y * y")
    ran = trajectories(read(tmp_path, text))
    assert ran["y"][0] == 3
    assert ran["z"] == pytest.approx(ran["y"] ** 2, rel=1e-14)
    assert ran["a"] == pytest.approx([0, *np.cumsum(0.5 * ran["y"])[:-1]], rel=1e-12)


# -- units -----------------------------------------------------------------------------------------

MEASURED = """
s = INTEG(flow, 1) ~ {} ~ told|
flow = s / time constant ~ person/Year ~|
time constant = 4 ~ Years [0,?] ~|
INITIAL TIME = 0 ~ Year ~|
FINAL TIME = 3 ~ Year ~|
TIME STEP = 0.5 ~ Year ~|
\\\\\\---/// sketch
22:Year,Years
"""


def test_units_are_kept_where_they_agree(tmp_path):
    path = tmp_path / "m.mdl"
    path.write_text(MEASURED.format("person"))
    system = read_vensim(path)
    assert {v.name: v.unit for v in (*system.variables, *system.parameters)} == {
        "s": "person", "flow": "person/Year", "time constant": "Year", "INITIAL TIME": "Year",
        "FINAL TIME": "Year", "TIME STEP": "Year",
    }  # fmt: skip


@pytest.mark.parametrize(("unit", "why"), [
    ("metre", "they do not agree: The mechanism of s has another unit: flow is in person"),
    ("happy people", "'happy people' is no unit that is understood"),
])  # fmt: skip
def test_units_that_are_left_out_are_told(unit, why, tmp_path):
    path = tmp_path / "m.mdl"
    path.write_text(MEASURED.format(unit))
    with pytest.warns(RuntimeWarning, match=why):
        system = read_vensim(path)
    assert parameter("time constant", "Year" if "happy" in unit else "") in system.parameters


# -- by property -----------------------------------------------------------------------------------


# Steps are drawn so long that some are told: what is compared is the loop, not the solution.
@pytest.mark.filterwarnings("ignore::causalopt.ground.errors.LongStepsWarning")
@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.floats(-3, 3), min_size=3, max_size=3),
    st.floats(0.05, 0.5), st.integers(1, 6), st.floats(-2, 2),
)  # fmt: skip
def test_a_chain_of_stocks_is_the_loop_of_euler(tmp_path_factory, starts, dt, count, k):
    folder = tmp_path_factory.mktemp("chain")
    lines = [f"s{i} = INTEG(f{i} - s{i}, {s!r})\nf{i} = {k!r} * s{(i + 1) % 3} - Time"
             for i, s in enumerate(starts)]  # fmt: skip
    made = [variable("stock", f"s{i}", repr(s), flows=[("inflow", f"f{i}"), ("outflow", f"s{i}")])
            + variable("flow", f"f{i}", f"{k!r} * s{(i + 1) % 3} - TIME")
            for i, s in enumerate(starts)]  # fmt: skip
    clock = {"start": 1, "stop": 1 + count * dt, "dt": repr(dt)}
    system = read(folder, vensim("\n".join(lines), **clock))
    assert system == read(folder, xmile(*made, **clock))
    ran = run(system.world(steps=count))
    s = list(starts)
    for n in range(count + 1):
        found = [ran[f"s{i}"].values.ravel()[n] for i in range(3)]
        assert found == pytest.approx(s, rel=1e-9, abs=1e-9)
        f = [k * s[(i + 1) % 3] - (1 + n * dt) for i in range(3)]
        s = [s[i] + dt * (f[i] - s[i]) for i in range(3)]
