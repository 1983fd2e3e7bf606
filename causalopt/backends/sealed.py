"""Bytes on disk that nobody else can have written: in a folder of the user's own, under a seal.

What is kept here is unpickled when it is read, and so must be the user's own: whoever may write a
pickle runs code. A folder is used only where it is the user's own and nobody else may write into
it. Each file begins with a digest of its name and content, keyed by a secret that lies beside it
and that nobody else may read. A file that is damaged, renamed or from elsewhere has no such digest
and is passed over. Files are replaced in one step, so that any number of processes may read and
write at once, and those that have not been read for longest go where they take too much room.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import hmac
import os
import re
import secrets
import stat
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from causalopt.ground.files import replacement

#: The files of a folder take this many bytes together at most.
LARGEST = 256 * 2**20

# How often it is tried to be alone, and how long apart in seconds: compiling takes a few.
_TRIALS, _BETWEEN = 3000, 0.02

_KEY, _KEY_SIZE, _SEAL_SIZE = "key", 32, 32
# What a file of ours is called, and one that its writer did not finish: no other file is removed.
_OURS = re.compile(r"[a-z]+-[0-9a-f]{32}\.bin|\.\w+\.bin")


def read(place: Path) -> bytes | None:
    """What was kept at a place; None where nothing was, or where it may be somebody else's."""
    key = _key(place.parent, make=False) if _is_ours(place.parent) else None
    if key is None:
        return None
    try:
        kept = place.read_bytes()
        os.utime(place)
    except OSError:
        return None
    seal, content = kept[:_SEAL_SIZE], kept[_SEAL_SIZE:]
    return content if hmac.compare_digest(seal, _seal(key, place, content)) else None


def write(place: Path, content: bytes) -> None:
    """Keep some bytes at a place; a disk that is full or closed is no reason to fail."""
    with contextlib.suppress(OSError):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = _key(place.parent, make=True) if _is_ours(place.parent) else None
        if key is None:
            return
        with replacement(place) as temporary:
            temporary.write_bytes(_seal(key, place, content) + content)
        tidy(place.parent, LARGEST)


@contextlib.contextmanager
def alone(place: Path) -> Iterator[None]:
    """Within this, whatever makes what is kept at a place is alone to do so on this machine.

    Others wait, and find it made then; not for ever, lest a process that was stopped stop them.
    """
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError, ImportError):
            import fcntl  # other systems have none, and make it more than once

            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_ours(place.parent):
                raise PermissionError(place.parent)
            # A few files serve for all places, for nobody can tell when one is done with.
            name = hashlib.sha256(place.name.encode()).hexdigest()[:2]
            file = held.enter_context(open(place.parent / f".lock-{name}", "wb"))
            for _ in range(_TRIALS):
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                time.sleep(_BETWEEN)
        yield


def tidy(folder: Path, largest: int) -> None:
    """Remove what was read longest ago, until the rest takes ``largest`` bytes at most."""
    files = []
    for file in folder.iterdir():
        if _OURS.fullmatch(file.name):
            with contextlib.suppress(FileNotFoundError):
                about = file.lstat()
                files.append((about.st_mtime_ns, about.st_size, file))
    room = largest
    for _, size, file in sorted(files, reverse=True):
        room -= size
        if room < 0:
            file.unlink(missing_ok=True)


def _seal(key: bytes, place: Path, content: bytes) -> bytes:
    """A digest that only who has the key can make; a file of another name has another one."""
    return hmac.digest(key, place.name.encode() + b"\0" + content, "sha256")


def _is_ours(folder: Path) -> bool:
    """Whether nobody but the user can have written into a folder that is there; else it is told."""
    try:
        about = folder.stat()
    except OSError:
        return False
    # Other systems tell of no owner in this way, and keep a user's folders apart by themselves.
    if os.name != "posix":
        return True
    if about.st_uid != os.geteuid():
        _tell(folder, "is another user's")
    elif about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        _tell(folder, f"can be written by others (chmod go-w {folder})")
    else:
        return stat.S_ISDIR(about.st_mode)
    return False


@functools.cache
def _tell(folder: Path, why: str) -> None:
    """Say once why a folder is not used."""
    warnings.warn(
        f"Compiled code is neither kept nor taken from {folder}: it {why}, and code from there "
        "would run as yours. Each process compiles its own, unless CAUSALOPT_CACHE_DIR names a "
        "folder of yours alone.",
        RuntimeWarning,
        stacklevel=2,
    )


def _key(folder: Path, *, make: bool) -> bytes | None:
    """The secret of a folder, made where there is none; None where there is none to be had."""
    with contextlib.suppress(OSError):
        key = _read_key(folder / _KEY)
        if key is None and make:
            _make_key(folder)
            key = _read_key(folder / _KEY)
        return key
    return None


def _read_key(path: Path) -> bytes | None:
    """The secret, if it is one: the user's own, and read by nobody else."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(file.fileno())
        key = file.read(_KEY_SIZE + 1)
    if os.name == "posix" and (about.st_uid != os.geteuid() or about.st_mode & 0o077):
        return None
    return key if len(key) == _KEY_SIZE else None


def _make_key(folder: Path) -> None:
    """Put a new secret in place of one that is none; of processes that do so at once, one does."""
    path = folder / _KEY
    if path.exists():
        path.unlink(missing_ok=True)
    handle, beside = tempfile.mkstemp(dir=folder, prefix=".key")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_KEY_SIZE))
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)
    finally:
        Path(beside).unlink(missing_ok=True)
