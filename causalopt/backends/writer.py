"""Blocks as lines of text, in a Python that a compiler understands.

Every name in the text is made here; what users call their symbols never reaches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sympy
from sympy import Expr, Symbol
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanFunction
from sympy.printing.pycode import PythonCodePrinter

from causalopt.ground.errors import CausaloptError
from causalopt.mechanisms.crossing import HALVINGS, SHARE, Crossing
from causalopt.mechanisms.fitness import parts_of
from causalopt.mechanisms.found import Found
from causalopt.mechanisms.routines import Filled, Numbers, Routine
from causalopt.mechanisms.settled import TURNS, Settled, nowhere_in_text
from causalopt.mechanisms.steady import (
    AtPlace,
    Beside,
    Length,
    Lost,
    NoSlope,
    Offset,
    PlaceOf,
    Polynomial,
    Share,
)
from causalopt.plan import Block, block_of

# Functions that compile to one call or instruction, in their C meaning.
_CALLS: Mapping[type, str] = {
    **{getattr(sympy, f): f"math.{f}" for f in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{getattr(sympy, f): f"math.{f}" for f in ("asin", "acos", "atan", "atan2", "exp", "log")},
    **{getattr(sympy, f): f"math.{f}" for f in ("asinh", "acosh", "atanh", "erf", "erfc")},
    sympy.Abs: "abs",
    sympy.floor: "numpy.floor",
    sympy.ceiling: "numpy.ceil",
}

# Functions written out as choices between temporaries {0}, {1}; NaN passes through as in NumPy.
_CHOICES: Mapping[type, str] = {
    sympy.sign: "choose({0} > 0.0, 1.0, choose({0} < 0.0, -1.0, {0} * 0.0 + 0.0))",
    sympy.Heaviside: "choose({0} > 0.0, 1.0, choose({0} < 0.0, 0.0, {0} * 0.0 + {1}))",
    sympy.Mod: "({0} % {1})",
    sympy.frac: "({0} - numpy.floor({0}))",
}
_LARGER = "choose(({0} >= {1}) | ({0} != {0}), {0}, {1})"
_SMALLER = "choose(({0} <= {1}) | ({0} != {0}), {0}, {1})"

_STRUCTURE = (
    *(sympy.Add, sympy.Mul, sympy.Pow, sympy.Number, sympy.NumberSymbol, Symbol),
    type(sympy.zoo),
    *(sympy.Piecewise, sympy.functions.elementary.piecewise.ExprCondPair, Relational),
    *(BooleanFunction, sympy.logic.boolalg.BooleanAtom, sympy.Max, sympy.Min, sympy.sinc),
    *(Share, Length, Lost, NoSlope, Offset, Polynomial, Beside, PlaceOf, AtPlace),
    *(Found, Filled, Routine, Numbers),
)


#: How many operands stand in one line: a compiler walks them one within another.
LONGEST = 50


class CannotCompile(CausaloptError):
    """A block holds a function that has no compiled form; the message is its name."""


def check(block: Block) -> None:
    """Raise ``CannotCompile`` for a function that has no compiled form."""
    known = (*_STRUCTURE, *_CALLS, *_CHOICES)
    for formula in (*(e for _, e in block.assignments), *block.results):
        for part in parts_of(formula):
            if not isinstance(part, known):
                raise CannotCompile(type(part).__name__)


def lines_of(block: Block, arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The statements of a block, given what its arguments are called, and what it results in.

    >>> from causalopt.plan import single_form
    >>> x = Symbol("x")
    >>> lines_of(single_form([x], {}, [sympy.sin(x) + 2]), ["s0"])
    ([], ['math.sin(s0) + 2.0'])
    """
    check(block)
    writer = _Writer(dict(zip(block.arguments, arguments, strict=True)))
    for i, (symbol, formula) in enumerate(block.assignments):
        text = writer.text(formula)
        writer.names[symbol] = f"x{i}"
        writer.lines.append(f"x{i} = {text}")
    return writer.lines, [writer.text(result) for result in block.results]


