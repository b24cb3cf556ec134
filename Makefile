# Two commands: `make demo` (a live portal with demo stores) and `make test`. Everything else follows from them.

PORT ?= 8000
DATA_DIR ?= var
PYTEST_WORKERS ?= 2
BENCH ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

.PHONY: help setup demo test lint format bench requirements browser clean

help:
	@echo "make demo   [PORT=8000] [DATA_DIR=var]  a live portal with demo organizations and sandbox stores"
	@echo "make test                               lint, types, import contracts, all tests"
	@echo "make setup                              the environment alone (.venv)"
	@echo "make lint | format | bench | requirements | clean"

setup: $(STAMP)

# Pinned by version and hash; the editable install builds with the pinned hatchling, so nothing unpinned is fetched.
$(STAMP): requirements/dev.txt requirements/base.in requirements/hatch_hook.py pyproject.toml
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; give it by PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV) || \
	  { echo "python -m venv failed: install your system's venv package (Debian: python3.11-venv)" >&2; rm -rf $(VENV); exit 1; }
	@echo "installing the pinned environment into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)
	@exec $(BIN)/portal up --demo --port $(PORT) --data-dir "$(DATA_DIR)"

# Both are run even when the first fails, so that one run tells everything; pytest's summary is the last word.
test: $(STAMP) browser
	@failed=; $(MAKE) --no-print-directory lint || failed=lint; \
	  $(BIN)/pytest -n $(PYTEST_WORKERS) || exit 1; \
	  test -z "$$failed" || { echo "the tests passed, but 'make lint' failed: see above" >&2; exit 1; }

lint: $(STAMP)
	@failed=; for check in "ruff check ." "ruff format --check ." "mypy" "lint-imports"; do \
	  echo "· $$check"; $(BIN)/$$check || failed=1; done; test -z "$$failed"

format: $(STAMP)
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

browser:
	@sh .ci/chromium

bench: $(STAMP)
	@exec $(BIN)/portal bench $(BENCH)

# After a change in requirements/*.in.
requirements: $(STAMP)
	@for name in base dev; do $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --no-emit-index-url \
	  --no-emit-trusted-host --no-emit-find-links --no-header --no-annotate --strip-extras \
	  --output-file requirements/$$name.txt requirements/$$name.in || exit 1; done

clean:
	@rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
