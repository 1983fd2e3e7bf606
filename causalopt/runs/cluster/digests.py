"""Digests of the files of a store: by them a file that is missing, cut or changed is told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from causalopt.ground.errors import FileError

#: The number of a file's bytes, and their SHA-256.
Digest = tuple[int, str]

#: Files of a store by their places in it, such as op/c/1; numbers that are all NaN have none.
Files = Mapping[str, Digest]

#: What to do about a file of a chunk.
AGAIN = "Write the same sweep again, and its chunk is computed anew."
#: What to do about a file that was there before any chunk.
ANEW = "Put it back from a copy, or remove the store and write the sweep again."


def digest(content: bytes) -> Digest:
    """The digest of what is in a file."""
    return len(content), hashlib.sha256(content).hexdigest()


def digests_of(folder: Path, places: Iterable[str]) -> dict[str, Digest]:
    """The digests of those of some files that are there."""
    found = {place: _digest_of(folder / place) for place in places}
    return {place: known for place, known in found.items() if known is not None}


def fault(file: Path, known: Digest | None, found: Digest | None) -> str:
    """What is wrong with a file, by the digests that it should have and has; None is no file.

    >>> fault(Path("op/c/1"), (80, "5f"), (40, "a3"))
    'op/c/1 has 40 bytes, and 80 were written.'
    """
    if known == found:
        return ""
    if found is None:
        return f"{file} is missing."
    if known is None:
        return f"{file} is there, and no such file was written."
    if known[0] != found[0]:
        return f"{file} has {found[0]:,} bytes, and {known[0]:,} were written."
    return f"{file} is not what was written: its bytes have changed."


def fault_among(folder: Path, files: Files, *, in_full: bool) -> str:
    """What is wrong with the first of some files of which something is; nothing of most.

    Sizes tell of files that are missing or cut; ``in_full``, all bytes are read.
    """
    for place, known in files.items():
        file = folder / place
        told = fault(file, known, _digest_of(file) if in_full else _same_if_as_long(file, known))
        if told:
            return told
    return ""


def _digest_of(file: Path) -> Digest | None:
    try:
        return digest(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise FileError(f"{file} cannot be read: {error.strerror or error}.") from None


def _same_if_as_long(file: Path, known: Digest) -> Digest | None:
    """The digest that is known, with the bytes that a file has."""
    try:
        return file.stat().st_size, known[1]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise FileError(f"{file} cannot be read: {error.strerror or error}.") from None
