"""How each thing on a graph looks, and the words that a legend has for it.

The colours are Okabe and Ito's, which colour-blind readers tell apart; shape and stroke say the
same without any colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from causalopt.drawing.picture import Gap
from causalopt.language.symbols import Noise, Parameter
from causalopt.model.world import Fixed, Held, Piece, Replaced


@dataclass(frozen=True)
class Look:
    """Attributes of a node in Graphviz's words, and what they mean; nothing where frames say it."""

    style: Mapping[str, str]
    words: str


PLAIN = {"color": "#444444", "fillcolor": "#ffffff"}
INSIDE = {"fillcolor": "#e6e6e6"}

#: In the order in which a legend lists them; what comes later is put on top.
LOOKS: Mapping[str, Look] = {
    "red": Look(
        {"color": "#d55e00", "fillcolor": "#fbe3d4", "penwidth": "2.4"}, "differs from W"
    ),
    "green": Look(
        {"color": "#009e73", "fillcolor": "#d3efe6", "penwidth": "1.4", "peripheries": "2"},
        "differs from X",
    ),
    "clamped": Look({"shape": "box"}, "clamped"),
    "set": Look({"shape": "hexagon"}, "set by do"),
    "replaced": Look({"shape": "component"}, "another mechanism"),
    "perturbed": Look({"shape": "octagon"}, "perturbed"),
    "noise": Look({"shape": "diamond", "color": "#0072b2", "fillcolor": "#e3f0f8"}, ""),
    "parameter": Look({"shape": "plaintext", "fillcolor": "#f1f1f1"}, ""),
    "time": Look({"shape": "plaintext", "fillcolor": "#fdf3dd"}, ""),
}  # fmt: skip

ARROWS: Mapping[str, Mapping[str, str]] = {
    "red": {"color": "#d55e00", "penwidth": "1.8"},
    "green": {"color": "#009e73", "style": "dashed"},
    "cut": {"color": "#b0b0b0", "style": "dotted"},
    "input": {"color": "#b8b8b8", "penwidth": "0.7", "arrowsize": "0.4"},
}

FRAMES: Mapping[str, Mapping[str, str]] = {
    "A": {"style": "rounded,filled", "color": "#888888", "fillcolor": "#f6f6f6"},
    "B": {"style": "rounded,dashed", "color": "#888888"},
    "panel": {"color": "#cccccc"},
    "legend": {"color": "#dddddd"},
    "noise": {"style": "rounded,dotted", "color": "#0072b2"},
    "time": {"style": "rounded,dotted", "color": "#888888"},
    "parameters": {"style": "rounded,dotted", "color": "#888888"},
}

# What an input is called among the looks, and the frame that holds its kind.
_KINDS = {"noise": "noise", "parameter": "parameters", "time": "time"}


def done_to(piece: Piece) -> list[str]:
    """The looks that an intervention gives to a node."""
    found = []
    match piece.base:
        case Held(_):
            found.append("clamped")
        case Fixed(_):
            found.append("set")
        case Replaced(_):
            found.append("replaced")
    return [*found, "perturbed"] if piece.shift is not None else found


def told(piece: Piece) -> tuple[str, ...]:
    """The lines that an intervention adds to a node's label."""
    lines = []
    if isinstance(piece.base, Fixed):
        lines.append(f"= {_number(piece.base.value)}")
    return (*lines, shift(piece)) if piece.shift is not None else tuple(lines)


def shift(piece: Piece) -> str:
    """What a perturbation adds; δ is an infinitesimal difference.

    >>> from causalopt.model.world import Shift
    >>> shift(Piece(0, 1, shift=Shift(-0.5))), shift(Piece(0, 1, shift=Shift(None)))
    ('− 0.5', '+ δ')
    """
    by = None if piece.shift is None else piece.shift.by
    text = "δ" if by is None else _number(by)
    return f"− {text[1:]}" if text.startswith("−") else f"+ {text}"


def _number(value: Any) -> str:
    return f"{value:g}".replace("-", "−") if isinstance(value, float | int) else str(value)


def input_look(one: Any) -> str:
    """Which look an input has: a parameter, a noise, or time."""
    owner = one.owner if isinstance(one, Gap) else getattr(one, "variable", one)
    return {Noise: "noise", Parameter: "parameter"}.get(type(owner), "time")


def input_frame(one: Any) -> str:
    """The title of the frame in which an input stands."""
    return _KINDS[input_look(one)]


def styled(looks: list[str], *, inside: bool = False, fill: Mapping[str, str] | None = None) -> Any:
    """The attributes of a node with these looks; a value's colour covers every other fill."""
    style: dict[str, str] = dict(PLAIN)
    if inside:
        style |= INSIDE
    for look in LOOKS:
        if look in looks:
            style |= LOOKS[look].style
    return style | dict(fill or {})
