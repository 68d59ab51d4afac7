# The project's commands. Each does its own set-up: python3, make and the package registries are all it needs.
#   make demo    five weeks of a pretend cloud in a minute
#   make check   format, lint, types, layers      make test   everything that needs no cluster and no cloud
#   make e2e     the real parts, from bare        make bench  speed and memory against their targets
#   make lock    requirements.lock anew           make clean  remove the virtual environments
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help venv demo check format test e2e e2e-down bench lock clean

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
PYTHON ?= $(shell tests/pythons.sh first)

help:
	@sed -n '1,6s/^# \{0,1\}//p' Makefile

# The environment is made again when the lock or the project's metadata change.
$(VENV)/.ready: requirements.lock pyproject.toml
	@echo "== environment $(VENV) with $(PYTHON)"
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(UV) pip sync --quiet --python $(BIN)/python requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(UV) pip install --quiet --python $(BIN)/python uv
	@touch $@

venv: $(VENV)/.ready

demo: venv
	@$(BIN)/lessor demo

# The picture in the README, from a run of the demonstration.
docs/demo.svg: venv
	$(BIN)/python -m tests.demo.picture $@

format: venv
	$(BIN)/ruff format operator tests
	$(BIN)/ruff check --fix operator tests

check: venv
	$(BIN)/ruff format --check operator tests
	$(BIN)/ruff check operator tests
	$(BIN)/mypy
	$(BIN)/lint-imports

# Every Python of 3.11 to 3.14 that starts here runs the tests; the first one also measures coverage.
test: check
	@tests/run.sh

e2e: venv
	@tests/e2e/run.sh

e2e-down:
	@tests/e2e/openstack/cloud.sh down
	@tests/e2e/kube/kube.sh down

bench: venv
	@tests/bench/run.sh

lock:
	@test -x $(UV) || { "$(PYTHON)" -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv; }
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    --extra dev --extra uvloop --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*
