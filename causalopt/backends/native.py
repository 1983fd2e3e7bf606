"""LLVM's text made machine code for this processor, loaded, and called from Python."""

from __future__ import annotations

import ctypes
import functools
import os
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from causalopt.backends.lowering import CallingForm

# From this version of LLVM on, pointers in its text have no types.
_OLDEST = 17

_LOCK = threading.RLock()


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


def loaded(form: CallingForm, code: bytes) -> Callable[..., Any]:
    """A function to call: numbers and arrays as they are, of the kinds that it is for."""
    from llvmlite import binding

    with _LOCK:
        engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _target())
        engine.add_object_file(binding.ObjectFileRef.from_data(code))
        address = engine.get_function_address(form.name)
    result = _TYPES[form.result] if form.result != "void" else None
    function = ctypes.CFUNCTYPE(result, ctypes.c_char_p)(address)
    # The engine holds the code: it lives as long as what is called.
    return functools.partial(_called, (engine, function), _Packed.of(form))


_TYPES: dict[str, Any] = {
    "float64": ctypes.c_double,
    "int64": ctypes.c_int64,
    "uint64": ctypes.c_uint64,
}
_LETTERS = {"float64": "d", "int64": "q", "uint64": "Q"}
# An array's memory from its beginning on.
_START = ctypes.c_char * 0


@dataclass(frozen=True)
class _Packed:
    """How arguments are put in a row of memory: the type of each array, None for a number."""

    arrays: tuple[tuple[np.dtype[Any], int] | None, ...]
    row: struct.Struct
    rooms: tuple[int, ...]

    @classmethod
    def of(cls, form: CallingForm) -> _Packed:
        arrays, letters = [], ""
        for argument in form.arguments:
            letters += f"Q{argument.extents}q" if argument.extents else _LETTERS[argument.kind]
            kind = np.dtype(argument.kind.replace("boolean", "bool"))
            arrays.append((kind, argument.extents) if argument.extents else None)
        return cls(tuple(arrays), struct.Struct(f"@{letters}{len(form.rooms)}Q"), form.rooms)


def _called(held: tuple[object, Callable[[bytes], Any]], packed: _Packed, *given: Any) -> Any:
    """Call a function, which does not hold the interpreter's lock."""
    words: list[Any] = []
    for one, array in zip(given, packed.arrays, strict=True):
        if array is None:
            words.append(one)
            continue
        kind, extents = array
        if one.dtype != kind or one.ndim != extents or not one.flags.c_contiguous:
            raise TypeError(f"{one.dtype} of {one.shape} in place of {kind} of {extents} extents")
        words.append(_address(one))
        words += one.shape
    # Memory is asked of NumPy, which says where there is none.
    own = [np.empty(size, np.uint8) for size in packed.rooms]
    return held[1](packed.row.pack(*words, *map(_address, own)))


def _address(array: np.ndarray[Any, Any]) -> int:
    if array.flags.writeable:
        # This is three times as quick as asking the array.
        memory: Any = array
        return ctypes.addressof(_START.from_buffer(memory))
    return array.ctypes.data
