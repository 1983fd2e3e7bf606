"""Measures of a response: Comp, Op, and what is made of them."""
