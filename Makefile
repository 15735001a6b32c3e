# make demo        build, run, edit and rebuild an example, and say what happens
# make test        all checks and all tests
# make test-quick  the tests of single parts, in less than a minute: no whole programs, faults, properties or schedules
# make check       ruff, mypy and pyright alone
# make test-long   the tests of properties and schedules with many more cases, and sweeps over all faults; SHARD=1/4 runs
#                  the first quarter of them, RESUME=FILE goes on where an earlier run was stopped
# make bench       measure, and write the tables of docs/performance.md (half an hour); SIZES=10,100 measures builds of
#                  10 and 100 modules alone, and one edit in modules of 10 and 100 functions; ONLY=builds,link only these
#                  parts; and both write nothing
# make bench-guard count the bytecodes of the ten hottest paths, and fail where one executes 5 % more than its baseline in
#                  tests/bench/guard.json; WRITE=1 makes what is counted the baseline
#
# Everything lives in .venv, made by the first target that needs it. Another Python: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo test test-quick check test-long bench bench-guard clean

help:
	@sed -n 's/^# \(make .*\|   .*\)/\1/p' Makefile

demo: $(VENV)/.installed
	@sh docs/examples/demo.sh $(BIN)/wasmill

test: check
	$(BIN)/pytest -q -n 2

test-quick: $(VENV)/.installed-dev
	$(BIN)/pytest -q -n 2 -m "not slow and not hypothesis and not schedules and not sweep" -k "not trio" \
		tests/actors tests/orchestrator tests/test_*.py --ignore tests/orchestrator/toolchains/ruchy/runtime \
		--ignore-glob "tests/orchestrator/toolchains/ruchy/test_*"

check: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@if command -v node >/dev/null; then \
		echo "$(BIN)/pyright"; PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright; \
	else \
		echo "pyright was skipped: it runs on Node.js, and there is no node on this machine"; \
	fi

test-long: $(VENV)/.installed-dev
	HYPOTHESIS_PROFILE=long SHARD=$(SHARD) RESUME=$(RESUME) $(BIN)/pytest -q -n 2 -m "hypothesis or sweep or schedules" \
		--schedules-times 20 --timeout 7200

# A user's installation, not an editable one, which takes longer to start.
bench: | $(BIN)/python
	@rm -rf .bench/venv && mkdir -p .bench && $(PYTHON) -m venv .bench/venv
	@echo "installing wasmill, and doit and SCons to compare it with, into .bench/venv"
	@.bench/venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt '.[trio]'
	@rm -rf build *.egg-info
	@.bench/venv/bin/python -m pip install --quiet --disable-pip-version-check doit scons || \
		echo "doit and SCons could not be installed"
	@.bench/venv/bin/python tests/bench/bench.py $(if $(SIZES),--sizes $(SIZES)) $(if $(ONLY),--only $(ONLY)) \
		$(if $(SIZES)$(ONLY),,--write docs/performance.md)

bench-guard: $(VENV)/.installed-dev
	@$(BIN)/python -m tests.bench.guard $(if $(WRITE),--write)

clean:
	rm -rf $(VENV) .bench .check .mypy_cache .ruff_cache .hypothesis build *.egg-info

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing wasmill into $(VENV)"
	@$(PIP) --editable '.[trio]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing wasmill and its test tools into $(VENV)"
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.installed

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "wasmill needs Python 3.11 or newer, and there is no '$(PYTHON)'"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "wasmill needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1)."; \
		echo "Name another one: make PYTHON=python3.12 demo"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
