"""Files of stores that were written before there were digests: what is wrong with a cut one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from causalopt.runs.cluster.chunks import Chunks
from causalopt.runs.cluster.digests import ANEW

# What all of them are compressed by.
_CODEC = "zstd"


def fault_in(path: Path, place: str, content: bytes) -> str:
    """What is wrong with a file of a store at a path, of which only its content tells.

    A file that is cut cannot be unpacked; a byte that has changed may tell of itself, or not.
    """
    name, _, rest = place.partition("/")
    codecs = [codec.get("name") for codec in _metadata(path, name).get("codecs", ())]
    if not rest.startswith("c") or _CODEC not in codecs or _unpacks(content):
        return ""
    return f"{path / place} cannot be unpacked: it is cut, or its bytes have changed."


def advice(path: Path, place: str, marks: Path, dims: Sequence[str], chunks: Chunks) -> str:
    """What to do about such a file of results: its chunk's mark is to be removed."""
    name, _, rest = place.partition("/")
    order = _metadata(path, name).get("dimension_names") or ()
    if not set(dims) <= set(order):
        # Its metadata are damaged too.
        return ANEW
    along = dict(zip(order, map(int, rest.split("/")[1:]), strict=True))
    number = chunks.number([along[dim] for dim in dims])
    named = [marks / f"{number}.{kind}" for kind in ("done", "faults")]
    mark = next((file for file in named if file.exists()), named[0])
    return f"Remove {mark}, write the same sweep again, and its chunk is computed anew."


def _unpacks(content: bytes) -> bool:
    from numcodecs.zstd import Zstd  # it comes with zarr

    try:
        Zstd().decode(content)
    except RuntimeError:
        return False
    return True


def _metadata(path: Path, name: str) -> Mapping[str, Any]:
    try:
        told = json.loads((path / name / "zarr.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
