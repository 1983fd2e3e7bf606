"""A sweep in parts gives what one call gives, to the last bit, and goes on where it stopped."""

import contextlib
import json
import pickle
from functools import partial

import numpy as np
import pytest
import xarray as xr
import zarr

from causalopt import (
    EvaluationError,
    QueryError,
    Question,
    Survey,
    SweepError,
    System,
    comp,
    op,
    open_sweep,
    run,
    sweep,
)
from causalopt.runs.cluster import submission, sweeping
from causalopt.runs.cluster.work import whoami
from tests.runs.cluster import asked
from tests.runs.cluster.asked import R, T, called, d, e, growing, k, noisy, room, x, y

GRID = {k: np.linspace(0.01, 0.5, 9), R[0]: [20, 30.0, 35, 41]}
POINTS = [{k: 0.01 * i, d: 20 + i} for i in range(11)]

#: A function of many points, and what it is asked at.
TOGETHER = {
    "op": (partial(op, room, A=T, n=R[0], m=R[20]), {"over": GRID}),
    "op over time": (partial(op, room, A=T, n=R[0], m=R, steps=6), {"over": GRID}),
    "comp by differences": (
        partial(comp, room, A=T, n=R[0], m=R[20], delta=1e-3), {"over": {d: np.arange(20, 30)}},
    ),
    "run": (partial(run, room.world(5), room.world(5).perturb(R[0], by=1)), {"over": GRID}),
    "run at points": (partial(run, room.world(5)), {"over": POINTS}),
    "op of draws": (partial(op, noisy, A=y, n=x[0], m=x, steps=8), {"draws": range(3, 20)}),
    "run of draws over k": (
        partial(run, noisy.world(8, seed=4)), {"over": {k: [0.1, 0.2, 0.4]}, "draws": 7},
    ),
    "counts of 0/0": (partial(op, growing, A=x, n=y[0], m=y, steps=4), {"over": {k: [0.1, 0.2]}}),
}  # fmt: skip


def as_dataset(found):
    return found.to_dataset() if isinstance(found, xr.DataArray) else found


@pytest.mark.sampled(4)
@pytest.mark.parametrize("chunk", [1, 5])
@pytest.mark.parametrize("name", TOGETHER)
def test_a_sweep_is_one_call_in_parts(name, chunk, client, tmp_path):
    ask, where = TOGETHER[name]
    kept = sweep(ask, **where, store=tmp_path / "x.zarr", client=client, chunk=chunk)
    assert kept.status.is_complete
    assert not kept.failures
    assert kept.data.load().identical(as_dataset(ask(**where)))


@pytest.mark.parametrize("name", TOGETHER)
def test_a_sweep_of_this_process_alone_is_the_same(name, tmp_path):
    ask, where = TOGETHER[name]
    kept = sweep(ask, **where, store=tmp_path / "x.zarr", chunk=3)
    assert kept.data.load().identical(as_dataset(ask(**where)))
    assert list(kept.status.by) == [whoami()]
    assert kept.store.alone


@pytest.mark.parametrize("name", ["op", "run at points", "op of draws"])
def test_chunks_that_are_chosen_change_nothing(name, client, tmp_path):
    ask, where = TOGETHER[name]
    kept = sweep(ask, **where, store=tmp_path / "x.zarr", client=client)
    assert kept.data.load().identical(as_dataset(ask(**where)))


def test_a_question_is_asked_for_its_op(client, tmp_path):
    plain = Question(room, T, R[0], R, steps=6)
    kept = sweep(plain, GRID, store=tmp_path / "x.zarr", client=client, chunk=7)
    expected = op(room, A=T, n=R[0], m=R, steps=6, over=GRID)
    assert kept.data.op.load().identical(expected)
    # What it sweeps itself is swept, where nothing else is named; and it is the same sweep.
    swept = Question(room, T, R[0], R, steps=6, over=GRID)
    again = sweep(swept, store=tmp_path / "x.zarr", client=client)
    assert again.data.op.load().identical(expected)
    with pytest.raises(SweepError, match="holds another sweep"):
        sweep(Question(room, T, R[0], R, steps=7), GRID, store=tmp_path / "x.zarr")


