"""Results on disk: nothing is lost and nothing is overwritten in silence."""

import errno
import itertools
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from causalopt import FileError, ModelError, System, op, plots, variables
from causalopt.study import storage

a, b = variables("a b")


def finished(parent, text):
    """A run that wrote a text."""
    folder = storage.working_folder(parent, "model")
    storage.write_text(text, folder / "kept.txt")
    return storage.settle(folder, "model")


def test_an_earlier_result_is_moved_aside(tmp_path):
    assert finished(tmp_path / "results", "0") == (tmp_path / "results" / "model", None)
    for count in (1, 2, 3):
        folder, moved = finished(tmp_path / "results", str(count))
        assert (folder / "kept.txt").read_text() == str(count)
        assert (moved / "kept.txt").read_text() == str(count - 1)
        assert len(list((tmp_path / "results").iterdir())) == count + 1


def test_an_empty_folder_and_a_link_are_no_hindrance(tmp_path):
    (tmp_path / "model").mkdir()
    assert finished(tmp_path, "first") == (tmp_path / "model", None)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "model").rename(tmp_path / "elsewhere" / "it")
    (tmp_path / "model").symlink_to(tmp_path / "elsewhere" / "it")
    folder, moved = finished(tmp_path, "second")
    assert not folder.is_symlink()
    assert (moved / "kept.txt").read_text() == "first"


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "results").write_text("a file stands in the way")
    with pytest.raises(FileError, match="--results DIR"):
        storage.working_folder(tmp_path / "results", "model")
    (tmp_path / "model").write_text("another one")
    with pytest.raises(FileError, match="model cannot be written"):
        storage.working_folder(tmp_path, "model")
    assert len(list(tmp_path.iterdir())) == 2


def test_runs_that_end_at_once_lose_nothing(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: finished(tmp_path, str(number)), range(200)))
    texts = sorted(int((folder / "kept.txt").read_text()) for folder in tmp_path.iterdir())
    assert texts == list(range(200))


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


def test_what_the_disk_refuses_is_told_by_the_files_own_name(tmp_path):
    told = pytest.raises(FileError, match=r"data\.txt cannot be written: No space left")
    with told, storage.replacement(tmp_path / "data.txt"):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(FileError, match="there is no folder"):
        storage.write_text("text", tmp_path / "none" / "data.txt")
    assert not list(tmp_path.iterdir())


def reread(data, path):
    storage.write_data(data, path)
    with xr.open_dataset(path) as back:
        return back.load()


def test_arrays_survive_the_disk(tmp_path):
    system = System({a: a - b / 3, b: a}, start={a: 1, b: 0})
    found = op(system, A=b, n=a[0], m=a, steps=9, over={a[0]: [1, 2]}, branch="complex")
    assert reread(found, tmp_path / "op.nc")["op"].identical(found)


# What a name may be made of: no half letters, which nothing can be named by.
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
KINDS = [np.float64, np.float32, np.int64, np.uint8, np.bool_, np.complex128, np.complex64, np.str_]


@settings(max_examples=50)
@given(
    names=st.lists(NAMES, min_size=2, max_size=5, unique=True),
    kind=st.sampled_from(KINDS),
    numbers=st.lists(st.integers(0, 99), min_size=1, max_size=4),
)
@example(names=["θ", "α", "ж", "温度"], kind=np.complex128, numbers=[1])
@example(names=["a/b", "a∕b", "a∕b_", "dx/dt"], kind=np.float64, numbers=[1])
@example(names=[".", "..", "\0", "a\0b"], kind=np.float64, numbers=[1])
@example(names=["x", "x_real", "x_imag"], kind=np.complex128, numbers=[1])
def test_names_of_any_letters_and_values_of_any_kind_survive_the_disk(names, kind, numbers):
    dim, *columns = names
    values = np.array(numbers).astype(kind)
    data = xr.Dataset({name: ([dim], values) for name in columns}, {dim: np.arange(len(numbers))})
    with tempfile.TemporaryDirectory() as folder:
        back = reread(data, Path(folder) / "data.nc")
    said = {back[name].attrs.get("long_name", name) for name in back.variables}
    assert said == {name.replace("\0", "␀") for name in names}
    assert len(back.data_vars) == len(columns)  # and so none has taken another's place
    assert all(back[name].dtype.kind == values.dtype.kind for name in back.data_vars)
    assert all((back[name].values == values).all() for name in back.data_vars)
    if not set("/\0") & set("".join(names)) and "." not in names:
        assert back.identical(data)


@pytest.mark.parametrize("word", ["_FillValue", "missing_value", "scale_factor", "add_offset"])
def test_what_would_be_read_as_other_numbers_is_told(tmp_path, word):
    data = xr.DataArray([1.0, 2.0], dims="k", name="v", attrs={word: 2.0})
    with pytest.raises(ModelError, match=f"v has the attribute {word}"):
        storage.write_data(data, tmp_path / "v.nc")
    with pytest.raises(ModelError, match=f"k has the attribute {word}"):
        storage.write_data(
            xr.DataArray([1.0], {"k": ("k", [3.0], {word: 2.0})}, ["k"]), tmp_path / "v.nc"
        )
    assert not list(tmp_path.iterdir())


def test_an_array_of_any_name_is_written(tmp_path):
    for name in (None, "time", "data", 3):
        array = xr.DataArray([1.0, 2.0], {"time": [0, 1], "data": 5}, ["time"], name)
        back = reread(array, tmp_path / "data.nc")
        assert [list(back[one].values) for one in back.data_vars] == [[1.0, 2.0]]


@pytest.mark.parametrize(
    "nothing", [None, 3, np.ones(3), xr.DataArray(np.array(["a", 1, {}], dtype=object))]
)
def test_what_is_no_labelled_result_is_told(tmp_path, nothing):
    with pytest.raises(ModelError):
        storage.write_data(nothing, tmp_path / "data.nc")
    assert not list(tmp_path.iterdir())


def test_a_figure_is_written_however_long_its_legend_takes(tmp_path, monkeypatch):
    ticks = itertools.count(step=10)
    clock = SimpleNamespace(perf_counter=lambda: next(ticks))
    monkeypatch.setattr("matplotlib.legend.time", clock)
    with plots.figure() as (picture, ax):
        ax.plot([0, 1], label="T")
        ax.legend()
    assert [path.suffix for path in storage.write_figure(picture, tmp_path, "T")] == [
        ".png",
        ".svg",
    ]
