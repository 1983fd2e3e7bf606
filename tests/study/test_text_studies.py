"""Models in text, as a user of the terminal types their paths: run, shown and drawn."""

import json

import numpy as np
import pytest
import xarray as xr

from causalopt import op, steering_shares
from causalopt.exchange import read_model
from causalopt.plots.figures import figure
from causalopt.plots.labels import axis_label, value_label
from causalopt.study import load_model

ROOM = """
title = "A room"
source = "a post"
[parameters]
k = 0.1
[variables.T]
next = "R - 25"
start = 10
[variables.R]
next = "R - k*T - fan/5"
start = 35
[variables.fan]
next = "R/9"
start = 0
[[questions]]
A = "T"
n = "R[0]"
m = "R"
steps = 20
over = {k = [0.05, 0.1, 0.2], "T[0]" = {from = 0, to = 10, count = 4}}
"""
TWO = (
    ROOM.replace("steps = 20\n", "steps = 12\n").replace("over", "# over")
    + '[[questions]]\nA = ["T", "fan"]\nm = "R[5]"\n[[questions]]\nA = "T"\nn = "R[1]"\nsteps = 6\n'
)
NETWORK = """
[variables.a]
start = 1
[variables.b]
equals = "2*a"
[variables.c]
equals = "3*a - b/2"
[[questions]]
A = "b"
n = "a"
m = "c"
over = {a = [0.5, 1]}
"""
LAWN = """
[variables.rain]
values = ["yes", "no"]
equals = {table = [], rows = {yes = 0.25, no = 0.75}}
[variables.wet]
values = ["yes", "no"]
equals = {table = ["rain"], rows = {yes = "yes", no = {yes = 0.5, no = 0.5}}}
"""
SWING = "dt = 0.1\nmethod = 'rk4'\n[variables.x]\nrate = '-x'\nstart = 1\n"
FORMULAS = "[variables.a]\nstart = 1\n[variables.b]\nequals = '2*a'\n"
FILES = {"room.toml": ROOM, "two.toml": TWO, "network.toml": NETWORK, "lawn.toml": LAWN,
         "swing.toml": SWING, "formulas.toml": FORMULAS}  # fmt: skip


def test_a_file_is_run_with_what_its_question_asks_for(call, tmp_path):
    done = call("run", "room.toml")
    assert done.exit_code == 0, done.output
    assert "A room" in done.output
    folder = tmp_path / "results/room"
    made = {path.name for path in folder.iterdir()}
    figures = ("graph", "course", "differences", "op", "every_A", "shares", "landscape")
    assert {f"{name}.svg" for name in figures} <= made
    model = read_model("room.toml").model
    T, R, fan = model.variables
    (k,) = model.parameters
    with xr.open_dataset(folder / "op.nc") as data:
        exact = op(model, A=T, n=R[0], m=R, steps=20)
        np.testing.assert_allclose(data["op"], exact, rtol=1e-13)
        np.testing.assert_allclose(
            data["op"], -np.log(np.abs(data["comp"])), rtol=1e-10, atol=1e-14
        )
    with xr.open_dataset(folder / "every_A.nc") as data:
        each = [op(model, A=one, n=R[0], m=R[20]).item() for one in (T, fan)]
        np.testing.assert_allclose(data["op"], each, rtol=1e-12)
    with xr.open_dataset(folder / "landscape.nc") as data:
        assert dict(data.sizes) == {"k": 3, "T[0]": 4}
        one = op(model.with_parameters({k: 0.2}), A=T, n=R[0], m=R[20]).item()
        np.testing.assert_allclose(data["op"].sel(k=0.2), one, rtol=1e-12)
    with xr.open_dataset(folder / "worlds.nc") as data:
        w, x, y = (data["R"].sel(world=name).values for name in "WXY")
        assert x[0] - w[0] == pytest.approx(1e-3)
        assert -np.log((x - w)[20] / (y - w)[20]) == pytest.approx(exact.values[20], rel=1e-6)
    with xr.open_dataset(folder / "shares.nc") as data:
        np.testing.assert_allclose(
            data["share"], steering_shares(model, R, steps=20).share, rtol=1e-12
        )


def test_each_question_is_computed_as_far_as_it_goes(call):
    names = [experiment.name for experiment in load_model("two.toml").experiments]
    assert names == ["worlds_1", "op_1", "every_A_1", "every_n_1", "shares_1", "every_n_2",
                     "shares_2", "worlds_3", "every_m_3"]  # fmt: skip
    found = {e.name: e.compute() for e in load_model("two.toml").experiments[-2:]}
    assert set(found["every_m_3"].dims) == {"variable", "time"}
    assert len(found["worlds_3"]["world"]) == 3


def test_a_network_is_asked_too(call, tmp_path):
    done = call("run", "network.toml")
    assert done.exit_code == 0, done.output
    with xr.open_dataset(tmp_path / "results/network/op.nc") as data:
        # x_c = 3 - 1, y_c = 3.
        assert data["comp"].item() == pytest.approx(2 / 3, rel=1e-14)
    with xr.open_dataset(tmp_path / "results/network/landscape.nc") as data:
        np.testing.assert_allclose(data["op"], np.log(1.5), rtol=1e-14)


