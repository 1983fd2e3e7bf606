"""The record of a model: its system, experiments and claims; and where model files are found."""

from __future__ import annotations

import ast
import importlib.util
import math
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Number
from pathlib import Path
from typing import TYPE_CHECKING, Any

from causalopt.ground.errors import ModelError, nearest

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from causalopt.derive import Derivation
    from causalopt.model.network import Network
    from causalopt.model.system import System


@dataclass(frozen=True)
class Experiment:
    """A computation with labelled results, and the figures drawn from them.

    ``compute`` takes nothing and returns a dataset or array, which is written before anything is
    drawn; each of ``figures`` takes that result and returns a matplotlib figure or a ``Drawing``.
    ``depicts`` says which published figures a figure answers, by their keys in
    ``docs/published_figures.csv``.
    """

    name: str
    title: str
    compute: Callable[[], xr.Dataset | xr.DataArray]
    figures: Mapping[str, Callable[[Any], Figure | Any]] = field(default_factory=dict)
    depicts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [name for name in self.depicts if name not in self.figures]
        if unknown:
            raise ModelError(
                f"the experiment {self.name!r} says what {unknown[0]!r} depicts, but has no such "
                f"figure; its figures are {', '.join(map(repr, self.figures)) or 'none'}"
            )


@dataclass(frozen=True)
class Reason:
    """Why a claim differs, and a test that proves it: ``proof`` must return True."""

    text: str
    proof: Callable[[], bool]


@dataclass(frozen=True)
class Claim:
    """A number or statement published about a model, and what this software computes for it.

    ``published`` is a number, a tuple of numbers, or, where ``statement`` itself is what was
    published, True. ``tolerance`` comes from the published digits: 0.0005 for 19.961. A claim that
    differs needs a ``reason``; one that is reproduced must have none.
    """

    statement: str
    source: str
    published: Any
    compute: Callable[[], Any]
    tolerance: float = 0.0
    reason: Reason | None = None


@dataclass(frozen=True)
class Verdict:
    """What became of a claim; ``fault`` says why the check fails, None where it holds."""

    claim: Claim
    computed: Any
    reproduced: bool
    fault: str | None

    @property
    def word(self) -> str:
        """``reproduced`` or ``differs``."""
        return "reproduced" if self.reproduced else "differs"


@dataclass(frozen=True)
class Model:
    """A system with its source, experiments, claims and derivations; a model file makes one.

    ``derivations`` are functions that return a ``Derivation``; each of its steps records the
    verdict that is expected of it. A page of derivations alone needs no ``system``.
    """

    name: str
    title: str
    source: str
    system: System | Network | None = None
    experiments: tuple[Experiment, ...] = ()
    claims: tuple[Claim, ...] = ()
    derivations: tuple[Callable[[], Derivation], ...] = ()

    def __post_init__(self) -> None:
        names = [one.name for one in self.experiments]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ModelError(f"{self.name} has two experiments named {twice[0]}: rename one.")


def judge(claim: Claim) -> Verdict:
    """Compute a claim and compare it with what was published; a verdict is never written down.

    >>> judge(Claim("one and one", "arithmetic", 2.0, lambda: 1 + 1)).word
    'reproduced'
    >>> judge(Claim("one and one", "arithmetic", 3.0, lambda: 1 + 1)).fault
    'differs, and gives no reason'
    """
    computed = claim.compute()
    reproduced = _agree(claim.published, computed, claim.tolerance)
    fault = None
    if reproduced and claim.reason is not None:
        fault = "is reproduced, and yet gives a reason to differ: take the reason away"
    elif not reproduced and claim.reason is None:
        fault = "differs, and gives no reason"
    elif not reproduced and claim.reason is not None and not claim.reason.proof():
        fault = "differs, and the test of its reason fails"
    return Verdict(claim, computed, reproduced, fault)


def _agree(published: Any, computed: Any, tolerance: float) -> bool:
    if isinstance(published, tuple | list):
        pairs = list(zip(published, computed, strict=True))
        return all(_agree(p, c, tolerance) for p, c in pairs)
    if isinstance(published, bool) or not isinstance(published, Number):
        return bool(published == computed)
    # The last published digit may be rounded either way, itself in binary.
    return math.isclose(published, computed, rel_tol=1e-12, abs_tol=tolerance)  # type: ignore[arg-type]


# -- where model files are -----------------------------------------------------------------------


def model_folder() -> Path:
    """The folder of the models that come with the package: in a wheel inside it, else beside it."""
    here = Path(__file__).parent.parent
    inside = here / "models"
    return inside if inside.is_dir() else here.parent / "models"


def model_files() -> dict[str, Path]:
    """The models that come with the package, by name."""
    files = sorted(model_folder().glob("*.py"))
    return {file.stem: file for file in files if not file.stem.startswith("_")}


def find_model(name_or_path: str) -> Path:
    """The file of a model, by the name of one that comes with the package or by a path."""
    known = model_files()
    if name_or_path in known:
        return known[name_or_path]
    path = Path(name_or_path)
    if path.is_file():
        return path
    if path.suffix == ".py" or len(path.parts) > 1:
        raise ModelError(f"There is no model file {path}. Write the path of a Python file.")
    raise ModelError(
        f"There is no model {name_or_path!r}." + nearest(name_or_path, known) + " For a file of "
        "your own, write its path, such as ./my_model.py."
    )


def title_of(path: Path) -> str:
    """The first line of a model file's docstring, read without running the file."""
    try:
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    except (OSError, SyntaxError, ValueError):
        doc = None
    return doc.splitlines()[0] if doc else "(no description)"


def load_model(name_or_path: str) -> Model:
    """Run a model file and give its ``model``. A model file is Python: run only what you trust.

    Raises ``ModelError`` where there is none, or where the file fails, with the traceback from the
    file on.
    """
    path = find_model(name_or_path)
    spec = importlib.util.spec_from_file_location(f"causalopt_model_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path} is no Python file: a model file ends in .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ModelError(f"{path} fails:\n{shortened(error, path)}") from error
    made = getattr(module, "model", None)
    if not isinstance(made, Model):
        given = "nothing" if made is None else type(made).__name__
        raise ModelError(
            f"{path} sets `model` to {given}: end the file with model = Model(name=..., "
            "title=..., source=..., system=...)."
        )
    return made


def shortened(error: BaseException, path: Path) -> str:
    """A traceback that starts in the user's own file; the package's inner frames are left out."""
    if isinstance(error, SyntaxError):
        return "".join(traceback.format_exception_only(error)).rstrip()
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if Path(f.filename).resolve() == path.resolve()] or frames[-1:]
    lines = traceback.format_list(own)
    return "".join([*lines, *traceback.format_exception_only(error)]).rstrip()
