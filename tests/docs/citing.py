"""How pages cite the code: ``model/world.py: World.perturb``, its path inside the package."""

import importlib
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "causalopt"
#: A room or a file of the package, and after a colon a name in it.
CITATION = re.compile(r"^(?P<path>[\w/]+/(?:\w+\.py)?)(?:: (?P<name>[\w.]+))?$")


def in_backticks(page: Path) -> list[str]:
    """What stands between single backticks in the text of a page, lines joined."""
    prose = re.sub(r"^```(?s:.*?)^```$|^    .*$", "", page.read_text(), flags=re.M)
    return [" ".join(words.split()) for words in re.findall(r"`([^`]+)`", prose)]


def module_of(path: str) -> object:
    """The module that a path stands for."""
    return importlib.import_module("causalopt." + path.removesuffix(".py").replace("/", "."))


def follow(owner: object, dotted: str) -> None:
    """Go along a dotted name; the fields of a record count, whether or not they have a default."""
    for name in dotted.split("."):
        fields = getattr(owner, "__dataclass_fields__", {})
        assert hasattr(owner, name) or name in fields, f"{owner!r} has no {name}"
        owner = getattr(owner, name, None)


def look_up(citation: re.Match[str]) -> None:
    """Find what is cited, or fail."""
    path = PACKAGE / citation["path"]
    assert path.exists(), f"there is no {path}"
    if citation["name"]:
        follow(module_of(citation["path"]), citation["name"])
