"""The API reference: a page a room, written from what the public face exports."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import Any, TypeVar

from pagewriter import replace_pages
from sphinx.application import Sphinx

import causalopt

#: Rooms that are used by their own name: ``from causalopt.derive import Derivation``.
BESIDE = (
    "causalopt.derive",
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
        if isinstance(line, ast.ImportFrom):
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
    return {"index.md": INDEX.format(face=_listed(face), beside=_listed(beside)), **written}


def _stem(room: str) -> str:
    return room.removeprefix("causalopt.")


def _listed(rooms: dict[str, list[str]]) -> str:
    lines = []
    for room, names in rooms.items():
        quoted = ", ".join(f"`{name}`" for name in sorted(names))
        lines.append(f"- [`{_stem(room)}`]({_stem(room)}.md): {quoted}")
    return "\n".join(lines)


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

    Its indented parts are set as they are, its examples are sessions, and all else is text in
    which only ``double backticks`` mean something.

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
            rst += [f"*{rows[0]}*", "", *_entries(rows[2:]), ""]
        else:
            rst += [*map(_plain, rows), ""]
    return rst[:-1]


def _entries(rows: list[str]) -> list[str]:
    """The entries under a heading, as a list: ``name : text``, or a name with the text below."""
    whole = re.split(r"\n(?! )", "\n".join(rows))
    pairs = [re.split(r" : |\n", entry, maxsplit=1) for entry in whole if entry]
    return [f"- ``{name}``: {_plain(' '.join(text.split()))}" for name, text in pairs]


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
