# Everything is installed into .venv, from PyPI, at the versions in constraints.txt.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: help count-bits test lint types format check clean

help:
	@echo "make count-bits   sets up .venv and runs the main job"
	@echo "make test         sets up .venv and passes the tests"
	@echo "make check        tests, lint, formatting and types: what CI runs"
	@echo "make format       puts the code into its form"
	@echo "make clean        removes .venv and caches"

count-bits: .venv/run
	@$(BIN)/python -m experiments.count_bits

test: .venv/dev
	$(BIN)/python -m pytest -n 2

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev
	$(BIN)/mypy

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: test lint types

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Two stamps: what a run needs, and what development needs besides.
.venv/run: EXTRAS =
.venv/dev: EXTRAS = [dev]
.venv/run .venv/dev: pyproject.toml constraints.txt | python-is-new-enough
	@echo "Setting up .venv with $$($(PYTHON) --version), about a minute ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".$(EXTRAS)"
	@$(BIN)/python -c "from lstm_jax.recurrent.native import build; build.load()"
	@touch $@

.PHONY: python-is-new-enough
python-is-new-enough:
	$(if $(shell $(PYTHON) -c 'import sys; print("yes" if sys.version_info >= (3, 12) else "")' 2>&1 | grep -x yes),,$(error \
	needs Python 3.12 or newer, but $(PYTHON) is $(or $(shell $(PYTHON) --version 2>/dev/null),missing); name another with make PYTHON=python3.12))
