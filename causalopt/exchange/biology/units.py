"""The units of measure of a file in SBML, as texts that the house reads; what has none there is "".

A factor of ten is a prefix, and 60, 3600 and 86400 seconds have names. Other multipliers have none,
and such a unit is left out: what cannot be told is not judged.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from causalopt.language.units import PURE, UnitOfMeasure, times, unit_of

if TYPE_CHECKING:
    from causalopt.exchange.biology.description import CompartmentFact, ModelFact, SpeciesFact

_KINDS: Mapping[str, str] = {
    "ampere": "A", "becquerel": "Bq", "candela": "cd", "coulomb": "C", "dimensionless": "1",
    "farad": "F", "gram": "g", "gray": "Gy", "henry": "H", "hertz": "Hz", "item": "item",
    "joule": "J", "katal": "kat", "kelvin": "K", "kilogram": "kg", "liter": "L", "litre": "L",
    "lumen": "lm", "lux": "lx", "meter": "m", "metre": "m", "mole": "mol", "newton": "N",
    "ohm": "ohm", "pascal": "Pa", "radian": "rad", "second": "s", "siemens": "S", "sievert": "Sv",
    "steradian": "sr", "tesla": "T", "volt": "V", "watt": "W", "weber": "Wb",
}  # fmt: skip
_PREFIXES: Mapping[int, str] = {
    -18: "a", -15: "f", -12: "p", -9: "n", -6: "u", -3: "m", -2: "c", -1: "d", 0: "", 3: "k",
    6: "M", 9: "G", 12: "T",
}  # fmt: skip
_OF_TIME: Mapping[float, str] = {60.0: "min", 3600.0: "h", 86400.0: "day"}
# What measures are in where a file of level 1 or 2 does not say.
_USUAL: Mapping[str, str] = {
    "substance": "mol", "time": "s", "volume": "L", "area": "m^2", "length": "m",
}  # fmt: skip
_BY_DIMENSIONS: Mapping[float, str] = {1: "length", 2: "area", 3: "volume"}

#: A unit as a file has it: of each factor the kind, exponent, scale (of ten) and multiplier.
Factors: TypeAlias = list[tuple[str, float, int, float]]


def units_in(model: ModelFact) -> dict[str, str]:
    """The unit of each symbol, by its name; that of time by the name "time"."""
    units = _Units(model)
    reactions = model["reactions"]
    found = {p["id"]: units.text(p["units"]) for p in model["parameters"]}
    found |= {f"{r['id']}.{p['id']}": units.text(p["units"]) for r in reactions for p in r["local"]}
    found |= {c["id"]: _text(units.size(c)) for c in model["compartments"]}
    compartments = {c["id"]: c for c in model["compartments"]}
    for species in model["species"]:
        amount = units.amount(species)
        found[f"amount of {species['id']}"] = _text(amount)
        home = compartments.get(species["compartment"])
        is_amount = species["is_amount"] or home is None or not home["dimensions"]
        size = PURE if is_amount or home is None else units.size(home)
        found[species["id"]] = _text(_over(amount, size))
    return {**found, "time": _text(units.measure("time"))}


@dataclass(frozen=True)
class _Units:
    """The units of a model; None for those that cannot be told."""

    model: ModelFact

    @functools.cached_property
    def defined(self) -> Mapping[str, UnitOfMeasure | None]:
        return {unit["id"]: _product(unit["factors"]) for unit in self.model["units"]}

    def text(self, name: str) -> str:
        return _text(self.named(name))

    def named(self, name: str) -> UnitOfMeasure | None:
        if name in self.defined:
            return self.defined[name]
        if name in _USUAL and self.model["level"] < 3:
            return unit_of(_USUAL[name])
        return unit_of(_KINDS.get(name, ""))

    def measure(self, what: str) -> UnitOfMeasure | None:
        """The unit in which a file measures something, unless it says otherwise."""
        return self.named(self.model["measures"][what] if self.model["level"] > 2 else what)

    def size(self, compartment: CompartmentFact) -> UnitOfMeasure | None:
        what = _BY_DIMENSIONS.get(compartment["dimensions"])
        if compartment["units"]:
            return self.named(compartment["units"])
        return None if what is None else self.measure(what)

    def amount(self, species: SpeciesFact) -> UnitOfMeasure | None:
        return self.named(species["units"]) if species["units"] else self.measure("substance")


def _product(factors: Factors) -> UnitOfMeasure | None:
    found = [_factor(*factor) for factor in factors]
    sure = [unit for unit in found if unit is not None]
    return times(sure) if sure and len(sure) == len(found) else None


def _factor(kind: str, exponent: float, scale: int, multiplier: float) -> UnitOfMeasure | None:
    """(multiplier 10^scale kind)^exponent."""
    power = Fraction(exponent).limit_denominator(100) if math.isfinite(exponent) else None
    if power is None or abs(power) > _LARGEST or abs(scale) > _LARGEST or kind not in _KINDS:
        return None
    if kind == "second" and scale == 0 and multiplier in _OF_TIME:
        unit = unit_of(_OF_TIME[multiplier])
    elif multiplier != 1 or scale not in _PREFIXES:
        return None
    else:
        is_pure = kind == "dimensionless"
        unit = PURE if is_pure and scale == 0 else unit_of(f"{_PREFIXES[scale]}{_KINDS[kind]}")
    return None if unit is None else unit.to_the(power)


_LARGEST = 20


def _over(above: UnitOfMeasure | None, below: UnitOfMeasure | None) -> UnitOfMeasure | None:
    return None if above is None or below is None else times([above, below.to_the(Fraction(-1))])


def _text(unit: UnitOfMeasure | None) -> str:
    return "" if unit is None else str(unit)


# -- the way back ----------------------------------------------------------------------------------

_FACTORS: Mapping[str, tuple[str, int, float]] = {
    **{f"{prefix}{name}": (kind, scale, 1.0) for scale, prefix in _PREFIXES.items()
       for kind, name in _KINDS.items() if name != "1"},
    **{name: (kind, 0, 1.0) for kind, name in _KINDS.items() if name != "1"},
    **{name: ("second", 0, multiplier) for multiplier, name in _OF_TIME.items()},
}  # fmt: skip
# What is read off scales of chemistry, and is no picohenry.
_NO_FACTORS = ("pH",)


def factors_of(text: str) -> Factors | None:
    """The factors of a unit as a file in SBML has them; None where it has no word for one.

    >>> factors_of("mol/(L*min)")
    [('litre', -1.0, 0, 1.0), ('second', -1.0, 0, 60.0), ('mole', 1.0, 0, 1.0)]
    >>> factors_of("1"), factors_of("degC")
    ([('dimensionless', 1.0, 0, 1.0)], None)
    """
    unit = unit_of(text)
    if unit is None:
        return None
    found: Factors = []
    for (name, symbol), power in unit.powers:
        if symbol or name not in _FACTORS or name in _NO_FACTORS:
            return None
        kind, scale, multiplier = _FACTORS[name]
        found.append((kind, float(power), scale, multiplier))
    return found or [("dimensionless", 1.0, 0, 1.0)]


def is_of_time(factors: Factors) -> bool:
    """Whether time may be measured in a unit: in seconds, or by numbers."""
    return [(kind, power) for kind, power, _, _ in factors] in (
        [("second", 1.0)],
        [("dimensionless", 1.0)],
    )
