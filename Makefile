# Everything is set up by itself, in .venv (celeriac and its tools) and .peers (what it is compared with); a second run finds it done.
PYTHON ?= python3
PYTEST ?=
AT_ONCE ?= 3
BENCH ?=

VENV := .venv
BIN := $(VENV)/bin
PEERS := .peers/celery
FLOWER := .peers/flower
FLOWER_ON_DROPIN := .peers/flower-on-the-drop-in
THIRD := .peers/third-parties
DJANGO := .peers/django
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test interpreters fault soak nightly valkey check compatibility bench docs peers flower third-parties django peers-of-bench servers dev runtime clean

help:
	@echo "make demo    word statistics of Python's own library, by a real worker (under a minute)"
	@echo "make test    all tests                        make test PYTEST='tests/unit -x'"
	@echo "make interpreters  the unit tests on every other Python (3.11 or newer) that is here"
	@echo "make soak    a rolling restart for five minutes; 1,000,000 tasks while processes are killed and stopped"
	@echo "make fault   the kills of the fault tests, twenty rounds each"
	@echo "make nightly 2,000 random workflows against the reference interpreter, 370 beside Celery; crontabs at every change of the clocks"
	@echo "make valkey  the Redis driver's conformance tests against Valkey"
	@echo "make check   ruff, mypy, import contracts, house rules"
	@echo "make compatibility  docs/reference/compatibility.md, from the table in tests/compatibility"
	@echo "make bench   ours beside Celery and huey      make bench BENCH='--quick drain'"
	@echo "make docs    the documentation, into build/docs"
	@echo "make clean   remove what the others made"

demo: runtime
	@$(BIN)/python examples/word_statistics/demo.py

test: dev servers
	@$(MAKE) --no-print-directory peers || if [ "$$CI" = true ]; then exit 1; else echo "No peers: interoperability tests will be skipped."; fi
	@$(MAKE) --no-print-directory flower || if [ "$$CI" = true ]; then exit 1; else echo "No Flower: its tests will be skipped."; fi
	@$(MAKE) --no-print-directory third-parties || if [ "$$CI" = true ]; then exit 1; else echo "No third parties: their tests will be skipped."; fi
	@$(MAKE) --no-print-directory django || if [ "$$CI" = true ]; then exit 1; else echo "No Django: its tests will be skipped."; fi
	@$(BIN)/python -m pytest -n $(AT_ONCE) --dist loadfile $(PYTEST)

interpreters: dev
	@sh tests/other_interpreters.sh $(BIN)/python

servers:
	@sh tests/install_servers.sh

fault: dev servers
	@CELERIAC_FAULT_ROUNDS=20 CELERIAC_BEAT_SOAK=1 $(BIN)/python -m pytest tests/fault --timeout 900 $(PYTEST)

valkey: dev .peers/valkey/.installed
	@CELERIAC_REDIS_SERVER="$$(find .peers/valkey -name valkey-server -type f | head -n 1)" \
		$(BIN)/python -m pytest -n $(AT_ONCE) --dist loadfile tests/conformance/test_redis.py tests/conformance/test_redis_departing.py $(PYTEST)

soak: dev
	@CELERIAC_SOAK_SECONDS=$${CELERIAC_SOAK_SECONDS:-300} CELERIAC_SOAK_TASKS=$${CELERIAC_SOAK_TASKS:-1000000} \
		$(BIN)/python -m pytest -s tests/fault/test_soaks.py $(PYTEST)

check: dev
	@status=0; \
	$(BIN)/ruff check || status=1; \
	$(BIN)/mypy || status=1; \
	$(BIN)/lint-imports --no-cache || status=1; \
	$(BIN)/python -m pytest -q tests/house || status=1; \
	exit $$status

compatibility: dev
	@$(BIN)/python -m tests.compatibility

nightly: dev
	@CELERIAC_CANVAS_CASES=2000 $(BIN)/python -m pytest tests/canvas_reference tests/interop/test_canvas_programs.py --timeout 3600 $(PYTEST)
	@CELERIAC_SCHEDULE_ZONES=all $(BIN)/python -m pytest -q tests/unit/schedules/test_daylight_saving.py --timeout 3600 $(PYTEST)

