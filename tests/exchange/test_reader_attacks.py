"""One suite for all readers of files: what does harm is refused, with its place, at little cost."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from exchange import reader_attacks, test_attacks, test_dagitty
from exchange.reader_attacks import ATTACKS, READERS

from causalopt import FileError

# What is told of a file as a whole has no place in it; a number at the start has none either.
OF_THE_WHOLE = ("MOST_BYTES", "beyond the largest float")
# Those that other tests read one by one: here they are in the long test alone.
ELSEWHERE = {*test_attacks.LARGE, *test_attacks.HARMFUL, *test_dagitty.WRONG}
OWN = [
    (reader, name)
    for reader in ("bif", "xmlbif", "dagitty")
    for name in ATTACKS[reader]
    if name not in ELSEWHERE
]


def check_told(told, wanted):
    assert re.search(wanted, told), told
    assert len(told) < 2_000
    if told and not any(words in told for words in OF_THE_WHOLE):
        assert re.search(r", line \d+, column \d+: .", told), told


def test_every_reader_of_text_is_attacked():
    assert ATTACKS.keys() == READERS.keys()
    assert sum(map(len, ATTACKS.values())) >= 34 * len(READERS)


@pytest.mark.parametrize(("reader", "name"), OWN)
def test_an_attack_is_refused_with_its_place(reader, name, tmp_path):
    read, _ = READERS[reader]
    text, wanted = ATTACKS[reader][name]
    (tmp_path / "m").write_text(text, encoding="utf-8")
    told = ""
    try:
        read(tmp_path / "m")
    except FileError as error:
        told = str(error)
    check_told(told, wanted)
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


@pytest.mark.long
@pytest.mark.parametrize("reader", READERS)
def test_no_attack_runs_or_takes_long_or_much_memory(reader, tmp_path):
    """Each reader in a process of its own."""
    folder = Path(reader_attacks.__file__).parents[1]
    code = [sys.executable, reader_attacks.__file__, str(tmp_path), reader]
    paths = ":".join([str(folder), *filter(None, sys.path)])
    done = subprocess.run(
        code, capture_output=True, text=True, check=True, env={"PYTHONPATH": paths}
    )
    begun, *rows = map(json.loads, done.stdout.splitlines())
    assert [row["name"] for row in rows] == list(ATTACKS[reader])
    for row in rows:
        check_told(row["told"], ATTACKS[reader][row["name"]][1])
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert max(row["memory"] for row in rows) - begun["memory"] < 500_000  # kilobytes
    # One second each where nothing else runs; a machine may be twice as slow.
    assert not {row["name"]: row["took"] for row in rows if row["took"] > 2}
