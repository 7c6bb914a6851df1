# make up      the whole service on this machine: Redis, the worker and the API
# make test    everything that must be green: format, lint, types, import contracts, tests
# make contract  schemathesis over the OpenAPI document, with 200 examples an operation
# make format  put the code into its format
# make bench-train  training speed beside the peers; takes tensorflow-cpu into an environment of its own
# make bench-serve  serving speed beside the peers, in an environment of their own; the load comes from wrk
#
# PYTHON names the interpreter. TORCH_INDEX, an index URL, takes torch from there, for instance as CPU-only wheels.

VENV := .venv
BIN := $(VENV)/bin
KERAS_VENV := .venv-keras
SERVE_VENV := .venv-serve
PYTHON ?= python3
TORCH_INDEX ?=
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: up test contract format bench-train bench-serve clean

up: $(VENV)/.up
	@exec $(BIN)/digitforge up

test: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

contract: $(VENV)/.dev
	SCHEMATHESIS_EXAMPLES=200 $(BIN)/pytest -n 0 tests/app/test_contract.py

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench-train: $(VENV)/.dev $(KERAS_VENV)/.ready
	$(BIN)/python -m bench.train --keras-python $(KERAS_VENV)/bin/python

bench-serve: $(VENV)/.dev $(SERVE_VENV)/.tried
	$(BIN)/python -m bench.serve --peers-python $(SERVE_VENV)/bin/python

clean:
	rm -rf $(VENV) $(KERAS_VENV) $(SERVE_VENV)

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

# The bench reports a peer that cannot be installed.
$(SERVE_VENV)/.tried:
	$(PYTHON) -m venv $(SERVE_VENV)
	$(SERVE_VENV)/bin/pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==2.13.0
	$(SERVE_VENV)/bin/pip install --quiet --disable-pip-version-check numpy pillow pydantic safetensors fastapi uvicorn
	-$(SERVE_VENV)/bin/pip install --quiet --disable-pip-version-check litserve==0.2.19
	-$(SERVE_VENV)/bin/pip install --quiet --disable-pip-version-check bentoml==1.4.40
	@touch $@