def test_a_function_of_one_point_is_called_at_each(client, tmp_path):
    where = {"k": [0.5, 1.5, 2.0], "seed": range(5)}
    kept = sweep(asked.growing_course, where, store=tmp_path / "x.zarr", client=client, chunk=4)
    data = kept.data.load()
    assert data.course.dims == ("k", "seed", "i")
    assert data.i.values.tolist() == list("abcd")
    assert data.attrs == {"says": "course"}  # of what differs from seed to seed nothing is said
    for point in data.stack(point=("k", "seed")).point.values:
        one = asked.growing_course(*point)
        here = data.sel(k=point[0], seed=point[1])
        assert here.course.values.tolist() == one.course.values.tolist()
        assert here.length == 4
    assert data.identical(Survey(asked.growing_course, where)())


def test_texts_and_points_by_keyword(client, tmp_path):
    def area(shape, size):
        return {"square": size**2, "round": np.pi * size**2}[shape]

    where = [{"shape": s, "size": n} for s in ("square", "round") for n in (1.0, 2.0)]
    kept = sweep(area, where, store=tmp_path / "x.zarr", client=client, chunk=3)
    assert kept.data.value.values.tolist() == [1.0, 4.0, np.pi, 4 * np.pi]
    assert kept.data["shape"].values.tolist() == ["square", "square", "round", "round"]
    assert kept.data["size"].dims == ("point",)


# -- going on --------------------------------------------------------------------------------------


class Stopped(Exception):
    pass


def stopping_after(count):
    """A bar that stops the sweep after some chunks."""

    def counted(work, *told):
        for number, chunk in enumerate(work, start=1):
            yield chunk
            if number == count:
                raise Stopped

    return counted


@pytest.mark.parametrize("alone", [False, True])
def test_a_sweep_goes_on_where_it_stopped(client, alone, tmp_path, monkeypatch):
    client = None if alone else client
    folder, store = tmp_path / "calls", tmp_path / "x.zarr"
    folder.mkdir()
    ask = partial(asked.slow, str(folder))
    with monkeypatch.context() as patch:
        patch.setattr(sweeping, "counted", stopping_after(7))
        with pytest.raises(Stopped):
            sweep(ask, {"n": range(40)}, store=store, client=client, chunk=2)
    kept = open_sweep(store)
    assert 7 <= kept.status.done < 20
    assert not kept.status.is_complete
    before = {m: (kept.store.marks / f"{m}.done").stat().st_mtime_ns for m in kept.marked.done}
    missing = int(np.isnan(kept.data.value).sum())
    assert missing >= 40 - 2 * (kept.status.done + 2)
    sweep(ask, {"n": range(40)}, store=store, client=client)
    whole = open_sweep(store)
    assert whole.data.value.values.tolist() == [n**2 for n in range(40)]
    assert whole.status.is_complete
    # What had a mark was left alone; one point was asked for the form, and few chunks twice.
    for mark, time in before.items():
        assert (whole.store.marks / f"{mark}.done").stat().st_mtime_ns == time
    twice = sum(count - 1 for count in called(folder).values())
    assert twice <= 1 + 2 * 2
    # A third call computes nothing.
    count = sum(called(folder).values())
    sweep(ask, {"n": range(40)}, store=store)
    assert sum(called(folder).values()) == count


# -- failures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("alone", [False, True])
def test_failures_are_results_and_can_be_tried_again(client, alone, tmp_path):
    client = None if alone else client
    folder, store = tmp_path / "calls", tmp_path / "x.zarr"
    folder.mkdir()
    ask, where = partial(asked.failing, str(folder)), {"n": range(20)}
    kept = sweep(ask, where, store=store, client=client, chunk=4)
    expected = np.array([np.nan if n in (3, 11, 17) else n for n in range(20)], dtype=float)
    assert np.array_equal(kept.data.value, expected, equal_nan=True)
    assert [(f.where, f.error) for f in kept.failures] == [
        ({"n": 3}, "x[2] is infinite where n = 3"),
        ({"n": 11}, "x[2] is infinite where n = 11"),
        ({"n": 17}, "ValueError: seventeen"),
    ]
    assert str(kept.failures[0]) == "n = 3: x[2] is infinite where n = 3"
    assert kept.status.is_complete
    assert kept.status.faulty == 3
    # What failed is not tried again, unless it is asked for, and nothing else is then.
    counts = called(folder)
    (tmp_path / "mended").write_text("")
    sweep(ask, where, store=store, client=client)
    assert called(folder) == counts
    mended = sweep(ask, where, store=store, client=client, retry=True)
    assert mended.data.value.values.tolist() == list(range(20))
    assert not mended.failures
    assert mended.status.faulty == 0
    again = {int(n) for n, count in called(folder).items() if count > counts[n]}
    assert again == {0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19}


