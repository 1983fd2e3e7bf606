"""The page that follows a question through the rooms names only what is in the code."""

import ast
import doctest
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "question.md"
# A file of the package, or a room, and after a colon the names that are cited from it.
CITATION = re.compile(r"^(?P<path>[\w/]+/(?:\w+\.py)?)(?:: (?P<names>[\w.]+))?$")


def prose() -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```(?s:.*?)^```$|^    .*$", "", PAGE.read_text(), flags=re.M)


def cited() -> list[str]:
    """What stands between single backticks, in the order of the page, lines joined."""
    return [" ".join(words.split()) for words in re.findall(r"`([^`]+)`", prose())]


def sessions() -> str:
    """The lines of the sessions, prompts and answers alike."""
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), flags=re.S | re.M))


@pytest.fixture(scope="module")
def names() -> dict[str, object]:
    """The names that the page's own sessions have made, and those that it cites from files."""
    known: dict[str, object] = {}
    for example in doctest.DocTestParser().get_examples(sessions()):
        code = ast.parse(example.source)
        if not isinstance(code.body[0], ast.Expr):
            exec(compile(code, str(PAGE), "exec"), known)
    for text in cited():
        if (citation := CITATION.match(text)) and citation["names"]:
            head = citation["names"].split(".")[0]
            # One that is not there fails where it is looked up, and there alone.
            known[head] = getattr(module_of(citation["path"]), head, None)
    return known


def module_of(path: str) -> object:
    return importlib.import_module("causalopt." + path.removesuffix(".py").replace("/", "."))


def follow(owner: object, dotted: str) -> None:
    """Go along a dotted name; the fields of a record count, whether or not they have a default."""
    for name in dotted.split("."):
        fields = getattr(owner, "__dataclass_fields__", {})
        assert hasattr(owner, name) or name in fields, f"{owner!r} has no {name}"
        owner = getattr(owner, name, None)


def check(text: str, names: dict[str, object]) -> None:
    """A citation of a file; a name that is cited or made elsewhere; or words from a session."""
    if citation := CITATION.match(text):
        # The package itself is named by its own folder, all else inside it.
        path = ROOT / text if text == "causalopt/" else ROOT / "causalopt" / citation["path"]
        assert path.exists(), f"there is no {path}"
        if citation["names"]:
            follow(module_of(citation["path"]), citation["names"])
        return
    head, _, rest = text.partition(".")
    if head not in names:
        assert re.search(rf"(?<!\w){re.escape(text)}(?!\w)", sessions()), (
            f"nothing is called {text}"
        )
    elif rest:
        follow(names[head], rest)


@pytest.mark.parametrize("text", sorted(set(cited())))
def test_what_the_page_names_is_in_the_code(text, names):
    check(text, names)


def test_the_page_names_what_a_reader_meets():
    met = {part.split(": ")[-1] for part in cited()}
    assert met >= {
        *("System", "ReadOnly", "Mechanism", "Expression", "Question", "World", "Treatment"),
        *("Held", "Shift", "View", "Lanes", "Loop", "Block", "Names", "Slot", "Backend"),
        *("Inputs", "Recording", "Scaled", "Ratio", "Measure", "answer", "labelled"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "model/world.py: World.nudge",
        "model/worlds.py",
        "model/world.py: Worlds",
        "Treatment.hold",
        "Place.colour",
        "plan.slot",
        "Lookup",
        "s7",
    ],
)
def test_a_name_that_is_not_there_is_seen(text, names):
    with pytest.raises(AssertionError):
        check(text, names)


def test_the_page_ends_with_the_number():
    assert PAGE.read_text().rstrip("`\n").endswith("\n10.143165859")
