"""Models: systems and networks, and the worlds that interventions make of them."""
