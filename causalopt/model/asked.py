"""What a question asks a model to be: a system, where it is about steps."""

from __future__ import annotations

from causalopt.ground.errors import QueryError
from causalopt.model.system import System


def as_system(given: object, remedy: str) -> System:
    """The system itself, or an error: only a system has steps; ``remedy`` says what to write."""
    if isinstance(given, System):
        return given
    raise QueryError(f"{type(given).__name__} has no steps{remedy}")
