"""Attacks on a reader, one by one in a process: what each took, and what is told of it."""

import json
import time
from pathlib import Path

from causalopt import FileError


def peak_memory() -> int:
    """The most memory of this process, in kilobytes: that of its own, not of what started it."""
    (line,) = (row for row in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in row)
    return int(line.split()[1])


def attack(read, attacks, path):
    """Write each of some texts, by name, to a path, and read it; print a line of JSON of each."""
    for name, text in attacks.items():
        path.write_text(text, encoding="utf-8")
        begun, told = time.process_time(), ""
        try:
            read(path)
        except FileError as error:
            told = str(error)
        took = time.process_time() - begun
        print(json.dumps({"name": name, "took": took, "memory": peak_memory(), "told": told}))
