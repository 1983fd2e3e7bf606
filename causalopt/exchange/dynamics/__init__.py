"""What the formats of system dynamics share: formulas, arrays, macros, and the system they make."""
