"""Statements in Python's text as LLVM's: what is set, loops over ranges, branches, what is given.

A variable is known to the end of the loop or branch in which it is first set, and keeps its kind in
those that are in it. In a text that is written so, this is all that Python says of it.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from causalopt.backends.arithmetic import FormulaText, stored_as
from causalopt.backends.llvm_text import (
    STORED,
    Array,
    Kind,
    NotCovered,
    Stored,
    Value,
    truth,
    whole,
)

#: Kinds by their names.
KINDS = {kind.value[0]: kind for kind in Kind}
#: What a signature says of a function that is given with all its arguments, and gives a number.
CALL = "call"


@dataclass(frozen=True)
class Argument:
    """What a function is given: a number of a kind, an array of so many extents, or a call."""

    kind: str
    extents: int = 0


@dataclass(eq=False)
class Statements(FormulaText):
    """Writes the statements of a function; ``rooms`` are the bytes of arrays that it makes itself.

    ``helper`` writes a function of a table that it calls. Where it ``is_alone`` nobody else sees
    the arrays that it is given; ``calls`` are the functions that it is given.
    """

    helper: Callable[[str, Array], None] = lambda name, table: None
    rooms: list[int] = field(default_factory=list)
    around: list[tuple[str, str]] = field(default_factory=list)
    scopes: list[set[str]] = field(default_factory=lambda: [set()])
    calls: set[str] = field(default_factory=set)
    is_alone: bool = True

    def given(self, name: str, argument: Argument) -> list[str]:
        """Take an argument under its name; what it is in the head of the function."""
        if argument.kind == CALL:
            self.calls.add(name)
            return [f"ptr %a.{name}", f"ptr %a.{name}.given"]
        if not argument.extents:
            kind = KINDS[argument.kind]
            self._set(name, Value(kind, f"%a.{name}"))
            return [f"{kind.held} %a.{name}"]
        shape = tuple(f"%a.{name}.{place}" for place in range(argument.extents))
        self.arrays[name] = Array(STORED[argument.kind], f"%a.{name}", shape)
        alone = " noalias" if self.is_alone else ""
        return [f"ptr{alone} %a.{name}", *(f"i64 {extent}" for extent in shape)]

    def carried(self, statements: Sequence[ast.stmt]) -> None:
        """Write some statements, one after the other; what is first set in them ends with them."""
        self.scopes.append(set())
        for statement in statements:
            self.visit(statement)
        for name in self.scopes.pop():
            self.variables.pop(name, None)
            self.arrays.pop(name, None)

    def ended(self, line: str) -> None:
        """End the function here, unless it has ended."""
        if self.text.is_open:
            self.text.do(line)
        self.text.is_open = False

    def visit_Pass(self, _: ast.Pass) -> None:
        """Nothing."""

    def visit_Break(self, _: ast.Break) -> None:
        """Leave a loop."""
        self.text.jump(self.around[-1][1])

    def visit_Continue(self, _: ast.Continue) -> None:
        """Go on with the next turn of a loop."""
        self.text.jump(self.around[-1][0])

    def visit_Return(self, node: ast.Return) -> None:
        """What the function gives."""
        if node.value is None:
            raise NotCovered("return")
        self.ended(f"ret {self.value(node.value)}")

    def visit_Expr(self, node: ast.Expr) -> None:
        """A call of a helper, or of what was given."""
        match node.value:
            case ast.Call(ast.Name(name), []) if name in self.calls:
                self.text.result(f"call i64 %a.{name}(ptr %a.{name}.given)")
            case ast.Call(ast.Name(name), [table]):
                array = self.array(table)
                self.helper(name, array)
                self.text.do(f"call void @{name}(ptr {array.pointer})")
            case ast.Constant(str()):
                pass
            case _:
                raise NotCovered(ast.unparse(node))

    def visit_If(self, node: ast.If) -> None:
        """One of two branches."""
        yes, no, end = self.text.label(), self.text.label(), self.text.label()
        self.text.branch(self.text.asked(self.value(node.test)), yes, no)
        self.text.begin(yes)
        self.carried(node.body)
        self.text.jump(end)
        self.text.begin(no)
        self.carried(node.orelse)
        self.text.begin(end)

    def visit_While(self, node: ast.While) -> None:
        """A loop as long as something is so."""
        if node.orelse:
            raise NotCovered("else of a loop")
        head, body, end = self.text.label(), self.text.label(), self.text.label()
        self.text.begin(head)
        self.text.branch(self.text.asked(self.value(node.test)), body, end)
        self._turn(head, body, end, node.body)

    def _turn(self, head: str, body: str, end: str, statements: Sequence[ast.stmt]) -> None:
        self.text.begin(body)
        self.around.append((head, end))
        self.carried(statements)
        self.around.pop()
        self.text.jump(head)
        self.text.begin(end)

    def visit_For(self, node: ast.For) -> None:
        """A loop over a range."""
        match node:
            case ast.For(ast.Name(name), ast.Call(ast.Name("range"), bounds), orelse=[]):
                first, stop, step = self._bounds(bounds)
            case _:
                raise NotCovered(ast.unparse(node.iter))
        # The counter is its own: a loop may set the variable anew.
        head, body, on, end = (self.text.label() for _ in range(4))
        counter = self.text.room("i64")
        self.text.do(f"store {first}, ptr {counter}")
        self.text.begin(head)
        at = self.text.value(Kind.WHOLE, f"load i64, ptr {counter}")
        sign = "slt" if step > 0 else "sgt"
        self.text.branch(self.text.value(Kind.TRUTH, f"icmp {sign} {at}, {stop.name}"), body, end)
        self.text.begin(body)
        self._set(name, at)
        self.around.append((on, end))
        self.carried(node.body)
        self.around.pop()
        self.text.begin(on)
        after = self.text.value(Kind.WHOLE, f"add nsw {at}, {step}")
        self.text.do(f"store {after}, ptr {counter}")
        self.text.jump(head)
        self.text.begin(end)

    def _bounds(self, bounds: Sequence[ast.expr]) -> tuple[Value, Value, int]:
        values = [self.value_as(Kind.WHOLE, bound) for bound in bounds]
        match values:
            case [stop]:
                return whole(0), stop, 1
            case [first, stop]:
                return first, stop, 1
            case [first, stop, Value(name=step)] if step.lstrip("-").isdigit() and int(step):
                return first, stop, int(step)
        raise NotCovered("a range")

    def visit_Assign(self, node: ast.Assign) -> None:
        """Variables, entries or rows that are set."""
        (target,) = node.targets
        match target, node.value:
            case ast.Name(name), ast.Call(ast.Attribute(ast.Name("numpy"), how), given) if (
                how in _FILLED
            ):
                self._made(name, how, given)
            case ast.Name(name), ast.Subscript(ast.Name()):
                row = self.row(node.value)
                if row.shape:
                    self._called(name, row)
                else:
                    self._set(name, self.entry(row))
            case ast.Name(name), value:
                self._set(name, self.value(value))
            case ast.Tuple(names), value:
                for each, part in zip(names, self._parts(value), strict=True):
                    self._put(each, part)
            case ast.Subscript(), value:
                self._put_at(target, value)
            case _:
                raise NotCovered(ast.unparse(node))

    def _parts(self, value: ast.expr) -> list[Value]:
        match value:
            case ast.Tuple(parts):
                return [self.value(part) for part in parts]
            case ast.Attribute(array, "shape"):
                return [Value(Kind.WHOLE, extent) for extent in self.array(array).shape]
        return list(self.both(value))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """What a variable or an entry has, joined with something."""
        match node.target:
            case ast.Name():
                found = self.combined(node.op, self.visit(node.target), self.value(node.value))
                self._put(node.target, found)
            case ast.Subscript():
                row = self.row(node.target)
                found = self.combined(node.op, self.entry(row), self.value(node.value))
                found = self.text.converted(found, row.stored.kind)
                self.text.store(found, row.stored, row.pointer)
            case _:
                raise NotCovered(ast.unparse(node))

    def _put(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name(name):
                self._set(name, value)
            case ast.Subscript():
                row = self.row(target)
                if row.shape:
                    raise NotCovered(ast.unparse(target))
                found = self.text.converted(value, row.stored.kind)
                self.text.store(found, row.stored, row.pointer)
            case _:
                raise NotCovered(ast.unparse(target))

    def _set(self, name: str, value: Value) -> None:
        """Give a variable a value; it has the kind of its first one, but where it is first set."""
        kind, room = self.variables.get(name, (None, ""))
        if kind is not value.kind and (kind is None or name in self.scopes[-1]):
            self._begun(name)
            kind, room = self.variables[name] = value.kind, self.text.room(value.kind.held)
        assert kind is not None
        self.text.do(f"store {self.text.converted(value, kind)}, ptr {room}")

    def _called(self, name: str, array: Array) -> None:
        """Give an array a name."""
        self._begun(name)
        self.arrays[name] = array

    def _begun(self, name: str) -> None:
        """A name that means something new from here on, to the end of what is around it."""
        is_known = name in self.variables or name in self.arrays
        if is_known and name not in self.scopes[-1]:
            raise NotCovered(f"{name}, which is something else elsewhere")
        self.variables.pop(name, None)
        self.arrays.pop(name, None)
        self.scopes[-1].add(name)

    def _put_at(self, target: ast.Subscript, value: ast.expr) -> None:
        """Set an entry, all entries of a row to one value, or a row to those of another one."""
        is_row = isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name)
        other = self.row(value) if is_row else None
        if other is None or not other.shape:
            found = (
                self.value(value) if other is None else self.text.load(other.stored, other.pointer)
            )
            row = self.row(target)
            found = self.text.converted(found, row.stored.kind)
            for pointer in self._each(row):
                self.text.store(found, row.stored, pointer)
            return
        row = self.row(target)
        if len(row.shape) != len(other.shape) or row.stored is not other.stored:
            raise NotCovered(ast.unparse(target))
        for pointer, place in self._side_by_side(row, other):
            self.text.store(self.text.load(other.stored, place), row.stored, pointer)

    def _each(self, row: Array) -> Iterator[str]:
        """Where each entry of a row is, in a loop around what is written meanwhile."""
        if not row.shape:
            yield row.pointer
            return
        for pointer, _ in self._side_by_side(row, row):
            yield pointer

    def _side_by_side(self, row: Array, other: Array) -> Iterator[tuple[str, str]]:
        (count,) = row.shape
        head, body, end = self.text.label(), self.text.label(), self.text.label()
        counter = self.text.room("i64")
        self.text.do(f"store i64 0, ptr {counter}")
        self.text.begin(head)
        at = self.text.value(Kind.WHOLE, f"load i64, ptr {counter}")
        self.text.branch(self.text.value(Kind.TRUTH, f"icmp slt {at}, {count}"), body, end)
        self.text.begin(body)
        yield self.text.place(row, [at.name]), self.text.place(other, [at.name])
        after = self.text.value(Kind.WHOLE, f"add nsw {at}, 1")
        self.text.do(f"store {after}, ptr {counter}")
        self.text.jump(head)
        self.text.begin(end)

    def _made(self, name: str, how: str, given: Sequence[ast.expr]) -> None:
        """An array of the function's own, of an extent that is written down."""
        extents, *rest = given
        filled = rest.pop(0) if how == "full" else None
        stored = stored_as(rest[0]) if rest else STORED["float64"]
        shape = extents.elts if isinstance(extents, ast.Tuple) else [extents]
        sizes = tuple(str(_written_down(self.value(each))) for each in shape)
        array = Array(stored, f"%own.{len(self.rooms)}", sizes)
        self.rooms.append(math.prod(map(int, sizes)) * stored.size)
        self._called(name, array)
        if how == "empty":
            return
        value = whole(0) if filled is None else self.value(filled)
        flat = Array(stored, array.pointer, (str(math.prod(map(int, sizes))),))
        found = self.text.converted(value, stored.kind) if filled else _nothing(stored)
        for pointer in self._each(flat):
            self.text.store(found, stored, pointer)


_FILLED = ("empty", "zeros", "full")


def _nothing(stored: Stored) -> Value:
    return {Kind.TRUTH: truth(False), Kind.FLOAT: Value(Kind.FLOAT, "0.0")}.get(
        stored.kind, Value(stored.kind, "0")
    )


def _written_down(value: Value) -> int:
    if not value.name.isdigit():
        raise NotCovered("an array of an extent that is computed")
    return int(value.name)
