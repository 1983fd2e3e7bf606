"""What a page says: its expressions, givens, steps and the verdicts on them, read and refused."""