class _Writer(PythonCodePrinter):
    """Python text for formulas; what is needed twice goes to a temporary first."""

    def __init__(self, names: dict[Symbol, str]) -> None:
        super().__init__({"fully_qualified_modules": True})
        self.names = names
        self.lines: list[str] = []
        self.temporaries = 0

    def text(self, formula: Expr) -> str:
        """The formula as text; lines that it needs before it are appended to ``lines``."""
        text: str = self._print(formula)
        return text

    def _temporary(self, formula: Expr) -> str:
        text = self.text(formula)
        name = f"u{self.temporaries}"
        self.temporaries += 1
        self.lines.append(f"{name} = {text}")
        return name

    def _print_Symbol(self, symbol: Symbol) -> str:
        return self.names[symbol]

    def _print_Integer(self, number: sympy.Integer) -> str:
        return repr(float(number))

    def _print_Rational(self, number: sympy.Rational) -> str:
        # Rounded once, as NumPy's text is, and whatever the number of digits.
        return f"({number.p / number.q!r})"

    def _print_Float(self, number: sympy.Float) -> str:
        return repr(float(number))

    def _print_NumberSymbol(self, number: sympy.NumberSymbol) -> str:
        return repr(float(number))

    def _print_ComplexInfinity(self, number: Expr) -> str:
        return "math.nan"

    _print_Pi = _print_Exp1 = _print_NumberSymbol

    def _print_Add(self, total: sympy.Add, order: str | None = None) -> str:
        if len(total.args) > LONGEST:
            return self._from_left(" + ", self._as_ordered_terms(total, order=order))
        text: str = super()._print_Add(total, order=order)
        return text

    def _print_Mul(self, product: sympy.Mul) -> str:
        if len(product.args) > LONGEST:
            return self._from_left(" * ", product.as_ordered_factors())
        text: str = super()._print_Mul(product)
        return text

    def _from_left(self, sign: str, formulas: Iterable[Expr]) -> str:
        """Formulas added or multiplied one after the other, a few in each statement."""
        first, *rest = (f"({self.text(formula)})" for formula in formulas)
        for i in range(0, len(rest), LONGEST):
            first = self._temporary_text(sign.join([first, *rest[i : i + LONGEST]]))
        return first

    def _print_Pow(self, power: sympy.Pow, rational: bool = False) -> str:
        base, exponent = power.args
        if exponent.is_Integer and 2 <= abs(exponent) <= 64:
            raised = f"({self.text(base)})**{abs(int(exponent))}"
            return raised if exponent > 0 else f"(1.0/({raised}))"
        text: str = self._hprint_Pow(power, rational=rational, sqrt="math.sqrt")
        return text

    def _print_Function(self, call: sympy.Function) -> str:
        if call.func in _CALLS:
            return f"{_CALLS[call.func]}({', '.join(map(self.text, call.args))})"
        return _CHOICES[call.func].format(*map(self._temporary, call.args))

    _print_Abs = _print_floor = _print_ceiling = _print_sign = _print_Heaviside = _print_Function
    _print_Mod = _print_frac = _print_log = _print_Function

    def _print_sinc(self, call: sympy.sinc) -> str:
        # The same steps as NumPy's sinc(x/pi), so that both agree where sin(x) is near zero.
        u = self._temporary(call.args[0] / sympy.pi)
        y = self._temporary_text(f"{float(sympy.pi)!r} * choose({u} != 0.0, {u}, 1e-20)")
        return f"(math.sin({y}) / {y})"

    def _temporary_text(self, text: str) -> str:
        name = f"u{self.temporaries}"
        self.temporaries += 1
        self.lines.append(f"{name} = {text}")
        return name

    def _print_Max(self, call: sympy.Max) -> str:
        return self._chosen(_LARGER, call.args)

    def _print_Min(self, call: sympy.Min) -> str:
        return self._chosen(_SMALLER, call.args)

    def _chosen(self, choice: str, formulas: Iterable[Expr]) -> str:
        first, *rest = map(self._temporary, formulas)
        for other in rest:
            first = self._temporary_text(choice.format(first, other))
        return first

    def _print_PlaceOf(self, call: PlaceOf) -> str:
        first, *rest = map(self._temporary, call.args)
        place = "0.0"
        for number, other in enumerate(rest, start=1):
            is_better = self._temporary_text(f"{other} {call.exceeds} {first}")
            place = self._temporary_text(f"choose({is_better}, {float(number)!r}, {place})")
            first = self._temporary_text(f"choose({is_better}, {other}, {first})")
        return place

    _print_PlaceOfLargest = _print_PlaceOfSmallest = _print_PlaceOf

    def _print_Piecewise(self, formula: sympy.Piecewise) -> str:
        text = "math.nan"
        for value, condition in reversed(formula.args):
            if condition == True:  # noqa: E712  # sympy's true is no bool
                text = self.text(value)
            else:
                # One statement a branch: a parser has no room for hundreds within one another.
                text = self._temporary_text(
                    f"choose({self.text(condition)}, {self.text(value)}, {text})"
                )
        return text

    def _print_Filled(self, call: Filled) -> str:
        # In place, so that a compiler sees what it shares with others.
        block, outside = block_of(call.routine), self.names
        given = map(self._temporary, call.terms)
        self.names = dict(zip(block.arguments, given, strict=True))
        for symbol, formula in block.assignments:
            self.names[symbol] = self._temporary(formula)
        text = self._temporary(block.results[0])
        self.names = outside
        return text

    def _print_Crossing(self, call: Crossing) -> str:
        # A loop in place of a formula, and only where there is something to be found.
        is_on = self._temporary(call.args[0])
        early, late = (self._temporary_text(number) for number in ("0.0", "1.0"))
        outside, self.lines = self.lines, []
        middle = self.names[SHARE] = self._temporary_text(f"0.5 * ({early} + {late})")
        is_after = self._temporary(call.args[1])
        self.lines.append(f"{late} = choose({is_after}, {middle}, {late})")
        self.lines.append(f"{early} = choose({is_after}, {early}, {middle})")
        turns = [f"if {is_on}:", f"    for _ in range({HALVINGS}):"]
        self.lines = [*outside, *turns, *(f"        {line}" for line in self.lines)]
        return late

    def _print_Settled(self, found: Settled) -> str:
        turn = found.turn
        now = [self._temporary(guess) for guess in found.guesses]
        is_done = self._temporary_text("False")
        outside, self.lines = self.lines, []
        self.names |= zip(turn.unknowns, now, strict=True)
        for symbol, formula in turn.steps:
            self.names[symbol] = self._temporary(formula)
        new, doubts = ([*map(self._temporary, e)] for e in (turn.results, turn.doubts))
        moved = [self._temporary_text(f"abs({y} - {x})") for x, y in zip(now, new, strict=True)]
        nowhere = map(nowhere_in_text, moved, new, doubts)
        self.lines.append(f"{is_done} = {' & '.join(nowhere)}")
        self.lines += [f"{x} = {y}" for x, y in zip(now, new, strict=True)]
        self.lines += [f"if {is_done}:", "    break"]
        turns = [f"for _ in range({TURNS}):", *(f"    {line}" for line in self.lines)]
        self.lines = [*outside, *turns]
        return f"choose({is_done}, {now[found.place]}, math.nan)"

    def _print_And(self, condition: sympy.And) -> str:
        return self._joined(" & ", condition)

    def _print_Or(self, condition: sympy.Or) -> str:
        return self._joined(" | ", condition)

    def _joined(self, sign: str, condition: BooleanFunction) -> str:
        parts = [f"({self.text(c)})" for c in self._sorted(condition)]
        while len(parts) > LONGEST:
            few = [parts[i : i + LONGEST] for i in range(0, len(parts), LONGEST)]
            parts = [self._temporary_text(sign.join(some)) for some in few]
        return f"({sign.join(parts)})"

    def _print_BooleanFunction(self, condition: BooleanFunction) -> str:
        return self.text(condition.to_nnf(simplify=False))

    _print_Xor = _print_Implies = _print_Equivalent = _print_ITE = _print_BooleanFunction
    _print_Nand = _print_Nor = _print_BooleanFunction

    def _sorted(self, condition: BooleanFunction) -> list[Expr]:
        return sorted(condition.args, key=sympy.default_sort_key)


def weight(block: Block) -> tuple[int, int]:
    """Roughly how many nanoseconds a step of a block takes at most, compiled, for one point.

    By itself, and among points side by side, which a processor takes several of at once.
    """
    operations = calls = 0
    for formula in (*(e for _, e in block.assignments), *block.results):
        operations += 1 + int(formula.count_ops())
        calls += sum(map(_is_call, formula.atoms(sympy.Function, sympy.Pow)))
    return 10 + 3 * operations + 40 * calls, 1 + operations + 40 * calls


def _is_call(part: Expr) -> bool:
    """Whether a part is more than a few instructions: no choice, quotient, square or root."""
    if isinstance(part, sympy.Pow):
        return part.exp not in (-1, 2, sympy.S.Half)
    return not isinstance(part, (sympy.Piecewise, sympy.Abs))
