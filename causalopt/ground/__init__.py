"""What every room stands on: errors, checks, types, scaled numbers, masses, memory, progress."""
