"""The words that a model is declared in: symbols, their domains, laws of chance, tables, splits."""
