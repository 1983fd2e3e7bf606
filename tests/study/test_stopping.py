"""Ctrl-C while a command is still reading its model: nothing is kept, and the exit code tells."""

import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from causalopt.study.terminal import main


@pytest.mark.parametrize(
    "words", ["check", "run", "show", "draw", "remake", "sweep --store s.zarr"]
)
def test_stopping_while_a_model_is_read_exits_as_any_stopping(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slow.py").write_text("raise KeyboardInterrupt\n")
    found = CliRunner().invoke(main, [*words.split(), "slow.py"])
    assert found.exit_code == 130
    assert found.stderr == "\nStopped.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["slow.py"]


@pytest.mark.skipif(sys.platform == "win32", reason="a process of Windows is sent no SIGINT")
def test_a_signal_stops_a_model_that_is_being_read(tmp_path):
    slow = "import time\nprint('reading', flush=True)\ntime.sleep(60)\n"
    (tmp_path / "slow.py").write_text(slow)
    words = [sys.executable, "-m", "causalopt", "check", "slow.py"]
    started = subprocess.Popen(
        words, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert started.stdout.readline() == "reading\n"
    started.send_signal(signal.SIGINT)
    assert started.communicate(timeout=30) == ("", "\nStopped.\n")
    assert started.returncode == 130
