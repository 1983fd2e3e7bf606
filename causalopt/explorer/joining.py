"""The page as one file: its modules in one script, its style, and what it is allowed to do."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator, Mapping

from causalopt.explorer.files import page_files
from causalopt.ground.letters import visible

# What an exported page begins with, and what its modules find in the place of the server.
_FIRST = "exported"
_INSTEAD = {"ask": "recorded"}
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|const|class) (\w+))", re.MULTILINE)
# The lines of the page's head that name other files.
_LINKED = re.compile(r"^<(?:title>|link |script ).*\n", re.MULTILINE)


def one_file(title: str, record: Mapping[str, object]) -> str:
    """The page as a file that needs nothing beside it; ``record`` is what it knows.

    A policy in its head allows its own script and style, by their hashes, and nothing else: no
    request, to wherever. What a name holds cannot end the script, or begin another one.
    """
    style = "\n" + _text("palette.css") + _text("page.css")
    script = "\n" + joined(_FIRST)
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(script, style)}">',
        f"<title>{html.escape(visible(title))}</title>",
        f'<link rel="icon" href="data:image/svg+xml;base64,{_encoded("icon.svg")}">',
        f"<style>{style}</style>",
        f'<script type="application/json" id="recorded">{inert(record)}</script>',
        f'<script type="module">{script}</script>\n</head>',
    )
    bare, _, body = _LINKED.sub("", _text("index.html")).partition("</head>")
    return bare + "\n".join(head) + body


def inert(record: Mapping[str, object]) -> str:
    r"""JSON in which nothing is a tag, a comment or the end of a line, whatever it holds.

    >>> inert({"name": "</script>\u2028"})
    '{"name":"\\u003c/script>\\u2028"}'
    """
    text = json.dumps(record, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def joined(first: str) -> str:
    """A module and all that it imports, as one script: each in a function of its own.

    >>> print(joined("numbers").splitlines()[0])
    const in_numbers = (() => {
    """
    return "".join(_module(name) for name in _in_order(first, ()))


def _in_order(name: str, above: tuple[str, ...]) -> list[str]:
    """A module after those that it imports, each once."""
    if name in above:
        raise RuntimeError(f"{name}.js imports itself, by way of {' and '.join(above)}")
    found: list[str] = []
    for _, imported in _IMPORT.findall(_text(f"{name}.js")):
        for one in _in_order(_INSTEAD.get(imported, imported), (*above, name)):
            found += [one] if one not in found else []
    return [*found, name]


def _module(name: str) -> str:
    text = _text(f"{name}.js")
    given = ", ".join(_EXPORT.findall(text))

    def taken(match: re.Match[str]) -> str:
        source = _INSTEAD.get(match[2], match[2])
        return f"const {{{match[1].replace(' as ', ': ')}}} = in_{source};"

    body = _EXPORT.sub("", _IMPORT.sub(taken, text))
    return f"const in_{name} = (() => {{\n{body}return {{ {given} }};\n}})();\n"


def _policy(script: str, style: str) -> str:
    return "; ".join(_rules(script, style))


def _rules(script: str, style: str) -> Iterator[str]:
    yield "default-src 'none'"
    yield f"script-src '{_hash(script)}'"
    yield f"style-src '{_hash(style)}'"
    yield "img-src data: blob:"  # its icon, and pictures that it makes to save them
    yield "connect-src 'none'"
    yield "form-action 'none'"
    yield "base-uri 'none'"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(name: str) -> str:
    return page_files()[name].content.decode()


def _encoded(name: str) -> str:
    return base64.b64encode(page_files()[name].content).decode()
