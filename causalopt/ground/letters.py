"""Letters that can be seen: what would steer a terminal, or turn a line around, is a sign."""

from __future__ import annotations

import unicodedata

# What has no width, or changes the direction of the letters around it, so that a text reads as
# another one: format characters, but for those that join letters of some scripts or keep them
# apart, and those that are signs.
_FORMAT = "Cf"
_WRITTEN = frozenset(
    "\u200c\u200d\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2"
)
_BREAKS = frozenset("\n\r\t\u2028\u2029")


def visible(text: str) -> str:
    """Text in one line of letters that can be seen, and that XML can hold.

    >>> visible("a\\tb\\0"), visible("R\\x1b[31m"), visible("T\\u200b\\u202ek")
    ('a b␀', 'R␛[31m', 'T��k')
    """
    return "".join(map(_visible_letter, text))


def visible_lines(text: str) -> str:
    """The same of each line of a text."""
    return "\n".join(map(visible, text.split("\n")))


def _visible_letter(letter: str) -> str:
    """A letter that can be seen: control characters by their pictures, such as ␀."""
    if letter.isprintable():
        return letter
    code = ord(letter)
    if letter in _BREAKS:
        return " "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    odd = 0x80 <= code < 0xA0 or 0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE
    hidden = unicodedata.category(letter) == _FORMAT and letter not in _WRITTEN
    return "\ufffd" if odd or hidden else letter
