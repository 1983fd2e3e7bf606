"""What a page is told of errors: words without the folders of this machine, no business of it."""

from __future__ import annotations

import re
from collections.abc import Callable

from causalopt.ground.errors import CausaloptError

# A path from the root, or from a drive: what comes before its last name.
_FOLDERS = re.compile(
    r"(?<![\w.)\]}])(?:(?:\.\.?)(?=[\\/])|[A-Za-z]:)?[\\/](?:[^\s\\/'\":;,<>|]+[\\/])*"
    r"(?=[^\s\\/'\":;,<>|]+\.\w)"
    r"|(?<![\w.)\]}])(?:[A-Za-z]:)?[\\/](?:[^\s\\/'\":;,<>|]+[\\/])+"
)


def discreet(text: str) -> str:
    """A text whose paths are names of files alone.

    >>> discreet("/home/user/room.py fails: 3 m/s/s, and 1/2/3")
    'room.py fails: 3 m/s/s, and 1/2/3'
    >>> discreet("../secret/room.toml, ./room.py, x/y.z and /etc/passwd")
    'room.toml, room.py, x/y.z and passwd'
    """
    return _FOLDERS.sub("", text)


def or_fault(told: Callable[[], dict[str, object]]) -> dict[str, object]:
    """What is told, or why there is nothing to tell: a page goes on either way.

    >>> or_fault(lambda: {"value": 1 / 0})
    {'fault': 'The model fails: ZeroDivisionError: division by zero'}
    """
    try:
        return told()
    except Exception as error:  # also of a model's own functions
        return {"fault": fault_of(error)}


def fault_of(error: Exception) -> str:
    """What a page is told of an error: its words; of one of the model's own, its kind too."""
    if isinstance(error, CausaloptError):
        return discreet(str(error))
    return discreet(f"The model fails: {type(error).__name__}: {error}")
