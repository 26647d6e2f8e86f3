# `make demo` and `make test` work on a fresh machine with Python 3.11 or newer and make: no GPU, no checkpoint.
# Longer checks have targets of their own; `make help` lists them all.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Small tensors: two threads wait for each other longer than they work, and beside other work many times as long.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo reproduce docs test test-slow clients fuzz check lint types format clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

install: $(INSTALLED)  ## make .venv with everything but the cluster extra

$(INSTALLED): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[serve,lab,checkpoints,judges,provenance,dev]'
	@touch $@

demo: install  ## pictures without and with a negative on the same seeds, into demo/
	@$(BIN)/negspace demo --out demo

reproduce: install  ## measure the claims of the literature: docs/reproduction.md (half an hour of a core)
	@$(BIN)/python -m bench.reproduce docs/reproduction.md

docs: install  ## make the generated pages of docs/ anew
	@$(BIN)/python -m tools.docs

test: install  ## the tests, warnings as errors, a file at a time on each of two cores
	@$(PYTEST) -n 2 --dist loadfile -m 'not slow'

test-slow: install  ## the tests that take minutes
	@$(PYTEST) -m slow

clients: install  ## clients that need environments of their own, against a live server
	@$(PYTEST) tests/serve/test_clients.py

fuzz: install  ## made-up requests to every operation of the server (ten minutes)
	@$(PYTEST) -m slow tests/serve/test_schema.py

check: install lint types test  ## the gate: format, lint, types, tests

lint: install
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: install
	@$(BIN)/pyright

format: install  ## format and mend what can be mended by itself
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:  ## remove what was made here, .venv included
	rm -rf $(VENV) demo build dist .pytest_cache .ruff_cache .hypothesis
	find src tests training -name __pycache__ -prune -exec rm -rf {} +
