"""Fingerprints of values: the same wherever a value is made, another for whatever differs in it.

A value is taken apart as pickling does, down to numbers, texts and code, and hashed from there up.
Nothing depends on identity, on the order of a set, or on the hash of text. A function that can be
imported counts by its name and code; any other by its code, and by what it refers to.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from causalopt.ground.readonly import ReadOnly
from causalopt.language.laws import Inverse


@dataclass(frozen=True)
class Apart:
    """A value taken apart: of which kind it is, what has no parts, and its parts."""

    kind: str
    plain: bytes = b""
    parts: tuple[object, ...] = ()
    in_order: bool = True

    def digest(self, digests: list[bytes]) -> bytes:
        """The digest of the value, by those of its parts."""
        known = digests if self.in_order else sorted(digests)
        head = f"{self.kind}\0{len(self.plain)}\0{len(known)}\0".encode()
        return hashlib.sha256(b"".join([head, self.plain, *known])).digest()


@dataclass
class _Open:
    """A value of which some parts are known."""

    value: object
    apart: Apart
    digests: list[bytes] = dataclasses.field(default_factory=list)

    @classmethod
    def of(cls, value: object) -> _Open:
        return cls(value, taken_apart(value))


def fingerprint(value: object) -> str:
    """The fingerprint of a value, as 64 letters.

    >>> fingerprint({"k": 1, "d": {2, 3}}) == fingerprint({"k": 1, "d": {3, 2}})
    True
    >>> fingerprint([1.0, 2]) == fingerprint([1.0, 3])
    False
    """
    # Without recursion, for formulas may be nested deeper than Python's stack.
    opened = [_Open.of(value)]
    depth = {id(value): 0}
    known: dict[int, bytes] = {}
    kept: list[_Open] = []  # so that no identity is given twice
    while True:
        last = opened[-1]
        if len(last.digests) < len(last.apart.parts):
            part = last.apart.parts[len(last.digests)]
            if id(part) in known:
                last.digests.append(known[id(part)])
            elif id(part) in depth:  # a function that refers to itself, above all
                last.digests.append(hashlib.sha256(b"up %d" % depth[id(part)]).digest())
            else:
                depth[id(part)] = len(opened)
                opened.append(_Open.of(part))
            continue
        kept.append(opened.pop())
        del depth[id(last.value)]
        known[id(last.value)] = last.apart.digest(last.digests)
        if not opened:
            return known[id(value)].hex()


@functools.singledispatch
def taken_apart(value: object) -> Apart:
    """A value taken apart; a record by its fields, anything else as pickling does."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        compared = [field.name for field in dataclasses.fields(value) if field.compare]
        fields = {name: getattr(value, name) for name in compared}
        return Apart("record", _name(type(value)), (fields,))
    wrapped = getattr(value, "__wrapped__", None)
    if wrapped is not None:
        return Apart("wrapped", _name(type(value)), (wrapped,))
    reduced = value.__reduce_ex__(4)
    if isinstance(reduced, str):
        return Apart("name", f"{getattr(value, '__module__', '')}.{reduced}".encode())
    make, given, *rest = reduced
    state, rows, pairs, *_ = (*rest, None, None, None)
    return Apart("made", b"", (make, given, state, list(rows or ()), dict(pairs or ())))


@taken_apart.register(types.NoneType)
@taken_apart.register(bool)
@taken_apart.register(int)
@taken_apart.register(complex)
@taken_apart.register(range)
@taken_apart.register(slice)
@taken_apart.register(str)
@taken_apart.register(bytes)
def _(value: object) -> Apart:
    return Apart(type(value).__name__, repr(value).encode("utf-8", "surrogatepass"))


@taken_apart.register
def _(value: float) -> Apart:
    return Apart("float", value.hex().encode())


@taken_apart.register
def _(value: np.ndarray) -> Apart:
    head = f"{value.dtype.str}{value.shape}".encode()
    if value.dtype == object:
        return Apart("array", head, tuple(value.reshape(-1).tolist()))
    return Apart("array", head + value.tobytes())


