"""The page of desiderata: which measure has which, computed over random systems."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pagewriter import table, write_page
from scenes import Scene, answer, finite_scenes, real_scenes
from sphinx.application import Sphinx

#: So many random systems are asked about each cell.
COUNT = 16


@dataclass(frozen=True)
class Asked:
    """How a measure is asked in the text of a declaration, ``{steps}`` being a number of steps."""

    ask: str
    neutral: float = 0.0
    kind: str = "finite"
    #: How it is asked of the first of several steps, where a run may go on.
    longer: str = ""
    #: How it is asked of the network of all nodes.
    unrolled: str = ""


STARTS = "over={A[0]: A.values, m[0]: m.values}"
NODES = "A=[A[0], A[1], A[2]]"

MEASURES = {
    "comp": Asked(
        "comp(system, A=A, n=m[0], m=m[{steps}])",
        1.0,
        "real",
        "comp(system, A=A, n=m[0], m=m[1], steps=5)",
        f"comp(system.unroll(2), {NODES}, n=m[0], m=m[2])",
    ),
    "op": Asked(
        "op(system, A=A, n=m[0], m=m[{steps}])",
        0.0,
        "real",
        "op(system, A=A, n=m[0], m=m[1], steps=5)",
        f"op(system.unroll(2), {NODES}, n=m[0], m=m[2])",
    ),
    "effects (through A)": Asked(
        "effects(system, A, m[0], m[{steps}]).through",
        0.0,
        "real",
        "effects(system, A, m[0], m[1], steps=5).through",
        f"effects(system.unroll(2), {NODES}, n=m[0], m=m[2]).through",
    ),
    "conditional_exponents": Asked(
        "conditional_exponents(system, A, steps={steps}).conditional[0]",
        0.0,
        "real",
        "conditional_exponents(system, A, steps=5).conditional[0]",
    ),
    "optimizing_strength": Asked("optimizing_strength(system, A | m, P, steps={steps})"),
    "adjusted_optimizing_strength": Asked(
        "adjusted_optimizing_strength(system, A | m, P, steps={steps})"
    ),
    "optimization_bits": Asked("optimization_bits(system, m, P, better=best, steps={steps})"),
    "basin_stability": Asked(
        f"basin_stability(system, {{m: best}}, {STARTS}, steps={{steps}})",
        0.0,
        "sure",
        f"basin_stability(system, {{m: best}}, {STARTS}, steps=1, stay=5)",
    ),
    "empowerment": Asked("empowerment(system, A, m, steps={steps})"),
    "information_flow": Asked("information_flow(system, A, m, P, do=m, steps={steps})"),
    "transfer_entropy": Asked("transfer_entropy(system, A, m, P, steps={steps})"),
    "causal_strength": Asked("causal_strength(system, [(A, m)], P)"),
    "effective_information": Asked("effective_information(system, steps={steps})"),
    "viability": Asked("viability(system, A | m, P, of=m, steps={steps})"),
    "semantic_information": Asked("semantic_information(system, A | m, P, of=m, steps={steps})"),
    "control_bound": Asked("control_bound(system, A | m, P, of=m)"),
}


@dataclass(frozen=True)
class Said:
    """What a measure said of one system: the text, the question, and the answer."""

    text: str
    ask: str
    value: float | str


@dataclass(frozen=True)
class Cell:
    """Whether a measure has what is desired, and the systems that show it, if any had to."""

    holds: bool
    shown: tuple[Said, ...] = ()


def said(asked: Asked, scene: Scene, steps: int, ask: str = "") -> Said:
    """What a measure says of a scene."""
    question = ask or asked.ask.replace("{steps}", str(steps))
    return Said(scene.text(), question, answer(scene.text(), question))


def same(first: Said, second: Said) -> bool:
    """Whether two answers are one number."""
    if isinstance(first.value, str) or isinstance(second.value, str):
        return False
    return first.value == second.value or math.isclose(
        first.value, second.value, rel_tol=1e-8, abs_tol=1e-8
    )


Pairs = Iterator[tuple[Said, Said]]


def recoded_action(asked: Asked, scenes: list[Scene]) -> Pairs:
    for scene in scenes:
        yield said(asked, scene, 2), said(asked, scene.recoded(0), 2)


def recoded_m(asked: Asked, scenes: list[Scene]) -> Pairs:
    for scene in scenes:
        yield said(asked, scene, 2), said(asked, scene.recoded(1), 2)


def once(asked: Asked, scenes: list[Scene]) -> Pairs:
    for scene in scenes:
        yield said(asked, scene, 1), said(asked, scene, 1, asked.longer)


def without_time(asked: Asked, scenes: list[Scene]) -> Pairs:
    for scene in scenes:
        network = asked.unrolled or asked.ask.replace("system", "system.unroll(2)")
        yield said(asked, scene, 2), said(asked, scene, 2, network.replace("{steps}", "2"))


def other_goals(asked: Asked, scenes: list[Scene]) -> Pairs:
    for scene in scenes:
        yield said(asked, scene, 2), said(asked, scene.with_other_goal(), 2)


def deaf(asked: Asked, scenes: list[Scene]) -> Pairs:
    for scene in scenes:
        heard = said(asked, scene.deaf(), 2)
        yield heard, Said(heard.text, "the neutral value", asked.neutral)


def other_policies(asked: Asked, scenes: list[Scene]) -> Pairs:
    # Over three steps: what A does at the second is heard at the third.
    for scene, other in itertools.pairwise(scenes):
        if getattr(scene, "sizes", None) == getattr(other, "sizes", None):
            yield said(asked, scene, 3), said(asked, scene.with_policy_of(other), 3)


def sure_starts(asked: Asked, scenes: list[Scene]) -> Pairs:
    for scene in scenes:
        start = said(asked, scene.sure(), 2, _from_one_start(asked))
        yield start, Said(start.text, "the neutral value", asked.neutral)


def _from_one_start(asked: Asked) -> str:
    return asked.ask.replace("{steps}", "2").replace(STARTS, "over={A[0]: [0], m[0]: [0]}")


def signs(asked: Asked, scenes: list[Scene]) -> Pairs:
    """One above the neutral value beside one below it, in turn."""
    answers = [said(asked, scene, 2) for scene in scenes]
    numbers = [s for s in answers if not isinstance(s.value, str) and math.isfinite(s.value)]
    above = [s for s in numbers if s.value > asked.neutral + 1e-9]  # type: ignore[operator]
    below = [s for s in numbers if s.value < asked.neutral - 1e-9]  # type: ignore[operator]
    yield (above[0], below[0]) if above and below else (answers[0], answers[0])


@dataclass(frozen=True)
class Desideratum:
    """What is desired: that two answers are always the same, or (``differ``) can differ."""

    name: str
    says: str
    pairs: Callable[[Asked, list[Scene]], Pairs]
    differ: bool = False


DESIDERATA = (
    Desideratum(
        "no null action",
        "no value of A is special: another code for A's values changes nothing",
        recoded_action,
    ),
    Desideratum(
        "no repetition",
        "one step is enough: what is said of it does not change with what comes after",
        once,
    ),
    Desideratum(
        "no uncertainty",
        "from a start that is known for sure it can say more than its neutral value",
        sure_starts,
        differ=True,
    ),
    Desideratum(
        "no absolute time",
        "asked of the network of all nodes, which has no steps, it says the same",
        without_time,
    ),
    Desideratum(
        "free of m's coordinates",
        "another code for the values of m (exp(m), if they are real) changes nothing",
        recoded_m,
    ),
    Desideratum(
        "sees the policy",
        "another mechanism of A, at the same start, can change it",
        other_policies,
        differ=True,
    ),
    Desideratum(
        "zero if A hears nothing",
        "where A's mechanism hears of nothing but A, it has its neutral value",
        deaf,
    ),
    Desideratum("sign", "it can be above its neutral value, and below", signs, differ=True),
    Desideratum(
        "no goal", "it is told of no goal: which value is best changes nothing", other_goals
    ),
)


@functools.cache
def cell(measure: str, desired: str) -> Cell:
    """Whether a measure has what is desired, over the random systems of its kind."""
    asked = MEASURES[measure]
    wanted = next(d for d in DESIDERATA if d.name == desired)
    pairs = wanted.pairs(asked, _scenes(asked.kind))
    different = next((pair for pair in pairs if not same(*pair)), None)
    return Cell((different is not None) == wanted.differ, different or ())


@functools.cache
def _scenes(kind: str) -> list[Scene]:
    return real_scenes(COUNT) if kind == "real" else finite_scenes(COUNT, sure=kind == "sure")


# -- the page --------------------------------------------------------------------------------------

HEAD = """# Desiderata

