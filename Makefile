# Two commands do everything: `make run` and `make test`. Each sets up what is missing first, inside
# this folder and forkbot's cache; nothing is installed system-wide.

SHELL := /bin/sh
.SHELLFLAGS := -euc
.ONESHELL:
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# An activated environment of something else must not be mixed with ours.
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV

export PYTHON
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
INSTALLED := $(VENV)/installed
BEGAN := $(shell date +%s)
WORKERS ?= 2
# Tests that need a toolchain or wasmtime take the ones that forkbot got already.
CACHE = $${FORKBOT_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/forkbot}
PYTEST = PATH="$(BIN):$$PATH" FORKBOT_TEST_CACHE="$(CACHE)" $(BIN)/python -m pytest \
    -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# A checkout that was moved, or a Python that is gone, leaves an environment that is of no use here.
ifneq ($(wildcard $(INSTALLED)),)
HERE := $(shell $(BIN)/python -BIc 'import forkbot; print(*forkbot.__path__)' 2>/dev/null)
ifneq ($(HERE),$(CURDIR)/forkbot)
.PHONY: $(INSTALLED)
endif
endif

took = printf '==> make %s took %s s\n' "$@" "$$(($$(date +%s) - $(BEGAN)))"

.PHONY: help
help: ## this list
	@echo 'usage: make TARGET'
	sed -n 's/^\([a-z]*\):.* ## /  \1\t/p' Makefile | expand -t 12
	echo 'PYTHON=… names another Python than the first good one on PATH, WORKERS=… the parallel'
	echo 'tests (2), FORKBOT_CACHE=… another folder for what is downloaded and built.'

.PHONY: run
run: setup ## rebase, build, run and publish the five stacks here; first 7 min, then 4 s
	@.ci/timed 'forkbot run --all --channel release' 'the first time some minutes, then seconds' \
	    $(BIN)/forkbot run --all --channel release
	$(took)

.PHONY: test
test: setup quilt chromium emulate lint types ## everything CI checks: lint, types, all tests; about 28 min
	@.ci/timed 'all tests' 'about 27 minutes' \
	    env $(PYTEST) --durations 10
	$(took)

.PHONY: fast
fast: $(INSTALLED) quilt chromium emulate ## the tests that build no component; 3 min
	@.ci/timed 'the fast tests' 'about 3 minutes' \
	    env $(PYTEST) -m 'not wasm'
	$(took)

.PHONY: lint
lint: $(INSTALLED) ## ruff: rules and format; 1 s
	@.ci/timed 'lint' 'a second' $(BIN)/ruff check
	.ci/timed 'format' 'a second' $(BIN)/ruff format --check

.PHONY: types
types: $(INSTALLED) ## mypy, strict; 20 s, then 1 s
	@.ci/timed 'types' 'the first time 20 s' $(BIN)/mypy

.PHONY: setup
setup: $(INSTALLED) ## the virtual environment, a Rust toolchain, wasmtime; first 1 min, then 1 s
	@.ci/timed 'toolchain and wasmtime' 'the first time up to 2 minutes' $(BIN)/forkbot toolchain

.PHONY: quilt
quilt: $(INSTALLED)
	@.ci/timed 'quilt, for the tests' 'the first time 10 s' $(BIN)/python -m tests.get_quilt $(VENV)

.PHONY: chromium
chromium: $(INSTALLED)
	@.ci/timed 'a browser, for the tests' 'the first time a minute and up to 200 MB, where there is none' \
	    $(BIN)/python -m tests.get_chromium $(VENV) "$(CACHE)"

.PHONY: emulate
emulate: $(INSTALLED)
	@.ci/timed 'a GitHub for the tests' 'the first time 20 s' \
	    $(BIN)/python -m tests.get_emulate "$(CACHE)"

.PHONY: lock
lock: $(INSTALLED) ## write requirements/*.txt anew with the newest versions; 10 s
	@.ci/timed 'requirements/' 'about 10 s' .ci/lock

.PHONY: docs
docs: $(INSTALLED) ## write the tables in README.md and CONTRIBUTING.md, and the schemas, anew; 1 s
	@$(BIN)/python -m tests.house.docs
	$(BIN)/python -m forkbot.stackdir.schema

.PHONY: clean
clean: ## remove what was made here: environment, run records, local forks; not forkbot's cache
	@rm -rf $(VENV) .forkbot .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find forkbot tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements/dev.txt pyproject.toml .ci/venv
	@.ci/timed 'virtual environment in $(VENV)' 'about 30 s' .ci/venv $(VENV)
