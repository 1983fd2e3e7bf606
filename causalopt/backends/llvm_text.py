"""LLVM's text of a function, line by line: kinds of values, arrays in memory, blocks and variables.

Arrays lie in C's order, and are all different ones: a compiler may keep what it read of one while
another is written into. Indices count from the front.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum


class NotCovered(Exception):
    """A text holds something that is not written as LLVM's here; the message says what."""


class Kind(Enum):
    """What a value is: its name, and how LLVM holds it."""

    FLOAT = "float64", "double"
    WHOLE = "int64", "i64"
    COUNT = "uint64", "i64"
    TRUTH = "boolean", "i1"

    @property
    def held(self) -> str:
        """LLVM's type of it."""
        return self.value[1]


@dataclass(frozen=True)
class Value:
    """A number, or what is true or false, under its name in the text."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.held} {self.name}"


@dataclass(frozen=True)
class Stored:
    """How an array holds its entries: of a kind, in a type of memory, ``size`` bytes each."""

    kind: Kind
    held: str
    size: int


#: How arrays hold what they hold, by NumPy's names.
STORED = {
    "float64": Stored(Kind.FLOAT, "double", 8),
    "int64": Stored(Kind.WHOLE, "i64", 8),
    "uint64": Stored(Kind.COUNT, "i64", 8),
    "uint32": Stored(Kind.WHOLE, "i32", 4),
    "boolean": Stored(Kind.TRUTH, "i8", 1),
    "bool_": Stored(Kind.TRUTH, "i8", 1),
}


@dataclass(frozen=True)
class Array:
    """An array in memory, or a row of one: where it begins, and its extents as whole numbers."""

    stored: Stored
    pointer: str
    shape: tuple[str, ...]


def number(value: float) -> Value:
    """A float with all its bits."""
    return Value(Kind.FLOAT, f"0x{struct.pack('>d', value).hex().upper()}")


def whole(value: int) -> Value:
    """A whole number."""
    return Value(Kind.WHOLE, str(value))


def truth(value: bool) -> Value:
    """True or false."""
    return Value(Kind.TRUTH, "true" if value else "false")


@dataclass(eq=False)
class Text:
    """The lines of one function; ``used`` are the functions of floats that it calls, and of how
    many. ``is_open`` says that a block has not ended yet.
    """

    lines: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)
    made: int = 0
    is_open: bool = True

    def result(self, operation: str) -> str:
        """The name of what an operation gives."""
        self.made += 1
        self.lines.append(f"  %t{self.made} = {operation}")
        return f"%t{self.made}"

    def value(self, kind: Kind, operation: str) -> Value:
        """What an operation gives."""
        return Value(kind, self.result(operation))

    def called(self, name: str, *given: Value) -> Value:
        """What a function of floats gives."""
        self.used[name] = len(given)
        return self.value(Kind.FLOAT, f"call double @{name}({', '.join(map(str, given))})")

    def do(self, operation: str) -> None:
        """An operation that gives nothing."""
        self.lines.append(f"  {operation}")

    def room(self, held: str) -> str:
        """Room for one value, which a compiler keeps in a register."""
        self.made += 1
        self.kept.append(f"  %r{self.made} = alloca {held}")
        return f"%r{self.made}"

    def label(self) -> str:
        """The name of a block to come."""
        self.made += 1
        return f"b{self.made}"

    def begin(self, label: str) -> None:
        """Begin a block, to which the one before it goes on."""
        self.jump(label)
        self.lines.append(f"{label}:")
        self.is_open = True

    def jump(self, label: str) -> None:
        """Go on at a block, unless this one has ended."""
        if self.is_open:
            self.do(f"br label %{label}")
        self.is_open = False

    def branch(self, condition: Value, yes: str, no: str) -> None:
        """Go on at one of two blocks."""
        self.do(f"br {condition}, label %{yes}, label %{no}")
        self.is_open = False

    def place(self, array: Array, indices: Sequence[str]) -> str:
        """Where the entry, or the row, at some indices begins."""
        at = indices[0]
        for index, extent in zip(indices[1:], array.shape[1:], strict=False):
            at = self.result(f"add nsw i64 {self.times(at, extent)}, {index}")
        for extent in array.shape[len(indices) :]:
            at = self.times(at, extent)
        held = array.stored.held
        return self.result(f"getelementptr inbounds {held}, ptr {array.pointer}, i64 {at}")

    def times(self, one: str, other: str) -> str:
        """The product of two whole numbers of which there is no end in memory."""
        if one.isdigit() and other.isdigit():
            return str(int(one) * int(other))
        return self.result(f"mul nsw i64 {one}, {other}")

    def load(self, stored: Stored, pointer: str) -> Value:
        """An entry of memory."""
        loaded = self.result(f"load {stored.held}, ptr {pointer}, align {stored.size}")
        if stored.held == "i32":
            loaded = self.result(f"zext i32 {loaded} to i64")
        elif stored.kind is Kind.TRUTH:
            loaded = self.result(f"icmp ne i8 {loaded}, 0")
        return Value(stored.kind, loaded)

    def store(self, value: Value, stored: Stored, pointer: str) -> None:
        """Put a value of its kind into memory."""
        if stored.held == "i32":
            raise NotCovered("writing into constants")
        name = value.name
        if stored.kind is Kind.TRUTH:
            name = self.result(f"zext i1 {name} to i8")
        self.do(f"store {stored.held} {name}, ptr {pointer}, align {stored.size}")

    def converted(self, value: Value, kind: Kind) -> Value:
        """A value as one of another kind, as far as that is so without being asked for."""
        if value.kind is kind:
            return value
        match value.kind, kind:
            case Kind.TRUTH, Kind.WHOLE:
                how = "zext"
            case Kind.WHOLE, Kind.FLOAT:
                if value.name.lstrip("-").isdigit():
                    return number(int(value.name))
                how = "sitofp"
            case Kind.COUNT, Kind.FLOAT:
                how = "uitofp"
            case Kind.TRUTH, Kind.FLOAT:
                how = "uitofp"
            case _:
                raise NotCovered(f"{value.kind.value[0]} where {kind.value[0]} is")
        return self.value(kind, f"{how} {value} to {kind.held}")

    def asked(self, value: Value) -> Value:
        """Whether a value is not 0."""
        match value.kind:
            case Kind.TRUTH:
                return value
            case Kind.FLOAT:
                return self.value(Kind.TRUTH, f"fcmp une {value}, 0.0")
            case _:
                return self.value(Kind.TRUTH, f"icmp ne {value}, 0")

    def chosen(self, condition: Value, one: Value, other: Value) -> Value:
        """One of two values of one kind."""
        return self.value(one.kind, f"select {condition}, {one}, {other}")
