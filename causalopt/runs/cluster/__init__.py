"""Sweeps that outgrow a machine: in chunks, on any number of processes, kept in a store."""

from causalopt.runs.cluster.stored import Failure, Status, StoredSweep
from causalopt.runs.cluster.survey import Survey
from causalopt.runs.cluster.sweeping import open_sweep, sweep

__all__ = ["Failure", "Status", "StoredSweep", "Survey", "open_sweep", "sweep"]
