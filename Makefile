# `make demo` and `make test` set up what they need; nothing has to be active or installed but Python and a C++ compiler.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml setup.py $(wildcard src_ext/*.pyx src_ext/*.cpp src_ext/*.h src_ext/*.inl) $(shell find protos -name '*.proto')

.PHONY: demo test abuse soak ray lint bench fuzz fuzz-arm clean

demo: $(VENV)/demo
	$(BIN)/hashmatch demo

# Files side by side, as most of a test's time is waiting; then those that want the machine for themselves.
test: $(VENV)/dev
	$(BIN)/python -m pytest -m 'not soak and not alone' --numprocesses auto --maxprocesses 4 --dist loadfile
	$(BIN)/python -m pytest -m 'alone and not soak'

# Hostile media and clients, what no worker may do, lies, floods, and kills of every sort of process: of those that are
# tried at random longer than `test` does, with other changes each time; about 4 minutes.
ABUSE := tests/test_*_abuse.py tests/test_sandbox_seal.py tests/test_sandbox_answers.py tests/test_media_damage.py \
	tests/test_media_jpeg2000.py tests/test_server_load.py tests/test_server_restart.py tests/test_server_supervisor.py
abuse: $(VENV)/dev
	HASHMATCH_ABUSE_SECONDS=$${HASHMATCH_ABUSE_SECONDS:-60} $(BIN)/python -m pytest $(ABUSE)

soak: $(VENV)/dev
	$(BIN)/python -m pytest -m soak

# Backfills on a Ray cluster of two nodes: Ray is large, and so no part of what `make test` installs.
ray: $(VENV)/dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,ray]'
	$(BIN)/python -m pytest tests/test_backfill_ray.py

lint: $(VENV)/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/buf lint

bench: $(VENV)/dev
	$(BIN)/python -m pytest benchmarks --benchmark-enable --benchmark-only -o python_files='bench_*.py' --timeout=0
	$(BIN)/python -m benchmarks.load

# The native core against slow references, under sanitizers, for so long: TARGET is pdq, kinds or jpeg; see CONTRIBUTING.md.
SECONDS ?= 60
TARGET ?= pdq
FUZZ_CXX ?= $(firstword $(shell command -v clang++) $(CXX))
FUZZ := build/fuzz
CORE := $(addprefix src_ext/,$(addsuffix .cpp,portable avx2 avx512 neon dispatch image bits pdq pillow small dct32 jpeg jpeg_codes jpeg_header))
FUZZ_FLAGS := -std=c++17 -O2 -g -ffp-contract=off -Wall -Wno-psabi -Isrc_ext
SANITIZERS := address,undefined -fno-sanitize-recover=all

fuzz:
	@mkdir -p $(FUZZ)/corpus-$(TARGET)
	@if $(FUZZ_CXX) --version | grep -q clang; then \
	  $(FUZZ_CXX) $(FUZZ_FLAGS) -fsanitize=fuzzer,$(SANITIZERS) fuzz/$(TARGET).cpp $(CORE) -o $(FUZZ)/$(TARGET) \
	  && cd $(FUZZ) && ./$(TARGET) corpus-$(TARGET) -max_total_time=$(SECONDS) -max_len=300 -len_control=0 -print_final_stats=1; \
	else \
	  $(FUZZ_CXX) $(FUZZ_FLAGS) -fsanitize=$(SANITIZERS) fuzz/$(TARGET).cpp fuzz/random.cpp $(CORE) -o $(FUZZ)/$(TARGET) \
	  && $(FUZZ)/$(TARGET) $(SECONDS); \
	fi

# The same for 64-bit ARM, emulated and without sanitizers: apt-get install g++-aarch64-linux-gnu qemu-user.
fuzz-arm:
	@mkdir -p $(FUZZ)
	aarch64-linux-gnu-g++ -static $(FUZZ_FLAGS) fuzz/$(TARGET).cpp fuzz/random.cpp $(CORE) -o $(FUZZ)/$(TARGET)-arm
	qemu-aarch64 $(FUZZ)/$(TARGET)-arm $(SECONDS)

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
