"""Assumptions about symbols, in sympy's words: which there are, and whether numbers keep them.

sympy simplifies a formula by what is assumed of its symbols (sqrt(x**2) is x of a positive x), so
that a number which an assumption excludes would be computed with by a formula that is not the one
that was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from sympy import Expr, isprime

from causalopt.ground.errors import DeclarationError, nearest
from causalopt.ground.types import Bools, Floats

#: Assumptions as they are kept: by name, in the order of the names.
Assumed = tuple[tuple[str, bool], ...]


def _whole(numbers: Floats) -> Bools:
    return np.equal(numbers, np.floor(numbers))


def _prime(numbers: Floats) -> Bools:
    whole = _whole(numbers)
    return np.array([w and isprime(int(n)) for n, w in zip(numbers.flat, whole.flat, strict=True)],
                    dtype=bool).reshape(np.shape(numbers))  # fmt: skip


# What can be seen of a number: all but whether a float stands for a rational one.
_SEEN: Mapping[str, Callable[[Floats], Bools]] = {
    "positive": lambda n: n > 0,
    "negative": lambda n: n < 0,
    "nonnegative": lambda n: n >= 0,
    "nonpositive": lambda n: n <= 0,
    "nonzero": lambda n: n != 0,
    "zero": lambda n: n == 0,
    "integer": _whole,
    "noninteger": lambda n: ~_whole(n),
    "even": lambda n: n % 2 == 0,
    "odd": lambda n: n % 2 == 1,
    "prime": _prime,
    "composite": lambda n: _whole(n) & (n > 1) & ~_prime(n),
}
_SEEN_AS = {f"extended_{name}": name for name in
            ("positive", "negative", "nonnegative", "nonpositive", "nonzero")}  # fmt: skip

# What is true of all values, for these are finite real numbers; and what nothing can be seen of.
_ALWAYS = {
    "real": True, "complex": True, "finite": True, "extended_real": True, "commutative": True,
    "hermitian": True, "imaginary": False, "infinite": False, "antihermitian": False,
}  # fmt: skip
_UNSEEN = ("rational", "irrational", "algebraic", "transcendental", "polar")
_KNOWN = (*_SEEN, *_SEEN_AS, *_ALWAYS, *_UNSEEN)


def checked(given: Mapping[str, object], name: str) -> dict[str, bool]:
    """The assumptions of a symbol: each is one of sympy's, and can be true of a real number."""
    for fact, is_so in given.items():
        if fact not in _KNOWN:
            raise DeclarationError(
                f"{name} is given {fact}={is_so!r}, which is no assumption about a symbol."
                + nearest(fact, _KNOWN)
            )
        if not isinstance(is_so, bool | np.bool_):
            raise DeclarationError(
                f"{name} is given {fact}={is_so!r}: write {fact}=True or {fact}=False."
            )
        if _ALWAYS.get(fact, is_so) != is_so:
            raise DeclarationError(
                f"{name} is assumed to have {fact}={is_so}, but values are finite real numbers: "
                f"leave it out."
            )
    return {fact: bool(is_so) for fact, is_so in given.items()}


def limits(assumptions: Mapping[str, bool]) -> Assumed:
    """Those that some real number contradicts, as far as that can be seen of a float.

    >>> limits({"real": True, "positive": True})
    (('positive', True),)
    """
    names = {fact: _SEEN_AS.get(fact, fact) for fact in assumptions}
    seen = {name: assumptions[fact] for fact, name in names.items() if name in _SEEN}
    return tuple(sorted(seen.items()))


def kept(numbers: Floats, fact: str, *, is_so: bool) -> Bools:
    """Which numbers an assumption is true of.

    >>> kept(np.array([2.0, 2.5, -1.0]), "integer", is_so=True).tolist()
    [True, False, True]
    """
    return np.asarray(_SEEN[fact](numbers) == is_so)


# On which side of 0 what keeps an assumption lies; and what all but single numbers keep.
_SIDES = {"positive": 1, "nonnegative": 1, "negative": -1, "nonpositive": -1}
_NEARLY_ALL = ("nonzero", "noninteger")


def spread_keeps(low: Expr, high: Expr, fact: str, *, is_so: bool) -> bool:
    """Whether an assumption is true of an interval of numbers, all but single ones of them.

    So far as the signs of its ends are known, where these are symbols.

    >>> from sympy import Integer
    >>> ends = Integer(0), Integer(2)
    >>> [spread_keeps(*ends, fact, is_so=True) for fact in ("positive", "negative", "integer")]
    [True, False, False]
    """
    side = _SIDES.get(fact)
    if side is None:
        return is_so == (fact in _NEARLY_ALL)
    return not (low.is_negative if (side > 0) == is_so else high.is_positive)
