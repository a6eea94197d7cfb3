# Needs only Python 3.11 or newer with venv. `make` alone lists the targets.

PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
BIN := .venv/bin
COMPILE := UV_CUSTOM_COMPILE_COMMAND='make requirements' $(BIN)/uv pip compile --quiet --no-config \
    --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-emit-index-url

.DEFAULT_GOAL := help
.PHONY: help setup demo test simulate bench docs requirements clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-14s%s\n", $$1, $$2 }' Makefile

setup: .venv/kiwisms ## Build .venv if it is missing or out of date
	@:

.venv/requirements: requirements/dev.txt
	@for python in $(PYTHONS); do \
	    "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	        2>/dev/null && break; \
	    python=; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "kiwisms needs Python 3.11 or newer with venv: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; \
	    exit 1; \
	fi; \
	echo "Building .venv with $$python (once, about a minute) ..."; \
	"$$python" -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    --require-hashes --requirement requirements/dev.txt
	@touch $@

.venv/kiwisms: .venv/requirements pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    --no-deps --no-build-isolation --editable .
	@touch $@

demo: .venv/kiwisms ## Rent numbers from the bundled simulator; Ctrl-C ends it
	@exec $(BIN)/kiwisms demo

test: .venv/kiwisms ## Run every check
	@echo '== lint'
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@echo '== types'
	@$(BIN)/mypy
	@echo '== layers'
	@$(BIN)/lint-imports
	@echo '== tests'
	@$(BIN)/pytest --quiet --numprocesses auto --maxprocesses 4 --dist loadfile

simulate: .venv/kiwisms ## Run LIVES=1000 simulated lives with faults, from SEED=... or a fresh seed
	@exec $(BIN)/python -m kiwisms.testing.simulation $(if $(SEED),--seed $(SEED)) $(if $(LIVES),--lives $(LIVES))

bench: .venv/kiwisms ## Run the benchmarks; prints ratios and writes bench/results.json
	@exec $(BIN)/python -m bench

docs: .venv/kiwisms ## Build the documentation into docs/_build
	@$(BIN)/sphinx-build -W --keep-going -q -b dirhtml docs docs/_build/html
	@echo 'docs/_build/html/index.html'

requirements: .venv/requirements ## Lock the newest compatible releases in requirements/
	@$(COMPILE) --upgrade --all-extras --group dev \
	    --output-file requirements/dev.txt pyproject.toml
	@$(COMPILE) --constraint requirements/dev.txt \
	    --extra server --extra sqlite --extra postgres --extra redis \
	    --output-file requirements/server.txt pyproject.toml
	@$(COMPILE) --constraint requirements/dev.txt --group build \
	    --output-file requirements/build.txt

clean: ## Remove .venv and everything that was built or cached
	rm -rf .venv dist docs/_build .*_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
