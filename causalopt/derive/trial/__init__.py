"""The search for counterexamples: exact numbers and test functions put into both sides."""