def test_without_questions_there_is_what_can_be_seen(call, tmp_path):
    assert [e.name for e in load_model("lawn.toml").experiments] == ["marginals"]
    (course,) = load_model("swing.toml").experiments
    assert course.compute()["x"].values.ravel()[-1] == pytest.approx(np.exp(-10), rel=1e-5)
    (values,) = load_model("formulas.toml").experiments
    assert values.compute()["value"].values.ravel().tolist() == [1.0, 2.0]
    for name in ("lawn", "swing", "formulas"):
        done = call("run", f"{name}.toml")
        assert done.exit_code == 0, done.output
        assert (tmp_path / f"results/{name}/graph.svg").exists()
    assert (tmp_path / "results/swing/course.svg").exists()
    with xr.open_dataset(tmp_path / "results/lawn/marginals.nc") as data:
        assert data["chance"].values.tolist() == [0.25, 0.75, 0.625, 0.375]


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_shown_and_drawn(name, call, tmp_path):
    shown = call("show", name)
    assert shown.exit_code == 0, shown.output
    assert ("A room" if "title" in FILES[name] else "a model in text") in shown.output
    drawn = call("draw", name, "--output", "picture.svg")
    assert drawn.exit_code == 0, drawn.output
    assert (tmp_path / "picture.svg").read_text().count("<svg")


def test_what_is_wrong_is_told(call, tmp_path):
    (tmp_path / "bad.toml").write_text(ROOM.replace("k*T", "q*T"))
    (tmp_path / "inside.toml").write_text(ROOM.replace('n = "R[0]"', 'n = "T[0]"'))
    for command in ("run", "show", "draw", "check"):
        done = call(command, "bad.toml")
        assert done.exit_code == 1
        assert "bad.toml, line 10, column 13: 'q' is not declared" in done.output
        done = call(command, "inside.toml")
        assert done.exit_code == 1
        assert "inside.toml, line 17, column 5: n lies inside A" in done.output


def test_what_asks_for_a_step_of_each_variable_is_left_out_where_steps_are_shared(tmp_path):
    question = '[[questions]]\nA = "y"\nn = "x[0]"\nm = "x"\nsteps = 3\n'
    rates = "[variables.x]\nrate = '-y'\nstart = 1\n[variables.y]\nrate = 'x'\nstart = 0\n"
    names = {}
    for method in ("rk4", "auto", "rodas4"):
        path = tmp_path / f"{method}.toml"
        path.write_text(f"dt = 0.1\nmethod = '{method}'\n{rates}{question}")
        names[method] = [one.name for one in load_model(str(path)).experiments]
    assert names["rk4"] == ["worlds", "op", "every_A", "every_n", "shares"]
    assert names["auto"] == names["rodas4"] == ["worlds", "op"]


# Steers a terminal, turns a line around, or breaks it: C0, DEL, C1, overrides of direction, breaks.
STEERING = "\x1b]0;owned\x07\x9b2J\x85\x7f\u202e\u2066\u2069\u2028\u2029\r"
STEERED = "␛]0;owned␇\ufffd2J\ufffd␡\ufffd\ufffd\ufffd   "


def test_what_would_steer_the_terminal_is_shown_as_a_sign(call, tmp_path):
    odd = json.dumps(f"R{STEERING}\nfake = 1").replace("\x7f", "\\u007f")
    named = json.dumps(json.loads(odd).join("''")).replace("\x7f", "\\u007f")
    (tmp_path / "odd.toml").write_text(
        f"title = {odd}\nsource = {odd}\n[variables.{odd}]\nnext = {named}\nstart = 1\n"
        f"[variables.T]\nnext = {named}\nstart = 1\n"
        f"[[questions]]\nA = 'T'\nn = {named[:-1]}[0]\"\nm = {named[:-1]}[3]\"\n"
    )
    for command in ("show", "run", "check"):
        found = call(command, "odd.toml")
        assert not found.exit_code, found.output
        assert [c for c in found.output if not c.isprintable() and c != "\n"] == []
        assert not [line for line in found.output.split("\n") if line.startswith("fake")]
    assert f"R{STEERED} fake = 1[i+1] = R{STEERED} fake = 1" in call("show", "odd.toml").output
    found = call("show", f"{STEERING}.toml")
    assert found.exit_code == 1
    assert [c for c in found.output if not c.isprintable() and c != "\n"] == []


def test_a_figure_draws_a_sign_for_what_no_font_has(tmp_path):
    with figure() as (picture, ax):
        ax.set(title="a\x1bb\nc\u202e", xlabel=axis_label(xr.DataArray(0), "\x07"))
        ax.plot([0, 1], label=value_label("k\x00", "\x9b"))
        ax.legend()
    picture.savefig(tmp_path / "x.png")  # without a warning
    assert ax.get_title() == "a\ufffdb\nc\ufffd"
    assert ax.get_xlabel() == "\ufffd"
    assert ax.get_legend().get_texts()[0].get_text() == "k\ufffd = \ufffd"
