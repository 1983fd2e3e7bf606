"""Every model file that comes with the package: its claims stand and its experiments run."""

import pytest

from causalopt import storage
from causalopt.model import judge, load_model, model_files, title_of

NAMES = list(model_files())


@pytest.mark.parametrize("name", NAMES)
def test_every_claim_stands(name):
    for claim in load_model(name).claims:
        verdict = judge(claim)
        assert verdict.fault is None, f"{claim.statement}: {verdict.fault} ({verdict.computed})"


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_gives_data_and_figures(name, tmp_path):
    model = load_model(name)
    assert model.name == name
    assert model.experiments or model.derivations
    for experiment in model.experiments:
        data = experiment.compute()
        storage.write_data(data, tmp_path / f"{experiment.name}.nc")
        for figure, paint in experiment.figures.items():
            for path in storage.write_figure(paint(data), tmp_path, figure):
                assert path.stat().st_size > 1000


@pytest.mark.parametrize("name", NAMES)
def test_the_list_of_models_fits_80_columns(name):
    assert len(f"{name:<21}  {title_of(model_files()[name])}") <= 80
