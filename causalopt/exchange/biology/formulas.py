"""Formulas of a file in SBML as formulas of sympy: names by what they stand for, functions called.

No text is parsed here: a formula comes as its parts, in postfix order, and what is not known by
name is refused. All parts of a file are counted, those of function definitions once for each call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sympy
from sympy import Expr
from sympy.logic.boolalg import Boolean

from causalopt.exchange.biology.numbers import UnfitError, applied, number
from causalopt.exchange.biology.operations import (
    OPERATIONS,
    Meaning,
    as_number,
    as_truth,
    chosen,
)
from causalopt.exchange.biology.process import MOST_OF_ALL, refused
from causalopt.exchange.reading import FileText
from causalopt.ground.checks import shown
from causalopt.ground.errors import TooLargeError, nearest
from causalopt.ground.work import bounded
from causalopt.language.symbols import time

if TYPE_CHECKING:
    from causalopt.exchange.biology.description import FunctionFact, Place, Token, Tokens

#: How deep functions may call one another.
MOST_CALLS = 50
#: The most parts of a sum, a product or a choice.
MOST_ARGUMENTS = 2_000

_CONSTANTS: Mapping[str, Meaning] = {
    "name_time": time,
    "constant_pi": sympy.pi,
    "constant_e": sympy.E,
    "constant_true": sympy.true,
    "constant_false": sympy.false,
}
# How many parts what is no operation has, the least and the most; and what is not known.
_COUNTS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("number", "name", *_CONSTANTS), (0, 0)),
    "function": (0, MOST_ARGUMENTS),
    "function_piecewise": (1, MOST_ARGUMENTS),
    "function_rate_of": (1, 1),
    "function_delay": (2, 2),
}
_NONE = (1, 0)


@dataclass
class Formulas:
    """What the formulas of a file are read with.

    ``named`` tells what a name stands for, None where it is unknown; ``rate`` the rate of change of
    a symbol, and ``delayed`` what a formula was some time before. ``operate`` puts an operation and
    its parts together.
    """

    source: FileText
    functions: Mapping[str, FunctionFact]
    names: Callable[[], list[str]]
    named: Callable[[str], Expr | None]
    rate: Callable[[Expr], Expr]
    delayed: Callable[[Expr, Expr], Expr]
    operate: Callable[[Callable[..., Meaning], list[Meaning]], Meaning] = applied
    parts: int = 0
    calls: list[str] = field(default_factory=list)

    def number(self, tokens: Tokens, at: Place, local: Mapping[str, Expr] | None = None) -> Expr:
        """A formula that is a number; errors tell of the place."""
        return as_number(self._read(tokens, at, local or {}))

    def truth(self, tokens: Tokens, at: Place) -> Boolean:
        """A formula that is a condition."""
        return as_truth(self._read(tokens, at, {}))

    def _read(self, tokens: Tokens, at: Place, local: Mapping[str, Expr]) -> Meaning:
        if not tokens:
            raise refused(self.source, at, "a formula is missing here.")
        with self.within(at):
            return self._meaning(tokens, at, local)

    @contextmanager
    def within(self, at: Place) -> Iterator[None]:
        """What goes wrong with a formula is told with its place."""
        try:
            with bounded("The formula", "write it in parts", _MOST_WORK):
                yield
        except UnfitError as error:
            raise refused(self.source, at, f"the formula holds {error}.") from None
        except TooLargeError as error:
            raise refused(self.source, at, str(error)) from None

    def _meaning(self, tokens: Tokens, at: Place, local: Mapping[str, Expr]) -> Meaning:
        self.parts += len(tokens)
        if self.parts > MOST_OF_ALL:
            told = f"the formulas of this file have more than {MOST_OF_ALL:,} parts (MOST_OF_ALL)."
            raise refused(self.source, at, told)
        stack: list[Meaning] = []
        for token in tokens:
            count = token[2]
            if count > MOST_ARGUMENTS:
                told = f"{token[0]} has {count:,} parts, more than {MOST_ARGUMENTS:,}."
                raise refused(self.source, at, f"{told} Write it in several.")
            inner = stack[len(stack) - count :]
            del stack[len(stack) - count :]
            stack.append(self._part(token, inner, at, local))
        return stack[0]

    def _part(
        self, token: Token, inner: list[Meaning], at: Place, local: Mapping[str, Expr]
    ) -> Meaning:
        kind, value, count = token
        self._check_count(kind, count, at)
        if kind == "number" and isinstance(value, float | int):
            return number(value)
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind == "name":
            return local[str(value)] if value in local else self._named(str(value), at)
        if kind == "function":
            return self._called(str(value), inner, at)
        if kind == "function_piecewise":
            return self.operate(chosen, inner)
        if kind == "function_rate_of":
            return self.rate(as_number(inner[0]))
        if kind == "function_delay":
            return self.delayed(as_number(inner[0]), as_number(inner[1]))
        operation = OPERATIONS[kind]
        as_meant = as_truth if operation.of_truths else as_number
        return self.operate(operation.made, [as_meant(part) for part in inner])

    def _check_count(self, kind: str, count: int, at: Place) -> None:
        """An operation is known, and has as many parts as it takes."""
        word = shown(kind.partition("_")[2] or kind)
        operation = OPERATIONS.get(kind)
        least, most = (operation.least, operation.most) if operation else _COUNTS.get(kind, _NONE)
        if (least, most) == _NONE:
            raise refused(self.source, at, f"the operation {word} is not read.")
        if not least <= count <= most:
            raise refused(self.source, at, f"the operation {word} is given {count} parts.")

    def _named(self, name: str, at: Place) -> Expr:
        found = self.named(name)
        if found is None:
            near = nearest(name, self.names())
            raise refused(self.source, at, f"the formula uses {shown(name)}, which is no id.{near}")
        return found

    def _called(self, name: str, given: list[Meaning], at: Place) -> Meaning:
        function = self.functions.get(name)
        if function is None:
            near = nearest(name, self.functions)
            told = f"the formula calls {shown(name)}, which is no function of the file.{near}"
            raise refused(self.source, at, told)
        names = function["arguments"]
        if len(names) != len(given):
            told = f"{shown(name)} takes {len(names)} arguments, and is given {len(given)}."
            raise refused(self.source, at, told)
        if not function["body"]:
            told = f"the function {shown(name)} has no formula."
            raise refused(self.source, function["at"], told)
        with self.inside(name, at):
            local = dict(zip(names, map(as_number, given), strict=True))
            return self._meaning(function["body"], function["at"], local)

    @contextmanager
    def inside(self, name: str, at: Place) -> Iterator[None]:
        """A call of something by its name, inside others; one inside itself has no end."""
        if name in self.calls:
            around = [*self.calls[self.calls.index(name) :], name]
            told = f"{' -> '.join(map(shown, around))} goes round in a circle."
            raise refused(self.source, at, told)
        if len(self.calls) == MOST_CALLS:
            raise refused(self.source, at, f"more than {MOST_CALLS} calls stand in one another.")
        self.calls.append(name)
        yield
        self.calls.pop()


# In millions of calls of Python: most formulas take some thousands.
_MOST_WORK = 1.0
