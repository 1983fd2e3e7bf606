"""What the changelog says has become of a name is true: the new one is there, the old one gone."""

import importlib
import inspect
import re

import pytest

import causalopt
from tests.docs.citing import ROOT

ROWS = re.findall(r"^\| (.*?) \| (.*?) \|$", (ROOT / "CHANGELOG.md").read_text(), flags=re.M)
DOTTED = re.compile(r"`(causalopt\.[\w.]+)`")


def find(dotted: str) -> object:
    """What a dotted name of the package stands for: a module, or a name in one."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for name in parts[count:]:
            found = getattr(found, name)
        return found
    raise AssertionError(dotted)


@pytest.mark.parametrize("new", sorted({name for _, new in ROWS for name in DOTTED.findall(new)}))
def test_what_a_name_became_is_there(new):
    find(new)


OLD = sorted({match[1] for old, _ in ROWS if (match := DOTTED.match(old))})


@pytest.mark.parametrize("old", OLD)
def test_what_a_name_was_is_gone(old):
    try:
        left = find(old)
    except AttributeError:
        return
    # A function that had the name of its module is what that name still means.
    assert not inspect.ismodule(left)
    assert left is getattr(causalopt, old.rsplit(".", 1)[1], None)


def test_the_table_is_read():
    assert len(ROWS) > 60
    assert len(OLD) > 50
