"""Laws of chance of a model in text, and inputs that are given step by step; and the way back."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr

from causalopt.exchange.text.entries import TomlEntry
from causalopt.exchange.text.toml import TomlValue
from causalopt.ground.errors import DeclarationError
from causalopt.language.data import Listed, series
from causalopt.language.laws import Choice, Law, Normal, Uniform, choice, normal, uniform
from causalopt.language.quantities import Noise

#: What a noise is given by, one of these; ``weights`` go with a choice.
LAWS = ("normal", "uniform", "choice", "series")
#: What is said of a law. Draws of a standard one, of which a formula makes others, have it in
#: words what these are ``of``.
LAW_KEYS = (*LAWS, "weights", "of")


def law_in(entry: TomlEntry, amount: Callable[[TomlEntry], Expr | float]) -> Law:
    """The law that an entry says; its numbers may be formulas."""
    named = [name for name in LAWS if name in entry]
    if len(named) != 1:
        told = "a noise has one law: write normal = [0, 1], uniform = [0, 1], choice = [-1, 1] or "
        raise entry.refusal(f"{told}series = [0.5, 1.5].", of_key=True)
    (name,) = named
    given = entry[name]
    strange = [key for key in ("weights", "of") if key in entry and key not in _BESIDE[name]]
    if strange:
        raise entry[strange[0]].refusal(f"{strange[0]} does not go with {name}.", of_key=True)
    if name == "series":
        return _series(entry, given)
    numbers = [amount(one) for one in given.each()]
    if name == "choice":
        weights = entry.get("weights")
        chances = [amount(one) for one in weights.each()] if weights else None
        return given.asked(lambda: choice(numbers, chances))
    if len(numbers) != len(_TWO[name]):
        raise given.refusal(f"{name} takes two numbers, {' and '.join(_TWO[name])}.")
    if "of" in entry:
        return _standard(entry, name, numbers)
    return given.asked(lambda: (normal if name == "normal" else uniform)(*numbers))


_TWO = {"normal": ("a mean", "a deviation"), "uniform": ("a low", "a high")}
_BESIDE = {"normal": ("of",), "uniform": ("of",), "choice": ("weights",), "series": ()}


def _standard(entry: TomlEntry, name: str, numbers: list[Expr | float]) -> Law:
    of = entry["of"].text()
    if numbers != [0.0, 1.0]:
        told = f"of goes with standard draws: write {name} = [0, 1], or leave it out."
        raise entry["of"].refusal(told, of_key=True)
    return Normal(of=of) if name == "normal" else Uniform(of=of)


def _series(entry: TomlEntry, given: TomlEntry) -> Law:
    for one in given.each():
        one.number()
    return given.asked(lambda: series(entry.name, given.value)).law


def law_pairs(noise: Noise) -> dict[str, TomlValue]:
    """What a file says of the law of a noise.

    Raises ``DeclarationError`` for laws of other libraries.
    """
    law = noise.law
    if isinstance(law, Normal | Uniform):
        pairs: dict[str, TomlValue] = (
            {"normal": [law.mean, law.deviation]}
            if isinstance(law, Normal)
            else {"uniform": [law.low, law.high]}
        )
        return {**pairs, "of": law.of} if law.of else pairs
    if isinstance(law, Choice):
        return {"choice": list(law.values), "weights": list(law.weights)}
    if isinstance(law, Listed):
        return {"series": law.values.numbers.tolist()}
    raise DeclarationError(
        f"The noise {noise} has the law {law}, and a model in text has normal, uniform, choice and "
        "series alone."
    )
