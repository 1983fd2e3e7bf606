"""Studies: models with experiments, claims and derivations; their findings, pages, commands."""

from causalopt.study.record import (
    Claim,
    Experiment,
    Model,
    Reason,
    Verdict,
    find_model,
    judge,
    load_model,
    model_files,
    title_of,
)

__all__ = [
    "Claim",
    "Experiment",
    "Model",
    "Reason",
    "Verdict",
    "find_model",
    "judge",
    "load_model",
    "model_files",
    "title_of",
]
