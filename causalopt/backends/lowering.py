"""The text of loops, as it is written for numba, as LLVM's text: what a Python like C says at once.

What is written here is small: numbers in variables that keep their kind, arrays of which entries,
rows and stretches are read and written, loops over ranges, branches. There is nothing to find out
about types that the first value of a variable does not say, and so no compiler in between: numba's
takes some milliseconds for each operation. What a text holds beyond that is ``NotCovered``.
"""

from __future__ import annotations

import ast
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from causalopt.backends.arithmetic import stored_as
from causalopt.backends.llvm_text import Array, NotCovered, Text, Value, number, whole
from causalopt.backends.statements import CALL, KINDS, Argument, Statements

# Python 3.11 counts the depth of all trees that are being made together: of two threads at once, it
# raises a SystemError in one (CPython's issue 106905).
_PARSING = threading.Lock()

_PURE = "nounwind willreturn memory(none)"


@dataclass(frozen=True)
class CallingForm:
    """How a function is called: its arguments, what it gives, and the bytes of its own arrays.

    It is given all in a row of memory, eight bytes each: a number, where an array begins and its
    extents, or where a function to call is and what it is given; and in the end where there is room
    for its own arrays.
    """

    name: str
    arguments: tuple[Argument, ...]
    result: str
    rooms: tuple[int, ...]


@dataclass(frozen=True)
class Lowered:
    """A function as LLVM's text, and how it is called."""

    text: str
    form: CallingForm


def lowered(source: str, name: str, signature: str) -> Lowered:
    """A function of a text, for a signature in numba's words."""
    result, arguments = _signed(signature)
    unit = _Unit()
    with _PARSING:
        tree = ast.parse(source)
    for statement in tree.body:
        match statement:
            case ast.FunctionDef(name=found) if found == name:
                rooms = unit.function(statement, arguments, result)
                text = "\n".join([*unit.lines, *_declared(unit.used)]) + "\n"
                return Lowered(text, CallingForm(name, arguments, result, rooms))
            case ast.FunctionDef(args=ast.arguments(args=[ast.arg(table)])):
                unit.helpers[statement.name] = (statement, table)
            case ast.Assign(targets=[ast.Name(constant)], value=value):
                unit.constant(constant, value)
            case _:
                raise NotCovered(ast.unparse(statement))
    raise NotCovered(name)


def _signed(signature: str) -> tuple[str, tuple[Argument, ...]]:
    """What numba calls a signature: what is given, and the arguments."""
    result, _, rest = signature.partition("(")
    arguments = []
    for given in re.findall(r"\w+(?:\[[^\]]*\])?", rest):
        kind, _, extents = given.partition("[")
        if extents and not extents.endswith("::1]"):
            raise NotCovered(given)
        arguments.append(Argument(kind, extents.count(",") + 1 if extents else 0))
    return result, tuple(arguments)


def _outside(name: str, held: str, types: Sequence[str]) -> list[str]:
    """A function that is given all its arguments in a row of memory, eight bytes each."""
    lines = [f"define {held} @{name}(ptr %given) {{"]
    for place, of in enumerate(types):
        lines.append(f"  %p{place} = getelementptr inbounds i64, ptr %given, i64 {place}")
        lines.append(f"  %v{place} = load {of}, ptr %p{place}, align 8")
    called = f"call {held} @within({', '.join(f'{of} %v{i}' for i, of in enumerate(types))})"
    ends = [f"  {called}", "  ret void"]
    return [*lines, *(ends if held == "void" else [f"  %r = {called}", f"  ret {held} %r"]), "}"]


def _declared(used: dict[str, int]) -> list[str]:
    lines = [f"declare double @{name}({', '.join(['double'] * count)}) {_PURE}"
             for name, count in used.items()]  # fmt: skip
    lines.append("declare double @frexp(double, ptr) nounwind willreturn memory(argmem: write)")
    return [*lines, f"declare double @ldexp(double, i32 signext) {_PURE}"]


@dataclass(eq=False)
class _Unit:
    """The functions of one text, and the constants that they share."""

    lines: list[str] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    helpers: dict[str, tuple[ast.FunctionDef, str]] = field(default_factory=dict)

    def constant(self, name: str, value: ast.expr) -> None:
        """An array of numbers that are written down."""
        match value:
            case ast.Call(ast.Attribute(ast.Name("numpy"), "array"), [rows, held]):
                stored = stored_as(held)
            case _:
                raise NotCovered(name)
        numbers = ast.literal_eval(rows)
        shape, entries = [len(numbers)], numbers
        if numbers and isinstance(numbers[0], list):
            shape, entries = [*shape, len(numbers[0])], [e for row in numbers for e in row]
        text = Text()
        kind = stored.kind
        words = [text.converted(_written(each), kind).name for each in entries]
        filled = ", ".join(f"{stored.held} {word}" for word in words)
        what = f"[{len(words)} x {stored.held}] " + (f"[{filled}]" if words else "zeroinitializer")
        self.lines.append(f"@{name} = private unnamed_addr constant {what}, align 16")
        self.constants[name] = Array(stored, f"@{name}", tuple(map(str, shape)))

    def function(
        self, node: ast.FunctionDef, arguments: Sequence[Argument], result: str
    ) -> tuple[int, ...]:
        """Write a function that is called from outside; the bytes of its own arrays."""
        body = self._body(dict(self.constants))
        names = [argument.arg for argument in node.args.args]
        body.is_alone = all(argument.kind != CALL for argument in arguments)
        given = [
            part
            for name, argument in zip(names, arguments, strict=True)
            for part in body.given(name, argument)
        ]
        body.carried(node.body)
        if result == "void":
            body.ended("ret void")
        given += [f"ptr noalias %own.{place}" for place in range(len(body.rooms))]
        held = "void" if result == "void" else KINDS[result].held
        self.written(f"define internal {held} @within({', '.join(given)})", body)
        self.lines += _outside(node.name, held, [words.partition(" ")[0] for words in given])
        return tuple(body.rooms)

    def helper(self, name: str, table: Array) -> None:
        """Write a function of a table that others call, where it is not written yet."""
        if name not in self.helpers:
            raise NotCovered(name)
        node, argument = self.helpers[name]
        if f"; {name}" in self.lines:
            return
        self.lines.append(f"; {name}")
        arrays = {**self.constants, argument: Array(table.stored, "%table", table.shape)}
        body = self._body(arrays)
        body.carried(node.body)
        body.ended("ret void")
        self.written(f"define internal void @{name}(ptr noalias %table)", body)

    def _body(self, arrays: dict[str, Array]) -> Statements:
        return Statements(text=Text(used=self.used), arrays=arrays, helper=self.helper)

    def written(self, head: str, body: Statements) -> None:
        """A function with what it says."""
        text = body.text
        self.lines += [f"{head} {{", "entry:", *text.kept, *text.lines, "}"]


def _written(value: float) -> Value:
    return whole(value) if isinstance(value, int) else number(value)
