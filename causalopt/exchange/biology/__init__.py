"""What SBML means: what libsbml tells of a file, and the symbols, rates and events made of it."""
