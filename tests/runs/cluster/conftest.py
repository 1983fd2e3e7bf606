"""Two processes that compute for all sweeps of these tests."""

import pytest

pytest.importorskip("zarr")
pytest.importorskip("distributed")

from causalopt.runs.cluster.engine import connected


@pytest.fixture(scope="session")
def client():
    with connected(None, 2, 2) as own:
        yield own
