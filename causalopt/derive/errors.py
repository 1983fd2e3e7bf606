"""The one error of this room: a derivation that cannot be, told by the line at fault."""

from __future__ import annotations

from causalopt.errors import CausaloptError


class DerivationError(CausaloptError, ValueError):
    """A derivation that cannot be read: which given or step is at fault, why, what to write."""
