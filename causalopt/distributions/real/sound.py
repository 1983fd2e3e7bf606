"""What no distribution over real variables is: of names, of one variable twice, or out of bounds.

sympy simplifies a formula by what is assumed of its symbols, so that what spreads over other values
would be pushed by a formula that is not the one that was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sympy import Expr

from causalopt.ground.checks import as_list, whole
from causalopt.ground.errors import DeclarationError
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.language.assumptions import spread_keeps
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Variable


def check_real(variables: object) -> tuple[Variable, ...]:
    """One or more different variables, of real values."""
    known: list[Variable] = []
    for variable in as_list(variables, "What a distribution is of", "(T, R)"):
        if not isinstance(variable, Variable):
            raise DeclarationError(
                f"A distribution is over {variable!r} ({type(variable).__name__}): it is over "
                'variables, such as x = variable("x").'
            )
        why = domain_of(variable).why_no_difference()
        if why is not None:
            raise DeclarationError(
                f"A distribution of real values is over {variable}, but {why}: write a "
                "Distribution, such as Distribution.uniform(...)."
            )
        if variable in known:
            raise DeclarationError(f"A distribution has {variable} twice: name each one once.")
        known.append(variable)
    if not known:
        raise DeclarationError("A distribution has no variables: name one or more.")
    return tuple(known)


def check_within(variables: Sequence[Variable], ends: Sequence[tuple[Expr, Expr]]) -> None:
    """Raise ``DeclarationError`` for an interval of values that are assumed not to be."""
    for variable, (low, high) in zip(variables, ends, strict=True):
        for fact, is_so in domain_of(variable).limits:
            if not spread_keeps(low, high, fact, is_so=is_so):
                raise DeclarationError(
                    f"{variable} spreads from {low} to {high}, and is assumed to be "
                    f"{fact if is_so else f'{fact}=False'}: formulas are simplified by that. "
                    "Declare it without, or write other values."
                )


def is_limited(variables: Iterable[Variable]) -> bool:
    """Whether something is assumed of a variable that some number contradicts."""
    return any(domain_of(variable).limits for variable in variables)


def counted(samples: object, dimensions: int) -> int:
    """How many samples are drawn: one or more, and no more than fit in memory."""
    count = whole(samples, "samples", 1)
    # The draws of each source, those put together, and their image.
    refuse_what_does_not_fit(
        8 * count * 3 * dimensions,
        f"An ensemble of {count:,} samples",
        "Draw fewer, such as samples=100_000.",
    )
    return count
