"""Studies: models with experiments, claims and derivations; their findings, pages, commands."""

from causalopt.study.archive import Archive
from causalopt.study.comparison import Comparison, compare
from causalopt.study.files import find_model, model_files, title_of
from causalopt.study.loading import load_model
from causalopt.study.record import Claim, Experiment, Reason, Study

__all__ = [
    "Archive",
    "Claim",
    "Comparison",
    "Experiment",
    "Reason",
    "Study",
    "compare",
    "find_model",
    "load_model",
    "model_files",
    "title_of",
]
