"""Sweeps that outgrow a machine: in chunks, on any number of processes, kept in a store."""

from causalopt.runs.cluster.stored import Failure, StoredSweep, SweepStatus
from causalopt.runs.cluster.survey import Survey
from causalopt.runs.cluster.sweeping import open_sweep, sweep

__all__ = ["Failure", "StoredSweep", "Survey", "SweepStatus", "open_sweep", "sweep"]
