"""What sympy raises on expressions that it was not made for: no value, and no reason to stop."""

from mpmath.libmp import NoConvergence
from sympy.polys.polyerrors import BasePolynomialError

FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BasePolynomialError,
    LookupError,
    NoConvergence,
    RuntimeError,  # NotImplementedError and RecursionError are of this kind
    TypeError,
    ValueError,
)
