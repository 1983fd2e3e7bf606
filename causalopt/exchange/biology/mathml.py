"""Formulas of sympy as MathML, in the words that SBML has for them; what has none is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple
from xml.etree.ElementTree import Element

import sympy
from sympy import Basic, Expr, Mul, Piecewise, Pow, Rational, Symbol
from sympy.functions.elementary.piecewise import ExprCondPair

from causalopt.exchange.biology.operations import OPERATIONS
from causalopt.exchange.biology.process import MOST_PARTS
from causalopt.exchange.elements import MOST_DEPTH
from causalopt.ground.checks import shown
from causalopt.ground.errors import DeclarationError
from causalopt.language.symbols import Time
from causalopt.mechanisms.fitness import inside_out
from causalopt.mechanisms.symbolic import RECIPROCALS

_SPACE = "http://www.w3.org/1998/Math/MathML"
_TIME = {"encoding": "text", "definitionURL": "http://www.sbml.org/sbml/symbols/time"}

# Of libsbml's words, with which formulas are read, the last part is MathML's.
_ELEMENTS: Mapping[object, str] = {
    **{operation.made: word.rpartition("_")[2] for word, operation in OPERATIONS.items()
       if isinstance(operation.made, type)},
    sympy.Eq: "eq", sympy.Lt: "lt", sympy.Le: "leq", sympy.Gt: "gt", sympy.Ge: "geq",
    sympy.Implies: "implies",
}  # fmt: skip
_CONSTANTS: Mapping[Basic, str] = {
    sympy.pi: "pi", sympy.E: "exponentiale", sympy.true: "true", sympy.false: "false",
}  # fmt: skip
# What SBML has no word for, in terms of what it has words for.
_BY_OTHERS: Mapping[object, Callable[..., Basic]] = {
    sympy.sign: lambda u: Piecewise((1, u > 0), (-1, u < 0), (0, True)),
    sympy.Heaviside: lambda u, there: Piecewise((1, u > 0), (0, u < 0), (there, True)),
    sympy.Mod: lambda a, b: a - b * sympy.floor(a / b),
    sympy.ITE: lambda on, a, b: sympy.Or(sympy.And(on, a), sympy.And(sympy.Not(on), b)),
    sympy.UnevaluatedExpr: lambda u: u,
    **{head: other for head, other in RECIPROCALS.items() if head not in _ELEMENTS},
}
# So deep may elements stand that are read, but for those around a formula.
_MOST_DEPTH = MOST_DEPTH - 10
# Whole numbers up to here are floats, each of them.
_MOST_WHOLE = 2**53


def mathml_of(formula: Basic, ids: Mapping[Symbol, str], where: str) -> Element:
    """A formula or condition as an element ``math``; ``ids`` are those of its symbols.

    Numbers are written with the digits that give the same float back, quotients as such: x/3 is no
    product with 0.333.

    Raises ``DeclarationError``, naming ``where``, for symbols without an id (noise, delays, values
    of the step that is computed), functions that SBML has no word for, and more than
    ``MOST_PARTS`` parts.

    >>> from xml.etree.ElementTree import tostring
    >>> x = Symbol("x")
    >>> found = mathml_of(x**2 / 3, {x: "x"}, "x")
    >>> print("".join(tostring(part, "unicode") for part in found))
    <apply><divide /><apply><power /><ci>x</ci><cn>2</cn></apply><cn>3</cn></apply>
    """
    whole = Element("math", {"xmlns": _SPACE})
    whole.append(_apart(_Writing(ids, where).element(formula)))
    return whole


class _Element(NamedTuple):
    """An element, of how many it is made, and how deep they stand in one another."""

    element: Element
    size: int
    depth: int


def _apart(element: Element) -> Element:
    """An element in which nothing stands twice: a part of a formula may be in many places."""
    made = Element(element.tag, element.attrib)
    made.text = element.text
    made.extend(map(_apart, element))
    return made


@dataclass
class _Writing:
    """A formula that is written part by part, each with how many elements it is made of."""

    ids: Mapping[Symbol, str]
    where: str
    done: dict[Basic, _Element] = field(default_factory=dict)

    def element(self, formula: Basic) -> Element:
        for part in inside_out(formula):
            if part not in self.done and not isinstance(part, ExprCondPair):
                self.done[part] = self._within_size(self._part(part))
        return self.done[formula].element

    def _within_size(self, made: _Element) -> _Element:
        if made.size > MOST_PARTS or made.depth > _MOST_DEPTH:
            raise DeclarationError(
                f"The formula of {self.where} has more than {MOST_PARTS:,} parts (MOST_PARTS), or "
                f"stands deeper than {_MOST_DEPTH} in itself: write it in several equations."
            )
        return made

    def _part(self, part: Basic) -> _Element:
        if part in _CONSTANTS:
            return _leaf(_CONSTANTS[part])
        if isinstance(part, Symbol):
            return self._symbol(part)
        if part.is_number and not part.args:
            return _quotient(part)
        if isinstance(part, Mul):
            return self._product(part)
        if isinstance(part, Pow):
            return self._power(part)
        if isinstance(part, Piecewise):
            return self._cases(part)
        if part.func in _BY_OTHERS:
            other = _BY_OTHERS[part.func](*part.args)
            self.element(other)
            return self.done[other]
        if part.func not in _ELEMENTS:
            raise DeclarationError(
                f"The formula of {self.where} holds {shown(str(part))}, and SBML has no word for "
                f"{part.func.__name__}: write it by other functions."
            )
        return _applied(_ELEMENTS[part.func], *(self.done[arg] for arg in part.args))

    def _symbol(self, symbol: Symbol) -> _Element:
        if isinstance(symbol, Time):
            return _leaf("csymbol", "t", _TIME)
        if symbol not in self.ids:
            raise DeclarationError(
                f"The formula of {self.where} is written with {shown(str(symbol))} "
                f"({type(symbol).__name__.lower()}), which SBML has no place for: it holds "
                "variables, parameters and time."
            )
        return _leaf("ci", self.ids[symbol])

    def _product(self, part: Mul) -> _Element:
        """A product, with what it is divided by below the line: so x/3 is read back as it was."""
        above: list[_Element] = []
        below: list[_Element] = []
        is_negative = False
        for arg in part.args:
            if isinstance(arg, Rational):
                is_negative = arg.p == -1
                above += [] if abs(arg.p) == 1 else [_number(arg.p)]
                below += [] if arg.q == 1 else [_number(arg.q)]
            elif isinstance(arg, Pow) and arg.exp.is_Rational and arg.exp.is_negative:
                below.append(self._raised(arg.base, -arg.exp))
            else:
                above.append(self.done[arg])
        whole = _times(above)
        whole = _applied("divide", whole, _times(below)) if below else whole
        return _applied("minus", whole) if is_negative else whole

    def _power(self, part: Pow) -> _Element:
        if not part.exp.is_Rational:
            return _applied("power", self.done[part.base], self.done[part.exp])
        if part.exp.is_negative:
            return _applied("divide", _number(1), self._raised(part.base, -part.exp))
        return self._raised(part.base, part.exp)

    def _raised(self, base: Expr, exponent: Rational) -> _Element:
        """A power of a positive exponent p/q, as the p-th power of the q-th root."""
        found = self.done[base]
        if exponent.q != 1:
            degree = _wrapped("degree", _number(exponent.q))
            found = _applied("root", *([] if exponent.q == 2 else [degree]), found)
        return found if exponent.p == 1 else _applied("power", found, _number(exponent.p))

    def _cases(self, part: Piecewise) -> _Element:
        cases = [
            _wrapped("otherwise", self.done[value]) if condition == sympy.true
            else _wrapped("piece", self.done[value], self.done[condition])
            for value, condition in part.args
        ]  # fmt: skip
        return _wrapped("piecewise", *cases)


def _quotient(number: Basic) -> _Element:
    if isinstance(number, Rational) and number.q != 1:
        return _applied("divide", _number(number.p), _number(number.q))
    return _number(number)


def _number(given: object) -> _Element:
    """A number with the shortest digits that give the same float back, none by powers of ten."""
    is_whole = isinstance(given, int | sympy.Integer) and abs(int(given)) <= _MOST_WHOLE
    text = str(given) if is_whole else f"{Decimal(repr(_finite(given))):f}"
    return _leaf("cn", text)


def _finite(given: object) -> float:
    try:
        value = float(given)  # type: ignore[arg-type]  # of sympy's numbers too
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise DeclarationError(f"The number {shown(str(given))} is larger than floats are.")
    return value


def _leaf(name: str, text: str = "", attributes: Mapping[str, str] | None = None) -> _Element:
    made = Element(name, dict(attributes or {}))
    made.text = text or None
    return _Element(made, 1, 1)


def _wrapped(name: str, *parts: _Element) -> _Element:
    made = Element(name)
    made.extend(part.element for part in parts)
    return _Element(made, 1 + sum(part.size for part in parts), 1 + max(p.depth for p in parts))


def _applied(operation: str, *parts: _Element) -> _Element:
    return _wrapped("apply", _leaf(operation), *parts)


def _times(factors: list[_Element]) -> _Element:
    if len(factors) == 1:
        return factors[0]
    return _applied("times", *factors) if factors else _number(1)
