"""What tests of the terminal share."""

import pytest
from click.testing import CliRunner

from causalopt.study.terminal import main


@pytest.fixture
def call(request, tmp_path, monkeypatch):
    """The terminal in a folder with the files of a module, ``FILES``."""
    monkeypatch.chdir(tmp_path)
    for name, text in request.module.FILES.items():
        (tmp_path / name).write_text(text)
    return lambda *words: CliRunner().invoke(main, list(words))
