"""What an installed wheel has: every model that is listed runs from it, wherever one stands."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from causalopt.study import model_files

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models"
HOLDS = (
    "import causalopt, sys; print(causalopt.__file__); from causalopt.study.terminal import main; "
)

hatchling = pytest.importorskip("hatchling", reason="make test installs it, with the extra `test`")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel of this source, built and unpacked, which is how a wheel of Python is installed."""
    source = tmp_path_factory.mktemp("source")
    for name in ("causalopt", "models"):
        shutil.copytree(ROOT / name, source / name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "dist"]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (wheel,) = (source / "dist").iterdir()
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def told(installed, folder, code, *words):
    """What a process prints in an empty folder, with the wheel in front of all else."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *words],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.returncode, done.stdout + done.stderr
    first, _, rest = done.stdout.partition("\n")
    assert Path(first).is_relative_to(installed)
    return rest


def test_all_that_lies_beside_the_models_comes_along(installed):
    files = {path.relative_to(MODELS) for path in MODELS.rglob("*") if path.is_file()}
    files = {path for path in files if path.parts[0] != "__pycache__"}
    inside = installed / "causalopt" / "models"
    assert any(path.suffix == ".npz" for path in files)
    assert not {path for path in files if not (inside / path).exists()}


def test_every_model_is_listed(installed, tmp_path):
    printed = told(installed, tmp_path, HOLDS + "main()", "list")
    assert not [name for name in model_files() if name not in printed]


def test_a_model_finds_its_data(installed, tmp_path):
    code = HOLDS + "from causalopt.study import files, load_model; import runpy; "
    code += "digits = runpy.run_path(str(files.find_model('localization')))['digits']; "
    printed = told(installed, tmp_path, code + "print(digits()[0].shape)")
    assert printed.strip() == "(24776, 784)"


BARE = "import sys; sys.modules['jax'] = None; "
NEED_JAX = {name for name, path in model_files().items()
            if re.search(r"^(import|from) jax\b", path.read_text(), flags=re.M)}  # fmt: skip


def test_without_extras_models_that_need_one_are_marked(installed, tmp_path):
    printed = told(installed, tmp_path, BARE + HOLDS + "main()", "list")
    entries = re.split(r"\n(?=\w)", printed)
    marked = {e.split()[0] for e in entries if "(needs causalopt[jax])" in " ".join(e.split())}
    assert "localization" in marked
    assert marked == NEED_JAX
    printed = told(installed, tmp_path, HOLDS + "main()", "list")
    assert "needs" not in printed


def test_without_extras_all_other_models_load(installed, tmp_path):
    code = BARE + HOLDS + "from causalopt.study import load_model; "
    code += "print([load_model(name).name for name in sys.argv[1:]])"
    others = sorted(model_files().keys() - NEED_JAX)
    assert told(installed, tmp_path, code, *others).strip() == str(others)


@pytest.mark.parametrize("command", ["run", "check", "show", "draw"])
def test_without_extras_a_model_says_in_a_line_what_to_install(installed, tmp_path, command):
    code = BARE + "from causalopt.study.terminal import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, command, "localization"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed)}, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert not done.stdout
    (line,) = done.stderr.splitlines()
    assert line.endswith("run pip install 'causalopt[jax]'.")
    assert not list(tmp_path.iterdir())


@pytest.mark.long
@pytest.mark.parametrize("name", list(model_files()))
def test_every_model_runs(installed, tmp_path, name):
    told(installed, tmp_path, HOLDS + "main()", "run", name)
    assert (tmp_path / "results" / name / "index.html").exists()
