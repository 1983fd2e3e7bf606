"""Splits of millions of states: within memory, and in time linear in the states."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "entropy_split.py"


@pytest.mark.long
def test_nine_million_states_within_two_gibibytes():
    made = subprocess.run(
        [sys.executable, str(BENCHMARK), "--large-only"], capture_output=True, text=True, check=True
    )
    small, _, large = (json.loads(line) for line in made.stdout.splitlines())
    assert (small["size"], large["size"]) == (750, 3000)
    assert large["peak_GiB"] < 2
    assert large["causalopt_s"] < 10
    # Sixteen times the states; the rest is for caches that they no longer fit.
    assert large["causalopt_s"] < 4 * 16 * small["causalopt_s"]
