"""What all tests share: examples take as long as they take, on a busy machine too.

Ours are the same in every run, so that a run says whether the code is another. ``make long`` draws
others, and more of them: what those find becomes a test of its own. ``make figures`` has the tests
of screenshots write them.

Of a test with many cases that each take long, ``@pytest.mark.sampled(5)`` leaves every fifth to
``make test``: ``make long`` runs all.
"""

from collections import Counter

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
    """Mark as long what ``make test`` leaves out of the cases of a test, in their order."""
    cases = Counter()
    for item in items:
        mark = item.get_closest_marker("sampled")
        if mark is not None:
            (every,), test = mark.args, item.nodeid.partition("[")[0]
            if cases[test] % every:
                item.add_marker(pytest.mark.long)
            cases[test] += 1
