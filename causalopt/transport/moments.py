"""The mean and the variance of the gradient over the data, in any number of dimensions."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sympy
from sympy import Expr, ImmutableMatrix, Rational

from causalopt.ground.checks import are_chances, as_list
from causalopt.ground.checks import finite as finite_number
from causalopt.ground.errors import DeclarationError
from causalopt.language.symbols import Variable
from causalopt.mechanisms.symbolic import expression


@dataclass(frozen=True)
class GradientMoments:
    """G = mean_j grad l_j (d, 1) and S^2 = covariance_j grad l_j (d, d), as formulas.

    One step of SGD from W has the mean -T G(W) and the covariance T^2 S^2(W), exactly. Made by
    ``of``. Raises ``DeclarationError`` for no losses, a loss that is text, complex or has no
    derivative, weights that do not sum to 1, and losses in other symbols than the parameters.

    Source: "SGD Understood through Probability Current", "Gradient Variance" and "Further
    Investigation".

    >>> from causalopt.language.symbols import variables
    >>> W, V = variables("W V")
    >>> GradientMoments.of([(W - 1) ** 2 + V**2, (W + 1) ** 2 + V**2], [W, V])
    GradientMoments(G=Matrix([
    [2*W],
    [2*V]]), S2=Matrix([
    [4, 0],
    [0, 0]]))
    """

    G: ImmutableMatrix
    S2: ImmutableMatrix

    @classmethod
    def of(
        cls,
        losses: Iterable[Expr],
        parameters: Sequence[Variable],
        *,
        weights: Sequence[float] | None = None,
    ) -> GradientMoments:
        """The moments over losses, equally likely where no ``weights`` are given."""
        each = as_list(losses, "losses", "[W**2, (W - 1)**2]")
        data = [expression(loss, f"loss {i}") for i, loss in enumerate(each)]
        if not data:
            raise DeclarationError("There is no loss to descend: write one or more.")
        if not parameters or not all(isinstance(p, Variable) for p in parameters):
            raise DeclarationError(
                f"The parameters are {parameters!r}: write a list of variables, such as [W, V]."
            )
        strange = set().union(*(loss.formula.free_symbols for loss in data)) - set(parameters)
        if strange:
            raise DeclarationError(
                f"The losses use {min(map(str, strange))}: the moments are of "
                f"{', '.join(map(str, parameters))} alone, so put numbers in for everything else."
            )
        chances = _chances(weights, len(data))
        slopes = [ImmutableMatrix([loss.partial(p) for p in parameters]) for loss in data]
        size = len(parameters)
        G, S2 = ImmutableMatrix.zeros(size, 1), ImmutableMatrix.zeros(size, size)
        for chance, slope in zip(chances, slopes, strict=True):
            G += chance * slope
        # Var = sum_{i<j} p_i p_j (g_i - g_j)^2, so that what two losses share cancels before it is
        # squared, and nothing is left of it to be rounded.
        pairs = itertools.combinations(zip(chances, slopes, strict=True), 2)
        for (p, slope), (q, other) in pairs:
            S2 += p * q * (slope - other) * (slope - other).T
        return cls(*(m.applyfunc(lambda entry: _tidy(entry, parameters)) for m in (G, S2)))


def _tidy(formula: Expr, parameters: Sequence[Variable]) -> Expr:
    """Polynomials multiplied out; others as they are, which keeps exponentials in range."""
    return sympy.expand(formula) if formula.is_polynomial(*parameters) else formula


def _chances(weights: Sequence[float] | None, count: int) -> list[Expr]:
    if weights is None:
        return [Rational(1, count)] * count
    chances = [finite_number(chance, "weights") for chance in weights]
    if len(chances) != count or not are_chances(chances):
        raise DeclarationError(
            f"The weights {chances} are not {count} numbers from 0 that sum to 1: write one a loss."
        )
    return [sympy.Float(chance) for chance in chances]
