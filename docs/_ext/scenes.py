"""Small systems at random, as the text that declares them: what a page shows is what was run."""

from __future__ import annotations

import functools
import itertools
import random
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

import sympy
from sympy import Expr, exp, log, sqrt, tanh

import causalopt
from causalopt import CausaloptError

#: What a declaration may use.
NAMES = {name: getattr(causalopt, name) for name in causalopt.__all__}
NAMES |= {"Rational": sympy.Rational, "exp": exp, "log": log, "sqrt": sqrt, "tanh": tanh}

State = tuple[int, int]
Row = tuple[int, ...]  # weights of the values that may follow


@dataclass(frozen=True)
class Finite:
    """A and m with named values: a row of weights for each state and variable, and P."""

    sizes: State
    rules: tuple[Mapping[State, Row], Mapping[State, Row]]
    masses: Mapping[State, int]
    best: int = 0
    start: State = (0, 0)

    def recoded(self, which: int) -> Finite:
        """The same where the values of one variable have changed places in a circle."""
        size = self.sizes[which]

        def moved(state: State) -> State:
            place = list(state)
            place[which] = (place[which] + 1) % size
            return place[0], place[1]

        rules = [
            {
                moved(s): row[-1:] + row[:-1] if target == which else row
                for s, row in self.rules[target].items()
            }
            for target in range(2)
        ]
        masses = {moved(state): mass for state, mass in self.masses.items()}
        best = (self.best + 1) % size if which else self.best
        return Finite(self.sizes, (rules[0], rules[1]), masses, best, moved(self.start))

    def deaf(self) -> Finite:
        """The same where A hears nothing of m."""
        rule = {(a, m): self.rules[0][a, 0] for a, m in self.rules[0]}
        return replace(self, rules=(rule, self.rules[1]))

    def with_policy_of(self, other: Finite) -> Finite:
        """The same with another table of A."""
        return replace(self, rules=(other.rules[0], self.rules[1]))

    def sure(self) -> Finite:
        """The same with all mass at one state."""
        return replace(self, masses={next(iter(self.masses)): 1})

    def with_other_goal(self) -> Finite:
        """The same where another value of m is best."""
        return replace(self, best=(self.best + 1) % self.sizes[1])

    def text(self) -> str:
        """Its declaration."""
        whole = sum(self.masses.values())
        masses = {s: f"Rational({w}, {whole})" for s, w in self.masses.items()}
        tables = [
            ", ".join(f"{state}: {_following(row)}" for state, row in sorted(rule.items()))
            for rule in self.rules
        ]
        return (
            f'A, m = finite("A", range({self.sizes[0]})), finite("m", range({self.sizes[1]}))\n'
            "system = System(\n"
            f"    {{\n        A: table((A, m), {{{tables[0]}}}),\n"
            f"        m: table((A, m), {{{tables[1]}}}),\n    }},\n"
            f"    start={{A: {self.start[0]}, m: {self.start[1]}}},\n)\n"
            f"P = Distribution.of((A, m), {{{_pairs(masses)}}})\n"
            f"best = {self.best}\n"
        )


def _following(row: Row) -> str:
    likely = {value: weight for value, weight in enumerate(row) if weight}
    if len(likely) == 1:
        return str(next(iter(likely)))
    return "{" + _pairs({v: f"Rational({w}, {sum(row)})" for v, w in likely.items()}) + "}"


def _pairs(entries: Mapping[object, str]) -> str:
    return ", ".join(f"{key}: {text}" for key, text in entries.items())


@dataclass(frozen=True)
class Real:
    """A and m with real values, by formulas in both."""

    rules: tuple[Expr, Expr]
    start: tuple[Expr, Expr]

    def recoded(self, which: int) -> Real:
        """The same with 2 A + 1 in place of A, or exp(m) in place of m."""
        own = SYMBOLS[which]
        there, back = (2 * own + 1, (own - 1) / 2) if which == 0 else (exp(own), log(own))
        rules = [rule.subs(own, back) for rule in self.rules]
        rules[which] = there.subs(own, rules[which])
        start = list(self.start)
        start[which] = there.subs(own, start[which])
        return replace(self, rules=(rules[0], rules[1]), start=(start[0], start[1]))

    def deaf(self) -> Real:
        """The same where A hears nothing of m."""
        return replace(self, rules=(self.rules[0].subs(SYMBOLS[1], 0), self.rules[1]))

    def with_policy_of(self, other: Real) -> Real:
        """The same with another formula of A."""
        return replace(self, rules=(other.rules[0], self.rules[1]))

    def sure(self) -> Real:
        """Itself: it starts from one state."""
        return self

    def with_other_goal(self) -> Real:
        """Itself: there is none."""
        return self

    def text(self) -> str:
        """Its declaration."""
        return (
            'A, m = variables("A m")\n'
            f"system = System(\n    {{A: {self.rules[0]}, m: {self.rules[1]}}},\n"
            f"    start={{A: {self.start[0]}, m: {self.start[1]}}},\n)\n"
        )


SYMBOLS = sympy.symbols("A m")
Scene = Finite | Real


def finite_scenes(count: int, *, sure: bool = False) -> list[Scene]:
    """Scenes of named values, the small and certain ones first."""
    dice = random.Random(20)
    made: list[Scene] = []
    for number in range(count):
        sizes = (2, 2) if number < count // 2 else (dice.randint(2, 3), dice.randint(2, 3))
        states = list(itertools.product(*map(range, sizes)))
        chance = not sure and number % 3 == 2
        rules = [{state: _row(dice, size, chance) for state in states} for size in sizes]
        held = dice.sample(states, dice.randint(2, len(states)))
        masses = {state: dice.randint(1, 3) for state in sorted(held)}
        made.append(Finite(sizes, (rules[0], rules[1]), masses, dice.randrange(sizes[1])))
    return made


def _row(dice: random.Random, size: int, chance: bool) -> Row:
    weights = [dice.randint(0, 3) for _ in range(size)] if chance else [0] * size
    if not any(weights):
        weights[dice.randrange(size)] = 1
    return tuple(weights)


def real_scenes(count: int) -> list[Scene]:
    """Scenes of real values, linear ones first."""
    dice = random.Random(20)
    own, m = SYMBOLS
    made: list[Scene] = []
    for number in range(count):
        a, b, c, d, e = (sympy.Rational(dice.choice([-6, -4, -3, -1, 1, 2, 3, 5]), 4)
                         for _ in range(5))  # fmt: skip
        bent = e * tanh(m) if number >= count // 2 else e
        made.append(Real((a * m + b * own, c * m + d * own + bent), (a + 2, b + 1)))
    return made


@functools.lru_cache(maxsize=4096)
def declared(text: str) -> Mapping[str, object]:
    """What a declaration makes; the text is made here, and no reader's."""
    space = dict(NAMES)
    exec(text, space)
    return space


def answer(text: str, asked: str) -> float | str:
    """What a measure says of a declared system, or the error that says why it says nothing."""
    with warnings.catch_warnings():
        # What no mechanism reads is meant here.
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            return float(eval(asked, dict(declared(text))))
        except CausaloptError as error:
            return f"{type(error).__name__}: {error}"
