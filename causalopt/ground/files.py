"""Files on disk: replaced as a whole or not at all, and what cannot be written is told."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from causalopt.ground.errors import FileError


@contextlib.contextmanager
def replacement(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its place when all went well.

    Raises ``FileError``, by the name of ``path``, where it cannot be written.
    """
    with writing(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
        os.close(handle)
        try:
            yield Path(name)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def writing(path: Path, advice: str = "") -> Iterator[None]:
    """What the system refuses within this, as a ``FileError`` about ``path``.

    >>> with writing(Path("nowhere/picture.svg")):
    ...     open("nowhere/.temporary", "w")
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.FileError: nowhere/picture.svg cannot be written: there is no folder
    nowhere.
    """
    try:
        yield
    except FileError:
        raise
    except OSError as error:
        absent = isinstance(error, FileNotFoundError) and not path.parent.exists()
        reason = f"there is no folder {path.parent}" if absent else error.strerror or str(error)
        raise FileError(f"{path} cannot be written: {reason}.{advice}") from None


@contextlib.contextmanager
def only_one(path: Path, refusal: str) -> Iterator[None]:
    """Within this no other process is in the same block for ``path``, where the system can tell.

    Raises ``FileError`` with the ``refusal`` where one is, and where nothing can be written there.
    """
    with writing(path):
        lock = path.with_name(f".{path.name}.lock")
        file = _locked(lock)
    if file is None:
        raise FileError(refusal)
    try:
        yield
    finally:
        # While it is held: whoever opened it meanwhile finds that it is none any more.
        lock.unlink(missing_ok=True)
        file.close()


def _locked(lock: Path) -> IO[bytes] | None:
    """An open file that is locked until it is closed; None where another has it."""
    try:
        import fcntl
    except ImportError:  # other systems have none
        return lock.open("wb")
    while True:
        file = lock.open("wb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(file.fileno()), lock.stat()):
                return file
        except BlockingIOError:
            file.close()
            return None
        except FileNotFoundError:
            pass
        file.close()
