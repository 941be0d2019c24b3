# Rowsmith's tasks. Each one first installs what is missing; `make` alone lists them. Pass options on in ARGS: make serve ARGS="--port 9000"
BIN := .venv/bin
ARGS ?=
unexport PYTHONDONTWRITEBYTECODE # every program that is started would compile its libraries anew

.PHONY: help install serve test test-pgbouncer test-postgres test-citus browser openapi-diff fuzz walks operations check bench bench-peers bench-rows fmt requirements clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name text; do printf '  make %-16s %s\n' "$$name" "$$text"; done

install: ## make .venv with everything that requirements-dev.txt pins
	@sh tools/install.sh

serve: install ## generate and serve, on an embedded PostgreSQL by default
	@$(BIN)/rowsmith generate
	@$(BIN)/rowsmith serve $(ARGS) || { code=$$?; [ $$code -eq 130 ] || exit $$code; }

test: install ## run the tests, on an embedded PostgreSQL of their own
	@$(BIN)/pytest -n auto --maxprocesses 8 --dist worksteal $(ARGS)

test-pgbouncer: install ## run contract and attacks through pgbouncer
	@ROWSMITH_TEST_POOLER=1 $(BIN)/pytest -n auto --maxprocesses 8 --dist worksteal tests/app tests/security $(ARGS)

test-postgres: install ## run contract and attacks on the one in POSTGRES=/…/bin
	@ROWSMITH_TEST_POSTGRES=$(POSTGRES) $(BIN)/pytest -n auto --maxprocesses 8 --dist worksteal tests/app tests/security --ignore tests/app/test_embedded.py $(ARGS)

test-citus: install ## run them on Citus, at DATABASE_URL or in POSTGRES
	@env -u DATABASE_URL ROWSMITH_TEST_CITUS=1 ROWSMITH_TEST_DATABASE_URL='$(DATABASE_URL)' ROWSMITH_TEST_POSTGRES='$(POSTGRES)' $(BIN)/pytest \
	  -n auto --maxprocesses 8 --dist worksteal tests/app tests/security $(if $(POSTGRES),--ignore tests/app/test_embedded.py) $(ARGS)

browser: install ## add what the test of /docs in a Chromium needs
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-browser.txt

openapi-diff: ## add what compares OpenAPI documents independently
	@if command -v npm >/dev/null; then cd tests/support/openapi_diff && npm ci --silent --no-audit --no-fund; else echo "npm is not installed" >&2; exit 1; fi

fuzz: install ## send 10,000 requests to the example and the torture specs
	@ROWSMITH_TEST_CASES=10000 $(BIN)/pytest tests/fuzz $(ARGS)

walks: install ## edit specs at random, 200 × 20 edits, and migrate along; 200 × 10, and compile what has changed
	@ROWSMITH_TEST_CASES=200 $(BIN)/pytest -n auto --maxprocesses 8 --dist worksteal tests/app/test_walks.py \
		tests/properties/test_compiled_again.py tests/cli/test_compiled_again.py $(ARGS)

operations: install ## run each operation of a migration over 10,000 rows
	@ROWSMITH_TEST_ROWS=10000 $(BIN)/pytest -n auto --maxprocesses 8 --dist worksteal tests/app/test_migrations.py tests/app/test_gradual.py \
	  tests/app/test_editions.py tests/app/test_orders.py $(ARGS)

check: install ## lint, format, types, layers, dependencies, generated code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/rowsmith fmt --check
	$(BIN)/rowsmith check
	$(BIN)/pytest -q tests/unit/test_requirements.py

bench: install ## measure the application against its floor and its peers
	@$(BIN)/python -m benchmarks $(ARGS)

bench-peers: install ## install the peers of make bench, pinned, beside them
	@test -x benchmarks/.venv/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python benchmarks/.venv
	@$(BIN)/uv pip install --quiet --python benchmarks/.venv/bin/python --require-hashes -r benchmarks/requirements.txt
	@if command -v npm >/dev/null; then cd benchmarks/peers/fastify && npm ci --silent --no-audit --no-fund; fi

bench-rows: install ## measure lists among 10 million rows (--rows: fewer)
	@$(BIN)/python -m benchmarks.rows $(ARGS)

fmt: install ## format Python and specs
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/rowsmith fmt

requirements: install ## pin the dependencies of pyproject.toml anew
	$(COMPILE) --group pyproject.toml:app --output-file requirements.txt
	$(COMPILE) --group pyproject.toml:dev --constraints requirements.txt --output-file requirements-dev.txt
	$(COMPILE) --group pyproject.toml:browser --constraints requirements-dev.txt --output-file requirements-browser.txt
	$(COMPILE) benchmarks/requirements.in --output-file benchmarks/requirements.txt

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make requirements" $(ARGS)

clean: ## remove environment, caches and the embedded database
	rm -rf .venv .uv .rowsmith .pytest_cache .ruff_cache .hypothesis dist
