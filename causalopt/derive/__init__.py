"""Derivations that check themselves: every step proved, refuted by a counterexample, or open."""

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
