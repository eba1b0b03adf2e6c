# Placements. `make help` says what each target does; each does its own set-up first.

ifeq ($(filter oneshell,$(.FEATURES)),)
$(error This make is too old: GNU make 3.82 or newer is needed (Debian: apt-get install make))
endif

.ONESHELL:
SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The port that `make run` serves on, and how many processes run the tests: one more than there are
# processors, since a browser's journey waits for half of its time.
PORT ?= $(or $(PLACEMENTS_PORT),8000)
JOBS ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))
# More for the tool behind a target: `make test ARGS="tests/services -k accounts"`.
ARGS ?=
# The Python to build with; found by itself where this is empty.
PYTHON ?=
# Installed for this project alone where the machine has no uv of its own.
UV_PINNED := 0.13.9

VENV := .venv/bin
# The stamps name the folder they were made in: a virtual environment that was moved is made again.
PLACE := $(shell pwd -P | cksum | cut -d ' ' -f 1)
PYTHON_READY := .venv/ready-$(PLACE)
BENCH_READY := .venv/ready-bench-$(PLACE)
ASSETS_READY := node_modules/.ready

export PYTHONUTF8 := 1
export UV_PYTHON_DOWNLOADS := never
# Hospital networks often look inside TLS with a certificate that only the machine's own store knows.
UV_SYSTEM_CERTS ?= true
export UV_SYSTEM_CERTS
export PIP_ROOT_USER_ACTION := ignore
unexport VIRTUAL_ENV
# A process that may not keep what it compiled spends seconds on it at each start.
unexport PYTHONDONTWRITEBYTECODE

# A virtual environment whose Python has gone is made again too.
ifneq ($(shell $(VENV)/python -c 'print(1)' 2>/dev/null),1)
.PHONY: $(PYTHON_READY)
endif

# Sets `python` to a Python of 3.11 or newer, or says what is missing.
define find_python
python=
for name in $(PYTHON) python3 python3.11 python3.12 python3.13 python3.14; do
  if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$$("$$name" -c 'import os, sys; print(os.path.realpath(sys.executable))')
    break
  fi
done
if [ -z "$$python" ]; then
  echo "Python 3.11 or newer is needed, and none was found ($$(python3 --version 2>&1 || true))." >&2
  echo "Debian 12: apt-get install python3. Elsewhere name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2
  exit 1
fi
endef

# Sets `uv` to the machine's own uv, or to one that is installed into var/tools by whichever way there is.
define find_uv
uv=
if uv --version >/dev/null 2>&1 && uv --version | "$$python" -c '
import re, sys
sys.exit(tuple(map(int, re.findall(r"\d+", sys.stdin.read())[:2])) < (0, 8))
'; then
  uv=uv
elif [ -x var/tools/bin/uv ] && var/tools/bin/uv --version >/dev/null 2>&1; then
  uv=var/tools/bin/uv
else
  echo "Installing uv $(UV_PINNED), which installs the rest."
  rm -rf var/tools
  mkdir -p var
  if "$$python" -c 'import ensurepip' 2>/dev/null; then
    "$$python" -m venv var/tools
    set -- var/tools/bin/python -m pip install
  elif "$$python" -m pip --version >/dev/null 2>&1; then
    set -- "$$python" -m pip install --target var/tools
  else
    echo "This Python can neither make a virtual environment nor run pip, so nothing can be installed." >&2
    echo "Debian: apt-get install python3-venv. Then run make $(MAKECMDGOALS) again." >&2
    exit 1
  fi
  if ! "$$@" --quiet --disable-pip-version-check uv==$(UV_PINNED); then
    rm -rf var/tools
    $(say_no_network)
  fi
  uv=var/tools/bin/uv
fi
endef

define say_no_network
echo "The packages could not be fetched (see above). Is this machine on the internet?" >&2; exit 1
endef

# What is in uv's own cache is enough, so a machine that has no network today is tried with that alone.
define sync
$(find_python)
$(find_uv)
"$$uv" sync --frozen --quiet --python "$$python" $(1) ||
  "$$uv" sync --frozen --quiet --offline --python "$$python" $(1) 2>/dev/null ||
  { $(say_no_network); }
