# Everything runs from .venv; a changed pyproject.toml or requirements.lock installs it anew.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# One test process per core; `make test PROCESSES=1` for a debugger.
PROCESSES ?= auto

.PHONY: demo test lint bench lock clean

demo: $(READY)
	$(BIN)/spendwatt demo $(ARGS)

test: $(READY)
	$(BIN)/pytest -n $(PROCESSES) --dist worksteal $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=. $(BIN)/mypy --explicit-package-bases alembic/env.py alembic/versions/*.py
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m bench $(ARGS)

# Writes exact versions with hashes; no address of any index is recorded.
lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header --upgrade -o requirements.lock

$(READY): pyproject.toml requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

clean:
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