@taken_apart.register
def _(value: np.generic) -> Apart:
    return taken_apart(np.asarray(value))


@taken_apart.register(list)
@taken_apart.register(tuple)
def _(value: list[object] | tuple[object, ...]) -> Apart:
    # A tuple with names for its entries is told from others by its kind.
    kind = type(value).__name__ if hasattr(value, "_fields") else "row"
    return Apart(kind, parts=tuple(value))


@taken_apart.register(set)
@taken_apart.register(frozenset)
def _(value: set[object] | frozenset[object]) -> Apart:
    return Apart("set", parts=tuple(value), in_order=False)


@taken_apart.register
def _(value: dict) -> Apart:  # type: ignore[type-arg]  # dispatched by its class
    # Its order may be that of a result's dims.
    return Apart("dict", parts=tuple(value.items()))


@taken_apart.register(Mapping)
def _(value: Mapping[object, object]) -> Apart:
    return Apart("mapping", parts=tuple(value.items()), in_order=False)


@taken_apart.register
def _(value: type) -> Apart:
    if is_importable(value):
        return Apart("name", _name(value))
    # A class that goes along by value counts by what is written in it.
    written = {name: held for name, held in vars(value).items() if not _is_bookkeeping(name, held)}
    return Apart("class", value.__name__.encode(), (value.__bases__, written))


@taken_apart.register
def _(value: property) -> Apart:
    return Apart("property", parts=(value.fget, value.fset, value.fdel))


@taken_apart.register(types.BuiltinFunctionType)
@taken_apart.register(types.ModuleType)
@taken_apart.register(np.ufunc)
def _(value: object) -> Apart:
    return Apart("name", _name(value))


@taken_apart.register
def _(value: Inverse) -> Apart:
    # What scipy keeps of a law has functions that it makes on the way, others in each process.
    if value.has_family:
        return Apart("law", repr(value).encode())
    return Apart("law", parts=(value.distribution,))


@taken_apart.register
def _(value: types.MethodType) -> Apart:
    return Apart("method", parts=(value.__self__, value.__func__))


@taken_apart.register
def _(value: functools.partial) -> Apart:  # type: ignore[type-arg]  # dispatched by its class
    return Apart("partial", parts=(value.func, value.args, ReadOnly(value.keywords)))


@taken_apart.register
def _(value: types.CodeType) -> Apart:
    given = value.co_argcount, value.co_posonlyargcount, value.co_kwonlyargcount, value.co_flags
    names = value.co_names, value.co_varnames, value.co_freevars
    return Apart("code", value.co_code, (given, names, value.co_consts))


@taken_apart.register
def _(value: types.FunctionType) -> Apart:
    parts = value.__code__, value.__defaults__, value.__kwdefaults__
    if is_importable(value):
        return Apart("function", _name(value), parts)
    cells = [cell.cell_contents for cell in value.__closure__ or ()]
    used = {name: value.__globals__[name] for name in _names_in(value.__code__)
            if name in value.__globals__}  # fmt: skip
    return Apart("function", b"", (*parts, cells, used))


def is_importable(value: object) -> bool:
    """Whether another process finds a function or class by its name, as this one does."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    if module in (None, "__main__") or module not in sys.modules:
        return False
    found: object = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is value


def _is_bookkeeping(name: str, held: object) -> bool:
    descriptors = types.GetSetDescriptorType, types.MemberDescriptorType
    return isinstance(held, descriptors) or name in ("__doc__", "__module__", "__firstlineno__")


def _names_in(code: types.CodeType) -> list[str]:
    """The names that code, and code within it, looks for outside."""
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return sorted({*code.co_names, *(name for part in inner for name in _names_in(part))})


def _name(value: object) -> bytes:
    module = getattr(value, "__module__", None)
    return f"{module}.{getattr(value, '__qualname__', getattr(value, '__name__', ''))}".encode()
