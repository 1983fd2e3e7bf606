"""LLVM's text made machine code for this processor, loaded, and called from Python."""

from __future__ import annotations

import ctypes
import functools
import os
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from causalopt.backends.lowering import CallingForm
from causalopt.backends.statements import CALL

# From this version of LLVM on, pointers in its text have no types.
_OLDEST = 17

_LOCK = threading.RLock()
if hasattr(os, "register_at_fork"):
    # A process that is forked while another thread compiles would wait for that thread for ever.
    os.register_at_fork(
        before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release
    )


@functools.cache
def is_there() -> bool:
    """Whether this machine's LLVM is one that is known here."""
    if os.name != "posix":
        return False
    from llvmlite import binding

    return bool(binding.llvm_version_info[0] >= _OLDEST)


@functools.cache
def machine() -> tuple[str, ...]:
    """What machine code depends on besides its text."""
    import llvmlite
    from llvmlite import binding

    features = binding.get_host_cpu_features().flatten()
    return llvmlite.__version__, binding.get_process_triple(), binding.get_host_cpu_name(), features


def _target() -> Any:
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_triple(binding.get_process_triple())
    _, _, name, features = machine()
    # As a compiler at run time needs it on these processors.
    reloc = "static" if target.name.startswith("x86") else "default"
    return target.create_target_machine(
        cpu=name, features=features, opt=3, reloc=reloc, codemodel="jitdefault", jit=True
    )


def assembled(text: str) -> bytes:
    """The machine code of a text. No flag lets LLVM change a digit."""
    from llvmlite import binding

    with _LOCK:
        target = _target()
        module = binding.parse_assembly(text)
        module.triple, module.data_layout = target.triple, str(target.target_data)
        module.verify()
        options = binding.create_pipeline_tuning_options(speed_level=3)
        options.loop_vectorization, options.slp_vectorization = True, False
        builder = binding.create_pass_builder(target, options)
        builder.getModulePassManager().run(module, builder)
        code: bytes = target.emit_object(module)
    return code


def loaded(form: CallingForm, code: bytes) -> Loaded:
    """A function to call."""
    from llvmlite import binding

    with _LOCK:
        engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _target())
        engine.add_object_file(binding.ObjectFileRef.from_data(code))
        address = engine.get_function_address(form.name)
    result = _TYPES[form.result] if form.result != "void" else None
    function = ctypes.CFUNCTYPE(result, ctypes.c_char_p)(address)
    return Loaded(engine, address, function, _Packed.of(form))


_TYPES: dict[str, Any] = {
    "float64": ctypes.c_double,
    "int64": ctypes.c_int64,
    "uint64": ctypes.c_uint64,
}
_LETTERS = {"float64": "d", "int64": "q", "uint64": "Q", "boolean": "?7x"}
# An array's memory from its beginning on.
_START = ctypes.c_char * 0


@dataclass(frozen=True, eq=False)
class Bound:
    """A function with all its arguments, which other machine code calls; numbers are fixed."""

    address: int
    row: bytes
    held: object

    @property
    def words(self) -> tuple[int, int]:
        """Where the function is, and what it is given."""
        return self.address, _address(np.frombuffer(self.row, np.uint8))


@dataclass(frozen=True)
class _Packed:
    """How arguments are put in a row of memory: the type of each array, None for a number."""

    arrays: tuple[tuple[np.dtype[Any], int] | None, ...]
    row: struct.Struct
    rooms: tuple[int, ...]

    @classmethod
    def of(cls, form: CallingForm) -> _Packed:
        """What a calling form asks for."""
        arrays, letters = [], ""
        for argument in form.arguments:
            if argument.kind == CALL:
                letters, array = letters + "QQ", None
            elif argument.extents:
                letters += f"Q{argument.extents}q"
                array = np.dtype(argument.kind.replace("boolean", "bool")), argument.extents
            else:
                letters, array = letters + _LETTERS[argument.kind], None
            arrays.append(array)
        return cls(tuple(arrays), struct.Struct(f"@{letters}{len(form.rooms)}Q"), form.rooms)

    def packed(self, given: Sequence[Any]) -> tuple[bytes, object]:
        """The row of some arguments, and what has to live as long as that is used."""
        words: list[Any] = []
        for one, array in zip(given, self.arrays, strict=True):
            if array is None:
                words += one.words if isinstance(one, Bound) else (one,)
                continue
            kind, extents = array
            if one.dtype != kind or one.ndim != extents or not one.flags.c_contiguous:
                raise TypeError(
                    f"{one.dtype} of {one.shape} in place of {kind} of {extents} extents"
                )
            words.append(_address(one))
            words += one.shape
        # Memory is asked of NumPy, which says where there is none.
        own = [np.empty(size, np.uint8) for size in self.rooms]
        return self.row.pack(*words, *map(_address, own)), own


@dataclass(frozen=True, eq=False)
class Loaded:
    """A function to call: numbers and arrays as they are, of the kinds that it is for.

    It does not hold the interpreter's lock. The ``engine`` holds the code, as long as this lives.
    """

    engine: object
    address: int
    function: Callable[[bytes], Any]
    form: _Packed

    def __call__(self, *given: Any) -> Any:
        """Call it; its own arrays live until it ends."""
        row, _own = self.form.packed(given)
        return self.function(row)

    def bound(self, *given: Any) -> Bound:
        """It with all its arguments."""
        row, own = self.form.packed(given)
        return Bound(self.address, row, (self, given, own))


def _address(array: np.ndarray[Any, Any]) -> int:
    if array.flags.writeable:
        # This is three times as quick as asking the array.
        memory: Any = array
        return ctypes.addressof(_START.from_buffer(memory))
    return array.ctypes.data
