# `make help` lists what can be done here. Needs Python ≥ 3.11, make and git; all else comes by pip into .venv.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
WORKERS ?= 2
# Some tests wait for processes that they started; the longest folders come first, so that all workers end together.
TEST_WORKERS ?= 3
LONGEST := $(addprefix tests/,stories conformance cli house services)
FOLDERS := $(LONGEST) $(filter-out $(LONGEST) %/support %/__pycache__,$(patsubst %/,%,$(wildcard tests/*/)))

.DEFAULT_GOAL := help
.PHONY: help install demo check test soak lint types imports rules tests bench migration lock format clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

install: .venv/installed ## Set up .venv/bin/holdfast

demo: .venv/installed ## Show the main job on real data; EXIT=1 ends by itself, PORT=8001 stays up there
	@$(BIN)/holdfast demo $(if $(EXIT),--exit) $(if $(PORT),--port $(PORT))

check: lint types imports rules ## Within a minute: lint, types, import rules, the tests of the rules and the saga

test: lint types imports tests ## All that a change can break: lint, types, import rules, all tests but the long ones

soak: .venv/installed-dev ## What is long: hard days, many examples; MINUTES=15 runs a part, another with each commit
	@$(BIN)/python -m tests.soak --workers $(WORKERS) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(ONLY),--only "$(ONLY)")

lint: .venv/installed-dev ## Style and mistakes
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: .venv/installed-dev ## Types, strictly
	@$(BIN)/mypy

imports: .venv/installed-dev ## Who may import whom
	@$(BIN)/lint-imports --cache-dir .cache/import-linter

rules: .venv/installed-dev ## The tests of the rules and the saga
	@$(BIN)/pytest -n $(WORKERS) tests/rules tests/saga

tests: .venv/installed-dev ## All tests but the long ones
	@$(BIN)/pytest -n $(TEST_WORKERS) --dist loadscope --no-loadscope-reorder $(FOLDERS)

bench: .venv/installed-dev ## Every figure, as ratios measured in the same run; ONLY=name,… for some
	@$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY))

migration: .venv/installed-dev ## Write the next step of each schema that changed; NAME=what_it_does
	@$(BIN)/python -m services.cli.write_migrations $(NAME)

format: .venv/installed-dev ## Bring the code into form
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

lock: .venv/uv ## Resolve the versions anew
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --upgrade pyproject.toml --group build -o requirements.lock
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --upgrade pyproject.toml --group dev -o requirements-dev.lock

clean: ## Remove what was set up and made
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/uv:
	@test -n "$(PYTHON)" || { echo "Holdfast needs Python 3.11 or newer; set PYTHON=/path/to/python"; exit 2; }
	@echo "Setting up .venv …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv
	@touch $@

.venv/installed: .venv/uv requirements.lock pyproject.toml
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@
