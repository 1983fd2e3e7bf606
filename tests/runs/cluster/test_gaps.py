"""A masked sweep in chunks is the masked sweep of one call: numbers, where runs fail, and why."""

from functools import partial

import numpy as np
import pytest
import xarray as xr

from causalopt import EvaluationError, Survey, comp, op, open_sweep, run, sweep
from tests.runs.cluster import test_sweep
from tests.runs.cluster.asked import called, growing, k, noisy, note, x, y

# growing's x leaves the floats for k x[0] > 1, the sooner the larger it is; noisy's is bounded.
# Where k x[0] < 1 it comes to 0 in 12 steps, and Op is 0/0: that is counted, and has not failed.
MASK = {"on_failure": "mask"}
STARTS = [0.5, 1, 40, 0.25, 7]
GRID = {k: [0.1, 2.5, 0.3, 0.9], x[0]: STARTS}
POINTS = [{k: rate, x[0]: start} for rate in GRID[k] for start in STARTS]

MASKED = {
    "op": (partial(op, growing, A=y, n=x[0], m=x[12], **MASK), {"over": GRID}),
    "op over time, from the other side": (
        partial(op, growing, A=x, n=y[0], m=y, steps=12, **MASK), {"over": GRID},
    ),
    "comp at points": (partial(comp, growing, A=y, n=x[0], m=x[12], **MASK), {"over": POINTS}),
    "run": (partial(run, growing.world(12), keep=[x, y[3]], **MASK), {"over": GRID}),
    "nothing fails": (partial(run, noisy.world(4), **MASK), {"over": {k: [0.1, 3]}, "draws": 5}),
}  # fmt: skip


def at_once(name):
    ask, where = MASKED[name]
    return test_sweep.as_dataset(ask(**where))


def alone(name, failure):
    """Why a point fails by itself, in words."""
    ask, where = MASKED[name]
    targets = list(where["over"] if isinstance(where["over"], dict) else where["over"][0])
    labels = {target: [failure.where[str(target)]] for target in targets}
    with pytest.raises(EvaluationError) as told:
        ask.func(*ask.args, **{**ask.keywords, "on_failure": "raise"}, over=labels)
    return str(told.value)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("chunk", [1, 3, 20])
@pytest.mark.parametrize("name", MASKED)
def test_it_is_one_call_in_parts(name, chunk, client, tmp_path):
    ask, where = MASKED[name]
    kept = sweep(ask, **where, store=tmp_path / "x.zarr", client=client, chunk=chunk)
    expected = at_once(name)
    assert kept.data.load().identical(expected)
    assert kept.data.failed.attrs["count"] == len(kept.failures)
    assert kept.data.identical(Survey(ask, **where)())
    # As it is found again by whoever opens the store.
    assert open_sweep(tmp_path / "x.zarr").data.load().identical(expected)


@pytest.mark.parametrize("name", ["op", "comp at points"])
def test_this_process_alone_gives_the_same(name, tmp_path):
    ask, where = MASKED[name]
    kept = sweep(ask, **where, store=tmp_path / "x.zarr", chunk=4)
    assert kept.data.load().identical(at_once(name))
    assert kept.store.alone


@pytest.mark.parametrize("name", ["op", "comp at points", "run"])
def test_each_failure_is_told_and_the_first_of_a_chunk_says_why(name, client, tmp_path):
    ask, where = MASKED[name]
    kept = sweep(ask, **where, store=tmp_path / "x.zarr", client=client, chunk=5)
    assert {failure.chunk for failure in kept.failures} == {0, 1, 2, 3}
    seen = set()
    for failure in kept.failures:
        if failure.chunk in seen and "beside it" in failure.error:
            continue
        assert failure.error.startswith(alone(name, failure).split(",")[0])
        seen.add(failure.chunk)
    assert kept.data.failed.attrs["reason"] == kept.failures[0].error
    table = kept.table
    assert ((table.error != "") == table.failed).all()


def test_failures_are_done_again_and_what_is_undone_has_not_failed(tmp_path):
    ask, where = MASKED["op"]
    place = tmp_path / "x.zarr"
    kept = sweep(ask, **where, store=place, chunk=5)
    assert sweep(ask, **where, store=place, retry=True).data.identical(kept.data)
    next(iter(kept.store.marks.glob("1.*"))).unlink()
    assert kept.data.failed.sum("x[0]").values.tolist() == [1, 0, 2, 2]
    assert sweep(ask, **where, store=place).data.load().identical(at_once("op"))


def test_chunks_that_fail_throughout_are_not_asked_point_by_point(tmp_path):
    folder = tmp_path / "calls"
    folder.mkdir()

    def strength(over):
        note(folder, len(over[x[0]]))
        return op(growing, A=y, n=x[0], m=x[12], over=over, **MASK)

    starts = [0.5, *np.linspace(3, 20, 199)]
    kept = sweep(strength, {x[0]: starts}, store=tmp_path / "x.zarr", chunk=20)
    assert len(kept.failures) == 199
    # Each chunk once, and a few parts of the first one before, to see how long they take.
    calls = called(folder)
    assert calls["20"] >= kept.store.chunks.count
    assert sum(calls.values()) < 2 * kept.store.chunks.count
    # The first of the second chunk says why by itself.
    with pytest.raises(EvaluationError) as told:
        op(growing, A=y, n=x[0], m=x[12], over={x[0]: [starts[20]]})
    assert kept.failures[19].error == str(told.value)


def test_a_part_of_the_points_that_fails_throughout_is_no_failure_of_the_others(tmp_path):
    def halves(over):
        starts = over[x[0]]
        parts = [p for p in (starts[starts < 2], starts[starts >= 2]) if len(p)]
        asked = ({x[0]: part} for part in parts)
        found = [op(growing, A=y, n=x[0], m=x[12], over=part, **MASK) for part in asked]
        return xr.concat(found, "x[0]", combine_attrs="override")

    starts = [0.5, 1.0, 3.0, 4.0]
    kept = sweep(halves, {x[0]: starts}, store=tmp_path / "x.zarr", chunk=4)
    assert [failure.where["x[0]"] for failure in kept.failures] == [3, 4]


@pytest.mark.parametrize("chunk", [1, 4])
def test_a_chunk_of_failures_counts_nothing_undefined(chunk, tmp_path):
    ask, place = partial(op, growing, A=y, n=x[0], m=x[12]), tmp_path / "x.zarr"
    for _ in range(2):
        kept = sweep(ask, {k: [0.1, 3, 4, 0.2]}, store=place, chunk=chunk, retry=True)
        assert (kept.data.op.undefined, len(kept.failures)) == (2, 2)


def test_a_label_of_that_name_which_is_no_mask_is_left_alone(tmp_path):
    def marks(over):
        values = np.asarray(over["k"])
        failed = ("k", values > 1)
        return xr.DataArray(values * 2, dims="k", coords={"k": values, "failed": failed})

    kept = sweep(marks, {"k": [0.5, 2.0]}, store=tmp_path / "x.zarr")
    assert kept.data.value.values.tolist() == [1, 4]
    assert not kept.failures
    assert "failed" not in kept.data.coords
