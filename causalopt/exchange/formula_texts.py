"""Formulas and conditions as text that ``formula_of`` and ``condition_of`` read back as equal."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import sympy
from sympy import Add, Basic, Expr, Float, Mul, Piecewise, Pow, Rational, Symbol
from sympy.core.function import Application
from sympy.core.relational import Relational
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean

from causalopt.exchange.text.functions import (
    AS_WRITTEN,
    CONSTANTS,
    FUNCTIONS,
    TIME,
    TRUTHS,
    UNDEFINED,
)
from causalopt.exchange.text.tokens import KEYWORDS, MOST_LETTERS
from causalopt.ground.checks import shown
from causalopt.ground.errors import DeclarationError
from causalopt.ground.work import bounded
from causalopt.language.quantities import Quantity
from causalopt.language.symbols import Lag, Next, Time
from causalopt.mechanisms.fitness import inside_out
from causalopt.mechanisms.rebuilding import rebuilt

# How strongly a text holds together: what holds more loosely than its place needs brackets.
_CASES, _OR, _AND, _NOT, _COMPARED, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(10)

# With more terms than this, a sum or product is written in groups.
_ROW = 200

_PLAIN = re.compile(r"[^\W\d]\w*")
_RESERVED = KEYWORDS | {*CONSTANTS, *TRUTHS, TIME, UNDEFINED}
_NAME_OF: Mapping[Basic, str] = {constant: name for name, constant in CONSTANTS.items()} | {
    truth: name for name, truth in TRUTHS.items()
}
_SYMBOLS = {sympy.Eq: "==", sympy.Ne: "!=", sympy.Lt: "<", sympy.Le: "<=", sympy.Gt: ">",
            sympy.Ge: ">="}  # fmt: skip


def formula_text(formula: Expr) -> str:
    """A formula as text, which ``formula_of`` reads back as equal.

    Raises ``DeclarationError`` for what no such text says: functions that it does not know, numbers
    with more digits than a float has, parts that stand for arrays, and a text that is too long.

    >>> from sympy import Piecewise, exp
    >>> from causalopt.language.symbols import variables
    >>> x, y = variables("x y")
    >>> formula_text(Piecewise((x**2 - y / 3, x > y.next), (exp(-x / y), True)))
    'x**2 - y/3 if x > y.next else exp(-x/y)'
    """
    return _whole(formula)


def condition_text(condition: Boolean) -> str:
    """A condition as text, which ``condition_of`` reads back as equal; errors as ``formula_text``.

    >>> from sympy import And, Eq, Not
    >>> from causalopt.language.symbols import variables
    >>> h, v = variables("h v")
    >>> condition_text(And(h < 0, Not(Eq(v, 2))))
    'h < 0 and v != 2'
    """
    return _whole(condition)


def name_text(name: str) -> str:
    """A name as it stands in formulas: plain where it can be, else in quotes.

    >>> name_text("R"), name_text("heat flow"), name_text("if")
    ('R', "'heat flow'", "'if'")
    """
    if _PLAIN.fullmatch(name) and name not in _RESERVED:
        return name
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"


class _Text(NamedTuple):
    """A part as text; ``below`` is what it is one over, where it is written below the line."""

    text: str
    holds: int
    below: str = ""

    def within(self, holds: int) -> str:
        """The text in a place that needs it to hold so strongly, in brackets where it does not."""
        return self.text if self.holds >= holds else f"({self.text})"


def _whole(formula: Basic) -> str:
    if not isinstance(formula, Basic):
        raise DeclarationError(
            f"{shown(formula)} ({type(formula).__name__}) is no formula: write one with symbols."
        )
    texts: dict[Basic, _Text] = {}
    with bounded("The formula", "write it in simpler parts"):
        for part in inside_out(formula):
            texts[part] = _part(part, [texts[arg] for arg in part.args])
            if len(texts[part].text) > MOST_LETTERS:
                raise DeclarationError(
                    f"A formula has more than {MOST_LETTERS:,} letters as text: give parts of it "
                    "variables of their own."
                )
    return texts[formula].text


def _part(part: Basic, inner: Sequence[_Text]) -> _Text:
    if part in _NAME_OF:
        return _Text(_NAME_OF[part], _ATOM)
    if not part.args:
        return _leaf(part)
    if isinstance(part, ExprCondPair):
        return _Text(f"{inner[0].within(_OR)} if {inner[1].within(_OR)}", _CASES)
    if not _is_tidy(part):
        return _Text(f"{AS_WRITTEN}({_written(part, inner, tidy=False).text})", _ATOM)
    return _written(part, inner, tidy=True)


def _is_tidy(part: Basic) -> bool:
    """Whether sympy leaves a part as it is where it puts it together anew."""
    try:
        return bool(rebuilt(lambda: part.func(*part.args)) == part)
    except (TypeError, ValueError):
        return False


@functools.singledispatch
def _leaf(part: Basic) -> _Text:
    raise DeclarationError(f"{shown(part)} ({type(part).__name__}) cannot be written in a formula.")


@_leaf.register
def _(part: Rational) -> _Text:
    if part.q == 1:
        return _Text(str(part.p), _ATOM if part >= 0 else _SIGN)
    return _Text(f"{part.p}/{part.q}", _PRODUCT)


@_leaf.register
def _(part: Float) -> _Text:
    number = float(part)
    if Float(number) != part or number in (float("inf"), float("-inf")):
        raise DeclarationError(
            f"{shown(part)} has more digits than a float, or is beyond floats: write Float(0.1), "
            "or an exact number such as Rational(1, 10)."
        )
    return _Text(repr(number), _ATOM if number >= 0 else _SIGN)


@_leaf.register
def _(part: sympy.core.numbers.Exp1) -> _Text:
    return _Text("exp(1)", _ATOM)


@_leaf.register
def _(part: Symbol) -> _Text:
    if not (type(part) is Symbol or isinstance(part, Quantity)) or shape_of_values(part):
        raise DeclarationError(f"{part} ({type(part).__name__}) cannot be written in a formula.")
    return _Text(name_text(part.name), _ATOM)


def shape_of_values(symbol: Symbol) -> tuple[int, ...]:
    """The shape of what a symbol stands for: () for a number."""
    shape: tuple[int, ...] = getattr(getattr(symbol, "domain", None), "shape", ())
    return shape


@_leaf.register
def _(part: Time) -> _Text:
    return _Text(TIME, _ATOM)


@_leaf.register
def _(part: Next) -> _Text:
    return _Text(f"{name_text(part.variable.name)}.next", _ATOM)


@_leaf.register
def _(part: Lag) -> _Text:
    return _Text(f"{name_text(part.variable.name)}.lag({part.by!r})", _ATOM)


@functools.singledispatch
def _written(part: Basic, inner: Sequence[_Text], *, tidy: bool) -> _Text:
    raise DeclarationError(f"{shown(part)} ({type(part).__name__}) cannot be written in a formula.")


@_written.register
def _(part: Add, inner: Sequence[_Text], *, tidy: bool) -> _Text:
    pairs = list(zip(part.args, inner, strict=True))
    if tidy:
        # x - y + 1, as it is read.
        pairs.sort(key=lambda pair: (bool(pair[0].is_Number), pair[1].text.startswith("-")))
    return _Text(_joined([term.within(_PRODUCT) for _, term in pairs], " + ", tidy=tidy), _SUM)


@_written.register
def _(part: Mul, inner: Sequence[_Text], *, tidy: bool) -> _Text:
    if not tidy:
        return _Text("*".join(factor.within(_SIGN) for factor in inner), _PRODUCT)
    above, below = [], []
    for factor, text in zip(part.args, inner, strict=True):
        if isinstance(factor, Rational):
            above += [] if abs(factor.p) == 1 else [str(abs(factor.p))]
            below += [] if factor.q == 1 else [str(factor.q)]
        elif text.below:
            below.append(text.below)
        else:
            above.append(text.within(_SIGN if not above else _POWER))
    minus = "-" if isinstance(part.args[0], Rational) and part.args[0] < 0 else ""
    whole = _joined(above or ["1"], "*", tidy=True) + "".join(f"/{one}" for one in below)
    return _Text(minus + whole, _PRODUCT)


@_written.register
def _(part: Pow, inner: Sequence[_Text], *, tidy: bool) -> _Text:
    base, exponent = inner
    if not tidy:
        return _Text(f"{base.within(_ATOM)}**{exponent.within(_POWER)}", _POWER)
    if part.exp.is_Rational and part.exp < 0:
        below = _raised(base, -part.exp, _leaf(-part.exp)).within(_POWER)
        return _Text(f"1/{below}", _PRODUCT, below)
    return _raised(base, part.exp, exponent)


def _raised(base: _Text, exponent: Expr, text: _Text) -> _Text:
    if exponent == 1:
        return base
    if exponent == Rational(1, 2):
        return _Text(f"sqrt({base.text})", _ATOM)
    return _Text(f"{base.within(_ATOM)}**{text.within(_POWER)}", _POWER)


@_written.register
def _(part: Relational, inner: Sequence[_Text], *, tidy: bool) -> _Text:
    left, right = (side.within(_SUM) for side in inner)
    return _Text(f"{left} {_SYMBOLS[type(part)]} {right}", _COMPARED)


@_written.register
def _(part: sympy.And, inner: Sequence[_Text], *, tidy: bool) -> _Text:
    return _Text(" and ".join(one.within(_NOT) for one in inner), _AND)


@_written.register
def _(part: sympy.Or, inner: Sequence[_Text], *, tidy: bool) -> _Text:
    return _Text(" or ".join(one.within(_AND if tidy else _NOT) for one in inner), _OR)


@_written.register
def _(part: sympy.Not, inner: Sequence[_Text], *, tidy: bool) -> _Text:
    return _Text(f"not {inner[0].within(_NOT)}", _NOT)


@_written.register
def _(part: Piecewise, inner: Sequence[_Text], *, tidy: bool) -> _Text:
    last = part.args[-1]
    texts = [text.text for text in inner]
    if last.cond == sympy.true:
        texts[-1] = texts[-1].removesuffix(" if True")
    else:
        texts.append(UNDEFINED)
    # Cases that are always so, which sympy would leave out, have at least one before them.
    if len(texts) == 1:
        raise DeclarationError(f"{part} has one case alone: write its value.")
    return _Text(" else ".join(texts), _CASES)


@_written.register(Application)
@_written.register(sympy.UnevaluatedExpr)
def _(part: Basic, inner: Sequence[_Text], *, tidy: bool) -> _Text:
    name = type(part).__name__
    if name not in FUNCTIONS or FUNCTIONS[name].head is not type(part):
        raise DeclarationError(f"{shown(part)} uses {name}, which formulas in text do not have.")
    return _Text(f"{name}({', '.join(arg.text for arg in inner)})", _ATOM)


def _joined(texts: Sequence[str], sign: str, *, tidy: bool) -> str:
    """Terms or factors in a row; in groups where there are so many that a parser gives up."""
    if tidy and len(texts) > _ROW:
        width = -(-len(texts) // _ROW)
        groups = [texts[i : i + width] for i in range(0, len(texts), width)]
        texts = [f"({_in_a_row(group, sign)})" for group in groups]
    return _in_a_row(texts, sign)


def _in_a_row(texts: Iterable[str], sign: str) -> str:
    first, *others = texts
    row = [first]
    for text in others:
        is_less = sign == " + " and text.startswith("-")
        row.append(f" - {text[1:]}" if is_less else f"{sign}{text}")
    return "".join(row)
