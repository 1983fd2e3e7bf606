"""The page of results: tables of times and ratios, and on what machine they were found."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.native import FLAGS, version
from benchmarks.timing import Times

PEERS = (
    "causalopt",
    "numpy",
    "numba",
    "sympy",
    "xarray",
    "jax",
    "jaxlib",
    "casadi",
    "dwave-samplers",
    "heyoka",
    "jitcdde",
    "jitcode",
    "libroadrunner",
    "numpyro",
    "pgmpy",
    "pysd",
)

HEAD = """# Benchmarks

Made by `make bench`. Contestants take turns, so that whatever else the machine does hits all of
them; every one is warm, and gave the same answers before it was timed. Ratios are those of medians.
"""


@dataclass(frozen=True)
class Goal:
    """What a ratio to a peer should be: of the peer's time to ours, or of ours to the peer's."""

    peer: str
    sense: str
    bound: float
    inverse: bool = False

    def told(self, ours: float, theirs: float) -> str:
        ratio = ours / theirs if self.inverse else theirs / ours
        met = ratio <= self.bound if self.sense == "at most" else ratio >= self.bound
        what = "of its time" if self.inverse else "faster"
        unit = f"{ratio:.2f} x {what}"
        return f"{unit} (goal: {self.sense} {self.bound:g}; {'met' if met else 'missed'})"


def beside(ours: float, theirs: float) -> str:
    """The ratio of times where there is no goal."""
    return f"{ours / theirs:.3g} x of its time"


def without(peer: str) -> str:
    """What is said of a peer that is not installed."""
    return f"{peer} was skipped: it is not on this machine."


@dataclass(frozen=True)
class Section:
    """One comparison: times measured in turns, others known, goals, and remarks."""

    title: str
    times: Mapping[str, Times] = field(default_factory=dict)
    others: Mapping[str, float] = field(default_factory=dict)
    goals: Sequence[Goal] = ()
    notes: Sequence[str] = ()
    rows: Sequence[str] = ()

    def lines(self) -> list[str]:
        made = [f"## {self.title}", "", *self.rows]
        if self.times:
            made += ["| | median s | middle half | causalopt |", "|---|---|---|---|"]
        ours = self.times["causalopt"].median if self.times else 0.0
        goals = {goal.peer: goal for goal in self.goals}
        for name, times in self.times.items():
            told = goals[name].told(ours, times.median) if name in goals else ""
            made.append(f"| {name} | {times.median:.4g} | {times.spread} | {told} |")
        for name, seconds in self.others.items():
            told = goals[name].told(ours, seconds) if name in goals else ""
            made.append(f"| {name} | {seconds:.4g} | scaled | {told} |")
        absent = [g.peer for g in self.goals if g.peer not in {*self.times, *self.others}]
        notes = [
            *self.notes,
            *map(without, absent),
        ]
        return [*made, "", *(f"{note}\n" for note in notes)]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return None


def page(sections: Sequence[Section]) -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = ", ".join(told for name in PEERS if (told := _version(name)))
    machine = [
        "## Machine",
        "",
        f"- {_processor()}, {cores} cores, {platform.system()} {platform.machine()}",
        f"- Python {platform.python_version()}, {found}",
        f"- C: {version()}, {' '.join(FLAGS[:2])}",
        "",
    ]
    lines = [HEAD, *machine, *(line for section in sections for line in section.lines())]
    return "\n".join(lines).rstrip() + "\n"
