# make env     the virtual environment in .venv (every other target makes it first)
# make demo    the invoice workflow, end to end, on embedded servers (ARGS=--keep and others of onceflow demo)
# make test    the whole suite on real servers          (ARGS='-k name' passes options to pytest)
# make check-long  the fuzzers, the interpreter and kills at length, FUZZ times what the suite tries (10), from SEED (any)
# make lint    style, types, layers, migrations
# make mutants each guard of the protocol broken once: its test must fail
# make bench   the reference load on durable servers (QUICK=1, SCENARIOS=a,b, ARGS=…; bench/README.md)
# make build   the wheel, in dist/
# make format  lay out the Python files

SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
# A version may be on the PATH as a shim that fails, so each is tried by running it.
PYTHONS ?= python3.13 python3.12 python3.11 python3.14 python3 python
WORKERS ?= 3
ARGS ?=
FUZZ ?= 10
SEED ?=
QUICK ?=
SCENARIOS ?=

# uv downloads side by side, which makes minutes of pip's into seconds. Where pip is set up for a
# registry that uv is not set up for, pip does it.
UV = UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Tests start processes by the hundred, and each would compile all that it loads where the environment
# says that nothing compiled is to be kept. Empty is unsaid.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: env demo test check-long lint format mutants bench bench-peers build lock clean

env: $(VENV)/complete

# The wheels' versions and hashes are fixed by requirements.lock.
$(VENV)/complete: requirements.lock pyproject.toml
	@set -e; for python in $(PYTHONS); do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	      && "$$python" -m venv --clear "$(VENV)" 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "make env: no Python 3.11 or newer that can make a virtual environment was found" \
	    "(tried: $(PYTHONS)); on Debian and Ubuntu install python3-venv," \
	    "or name one: make PYTHONS=/path/to/python" >&2; exit 1; \
	fi; \
	echo "make env: $$("$$found" --version) into $(VENV)"
	@awk '/^uv==/ {own = 1; print; next} /^[^ ]/ {own = 0} own' requirements.lock > $(VENV)/uv.txt
	@$(PIP) --require-hashes -r $(VENV)/uv.txt
	@$(UV) --require-hashes -r requirements.lock || $(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch "$@"

demo: env
	@"$(BIN)/onceflow" demo $(ARGS)

test: env
	@"$(BIN)/python" -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

# The fuzzers and the interpreter beside the engine at length, never the same twice: what it finds becomes a test of its own.
check-long: env
	@seed=$(or $(SEED),$$RANDOM); echo "SEED=$$seed FUZZ=$(FUZZ)"; \
	  ONCEFLOW_FUZZ=$(FUZZ) "$(BIN)/python" -m pytest tests/fuzz tests/flow tests/relay/test_{intake,schedule}_kills.py tests/api/test_conformance.py tests/examples/test_demo.py tests/api/browser/test_every_page.py tests/worker/test_{block_,}crashes.py --hypothesis-seed=$$seed $(ARGS)

lint: env
	"$(BIN)/ruff" check
	"$(BIN)/ruff" format --check
	PATH="$(CURDIR)/$(BIN):$$PATH" "$(BIN)/pyright" --pythonpath "$(BIN)/python" --warnings
	"$(BIN)/lint-imports"
	"$(BIN)/squawk" --config .squawk.toml sql/migrations/*.sql

format: env
	"$(BIN)/ruff" check --fix-only
	"$(BIN)/ruff" format

mutants: env
	@"$(BIN)/python" -m tests.mutants $(ARGS)

bench: env
	@"$(BIN)/python" -m bench $(if $(QUICK),--quick) $(if $(SCENARIOS),--scenarios $(SCENARIOS)) $(ARGS)

# The engines that we are compared with, in an environment of their own; bench makes it where needed.
bench-peers: env
	@"$(BIN)/python" -m bench.peers

build: env
	rm -rf build
	"$(BIN)/python" -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	rm -rf build

# Takes the newest versions that pyproject.toml allows; the image gets those of the same lock, without the
# tools of development.
lock: env
	"$(BIN)/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --extra dev --group contributing --upgrade --output-file requirements.lock pyproject.toml
	"$(BIN)/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --extra examples --extra kafka --extra mail --extra oidc --extra otel --extra pdf --extra registry --extra server --group build \
	  --constraint requirements.lock --output-file deploy/requirements.lock pyproject.toml

clean:
	rm -rf "$(VENV)" build dist .pytest_cache .ruff_cache .hypothesis
