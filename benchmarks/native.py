"""C compiled on the spot, where there is a compiler."""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCES = Path(__file__).parent / "c"
FLAGS = ("-O3", "-march=native", "-shared", "-fPIC")


def compiler() -> str | None:
    return shutil.which("gcc") or shutil.which("clang") or shutil.which("cc")


@functools.cache
def library(name: str, *flags: str) -> ctypes.CDLL | None:
    """The library made of ``c/NAME.c``; None where there is no compiler."""
    cc = compiler()
    if cc is None:
        return None
    made = Path(tempfile.mkdtemp()) / f"{name}.so"
    source = SOURCES / f"{name}.c"
    subprocess.run([cc, *FLAGS, *flags, str(source), "-o", str(made), "-lm"], check=True)
    return ctypes.CDLL(str(made))


def version() -> str:
    cc = compiler()
    if cc is None:
        return "no C compiler"
    return subprocess.run([cc, "--version"], capture_output=True, text=True).stdout.splitlines()[0]
