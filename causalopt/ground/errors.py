"""The errors: each says what was given, why it cannot be, and what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence


class CausaloptError(Exception):
    """Every error that this package raises on purpose is one of these."""


class DeclarationError(CausaloptError, ValueError):
    """A symbol, mechanism, network or system that cannot be: a cycle, an unknown symbol, NaN."""


class QueryError(CausaloptError, ValueError):
    """A question that cannot be asked of a system: n inside A, a step that does not exist."""


class NotAtPointsError(QueryError):
    """A question that cannot be asked at some points of a sweep, and perhaps at the others.

    ``points`` are places in what is swept of which it is known.
    """

    def __init__(self, message: str, points: Sequence[int] = ()) -> None:
        super().__init__(message)
        self.points = points


class EvaluationError(CausaloptError, ArithmeticError):
    """A mechanism left the finite real numbers while it ran: which node, at which step."""


class UndefinedError(EvaluationError):
    """A node has no finite real value, or no slope, at a step of a run that is sound elsewhere.

    ``points`` are places in what is swept of which it is known.
    """

    def __init__(self, message: str, points: Sequence[int] = ()) -> None:
        super().__init__(message)
        self.points = points


class TooLargeError(CausaloptError, MemoryError):
    """Work that needs more memory than there is, or too much of sympy; how to ask for less."""


class LongStepsWarning(RuntimeWarning):
    """Steps of a fixed length are too long for their method, so that what is computed is wrong."""


class DerivationError(CausaloptError, ValueError):
    """A page that cannot be read, by the number of the given or step."""


class ModelError(CausaloptError):
    """A model file that cannot be found, loaded or checked."""


class FileError(CausaloptError, OSError):
    """A file or folder that cannot be read or written: which, and why."""


class SweepError(CausaloptError, RuntimeError):
    """A sweep that cannot go on: a store of something else, other versions, no scheduler."""


def nearest(wrong: object, known: Iterable[object]) -> str:
    """A hint with the known name nearest to ``wrong``, or with all of them; ready to append.

    >>> nearest("tempreture", ["temperature", "k"])
    ' Did you mean temperature?'
    >>> nearest("q", ["temperature", "k"])
    ' Known here: temperature, k.'
    >>> from sympy import Symbol
    >>> nearest("k", [Symbol("k")])
    ' Did you mean the Symbol k? This k is a str.'
    """
    at_hand = {str(name): name for name in known}
    names = list(at_hand)
    alike = at_hand.get(str(wrong))
    if alike is not None and type(alike) is not type(wrong):
        kind, given = type(alike).__name__, type(wrong).__name__
        return f" Did you mean the {kind} {alike}? This {wrong} is a {given}."
    if alike is not None and alike != wrong:
        return _of_one_name(alike, wrong)
    close = difflib.get_close_matches(str(wrong), names, n=1)
    if close:
        return f" Did you mean {close[0]}?"
    return f" Known here: {', '.join(names)}." if names else ""


def stranger(given: Iterable[object], known: Collection[object]) -> str:
    """What the first of those given that is not known may be; ready to append.

    >>> stranger(["k", "tempreture"], ["k", "temperature"]), stranger(["k"], ["k", "temperature"])
    (' Did you mean temperature?', '')
    """
    return next((nearest(one, known) for one in given if one not in known), "")


def _of_one_name(known: object, wrong: object) -> str:
    """What tells two symbols of one kind and one name apart; ready to append."""
    held = [getattr(getattr(one, "domain", None), "shape", ()) for one in (known, wrong)]
    units = [getattr(one, "unit", "") for one in (known, wrong)]
    if held[0] != held[1]:
        told = [f"holds an array of shape {shape}" if shape else "holds a number" for shape in held]
    elif units[0] != units[1]:
        told = [f"has the unit {unit}" if unit else "has no unit" for unit in units]
    else:
        told = ["is declared in one way", "in another"]
    return f" The {known} that is known here {told[0]}, and this one {told[1]}: declare it once."
