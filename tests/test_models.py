"""Every model file that comes with the package: its claims stand and its experiments run."""

import csv
from pathlib import Path

import pytest

from causalopt.study import compare, load_model, model_files, storage, title_of

NAMES = list(model_files())
INVENTORY = Path(__file__).parent.parent / "docs" / "published_figures.csv"


@pytest.mark.parametrize("name", NAMES)
def test_every_claim_stands(name):
    for claim in load_model(name).claims:
        comparison = compare(claim)
        because = f"{claim.statement}: {comparison.fault} ({comparison.computed})"
        assert comparison.fault is None, because


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_gives_data_and_figures(name, tmp_path):
    study = load_model(name)
    assert study.name == name
    assert study.experiments or study.derivations
    for experiment in study.experiments:
        data = experiment.compute()
        storage.write_data(data, tmp_path / f"{experiment.name}.nc")
        for figure, paint in experiment.figures.items():
            for path in storage.write_figure(paint(data), tmp_path, figure):
                assert path.stat().st_size > 1000


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
