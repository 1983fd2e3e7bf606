"""What a unit is: a product of powers of named units, read from text such as "kg m/s^2".

Text is read by a small grammar: products, quotients, powers and parentheses of names. What stands
for more than one thing is not read at all: "J/kg K" may mean either. What a name comes to in base
units is looked up elsewhere, and only where two units are not spelled alike.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

#: A named unit, and what its exponent is a multiple of: "" of 1, "n" in x**n of a symbol n.
Factor = tuple[str, str]


@dataclass(frozen=True)
class UnitOfMeasure:
    """A product of powers of named units; none of them where there is no dimension.

    ``is_scale`` where it is a lone name, and values may be read off a scale with a zero of its own:
    a product of several is none, though it come to degC once more. ``is_loose`` where names stand
    beside one another with nothing between them: they may be words.

    >>> speed, duration = unit_of("m/s"), unit_of("s")
    >>> print(times([speed, duration]), speed.to_the(Fraction(1, 2)))
    m m^(1/2)/s^(1/2)
    """

    powers: tuple[tuple[Factor, Fraction], ...] = ()
    is_scale: bool = False
    is_loose: bool = False

    def to_the(self, exponent: Fraction, symbol: str = "") -> UnitOfMeasure:
        """The unit to a power: a number, or a multiple of a symbol that has no dimension."""
        if exponent == 1 and not symbol:
            return self
        turned = {
            (name, "*".join(filter(None, (own, symbol)))): power * exponent
            for (name, own), power in self.powers
        }
        return _product(turned, is_loose=self.is_loose)

    def __str__(self) -> str:
        above = [_written(f, power) for f, power in self.powers if power > 0]
        below = [_written(f, -power) for f, power in self.powers if power < 0]
        inside = "*".join(below) if len(below) == 1 else f"({'*'.join(below)})"
        return ("*".join(above) or "1") + (f"/{inside}" if below else "")


def _written(factor: Factor, power: Fraction) -> str:
    name, symbol = factor
    if symbol:
        return f"{name}^({symbol})" if power == 1 else f"{name}^({power}*{symbol})"
    if power == 1:
        return name
    return f"{name}^{power}" if power.denominator == 1 else f"{name}^({power})"


#: What has no dimension.
PURE = UnitOfMeasure()


@dataclass(frozen=True)
class Measured:
    """What is known of a value: its unit, or that it is a number, which may stand for any unit.

    25 added to degC is meant in degC, and 25 times a length is a length.
    """

    unit: UnitOfMeasure | None
    is_number: bool = False


UNKNOWN, NUMBER = Measured(None), Measured(PURE, is_number=True)


def times(units: Iterable[UnitOfMeasure]) -> UnitOfMeasure:
    """The product of units; it is read off a scale where all but that one cancel out."""
    factors = list(units)
    if len(factors) == 1:
        return factors[0]
    powers: dict[Factor, Fraction] = {}
    for unit in factors:
        for factor, power in unit.powers:
            powers[factor] = powers.get(factor, Fraction(0)) + power
    product = _product(powers, is_loose=any(unit.is_loose for unit in factors))
    is_scale = any(unit.is_scale and unit.powers == product.powers for unit in factors)
    return UnitOfMeasure(product.powers, is_scale, product.is_loose)


def _product(powers: Mapping[Factor, Fraction], *, is_loose: bool) -> UnitOfMeasure:
    return UnitOfMeasure(tuple(sorted((f, p) for f, p in powers.items() if p)), is_loose=is_loose)


# -- reading ---------------------------------------------------------------------------------------

# No text is longer, and no exponent larger: what comes from a file may be anything.
_LONGEST, _LARGEST = 100, 100

_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−", "0123456789--")
_LETTERS = r"[^\W\d_²³¹⁰⁴-⁹⁻]|[_%‰°$€£'″′]"
_TOKEN = re.compile(
    rf"""
    (?P<abbreviation> (?:[^\W\d_]+\.){{2,}} (?!\w) )       # a.u.
    | (?P<name> (?:{_LETTERS}) (?:{_LETTERS}|[0-9])* )
    | (?P<raised> [⁻]?[⁰¹²³⁴-⁹]+ )
    | (?P<power> \*\*|\^ )
    | (?P<number> [0-9]+(?:\.[0-9]+)? )
    | (?P<sign> [-+−] )
    | (?P<times> [*·⋅×.] )
    | (?P<over> / )
    | (?P<open> \( )
    | (?P<close> \) )
    | (?P<blank> \s+ )
    """,
    re.VERBOSE,
)
_WORDS = {"per": "over"}
# A system counts its steps: a step is a number, and a rate for each of them has no other unit.
_NUMBERS = ("step", "steps", "dimensionless", "unitless")

#: A kind of token, and its text.
Token = tuple[str, str]


# What may be a formula, and signs between which something stands in any.
_FORMULA = re.compile(r"[\w\s*/^·⋅×().+%°-]*")
_SIGN = r"[*/^·⋅×]"
_BARE = re.compile(rf"^\s*{_SIGN}|{_SIGN}\s*(?:{_SIGN}|\)|$)|\(\s*(?:{_SIGN}|\))")


def fault_in(text: str) -> str:
    """What is wrong with a text that is written as a formula, and is none; else "".

    What may mean more than one thing, as "J/kg K", and what is words, is nobody's fault.

    >>> fault_in("m//s"), fault_in("(m"), fault_in("J/kg K"), fault_in("things")
    ('there is nothing beside // in it', 'a parenthesis in it has no other', '', '')
    """
    if not _FORMULA.fullmatch(text):
        return ""
    bare = _BARE.search(text.replace("**", "^"))
    if bare is not None:
        sign = "".join(bare[0].split())
        return f"there is nothing beside {sign} in it"
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            break
    return "a parenthesis in it has no other" if depth else ""


class _Unreadable(Exception):
    """Text that is no product of powers of names."""


@functools.lru_cache(maxsize=1024)
def unit_of(text: str) -> UnitOfMeasure | None:
    """The unit that a text names; None where there is none, or it cannot be told.

    >>> print(unit_of("kg*m/s**2"), unit_of("W m-2"), unit_of("1/step"), unit_of("°C"))
    kg*m/s^2 W/m^2 1 °C
    >>> unit_of(""), unit_of("J/kg K"), unit_of("9**9**9")
    (None, None, None)
    """
    if not text.strip() or len(text) > _LONGEST:
        return None
    try:
        unit, rest = _quotient(_tokens(text.strip()))
    except _Unreadable:
        return None
    if rest or any(abs(power) > _LARGEST for _, power in unit.powers):
        return None
    is_lone = len(unit.powers) == 1 and unit.powers[0][1] == 1
    return UnitOfMeasure(unit.powers, is_lone, unit.is_loose)


def _tokens(text: str) -> list[Token]:
    """The tokens of a text; blanks stand between two factors alone."""
    tokens: list[Token] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise _Unreadable
        if match.lastgroup == "name" and any(unicodedata.category(c) == "No" for c in match[0]):
            raise _Unreadable  # ½m
        place = match.end()
        kind = _WORDS.get(match[0], match.lastgroup)
        tokens.append(("name" if kind == "abbreviation" else kind, match[0]))
    meant = []
    for i, token in enumerate(tokens):
        around = {kind for kind, _ in tokens[max(i - 1, 0) : i + 2]}
        if token[0] != "blank" or not around & {"over", "times", "power", "sign"}:
            meant.append(token)
    return meant


def _quotient(tokens: list[Token]) -> tuple[UnitOfMeasure, list[Token]]:
    """Factors with signs of multiplication and division between them, from left to right."""
    unit, rest = _powered(tokens)
    is_divided = False
    while rest and rest[0][0] != "close":
        (kind, sign), after = rest[0], rest[1:]
        if kind not in ("times", "over", "blank") or (is_divided and sign not in ("*", "/", "per")):
            # Whether W/m K is W/(m K) is for its writer to say.
            raise _Unreadable
        factor, rest = _powered(after)
        is_divided |= kind == "over"
        unit = times([unit, factor.to_the(Fraction(-1)) if kind == "over" else factor])
        unit = UnitOfMeasure(unit.powers, is_loose=unit.is_loose or kind == "blank")
    return unit, rest


def _powered(tokens: list[Token]) -> tuple[UnitOfMeasure, list[Token]]:
    """A name, 1, or a unit in parentheses, with its exponent."""
    unit, rest = _single(tokens)
    kinds = [kind for kind, _ in rest[:2]]
    if kinds[:1] == ["power"]:
        exponent, rest = _exponent(rest[1:])
    elif kinds[:1] == ["raised"]:
        exponent, rest = Fraction(rest[0][1].translate(_RAISED)), rest[1:]
    elif kinds == ["sign", "number"]:
        # As CF writes it: W m-2.
        exponent, rest = _exponent(rest)
    else:
        return unit, rest
    if rest and rest[0][0] in ("power", "raised", "sign"):
        raise _Unreadable
    return unit.to_the(exponent), rest


def _single(tokens: list[Token]) -> tuple[UnitOfMeasure, list[Token]]:
    if not tokens:
        raise _Unreadable
    (kind, text), rest = tokens[0], tokens[1:]
    if kind == "name":
        return (PURE if text in _NUMBERS else UnitOfMeasure((((text, ""), Fraction(1)),))), rest
    if kind == "number" and Fraction(text) == 1:
        return PURE, rest
    if kind == "open":
        unit, rest = _quotient(rest)
        if rest and rest[0][0] == "close":
            return unit, rest[1:]
    raise _Unreadable


def _exponent(tokens: list[Token]) -> tuple[Fraction, list[Token]]:
    """A number with its sign, or a fraction in parentheses."""
    text, rest = "", tokens
    if rest and rest[0][0] == "open":
        closed = next((i for i, token in enumerate(rest) if token[0] == "close"), 0)
        text, rest = "".join(part for _, part in rest[1:closed]), rest[closed + 1 :]
    else:
        while rest and rest[0][0] in ("sign", "number"):
            text, rest = text + rest[0][1], rest[1:]
    match = re.fullmatch(r"([-+]?[0-9.]+)(?:/([0-9]+))?", text.replace("−", "-"))
    try:
        exponent = Fraction(match[1]) / Fraction(match[2] or 1) if match else None
    except (ValueError, ZeroDivisionError):
        exponent = None
    if exponent is None:
        raise _Unreadable
    return exponent, rest
