"""What is unpickled is the user's own: sealed, in a folder that nobody else may write into."""

import hashlib
import hmac
import os
import pickle
import platform
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import llvmlite
import numba
import numpy as np
import pytest
from numba.core.registry import cpu_target

from causalopt.backends import cache, native, sealed

pytestmark = pytest.mark.skipif(os.name != "posix", reason="other systems tell of no such modes")

NAME = f"narrow-{'0' * 32}.bin"
OTHER = f"narrow-{'1' * 32}.bin"


@pytest.fixture
def place(tmp_path):
    sealed._tell.cache_clear()
    folder = tmp_path / "cache"
    sealed.write(folder / NAME, b"code")
    return folder / NAME


def test_what_is_kept_is_read(place):
    assert sealed.read(place) == b"code"
    assert sealed.read(place.with_name(OTHER)) is None
    assert sealed.read(place.parent / "nowhere" / NAME) is None


def test_the_folder_and_the_secret_are_the_users_alone(place):
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert (place.parent / "key").stat().st_mode & 0o777 == 0o600
    assert len((place.parent / "key").read_bytes()) == 32
    assert {path.name for path in place.parent.iterdir()} == {"key", NAME}


def test_a_file_under_another_name_is_not_read(place):
    place.rename(place.with_name(OTHER))
    assert sealed.read(place.with_name(OTHER)) is None


def test_every_byte_counts(place):
    whole = place.read_bytes()
    for i in range(len(whole)):
        place.write_bytes(whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :])
        assert sealed.read(place) is None
        place.write_bytes(whole[:i])
        assert sealed.read(place) is None
    place.write_bytes(whole)
    assert sealed.read(place) == b"code"


@pytest.mark.parametrize(
    "seal",
    [
        lambda content: hashlib.sha256(content).digest(),
        lambda content: hmac.digest(b"", NAME.encode() + b"\0" + content, "sha256"),
        lambda content: hmac.digest(bytes(32), NAME.encode() + b"\0" + content, "sha256"),
        lambda content: hmac.digest(b"a guess", content, "sha256"),
    ],
    ids=["no key", "an empty key", "zeros", "a guess"],
)
def test_who_has_not_the_key_cannot_write_a_file(place, seal):
    place.write_bytes(seal(b"evil") + b"evil")
    assert sealed.read(place) is None


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702, 0o1777])
def test_a_folder_that_others_may_write_into_is_refused_and_told_once(place, mode):
    place.parent.chmod(mode)
    with pytest.warns(RuntimeWarning, match="can be written by others"):
        assert sealed.read(place) is None
    # Warnings are errors here: it is told once.
    sealed.write(place.with_name(OTHER), b"code")
    assert sealed.read(place) is None
    assert not place.with_name(OTHER).exists()
    place.parent.chmod(0o755)
    assert sealed.read(place) == b"code"


def test_another_users_folder_is_refused(place, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: place.parent.stat().st_uid + 1)
    with pytest.warns(RuntimeWarning, match="is another user's"):
        assert sealed.read(place) is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_secret_that_others_may_read_is_none_and_is_replaced(place, mode):
    key = place.parent / "key"
    earlier = key.read_bytes()
    key.chmod(mode)
    assert sealed.read(place) is None
    sealed.write(place, b"again")
    assert sealed.read(place) == b"again"
    assert key.read_bytes() != earlier
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_secret_by_way_of_a_link_or_of_another_size_is_none(place, tmp_path):
    key = place.parent / "key"
    (tmp_path / "known").write_bytes(key.read_bytes())
    (tmp_path / "known").chmod(0o600)
    key.unlink()
    key.symlink_to(tmp_path / "known")
    assert sealed.read(place) is None
    key.unlink()
    key.write_bytes(b"")
    key.chmod(0o600)
    assert sealed.read(place) is None


def test_what_was_read_longest_ago_goes_first(place):
    names = [f"wide-{i:032x}.bin" for i in range(6)]
    for i, name in enumerate(names):
        sealed.write(place.with_name(name), bytes(100))
        os.utime(place.with_name(name), (1000 + i, 1000 + i))
    place.unlink()
    kept = place.with_name("mine.txt")
    kept.write_bytes(bytes(1000))
    os.utime(kept, (0, 0))
    sealed.read(place.with_name(names[0]))
    sealed.tidy(place.parent, 3 * 132 + 131)
    left = {path.name for path in place.parent.iterdir()}
    # What is no code of ours is left alone, and so is the secret.
    assert left == {names[0], names[4], names[5], "key", "mine.txt"}


