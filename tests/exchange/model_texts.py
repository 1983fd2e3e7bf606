"""Models in text, as tests write them down to be read."""

from causalopt.exchange import read_model


def read_text_of(folder, text):
    (folder / "model.toml").write_text(text, encoding="utf-8")
    return read_model(folder / "model.toml")
