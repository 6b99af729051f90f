# make test: a virtual environment if none is active, what the tests need, a Chromium, olah, and all tests, two at a time.
# make test-fast: those that need no browser, no Hub and no other process.
# make test-lowest: these with the oldest versions that requirements*.txt allow, in an environment of their own.
# make coverage: how much of dcgan/ they run.
# make audit: what is known against the versions in constraints.txt; asks the network, and fails where that can't tell.
.PHONY: test test-fast test-lowest coverage audit lint

PYTHON ?= python3
VENV := $(or $(VIRTUAL_ENV),.venv)
IN_VENV := $(VENV)/bin/python

test: $(IN_VENV)
	$(IN_VENV) -m pip install --quiet --requirement requirements-dev.txt --constraint constraints.txt
	PYTHONPATH=tests $(IN_VENV) -m support.chromium
	PYTHONPATH=tests $(IN_VENV) -m support.olah
	OMP_NUM_THREADS=1 $(IN_VENV) -m pytest --numprocesses 2 --dist worksteal --durations 30

test-fast: $(IN_VENV)
	$(IN_VENV) -m pip install --quiet --requirement requirements-dev.txt --constraint constraints.txt
	OMP_NUM_THREADS=1 $(IN_VENV) -m pytest --numprocesses 2 --dist worksteal -m "not slow and not long"

test-lowest:
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet packaging
	PYTHONPATH=tests .venv-lowest/bin/python -m support.lowest > .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pip install --quiet --requirement requirements-dev.txt --constraint .venv-lowest/lowest.txt
	OMP_NUM_THREADS=1 .venv-lowest/bin/python -m pytest --numprocesses 2 --dist worksteal -m "not slow and not long"

coverage: $(IN_VENV)
	OMP_NUM_THREADS=1 $(IN_VENV) -m pytest --numprocesses 2 --dist worksteal -m "not slow and not long" \
		--cov dcgan --cov-report term:skip-covered

audit: $(IN_VENV)
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet pip-audit
	.venv-audit/bin/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip

lint: $(IN_VENV)
	$(IN_VENV) -m ruff check .
	$(IN_VENV) -m ruff format --check .
	$(IN_VENV) -m mypy

$(IN_VENV):
	$(PYTHON) -m venv $(VENV)
