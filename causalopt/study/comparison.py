"""A claim compared with what was published: computed each time, and never written down."""

from __future__ import annotations

import math
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
    reproduced = _agree(claim.published, computed, claim.tolerance)
    return Comparison(claim, computed, reproduced, _fault(claim, reproduced))


def _fault(claim: Claim, reproduced: bool) -> str | None:
    """Why a claim cannot stand as it is written; None where it can."""
    if reproduced:
        # A reason that outlives the difference would mislead whoever reads it.
        outlived = "is reproduced, and yet gives a reason to differ: take the reason away"
        return None if claim.reason is None else outlived
    if claim.reason is None:
        return "differs, and gives no reason"
    return None if claim.reason.proof() else "differs, and the test of its reason fails"


def _agree(published: object, computed: Any, tolerance: float) -> bool:
    if isinstance(published, tuple | list):
        pairs = list(zip(published, computed, strict=True))
        return all(_agree(theirs, ours, tolerance) for theirs, ours in pairs)
    if isinstance(published, bool) or not isinstance(published, Number):
        return bool(published == computed)
    # The last published digit may be rounded either way, itself in binary.
    return math.isclose(published, computed, rel_tol=_ROUNDING, abs_tol=tolerance)  # type: ignore[arg-type]  # Number says nothing of real numbers
