"""One suite for all readers of files: what does harm is refused, with its place, at little cost."""

import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from exchange import broken_texts, object_attacks, reader_attacks, test_attacks, test_dagitty
from exchange.reader_attacks import ATTACKS, READERS

from causalopt import DeclarationError, FileError
from causalopt.ground.work import measured

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


# -- objects of other libraries --------------------------------------------------------------------

OBJECTS = [
    (reader, name) for reader, (_, attacks) in object_attacks.ATTACKS.items() for name in attacks
]
# The code of an attack would leave a file of this name in the folder at hand.
MADE = Path(reader_attacks.MARK)


def told_of(read, *given):
    """What is told of an object; nothing where it is read."""
    try:
        with measured() as meter:
            read(*given)
    except DeclarationError as error:
        return str(error), meter.calls
    return "", meter.calls


@pytest.mark.parametrize(("reader", "name"), OBJECTS)
def test_an_object_is_read_or_told_with_little_work(reader, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read, attacks = object_attacks.ATTACKS[reader]
    given, wanted = attacks[name]
    told, calls = told_of(read, given)
    assert re.search(wanted, told) if wanted else not told, told
    assert len(told) < 2_000
    assert calls < 3_000_000
    assert not MADE.exists()


@pytest.mark.parametrize("name", object_attacks.WRITTEN)
@pytest.mark.parametrize("form", object_attacks.WRITERS)
def test_a_graph_goes_out_or_is_told_with_little_work(form, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    graph, wanted = object_attacks.WRITTEN[name]
    told, calls = told_of(object_attacks.WRITERS[form], graph, tmp_path / "m")
    assert re.search(wanted, told) if told else (tmp_path / "m").is_file(), told
    assert calls < 3_000_000
    assert not MADE.exists()


# -- broken texts ----------------------------------------------------------------------------------


def run_of(program, *given):
    """The lines that a program of the tests prints in a process of its own."""
    folder = Path(reader_attacks.__file__).parents[1]
    paths = ":".join([str(folder), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, program.__file__, *map(str, given)],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": paths},
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("reader", READERS)
def test_broken_texts_are_read_or_told(reader, tmp_path, in_this_process):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = broken_texts.tried(reader, tmp_path / "m", range(90))
    assert not found["wrong"]
    # Both happen: else the changes would be too small, or too large, to ask anything.
    assert 0 < found["read"] < 90


@pytest.mark.long
@pytest.mark.parametrize("reader", READERS)
def test_a_hundred_thousand_broken_texts_are_read_or_told(reader, tmp_path):
    """Each reader in a process of its own, which may not end by itself."""
    count = broken_texts.SHARES[reader]
    (found,) = run_of(broken_texts, tmp_path, reader, 1_000, count)
    assert found["count"] == count
    assert 0 < found["read"] < count
    assert not found["wrong"]
    # One second each where nothing else runs; a machine may be twice as slow.
    assert not {seed: took for seed, took in found["slow"].items() if took > 2}


def test_the_shares_are_a_hundred_thousand():
    assert sum(broken_texts.SHARES.values()) == 100_000


# -- what each takes -------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("reader", READERS)
def test_no_attack_runs_or_takes_long_or_much_memory(reader, tmp_path):
    """Each reader in a process of its own."""
    begun, *rows = run_of(reader_attacks, tmp_path, reader)
    assert [row["name"] for row in rows] == list(ATTACKS[reader])
    for row in rows:
        check_told(row["told"], ATTACKS[reader][row["name"]][1])
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert max(row["memory"] for row in rows) - begun["memory"] < 500_000  # kilobytes
    # One second each where nothing else runs; a machine may be twice as slow.
    assert not {row["name"]: row["took"] for row in rows if row["took"] > 2}
