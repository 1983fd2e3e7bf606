"""Update rules: how a gradient moves a parameter, as formulas of one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import sympy
from sympy import Expr

from causalopt.ground.checks import finite as finite_number
from causalopt.ground.errors import DeclarationError
from causalopt.language.symbols import Variable, time


@runtime_checkable
class Update(Protocol):
    """An update rule gives the formulas of a parameter and of what it remembers."""

    def rules(self, moved: Variable, gradient: Expr, rate: Expr) -> Mapping[Variable, Expr]:
        """The mechanism of ``moved`` and of the variables that the rule adds, which start at 0."""


@dataclass(frozen=True)
class Plain:
    """W[t+1] = W[t] - T g: plain descent."""

    def rules(self, moved: Variable, gradient: Expr, rate: Expr) -> Mapping[Variable, Expr]:
        """The mechanism of the parameter alone."""
        return {moved: moved - rate * gradient}


@dataclass(frozen=True)
class Momentum:
    """Heavy-ball momentum: v[t+1] = decay v[t] + g, W[t+1] = W[t] - T v[t+1].

    The velocity of W is the variable ``v_W``. ``Momentum(decay=0)`` is plain descent. Raises
    ``DeclarationError`` where not 0 <= decay < 1. Source: Polyak 1964.
    """

    decay: float = 0.9

    def __post_init__(self) -> None:
        _below_one(self.decay, "Momentum", "decay")

    def rules(self, moved: Variable, gradient: Expr, rate: Expr) -> Mapping[Variable, Expr]:
        """The mechanisms of the velocity and of the parameter."""
        velocity = _beside(moved, "v")
        return {velocity: self.decay * velocity + gradient, moved: moved - rate * velocity.next}


@dataclass(frozen=True)
class Adam:
    """Adam: W[t+1] = W[t] - T mhat / (sqrt(shat) + small).

    m[t+1] = first m[t] + (1 - first) g, s[t+1] = second s[t] + (1 - second) g^2, both divided by
    1 - decay^(t+1). The means of W are the variables ``m_W`` and ``s_W``. Source: Kingma and Ba
    2015, algorithm 1.
    """

    first: float = 0.9
    second: float = 0.999
    small: float = 1e-8

    def __post_init__(self) -> None:
        _below_one(self.first, "Adam", "first")
        _below_one(self.second, "Adam", "second")
        if not finite_number(self.small, "small") > 0:
            raise DeclarationError(f"Adam(small={self.small}): write a number above 0, say 1e-8.")

    def rules(self, moved: Variable, gradient: Expr, rate: Expr) -> Mapping[Variable, Expr]:
        """The mechanisms of both running means and of the parameter."""
        mean, square = _beside(moved, "m"), _beside(moved, "s")
        # The means start at 0, and so are short of the gradient by the weight of that start.
        unbiased = mean.next / (1 - self.first ** (time + 1))
        size = sympy.sqrt(square.next / (1 - self.second ** (time + 1)))
        return {
            mean: self.first * mean + (1 - self.first) * gradient,
            square: self.second * square + (1 - self.second) * gradient**2,
            moved: moved - rate * unbiased / (size + self.small),
        }


def _beside(moved: Variable, letter: str) -> Variable:
    return Variable(f"{letter}_{moved.name}")


def _below_one(given: float, rule: str, name: str) -> None:
    if not 0 <= finite_number(given, name) < 1:
        raise DeclarationError(f"{rule}({name}={given}): write a number from 0 to below 1.")
