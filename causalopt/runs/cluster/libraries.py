"""The libraries that sweeps on disk and on clusters stand on: an extra, causalopt[cluster]."""

from __future__ import annotations

import importlib
from types import ModuleType

from causalopt.ground.errors import SweepError


def library(name: str) -> ModuleType:
    """A library of the extra, imported where it is first used; a ``SweepError`` where it is not."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise SweepError(
            f"Sweeps that are kept need {name.partition('.')[0]}, which is not installed: run "
            "pip install 'causalopt[cluster]'."
        ) from None
