"""Thirty species that compete and feed on each other, by Lotka and Volterra, as a model in text."""

import random

SPECIES = 30
# Each is held back by itself, and touched by so many others, half of them to its good.
_OTHERS, _SEED = 4, 1


def species_model(count: int = SPECIES) -> str:
    """The text of a model of rates: dx_i/dt = x_i (r - x_i + sum_j a_ij x_j), by rk4."""
    chance = random.Random(_SEED)
    lines = ['title = "Thirty species, by Lotka and Volterra"', 'source = "drawn by chance"']
    lines += ["dt = 0.05", 'method = "rk4"', "", "[parameters]", "r = 1.0"]
    for i in range(count):
        others = chance.sample([j for j in range(count) if j != i], _OTHERS)
        felt = [f"{chance.uniform(-0.2, 0.2):+.4f}*x{j}" for j in others]
        rate = f"x{i}*(r - x{i} {' '.join(felt)})"
        lines += ["", f"[variables.x{i}]", f'rate = "{rate}"']
        lines += [f"start = {chance.uniform(0.5, 1.5):.4f}"]
    return "\n".join(lines) + "\n"
