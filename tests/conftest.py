"""What all tests share: examples take as long as they take, on a busy machine too.

Ours are the same in every run, so that a run says whether the code is another. ``make long`` draws
others, and more of them: what those find becomes a test of its own. ``make figures`` has the tests
of screenshots write them.

Of a test with many cases that each take long, ``@pytest.mark.sampled(5)`` leaves a fifth to
``make test``: ``make long`` runs the others.
"""

import zlib
from collections import defaultdict

import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None, derandomize=True, max_examples=40)
settings.register_profile("search", deadline=None)
settings.load_profile("house")


def pytest_addoption(parser):
    """What ``make figures`` asks for."""
    parser.addoption(
        "--figures", action="store_true", help="write the screenshots of docs/images anew"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark as long what ``make test`` leaves out of the cases of a test, always the same."""
    families = defaultdict(list)
    for item in items:
        mark = item.get_closest_marker("sampled")
        if mark is not None:
            families[item.nodeid.partition("[")[0], *mark.args].append(item)
    for (_, every), cases in families.items():
        # By chance, as it were: of each backend some, in whatever order the cases come.
        cases.sort(key=lambda item: zlib.crc32(item.nodeid.encode()))
        for item in cases[-(-len(cases) // every) :]:
            item.add_marker(pytest.mark.long)
