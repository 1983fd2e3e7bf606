"""Results on disk: nothing is lost and nothing is overwritten in silence."""

import numpy as np
import pytest
import xarray as xr

from causalopt import ModelError, System, op, variables
from causalopt.study import storage

a, b = variables("a b")


def test_an_earlier_result_is_moved_aside(tmp_path):
    folder, moved = storage.fresh_folder(tmp_path / "results", "model")
    assert moved is None
    (folder / "kept.txt").write_text("first")
    for count in (1, 2):
        again, moved = storage.fresh_folder(tmp_path / "results", "model")
        assert again == folder
        assert list(folder.iterdir()) == []
        assert (moved / "kept.txt").exists()
        (folder / "kept.txt").write_text("again")
        assert len(list((tmp_path / "results").iterdir())) == count + 1


def test_an_empty_folder_is_taken_as_it_is(tmp_path):
    (tmp_path / "model").mkdir()
    assert storage.fresh_folder(tmp_path, "model") == (tmp_path / "model", None)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "results").write_text("a file stands in the way")
    with pytest.raises(ModelError, match="--results DIR"):
        storage.fresh_folder(tmp_path / "results", "model")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "data.txt"
    storage.write_text("first", path)

    def interrupted():
        with storage.replacement(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_arrays_survive_the_disk(tmp_path):
    system = System({a: a - b / 3, b: a}, start={a: 1, b: 0})
    found = op(system, A=b, n=a[0], m=a, steps=9, over={a[0]: [1, 2]}, branch="complex")
    storage.write_data(found, tmp_path / "op.nc")
    with xr.open_dataset(tmp_path / "op.nc", engine="scipy") as back:
        whole = back["op_real"] + 1j * back["op_imag"]
        assert np.array_equal(whole, found, equal_nan=True)
        assert back["a[0]"].values.tolist() == [1, 2]
