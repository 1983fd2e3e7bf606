"""Defects put in on purpose are noticed by the quick tests: see ``tests/mutants.py``."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants import MUTANTS

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.says)
def test_every_defect_still_has_its_place(mutant):
    assert (ROOT / "causalopt" / mutant.file).read_text().count(mutant.before) == 1
    names = [word for word in shlex.split(mutant.tests) if word.endswith(".py")]
    assert names
    assert all((ROOT / name).exists() for name in names)


@pytest.mark.long
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.says)
def test_every_defect_is_noticed(mutant, tmp_path):
    for part in ("causalopt", "tests", "docs", "benchmarks", "pyproject.toml", "README.md"):
        whole = ROOT / part
        if whole.is_dir():
            shutil.copytree(whole, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(whole, tmp_path / part)
    file = tmp_path / "causalopt" / mutant.file
    file.write_text(file.read_text().replace(mutant.before, mutant.after))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-m", "not long"]
    done = subprocess.run(
        [*command, *shlex.split(mutant.tests)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    # 1 is pytest's word for tests that failed; a test that is not there, say, has another.
    assert done.returncode == 1, f"nobody noticed that {mutant.says}:\n{done.stdout[-2000:]}"
