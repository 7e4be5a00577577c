# Every target works on a fresh clone: it makes .venv and installs what it needs, at the versions of constraints.txt.

PYTHON ?= python3.11
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
# A process for each core; one: make test ARGS="-n 0".
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile
SHARED ?= $(or $(LEMMATA_SHARED),../shared)

.DEFAULT_GOAL := help
.PHONY: help demo train test test-all check lint bench accept docs clean

help:  ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 16

# --- environments: .venv with core and PyTorch; then everything optional -------------------------------------------

EXTRAS := torch,train,minilm,jax,tensorflow,onnx,kernel,xlsx,test,lint

.venv/.core: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) -e '.[torch,test]'
	$(BIN)/python -m compileall -q src
	@touch $@

.venv/.lint: .venv/.core
	$(PIP) -e '.[lint]'
	@touch $@

.venv/.train: .venv/.core
	$(PIP) -e '.[train]'
	@touch $@

.venv/.all: .venv/.core
	$(PIP) -e '.[$(EXTRAS)]'
	@touch $@

# --- what people run --------------------------------------------------------------------------------------------

demo: .venv/.core  ## Check the documents of examples/ with their code, refute a planted error, train the encoder
	@$(BIN)/python examples/demo.py

train: .venv/.train  ## Train the Transformer of examples/transformer.md from its equations, in some minutes
	$(BIN)/python -m lemmata train examples/transformer.md $(ARGS)

test: .venv/.core  ## Tests of the core and PyTorch
	$(PYTEST) -m "not optional" $(ARGS)

test-all: test .venv/.all  ## ... and of every optional framework and tool
	$(PYTEST) -m optional $(ARGS)

lint: .venv/.lint  ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: test-all lint  ## All a reviewer runs

bench: .venv/.core  ## Every benchmark; each prints ratios and ends with one line of JSON
	$(BIN)/python benchmarks/checking.py
	$(BIN)/python benchmarks/cells.py
	$(BIN)/python benchmarks/fuzz.py
	$(BIN)/python benchmarks/soundness.py
	$(BIN)/python benchmarks/bugs.py
	$(BIN)/python benchmarks/compiling.py
	$(BIN)/python benchmarks/gpt.py
	$(BIN)/python benchmarks/train.py
	test ! -d $(SHARED)/claims || $(BIN)/python benchmarks/claims.py $(SHARED)/claims
	test ! -d $(SHARED)/corpus || $(BIN)/python benchmarks/corpus.py $(SHARED)/corpus/docs
	test ! -d $(SHARED)/corpus || $(BIN)/python benchmarks/reading.py --formulas $(SHARED)/corpus/formulas_dev.jsonl

accept: .venv/.core  ## Update the expected outputs under tests/ and show what changed
	LEMMATA_ACCEPT=1 $(BIN)/python -m pytest -q -m "not optional" tests/test_accepted.py
	git --no-pager diff --stat -p -- tests

docs: .venv/.core  ## Regenerate the pages that follow from the code, and check every link of docs/ and the README
	$(BIN)/python docs/build.py

clean:  ## Remove the environment and every cache
	rm -rf .venv .lemmata-cache .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist src/*.egg-info
