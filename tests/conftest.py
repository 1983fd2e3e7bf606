"""What all tests share: examples take as long as they take, on a busy machine too.

Ours are the same in every run, so that a run says whether the code is another. ``make long`` draws
others, and more of them: what those find becomes a test of its own. ``make figures`` has the tests
of screenshots write them.
"""

from hypothesis import settings

settings.register_profile("house", deadline=None, derandomize=True, max_examples=40)
settings.register_profile("search", deadline=None)
settings.load_profile("house")


def pytest_addoption(parser):
    """What ``make figures`` asks for."""
    parser.addoption(
        "--figures", action="store_true", help="write the screenshots of docs/images anew"
    )
