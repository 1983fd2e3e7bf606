"""What a model keeps and needs: archives remade at the terminal, files that are not there told."""

import numpy as np
import pytest
from click.testing import CliRunner

from causalopt.study.needs import missing_files
from causalopt.study.terminal import main

MODEL = '''"""Powers."""
from pathlib import Path

import numpy as np
import xarray as xr

from causalopt.study import Archive, Experiment, Study

NUMBERS = Path(__file__).parent / "data" / "numbers.npy"
FOLDER = Path(__file__).parent / "data"
stopped = Path(__file__).parent / "data" / "stopped"

def one(base):
    if base == 3 and not stopped.exists():
        stopped.touch()
        raise STOP
    return xr.Dataset({"power": base ** int(np.load(NUMBERS)[0])})

kept = Archive(Path(__file__).parent / "data" / "powers.nc", one, {"base": [2, 3]})
study = Study(
    name="powers", title="Powers", source="a notebook",
    experiments=(Experiment("powers", "Powers", kept.read),), archives=(kept,),
)
'''


def call(*words):
    return CliRunner().invoke(main, list(words))


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()

    def write(stop="KeyboardInterrupt"):
        (tmp_path / "powers.py").write_text(MODEL.replace("STOP", stop))
        return tmp_path / "powers.py"

    return write


def test_files_beside_a_model_that_are_not_there(model, tmp_path):
    path = model()
    assert missing_files(path) == ["data/numbers.npy", "data/powers.nc"]
    (tmp_path / "data" / "numbers.npy").touch()
    assert missing_files(path) == ["data/powers.nc"]


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_model_without_its_files_says_so_in_a_line(model, command, tmp_path):
    model()
    told = call(command, "powers.py")
    assert told.exit_code == 1
    assert told.output == "powers.py needs data/numbers.npy, which is not there.\n"
    (tmp_path / "data" / "numbers.npy").touch()
    told = call(command, "powers.py")
    assert told.output == (
        "powers.py needs data/powers.nc, which is not there. "
        "Make it by: causalopt remake powers.py\n"
    )
    assert not (tmp_path / "results").exists()


def numbers(folder):
    np.save(folder / "data" / "numbers.npy", [5])


@pytest.mark.parametrize(
    ("stop", "code", "said"),
    [
        ("KeyboardInterrupt", 130, "The same command goes on"),
        ("ArithmeticError('base 3')", 1, "ArithmeticError: base 3"),
    ],
)
def test_an_archive_is_remade_and_goes_on_where_it_stopped(model, tmp_path, stop, code, said):
    model(stop)
    numbers(tmp_path)
    told = call("remake", "powers.py")
    assert told.exit_code == code
    assert said in told.output
    assert not (tmp_path / "data" / "powers.nc").exists()
    told = call("remake", "powers.py", "--archive", "powers.nc")
    assert told.exit_code == 0
    assert "powers.nc: 2 points" in told.output
    assert call("run", "powers.py").exit_code == 0


def test_archives_that_a_model_does_not_keep(model, tmp_path):
    model()
    told = call("remake", "powers.py", "--archive", "roots")
    assert told.exit_code == 1
    assert told.output == "There is no archive 'roots': powers keeps powers.\n"
    told = call("remake", "pit")
    assert told.output == "pit keeps no archives: there is nothing to remake.\n"


def test_a_remake_without_what_it_reads_says_so_in_a_line(model):
    model()
    told = call("remake", "powers.py")
    assert told.exit_code == 1
    assert told.output == "powers.py needs data/numbers.npy, which is not there.\n"
