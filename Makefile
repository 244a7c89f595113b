# `make demo` and `make test` set up what they need; nothing has to be active or installed but Python and a C++ compiler.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml setup.py $(wildcard src_ext/*.pyx src_ext/*.cpp src_ext/*.h src_ext/*.inl) $(shell find protos -name '*.proto')

.PHONY: demo test lint bench clean

demo: $(VENV)/demo
	$(BIN)/hashmatch demo

test: $(VENV)/dev
	$(BIN)/python -m pytest

lint: $(VENV)/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/buf lint

bench: $(VENV)/dev
	$(BIN)/python -m pytest benchmarks --benchmark-enable --benchmark-only -o python_files='bench_*.py' --timeout=0
	$(BIN)/python -m benchmarks.load

clean:
	rm -rf $(VENV) build hashmatch.egg-info hashmatch/*.so hashmatch/v1/*_pb2*

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "hashmatch needs Python 3.11 or newer; name one with 'make PYTHON=...'"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "no venv module: on Debian, apt-get install python3-venv python3-dev g++"; exit 1; }

$(VENV)/demo $(VENV)/dev: $(VENV)/%: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@
