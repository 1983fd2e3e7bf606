"""Plots of labelled results: each takes arrays and axes, draws on them, and returns them."""

from causalopt.ground import palette
from causalopt.plots.courses import (
    annealing,
    differences,
    measure_over_time,
    over_time,
    shade_negative,
)
from causalopt.plots.curves import along, escape_curve
from causalopt.plots.densities import density_over_time
from causalopt.plots.figures import figure
from causalopt.plots.frequencies import bode, nyquist
from causalopt.plots.labels import axis_label
from causalopt.plots.landscapes import basins, landscape
from causalopt.plots.matrices import couplings
from causalopt.plots.rows import intervals
from causalopt.plots.tables import masses, stages

__all__ = [
    "along",
    "annealing",
    "axis_label",
    "basins",
    "bode",
    "couplings",
    "density_over_time",
    "differences",
    "escape_curve",
    "figure",
    "intervals",
    "landscape",
    "masses",
    "measure_over_time",
    "nyquist",
    "over_time",
    "palette",
    "shade_negative",
    "stages",
]
