# make run     the whole platform on this machine         make test    every check and every test
# make demo    trains the example on a running instance   make lint    the checks alone
# HOST, PORT, DATA_DIR, ADMIN_PASSWORD and the other variables of README.md go through the environment.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
POSTGRESQL := $(firstword $(wildcard /usr/lib/postgresql/*/bin/postgres) $(shell command -v postgres))
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
# So that the checks can load the settings; never used to serve.
CHECK_ENV := DATA_DIR=$(VENV)/checks SECRET_KEY=only-for-checks-$(shell printf 'x%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30)

ON_POSTGRESQL := tests/jobs/reconcile tests/jobs/agent tests/jobs/test_services.py tests/jobs/test_transitions.py \
	tests/jobs_platform/test_inserts.py tests/jobs_platform/test_updates.py tests/jobs_platform/test_upgrade.py \
	tests/jobs_platform/test_metrics.py tests/jobs/api/test_list_jobs.py

.DEFAULT_GOAL := help
.PHONY: help run demo test lint tests test-stack test-cluster clean bench-api bench-turnaround bench-logs bench-pages bench-idle bench-reconcile

help:
	@sed -n '1,3s/^# //p' Makefile

run: $(VENV)/.installed
	@exec $(BIN)/python -m jobs_platform.launcher

demo: $(VENV)/.installed
	@exec $(BIN)/python examples/demo.py

test: lint tests

lint: $(VENV)/.installed-dev
	@mkdir -p $(VENV)/checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(CHECK_ENV) $(BIN)/mypy jobs accounts jobs_platform
	$(CHECK_ENV) $(BIN)/lint-imports
	$(CHECK_ENV) $(BIN)/python manage.py makemigrations --check --dry-run

# First the tests within one process, side by side; what writes as PostgreSQL has it once more there; then the tests that
# start whole platforms, a file at a time in each of two processes.
tests: $(VENV)/.installed-dev
	$(BIN)/coverage erase
	$(BIN)/python -m pytest -m "not stack and not browser and not cluster" -n $(or $(WORKERS),2) --cov --cov-report=
ifneq ($(POSTGRESQL),)
	$(BIN)/python -m tests.postgresql -- $(ON_POSTGRESQL) -n $(or $(WORKERS),2) --cov --cov-append --cov-report=
else
ifdef REQUIRE_POSTGRESQL
	$(error No PostgreSQL server: the tests on it cannot run)
endif
	@echo "No PostgreSQL server here: the tests on it are left out."
endif
ifneq ($(CHROMIUM),)
	$(BIN)/python -m pytest -m "stack or browser" -n $(or $(WORKERS),2) --dist loadfile --no-loadscope-reorder --cov --cov-append --cov-report=term:skip-covered
else
ifdef REQUIRE_BROWSER
	$(error No chromium: the tests of the pages cannot run)
endif
	@echo "No chromium here: the tests of the pages in a browser are left out."
	$(BIN)/python -m pytest -m "stack and not browser" -n $(or $(WORKERS),2) --dist loadfile --no-loadscope-reorder --cov --cov-append --cov-report=term:skip-covered
endif

# What docker-compose.yml describes, without containers. docs/production.md
test-stack: $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/stack/test_composed.py tests/deploy/test_compose.py

# The contract of jobs/cluster on a real cluster, in one namespace that is left as it was found. docs/kubernetes.md
test-cluster: $(VENV)/.installed-dev
ifndef CLUSTER_KUBECONFIG
	$(error CLUSTER_KUBECONFIG names no kubeconfig. CLUSTER_CONTEXT, CLUSTER_NAMESPACE and CLUSTER_IMAGE may be set too)
endif
	$(BIN)/python -m pytest -m cluster --timeout 600 tests/jobs/cluster

bench-api bench-turnaround bench-logs bench-pages bench-idle bench-reconcile: bench-%: $(VENV)/.installed-dev
	@exec $(BIN)/python -m bench.$* $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* htmlcov

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements.txt requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.installed
