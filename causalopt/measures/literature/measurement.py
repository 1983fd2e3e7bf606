"""What a measure of the literature gives: a value with its unit, and the parts it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from sympy import Expr

from causalopt.ground.errors import QueryError, nearest
from causalopt.ground.readonly import ReadOnly

if TYPE_CHECKING:
    import xarray as xr

#: An exact number, or a float.
Amount: TypeAlias = Expr | float


def as_number(amount: Amount, what: str) -> float:
    """An amount as a float; an error where it is a formula in symbols."""
    if isinstance(amount, Expr) and amount.free_symbols:
        symbol = min(map(str, amount.free_symbols))
        raise QueryError(
            f"{what} is a formula in {symbol}: give it a number first, with P.subs({{{symbol}: "
            "0.1}), or take .value as it is."
        )
    return float(amount)


@dataclass(frozen=True)
class Measurement:
    """The ``value`` of a ``measure``, in its ``unit``: exact where the masses are, else a float.

    ``parts`` are the quantities that the value is made of, or that it stands beside, by name:
    ``found["closed"]``. Where a value was approached step by step, ``gap`` is how much larger
    the true one may be; else it is 0.

    >>> bits = Measurement("empowerment", "C", 1.0, "bit", {"commands": 3})
    >>> print(bits), float(bits), bits["commands"]
    empowerment = 1 bit
    (None, 1.0, 3)
    """

    measure: str
    symbol: str
    value: Amount
    unit: str
    parts: Mapping[str, object] = field(default=ReadOnly({}), hash=False)
    gap: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", ReadOnly(self.parts))

    def __float__(self) -> float:
        return as_number(self.value, self.measure)

    def __getitem__(self, part: str) -> object:
        if part not in self.parts:
            raise QueryError(f"{self.measure} has no part {part!r}.{nearest(part, self.parts)}")
        return self.parts[part]

    def __str__(self) -> str:
        is_formula = isinstance(self.value, Expr) and self.value.free_symbols
        value = str(self.value) if is_formula else f"{float(self):.10g}"
        return f"{self.measure} = {value} {self.unit}"

    def to_xarray(self) -> xr.DataArray:
        """The value as an array without dims, its unit and its parts in ``attrs``."""
        import xarray as xr

        parts = {name: str(part) for name, part in self.parts.items()}
        attrs = {"units": self.unit, "symbol": self.symbol, "gap": self.gap, **parts}
        return xr.DataArray(float(self), name=self.measure, attrs=attrs)
