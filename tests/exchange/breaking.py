"""Texts broken as by accident or on purpose, for every reader."""

import random
import re


def mutated(text, seed, odd):
    """A text with a few parts changed, doubled, left out or moved; ``odd`` are parts to put in."""
    draw = random.Random(seed)
    pieces = re.findall(r"\w+|\s+|.", text, re.DOTALL)
    for _ in range(draw.randint(1, 4)):
        at, other = draw.randrange(len(pieces)), draw.randrange(len(pieces))
        change = draw.randrange(5)
        if change == 0:
            pieces[at] = draw.choice(odd)
        elif change == 1:
            pieces.insert(at, draw.choice(odd))
        elif change == 2 and len(pieces) > 1:
            del pieces[at]
        elif change == 3:
            pieces[at], pieces[other] = pieces[other], pieces[at]
        else:
            pieces[at:at] = pieces[other : other + draw.randint(1, 9)]
    return "".join(pieces)


def with_other_bytes(text, seed):
    """The bytes of a text with a few of them changed, doubled, left out or put in."""
    draw, content = random.Random(seed), bytearray(text.encode())
    for _ in range(draw.randint(1, 3)):
        at, length = draw.randrange(len(content)), draw.randint(0, 4)
        other = draw.choice((b"", draw.randbytes(length), bytes(draw.choices(content, k=length))))
        content[at : at + draw.randint(0, 4)] = other
    return bytes(content)


def rearranged(text, seed):
    """A text whose statements, elements or lines are left out, moved, doubled or put in others."""
    draw = random.Random(seed)
    pieces = re.split(r"(?<=[;|}>\n])", text)
    for _ in range(draw.randint(1, 3)):
        begin = draw.randrange(len(pieces))
        end = begin + draw.randint(1, 6)
        moved, change = pieces[begin:end], draw.randrange(4)
        if change < 2 and len(pieces) > end - begin:
            del pieces[begin:end]
        if change:
            at = draw.randrange(len(pieces) + 1)
            pieces[at:at] = moved * draw.choice((1, 1, 1, 30))
    return "".join(pieces)


def broken(text, seed, odd):
    """A text that is broken in one of these ways, in turn; ``odd`` are parts to put in."""
    ways = (lambda: with_other_bytes(text, seed), lambda: mutated(text, seed, odd),
            lambda: rearranged(text, seed))  # fmt: skip
    content = ways[seed % 3]()
    return content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
