"""The API reference: a page a room, written from what the public face exports."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import Any, TypeVar

from pagewriter import plain, replace_pages
from sphinx.application import Sphinx

import causalopt

#: Rooms that are used by their own name: ``from causalopt.derive import Derivation``.
BESIDE = (
    "causalopt.derive",
    "causalopt.exchange",
    "causalopt.plots",
    "causalopt.study",
    # What somebody who adds a kind of something implements.
    "causalopt.language.domains",
    "causalopt.mechanisms.interface",
    "causalopt.model.interface",
    "causalopt.model.interventions",
    "causalopt.backends.interface",
)

INDEX = """# API reference

## From `causalopt` itself

{face}

## Rooms of their own

As in `from causalopt.derive import Derivation`.

{beside}

Every name, methods and attributes among them, is in the {{ref}}`general index <genindex>`.

```{{toctree}}
:hidden:
:glob:

*
```
"""


def exported() -> dict[str, list[str]]:
    """The names of the public face, by the room that they come from."""
    stub = Path(causalopt.__file__).with_suffix(".pyi")
    rooms: dict[str, list[str]] = {}
    for line in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(line, ast.ImportFrom) and line.module:  # not a room as an attribute
            names = rooms.setdefault(f"causalopt.{line.module}", [])
            names += [alias.name for alias in line.names]
    return rooms


def own(room: str) -> list[str]:
    """The public names of a room: those in ``__all__``, or else those made in it."""
    module = importlib.import_module(room)
    listed = getattr(module, "__all__", None)
    defined = [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == room and not isinstance(value, TypeVar)
    ]
    return list(listed or (name for name in defined if not name.startswith("_")))


def pages() -> dict[str, str]:
    """The pages by the name of their file."""
    face, beside = exported(), {room: own(room) for room in BESIDE}
    written = {f"{_stem(room)}.md": _page(room, "causalopt", names) for room, names in face.items()}
    written |= {f"{_stem(room)}.md": _page(room, room, names) for room, names in beside.items()}
    return {
        "index.md": INDEX.format(face=_listed(face, "causalopt"), beside=_listed(beside)),
        **written,
    }


def _stem(room: str) -> str:
    return room.removeprefix("causalopt.")


def _listed(rooms: dict[str, list[str]], home: str = "") -> str:
    """Each room with what it has: a link to each name, and the first line of what it says."""
    parts = []
    for room, names in rooms.items():
        lines = [_line(home or room, name) for name in sorted(names, key=str.lower)]
        parts.append(f"### [{_stem(room)}]({_stem(room)}.md)\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


def _line(home: str, name: str) -> str:
    what = getattr(importlib.import_module(home), name)
    address = what.__name__ if inspect.ismodule(what) else f"{home}.{name}"
    link = f"{{py:obj}}`{name} <{address}>`"
    # What a plain value says is said by its class, of all such values.
    own = inspect.isroutine(what) or inspect.isclass(what) or inspect.ismodule(what)
    said = (inspect.getdoc(what) or "").split("\n\n")[0] if own else ""
    return f"- {link}" + (f": {plain(said.replace('``', ''))}" if said else "")


def _page(room: str, home: str, names: list[str]) -> str:
    says = inspect.getdoc(importlib.import_module(room)) or ""
    entries = "\n\n".join(_entry(home, name) for name in sorted(names))
    return f"# {_stem(room)}\n\n{says.splitlines()[0]}\n\n```{{eval-rst}}\n{entries}\n```\n"


def _entry(home: str, name: str) -> str:
    what = getattr(importlib.import_module(home), name)
    if inspect.ismodule(what):
        return f".. automodule:: {what.__name__}\n   :members:"
    if inspect.isclass(what):
        kind = "exception" if issubclass(what, BaseException) else "class"
        return f".. auto{kind}:: {home}.{name}\n   :members:"
    return f".. auto{'function' if inspect.isroutine(what) else 'data'}:: {home}.{name}"


# -- docstrings ----------------------------------------------------------------------------------


def as_rst(lines: list[str]) -> list[str]:
    """A docstring of the house as reStructuredText.

    Its indented parts are set as they are, its examples are sessions, what is under a heading or
    after ``Parameters:`` is a list of fields, to which autodoc adds the types of the signature, and
    all else is text in which only ``double backticks`` mean something.

    >>> as_rst(["|x| in ``|y|``:", "", "    x = *", "", ">>> 1 * 1", "1"])
    ['\\\\|x\\\\| in ``|y|``:', '', '.. code-block:: text', '', '    x = *', '', '>>> 1 * 1', '1']
    """
    rst: list[str] = []
    for block in "\n".join(lines).split("\n\n"):
        rows = block.split("\n")
        if rows[0].startswith("    "):
            rst += [".. code-block:: text", "", *rows, ""]
        elif rows[0].lstrip().startswith(">>>"):
            rst += [*rows, ""]
        elif len(rows) > 1 and set(rows[1]) == {"-"}:
            rst += [*_entries(rows[0], rows[2:]), ""]
        elif rows[0].startswith("Parameters: "):
            rst += [*_told(" ".join(rows)), ""]
        else:
            rst += [*map(_plain, rows), ""]
    return rst[:-1]


def _entries(heading: str, rows: list[str]) -> list[str]:
    """The entries under a heading: ``name : text``, or a name with the text below.

    >>> _entries("Parameters", ["x : a number", "y", "    another"])
    [':param x: a number', ':param y: another']
    """
    whole = re.split(r"\n(?! )", "\n".join(rows))
    pairs = [re.split(r" : |\n", entry, maxsplit=1) for entry in whole if entry]
    texts = [(name, _plain(" ".join(text.split()))) for name, text in pairs]
    if heading == "Parameters":
        return [f":param {name}: {text}" for name, text in texts]
    return [f"*{heading}*", "", *(f"- ``{name}``: {text}" for name, text in texts)]


def _told(paragraph: str) -> list[str]:
    """What is told of parameters in one sentence after another: each begins with a name.

    >>> _told("Parameters: ``A`` a set of nodes; ``n`` one node, ``R[0]``. ``keep`` the steps.")
    [':param A: a set of nodes', ':param n: one node, ``R[0]``', ':param keep: the steps']
    """
    text = paragraph.removeprefix("Parameters: ").removesuffix(".")
    entries = re.split(r"(?:^|[.;] )``(\w+)`` ", text)[1:]
    pairs = zip(entries[::2], entries[1::2], strict=True)
    return [f":param {name}: {_plain(said)}" for name, said in pairs]


def _plain(line: str) -> str:
    pieces = re.split(r"(``.+?``)", line)
    pieces[::2] = [re.sub(r"([\\*|_`])", r"\\\1", piece) for piece in pieces[::2]]
    return "".join(pieces)


def _docstring(_app: Sphinx, _kind: str, _name: str, _what: Any, _o: Any, lines: list[str]) -> None:
    lines[:] = as_rst(lines)


def _write(app: Sphinx) -> None:
    replace_pages(Path(app.srcdir) / "reference", pages())


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the pages before they are read, and read docstrings as the house writes them."""
    app.connect("builder-inited", _write)
    app.connect("autodoc-process-docstring", _docstring)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
