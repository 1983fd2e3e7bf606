"""The command that sweeps, as a user types it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from click.testing import CliRunner

pytest.importorskip("zarr")
pytest.importorskip("distributed")

from causalopt import open_sweep
from causalopt.study.loading import load_model
from causalopt.study.surveys import survey_of
from causalopt.study.terminal import main

ROOT = Path(__file__).parent.parent.parent

MINE = '''"""My own model."""
import functools, time
from causalopt import EvaluationError, Survey, System, variables
from causalopt.study import Experiment, Study

a, b = variables("a b")
system = System({a: a - b / 3, b: a}, start={a: 1, b: 0})

@functools.lru_cache  # which nothing can send
def factor():
    return 3.0

def tripled(n):
    """Three times a number, after a while; none of 7."""
    time.sleep(PAUSE)
    if n == BAD:
        raise EvaluationError("a[2] is infinite where n = 7")
    return n * factor()

study = Study(
    name="mine", title="Mine", source="a notebook", system=system,
    experiments=(
        Experiment("tripled", "Three times", Survey(tripled, over={"n": range(COUNT)})),
        Experiment("at once", "One", lambda: None),
    ),
)
'''


def write(folder, pause=0.0, bad=7, count=12):
    text = MINE.replace("PAUSE", str(pause)).replace("BAD", str(bad)).replace("COUNT", str(count))
    (folder / "mine.py").write_text(text)


def call(*words):
    return CliRunner().invoke(main, ["sweep", *words])


def test_an_experiment_is_swept_and_says_what_became_of_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    found = call("mine.py", "--store", "x.zarr", "--workers", "1", "--chunk", "4")
    assert found.exit_code == 1  # for one point has no number
    assert "the experiment tripled of" in found.output
    assert "3 of 3 chunks of (4,) are done" in found.output
    assert "3 chunks by" in found.output
    assert "1 failure, in 1 chunks:\n    n = 7: a[2] is infinite where n = 7" in found.output
    expected = [np.nan if n == 7 else 3.0 * n for n in range(12)]
    assert np.array_equal(open_sweep("x.zarr").data.value, expected, equal_nan=True)
    # What it says later is the same, and computes nothing.
    assert call("--store", "x.zarr", "--status").output == found.output
    # A file that is lost is told, and does not count as done.
    lost = Path("x.zarr/value/c/0")
    lost.rename("aside")
    damaged = call("--store", "x.zarr", "--status").output
    assert "2 of 3 chunks of (4,) are done" in damaged
    assert "2 failures, in 2 chunks:\n    n from 0 to 3: " in damaged
    assert "is missing. Write the same sweep again" in " ".join(damaged.split())
    Path("aside").rename(lost)
    # Another file is another question, though it is of the same name.
    write(tmp_path, bad=8)
    other = call("mine.py", "--store", "x.zarr")
    assert other.exit_code == 1
    assert "x.zarr holds another sweep: it asks the experiment tripled of" in other.stderr


REFUSED = {
    "no model": (["--store", "x.zarr"], "Which model?"),
    "no such model": (["nothing", "--store", "x.zarr"], "There is no model 'nothing'"),
    "no such experiment": (
        ["mine.py", "--experiment", "tripple", "--store", "x.zarr"],
        "mine has no experiment 'tripple'. Did you mean tripled?",
    ),
    "no survey": (
        ["mine.py", "--experiment", "at once", "--store", "x.zarr"],
        "The experiment at once of mine has nothing to sweep",
    ),
    "a model without surveys": (
        ["double_well", "--store", "x.zarr"], "double_well has nothing to sweep",
    ),
    "no store yet": (["--store", "x.zarr", "--status"], "x.zarr holds no sweep, but nothing"),
    "no scheduler": (
        ["mine.py", "--store", "x.zarr", "--scheduler", "tcp://127.0.0.1:1"],
        "No scheduler answers at tcp://127.0.0.1:1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_told(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("causalopt.runs.cluster.engine._ANSWER", 1)
    write(tmp_path)
    words, says = REFUSED[name]
    found = call(*words)
    assert found.exit_code == 1
    assert says in found.stderr.replace("\n    ", " ")
    assert not (tmp_path / "x.zarr").exists()


def test_a_survey_of_a_model_that_comes_with_the_package_computes_what_its_experiment_does():
    survey = survey_of("lorenz", None)
    experiments = {e.name: e for e in load_model("lorenz").experiments}
    own = experiments["landscape"].compute
    assert survey.shape == own.shape == (101, 121)
    corner = tuple(range(i, i + 2) for i in (3, 50))
    assert survey.answer(corner).identical(own.answer(corner))


def test_control_c_stops_and_the_same_command_goes_on(tmp_path):
    write(tmp_path, pause=0.1, bad=-1, count=24)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "causalopt", "sweep", "mine.py", "--store", "x.zarr",
             "--workers", "1", "--chunk", "1"]  # fmt: skip
    started = subprocess.Popen(
        words, env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    store = tmp_path / "x.zarr"
    while not store.exists() or not open_sweep(store).marked.done:
        assert started.poll() is None, started.communicate()
        time.sleep(0.05)
    below = psutil.Process(started.pid).children(recursive=True)
    started.send_signal(signal.SIGINT)
    output, errors = started.communicate(timeout=60)
    assert started.returncode == 130, errors
    assert "Stopped. What was done is in x.zarr: the same command goes on." in output
    assert not errors
    _, alive = psutil.wait_procs(below, timeout=20)
    assert not alive
    before = open_sweep(store).status
    assert 0 < before.done < 24
    again = subprocess.run(
        words, env=env, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
    assert "24 of 24 chunks" in again.stdout
    assert open_sweep(store).data.value.values.tolist() == [3.0 * n for n in range(24)]
