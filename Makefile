# The commands of this house. `make help` lists them; each makes what it needs in $(VENV) first.

VENV ?= .venv
JOBS ?= 2
PYTEST_ARGS ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements-dev.lock -c requirements-oracles.lock

# The first Python that is new enough; `make PYTHON=/path/to/python` takes another.
FIND_PYTHON = for p in python3.13 python3.12 python3.11 python3 python; do \
	if "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then command -v "$$p"; break; fi; done
ifndef PYTHON
PYTHON = $(eval PYTHON := $$(shell $$(FIND_PYTHON)))$(PYTHON)
endif

# The products of a test are small: threads of BLAS inside parallel test processes only get in each other's way.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
PYTEST := $(ONE_THREAD) $(BIN)/python -m pytest -n $(JOBS) $(PYTEST_ARGS)

.DEFAULT_GOAL := help
BENCH_ARGS ?= --markdown docs/benchmarks.md
.PHONY: help demo test check lint types tests format records lock oracles bench clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## install glassnet here and train it on a real table that comes with it
	$(BIN)/glassnet fit breast_cancer

test: $(VENV)/.test ## install what the tests need and run them
	$(PYTEST)

check: lint types tests ## all that CI runs: formatter, linter, types, tests, examples of the docs

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/basedpyright --pythonpath $(BIN)/python

tests: $(VENV)/.dev # warnings are errors, the docs' examples are tests: pyproject.toml, tests/contracts/test_docs.py
	$(PYTEST)

format: $(VENV)/.dev ## format the code and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

records: $(VENV)/.dev ## write the generated pages and pictures of docs/ anew
	for page in docs/make_*.py; do $(BIN)/python "$$page" || exit 1; done

oracles: $(VENV)/.oracles ## install the optional oracles of the tests (PyTorch: large; Keras; Playwright, which drives the Chromium that is there)

lock: $(VENV)/.dev ## pin the development dependencies anew (UPGRADE=--upgrade: to the newest)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev pyproject.toml $(UPGRADE) \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links -o requirements-dev.lock
	printf 'torch>=2.4\nkeras>=3.6\nplaywright>=1.49\n' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 - $(UPGRADE) -c requirements-dev.lock \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links -o requirements-oracles.lock

bench: $(VENV)/.bench ## time glassnet beside PyTorch, JAX and scikit-learn (BENCH_ARGS="--quick --rows 2-8-8-2")
	$(BIN)/python -m benchmarks.speed $(BENCH_ARGS)

clean: ## remove the environment and everything that was made
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis demo.glassnet
	find src tests docs -name __pycache__ -type d -prune -exec rm -rf {} +

# --- environments: one stamp for what is installed ---------------------------------------------------------------

INPUTS := pyproject.toml requirements-dev.lock requirements-oracles.lock

# What is there stays, if its pip works; an environment cut off half-way is made again.
$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "glassnet needs Python 3.11 or newer: install it, or say make PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "glassnet needs Python 3.11 or newer, and $(PYTHON) is not" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) lacks its venv module: install it (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@"$(BIN)/python" -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear "$(VENV)"
	@touch "$@"

$(VENV)/.runtime: $(VENV)/.made $(INPUTS)
	$(PIP) --editable .
	@touch "$@"

$(VENV)/.test: $(VENV)/.made $(INPUTS)
	$(PIP) --editable '.[test]'
	@touch "$@" "$(VENV)/.runtime"

$(VENV)/.dev: $(VENV)/.made $(INPUTS)
	$(PIP) --editable '.[dev]'
	@touch "$@" "$(VENV)/.test" "$(VENV)/.runtime"

$(VENV)/.bench: $(VENV)/.made $(INPUTS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch "$@" "$(VENV)/.runtime"

$(VENV)/.oracles: $(VENV)/.made $(INPUTS)
	$(PIP) --editable '.[dev,oracles]'
	@touch "$@" "$(VENV)/.dev" "$(VENV)/.test" "$(VENV)/.runtime"
