"""Files of others that are no part of the repository: read where they lie beside it."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def folder_of(*parts):
    """A folder of such files; where there is none, the tests that need it are skipped."""
    for place in (ROOT, *ROOT.parents):
        folder = place.joinpath("shared", *parts)
        if folder.is_dir():
            return folder
    return None


def needs(folder):
    """A mark of tests that read such a folder."""
    return pytest.mark.skipif(folder is None, reason="the published files are not beside this copy")
