"""Generated pages: text that comes out as it went in, and files touched only where they change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path


def plain(text: str) -> str:
    r"""Text that comes out of Markdown as it went in.

    >>> print(plain("l''(W) * 2 | <b>"))
    l\'\'\(W\) \* 2 \| \<b\>
    """
    return " ".join(re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text).split())


def option(text: str) -> str:
    """Text as the value of a directive's option."""
    return json.dumps(text, ensure_ascii=False)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str) -> str:
    """A Markdown table of cells that are Markdown already, with a class for its looks.

    >>> print(table(["a", "b"], [["1", "2"]], "small"))
    {.small}
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join([f"{{.{kind}}}", *("| " + " | ".join(line) + " |" for line in lines)])


def replace_pages(folder: Path, pages: Mapping[str, str]) -> None:
    """Make the Markdown pages in a folder these, and touch none that is as it was."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        write_page(folder / name, text)


def write_page(page: Path, text: str) -> None:
    """Write a page, unless it is as it should be: an unchanged page is not built again."""
    if not page.exists() or page.read_text(encoding="utf-8") != text:
        page.write_text(text, encoding="utf-8")
