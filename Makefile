# What people do with this project. `make` lists it. Works with GNU make 3.81 and later.

# The first of these that is new enough; `make test PYTHON=/path/to/python` names another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$python; break; fi; done)
SEEDS ?= 20
# Test files that run beside each other; most of them wait for a broker or a time-out most of the time.
LANES ?= 3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
COMPILE = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header --quiet $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help setup test lint demo bench chaos lock clean

help: ## List these commands
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-6s  %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(READY) ## Make .venv with all packages, and fetch Kafka (every other command does this first)
	@echo "Everything is set up in $(VENV); 'source $(BIN)/activate' brings the commands into your shell."

test: $(READY) ## Run all tests, on a real Kafka and a real Valkey; ARGS="-k name" selects some
	@$(BIN)/python -c 'import scorer.model.run' & \
		$(BIN)/python -c 'import scorer.wire.reading, scorer.wire.writing' && wait # else every lane compiles them
	$(BIN)/python -m pytest --numprocesses $(LANES) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(READY) ## Check style, types and the imports between rooms
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

demo: $(READY) ## Score the flights of 2013 through a real Kafka and watch
	$(BIN)/python -m demo $(ARGS)

bench: $(READY) ## Measure rates, latencies and memory
	$(BIN)/python -m bench $(ARGS)

chaos: $(READY) ## Kill, freeze and restart under load; SEEDS=20 says how many schedules
	$(BIN)/python -m tests.chaos --seeds $(SEEDS) $(ARGS)

lock: $(READY) ## Pin all packages and jars anew; ARGS=--upgrade takes the newest versions
	$(COMPILE) pyproject.toml -o locks/run.txt
	$(COMPILE) --extra dev pyproject.toml -o locks/dev.txt
	echo hatchling | $(COMPILE) --constraint locks/dev.txt - -o locks/build.txt
	$(BIN)/sandbox lock

clean: ## Remove .venv and whatever else these commands made in this directory
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Anew whenever a lock or pyproject.toml is newer than the last set-up that went through.
$(READY): pyproject.toml locks/dev.txt sandbox/kafka.lock
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found; install one, or name it: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is not a Python 3.11 or newer; name another: make PYTHON=..." >&2; exit 1; }
	@if ! $(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		echo "Making $(VENV) with $$($(PYTHON) --version)"; \
		$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); \
			echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; \
			exit 1; }; \
	fi
	@echo "Installing the packages of locks/dev.txt"
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r locks/dev.txt
	@$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation --quiet -e .
	@$(BIN)/sandbox fetch || { test "$$CI" != true && \
		echo "Kafka cannot run here yet: the tests that need it will be skipped, and say so." >&2; }
	@touch $@
