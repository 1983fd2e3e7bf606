"""Every model file that comes with the package: its claims stand and its experiments run."""

import contextlib
import csv
import functools
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from causalopt.study import compare, load_model, model_files, storage, title_of
from causalopt.study.needs import missing_extras

NAMES = list(model_files())


def runnable(long=()):
    """Each model that can run here; some in the long run alone."""
    params = []
    for name, path in model_files().items():
        lacks = missing_extras(path)
        marks = [pytest.mark.skipif(bool(lacks), reason=f"needs {lacks}")]
        marks += [pytest.mark.long] if name in long else []
        params.append(pytest.param(name, marks=marks))
    return pytest.mark.parametrize("name", params)


ROOT = Path(__file__).parent.parent
INVENTORY = ROOT / "docs" / "published_figures.csv"
# What was computed for one claim is there for the next.
study_of = functools.cache(load_model)
# What a wheel has of the source.
PACKED = (ROOT / "causalopt", ROOT / "models")

_watchers = []
sys.addaudithook(
    lambda event, told: [watch.append(told[0]) for watch in _watchers] if event == "open" else None
)


@contextlib.contextmanager
def only_what_comes_along():
    """Within this, of the source's files only those are opened that a wheel has."""
    opened = []
    _watchers.append(opened)
    try:
        yield
    finally:
        _watchers.remove(opened)
    paths = {Path(one).resolve() for one in opened if isinstance(one, str | Path)}
    source = {path for path in paths if path.is_relative_to(ROOT) and ".venv" not in path.parts}
    assert not {path for path in source if not any(map(path.is_relative_to, PACKED))}


# These train for minutes where cores are few: their experiments are in every run. Or they take
# seconds, and others like them stay.
@runnable(
    long=[
        "influence_of_data", "localization", "training_op", "saturating_thermostat",
        "double_well", "many_small_steps", "annealing_landscape",
    ]
)  # fmt: skip
def test_every_claim_stands(name):
    for claim in study_of(name).claims:
        comparison = compare(claim)
        because = f"{claim.statement}: {comparison.fault} ({comparison.computed})"
        assert comparison.fault is None, because


@pytest.mark.sampled(12)
@runnable(long=["training_op"])
def test_every_experiment_gives_data_and_figures(name, tmp_path):
    with only_what_comes_along():
        study = load_model(name)
    assert study.name == name
    assert study.experiments or study.derivations
    for experiment in study.experiments:
        with only_what_comes_along():
            data = experiment.compute()
        path = tmp_path / f"{experiment.name}.nc"
        storage.write_data(data, path)
        written = (
            data if isinstance(data, xr.Dataset) else data.to_dataset(name=data.name or "data")
        )
        assert xr.load_dataset(path).identical(written)
        for figure, paint in experiment.figures.items():
            for path in storage.write_figure(paint(data), tmp_path, figure):
                assert path.stat().st_size > 1000


@pytest.mark.long
@runnable()
def test_what_is_kept_is_what_is_computed(name):
    """One point of each archive, computed again; trained networks magnify rounding."""
    for archive in study_of(name).archives:
        labels = {name: values[-1] for name, values in archive.over.items()}
        kept = archive.read().sel(labels, drop=True)
        for part, numbers in archive.compute(**labels).items():
            assert numbers.values == pytest.approx(kept[part].values, rel=1e-3, abs=5e-3), part


@pytest.mark.long
def test_localization_is_that_of_backpropagation_written_by_hand():
    """R^2 over the weights and over the biases: numbers of a program of its own."""
    pytest.importorskip("jax", reason="the model needs causalopt[jax]")
    data = runpy.run_path(str(model_files()["localization"]))["localized"](seed=1, rate=1e-3)
    for part, expected in ((slice(0, 784), 0.12530786), (784, 0.06472537)):
        pair = (data[name].values[part].reshape(-1) for name in ("updating", "difference"))
        assert np.corrcoef(*pair)[0, 1] ** 2 == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_list_of_models_fits_80_columns(name):
    assert len(f"{name:<21}  {title_of(model_files()[name])}") <= 80


def test_every_published_figure_has_a_counterpart():
    with INVENTORY.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    keys = [row["key"] for row in rows]
    assert len(set(keys)) == len(keys)
    assert all(
        row.keys() == {"key", "post", "place", "shows"} and all(row.values()) for row in rows
    )
    experiments = [one for name in NAMES for one in load_model(name).experiments]
    depicted = {key for one in experiments for keys in one.depicts.values() for key in keys}
    assert depicted == set(keys)
