# make test: a virtual environment if none is active, what the tests need, a Chromium, olah, and all tests, two at a time.
# make test-fast: those that need no browser, no Hub and no other process.
.PHONY: test test-fast lint

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

lint: $(IN_VENV)
	$(IN_VENV) -m ruff check .
	$(IN_VENV) -m ruff format --check .
	$(IN_VENV) -m mypy

$(IN_VENV):
	$(PYTHON) -m venv $(VENV)
