"""Comp and Op as formulas: exact expressions of parameters, start values and steps."""
