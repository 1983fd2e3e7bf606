"""Formulas made at random: as text with a value worked out beside it, and as expressions."""

import math
import random

import sympy

from causalopt import parameters, time, variables

x, y, z = variables("x y z")
k, _ = parameters("k d")
SYMBOLS = {"x": x, "y": y, "z": z, "k": k}
#: What the symbols are worth where texts are worked out.
AT = {"x": 0.75, "y": -1.5, "z": 2.25, "k": 0.3125}

#: Functions with a value for every number that trees come to, and Python's own for them.
OF_ONE = {
    "sin": math.sin, "cos": math.cos, "tanh": math.tanh, "atan": math.atan, "erf": math.erf,
    "Abs": abs, "floor": math.floor, "ceiling": math.ceil, "asinh": math.asinh,
    "sign": lambda u: (u > 0) - (u < 0),
}  # fmt: skip


class Told:
    """A tree as text in Python's own order of operations, and its value by Python's own floats."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def number(self, depth):
        """(text, value) of a number."""
        if depth == 0:
            name = self.random.choice([*AT, "2", "0.5", "3", "1.25e-1"])
            return name, AT.get(name) if name in AT else float(name)
        kinds = (self.sum, self.product, self.quotient, self.power, self.sign, self.call,
                 self.largest, self.cases)  # fmt: skip
        return self.random.choice(kinds)(depth - 1)

    def sum(self, depth):
        (a, u), (b, v) = self.number(depth), self.number(depth)
        sign = self.random.choice("+-")
        return f"({a} {sign} {b})", u + v if sign == "+" else u - v

    def product(self, depth):
        (a, u), (b, v) = self.number(depth), self.number(depth)
        return f"({a}*{b})", u * v

    def quotient(self, depth):
        (a, u), (b, v) = self.number(depth), self.number(depth)
        return f"{a}/(2 + ({b})**2)", u / (2 + v * v)

    def power(self, depth):
        a, u = self.number(depth)
        by = self.random.choice([2, 3])
        return f"({a})**{by}", u**by

    def sign(self, depth):
        a, u = self.number(depth)
        return f"-({a})", -u

    def call(self, depth):
        a, u = self.number(depth)
        name = self.random.choice([*OF_ONE])
        return f"{name}({a})", float(OF_ONE[name](u))

    def largest(self, depth):
        (a, u), (b, v) = self.number(depth), self.number(depth)
        name = self.random.choice(["Max", "Min"])
        return f"{name}({a}, {b})", max(u, v) if name == "Max" else min(u, v)

    def cases(self, depth):
        (a, u), (b, v), (c, w) = (self.number(depth) for _ in range(3))
        mark = self.random.choice(["<", ">", "<=", ">="])
        d, is_so = f"{c} {mark} 0.375", {"<": w < 0.375, ">": w > 0.375, "<=": w <= 0.375,
                                         ">=": w >= 0.375}[mark]  # fmt: skip
        if self.random.random() < 0.3:
            d, is_so = f"not ({d}) or {a} > {b}", not is_so or u > v
        return f"({a} if {d} else {b})", u if is_so else v


LEAVES = [x, y, z, k, x.next, y.lag(2.5), time, sympy.pi, *map(sympy.Integer, (0, 1, -2, 7)),
          sympy.Rational(1, 3), sympy.Rational(-5, 7), sympy.Float(0.1), sympy.Float(-2.5e-7),
          sympy.sqrt(2), sympy.exp(1)]  # fmt: skip
HEADS = (sympy.exp, sympy.sin, sympy.tanh, sympy.Abs, sympy.floor, sympy.erf, sympy.cbrt)
RELATIONS = (sympy.Lt, sympy.Le, sympy.Gt, sympy.Ge, sympy.Eq, sympy.Ne)
POWERS = (2, -1, -3, sympy.Rational(1, 2), sympy.Rational(-2, 3), 2.5)


class Made:
    """An expression or condition of sympy's, such as a declaration has."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def number(self, depth):
        """An expression of finite real numbers."""
        if depth == 0:
            return self.random.choice(LEAVES)
        try:
            made = self.random.choice((
                self.sum, self.product, self.power, self.raised, self.call, self.two, self.cases,
                self.untidy,
            ))(depth - 1)  # fmt: skip
        except (TypeError, ValueError, NotImplementedError, RecursionError):
            # What sympy does not put together is no formula.
            return self.number(0)
        return made if is_sound(made) else self.number(0)

    def several(self, depth):
        return [self.number(depth) for _ in range(self.random.choice((2, 3)))]

    def sum(self, depth):
        return sympy.Add(*self.several(depth))

    def product(self, depth):
        return sympy.Mul(*self.several(depth))

    def power(self, depth):
        return self.number(depth) ** self.random.choice(POWERS)

    def raised(self, depth):
        return (self.number(depth) ** 2 + 1) ** self.random.choice((x, -y, x.next, 2 * k))

    def call(self, depth):
        return self.random.choice(HEADS)(self.number(depth))

    def two(self, depth):
        head = self.random.choice((sympy.Max, sympy.Min, sympy.atan2))
        return head(self.number(depth), self.number(depth))

    def untidy(self, depth):
        head = self.random.choice((sympy.Add, sympy.Mul))
        return head(self.number(depth), self.number(depth), evaluate=False)

    def cases(self, depth):
        pairs = [(self.number(depth), self.condition(depth)) for _ in range(2)]
        last = [] if self.random.random() < 0.3 else [(self.number(depth), True)]
        return sympy.Piecewise(*pairs, *last)

    def condition(self, depth):
        """A condition, true or false where it depends on nothing."""
        kind = self.random.random() if depth else 0.0
        if kind < 0.5:
            compare = self.random.choice(RELATIONS)
            return compare(self.number(depth), self.number(depth))
        if kind < 0.7:
            return sympy.Not(self.condition(depth - 1))
        head = sympy.And if kind < 0.85 else sympy.Or
        return head(self.condition(depth - 1), self.condition(depth - 1))


def is_sound(formula):
    """Whether an expression is a formula of finite real numbers."""
    if not isinstance(formula, sympy.Expr) or formula.has(sympy.I, sympy.zoo, sympy.nan, sympy.oo):
        return False
    constants = [p for p in sympy.preorder_traversal(formula)
                 if isinstance(p, sympy.Expr) and not p.free_symbols]  # fmt: skip
    values = [p.evalf(15) for p in constants]
    return all(value.is_real and (value == 0 or 1e-300 < abs(value) < 1e300) for value in values)
