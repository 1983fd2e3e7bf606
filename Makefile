# The commands of the house. Each one works on a bare machine that has Python 3.11 or newer.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test docs bench lint clean

demo: .venv/.core
	$(BIN)/causalopt run continuous_thermostat

test: .venv/.test lint
	$(BIN)/python -m pytest -n auto -m "not long" --doctest-modules

docs: .venv/.docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going docs docs/_build
	@echo "The site: docs/_build/index.html"

bench: .venv/.bench
	$(BIN)/python -m benchmarks

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
	rm -rf docs/_build docs/gallery docs/reference docs/reproduction.md
	rm -rf .venv build dist results .pytest_cache .mypy_cache .ruff_cache
