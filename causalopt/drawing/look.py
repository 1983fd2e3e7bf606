"""How each thing on a graph looks, and the words that a legend has for it.

Shape and stroke say the same as colours do, for those who print without any.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass

from sympy import Symbol

from causalopt.drawing.picture import AnyWorld, Gap
from causalopt.ground import palette
from causalopt.ground.palette import grey
from causalopt.language.symbols import Noise, Parameter
from causalopt.model.shifting import Shift
from causalopt.model.treatments import Treatment


@dataclass(frozen=True)
class Look:
    """Attributes of a node in Graphviz's words, and what they mean; nothing where frames say it."""

    style: Mapping[str, str]
    words: str


PLAIN = {"color": grey(0x44), "fillcolor": palette.WHITE}
INSIDE = {"fillcolor": grey(0xE6)}
#: What stands for steps that are left out.
LEFT_OUT = {"shape": "plaintext", "style": "", "fontcolor": palette.DIM}

#: In the order in which a legend lists them; what comes later is put on top.
LOOKS: Mapping[str, Look] = {
    "red": Look(
        {"color": palette.RED, "fillcolor": palette.PALE_RED, "penwidth": "2.4"}, "differs from W"
    ),
    "green": Look(
        {
            "color": palette.GREEN,
            "fillcolor": palette.PALE_GREEN,
            "penwidth": "1.4",
            "peripheries": "2",
        },
        "differs from X",
    ),
    "both": Look(
        {
            "color": palette.GREEN,
            "fillcolor": palette.PALE_RED,
            "penwidth": "2.4",
            "peripheries": "2",
        },
        "differs from W and X",
    ),
    "held": Look({"shape": "box"}, "clamped"),
    "gated": Look({"shape": "note"}, "clamped in part"),
    "set": Look({"shape": "hexagon"}, "set by do"),
    "replaced": Look({"shape": "component"}, "another mechanism"),
    "perturbed": Look({"shape": "octagon"}, "perturbed"),
    "noise": Look({"shape": "diamond", "color": palette.BLUE, "fillcolor": palette.PALE_BLUE}, ""),
    "parameter": Look({"shape": "plaintext", "fillcolor": grey(0xF1)}, ""),
    "time": Look({"shape": "plaintext", "fillcolor": palette.PALE_ORANGE}, ""),
}

#: How every arrow looks, before what is said of some.
ARROW = {"color": grey(0x77), "arrowsize": "0.6"}
ARROWS: Mapping[str, Mapping[str, str]] = {
    "red": {"color": palette.RED, "penwidth": "1.8"},
    "green": {"color": palette.GREEN, "style": "dashed"},
    "both": {"color": palette.GREEN, "style": "dashed", "penwidth": "1.8"},
    "cut": {"color": grey(0xB0), "style": "dotted"},
    "input": {"color": grey(0xB8), "penwidth": "0.7", "arrowsize": "0.4"},
}

FRAMES: Mapping[str, Mapping[str, str]] = {
    "A": {"style": "rounded,filled", "color": grey(0x88), "fillcolor": grey(0xF6)},
    "B": {"style": "rounded,dashed", "color": grey(0x88)},
    "panel": {"color": grey(0xCC)},
    "legend": {"color": grey(0xDD)},
    "noise": {"style": "rounded,dotted", "color": palette.BLUE},
    "time": {"style": "rounded,dotted", "color": grey(0x88)},
    "parameters": {"style": "rounded,dotted", "color": grey(0x88)},
}

# What an input is called among the looks, and the frame that holds its kind.
_KINDS = {"noise": "noise", "parameter": "parameters", "time": "time"}


def looks_of(treatment: Treatment[AnyWorld]) -> list[str]:
    """The looks that an intervention gives to a node."""
    # A kind of intervention that has no look of its own is another mechanism to a reader.
    deed = None if treatment.base is None else treatment.base.deed
    looks = [] if deed is None else [deed if deed in LOOKS else "replaced"]
    return [*looks, "perturbed"] if treatment.shift is not None else looks


def label_lines(treatment: Treatment[AnyWorld]) -> tuple[str, ...]:
    """The lines that an intervention adds to a node's label."""
    value = None if treatment.base is None else treatment.base.value_given
    lines = () if value is None else (f"= {_number(value)}",)
    return lines if treatment.shift is None else (*lines, shift_text(treatment.shift))


def shift_text(shift: Shift) -> str:
    """What a perturbation adds; δ is an infinitesimal difference.

    >>> shift_text(Shift(-0.5)), shift_text(Shift(None))
    ('− 0.5', '+ δ')
    """
    if shift.to is not None:
        return f"→ {_number(shift.to)}"
    text = "δ" if shift.by is None else _number(shift.by)
    return f"− {text[1:]}" if text.startswith("−") else f"+ {text}"


def _number(value: float | Symbol) -> str:
    return f"{value:g}".replace("-", "−") if isinstance(value, float | int) else str(value)


def input_look(item: Hashable) -> str:
    """Which look an input has: a parameter, a noise, or time."""
    owner = item.owner if isinstance(item, Gap) else getattr(item, "variable", item)
    return {Noise: "noise", Parameter: "parameter"}.get(type(owner), "time")


def input_frame(item: Hashable) -> str:
    """The title of the frame in which an input stands."""
    return _KINDS[input_look(item)]


def node_style(
    looks: Collection[str], *, inside: bool = False, fill: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The attributes of a node with these looks; a value's colour covers every other fill."""
    style: dict[str, str] = dict(PLAIN)
    if inside:
        style |= INSIDE
    for look in LOOKS:
        if look in looks:
            style |= LOOKS[look].style
    return style | dict(fill or {})
