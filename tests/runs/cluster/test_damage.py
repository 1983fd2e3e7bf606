"""Stores with files that are missing, cut or changed: that is told, and chunks are done again."""

import json
import shutil
from functools import partial

import numpy as np
import pytest
import xarray as xr

from causalopt import FileError, SweepError, op, open_sweep, run, sweep
from causalopt.runs.cluster.marks import ChunkMark, write_mark
from tests.runs.cluster import asked
from tests.runs.cluster.asked import R, T, called, k, room

GRID = {k: np.linspace(0.01, 0.5, 35)}
STRENGTH = partial(op, room, A=T, n=R[0], m=R[5])


def remove(file):
    file.unlink()


def cut(file):
    held = file.read_bytes()
    file.write_bytes(held[: len(held) // 2])


def change(file):
    held = bytearray(file.read_bytes())
    held[len(held) // 2] ^= 0x55
    file.write_bytes(held)


DAMAGE = {remove: "is missing", cut: "were written", change: "its bytes have changed"}
#: What is seen without reading a file.
SEEN = [remove, cut]


def swept(folder, client=None):
    return sweep(STRENGTH, GRID, store=folder / "st.zarr", chunk=10, client=client)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("chunk", [1, 3])
@pytest.mark.parametrize("alone", [True, False])
def test_a_damaged_chunk_is_told_and_computed_again(damage, chunk, alone, client, tmp_path):
    client = None if alone else client
    whole = swept(tmp_path, client).data.load()
    file = tmp_path / "st.zarr" / "op" / "c" / str(chunk)
    held = file.read_bytes()
    damage(file)
    kept = open_sweep(tmp_path / "st.zarr")
    told = f"{file}.*{DAMAGE[damage]}.*Write the same sweep again"
    with pytest.raises(FileError, match=told):
        kept.data.op.load()
    # What is sound can be had.
    assert kept.data.op[:9].identical(whole.op[:9])
    with pytest.warns(RuntimeWarning, match=f"{file}.*{DAMAGE[damage]}.*computed again"):
        again = swept(tmp_path, client)
    assert again.data.load().identical(whole)
    assert again.status.is_complete
    assert not again.failures
    assert file.read_bytes() == held
    swept(tmp_path, client)  # without a warning


@pytest.mark.parametrize("damage", SEEN)
def test_what_is_missing_or_cut_is_seen_by_status_and_failures(damage, tmp_path):
    swept(tmp_path)
    file = tmp_path / "st.zarr" / "op" / "c" / "1"
    damage(file)
    kept = open_sweep(tmp_path / "st.zarr")
    assert (kept.status.done, kept.status.damaged, kept.status.chunks) == (3, 1, 4)
    assert not kept.status.is_complete
    (failure,) = kept.failures
    assert failure.chunk == 1
    assert failure.where == {"k": (GRID[k][9], GRID[k][17])}
    assert DAMAGE[damage] in failure.error
    assert "Write the same sweep again" in failure.error
    errors = kept.table.error.values
    assert [bool(error) for error in errors] == [9 <= i < 18 for i in range(35)]


def test_only_what_was_lost_is_computed_again(tmp_path):
    (tmp_path / "calls").mkdir()
    ask, where = partial(asked.square, str(tmp_path / "calls")), {"n": range(8)}
    store = tmp_path / "st.zarr"
    sweep(ask, where, store=store, chunk=2)
    before = called(tmp_path / "calls")
    for chunk, damage in enumerate(DAMAGE):
        damage(store / "value" / "c" / str(chunk))
    with pytest.warns(RuntimeWarning, match="value/c/0 is missing. 2 more chunks are damaged too"):
        kept = sweep(ask, where, store=store)
    assert kept.data.value.values.tolist() == [n**2 for n in range(8)]
    after = called(tmp_path / "calls")
    assert {n for n, count in after.items() if count > before[n]} == set("012345")


def test_results_of_several_dims_have_a_file_for_each_part(tmp_path, monkeypatch):
    monkeypatch.setattr("causalopt.runs.cluster.store._MOST", 40)
    where = {k: [0.01, 0.02, 0.05], R[0]: [20.0, 30]}
    ask = partial(run, room.world(9))
    kept = sweep(ask, where, store=tmp_path / "st.zarr", chunk=1)
    assert kept.data.load().identical(ask(over=where))
    mark = json.loads((kept.store.marks / "3.done").read_text())
    assert {place.split("/")[0] for place in mark["files"]} == {"T", "R"}
    assert len(mark["files"]) > 2
    every = [f for n in ("T", "R") for f in (kept.path / n).rglob("*") if f.name.isdigit()]
    every = {f.relative_to(kept.path).as_posix() for f in every if f.is_file()}
    marks = [json.loads(file.read_text()) for file in kept.store.marks.glob("*.done")]
    assert every == {place for mark in marks for place in mark["files"]}


def test_numbers_that_are_all_nan_have_no_file_and_are_not_missed(tmp_path):
    def unknown(n):
        return float("nan") if 2 <= n < 4 else float(n)

    store = tmp_path / "st.zarr"
    kept = sweep(unknown, {"n": range(6)}, store=store, chunk=2)
    assert not (store / "value" / "c" / "1").exists()
    assert kept.status.is_complete
    assert not kept.failures
    assert np.isnan(kept.data.value.values).tolist() == [False, False, True, True, False, False]
    sweep(unknown, {"n": range(6)}, store=store)  # without a warning
    # A file where there was none is no less wrong.
    shutil.copy(store / "value" / "c" / "0", store / "value" / "c" / "1")
    with pytest.raises(FileError, match="c/1 is there, and no such file was written"):
        open_sweep(store).data.value.load()


def test_labels_of_zeros_have_no_file_and_are_not_missed(tmp_path):
    kept = sweep(lambda n: n + 1.0, {"n": [0.0]}, store=tmp_path / "st.zarr")
    assert not (kept.path / "n" / "c").exists()
    assert kept.data.value.values.tolist() == [1.0]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_labels_are_told(damage, tmp_path):
    file = swept(tmp_path).path / "k" / "c" / "0"
    damage(file)
    told = f"{file}.*{DAMAGE[damage]}.*from a copy, or remove the store"
    with pytest.raises(FileError, match=told):
        open_sweep(tmp_path / "st.zarr").data  # noqa: B018


@pytest.mark.parametrize("held", ["[]", "{", '{"zarr_format": 3, "node_type": "array"}', None])
@pytest.mark.parametrize("name", ["op", "k", "_progress", "."])
def test_damaged_metadata_are_told(name, held, tmp_path):
    file = swept(tmp_path).path / name / "zarr.json"
    if held is None:
        file.unlink()
    else:
        file.write_text(held)
    with pytest.raises(FileError, match=f"{file}.*from a copy, or remove the store"):
        open_sweep(tmp_path / "st.zarr").data  # noqa: B018


def test_no_chunk_is_marked_where_metadata_are_damaged(tmp_path):
    kept = swept(tmp_path)
    (kept.path / "op" / "zarr.json").write_text("[]")
    (kept.store.marks / "2.done").unlink()
    with pytest.raises(FileError, match=r"op/zarr.json cannot be read"):
        swept(tmp_path)
    assert kept.marked.done == {0, 1, 3}


@pytest.mark.parametrize("place", ["/dev/zero", "../../c/1", "op/../../c/1", "op"])
def test_a_mark_names_files_of_its_store_alone(place, tmp_path):
    kept = swept(tmp_path)
    mark = json.loads((kept.store.marks / "1.done").read_text())
    (kept.store.marks / "1.done").write_text(json.dumps({**mark, "files": {place: [1, "a"]}}))
    with pytest.raises(SweepError, match=r"1.done cannot be read: remove it"):
        swept(tmp_path)


def without_digests(kept):
    """A store as one that was made before there were any."""
    about = json.loads((kept.store.marks / "zarr.json").read_text())
    del about["attributes"]["contents"]
    (kept.store.marks / "zarr.json").write_text(json.dumps(about))
    for file in kept.store.marks.glob("*.done"):
        mark = json.loads(file.read_text())
        del mark["files"]
        file.write_text(json.dumps(mark))
    return open_sweep(kept.path)


@pytest.mark.parametrize("size", [0, 3, 10, -1])
def test_a_cut_file_without_a_digest_is_told(size, tmp_path):
    kept = swept(tmp_path)
    whole = kept.data.load()
    old = without_digests(kept)
    file = kept.path / "op" / "c" / "1"
    file.write_bytes(file.read_bytes()[:size])
    mark = kept.store.marks / "1.done"
    with pytest.raises(FileError, match=f"{file} cannot be unpacked.*Remove {mark}, write the"):
        old.data.op.load()
    mark.unlink()
    assert swept(tmp_path).data.load().identical(whole)


def test_a_cut_label_without_a_digest_is_told(tmp_path):
    kept = without_digests(swept(tmp_path))
    file = kept.path / "k" / "c" / "0"
    file.write_bytes(file.read_bytes()[:9])
    with pytest.raises(FileError, match=f"{file} cannot be unpacked.*from a copy, or remove the s"):
        kept.data  # noqa: B018


def test_a_store_without_digests_is_read_as_it_is(tmp_path):
    kept = swept(tmp_path)
    whole = kept.data.load()
    old = without_digests(kept)
    assert old.status.is_complete
    assert not old.failures
    assert old.data.load().identical(whole)
    assert swept(tmp_path).data.load().identical(whole)


def test_what_is_written_while_it_is_read_is_no_damage(tmp_path, monkeypatch):
    """A reader finds no file, and then the mark of one that was written meanwhile."""
    kept = swept(tmp_path)
    file, aside = kept.path / "op" / "c" / "1", tmp_path / "aside"
    whole = kept.data.load()
    file.rename(aside)
    known = kept.store._known

    def written_meanwhile(self, place):
        if aside.exists():
            aside.rename(file)
        return known(place)

    monkeypatch.setattr(type(kept.store), "_known", written_meanwhile)
    assert kept.data.op.load().identical(whole.op)


def test_a_chunk_that_was_never_written_has_no_digests(tmp_path):
    kept = swept(tmp_path)
    mark = ChunkMark("somebody", 0.0, kept.store.form.unsaid(), ["lost"], [(-1, 0)])
    write_mark(kept.store.marks, 1, mark)
    assert [failure.error for failure in open_sweep(kept.path).failures] == ["lost"]
    assert isinstance(open_sweep(kept.path).data.op.load(), xr.DataArray)
