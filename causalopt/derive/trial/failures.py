"""What sympy raises on expressions that it was not made for: no value, and no reason to stop."""

FAILURES = (ArithmeticError, ValueError, TypeError, NotImplementedError, AttributeError)
