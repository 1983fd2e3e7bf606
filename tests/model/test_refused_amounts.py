"""Amounts that are no numbers: rows of different lengths, and formulas at a pole."""

import pytest
import sympy

from causalopt import DeclarationError, System, parameters, variables

(x,) = variables("x")
k, n = parameters("k n")


def test_rows_of_different_lengths_are_told():
    with pytest.raises(DeclarationError, match="different lengths"):
        System({x: k * x}, start={x: 1}, parameters={k: [[1, 2], [3]]})


@pytest.mark.parametrize("formula", [sympy.zeta(n), sympy.gamma(n - 1), 1 / (n - 1)])
def test_a_formula_at_a_pole_is_told(formula):
    with pytest.raises(DeclarationError, match="no finite real number at n = 1"):
        System({x: k * x}, start={x: 1}, parameters={n: 1, k: formula})
