"""A claim compared with what was published: computed each time, and never written down."""

from __future__ import annotations

import cmath
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Number
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from causalopt.study.record import Claim

# What two roads to one number may differ by in binary, relative to it.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Comparison:
    """What became of a claim; ``fault`` says why the check fails, None where it holds."""

    claim: Claim
    computed: object
    reproduced: bool
    fault: str | None

    @property
    def word(self) -> str:
        """``reproduced`` or ``differs``."""
        return "reproduced" if self.reproduced else "differs"


def compare(claim: Claim) -> Comparison:
    """Compute a claim and compare it with what was published; no verdict is ever written down.

    >>> from causalopt.study.record import Claim
    >>> compare(Claim("one and one", "arithmetic", 2.0, lambda: 1 + 1)).word
    'reproduced'
    >>> compare(Claim("one and one", "arithmetic", 3.0, lambda: 1 + 1)).fault
    'differs, and gives no reason'
    """
    computed = claim.compute()
    mismatch = _mismatch(claim.published, computed)
    reproduced = mismatch is None and _agree(claim.published, computed, claim.tolerance)
    return Comparison(claim, computed, reproduced, mismatch or _fault(claim, reproduced))


def _fault(claim: Claim, reproduced: bool) -> str | None:
    """Why a claim cannot stand as it is written; None where it can."""
    if reproduced:
        # A reason that outlives the difference would mislead whoever reads it.
        outlived = "is reproduced, and yet gives a reason to differ: take the reason away"
        return None if claim.reason is None else outlived
    if claim.reason is None:
        return "differs, and gives no reason"
    proven = claim.reason.proof()
    if not _is_truth(proven):
        # Whatever is not empty would pass, such as a pair of an answer and its words.
        return f"differs, and the test of its reason gives {_described(proven)}, not True or False"
    return None if proven else "differs, and the test of its reason fails"


def _mismatch(published: object, computed: object) -> str | None:
    """Why two values cannot be compared at all, which no reason excuses; None where they can."""
    if isinstance(published, tuple | list):
        ours = _parts(computed)
        if ours is None or len(ours) != len(published):
            given = "no tuple" if ours is None else f"{len(ours)}"
            return f"computes {given} where {len(published)} numbers were published"
        return next(filter(None, map(_mismatch, published, ours)), None)
    if _is_number(published) and (_number(computed) is None or _is_truth(computed)):
        return f"computes {_described(computed)} where one number was published"
    if _number(computed) is None and _parts(computed) is not None:
        return f"computes {_described(computed)} where one answer was published"
    return None


def _parts(value: object) -> Sequence[Any] | None:
    """What a value has along its only axis; None where it has no axis, or several."""
    if isinstance(value, tuple | list):
        return value
    return list(value) if getattr(value, "ndim", None) == 1 else None  # type: ignore[call-overload]  # what has one axis has a length


def _number(value: Any) -> complex | None:
    """A value as a number, an array without axes too; None where it is none."""
    if isinstance(value, str | bytes) or getattr(value, "ndim", None):
        return None
    try:
        return complex(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _is_number(published: object) -> bool:
    return isinstance(published, Number) and not isinstance(published, bool)


def _is_truth(value: object) -> bool:
    """Whether it is True or False, those of sympy and of an array without axes among them."""
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    is_of_array = kind == "b" and getattr(value, "ndim", None) == 0
    return isinstance(value, bool) or is_of_array or getattr(value, "is_Boolean", False) is True


def _described(value: object) -> str:
    shape = getattr(value, "shape", None)
    kind = type(value).__name__
    return f"{kind} of shape {shape}" if shape else f"{value!r:.80} ({kind})"


def _agree(published: object, computed: Any, tolerance: float) -> bool:
    if isinstance(published, tuple | list):
        pairs = zip(published, _parts(computed) or (), strict=True)
        return all(_agree(theirs, ours, tolerance) for theirs, ours in pairs)
    ours = _number(computed)
    if not _is_number(published) or ours is None:
        return bool(published == computed)
    # The last published digit may be rounded either way, itself in binary.
    return cmath.isclose(published, ours, rel_tol=_ROUNDING, abs_tol=tolerance)  # type: ignore[arg-type]  # Number says nothing of complex numbers
