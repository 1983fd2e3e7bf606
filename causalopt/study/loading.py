"""A model file as a study: one that is Python is run, others are read, and failures are told."""

from __future__ import annotations

import importlib.util
import traceback
from pathlib import Path

from causalopt.ground.errors import ModelError
from causalopt.study.files import find_model
from causalopt.study.foreign import FORMATS, study_of
from causalopt.study.needs import refuse_missing
from causalopt.study.record import Study


def load_model(name_or_path: str) -> Study:
    """The study of a model file. One that is Python is run for it: run only what you trust.

    A file with a suffix of ``FORMATS`` is read, and runs nothing. Raises ``ModelError`` where there
    is none, where it needs an extra of the package that is not installed, or where the file fails,
    with the traceback from the file on; of a file that is read, the errors of its reader.
    """
    path = find_model(name_or_path)
    form = FORMATS.get(path.suffix.lower())
    if form is not None:
        return study_of(path, form)
    refuse_missing(path)
    spec = importlib.util.spec_from_file_location(f"causalopt_model_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path} is no model file: one ends in .py, {', '.join(FORMATS)}.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ModelError(f"{path} fails:\n{own_traceback(error, path)}") from error
    study = getattr(module, "study", None)
    if not isinstance(study, Study):
        kind = "nothing" if study is None else type(study).__name__
        raise ModelError(
            f"{path} sets `study` to {kind}: end the file with study = Study(name=..., "
            "title=..., source=..., system=...)."
        )
    return study


def own_traceback(error: BaseException, path: Path) -> str:
    """A traceback that starts in the user's own file; the package's inner frames are left out."""
    if isinstance(error, SyntaxError):
        return "".join(traceback.format_exception_only(error)).rstrip()
    frames = traceback.extract_tb(error.__traceback__)
    # Where none is in the user's file, the innermost says most.
    own = [f for f in frames if Path(f.filename).resolve() == path.resolve()] or frames[-1:]
    lines = traceback.format_list(own)
    return "".join([*lines, *traceback.format_exception_only(error)]).rstrip()
