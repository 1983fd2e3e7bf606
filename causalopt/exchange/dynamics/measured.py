"""Units of a file as units of the house, where these are understood."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from causalopt.exchange.dynamics.syntax import Definition
from causalopt.language.units import unit_of

_PURE = frozenset({"dmnl", "dimensionless", "unitless", "1", "fraction"})


def units_of(
    definitions: Iterable[Definition], same: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """The unit of each variable, by its key, and the texts that name none that is understood.

    ``same`` are other names of units: Years of Year.
    """
    units: dict[str, str] = {}
    strange: dict[str, None] = {}
    for definition in definitions:
        text = re.sub(r"[^\W\d]+", lambda found: same.get(found[0], found[0]), definition.unit)
        if text.casefold() in _PURE:
            units[definition.key] = "1"
        elif text:
            unit = unit_of(text) if text.isprintable() else None
            # Names beside one another may be words.
            if unit is None or unit.is_loose:
                strange[text] = None
            else:
                units[definition.key] = text
    return units, list(strange)