bench: dev servers peers peers-of-bench
	@$(BIN)/python -m benchmarks.run $(BENCH)

docs: $(VENV)/.docs
	@$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -b html docs build/docs
	@echo "Built build/docs/index.html"

runtime: $(VENV)/.runtime
dev: $(VENV)/.dev
peers: $(PEERS)/.installed
flower: $(FLOWER)/.installed $(FLOWER_ON_DROPIN)/.installed
third-parties: $(THIRD)/.installed
django: $(DJANGO)/.installed

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "celeriac needs Python 3.11 or newer; $(PYTHON) is older. Name another: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "$(PYTHON) cannot make a virtual environment (Debian and Ubuntu: apt install python3-venv)."; rm -rf $(VENV); exit 1; }
	@$(BIN)/python $(PIP_INSTALL) --upgrade "pip>=25.1"

$(VENV)/.runtime: pyproject.toml | $(VENV)/bin/python
	@echo "Setting up celeriac in $(VENV) ..."
	@$(BIN)/python $(PIP_INSTALL) --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	@echo "Setting up the developers' tools in $(VENV) ..."
	@$(BIN)/python $(PIP_INSTALL) --group dev
	@touch $@

$(VENV)/.docs: $(VENV)/.runtime
	@echo "Setting up the documentation's tools in $(VENV) ..."
	@$(BIN)/python $(PIP_INSTALL) --group docs
	@touch $@

$(PEERS)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "Setting up the peers (Celery, huey) in $(PEERS) ..."
	@$(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python $(PIP_INSTALL) --upgrade "pip>=25.1"
	@$(PEERS)/bin/python $(PIP_INSTALL) --group peers
	@touch $@

$(FLOWER)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "Setting up Flower in $(FLOWER) ..."
	@$(PYTHON) -m venv $(FLOWER)
	@$(FLOWER)/bin/python $(PIP_INSTALL) --upgrade "pip>=25.1"
	@$(FLOWER)/bin/python $(PIP_INSTALL) --group flower
	@touch $@

$(FLOWER_ON_DROPIN)/.installed: pyproject.toml dropin/pyproject.toml | $(VENV)/bin/python
	@echo "Setting up Flower over the drop-in in $(FLOWER_ON_DROPIN) ..."
	@$(PYTHON) -m venv $(FLOWER_ON_DROPIN)
	@$(FLOWER_ON_DROPIN)/bin/python $(PIP_INSTALL) --upgrade "pip>=25.1"
	@$(FLOWER_ON_DROPIN)/bin/python $(PIP_INSTALL) --editable ".[redis]" --editable dropin --group flower-on-the-drop-in
	@touch $@

$(DJANGO)/.installed: pyproject.toml dropin/pyproject.toml | $(VENV)/bin/python
	@echo "Setting up Django in $(DJANGO) ..."
	@$(PYTHON) -m venv $(DJANGO)
	@$(DJANGO)/bin/python $(PIP_INSTALL) --upgrade "pip>=25.1"
	@$(DJANGO)/bin/python $(PIP_INSTALL) --editable . --editable dropin --group django
	@touch $@

$(THIRD)/.installed: pyproject.toml dropin/pyproject.toml | $(VENV)/bin/python
	@echo "Setting up third parties over the drop-in in $(THIRD) ..."
	@$(PYTHON) -m venv $(THIRD)
	@$(THIRD)/bin/python $(PIP_INSTALL) --upgrade "pip>=25.1"
	@$(THIRD)/bin/python $(PIP_INSTALL) --group third-parties
	@$(THIRD)/bin/python $(PIP_INSTALL) --editable . --editable ./dropin
	@touch $@

# Those that refuse each other's client libraries have an environment each; one that cannot be set up is not measured.
peers-of-bench: $(foreach name,queues arq saq executors,.peers/$(name)/.installed)

.peers/%/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "Setting up the peers of the benchmarks ($*) in .peers/$* ..."
	@$(PYTHON) -m venv .peers/$* && .peers/$*/bin/python $(PIP_INSTALL) --upgrade "pip>=25.1" && \
		.peers/$*/bin/python $(PIP_INSTALL) --group peers-$* && touch $@ || echo "No $*: it will not be measured."

clean:
	rm -rf $(VENV) .peers .interpreters build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