def test_a_value_that_leaves_the_finite_numbers_is_told_as_in_a_run(client, tmp_path):
    ask, where = partial(run, growing.world(12)), {k: [0.5, 1.0, 2.0, 2.5, 4.0, 0.25]}
    kept = sweep(ask, where, store=tmp_path / "x.zarr", client=client, chunk=6)
    failed = [failure.where["k"] for failure in kept.failures]
    assert failed == [2.0, 2.5, 4.0]
    with pytest.raises(EvaluationError) as told:
        ask(over={k: [2.5]})
    assert kept.failures[1].error == str(told.value)
    fine = kept.data.drop_sel(k=failed).load()
    assert fine.identical(ask(over={k: [0.5, 1.0, 0.25]}))
    assert np.isnan(kept.data.x.sel(k=failed)).all()


def test_a_process_that_dies_at_a_point_is_a_failure_of_its_chunk(client, tmp_path, monkeypatch):
    # So that two deaths are enough to suspect a chunk, and those that wait beside it.
    monkeypatch.setattr(client.cluster.scheduler, "allowed_failures", 1)
    folder = tmp_path / "calls"
    folder.mkdir()
    ask = partial(asked.dying, str(folder))
    kept = sweep(ask, {"n": range(12)}, store=tmp_path / "x.zarr", client=client, chunk=3)
    expected = [np.nan if 3 <= n < 6 or n == 7 else n for n in range(12)]
    assert np.array_equal(kept.data.value, expected, equal_nan=True)
    chunk, point = kept.failures
    assert chunk.where == {"n": (3, 5)}
    assert str(chunk).startswith("n from 3 to 5: each process that computes it dies, by a fault")
    assert str(point) == "n = 7: ValueError: seven"


def test_what_a_worker_said_before_it_died_is_not_missed(client, tmp_path, monkeypatch):
    """A chunk that has its mark is done; one that has none is handed out again."""
    folder = tmp_path / "calls"
    folder.mkdir()
    lost = []

    def is_lost(future):
        if len(lost) < 2:
            lost.append(future.key)
            if len(lost) == 2:
                marks = tmp_path / "x.zarr" / "_progress"
                (marks / f"{future.key.split('-')[-2]}.done").unlink()
            return True
        return False

    monkeypatch.setattr(submission, "_is_lost", is_lost)
    ask = partial(asked.square, str(folder))
    kept = sweep(ask, {"n": range(12)}, store=tmp_path / "x.zarr", client=client, chunk=3)
    assert kept.data.value.values.tolist() == [n**2 for n in range(12)]
    assert len(lost) == 2
    again = int(lost[1].split("-")[-2])
    times = called(folder)
    assert {n for n in range(1, 12) if times[str(n)] == 2} == set(
        range(max(1, 3 * again), 3 * again + 3)
    )


def test_a_suspect_is_tried_by_itself_as_often_as_others(client, tmp_path):
    folder = tmp_path / "calls"
    folder.mkdir()
    survey = Survey(partial(asked.failing, str(folder)), {"n": range(20)})
    kept = sweep(survey, store=tmp_path / "x.zarr", client=client, chunk=4)
    before = called(folder)
    question = client.submit(submission._itself, sweeping.packed(survey))
    desk = submission._Desk(client, "again", question, kept.store)
    assert list(desk.done([4], None)) == [4]
    assert str(kept.failures[-1]) == "n = 17: ValueError: seventeen"
    # Two times as a whole; the third time by halves, down to the point.
    assert called(folder)["17"] - before["17"] == 5


