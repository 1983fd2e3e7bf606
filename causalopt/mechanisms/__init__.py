"""Mechanisms: how a node gets its value from its parents, and the derivatives by them."""
