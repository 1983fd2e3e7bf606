"""The page that follows a question through the rooms names only what is in the code."""

import ast
import doctest
import re

import pytest

from tests.docs.citing import CITATION, ROOT, follow, in_backticks, look_up, module_of

PAGE = ROOT / "docs" / "question.md"
# The one thing that the page names outside the package: the folder of the package.
OUTSIDE = {"causalopt/"}


def sessions() -> str:
    """The lines of the sessions, prompts and answers alike."""
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), flags=re.S | re.M))


@pytest.fixture(scope="module")
def names() -> dict[str, object]:
    """The names that the page's own sessions make, and those that it cites from files."""
    known: dict[str, object] = {}
    for example in doctest.DocTestParser().get_examples(sessions()):
        # What only prints makes no name.
        if not isinstance(ast.parse(example.source).body[0], ast.Expr):
            exec(compile(example.source, str(PAGE), "exec"), known)
    for text in in_backticks(PAGE):
        if (citation := CITATION.match(text)) and citation["name"]:
            head = citation["name"].split(".")[0]
            # One that is not there fails where it is looked up, and there alone.
            known[head] = getattr(module_of(citation["path"]), head, None)
    return known


def check(text: str, names: dict[str, object]) -> None:
    """A citation of a file; a name that is cited or made elsewhere; or words from a session."""
    if citation := CITATION.match(text):
        look_up(citation)
        return
    head, _, rest = text.partition(".")
    if head not in names:
        assert re.search(rf"(?<!\w){re.escape(text)}(?!\w)", sessions()), f"nothing is {text}"
    elif rest:
        follow(names[head], rest)


@pytest.mark.parametrize("text", sorted({*in_backticks(PAGE)} - OUTSIDE))
def test_what_the_page_names_is_in_the_code(text, names):
    check(text, names)


def test_the_page_names_what_a_reader_meets():
    met = {text.split(": ")[-1] for text in in_backticks(PAGE)}
    assert met >= {
        *("System", "ReadOnly", "Mechanism", "Expression", "Question", "World", "Treatment"),
        *("Held", "Shift", "View", "Lanes", "Loop", "Block", "Names", "Slot", "Backend"),
        *("Inputs", "Recording", "Scaled", "Ratio", "Measure", "answer", "labelled"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "model/world.py: World.shove",
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
