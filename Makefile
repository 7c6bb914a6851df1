# make up      the whole service on this machine: Redis, the worker and the API
# make test    everything that must be green: format, lint, types, import contracts, tests
# make format  put the code into its format
#
# PYTHON names the interpreter. TORCH_INDEX, an index URL, takes torch from there, for instance as CPU-only wheels.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
TORCH_INDEX ?=
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: up test format clean

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

clean:
	rm -rf $(VENV)

$(VENV)/.up: pyproject.toml constraints.txt
	@echo "making the environment in $(VENV); the first time takes some minutes"
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) $(if $(TORCH_INDEX),--no-deps --index-url $(TORCH_INDEX)) torch
	$(INSTALL) --editable '.[up]'
	@touch $@

$(VENV)/.dev: $(VENV)/.up
	$(INSTALL) --editable '.[up,dev]'
	@touch $@