def test_a_first_point_that_fails_is_no_reason_to_stop(client, tmp_path):
    ask, where = partial(run, growing.world(12)), {k: [4.0, 2.5, 0.5]}
    kept = sweep(ask, where, store=tmp_path / "x.zarr", client=client)
    assert [failure.where["k"] for failure in kept.failures] == [4.0, 2.5]
    with pytest.raises(EvaluationError, match="x"):
        sweep(ask, {k: [4.0, 5.0]}, store=tmp_path / "y.zarr", client=client)
    assert not (tmp_path / "y.zarr").exists()


def test_a_parameter_that_follows_to_no_number_is_a_fault_of_its_point(tmp_path):
    follows = System({x: x * d}, start={x: 1}, parameters={k: 1, d: 1 / k})
    ask, where = partial(run, follows.world(3)), {k: [0.0, 1.0, 2.0]}
    kept = sweep(ask, where, store=tmp_path / "x.zarr")
    assert [failure.where["k"] for failure in kept.failures] == [0.0]
    assert "d = 1/k is no finite real number where k = 0" in kept.failures[0].error
    assert kept.data.x.sel(world="W", k=2.0).values.tolist() == [1, 0.5, 0.25, 0.125]


@pytest.mark.parametrize("alone", [False, True])
def test_points_that_are_looked_at_before_may_fail_as_others_do(client, alone, tmp_path):
    def root(n):
        if n in (1, 5):
            raise ValueError("odd")
        return n

    kept = sweep(root, {"n": range(9)}, store=tmp_path / "x.zarr", client=None if alone else client)
    assert [failure.where["n"] for failure in kept.failures] == [1, 5]
    assert np.isnan(kept.data.value[[1, 5]]).all()
    assert kept.data.value[[0, 2, 8]].values.tolist() == [0, 2, 8]


def test_a_first_look_that_ends_its_process_says_what_to_do(client, tmp_path, monkeypatch):
    monkeypatch.setattr(client.cluster.scheduler, "allowed_failures", 0)
    ask = partial(asked.dying, str(tmp_path))
    with pytest.raises(SweepError, match=r"first points end the process .* such as chunk=100"):
        sweep(ask, {"n": [5, 6]}, store=tmp_path / "x.zarr", client=client)


# -- what is refused -------------------------------------------------------------------------------