endef

define install_chromium
if command -v chromium-headless-shell || command -v chromium; then exit 0; fi >/dev/null 2>&1
as_root=
if [ "$$(id -u)" != 0 ]; then as_root="sudo -n"; fi
if ! command -v apt-get >/dev/null 2>&1 || ! $$as_root true 2>/dev/null; then
  echo "Chromium is missing and cannot be installed from here: the browser journeys will be skipped."
  exit 0
fi
echo "Installing Chromium for the browser journeys."
export DEBIAN_FRONTEND=noninteractive
# The shell has no window to draw round the pages, which takes a third of the time; an older Debian lacks it.
{ $$as_root apt-get update -q && for browser in chromium-headless-shell chromium; do
  $$as_root apt-get install -q -y --no-install-recommends "$$browser" fonts-liberation && exit 0
done; } || true
echo "Chromium could not be installed (see above): the browser journeys will be skipped."
endef

.PHONY: help
help: ## Say what each target does
	@echo "make TARGET, where TARGET is one of"
	sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r name words; do
	  printf '  %-11s  %s\n' "$$name" "$$words"
	done
	echo "Each installs what it needs first: Python packages into .venv, front-end files into node_modules."
	echo "The data of make run is in var/; delete that folder to begin again."

.PHONY: run
run: setup ## Serve the site with a demo round at http://127.0.0.1:8000 (another port: make run PORT=8001)
	@PLACEMENTS_PORT="$(PORT)" exec $(VENV)/placements serve --with-demo

.PHONY: test
test: setup chromium ## Run every test, the browser journeys too (some: make test ARGS="tests/services -k accounts")
	@exec $(VENV)/python -m pytest -n $(JOBS) --dist loadgroup -rs $(ARGS)

.PHONY: lint
lint: $(PYTHON_READY) ## Check style (ruff), types (mypy) and which part may know which (import-linter)
	@$(VENV)/ruff check .
	$(VENV)/ruff format --check --quiet . || { echo "Run .venv/bin/ruff format on the files above." >&2; exit 1; }
	$(VENV)/mypy
	$(VENV)/mypy --strict matching
	$(VENV)/lint-imports --no-logo

.PHONY: bench
bench: $(BENCH_READY) ## Measure the engine beside its peers in ten minutes (one part: make bench ARGS="year --size demo --json")
	@exec $(VENV)/python -m benchmarks $(ARGS)

.PHONY: screenshots
screenshots: setup chromium ## Picture every page as each role, wide and narrow, in var/screenshots
	@exec $(VENV)/python -m tests.browser.screenshots $(ARGS)

.PHONY: setup
setup: $(PYTHON_READY) $(ASSETS_READY) ## Install what the other targets need, and nothing else

.PHONY: clean
clean: ## Remove what was installed or cached; the data in var/ stays
	@rm -rf .venv node_modules var/tools var/screenshots
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find placements matching tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
	if [ -e var ]; then echo "The data in var/ was kept; delete that folder to begin again."; fi

.PHONY: chromium
chromium:
	@$(install_chromium)

$(PYTHON_READY): pyproject.toml uv.lock
	@echo "Installing the Python packages."
	$(call sync,)
	touch $@

$(BENCH_READY): $(PYTHON_READY)
	@$(call sync,--group bench)
	touch $@

$(ASSETS_READY): package.json package-lock.json
	@if ! major=$$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null) || [ "$$major" -lt 18 ]; then
	  echo "Node.js 18 or newer is needed ($$(node --version 2>/dev/null || echo none was found))." >&2
	  echo "Debian: apt-get install nodejs npm" >&2
	  exit 1
	fi
	if ! npm --version >/dev/null 2>&1; then
	  echo "npm, which comes with Node.js, is missing. Debian: apt-get install npm" >&2
	  exit 1
	fi
	echo "Installing the front-end files."
	npm ci --silent --prefer-offline --no-audit --no-fund --ignore-scripts ||
	  npm ci --prefer-offline --no-audit --no-fund --ignore-scripts || { $(say_no_network); }
	touch $@
