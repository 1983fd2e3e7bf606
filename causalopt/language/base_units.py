"""What units come to in base units, as pint knows them, and by what factor two of them differ.

pint is asked about single names alone, such as km, and reads no other text than names of its own:
its arithmetic, in which 9**9**9 has no end, is not for text of strangers. It is imported where two
units are first compared that are not spelled alike.
"""

from __future__ import annotations

import functools
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from causalopt.ground.readonly import ReadOnly
from causalopt.language.units import Factor, UnitOfMeasure

if TYPE_CHECKING:
    import pint

# Names that pint reads as others: nano-technical-atmospheres, micro-nits, pico-henries.
_OWN = ("nat", "nats", "unit", "units", "pH")
# What pint counts as base units though it has no dimension.
_NUMBERS = ("radian", "count", "bit")
# Nearer than this, two factors are one: they come from constants that are known to ten digits.
_ROOM = 1e-9


@dataclass(frozen=True)
class InBaseUnits:
    """A unit in base units: exp(sizes) times powers of them; symbols of exponents kept apart.

    ``zero`` is where its scale begins, in base units, of a unit that values are read off.
    """

    dimensions: Mapping[Factor, Fraction] = field(default_factory=lambda: ReadOnly({}))
    sizes: Mapping[str, float] = field(default_factory=lambda: ReadOnly({}))
    zero: float | None = None


def factor(first: UnitOfMeasure, second: UnitOfMeasure) -> float | None:
    """What numbers in the first unit are multiplied by to be in the second: 1 where they agree.

    1 too where it cannot be told; None where nothing turns one into the other.

    >>> from causalopt.language.units import unit_of
    >>> units = [unit_of(text) for text in ("km/h", "m/s", "people", "nats")]
    >>> round(factor(units[0], units[1]), 9), factor(units[2], units[3])
    (0.277777778, None)
    """
    if first.powers == second.powers:
        return 1.0
    one, other = base_of(first), base_of(second)
    if one is None or other is None:
        return 1.0
    if one.dimensions != other.dimensions:
        return None
    apart = {symbol: one.sizes.get(symbol, 0.0) - other.sizes.get(symbol, 0.0)
             for symbol in {*one.sizes, *other.sizes}}  # fmt: skip
    if all(abs(size) < _ROOM for size in apart.values()):
        return 1.0
    # (km/m)^n is a factor that nobody knows.
    if any(symbol and abs(size) >= _ROOM for symbol, size in apart.items()):
        return None
    return math.exp(max(min(apart[""], 700.0), -700.0))


def is_pure(unit: UnitOfMeasure) -> bool:
    """Whether it is known to have no dimension, and to be no percent of one.

    >>> from causalopt.language.units import unit_of
    >>> [is_pure(unit_of(text)) for text in ("m/m", "rad", "%", "m")]
    [True, True, False, False]
    """
    if not unit.powers:
        return True
    base = base_of(unit)
    if base is None or base.dimensions:
        return False
    return all(abs(size) < _ROOM for size in base.sizes.values())


def have_one_zero(first: UnitOfMeasure, second: UnitOfMeasure) -> bool:
    """Whether numbers in two units are counted from one zero: not in degC and K.

    >>> from causalopt.language.units import unit_of
    >>> have_one_zero(unit_of("degC"), unit_of("K")), have_one_zero(unit_of("degC"), unit_of("°C"))
    (False, True)
    """
    if not (first.is_scale and second.is_scale) or first.powers == second.powers:
        return True
    one, other = base_of(first), base_of(second)
    if one is None or other is None or one.zero is None or other.zero is None:
        return True
    return math.isclose(one.zero, other.zero, rel_tol=_ROOM, abs_tol=_ROOM)


@functools.lru_cache(maxsize=4096)
def base_of(unit: UnitOfMeasure) -> InBaseUnits | None:
    """A unit in base units; None where it may be words, and no unit."""
    dimensions: dict[Factor, Fraction] = {}
    sizes: dict[str, float] = {}
    zero = None
    for (name, symbol), power in unit.powers:
        base = _named(name)
        if base is None:
            if unit.is_loose:
                return None
            base = InBaseUnits(ReadOnly({(_singular(name), ""): Fraction(1)}))
        for (own, _), exponent in base.dimensions.items():
            key = (own, symbol)
            dimensions[key] = dimensions.get(key, Fraction(0)) + exponent * power
        sizes[symbol] = sizes.get(symbol, 0.0) + base.sizes.get("", 0.0) * float(power)
        zero = base.zero if unit.is_scale else None
    return InBaseUnits(ReadOnly({k: n for k, n in dimensions.items() if n}), ReadOnly(sizes), zero)


def _singular(name: str) -> str:
    """A name of its own in one number: person-years of persons."""
    return name[:-1] if len(name) > 2 and name.endswith("s") else name


@functools.lru_cache(maxsize=4096)
def _named(name: str) -> InBaseUnits | None:
    """What pint knows of a name, in the ways in which it is written; None where it does not."""
    if name in _OWN:
        return None
    plain = unicodedata.normalize("NFKC", name).replace("°", "degree")
    ways = [name, plain, *([plain.lower()] if len(plain) > 3 else [])]
    for way in dict.fromkeys(ways):
        base = _known(way)
        if base is not None:
            return base
    # Area in m2, for m^2.
    stem = plain.rstrip("0123456789")
    squared = _known(stem) if stem != plain and len(plain) == len(stem) + 1 else None
    if squared is None:
        return None
    exponent = int(plain[len(stem) :])
    dimensions = {key: power * exponent for key, power in squared.dimensions.items() if exponent}
    return InBaseUnits(ReadOnly(dimensions), ReadOnly({"": squared.sizes.get("", 0.0) * exponent}))


@functools.cache
def _registry() -> pint.UnitRegistry[float]:
    # On first use: it takes a third of a second, and most systems have no units to compare.
    import pint

    return pint.UnitRegistry()


def _known(name: str) -> InBaseUnits | None:
    """What pint knows of a name as it is written."""
    import pint
    from pint.util import to_units_container

    registry = _registry()
    readings = registry.parse_unit_name(name)
    # An exact name is its own best reading; of several with prefixes none is sure.
    if not readings or (len(readings) > 1 and readings[0][0]):
        return None
    prefix, own, _ = readings[0]
    try:
        given, root = registry.get_root_units(prefix + own, check_nonmult=False)
        powers = {base: Fraction(str(power)) for base, power in to_units_container(root).items()}
        size = float(given)  # type: ignore[arg-type]  # a float, in this registry
        zero, step = (float(registry.Quantity(n, prefix + own).to_root_units().magnitude)
                      for n in (0, 1))  # fmt: skip
    except (pint.PintError, ArithmeticError, ValueError, TypeError, KeyError):
        return None
    # dB are on a scale of logarithms, where a step is not always the same.
    if not (math.isfinite(size) and size > 0 and math.isclose(step - zero, size, rel_tol=_ROOM)):
        return None
    dimensions = {(base, ""): power for base, power in powers.items() if base not in _NUMBERS}
    is_temperature = powers == {"kelvin": 1} and not own.startswith("delta_")
    return InBaseUnits(
        ReadOnly(dimensions), ReadOnly({"": math.log(size)}), zero if is_temperature else None
    )
