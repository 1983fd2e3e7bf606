"""Letters that can be seen: what would steer a terminal, or turn a line around, is a sign."""

from __future__ import annotations

# They change the direction of the letters that follow, so that a text reads as another one.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BREAKS = frozenset("\n\r\t\u2028\u2029")


def visible(text: str) -> str:
    """Text in one line of letters that can be seen, and that XML can hold.

    >>> visible("a\\tb\\0"), visible("R\\x1b[31m")
    ('a b␀', 'R␛[31m')
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
    return "\ufffd" if odd or letter in _TURNING else letter
