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
