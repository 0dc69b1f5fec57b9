# make reports | quick | test | test-all | lab | data | bench-NAME. Each sets up .venv first where that is missing or out of date.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help reports quick test test-all lab data

help:
	@echo "make reports     print every report of reports/reports.toml"
	@echo "make quick       check style, and run the tests that open no book: for the working loop"
	@echo "make test        check style and types, run the tests and the notebooks"
	@echo "make test-all    run the long tests too, and each law on all its examples"
	@echo "make lab         open JupyterLab on notebooks/"
	@echo "make data        write data/sample, data/README.md and the outputs in notebooks/ anew"
	@echo "make bench-NAME  run a benchmark of tests/benchmarks"

reports: $(READY)
	@$(BIN)/salesops run

quick: $(READY)
	$(BIN)/ruff check .
	$(BIN)/pytest -n 2 --quick

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/pytest -p no:cacheprovider --nbval --nbval-current-env notebooks
	$(BIN)/pytest -n 2 -m 'not long'

test-all: test
	$(BIN)/pytest -n 2 -m 'long or hypothesis' --hypothesis-profile=all
	@echo "All tests ran with $$($(BIN)/python -V)."

lab: $(READY)
	$(BIN)/jupyter lab --notebook-dir=notebooks

data: $(READY)
	$(BIN)/salesops sample data/sample --seed 7 --size small
	$(BIN)/python -m salesops.book.dictionary
	cd notebooks && ../$(BIN)/jupyter nbconvert --to notebook --execute --inplace \
	    --ExecutePreprocessor.record_timing=False --ExecutePreprocessor.store_widget_state=False *.ipynb

bench-%: $(READY)
	$(BIN)/python tests/benchmarks/bench_$*.py

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "This needs Python 3.11 or later. $(PYTHON) is not. Name another: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@
