"""Compiled functions on disk, so that a second process need not compile them again.

A file holds one function: a digest, and what it is the digest of. Its name is the hash of the
source and of everything else that the machine code depends on: the versions of numba, llvmlite,
NumPy and Python, and the processor. A file that is damaged, or that the present numba cannot read,
is compiled anew and replaced. Files are written beside their place and moved there in one step, so
that any number of processes may read and write at once.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Where compiled code is kept, in place of the user's cache folder; empty for nowhere.
VARIABLE = "CAUSALOPT_CACHE_DIR"

#: No flag that lets the compiler change a result: sums keep their order, NaN stays NaN.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "boundscheck": False}

Compiled = Callable[..., Any]


def folder() -> Path | None:
    """The folder of compiled code; None where it is switched off.

    ``CAUSALOPT_CACHE_DIR`` names it; else it is ``causalopt`` in the user's cache folder.
    """
    given = os.environ.get(VARIABLE)
    if given is not None:
        return Path(given) if given else None
    with contextlib.suppress(RuntimeError):
        match sys.platform:
            case "win32":
                base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
            case "darwin":
                base = Path.home() / "Library" / "Caches"
            case _:
                base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return base / "causalopt"
    return None


@functools.lru_cache(maxsize=256)
def function(source: str, name: str, signature: str) -> Compiled:
    """The function ``name`` of a source text, compiled for one signature.

    Taken from this process, else from disk, else compiled. The text is the package's own: it is
    written from blocks, with generated names only.
    """
    import numba

    from causalopt.backends.intrinsics import choose

    namespace: dict[str, Any] = {"__name__": __name__, "choose": choose}
    exec("import math\nimport numpy\n" + source, namespace)
    dispatcher: Any = numba.njit(**_OPTIONS)(namespace[name])
    place = _place(source, name, signature)
    if place is None or not _restored(dispatcher, place):
        dispatcher.compile(signature)
        if place is not None:
            _keep(dispatcher, place)
    dispatcher.disable_compile()
    compiled: Compiled = dispatcher
    return compiled


def _place(source: str, name: str, signature: str) -> Path | None:
    where = folder()
    if where is None:
        return None
    text = "\0".join([*_machine(), source, name, signature, repr(sorted(_OPTIONS.items()))])
    return where / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:32]}.bin"


@functools.cache
def _machine() -> tuple[str, ...]:
    """What machine code depends on besides its source."""
    import llvmlite
    import numba
    import numpy as np
    from numba.core.registry import cpu_target

    triple, cpu, features = cpu_target.target_context.codegen().magic_tuple()
    versions = numba.__version__, llvmlite.__version__, np.__version__, platform.python_version()
    return (*versions, sys.implementation.cache_tag or "", triple, cpu, features)


def _restored(dispatcher: Any, place: Path) -> bool:
    """Whether the dispatcher now has the code kept at a place; never where that is damaged."""
    from numba.core import compiler

    result: Any = compiler.CompileResult

    try:
        kept = place.read_bytes()
    except OSError:
        return False
    digest, payload = kept[:32], kept[32:]
    if hashlib.sha256(payload).digest() != digest:
        return False
    try:
        context = dispatcher.targetctx
        context.refresh()
        dispatcher.add_overload(result._rebuild(context, *pickle.loads(payload)))
    except Exception:
        # Whatever it is that numba cannot read: compiling again is always right.
        return False
    return True


def _keep(dispatcher: Any, place: Path) -> None:
    """Write the dispatcher's code to a place, in one step; a disk that is full or closed is no
    reason to fail."""
    from numba.core import serialize

    pack: Any = serialize.dumps

    (result,) = dispatcher.overloads.values()
    with contextlib.suppress(OSError, pickle.PicklingError):
        payload = pack(result._reduce())
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=place.parent, prefix=place.name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(payload).digest() + payload)
            os.replace(beside, place)
        except OSError:
            os.unlink(beside)
            raise