REFUSED = {
    "nothing": ({}, "Nothing is swept"),
    "no values": ({"over": {"n": []}}, r"over\[n\] has shape \(0,\)"),
    "no points": ({"over": []}, "over has no points"),
    "no draws": ({"draws": range(0)}, "names no chains"),
    "a value twice": ({"over": {"n": [1, 2, 1.0]}}, r"over\[n\] has 1.0 more than once.*place 0"),
    "a point twice": (
        {"over": [{"n": 1, "m": 2}, {"n": 2, "m": 1}, {"n": 2, "m": 1}]},
        "over has 2, 1 more than once, first at place 1",
    ),
    "NaN": ({"over": {"n": [1, np.nan]}}, "1 values that are not finite"),
    "mixed": ({"over": {"n": [1, "a"]}}, r"over\[n\] holds \[1, 'a'\]"),
    "one number": ({"over": {"n": 3}}, r"over\[n\] is 3 \(int\)"),
    "other names": ({"over": [{"n": 1}, {"m": 1}]}, r"over\[1\] is {'m': 1}"),
    "no whole chunk": ({"over": {"n": [1]}, "chunk": 0}, "chunk is 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_swept_is_told_before_anything_starts(name, tmp_path):
    given, says = REFUSED[name]
    with pytest.raises(QueryError, match=says):
        sweep(partial(asked.square, str(tmp_path)), **given, store=tmp_path / "x.zarr")
    assert not list(tmp_path.iterdir())


FUNCTIONS = {
    "no function": (3, "3 .int. cannot be swept"),
    "no labels": (lambda n: [n], r"<lambda> gives \[1\] .list."),
    "texts": (lambda n: xr.DataArray("a"), "value holds <U1 values"),
    "a folder's name": (lambda n: xr.DataArray(1.0, name="a/b"), "'a/b', which names a folder"),
    "no dim of its own": (lambda over: xr.DataArray([1.0], dims="m"), "no dim n, but m"),
    "other names": (
        lambda m: m,
        r"<lambda> cannot be called with n \(missing a required argument: 'm'\)",
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_without_labelled_numbers_are_refused(name, client, tmp_path):
    function, says = FUNCTIONS[name]
    with pytest.raises(QueryError, match=says):
        sweep(function, {"n": [1, 2]}, store=tmp_path / "x.zarr", client=client)
    assert not list(tmp_path.iterdir())


def test_a_function_that_changes_its_form_fails_where_it_does(client, tmp_path):
    def changing(n):
        return xr.DataArray(np.ones(2 + (n == 2)), dims="i")

    kept = sweep(changing, {"n": range(4)}, store=tmp_path / "x.zarr", client=client, chunk=1)
    (failure,) = kept.failures
    assert failure.where == {"n": 2}
    assert "value has the shape (1, 3)" in failure.error


def test_another_store_is_refused_by_what_differs(client, tmp_path):
    store, where = tmp_path / "x.zarr", {"n": range(6), "seed": [1, 2]}
    square = partial(asked.square, str(tmp_path))
    sweep(square, where, store=store, client=client, chunk=5)
    before = {file: file.read_bytes() for file in store.rglob("*") if file.is_file()}
    others = {
        "it asks square.*, and here cube": (partial(asked.cube, str(tmp_path)), where),
        "it sweeps 6 x n from 0 to 5, 2 x seed from 1 to 2, and here 7 x n": (
            square, {"n": range(7), "seed": [1, 2]},
        ),
        "with other values": (square, {"n": [0, 1, 2, 4, 3, 5], "seed": [1, 2]}),
        "it sweeps 6 x n from 0 to 5, 2 x seed.*and here 2 x seed": (
            square, {"seed": [1, 2], "n": range(6)},
        ),
    }  # fmt: skip
    for says, (ask, over) in others.items():
        with pytest.raises(SweepError, match=f"x.zarr holds another sweep: .*{says}"):
            sweep(ask, over, store=store)
    with pytest.raises(SweepError, match=r"was begun with chunks of \(2, 2\)"):
        sweep(square, where, store=store, chunk=2)
    assert {f: f.read_bytes() for f in store.rglob("*") if f.is_file()} == before


def test_another_version_is_refused(client, tmp_path, monkeypatch):
    square = partial(asked.square, str(tmp_path))
    kept = sweep(square, {"n": [1, 2]}, store=tmp_path / "x.zarr", client=client)
    known = kept.store.identity.versions
    monkeypatch.setattr("causalopt.runs.cluster.identity.versions",
                        lambda: {**known, "numpy": "1.0"})  # fmt: skip
    with pytest.raises(SweepError, match=r"it was made with numpy .*, and here is 1\.0"):
        sweep(square, {"n": [1, 2]}, store=tmp_path / "x.zarr")


def test_what_is_no_store_is_left_alone(tmp_path):
    square = partial(asked.square, str(tmp_path))
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    xr.Dataset({"a": ("x", [1.0])}).to_zarr(tmp_path / "zarr", zarr_format=3, consolidated=False)
    for name in ("file", "folder", "zarr"):
        with pytest.raises(SweepError, match=f"{name} holds no sweep, but something else"):
            sweep(square, {"n": [1]}, store=tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"
    with pytest.raises(SweepError, match="nowhere holds no sweep, but nothing"):
        open_sweep(tmp_path / "nowhere")
    with pytest.raises(QueryError, match="a folder that all workers see"):
        sweep(square, {"n": [1]}, store="s3://mine/x.zarr")


def test_what_cannot_be_sent_is_told(client, tmp_path):
    with (tmp_path / "open").open("w") as file, pytest.raises(SweepError, match="cannot be sent"):
        sweep(lambda n: file.write(n), {"n": [1]}, store=tmp_path / "x.zarr", client=client)
    with pytest.raises(SweepError, match="client is a int"):
        sweep(lambda n: n, {"n": [1]}, store=tmp_path / "x.zarr", client=3)


# -- what lies in the store ------------------------------------------------------------------------


def test_a_store_is_an_ordinary_group_that_is_read_when_it_is_asked(client, tmp_path):
    where = {k: [0.01, 0.02, 0.05], R[0]: [20.0, 30]}
    ask = partial(run, room.world(4))
    kept = sweep(ask, where, store=tmp_path / "x.zarr", client=client, chunk=2)
    with xr.open_zarr(tmp_path / "x.zarr", chunks=None, consolidated=False) as opened:
        assert opened.identical(ask(over=where))
    assert not kept.data.R.variable._in_memory
    assert kept.data.R.encoding["chunks"] == (1, 5, 1, 2)
    marks = sorted(file.name for file in kept.store.marks.iterdir())
    assert marks == ["0.done", "1.done", "2.done", "zarr.json"]
    mark = json.loads((kept.store.marks / "0.done").read_text())
    assert mark["by"].rpartition(":")[2].isdigit()
    assert mark["seconds"] > 0


def test_units_of_time_are_texts_and_no_dates(tmp_path):
    def waiting(n):
        said = {"a": {"units": "hours"}, "b": {"units": "days since 2000-01-01"}}
        said["c"] = {"scale_factor": 2.0}
        return xr.Dataset({name: ((), float(n), attrs) for name, attrs in said.items()})

    survey = Survey(waiting, {"n": [1, 2]})
    assert sweep(survey, store=tmp_path / "x.zarr").data.load().identical(survey())


def test_what_a_store_reads_as_its_own_is_told(tmp_path):
    def filled(n):
        return xr.Dataset({"a": ((), float(n), {"_FillValue": 1.0})})

    with pytest.raises(QueryError, match="a has the attribute _FillValue"):
        sweep(Survey(filled, {"n": [1, 2]}), store=tmp_path / "x.zarr")
    assert not (tmp_path / "x.zarr").exists()


class Bomb:
    def __reduce__(self):
        return print, ("unpickled",)


def test_nothing_in_a_store_is_unpickled(tmp_path, monkeypatch, capsys):
    """In the format before, a store may name pickling as the way in which an array is written."""
    numcodecs = pytest.importorskip("numcodecs")
    monkeypatch.setattr(numcodecs.pickles, "ALLOW_UNSAFE_PICKLE_DECODE", True, raising=False)
    kept = sweep(partial(asked.square, str(tmp_path)), {"n": [1, 2]}, store=tmp_path / "x.zarr")
    crafted = tmp_path / "crafted.zarr"
    group = zarr.open_group(crafted, mode="w", zarr_format=2)
    inner = group.create_group("_progress")
    inner.attrs.put(json.loads((kept.store.marks / "zarr.json").read_text())["attributes"])
    for name in ("n", "value"):
        (crafted / name).mkdir()
        filters = [{"id": "vlen-utf8"}, {"id": "pickle", "protocol": 5}]
        array = {"zarr_format": 2, "shape": [1], "chunks": [1], "dtype": "|O", "fill_value": "",
                 "order": "C", "compressor": None, "filters": filters}  # fmt: skip
        (crafted / name / ".zarray").write_text(json.dumps(array))
        (crafted / name / ".zattrs").write_text(json.dumps({"_ARRAY_DIMENSIONS": ["n"]}))
        (crafted / name / "0").write_bytes(pickle.dumps([Bomb(), "|O", (1,)]))
    with contextlib.suppress(Exception):  # it does go off where somebody reads such a format
        group["value"][:]
    assert "unpickled" in capsys.readouterr().out
    with pytest.raises(SweepError, match=r"crafted\.zarr holds no sweep, but something else"):
        open_sweep(crafted)
    assert "unpickled" not in capsys.readouterr().out


def test_noise_e_is_the_same_in_any_part():
    # The point of a sweep of draws: a chain has its numbers whichever others are asked with it.
    assert [str(noise) for noise in noisy.noises] == [str(e)]
