"""Measures of optimization and agency from the literature, asked of one declared system."""
