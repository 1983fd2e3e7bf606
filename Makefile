# The commands of the house. Each one works on a bare machine that has Python 3.11 or newer.

PYTHON ?= python3
BIN := .venv/bin
# What touches every library that the package stands on, in a few minutes.
SMOKE := tests/runs tests/model tests/backends/test_conformance.py tests/study/test_storage.py \
	tests/study/test_record.py tests/study/test_terminal.py tests/drawing/test_labels.py

.PHONY: demo test long docs figures bench lint lowest clean

demo: .venv/.core
	$(BIN)/causalopt run continuous_thermostat

test: .venv/.test lint
	$(BIN)/python -m pytest -n auto -m "not long" --doctest-modules

# What takes long: fuzz without end, every model from a wheel, defects put in on purpose; and the
# laws that hold for any example, tried on examples that no run has seen.
long: .venv/.test
	$(BIN)/python -m pytest -n auto -m long --hypothesis-profile=search
	$(BIN)/python -m pytest -n auto -m "not long" --hypothesis-profile=search

docs: .venv/.docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going docs docs/_build
	@echo "The site: docs/_build/index.html"

# The screenshots of docs/images, which the tests compare with the pages; it needs a browser.
figures: .venv/.test
	$(BIN)/python -m pytest tests/explorer/test_pictures.py --figures

bench: .venv/.bench
	$(BIN)/python -m benchmarks

# The lowest versions that pyproject.toml declares, on PYTHON, in an environment of their own.
lowest:
	rm -rf .venv-lowest
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet uv
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python \
		--resolution lowest-direct ".[jax]" "pytest>=8.0" "hypothesis>=6.100"
	.venv-lowest/bin/python -m pytest -m "not long" -o filterwarnings= $(SMOKE)

lint: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.core: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/.test: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@ .venv/.core

.venv/.docs: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	touch $@ .venv/.core

.venv/.bench: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[bench]"
	touch $@ .venv/.core

clean:
	rm -rf docs/_build docs/gallery docs/reference docs/reproduction.md docs/measures/desiderata.md
	rm -rf .venv .venv-lowest build dist results .pytest_cache .mypy_cache .ruff_cache
