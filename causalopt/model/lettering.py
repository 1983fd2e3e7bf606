"""The letters that worlds are called by: W, X and Y."""

from __future__ import annotations

from collections.abc import Sequence

from causalopt.model.interface import Model
from causalopt.model.world import World


def letters(worlds: Sequence[World[Model]]) -> list[str]:
    """The posts' letters: W where no difference is made, X where one is, Y where A is held too.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> a, b = variables("a b")
    >>> W = System({a: b, b: a}, start={a: 1, b: 2}).world(steps=3)
    >>> letters([W, W.perturb(b[0], by=1), W.perturb(b[0], by=2)])
    ['W', 'X', 'X2']
    """
    names: list[str] = []
    for world in worlds:
        is_shifted = any(treatment.shift for treatment in world.treatments)
        letter = "W" if not is_shifted else "Y" if world.held_worlds() else "X"
        taken = sum(name.rstrip("0123456789") == letter for name in names)
        names.append(f"{letter}{taken + 1}" if taken else letter)
    return names
