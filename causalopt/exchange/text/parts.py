"""The parts of a formula in text, put together from the inside out: what each may be made of."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeGuard

import sympy
from sympy import Add, Basic, Expr, Integer, Mul, Piecewise, Pow, Symbol
from sympy.logic.boolalg import Boolean

from causalopt.exchange.text.functions import (
    AS_WRITTEN,
    CONSTANTS,
    FUNCTIONS,
    TIME,
    TRUTHS,
    UNDEFINED,
    FormulaFunction,
)
from causalopt.exchange.text.sizes import number_of, why_no_number, why_no_power
from causalopt.exchange.text.tokens import FormulaError, FormulaTokens
from causalopt.ground.checks import shown
from causalopt.ground.errors import DeclarationError, nearest
from causalopt.language.symbols import Variable, time
from causalopt.mechanisms.rebuilding import rebuilt

#: The most operations in one another: sympy walks formulas by calls within calls.
MOST_NESTED = 140

# What sympy raises where it cannot put a part together.
_UNFIT = (ArithmeticError, ValueError, TypeError, AttributeError, NotImplementedError)

# For one that is nearest to a wrong name, no more names than this are looked at, nor letters.
_FEW, _LONGEST = 200, 50

_COMPARED: Mapping[type[ast.cmpop], Callable[..., Boolean]] = {
    ast.Lt: sympy.Lt, ast.LtE: sympy.Le, ast.Gt: sympy.Gt, ast.GtE: sympy.Ge, ast.Eq: sympy.Eq,
    ast.NotEq: sympy.Ne,
}  # fmt: skip
_SUMS, _PRODUCTS = (ast.Add, ast.Sub), (ast.Mult, ast.Div)


def put_together(tree: ast.expr, tokens: FormulaTokens, symbols: Mapping[str, Symbol]) -> Basic:
    """What a tree of Python's parser is, with symbols by their names.

    Raises ``FormulaError`` for anything that formulas do not say, and for what is too large.
    """
    return _FormulaReading(tokens, symbols).whole(tree).value


class _FormulaPart(NamedTuple):
    """A part that is put together: ``power`` is the product of the exponents in one another."""

    value: Basic
    power: float = 0.0
    depth: int = 1


class _Plan(NamedTuple):
    """What a part is made of, and how."""

    inner: Sequence[ast.expr]
    build: Callable[[Sequence[_FormulaPart]], Basic]
    power: Callable[[Sequence[_FormulaPart]], float] | None = None


@dataclass
class _FormulaReading:
    """A formula that is read: from the inside out, since calls within calls run out."""

    tokens: FormulaTokens
    symbols: Mapping[str, Symbol]
    plans: dict[ast.expr, _Plan] = field(default_factory=dict)
    parts: dict[ast.expr, _FormulaPart] = field(default_factory=dict)

    def whole(self, tree: ast.expr) -> _FormulaPart:
        waiting = [tree]
        while waiting:
            node = waiting[-1]
            if node not in self.plans:
                self.plans[node] = self.plan(node)
                waiting += self.plans[node].inner
                continue
            waiting.pop()
            if node not in self.parts:
                self.parts[node] = self.made(node)
        return self.parts[tree]

    def made(self, node: ast.expr) -> _FormulaPart:
        """A part, of parts that are made."""
        plan = self.plans[node]
        inner = [self.parts[one] for one in plan.inner]
        depth = 1 + max((part.depth for part in inner), default=0)
        if depth > MOST_NESTED:
            raise self.refusal(node, f"more than {MOST_NESTED} operations stand in one another.")
        try:
            value = rebuilt(lambda: plan.build(inner))
        except FormulaError:
            raise
        except _UNFIT as error:
            told = shown(str(error)) if isinstance(error, DeclarationError) else "it has no value"
            raise self.refusal(node, f"this cannot be put together: {told}.") from None
        why = why_no_number(value)
        if why is not None:
            raise self.refusal(node, f"{why}.")
        powers = max((part.power for part in inner), default=0.0)
        return _FormulaPart(value, powers if plan.power is None else plan.power(inner), depth)

    def refusal(self, node: ast.expr, reason: str) -> FormulaError:
        """What is wrong with a part, at its place, to be raised."""
        # Of the text, which stands in brackets for the parser; a name in quotes begins with these.
        before = 2 if node.col_offset in self.tokens.quoted else 1
        return FormulaError(reason, max(node.col_offset - before, 0))

    # -- what parts are ------------------------------------------------------------------------

    def plan(self, node: ast.expr, *, tidy: bool = True) -> _Plan:
        """What a part is made of; without ``tidy`` it is left as it is written."""
        how = {} if tidy else {"evaluate": False}
        match node:
            case ast.Constant(value=int() | float() as number):
                return _Plan((), lambda _: sympy.sympify(number, strict=True))
            case ast.Name():
                found = self.named(node, self.tokens.names[node.col_offset])
                return _Plan((), lambda _: found, lambda _: 1.0)
            case ast.Attribute():
                return self.shifted(node, None)
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return self.sum(node, how)
            case ast.BinOp(op=ast.Mult() | ast.Div()):
                return self.product(node, how, tidy=tidy)
            case ast.BinOp(op=ast.Pow()):
                return self.power(node, how)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return self.signed(node)
            case ast.UnaryOp(op=ast.Not()):
                return _Plan(
                    (node.operand,), lambda p: sympy.Not(self.condition(node.operand, p[0]))
                )
            case ast.BoolOp():
                head = sympy.And if isinstance(node.op, ast.And) else sympy.Or
                return _Plan(
                    node.values,
                    lambda p: head(*map(self.condition, node.values, p), **how),
                )
            case ast.Compare():
                return self.comparison(node, how)
            case ast.IfExp():
                return self.cases(node, how)
            case ast.Call():
                return self.call(node, tidy=tidy)
        raise self.refusal(node, "this has no meaning in a formula.")

    def named(self, node: ast.expr, name: str) -> Basic:
        """What a name stands for: a symbol, or what is called so everywhere."""
        is_quoted = node.col_offset in self.tokens.quoted
        known = {**CONSTANTS, **TRUTHS, TIME: time}
        if name in self.symbols:
            if name in known and not is_quoted:
                told = f"{name} has a meaning of its own, and names a symbol here: write '{name}'."
                raise self.refusal(node, told)
            return self.symbols[name]
        if name in known and not is_quoted:
            return known[name]
        if name in FUNCTIONS:
            raise self.refusal(node, f"{name} is a function: write what it is of, as {name}(x).")
        few = list(self.symbols) if len(self.symbols) <= _FEW else []
        told = shown(name) if name.isascii() else f"{name!a}"
        raise self.refusal(node, f"{told} is not declared.{nearest(name, few) if few else ''}")

    def shifted(self, node: ast.Attribute, delay: ast.expr | None) -> _Plan:
        """R.next, or R.lag(5) with its delay."""
        word = self.tokens.names[(node.end_col_offset or 0) - len(node.attr)]
        if not isinstance(node.value, ast.Name):
            raise self.refusal(node, f".{word} stands behind a name alone.")
        owner = self.named(node.value, self.tokens.names[node.value.col_offset])
        if not isinstance(owner, Variable):
            raise self.refusal(node, f"{owner} is no variable, and has no .{word}.")
        if (word == "lag") != (delay is not None):
            raise self.refusal(node, f"write {owner}.next, without brackets, and {owner}.lag(5).")
        if delay is None:
            return _Plan((), lambda _: owner.next, lambda _: 1.0)
        return _Plan((delay,), lambda p: owner.lag(self.delay(delay, p[0])), lambda _: 1.0)

    def delay(self, node: ast.expr, part: _FormulaPart) -> float:
        number = number_of(part.value)
        if number is None:
            raise self.refusal(node, "a delay is a number, such as 5.")
        return number

    def is_bracketed(self, parent: ast.expr, node: ast.expr) -> bool:
        """Whether a part of a part has brackets of its own, which the tree does not tell."""
        before = self.tokens.plain[: node.col_offset].rstrip()
        return before.endswith("(") and len(before) > parent.col_offset

    def chain(
        self, node: ast.BinOp, kinds: tuple[type[ast.operator], ...]
    ) -> list[tuple[ast.operator | None, ast.expr]]:
        """The operands in a row, each with the operator before it."""
        row: list[tuple[ast.operator | None, ast.expr]] = [(node.op, node.right)]
        left: ast.expr = node.left
        parent: ast.expr = node
        while (
            isinstance(left, ast.BinOp)
            and isinstance(left.op, kinds)
            and not self.is_bracketed(parent, left)
        ):
            row.append((left.op, left.right))
            left, parent = left.left, left
        row.append((None, left))
        return row[::-1]

    def sum(self, node: ast.BinOp, how: Mapping[str, bool]) -> _Plan:
        row = self.chain(node, _SUMS)

        def build(parts: Sequence[_FormulaPart]) -> Basic:
            terms = [
                Mul(-1, self.number(at, part)) if isinstance(op, ast.Sub) else self.number(at, part)
                for (op, at), part in zip(row, parts, strict=True)
            ]
            return Add(*terms, **how)

        return _Plan([at for _, at in row], build)

    def product(self, node: ast.BinOp, how: Mapping[str, bool], *, tidy: bool) -> _Plan:
        row = self.chain(node, _PRODUCTS)
        first = row[0][1]
        # A sign is of the whole product: -(x + y)*z is not multiplied out.
        is_less = False
        if tidy and _is_minus(first) and not self.is_bracketed(node, first):
            is_less, row[0] = True, (None, first.operand)

        def build(parts: Sequence[_FormulaPart]) -> Basic:
            factors = [Integer(-1)] if is_less else []
            for (op, at), part in zip(row, parts, strict=True):
                factor = self.number(at, part)
                if isinstance(op, ast.Div) and factor.is_zero:
                    raise self.refusal(at, "nothing can be divided by 0.")
                factors.append(Pow(factor, -1) if isinstance(op, ast.Div) else factor)
            return Mul(*factors, **how)

        return _Plan([at for _, at in row], build, lambda parts: sum(part.power for part in parts))

    def power(self, node: ast.BinOp, how: Mapping[str, bool]) -> _Plan:
        def build(parts: Sequence[_FormulaPart]) -> Basic:
            base, exponent = self.number(node.left, parts[0]), self.number(node.right, parts[1])
            why = why_no_power(base, exponent, parts[0].power)
            if why is not None:
                raise self.refusal(node, f"{why}.")
            return Pow(base, exponent, **how)

        def power(parts: Sequence[_FormulaPart]) -> float:
            by = number_of(parts[1].value)
            return parts[0].power + parts[1].power if by is None else parts[0].power * abs(by)

        return _Plan((node.left, node.right), build, power)

    def signed(self, node: ast.UnaryOp) -> _Plan:
        sign = -1 if isinstance(node.op, ast.USub) else 1
        return _Plan((node.operand,), lambda p: Mul(sign, self.number(node.operand, p[0])))

    def comparison(self, node: ast.Compare, how: Mapping[str, bool]) -> _Plan:
        sides = (node.left, *node.comparators)
        heads = [_COMPARED.get(type(op)) for op in node.ops]

        def build(parts: Sequence[_FormulaPart]) -> Basic:
            numbers = [self.number(at, part) for at, part in zip(sides, parts, strict=True)]
            pairs = zip(heads, numbers, numbers[1:], strict=False)
            each = [head(left, right, **how) for head, left, right in pairs if head]
            return each[0] if len(each) == 1 else sympy.And(*each)

        return _Plan(sides, build)

    def cases(self, node: ast.IfExp, how: Mapping[str, bool]) -> _Plan:
        """Cases in a row; a last one without a value is left out."""
        pairs = [(node.body, node.test)]
        last: ast.expr = node.orelse
        parent: ast.expr = node
        while isinstance(last, ast.IfExp) and not self.is_bracketed(parent, last):
            pairs.append((last.body, last.test))
            last, parent = last.orelse, last
        is_open = isinstance(last, ast.Name) and self.tokens.names[last.col_offset] == UNDEFINED
        inner = [one for pair in pairs for one in pair] + ([] if is_open else [last])

        def build(parts: Sequence[_FormulaPart]) -> Basic:
            values = [
                self.number(at, part) for at, part in zip(inner[::2], parts[::2], strict=True)
            ]
            tests = [self.condition(at, p) for at, p in zip(inner[1::2], parts[1::2], strict=True)]
            if not is_open:
                tests.append(sympy.true)
            return Piecewise(*zip(values, tests, strict=True), **how)

        return _Plan(inner, build)

    def call(self, node: ast.Call, *, tidy: bool) -> _Plan:
        if isinstance(node.func, ast.Attribute):
            if len(node.args) != 1:
                raise self.refusal(node, "write one delay, as in R.lag(5).")
            return self.shifted(node.func, node.args[0])
        name = self.tokens.names[node.func.col_offset]
        if name == AS_WRITTEN and len(node.args) == 1:
            return self.plan(node.args[0], tidy=False)
        known = FUNCTIONS.get(name)
        if known is None:
            close = difflib.get_close_matches(name[:_LONGEST], FUNCTIONS, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise self.refusal(node, f"there is no function {shown(name)} in formulas.{hint}")
        if not known.least <= len(node.args) <= known.most:
            raise self.refusal(node, f"{name} takes {known.arity}, and {len(node.args)} are given.")
        return _Plan(node.args, lambda parts: self.called(known, node.args, parts, tidy=tidy))

    def called(
        self,
        known: FormulaFunction,
        nodes: Sequence[ast.expr],
        parts: Sequence[_FormulaPart],
        *,
        tidy: bool,
    ) -> Basic:
        how = {} if tidy else {"evaluate": False}
        if known.of_conditions:
            return known.head(*map(self.condition, nodes, parts), **how)
        numbers = [self.number(node, part) for node, part in zip(nodes, parts, strict=True)]
        for node, number in zip(nodes, numbers, strict=True):
            size = number_of(number)
            if size is not None and abs(size) > known.largest:
                told = f"numbers up to {known.largest:g} are taken here, and this is {size:g}."
                raise self.refusal(node, told)
        return known.head(*numbers, **how)

    def number(self, node: ast.expr, part: _FormulaPart) -> Expr:
        """A part that has to be a number."""
        if not isinstance(part.value, Expr):
            raise self.refusal(node, "a condition is no number: write 1 if ... else 0.")
        return part.value

    def condition(self, node: ast.expr, part: _FormulaPart) -> Boolean:
        """A part that has to be a condition."""
        if not is_condition(part.value):
            raise self.refusal(node, "this is a number, and no condition: compare it, as in x > 0.")
        return part.value


def _is_minus(node: ast.expr) -> TypeGuard[ast.UnaryOp]:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def is_condition(part: Basic) -> TypeGuard[Boolean]:
    """Whether a part is a condition; a symbol may be one to sympy, and is none here."""
    return isinstance(part, Boolean) and not isinstance(part, Symbol)
