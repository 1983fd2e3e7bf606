"""One question asked of many models: one row each, and why where there is none."""

import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("zarr")
pytest.importorskip("distributed")

from causalopt import (
    ModelError,
    Network,
    QueryError,
    SweepError,
    System,
    op,
    open_sweep,
    sweep_models,
    variables,
)
from causalopt.runs.cluster.engine import connected
from causalopt.study import load_model

T, R = variables("T R")

MINE = '''"""A room."""
from causalopt import System, variables
from causalopt.study import Study
T, R = variables("T R")
{before}
study = Study("room", "A room", "a notebook",
              System({{T: R - 25, R: R - {k} * T}}, start={{T: 10, R: 35}}))
'''


@pytest.fixture(scope="module")
def client():
    with connected(None, 1, 1) as own:
        yield own


def write(folder, name, k=0.1, before=""):
    path = folder / f"{name}.py"
    path.write_text(MINE.format(k=k, before=before))
    return path


def strength(system):
    """How strongly T steers R in ten steps."""
    return op(system, A=system.find("T"), n=system.find("R")[0], m=system.find("R")[10])


def test_every_model_has_a_row_and_what_is_wrong_is_told_in_its_own(client, tmp_path):
    paths = [
        write(tmp_path, "weak", 0.1),
        write(tmp_path, "broken", before="raise ValueError('no such room')"),
        write(tmp_path, "strong", 0.2),
        "derive_free_energy",
        "sprinkler",
    ]
    store = tmp_path / "x.zarr"
    kept = sweep_models(paths, strength, store=store, client=client)
    table = kept.table
    assert table.model.values.tolist() == [
        "weak", "broken", "strong", "derive_free_energy", "sprinkler",
    ]  # fmt: skip
    for name, k in (("weak", 0.1), ("strong", 0.2)):
        room = System({T: R - 25, R: R - k * T}, start={T: 10, R: 35})
        assert table.op.sel(model=name) == op(room, A=T, n=R[0], m=R[10]).item()
        assert table.error.sel(model=name) == ""
    errors = dict(zip(table.model.values.tolist(), table.error.values.tolist(), strict=True))
    assert "ValueError: no such room" in errors["broken"]
    assert errors["derive_free_energy"].endswith("declares no system.")
    assert errors["sprinkler"] == "IndexError: string index out of range"  # it has no T
    assert np.isnan(table.op.sel(model=["broken", "derive_free_energy", "sprinkler"])).all()
    assert {failure.where["model"] for failure in kept.failures} == {
        "broken", "derive_free_energy", "sprinkler",
    }  # fmt: skip
    # Nothing is computed again, but what failed, where it is asked for.
    seconds = kept.status.seconds
    assert sweep_models(paths, strength, store=store).status.seconds == seconds
    # A file that is another one by now is another sweep.
    write(tmp_path, "broken")
    with pytest.raises(SweepError, match="holds another sweep"):
        sweep_models(paths, strength, store=store, client=client, retry=True)


def test_models_that_are_there_already_are_sent(client, tmp_path):
    a, b = variables("a b")
    models = {
        "room": load_model("dumb_thermostat").system,
        "web": Network({b: 2 * a}, start={a: 3}),
    }

    def count(model):
        return len(model.parameters) + 10 * len(model.series)

    kept = sweep_models(models, count, store=tmp_path / "x.zarr", client=client)
    assert kept.table.value.values.tolist() == [count(model) for model in models.values()]
    assert open_sweep(tmp_path / "x.zarr").table.error.values.tolist() == ["", ""]


def test_rows_of_files_with_one_name_have_their_paths(client, tmp_path):
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    paths = [write(folder, "room", k) for folder, k in zip(folders, (0.1, 0.2), strict=True)]
    kept = sweep_models(paths, strength, store=tmp_path / "x.zarr", client=client)
    assert kept.data.model.values.tolist() == [str(path) for path in paths]
    assert kept.data.op[0] != kept.data.op[1]


@pytest.mark.parametrize(
    ("models", "error", "says"),
    [
        ("lorenz", QueryError, "models is 'lorenz': write a list of paths"),
        ([], QueryError, "has shape"),
        (["nothing"], ModelError, "There is no model 'nothing'"),
        ({"a": 3}, QueryError, r"models\['a'\] is 3: write names and models"),
        ([Path("sprinkler"), "sprinkler"], QueryError, "more than once"),
    ],
)
def test_what_is_no_collection_is_told(models, error, says, tmp_path):
    with pytest.raises(error, match=says):
        sweep_models(models, strength, store=tmp_path / "x.zarr")
    assert not os.listdir(tmp_path)
