# What a person types. Everything runs in .venv, built from requirements.lock with hashes required.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
UV := $(BIN)/uv
STAMP := .venv/.installed

.PHONY: install run test check soak bench lock serve
install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Trimtab needs Python 3.11 to 3.13: install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $(STAMP)

run: install  ## the whole main job on bundled real prices
	$(BIN)/trimtab demo

test: install check  ## the whole suite, bounded repetitions
	$(BIN)/python -m pytest -m "not soak" -n 3 --dist loadfile --no-loadscope-reorder

check: install  ## style, types, who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

soak: install  ## the long repetitions: all kills, all seeds, and the laws on examples of today's own
	$(BIN)/python -m pytest -m soak
	LAWS=wild $(BIN)/python -m pytest -m "not soak" -n 2 --dist loadfile tests/portfolio tests/warehouse tests/expectations tests/sources

bench: install  ## figures, each beside a peer or a limit of the same run
	$(BIN)/python -m benchmarks

serve: install  ## Prefect server, worker and deployments on loopback
	$(BIN)/trimtab serve

lock: ## write requirements.lock anew from pyproject.toml
	test -x $(UV) || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet uv; }
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev --extra ib-insync pyproject.toml -o requirements.lock
