"""Calls of functions as terms of a plan: the value, what moves along, and what is linear.

A plan adds, weights and shares terms by the rules of numbers, which hold of arrays entry by entry.
What a function does to an array is a term by itself, which a backend of arrays works out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
from sympy import Atom, Expr, Integer

from causalopt.ground.types import Array

_ZERO = Integer(0)

#: A pure function of arrays, of the library that runs the plan.
Pure = Callable[..., object]


_PASSED_BACK = ContextVar("passed back", default=False)


def is_passed_back() -> bool:
    """Whether a run is being compiled that derivatives go back through, against the arrows.

    A function asks it that has one way for each direction, such as a solver.
    """
    return _PASSED_BACK.get()


@contextmanager
def passing_back() -> Iterator[None]:
    """Where a run is compiled to be passed back through."""
    token = _PASSED_BACK.set(True)
    try:
        yield
    finally:
        _PASSED_BACK.reset(token)


class Code(Atom):
    """A function, as a constant of a plan: equal where the functions are."""

    __slots__ = ("call", "number")
    call: Pure
    number: int
    _numbers: dict[Pure, int] = {}  # noqa: RUF012  # one number for each function of the process
    _counter = itertools.count()

    def __new__(cls, call: Pure) -> Code:
        code: Code = Atom.__new__(cls)
        code.call = call
        if call not in cls._numbers:
            cls._numbers[call] = next(cls._counter)
        code.number = cls._numbers[call]
        return code

    @property
    def is_single(self) -> bool:
        """Whether the function computes in single precision."""
        return bool(getattr(self.call, "is_single", False))

    def _hashable_content(self) -> tuple[object, ...]:
        return (self.number,)

    def __getnewargs__(self) -> tuple[Pure]:
        return (self.call,)

    def _sympystr(self, printer: object) -> str:
        return f"f{self.number}"


class Called(Expr):
    """What a function gives of some terms: f(u, v, ...)."""

    is_commutative = True

    @property
    def code(self) -> Code:
        """The function."""
        code: Code = self.args[0]
        return code

    @property
    def terms(self) -> tuple[Expr, ...]:
        """What it is called with."""
        terms: tuple[Expr, ...] = self.args[1:]
        return terms


class Transformed(Called):
    """What a function that is linear in its first one or two terms gives: 0 where these are."""

    def __new__(cls, code: Code, *terms: Expr) -> Expr:
        return unless_zero(cls, terms[:2], code, *terms)


class Pushed(Called):
    """How f moves along: sum_u df/du(at) along_u, 0 where nothing moves.

    The arguments are f, the terms that it is called with, and as many that say how these move.
    """

    def __new__(cls, code: Code, *both: Expr) -> Expr:
        return unless_zero(cls, both[len(both) // 2 :], code, *both)

    @property
    def terms(self) -> tuple[Expr, ...]:
        """What it is called with."""
        return super().terms[: len(self.args) // 2]

    @property
    def along(self) -> tuple[Expr, ...]:
        """How each of these moves."""
        return super().terms[len(self.args) // 2 :]


def unless_zero(kind: type[Expr], moving: Sequence[Expr], *args: Expr) -> Expr:
    """A call that is linear in some of its terms: 0 where all of these are."""
    return _ZERO if all(term == _ZERO for term in moving) else Expr.__new__(kind, *args)


@dataclass(frozen=True)
class Filling:
    """An array of a shape with one number in all of its entries, as a function of the number."""

    shape: tuple[int, ...]

    def __call__(self, number: Array) -> Array:
        filled: Array = np.zeros(self.shape) + number
        return filled


def pushed(code: Code, terms: Sequence[Expr], along: Sequence[Expr]) -> Expr:
    """How a function moves where its terms move along."""
    return Pushed(code, *terms, *along)
