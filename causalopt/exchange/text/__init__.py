"""What the text of a model says: entries that know their place, formulas, what they declare."""
