"""Words without the folders of this machine, which are no business of a page."""

from __future__ import annotations

import re

# A path from the root, or from a drive: what comes before its last name.
_FOLDERS = re.compile(r"(?<![\w.)\]}])(?:[A-Za-z]:)?[\\/](?:[^\s\\/'\":;,<>|]+[\\/])+")


def discreet(text: str) -> str:
    """A text whose paths are names of files alone.

    >>> discreet("/home/user/room.py fails: 3 m/s/s, and 1/2/3")
    'room.py fails: 3 m/s/s, and 1/2/3'
    """
    return _FOLDERS.sub("", text)
