"""What a sweep is of: its question, what is swept, and the versions that its digits depend on."""

from __future__ import annotations

import functools
import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from causalopt.ground.checks import shown
from causalopt.ground.errors import SweepError
from causalopt.ground.readonly import ReadOnly
from causalopt.runs.cluster.extents import Extent
from causalopt.runs.cluster.fingerprints import fingerprint
from causalopt.runs.cluster.survey import Survey

# What numbers depend on besides this package.
_LIBRARIES = ("numpy", "scipy", "sympy", "numba", "jax")


@dataclass(frozen=True)
class Identity:
    """The fingerprints of a question and of what is swept, both in words, and the versions."""

    question: str
    asked: str
    over: str
    swept: str
    versions: Mapping[str, str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "versions", ReadOnly(self.versions))

    @classmethod
    def of(cls, survey: Survey) -> Identity:
        """What a survey is of, here and now."""
        columns = [(type(e).__name__, list(e.columns().items())) for e in survey.extents]
        swept = ", ".join(map(_told, survey.extents))
        asked, over = fingerprint(survey.ask), fingerprint(columns)
        return cls(asked, survey.ask.words(), over, swept, versions())

    def refuse_another(self, there: Identity, where: Path) -> None:
        """Raise ``SweepError`` where what lies in a store is of something else, and say what."""
        told = []
        if there.question != self.question:
            same = there.asked == self.asked
            told.append(
                f"it asks {there.asked}, with other values in it" if same
                else f"it asks {there.asked}, and here {self.asked} is asked"
            )  # fmt: skip
        if there.over != self.over:
            same = there.swept == self.swept
            told.append(
                f"it sweeps {there.swept}, with other values" if same
                else f"it sweeps {there.swept}, and here {self.swept} is swept"
            )  # fmt: skip
        told += _other_versions(there.versions, self.versions, "it was made with", "here is")
        if told:
            raise SweepError(
                f"{where} holds another sweep: {'; '.join(told)}. Write another store, or ask what "
                "was asked there."
            )


def refuse_other_versions(expected: Mapping[str, str], whose: str) -> None:
    """Raise ``SweepError`` where this process has other versions than who asked."""
    told = _other_versions(versions(), expected, f"{whose} has", "who asked has")
    if told:
        raise SweepError(
            f"A worker has other versions: {'; '.join(told)}. Its numbers might differ: install "
            "the same there."
        )


@functools.cache
def versions() -> dict[str, str]:
    """The versions of this package, by its source too, of Python, and of what numbers depend on."""
    return {
        "causalopt": f"{_version('causalopt')} ({_source()})",
        "python": platform.python_version(),
        **{name: _version(name) for name in _LIBRARIES},
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"


def _source() -> str:
    """A digest of the package's source, for a version may stand for several."""
    folder = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py"), key=str):
        place = file.relative_to(folder)
        # Models lie beside the package where it is worked on, and inside where it is installed.
        if place.parts[0] != "models":
            digest.update(place.as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def _other_versions(
    there: Mapping[str, str], here: Mapping[str, str], its: str, ours: str
) -> list[str]:
    return [
        f"{its} {name} {there.get(name, 'none')}, and {ours} {here.get(name, 'none')}"
        for name in here
        if there.get(name, "none") != here[name]
    ]


def _told(extent: Extent) -> str:
    columns = extent.columns()
    ends = [f"{name} from {shown(c[0].item())} to {shown(c[-1].item())}"
            for name, c in columns.items()]  # fmt: skip
    return f"{len(extent)} x {' and '.join(ends)}"
