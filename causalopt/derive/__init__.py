"""Derivations that check themselves: every step proved, refuted by a counterexample, or open.

The room has four parts, and imports between them run one way, from left to right:
``statement``, ``trial``, ``proof``; ``printing`` sees ``statement`` alone, and is seen by none of
the three. ``derivation`` stands above all four and joins them.
"""

from causalopt.derive.derivation import Derivation, Report
from causalopt.derive.statement.givens import Given, Let
from causalopt.derive.statement.steps import (
    Apply,
    Equal,
    Expands,
    Follows,
    OverTheLine,
    Stationary,
    Status,
    Substitution,
    TendsTo,
)
from causalopt.derive.statement.verdict import Counterexample, Point, Verdict
from causalopt.ground.errors import DerivationError

__all__ = [
    "Apply",
    "Counterexample",
    "Derivation",
    "DerivationError",
    "Equal",
    "Expands",
    "Follows",
    "Given",
    "Let",
    "OverTheLine",
    "Point",
    "Report",
    "Stationary",
    "Status",
    "Substitution",
    "TendsTo",
    "Verdict",
]
