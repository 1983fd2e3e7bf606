"""Compiled functions on disk, so that a second process need not compile them again.

What a text says is written as LLVM's at once where that is known (``lowering``), and compiled by
numba where it is not, which takes some milliseconds for each operation.

A file holds one function, under a seal. Its name is the hash of the source, or of LLVM's text of
it, and of everything else that the machine code depends on: the versions of numba, llvmlite, NumPy
and Python, and the processor. A file that is damaged, or that cannot be read, is compiled anew and
replaced.

What code compiled by numba calls, and does not hold, stands beside it by name. Where all of that is
there as soon as numba's runtime is, what numba compiles with is not imported.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from causalopt.backends import native, sealed
from causalopt.backends.llvm_text import NotCovered
from causalopt.backends.lowering import Lowered, lowered
from causalopt.ground.errors import CausaloptError

#: Where compiled code is kept, in place of the user's cache folder; empty for nowhere.
VARIABLE = "CAUSALOPT_CACHE_DIR"

#: No flag that lets the compiler change a result: sums keep their order, NaN stays NaN.
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "boundscheck": False}

#: What a file holds, in its name too: another version of this package may hold something else.
_FORM = "names, code with names of its own"

# What a file of machine code begins with.
_MARK = b"machine code\n"

Compiled = Callable[..., Any]


class NotCompiled(CausaloptError):
    """No compiler has a way with a text; the message is the name of what the last one raised."""


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
    written from blocks, with generated names only. Arrays that a function is given are all
    different ones, and its indices count from the front. ``NotCompiled`` where it cannot be done.
    """
    if native.is_there():
        with contextlib.suppress(NotCovered, RecursionError):
            return _native(name, lowered(source, name, signature))
    return _by_numba(source, name, signature)


def _native(name: str, text: Lowered) -> Compiled:
    """Our own text for LLVM, made machine code, or that as it was kept."""
    place = _named(name, [*native.machine(), text.text, repr(text.form)])
    if place is None:
        return native.loaded(text.form, native.assembled(text.text))
    code = _code_at(place)
    if code is None:
        # Once on a machine, also where many processes begin at once.
        with sealed.alone(place):
            code = _code_at(place)
            if code is None:
                code = native.assembled(text.text)
                sealed.write(place, _MARK + code)
    return native.loaded(text.form, code)


def _code_at(place: Path) -> bytes | None:
    """The machine code at a place; LLVM ends the process where it is given anything else."""
    content = sealed.read(place)
    return content.removeprefix(_MARK) if content and content.startswith(_MARK) else None


def _by_numba(source: str, name: str, signature: str) -> Compiled:
    """A function that numba compiles, or has compiled."""
    import numba
    from numba.core.errors import NumbaError

    from causalopt.backends import intrinsics

    def named(written: Any) -> Any:
        # Of functions of one name from different files, the loader takes the first for all.
        written.__qualname__ = f"{written.__name__}_{hashlib.sha256(source.encode()).hexdigest()}"
        return written

    def compiled(helper: Any) -> Any:
        return numba.njit(**_OPTIONS)(named(helper))

    # What a text has besides, it marks as compiled itself.
    namespace: dict[str, Any] = {"__name__": __name__, "compiled": compiled, **intrinsics.BY_NAME}
    exec("import math\nimport numpy\n" + source, namespace)
    dispatcher: Any = compiled(namespace[name])
    try:
        _made(dispatcher, signature, _place(source, name, signature))
    except (NumbaError, RecursionError) as error:
        raise NotCompiled(type(error).__name__) from error
    dispatcher.disable_compile()
    return cast(Compiled, dispatcher)


def _made(dispatcher: Any, signature: str, place: Path | None) -> None:
    """See to it that the dispatcher has its code."""
    if place is None:
        dispatcher.compile(signature)
    elif not _restored(dispatcher, place):
        with sealed.alone(place):
            if not _restored(dispatcher, place):
                dispatcher.compile(signature)
                _keep(dispatcher, place)


def _place(source: str, name: str, signature: str) -> Path | None:
    options = repr(sorted(_OPTIONS.items()))
    return _named(name, [*_machine(), source, name, signature, options, _FORM])


def _named(name: str, parts: Sequence[str]) -> Path | None:
    """Where what depends on some texts is kept; None where nothing is."""
    where = folder()
    if where is None:
        return None
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return where / f"{name}-{digest[:32]}.bin"


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

    payload = sealed.read(place)
    if payload is None:
        return False
    try:
        context = dispatcher.targetctx
        called, code = pickle.loads(payload)
        _provide(context, called)
        dispatcher.add_overload(result._rebuild(context, *code))
    except Exception:
        # Whatever it is that numba cannot read: compiling again is always right.
        return False
    return True


def _provide(context: Any, called: Sequence[str]) -> None:
    """See to it that what some code calls is there: a function that is not would be called at 0."""
    from llvmlite import binding
    from numba.core import runtime

    ready: Any = runtime
    ready.rtsys.initialize(context)
    if not all(map(binding.address_of_symbol, called)):
        context.refresh()


def _keep(dispatcher: Any, place: Path) -> None:
    """Write the dispatcher's code to a place."""
    from numba.core import serialize

    pack: Any = serialize.dumps

    (result,) = dispatcher.overloads.values()
    with contextlib.suppress(pickle.PicklingError):
        sealed.write(place, pack((_called(result.library), result._reduce())))


def _called(library: Any) -> tuple[str, ...]:
    """What a library of code names and does not hold; what LLVM has of its own left out."""
    from llvmlite import binding

    module = binding.parse_assembly(library.get_llvm_str())
    values = (*module.functions, *module.global_variables)
    outside = (value.name for value in values if value.is_declaration)
    return tuple(name for name in outside if not name.startswith("llvm."))
