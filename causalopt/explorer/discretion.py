"""Words without the folders of this machine, which are no business of a page."""

from __future__ import annotations

import re

from causalopt.ground.errors import CausaloptError

# A path from the root, or from a drive: what comes before its last name.
_FOLDERS = re.compile(r"(?<![\w.)\]}])(?:[A-Za-z]:)?[\\/](?:[^\s\\/'\":;,<>|]+[\\/])+")


def discreet(text: str) -> str:
    """A text whose paths are names of files alone.

    >>> discreet("/home/user/room.py fails: 3 m/s/s, and 1/2/3")
    'room.py fails: 3 m/s/s, and 1/2/3'
    """
    return _FOLDERS.sub("", text)


def fault_of(error: Exception) -> str:
    """What a page is told of an error: its words; of one of the model's own, its kind too."""
    if isinstance(error, CausaloptError):
        return discreet(str(error))
    return discreet(f"The model fails: {type(error).__name__}: {error}")
