"""The pages for those who build name the rooms and the code as they are."""

import re

import pytest

from tests import test_house as house
from tests.docs.citing import CITATION, PACKAGE, ROOT, follow, in_backticks, look_up, module_of
from tests.test_imports import FLOORS

ARCHITECTURE = ROOT / "docs" / "architecture.md"
PAGES = [ARCHITECTURE, ROOT / "docs" / "extend.md", ROOT / "docs" / "concepts.md"]
# Folders beside the package, which pages name as well.
BESIDE = {path.name for path in ROOT.iterdir() if path.is_dir()}


def cited(page):
    """The citations of a page, those of the package alone."""
    citations = filter(None, map(CITATION.match, in_backticks(page)))
    return [c for c in citations if c["path"].split("/")[0] not in BESIDE]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_cites_is_in_the_code(page):
    for citation in cited(page):
        look_up(citation)


def test_the_architecture_cites_the_code():
    assert len(cited(ARCHITECTURE)) > 20


def test_a_kind_without_a_file_is_in_that_of_its_interface():
    rows = re.findall(
        r"^\| `([\w/]+\.py): \w+` \| .* \| (.*) \|$", ARCHITECTURE.read_text(), flags=re.M
    )
    kinds = [(path, kind) for path, text in rows for kind in re.findall(r"`(\w+)`", text)]
    assert ("model/interventions.py", "Gated") in kinds
    for path, kind in kinds:
        follow(module_of(path), kind)


def test_the_rooms_are_listed_from_the_ground_up():
    listed = re.findall(r"^      (\w+)/ ", ARCHITECTURE.read_text(), flags=re.M)
    assert [room for room in listed if room != "_ext"] == list(FLOORS)
    assert all((PACKAGE / room).is_dir() for room in FLOORS)


def test_the_numbers_of_the_house_are_those_that_are_measured():
    told = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", ARCHITECTURE.read_text(), flags=re.M))
    assert told["rooms"].startswith(f"{house.MOST_ROOMS} at most")
    assert told["lines of a file"] == f"{house.LONGEST_FILE} at most"
    usual = f"{house.LONGEST_BODY} at most, nine in ten within {house.USUAL_BODY}"
    assert told["lines of a function's body"] == usual
    assert house.SHARE_OF_USUAL == 0.9
    assert told["annotations that say `Any`"] == f"under {house.SHARE_OF_ANY * 100:g} in 100"
    assert told["types asserted by `isinstance`"] == f"{house.MOST_CASTS} at most"
