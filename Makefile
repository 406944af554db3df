PYTHON ?= python3
BOOTSTRAP := $(PYTHON) -m bootstrap
BIN := .venv/bin
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links --quiet

# More workers than cores, since tests wait for engines as often as they compute; a file's tests stay together, in order.
SPREAD := --numprocesses 6 --dist loadfile --no-loadscope-reorder
# Tests start the plugin and the server a thousand times: where bytecode may not be written, each of them compiles it anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help up down pulumi env check test test-azure lint lock bench pages docs pins changelog ready

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## install what is needed, bring the stack local up, ask it for a prediction
	@$(BOOTSTRAP) up

down: ## destroy the stack local
	@$(BOOTSTRAP) down

pulumi: ## the Pulumi CLI as `make up` runs it; ARGS="preview --diff", ARGS="config set aciml:location here"
	@$(BOOTSTRAP) pulumi $(ARGS)

env: ## write .state/env.sh, which gives a shell the CLI, backend and passphrase of `make up`; eval "$$(make -s env)"
	@$(BOOTSTRAP) env

check: lint ## lint, types and the tests that need neither Docker nor Pulumi's CLI, within two minutes
	$(BIN)/pytest $(SPREAD) tests/core tests/components tests/model $(ARGS)

# Beside the types, which take one core, the tests are collected once: the workers find the bytecode, and need not each make it.
test: ## lint, types and all tests; ARGS="tests/core -x" picks some
	@$(BOOTSTRAP) venv
	@$(BIN)/pytest --collect-only --quiet --quiet >/dev/null 2>&1 & $(MAKE) --no-print-directory lint; code=$$?; wait; exit $$code
	@$(BOOTSTRAP) run pytest $(SPREAD) $(ARGS)

test-azure: ## the contract on real Azure, with its cost; needs AZURE_SUBSCRIPTION_ID and a login
	@ACIML_TEST_AZURE=1 $(BOOTSTRAP) run pytest tests/live $(ARGS)

lint: ## ruff and mypy
	@$(BOOTSTRAP) venv
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

lock: ## lock the environment of the stack local; ARGS=--check only says whether its lock file is good
	@$(BOOTSTRAP) lock $(ARGS)

bench: ## run all benches (half an hour), write bench/RESULTS.md, say what got worse; ARGS="layers push" picks some
	@$(BOOTSTRAP) ready
	@$(BOOTSTRAP) run python -m bench $(ARGS)

pages: ## write docs/arguments.md, which is made of the classes of arguments and the model's table
	@$(BOOTSTRAP) venv
	PYTHONPATH=provider:.venv/packages $(BIN)/python -m docs

docs: ## build the documentation's site into site/, with strict links; ARGS=--serve shows it
	@$(BOOTSTRAP) venv
	@$(BIN)/python -m docs.site $(ARGS)

pins: ## lock what pyproject.toml asks for, keeping the pins there are; ARGS=--upgrade takes newer ones
	@$(BOOTSTRAP) venv
	$(COMPILE) $(ARGS) --output-file requirements.txt
	$(COMPILE) $(ARGS) --group dev --constraint requirements.txt --output-file requirements-dev.txt

changelog: ## gather changes/ in CHANGELOG.md for the version in the tree; ARGS=--draft only shows it
	@$(BOOTSTRAP) venv
	$(BIN)/towncrier build --yes $(ARGS)

ready: ## install what is needed and stop there
	@$(BOOTSTRAP) ready
