"""A file in SBML told by libsbml in a process of its own, whose end is an error and no crash.

Nesting, entities and size are checked before, since these are what libsbml is known to crash on.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

from causalopt.exchange.elements import Element, root_of
from causalopt.exchange.reading import FileText
from causalopt.ground.checks import shown
from causalopt.ground.errors import FileError

if TYPE_CHECKING:
    from causalopt.exchange.biology.description import Description, ModelFact, Place, ReadFault

#: The most parts of one formula, and of all of a file.
MOST_PARTS, MOST_OF_ALL = 20_000, 100_000
#: The most letters of formulas of level 1, and of attributes of one element: libsbml is slow there.
MOST_LETTERS = 100_000
#: How libsbml is brought here.
INSTALL = 'pip install "causalopt[sbml]"'

_WORKER = "causalopt.exchange.biology.worker"
_LEVELS = ("1", "2", "3")
_DECLARATION = re.compile(r"<\?xml[^>]*>")
_ENCODING = re.compile(r"<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"'>]*)")
# What a package that changes what a model means says of itself.
_REQUIRED = ":required"


def described(source: FileText) -> ModelFact:
    """What the model of a file says.

    Raises ``FileError``, with line and column where there is one, for what is no SBML, and where
    libsbml is missing, finds faults, or does not come to an end within its limits.
    """
    _check_outside(source)
    told = _told(source)
    for fault in told["faults"]:
        raise refused(source, fault["at"], _in_words(fault))
    if told["model"] is None:
        raise source.refusal(0, "this SBML has no model: write one element model.")
    return told["model"]


def refused(source: FileText, at: Place, message: str) -> FileError:
    """What is wrong at a place that libsbml tells of, to be raised."""
    where = f", line {at[0]}, column {at[1]}" if at[0] else ""
    return FileError(f"{source.path}{where}: {message}")


def is_sbml(root: Element) -> bool:
    """Whether a document is SBML, by its outermost element."""
    return root.name.rpartition(":")[2] == "sbml"


def _check_outside(source: FileText) -> None:
    """What can be told without libsbml: nesting, entities, encoding, level, packages, one model."""
    encoding = _ENCODING.match(source.text)
    if encoding and encoding[1].lower() not in ("utf-8", "us-ascii", "ascii"):
        told = f"the file says that its encoding is {shown(encoding[1])}: save it as UTF-8."
        raise source.refusal(encoding.start(1), told)
    root = root_of(source)
    if not is_sbml(root):
        told = f"this is no SBML: its outermost element is {shown(root.name)}, and not sbml."
        raise source.refusal(root.offset, told)
    if root.attributes.get("level") not in _LEVELS:
        level = shown(root.attributes.get("level", ""))
        raise source.refusal(root.offset, f"SBML of level {level} is not read: levels 1, 2, 3 are.")
    for name, value in root.attributes.items():
        if name.endswith(_REQUIRED) and value in ("true", "1"):
            package = name.removesuffix(_REQUIRED)
            told = (
                f"the package {shown(package)} changes what the model means, and is not read: "
                "write the model in SBML alone."
            )
            raise source.refusal(root.offset, told)
    models = [child for child in root.children if child.name.rpartition(":")[2] == "model"]
    if len(models) != 1:
        told = f"{len(models)} models are here: write one element model."
        raise source.refusal(root.offset, told)
    _check_sizes(source, root)


def _check_sizes(source: FileText, root: Element) -> None:
    """Formulas and attributes that libsbml would take long to read."""
    counts = [0]  # of the parts of all formulas, and of each formula by its number
    letters = 0
    waiting = [(root, 0)]
    while waiting:
        element, formula = waiting.pop()
        letters += len(element.attributes.get("formula", ""))
        if formula:
            counts[0] += 1
            counts[formula] += 1
        _check_counts(source, element, counts[0], counts[formula] if formula else 0, letters)
        if not formula and element.name.rpartition(":")[2] == "math":
            formula = len(counts)
            counts.append(0)
        waiting += [(child, formula) for child in element.children]


def _check_counts(source: FileText, at: Element, of_all: int, of_one: int, letters: int) -> None:
    if of_one > MOST_PARTS:
        told = f"the formula has more than {MOST_PARTS:,} parts (MOST_PARTS): write it in several."
        raise source.refusal(at.offset, told)
    if of_all > MOST_OF_ALL or letters > MOST_LETTERS:
        told = f"the formulas of this file have more than {MOST_OF_ALL:,} parts (MOST_OF_ALL)"
        raise source.refusal(at.offset, f"{told}, or {MOST_LETTERS:,} letters.")
    if sum(map(len, at.attributes)) > MOST_LETTERS:
        told = f"the attributes of this element have more than {MOST_LETTERS:,} letters."
        raise source.refusal(at.offset, told)


def _told(source: FileText) -> Description:
    """What the worker tells of a file."""
    if importlib.util.find_spec("libsbml") is None:
        raise FileError(f"{source.path} is in SBML, which python-libsbml reads: run {INSTALL}.")
    done = subprocess.run(
        [sys.executable, "-P", "-m", _WORKER],
        input=undeclared(source.text).encode(),
        capture_output=True,
        env=_surroundings(),
        check=False,
    )
    if done.returncode:
        _refuse_end(source, done.returncode, done.stderr)
    try:
        return cast("Description", json.loads(done.stdout))
    except ValueError:
        raise FileError(f"{source.path}: what libsbml tells of it cannot be read.") from None


def undeclared(text: str) -> str:
    """The text without its XML declaration, of which libsbml would have all be told: blanks stay.

    >>> undeclared("<?xml version='1.0'?><sbml/>")
    '                     <sbml/>'
    """
    return _DECLARATION.sub(lambda match: " " * len(match[0]), text, count=1)


def _surroundings() -> dict[str, str]:
    """The variables of the worker: it finds the libraries that this process finds."""
    paths = [str(Path(path).absolute()) for path in sys.path if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}


def _refuse_end(source: FileText, code: int, errors: bytes) -> NoReturn:
    """Raise ``FileError`` for a worker that did not come to its end."""
    if code == -getattr(signal, "SIGXCPU", 0):  # which not every system has
        why = "libsbml takes too long to read it"
    elif b"MemoryError" in errors or b"bad_alloc" in errors or b"NULL ptr" in errors:
        why = "libsbml takes too much memory to read it"
    elif code < 0:
        why = f"libsbml ended with {signal.Signals(-code).name} while it read it"
    else:
        last = errors.decode(errors="replace").strip().rpartition("\n")[2]
        why = f"libsbml did not read it ({shown(last)})"
    raise FileError(f"{source.path}: {why}: correct the file, or split the model.")


def _in_words(fault: ReadFault) -> str:
    """What libsbml says of a fault, in one line."""
    words = " ".join(fault["told"].split())
    return f"no sound SBML: {words[:400]}{'...' if len(words) > 400 else ''}"
