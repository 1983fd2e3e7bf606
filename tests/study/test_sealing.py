"""Archives with a changed byte are not read as other results; those without a digest are."""

import numpy as np
import pytest
import xarray as xr

from causalopt import ModelError
from causalopt.study import Archive
from causalopt.study.sealing import Damaged, read_sealed
from causalopt.study.storage import write_data


def computed(seed, loss):
    drawn = np.random.default_rng(seed).normal(size=40)
    return xr.Dataset(
        {
            "value": drawn.sum(),
            "part": ("place", np.where(drawn > 1, np.nan, drawn), {"units": "m"}),
            "count": ("place", np.arange(40, dtype=np.int32)),
            "is_large": ("place", drawn > 0),
            "turned": ("place", drawn + 1j),
            "word": ("place", [f"{loss} ü{i}" for i in range(40)]),
        },
        {"place": np.arange(40) / 4},
        {"made_of": "draws", "sizes": [1, 2]},
    )


@pytest.fixture
def kept(tmp_path):
    archive = Archive(tmp_path / "some.nc", computed, {"seed": [3, 1], "loss": ["half", "all"]})
    list(archive.remake())
    return archive


def test_everything_that_a_result_holds_comes_back(kept):
    read = kept.read()
    for seed in (3, 1):
        one = read.sel(seed=seed, loss="all", drop=True)
        assert one.drop_attrs().equals(computed(seed, "all").drop_attrs())
    assert read["part"].attrs["units"] == "m"
    assert "digest" not in read.attrs


# The library that reads such a file cannot always close it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_changed_byte_is_read_as_another_result(kept):
    whole, right = kept.path.read_bytes(), kept.read()
    places = np.random.default_rng(0).choice(len(whole), 60, replace=False)
    refused = 0
    for place in places.tolist():
        broken = bytearray(whole)
        broken[place] ^= 0x10
        kept.path.write_bytes(broken)
        try:
            found = kept.read()
        except ModelError:
            refused += 1
        else:
            assert found.identical(right)
    assert refused > 12


def test_a_changed_number_is_told(kept):
    whole = kept.path.read_bytes()
    number = np.float64(kept.read()["part"].sel(seed=3, loss="all").values[5]).tobytes()
    assert number in whole
    kept.path.write_bytes(whole.replace(number, np.float64(7).tobytes()))
    with pytest.raises(ModelError, match=r"something else than what was written.*causalopt remake"):
        kept.read()


def test_what_is_kept_of_one_that_is_not_done_is_looked_at_too(tmp_path):
    archive = Archive(tmp_path / "some.nc", computed, {"seed": [3, 1], "loss": ["half", "all"]})
    begun = archive.remake()
    next(begun)
    begun.close()
    beside = tmp_path / "some-unfinished.nc"
    number = np.int32([0, 1, 2, 3]).tobytes()
    assert number in beside.read_bytes()
    beside.write_bytes(beside.read_bytes().replace(number, np.int32([0, 1, 2, 4]).tobytes()))
    with pytest.raises(
        ModelError, match=r"something else.*Remove it, and what it holds is computed"
    ):
        next(archive.remake())


def test_a_file_without_a_digest_is_read_as_it_is(kept, tmp_path):
    held = xr.load_dataset(kept.path, engine="h5netcdf")
    del held.attrs["digest"]
    right = kept.read()
    held.to_netcdf(kept.path, engine="h5netcdf")
    assert kept.read().identical(right)


def test_names_with_a_slash_and_times_have_digests_too(tmp_path):
    times = np.array(["2020-01-01", "2021-06-01"], dtype="datetime64[ns]")
    data = xr.Dataset({"a/b": ("time", [1.0, 2.0], {"units": "1/s"})}, {"time": times})
    write_data(data, tmp_path / "a.nc", with_digest=True)
    found = read_sealed(tmp_path / "a.nc")
    assert found.time.values.tolist() == times.tolist()
    assert next(iter(found.values())).values.tolist() == [1.0, 2.0]
    with pytest.raises(Damaged):
        read_sealed(tmp_path / "b.nc")