What one may want of a measure of optimization, and which measure has it. Nothing here is written
by hand: when this page is made, each cell is asked of {count} random systems of two variables, A
and m. Of a statement that something never changes, **✓** says that it did not, in any of them, and
**✗** that it did in one, which is shown below. Of a statement that something *can* be, **✓** has
its example below, and **✗** says that there was none.

{table}

{says}

Each measure is asked as its docstring says, with A | m as the split, one nudge at m[0], and the
number of steps given below. A cross is no fault: a measure of a goal needs one.

## What shows it

Each block runs as it stands; what a line gives is written beside it.
"""

IMPORTS = "from sympy import Rational, exp, log, sqrt, tanh\n\nfrom causalopt import *\n\n"


def page() -> str:
    """The page."""
    rows = []
    for measure in MEASURES:
        marks = ["✓" if cell(measure, d.name).holds else "✗" for d in DESIDERATA]
        rows.append([f"`{measure}`", *marks])
    grid = table(["", *(d.name for d in DESIDERATA)], rows, "desiderata")
    says = "\n".join(f"- *{d.name}*: {d.says}." for d in DESIDERATA)
    parts = [HEAD.format(count=COUNT, table=grid, says=says)]
    for wanted in DESIDERATA:
        parts.append(f"### {wanted.name.capitalize()}\n\nThat {wanted.says}.\n")
        parts += [text for measure in MEASURES if (text := _shown(measure, wanted))]
    return "\n".join(parts)


def _shown(measure: str, wanted: Desideratum) -> str:
    """The systems that show a cell, as blocks that can be run."""
    found = cell(measure, wanted.name)
    if not found.shown:
        return ""
    mark = "✓" if found.holds else "✗"
    return f"{mark} `{measure}`\n\n```python\n{code(found)}```\n"


def code(found: Cell) -> str:
    """The block of a cell: declarations, and what the measure says of each."""
    lines, before = IMPORTS, ""
    for each in found.shown:
        if each.text != before:
            lines += each.text
        before = each.text
        lines += f"{_question(each)}\n"
    return lines


def _question(each: Said) -> str:
    if each.ask == "the neutral value":
        return f"# the neutral value is {each.value:g}"
    if isinstance(each.value, str):
        return f"# {each.value}\n{each.ask}"
    return f"float({each.ask})  # {each.value:.10g}"


def _write(app: Sphinx) -> None:
    write_page(Path(app.srcdir) / "measures" / "desiderata.md", page())


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the page before pages are read."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
