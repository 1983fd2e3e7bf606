"""Symbols of a model in text: variables, parameters, noises and plain ones, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from sympy import Expr, Symbol

from causalopt.exchange.formula_texts import shape_of_values
from causalopt.exchange.formulas import formula_in
from causalopt.exchange.text.entries import TomlEntry, check_label
from causalopt.exchange.text.laws import LAW_KEYS, law_in, law_pairs
from causalopt.exchange.text.toml import TomlValue
from causalopt.ground.checks import as_whole
from causalopt.ground.errors import DeclarationError
from causalopt.language.assumptions import checked
from causalopt.language.finite_variables import Finite
from causalopt.language.quantities import Noise, Parameter, Quantity
from causalopt.language.symbols import Variable

#: The most variables, parameters and noises of a file.
MOST_SYMBOLS = 20_000

#: What is said of a variable beside how it follows, and of a parameter beside its value.
VARIABLE_KEYS = ("unit", "values", "assume")
_QUANTITY_KEYS = ("unit", "assume")


@dataclass(frozen=True)
class Words:
    """The symbols of a file, by name; ``entries`` are where each is declared."""

    symbols: Mapping[str, Symbol]
    entries: Mapping[str, TomlEntry]

    def formula(self, entry: TomlEntry) -> Expr:
        """The formula that a text is."""
        return entry.asked(lambda: formula_in(entry.text(), self.symbols))

    def amount(self, entry: TomlEntry) -> Expr | float:
        """A number as it is, or the formula that a text is."""
        if isinstance(entry.value, str):
            return self.formula(entry)
        return entry.number("a number, or a formula in quotes")

    def parameter(self, entry: TomlEntry) -> Parameter:
        """The parameter of a name."""
        found = self.symbols.get(entry.text())
        if not isinstance(found, Parameter):
            raise entry.refusal(f"{entry.text()!r} is no parameter of this file.")
        return found


def symbols_in(file: TomlEntry) -> Words:
    """The symbols that a file declares, each by a name of its own."""
    symbols: dict[str, Symbol] = {}
    entries: dict[str, TomlEntry] = {}
    words = Words(MappingProxyType(symbols), MappingProxyType(entries))
    for section, declare in _SECTIONS.items():
        held = file.get(section)
        for entry in held.items() if held else ():
            check_label(entry, entry.name)
            if entry.name in symbols:
                told = f"{entry.name} is declared twice: give each symbol a name of its own."
                raise entry.refusal(told, of_key=True)
            if len(symbols) >= MOST_SYMBOLS:
                told = f"there are more than {MOST_SYMBOLS:,} symbols (MOST_SYMBOLS)."
                raise entry.refusal(told, of_key=True)
            made = declare(entry, words)
            symbols[entry.name], entries[entry.name] = made, entry
    return words


def _variable(entry: TomlEntry, words: Words) -> Variable:
    entry.table()
    values = entry.get("values")
    if values is None:
        return entry.asked(
            lambda: Variable(entry.name, _unit(entry), **_assumptions(entry)), of_key=True
        )
    if "assume" in entry:
        raise entry["assume"].refusal("named values have no assumptions: leave it out.")
    named = [_value(one) for one in values.each()]
    return values.asked(lambda: Finite(entry.name, named, _unit(entry)))


def _value(entry: TomlEntry) -> str | int:
    whole = None if isinstance(entry.value, bool | float) else as_whole(entry.value)
    return entry.text() if whole is None else whole


def _parameter(entry: TomlEntry, words: Words) -> Parameter:
    if not isinstance(entry.value, dict):
        return entry.asked(lambda: Parameter(entry.name), of_key=True)
    entry.table((*_QUANTITY_KEYS, "value"))
    return entry.asked(
        lambda: Parameter(entry.name, _unit(entry), **_assumptions(entry)), of_key=True
    )


def _noise(entry: TomlEntry, words: Words) -> Noise:
    entry.table(("unit", *LAW_KEYS))
    law = law_in(entry, words.amount)
    return entry.asked(lambda: Noise(entry.name, law, _unit(entry)), of_key=True)


def _plain(entry: TomlEntry, words: Words) -> Symbol:
    entry.table(("assume",))
    assumed = _assumptions(entry)
    known = entry.asked(lambda: checked(assumed, entry.name))
    return entry.asked(lambda: Symbol(entry.name, **known))


_SECTIONS: Mapping[str, Callable[[TomlEntry, Words], Symbol]] = {
    "variables": _variable,
    "parameters": _parameter,
    "symbols": _plain,
    "noises": _noise,
}


def _unit(entry: TomlEntry) -> str:
    unit = entry.get("unit")
    return unit.text() if unit else ""


def _assumptions(entry: TomlEntry) -> dict[str, bool]:
    assumed = entry.get("assume")
    return {one.name: one.truth() for one in assumed.items()} if assumed else {}


# -- the way back ----------------------------------------------------------------------------------


def symbol_pairs(symbol: Symbol) -> dict[str, TomlValue]:
    """What a file says of a symbol, beside its name and its value.

    Raises ``DeclarationError`` for a variable or noise that holds an array, and for laws that no
    file holds.
    """
    pairs: dict[str, TomlValue] = {}
    if getattr(symbol, "unit", ""):
        pairs["unit"] = cast(Quantity, symbol).unit
    if isinstance(symbol, Finite):
        return {**pairs, "values": list(symbol.values)}
    shape = shape_of_values(symbol)
    if shape:
        raise DeclarationError(
            f"{symbol} holds an array of shape {shape}, and no model in text does: declare its "
            "entries as variables, or keep the model in Python."
        )
    if isinstance(symbol, Noise):
        return {**pairs, **law_pairs(symbol)}
    assumed = dict(symbol._assumptions_orig)
    usual = {"real": True} if isinstance(symbol, Quantity) else {}
    return pairs if assumed == usual else {**pairs, "assume": assumed}


def in_sections(symbols: Mapping[str, Symbol]) -> Iterator[tuple[str, Symbol]]:
    """Plain symbols and noises, each with the section that it is declared in."""
    for symbol in symbols.values():
        if isinstance(symbol, Noise):
            yield "noises", symbol
        elif not isinstance(symbol, Quantity):
            yield "symbols", symbol
