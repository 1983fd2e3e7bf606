"""Archives: results beside a model, remade point by point, refused where they are of another."""

import numpy as np
import pytest
import xarray as xr

from causalopt import FileError, ModelError
from causalopt.study import Archive


def summed(calls=None):
    def one(seed, loss):
        if calls is not None:
            calls.append((seed, loss))
        drawn = np.random.default_rng(seed).normal(size=3) * (2 if loss == "half" else 1)
        return xr.Dataset({"value": drawn.sum(), "part": ("place", drawn)})

    return one


def archive(tmp_path, compute=None, seeds=(3, 1), **settings):
    over = {"seed": list(seeds), "loss": ["half", "all"]}
    return Archive(tmp_path / "some.nc", compute or summed(), over, settings)


def test_what_is_read_is_what_was_computed_in_the_order_that_was_asked(tmp_path):
    kept = archive(tmp_path, rate=0.1)
    assert list(kept.remake()) == [0, 1, 2, 3]
    read = kept.read()
    assert read.seed.values.tolist() == [3, 1]
    assert read.loss.values.tolist() == ["half", "all"]
    for seed in (3, 1):
        for loss in ("half", "all"):
            one = read.sel(seed=seed, loss=loss, drop=True)
            assert one.drop_attrs().equals(summed()(seed, loss))
    assert [path.name for path in tmp_path.iterdir()] == ["some.nc"]


def test_one_dim_alone(tmp_path):
    kept = Archive(tmp_path / "one.nc", lambda seed: xr.Dataset({"twice": 2 * seed}), {"seed": [2]})
    list(kept.remake())
    assert kept.read().twice.sel(seed=2).item() == 4


def test_what_was_stopped_goes_on_where_it_stopped(tmp_path):
    calls = []
    kept = archive(tmp_path, summed(calls))
    for number in kept.remake():
        if number == 1:
            break
    assert not kept.path.exists()
    list(kept.remake())
    assert calls == [(3, "half"), (3, "all"), (1, "half"), (1, "all")]
    assert kept.read().sizes["seed"] == 2


def test_what_was_stopped_of_other_settings_begins_again(tmp_path):
    calls = []
    next(iter(archive(tmp_path, summed(calls), rate=0.1).remake()))
    list(archive(tmp_path, summed(calls), rate=0.2).remake())
    assert len(calls) == 5


def test_points_are_known_by_their_labels(tmp_path):
    """What was stopped of another grid: points of both are kept, and the others left out."""
    calls = []
    for number in archive(tmp_path, summed(calls), seeds=(3, 1)).remake():
        if number == 2:
            break
    kept = archive(tmp_path, summed(calls), seeds=(5, 3))
    list(kept.remake())
    assert calls[3:] == [(5, "half"), (5, "all")]
    read = kept.read()
    assert read.seed.values.tolist() == [5, 3]
    for seed in (5, 3):
        assert read.value.sel(seed=seed, loss="all").item() == summed()(seed, "all").value.item()
    fewer = archive(tmp_path, summed(calls), seeds=[3])
    list(fewer.remake())
    assert xr.open_dataset(fewer.path, engine="h5netcdf").sizes["point"] == 2


def test_two_remakes_at_once_are_one_too_many(tmp_path):
    one = archive(tmp_path).remake()
    next(one)
    with pytest.raises(FileError, match="made by another process"):
        next(archive(tmp_path).remake())
    list(one)
    assert [path.name for path in tmp_path.iterdir()] == ["some.nc"]
    list(archive(tmp_path).remake())


def test_what_cannot_be_written_is_told_before_anything_is_computed(tmp_path):
    calls = []
    nowhere = archive(tmp_path / "nowhere", summed(calls))
    with pytest.raises(FileError, match="there is no folder"):
        next(nowhere.remake())
    beside = tmp_path / "some-unfinished.nc"
    beside.write_bytes(b"\x89HDF")
    with pytest.raises(ModelError, match=r"is broken: .* Remove it"):
        next(archive(tmp_path, summed(calls)).remake())
    assert not calls


def test_results_that_are_there_twice_are_told(tmp_path):
    kept = archive(tmp_path)
    list(kept.remake())
    held = xr.load_dataset(kept.path, engine="h5netcdf")
    del held.attrs["digest"]  # as archives were once
    xr.concat([held, held.isel(point=[0])], "point").to_netcdf(kept.path, engine="h5netcdf")
    with pytest.raises(ModelError, match="of seed=3, loss=half twice"):
        kept.read()


def test_an_old_archive_stays_until_a_new_one_is_whole(tmp_path):
    kept = archive(tmp_path)
    list(kept.remake())
    before = kept.path.read_bytes()

    def fails(seed, loss):
        if seed == 1:
            raise ArithmeticError
        return summed()(seed, loss)

    with pytest.raises(ArithmeticError):
        list(archive(tmp_path, fails).remake())
    assert kept.path.read_bytes() == before


def test_what_is_not_there_or_of_another_is_told(tmp_path):
    kept = archive(tmp_path, rate=0.1)
    with pytest.raises(ModelError, match=r"not there.*causalopt remake"):
        kept.read()
    list(kept.remake())
    with pytest.raises(ModelError, match=r"settings.*0\.1.*0\.2"):
        archive(tmp_path, rate=0.2).read()
    with pytest.raises(ModelError, match="no results of seed=5"):
        archive(tmp_path, seeds=(3, 5), rate=0.1).read()
    kept.path.write_text("no file of this kind")
    with pytest.raises(ModelError, match="no archive"):
        kept.read()


@pytest.mark.parametrize("over", [{}, {"seed": []}])
def test_an_archive_is_over_something(over, tmp_path):
    with pytest.raises(ModelError, match="such as"):
        Archive(tmp_path / "a.nc", summed(), over)
