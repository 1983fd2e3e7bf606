"""Runs: worlds planned, computed by a backend, and labelled."""
