# Two commands do everything on a machine with Python 3.11 or newer: `make run` and `make test`.

PYTHON ?= python3
VENV ?= .venv
REPORT_DIR ?= imapspec-report
BIN := $(VENV)/bin

.PHONY: run test faults lint format bench bench-hostile unusual wheel-test clean

# The main job: the whole suite against the embedded server. It succeeds when the job was done (exit code 0 or 1: a server
# that fails some requirement is a result, not an error); the last line is the path of the report.
run: $(VENV)/installed
	@$(BIN)/imapspec run pymap -n 2 --expect reports/judgements/pymap.toml --report-dir $(REPORT_DIR) || [ $$? -eq 1 ]
	@echo "$(abspath $(REPORT_DIR))/report.html"

test: $(VENV)/installed
	$(BIN)/python -m pytest -n 2

# How many rules can be broken in front of a real server without the suite noticing; CI takes a sample of them.
faults: $(VENV)/installed
	cd tests && ../$(BIN)/python behind.py

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Ratios to other people's parsers, and how time grows with hostile input; docs/grammar.md says how to read them.
bench: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	$(BIN)/python benchmarks/grammar.py
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/watch.py
	$(BIN)/python benchmarks/checks.py

# The whole suite against servers that do all that the RFC allows, three runs for each freedom: no verdict may change. Takes hours;
# `$(BIN)/python tests/unusual_runs.py --help` says how to run a part.
unusual: $(VENV)/installed
	$(BIN)/python tests/unusual_runs.py

# What each way of a server to mean ill costs: verdict, seconds, peak memory (takes some minutes).
bench-hostile: $(VENV)/installed
	$(BIN)/python benchmarks/hostile.py

# The tests once more, against the wheel that users get: an own environment, no sight of the source tree's package.
wheel-test: $(VENV)/installed
	rm -rf build/wheel
	$(BIN)/python -m build --wheel --outdir build/wheel
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/bin/python -m pip install --quiet --disable-pip-version-check "$$(ls build/wheel/*.whl)[dev]"
	@build/wheel/venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary google-re2 google-re2 \
	|| echo "no google-re2 for this platform: the tests of its pattern are skipped"
	cp -r tests docs build/wheel/
	cd build/wheel && venv/bin/python -m pytest -n 2 -c ../../pyproject.toml --rootdir . tests

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary google-re2 --editable '.[fast]' \
	|| echo "no google-re2 for this platform: the same verdicts come later"
	@touch $@

clean:
	rm -rf $(VENV) build dist $(REPORT_DIR) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
