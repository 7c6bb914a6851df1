# make up      the whole service on this machine: Redis, the worker and the API
# make test    everything that must be green: format, lint, types, import contracts, tests
# make format  put the code into its format
# make bench-train  training speed beside the peers; takes tensorflow-cpu into an environment of its own
#
# PYTHON names the interpreter. TORCH_INDEX, an index URL, takes torch from there, for instance as CPU-only wheels.

VENV := .venv
BIN := $(VENV)/bin
KERAS_VENV := .venv-keras
PYTHON ?= python3
TORCH_INDEX ?=
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: up test format bench-train clean

up: $(VENV)/.up
	@exec $(BIN)/digitforge up

test: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench-train: $(VENV)/.dev $(KERAS_VENV)/.ready
	$(BIN)/python -m bench.train --keras-python $(KERAS_VENV)/bin/python

clean:
	rm -rf $(VENV) $(KERAS_VENV)

$(VENV)/.up: pyproject.toml constraints.txt
	@echo "making the environment in $(VENV); the first time takes some minutes"
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) $(if $(TORCH_INDEX),--no-deps --index-url $(TORCH_INDEX)) torch
	$(INSTALL) --editable '.[up]'
	@touch $@

$(VENV)/.dev: $(VENV)/.up
	$(INSTALL) --editable '.[up,dev]'
	@touch $@

$(KERAS_VENV)/.ready:
	$(PYTHON) -m venv $(KERAS_VENV)
	$(KERAS_VENV)/bin/pip install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0
	@touch $@
