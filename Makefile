# `make` alone lists the targets. The virtual environment is built when it is needed, and again when requirements change.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# Tests run on all cores: PARALLEL= or ARGS=-n0 runs them one after the other, as debuggers want it.
PARALLEL ?= $(if $(findstring no:xdist,$(ARGS)),,-n auto)

# Tests start many processes: what one compiles, the others need not, whatever the environment says about that.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest

RUNTIME := $(VENV)/.runtime-installed
TOOLS := $(VENV)/.tools-installed

# A throw-away configuration for commands that only examine the code. Nothing is stored under these keys.
LOOK := env TURNKEY_ENV_FILE= SECRET_KEY=only-for-checks-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGH \
	FIELD_ENCRYPTION_KEYS=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= DATABASE_URL=sqlite:////tmp/turnkey-look.sqlite3 \
	REDIS_URL=redis://127.0.0.1:1/0

# Commands on this machine make their keys in var/ when none are set, as `run` does.
LOCAL := env TURNKEY_STACK=local $(BIN)/python manage.py

.DEFAULT_GOAL := help
.PHONY: help demo run admin sync-locks doctor manage test test-fast image-test chaos bench mutants screenshots corpus axe messages check lint types contracts migrations deploy-check compose-check audit format requirements clean

help: ## List these targets
	@echo "Turnkey. ARGS passes options on, for example: make demo ARGS=--until-settled"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(RUNTIME) ## Show it at work with simulated locks and guests (ARGS=--until-settled stops by itself)
	@$(BIN)/python manage.py demo $(ARGS)

run: $(RUNTIME) ## Run everything on this machine: broker, worker, beat, web server
	@$(BIN)/python manage.py run $(ARGS)

admin: $(RUNTIME) ## Make the first user, who may do everything
	@$(LOCAL) migrate --no-input --verbosity 0
	@$(LOCAL) createsuperuser $(ARGS)

sync-locks: $(RUNTIME) ## Fetch the locks of every lock account again, after locks were added in the Tedee app
	@$(LOCAL) migrate --no-input --verbosity 0
	@$(LOCAL) sync_locks $(ARGS)

manage: $(RUNTIME) ## Run any other command: make manage ARGS="import_calendar 3 --dry-run"
	@$(LOCAL) $(ARGS)

doctor: $(RUNTIME) ## Find out what is wrong with this installation and how to fix it
	@$(BIN)/python manage.py doctor $(ARGS)

test: $(TOOLS) ## Run the whole test suite on all cores (ARGS are pytest's)
	@$(PYTEST) $(PARALLEL) $(ARGS)

test-fast: $(TOOLS) ## Run the tests that start no stack of processes
	@$(PYTEST) -m "not chaos and not real_processes and not browser" $(PARALLEL) $(ARGS)

chaos: $(TOOLS) ## Ten minutes of faults on each database (ARGS="--seed 7 --minutes 2 --database sqlite --report", --help)
	@$(BIN)/python -m tests.chaos.fire $(ARGS)

bench: $(TOOLS) ## Measure at full size, print one table, keep it in docs/reports (ARGS=-k... prints only)
	@rm -rf var/bench
	@export TURNKEY_FULL_SIZE=1; $(PYTEST) tests/benchmarks -s $(ARGS); status=$$?; \
		$(BIN)/python -m tests.benchmarks.table $(if $(ARGS),,--save) && exit $$status

mutants: $(TOOLS) ## Change the deciding code in small ways: do tests notice? (ARGS="core/retry -n 40 --seed 7 --save")
	@$(BIN)/python -m tests.mutants $(ARGS)

screenshots: $(TOOLS) ## Take the pictures of docs/ from the demo, some four minutes (ARGS="board staff"; needs Chromium)
	@$(BIN)/python -m tests.screenshots $(ARGS)

image-test: $(TOOLS) ## Build the image without an engine and run its processes (root, buildah, debootstrap)
	@.ci/image
	@TURNKEY_IMAGE=$(CURDIR)/var/image TURNKEY_REQUIRE_ALL=1 $(PYTEST) tests/image $(ARGS); status=$$?; .ci/image clean; exit $$status

corpus: $(TOOLS) ## Download the calendars of other projects' tests; our tests then read them too
	@$(BIN)/python tests/corpus/fetch_corpus.py

axe: $(TOOLS) ## Download axe-core; the tests then check that the pages are accessible (needs npm)
	@$(BIN)/python tests/corpus/fetch_axe.py

check: lint types contracts migrations deploy-check compose-check audit test-fast ## Run everything that must pass before a commit

lint: $(TOOLS) ## Check style and likely mistakes (ruff)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(TOOLS) ## Check types (mypy, strict)
	@$(LOOK) $(BIN)/mypy

contracts: $(TOOLS) ## Check which package imports which (import-linter)
	@$(BIN)/lint-imports

migrations: $(TOOLS) ## Check that every model change has its migration
	@$(LOOK) $(BIN)/python manage.py makemigrations --check --dry-run

deploy-check: $(TOOLS) ## Run Django's checks for production, with HTTPS_ONLY=1
	@$(LOOK) HTTPS_ONLY=1 $(BIN)/python manage.py check --deploy --fail-level WARNING

compose-check: $(TOOLS) ## Check docker-compose.yml against the schema of Compose
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

audit: $(TOOLS) ## Ask whether a package has a known hole; without network that is told, and passes (pip-audit)
	@$(BIN)/pip-audit --disable-pip --require-hashes --requirement requirements-dev.txt --format json \
		--progress-spinner off --timeout 5 2>/dev/null | $(BIN)/python .ci/audit

format: $(TOOLS) ## Format the code and fix what can be fixed automatically
	@$(BIN)/ruff check --fix --exit-zero .
	@$(BIN)/ruff format .

messages: $(TOOLS) ## Bring the catalogs of translations up to date (config/locale), and compile them
	@$(BIN)/python -m tests.support.catalogs

requirements: $(TOOLS) ## Compile requirements*.txt from requirements*.in
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes requirements.in -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes requirements-dev.in -o requirements-dev.txt

clean: ## Remove caches and the virtual environment; keep var/ with its data and keys
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .grimp_cache
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON). Install Python 3.11 or newer, or say where it is: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1), older than 3.11. Choose a newer one: make PYTHON=python3.12"; exit 1; }
	@echo "Building $(VENV) with $$($(PYTHON) -V)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make virtual environments. On Debian: apt install python3-venv"; exit 1; }

$(RUNTIME): requirements.txt | $(BIN)/python
	@test -e $(TOOLS) || echo "Installing requirements.txt"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(TOOLS): requirements.txt requirements-dev.txt | $(BIN)/python
	@echo "Installing requirements-dev.txt"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(RUNTIME)