def test_the_room_is_kept_whenever_something_is_written(place, monkeypatch):
    monkeypatch.setattr(sealed, "LARGEST", 500)
    for i in range(20):
        sealed.write(place.with_name(f"wide-{i:032x}.bin"), bytes(100))
        size = sum(path.stat().st_size for path in place.parent.glob("*.bin"))
        assert size <= 500
    assert size > 300


def test_a_disk_that_is_full_is_no_reason_to_fail(place, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    sealed.write(place, b"more")
    assert sealed.read(place) == b"code"


# -- the code that is kept -----------------------------------------------------------------------

PROGRAM = """
    from causalopt import System, run, variables

    (a,) = variables("a")
    system = System({a: 0.9 * a + FACTOR}, start={a: 1})
    print(float(run(system.world(steps=5), backend="numba").a[0, -1]).hex())
"""


def value_in(folder, factor=2):
    environment = {**os.environ, cache.VARIABLE: str(folder)}
    code = textwrap.dedent(PROGRAM).replace("FACTOR", str(factor))
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    return done.stdout, done.stderr


class Evil:
    """What leaves a trace when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.fixture(scope="module")
def compiled_once(tmp_path_factory):
    """A folder that a process has left its code in, and its answer."""
    folder = tmp_path_factory.mktemp("kept") / "code"
    return folder, value_in(folder)[0]


@pytest.fixture
def kept_code(compiled_once, tmp_path):
    """A folder of one's own with kept code in it, and the answer of whoever compiled that."""
    return shutil.copytree(compiled_once[0], tmp_path / "cache"), compiled_once[1]


@pytest.mark.parametrize("has_key", [False, True])
def test_foreign_code_is_never_unpickled(kept_code, tmp_path, has_key):
    (folder, value), trace = kept_code, tmp_path / "trace"
    (file,) = folder.glob("*.bin")
    evil = pickle.dumps(Evil(trace))
    if has_key:
        # Not even then, but where numba compiles: what is machine code is not unpickled.
        sealed.write(file, evil)
    else:
        file.write_bytes(hashlib.sha256(evil).digest() + evil)
    assert value_in(folder) == (value, "")
    assert trace.exists() == (has_key and not native.is_there())


def test_another_systems_code_under_its_name_is_not_run(kept_code):
    folder, first = kept_code
    (file,) = folder.glob("*.bin")
    second, _ = value_in(folder, 3)
    (other,) = set(folder.glob("*.bin")) - {file}
    other.replace(file)
    assert value_in(folder, 2) == (first, "")
    assert first != second


def test_a_folder_that_all_may_write_into_is_told_and_the_run_goes_on(compiled_once, tmp_path):
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    value, told = value_in(folder)
    assert told.count("RuntimeWarning: Compiled code is neither kept nor taken") == 1
    assert not list(folder.iterdir())
    assert value == compiled_once[1]


def placed():
    cache._machine.cache_clear()
    return cache._place("source", "narrow", "signature")


PARTS = [
    (numba, "__version__", "0.0"),
    (llvmlite, "__version__", "0.0"),
    (np, "__version__", "0.0"),
    (platform, "python_version", lambda: "3.0"),
    *(
        (type(cpu_target.target_context.codegen()), "magic_tuple", lambda _, i=i: MAGIC(i))
        for i in range(3)
    ),
]
WHAT = ["numba", "llvmlite", "NumPy", "Python", "system", "processor", "features"]


def MAGIC(changed):
    return tuple("another" if i == changed else part for i, part in enumerate(OWN))


OWN = cpu_target.target_context.codegen().magic_tuple()


@pytest.mark.parametrize("part", PARTS, ids=WHAT)
def test_code_of_another_version_or_processor_has_another_place(part, monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    before = placed()
    monkeypatch.setattr(*part)
    after = placed()
    monkeypatch.undo()
    cache._machine.cache_clear()
    assert before != after


def test_another_source_name_or_signature_has_another_place(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    asked = [("s", "n", "g"), ("t", "n", "g"), ("s", "m", "g"), ("s", "n", "h")]
    assert len({cache._place(*one) for one in asked}) == 4
    assert all(sealed._OURS.fullmatch(cache._place(s, "wide", g).name) for s, _, g in asked)


def test_whoever_waits_does_not_wait_for_ever(place, monkeypatch):
    monkeypatch.setattr(sealed, "_TRIALS", 3)
    waited = []
    monkeypatch.setattr(sealed.time, "sleep", waited.append)
    with sealed.alone(place):
        assert not waited
        with sealed.alone(place):  # as of a process that was stopped while it compiled
            assert len(waited) == 3
        with sealed.alone(place.with_name(OTHER)):
            assert len(waited) == 3
    with sealed.alone(place):
        assert len(waited) == 3
