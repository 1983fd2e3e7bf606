"""The letters that this machine has fonts for: what has none is drawn as a box, and is told."""

from __future__ import annotations

import functools
import unicodedata
import warnings
from collections.abc import Iterable

# Letters before this one (Latin, Greek) are in every font that pictures are drawn with.
_USUAL = 0x400


def fonts_for(texts: Iterable[str]) -> list[str]:
    """The families, beside that of matplotlib's own, that have the letters of some texts.

    Warns of letters that no font of this machine has.

    >>> fonts_for(["R[0]", "θ"])
    []
    """
    letters = sorted({c for text in texts for c in text if ord(c) >= _USUAL and _is_letter(c)})
    families = {letter: _family_of(letter) for letter in letters}
    missing = [letter for letter, family in families.items() if family is None]
    if missing:
        warnings.warn(
            f"No font of this machine has the letters {', '.join(missing)}: pictures show boxes in "
            "their place. Install one that has them, such as Noto Sans CJK, or save graphs as SVG.",
            RuntimeWarning,
            stacklevel=4,
        )
    return sorted({family for family in families.values() if family})


def _is_letter(character: str) -> bool:
    return unicodedata.category(character).startswith("L")


@functools.cache
def _family_of(letter: str) -> str | None:
    """A family with the letter, "" for that which is used anyway, None where there is none."""
    from matplotlib import font_manager

    usual = font_manager.findfont("DejaVu Sans")
    if ord(letter) in _letters_of(usual):
        return ""
    fonts = font_manager.fontManager.ttflist
    return next((font.name for font in fonts if ord(letter) in _letters_of(font.fname)), None)


@functools.cache
def _letters_of(path: str) -> frozenset[int]:
    from matplotlib import font_manager

    try:
        return frozenset(font_manager.get_font(path).get_charmap())
    except (OSError, RuntimeError):  # a font that cannot be read has no letters to show
        return frozenset()
