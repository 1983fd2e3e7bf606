"""Formulas in Python's text as LLVM's, operation by operation, each rounded as it stands.

Nothing is taken together, put in another order or left out that could change a digit: sums are
LLVM's ``fadd``, and a power by a whole number is squares and products from the lowest bit on.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from causalopt.backends.calls import called, parted, remainder, whole_division
from causalopt.backends.llvm_text import (
    STORED,
    Array,
    Kind,
    NotCovered,
    Stored,
    Text,
    Value,
    number,
    truth,
    whole,
)

# LLVM's operation for floats, for whole numbers and for those without a sign.
_OPERATIONS: Mapping[type[ast.operator], tuple[str | None, str | None, str | None]] = {
    ast.Add: ("fadd", "add", "add"),
    ast.Sub: ("fsub", "sub", "sub"),
    ast.Mult: ("fmul", "mul", "mul"),
    ast.Div: ("fdiv", None, None),
    ast.BitAnd: (None, "and", "and"),
    ast.BitOr: (None, "or", "or"),
    ast.BitXor: (None, "xor", "xor"),
    ast.RShift: (None, "ashr", "lshr"),
}
_COMPARISONS: Mapping[type[ast.cmpop], tuple[str, str, str]] = {
    ast.Lt: ("olt", "slt", "ult"),
    ast.LtE: ("ole", "sle", "ule"),
    ast.Gt: ("ogt", "sgt", "ugt"),
    ast.GtE: ("oge", "sge", "uge"),
    ast.Eq: ("oeq", "eq", "eq"),
    ast.NotEq: ("une", "ne", "ne"),
}
_COLUMN = {Kind.FLOAT: 0, Kind.WHOLE: 1, Kind.TRUTH: 1, Kind.COUNT: 2}

_NUMBERS = {"math.inf": math.inf, "math.nan": math.nan}


@dataclass(eq=False)
class FormulaText(ast.NodeVisitor):
    """Writes formulas of some variables and arrays."""

    text: Text = field(default_factory=Text)
    variables: dict[str, tuple[Kind, str]] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)

    def generic_visit(self, node: ast.AST) -> Value:
        """What has no way of its own here."""
        raise NotCovered(type(node).__name__)

    def value(self, node: ast.expr) -> Value:
        """The value of a formula."""
        found: Value = self.visit(node)
        return found

    def value_as(self, kind: Kind, node: ast.expr) -> Value:
        """The value of a formula, of a kind."""
        return self.text.converted(self.value(node), kind)

    def visit_Constant(self, node: ast.Constant) -> Value:
        """A number, or what is true or false."""
        match node.value:
            case bool(given):
                return truth(given)
            case int(given):
                return whole(given)
            case float(given):
                return number(given)
        raise NotCovered(repr(node.value))

    def visit_Name(self, node: ast.Name) -> Value:
        """What a variable has."""
        if node.id not in self.variables:
            raise NotCovered(node.id)
        kind, room = self.variables[node.id]
        return self.text.value(kind, f"load {kind.held}, ptr {room}")

    def visit_Attribute(self, node: ast.Attribute) -> Value:
        """A number by its name, or how many entries an array has."""
        name = _dotted(node)
        if name in _NUMBERS:
            return number(_NUMBERS[name])
        if node.attr == "size":
            size = "1"
            for extent in self.array(node.value).shape:
                size = self.text.times(size, extent)
            return Value(Kind.WHOLE, size)
        raise NotCovered(name)

    def array(self, node: ast.expr) -> Array:
        """An array of that name."""
        if isinstance(node, ast.Name) and node.id in self.arrays:
            return self.arrays[node.id]
        raise NotCovered(ast.unparse(node))

    def visit_Subscript(self, node: ast.Subscript) -> Value:
        """An entry of an array, an extent of one, or one of two that are given."""
        match node:
            case ast.Subscript(ast.Attribute(of, "shape"), ast.Constant(int(place))):
                return Value(Kind.WHOLE, self.array(of).shape[place])
            case ast.Subscript(ast.Call(), ast.Constant(int(place))):
                return self.both(node.value)[place]
        return self.entry(self.row(node))

    def entry(self, row: Array) -> Value:
        """The one entry of what has no extents."""
        if row.shape:
            raise NotCovered("a row as a number")
        return self.text.load(row.stored, row.pointer)

    def row(self, node: ast.expr) -> Array:
        """What an array has at some indices: an entry has no extents, a row those that are left."""
        if not isinstance(node, ast.Subscript):
            return self.array(node)
        array = self.array(node.value)
        given = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if len(given) > len(array.shape):
            raise NotCovered(ast.unparse(node))
        if not isinstance(given[-1], ast.Slice):
            indices = [self._index(each) for each in given]
            rest = array.shape[len(indices) :]
            return Array(array.stored, self.text.place(array, indices), rest)
        first, count = self._stretch(given[-1], array.shape[len(given) - 1])
        place = self.text.place(array, [*map(self._index, given[:-1]), first])
        return Array(array.stored, place, (count, *array.shape[len(given) :]))

    def _index(self, node: ast.expr) -> str:
        found = self.value(node)
        if found.kind not in (Kind.WHOLE, Kind.COUNT):
            raise NotCovered("an index that is no whole number")
        return found.name

    def _stretch(self, stretch: ast.Slice, extent: str) -> tuple[str, str]:
        if stretch.step is not None:
            raise NotCovered("a slice in steps")
        first = "0" if stretch.lower is None else self._index(stretch.lower)
        stop = extent if stretch.upper is None else self._index(stretch.upper)
        return first, stop if first == "0" else self.text.result(f"sub i64 {stop}, {first}")

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Value:
        """A number with the other sign, or whether something is not so."""
        operand = self.value(node.operand)
        match node.op, operand.kind:
            case ast.Not(), _:
                return self.text.value(Kind.TRUTH, f"xor {self.text.asked(operand)}, true")
            case ast.USub(), Kind.FLOAT:
                return self.text.value(Kind.FLOAT, f"fneg {operand}")
            case ast.USub(), Kind.WHOLE:
                if operand.name.isdigit():
                    return whole(-int(operand.name))
                return self.text.value(Kind.WHOLE, f"sub i64 0, {operand.name}")
        raise NotCovered(ast.unparse(node))

    def visit_BinOp(self, node: ast.BinOp) -> Value:
        """Two numbers, joined by a sign."""
        if isinstance(node.op, ast.Pow):
            return self._power(node)
        return self.combined(node.op, self.value(node.left), self.value(node.right))

    def combined(self, sign: ast.operator, one: Value, other: Value) -> Value:
        """Two values, joined by a sign."""
        kind = _common(one.kind, other.kind)
        is_bitwise = isinstance(sign, (ast.BitAnd, ast.BitOr, ast.BitXor))
        if kind is Kind.TRUTH and not is_bitwise:
            kind = Kind.WHOLE
        if isinstance(sign, ast.Div):
            kind = Kind.FLOAT
        one, other = (self.text.converted(each, kind) for each in (one, other))
        match sign, kind:
            case ast.Mod(), Kind.FLOAT:
                return remainder(self.text, one, other)
            case ((ast.Mod() | ast.FloorDiv()), Kind.WHOLE):
                down, left = whole_division(self.text, one, other)
                return left if isinstance(sign, ast.Mod) else down
        operation = _OPERATIONS.get(type(sign), (None, None, None))[_COLUMN[kind]]
        if operation is None:
            raise NotCovered(type(sign).__name__)
        if (
            kind is Kind.WHOLE
            and operation == "add"
            and one.name.isdigit()
            and other.name.isdigit()
        ):
            return whole(int(one.name) + int(other.name))
        return self.text.value(kind, f"{operation} {one}, {other.name}")

    def _power(self, node: ast.BinOp) -> Value:
        base, exponent = self.value(node.left), self.value(node.right)
        if base.kind is not Kind.FLOAT:
            raise NotCovered("a power of whole numbers")
        is_written = exponent.kind is Kind.WHOLE and exponent.name.lstrip("-").isdigit()
        if not is_written:
            other = self.text.converted(exponent, Kind.FLOAT)
            return self.text.called("llvm.pow.f64", base, other)
        rest, found = abs(int(exponent.name)), number(1.0)
        while rest:
            if rest & 1:
                found = self.text.value(Kind.FLOAT, f"fmul {found}, {base.name}")
            rest >>= 1
            base = self.text.value(Kind.FLOAT, f"fmul {base}, {base.name}") if rest else base
        if int(exponent.name) >= 0:
            return found
        return self.text.value(Kind.FLOAT, f"fdiv {number(1.0)}, {found.name}")

    def visit_Compare(self, node: ast.Compare) -> Value:
        """Whether numbers follow one another so."""
        values = [self.value(each) for each in (node.left, *node.comparators)]
        found = truth(True)
        for place, sign in enumerate(node.ops):
            one = self._compared(sign, values[place], values[place + 1])
            same = found.name == "true"
            found = one if same else self.text.value(Kind.TRUTH, f"and {found}, {one.name}")
        return found

    def _compared(self, sign: ast.cmpop, one: Value, other: Value) -> Value:
        if type(sign) not in _COMPARISONS:
            raise NotCovered(type(sign).__name__)
        kind = _common(one.kind, other.kind)
        kind = Kind.WHOLE if kind is Kind.TRUTH else kind
        how = _COMPARISONS[type(sign)][_COLUMN[kind]]
        one, other = (self.text.converted(each, kind) for each in (one, other))
        test = "fcmp" if kind is Kind.FLOAT else "icmp"
        return self.text.value(Kind.TRUTH, f"{test} {how} {one}, {other.name}")

    def visit_BoolOp(self, node: ast.BoolOp) -> Value:
        """Whether all are so, or any."""
        # What comes later is looked at only where it is still open.
        room, end = self.text.room("i1"), self.text.label()
        for place, each in enumerate(node.values):
            found = self.text.asked(self.value(each))
            self.text.do(f"store {found}, ptr {room}")
            if place + 1 < len(node.values):
                later = self.text.label()
                ways = (later, end) if isinstance(node.op, ast.And) else (end, later)
                self.text.branch(found, *ways)
                self.text.begin(later)
        self.text.begin(end)
        return self.text.value(Kind.TRUTH, f"load i1, ptr {room}")

    def visit_IfExp(self, node: ast.IfExp) -> Value:
        """One of two numbers, of which the other is not looked at."""
        yes, no, end = self.text.label(), self.text.label(), self.text.label()
        self.text.branch(self.text.asked(self.value(node.test)), yes, no)
        self.text.begin(yes)
        one = self.value(node.body)
        room = self.text.room(one.kind.held)
        self.text.do(f"store {one}, ptr {room}")
        self.text.jump(end)
        self.text.begin(no)
        self.text.do(f"store {self.value_as(one.kind, node.orelse)}, ptr {room}")
        self.text.begin(end)
        return self.text.value(one.kind, f"load {one.kind.held}, ptr {room}")

    def visit_Call(self, node: ast.Call) -> Value:
        """What a function gives."""
        name = _dotted(node.func)
        if node.keywords:
            raise NotCovered(ast.unparse(node))
        if name == "len":
            return Value(Kind.WHOLE, self.array(node.args[0]).shape[0])
        return called(self.text, name, [self.value(each) for each in node.args])

    def both(self, node: ast.expr) -> tuple[Value, Value]:
        """The two that ``math.frexp`` gives."""
        if not isinstance(node, ast.Call) or _dotted(node.func) != "math.frexp":
            raise NotCovered(ast.unparse(node))
        (given,) = (self.value_as(Kind.FLOAT, each) for each in node.args)
        return parted(self.text, given)


def _common(one: Kind, other: Kind) -> Kind:
    """The kind in which two values meet."""
    for kind in (Kind.FLOAT, Kind.COUNT, Kind.WHOLE):
        if kind in (one, other):
            return kind
    return Kind.TRUTH


def _dotted(node: ast.expr) -> str:
    match node:
        case ast.Name(name):
            return name
        case ast.Attribute(ast.Name(owner), name):
            return f"{owner}.{name}"
    raise NotCovered(ast.unparse(node))


def stored_as(node: ast.expr) -> Stored:
    """How an array of a type, by NumPy's name, holds its entries."""
    name = _dotted(node).removeprefix("numpy.")
    if name not in STORED:
        raise NotCovered(name)
    return STORED[name]
