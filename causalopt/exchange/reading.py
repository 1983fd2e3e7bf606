"""The text of a file that somebody else wrote: bounded in size, UTF-8, and where in it one is."""

from __future__ import annotations

import os
from dataclasses import dataclass

from causalopt.ground.checks import as_path
from causalopt.ground.errors import FileError

#: The most bytes of a model file: what is larger is not read at all.
MOST_BYTES = 10_000_000


def read_text(path: str | os.PathLike[str], what: str = "a model", most: int = MOST_BYTES) -> str:
    """The text of a file, with line ends as they are in Python; ``what`` is said in errors.

    Raises ``FileError`` for a file that is not there, no file, larger than ``most`` bytes, not
    UTF-8, empty, or of bytes that are no text.
    """
    path = as_path(path, "path", "model.xml")
    try:
        with path.open("rb") as file:
            # One byte beyond tells, whatever the file system says of its size.
            held = file.read(most + 1)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}.") from None
    if len(held) > most:
        raise FileError(
            f"{path} is larger than {most:,} bytes (MOST_BYTES): {what} of that size is not read."
        )
    try:
        text = held.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = held[: error.start].count(b"\n") + 1
        raise FileError(
            f"{path}, line {line}: byte {error.start} is no UTF-8. Save the file as UTF-8."
        ) from None
    if "\0" in text:
        raise FileError(f"{path} holds bytes that are no text: {what} is a text file.")
    if not text.strip():
        raise FileError(f"{path} is empty: {what} was expected.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def place(text: str, offset: int) -> str:
    """Where in a text a character is, as a reader counts.

    >>> place("a\\nbc", 3)
    'line 2, column 2'
    """
    before = text[:offset]
    return f"line {before.count(chr(10)) + 1}, column {offset - before.rfind(chr(10))}"


@dataclass(frozen=True)
class FileText:
    r"""A text with the name of its file, so that a fault in it is told where it is.

    >>> str(FileText("home.bif", "a\nbc").refusal(3, "c is unknown."))
    'home.bif, line 2, column 2: c is unknown.'
    """

    path: str
    text: str

    @classmethod
    def of(cls, path: str | os.PathLike[str], what: str) -> FileText:
        """A file that is read; errors are those of ``read_text``."""
        text = read_text(path, what)
        return cls(os.fspath(path), text)

    def refusal(self, offset: int, message: str) -> FileError:
        """What is wrong at a character of the text, to be raised."""
        return FileError(f"{self.path}, {place(self.text, offset)}: {message}")
