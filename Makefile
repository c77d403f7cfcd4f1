# snnlab: `make demo` shows the whole road, `make test` runs the whole test suite. Both make .venv first.
#
#   make install TORCH=cpu            PyTorch without CUDA
#   make install PYTHON=python3.12    another Python, 3.11.5 or newer
#   SNNLAB_DATA=~/sets make test      with the public data sets in that folder

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
FULL := $(VENV)/.installed-dev
LIGHT := $(VENV)/.installed-demo
WORKERS ?= 2
JUPYTER := $(BIN)/jupyter

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export UV_NO_PROGRESS ?= 1
export VIRTUAL_ENV := $(abspath $(VENV))

.DEFAULT_GOAL := help
.PHONY: help install browser demo test lint format lab bench clean

help: ## Show this help
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST)

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11, 5) and "snnlab needs Python 3.11.5 or newer, this is " + sys.version.split()[0] + ": name another with PYTHON=")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade
	$(BIN)/python -m pip install --quiet 'uv>=0.7'

# The pins are of PyTorch with CUDA, which is what PyPI has; without it, CUDA's own packages are left out.
ifeq ($(TORCH),cpu)
TORCH_OPTIONS := --no-deps --index-strategy unsafe-best-match --extra-index-url https://download.pytorch.org/whl/cpu
CUDA := ^(nvidia-(cu|nc|nv)|cuda-|triton)
else
CUDA := ^$$
endif

$(FULL): requirements/dev.txt pyproject.toml | $(UV)
	grep -vE '$(CUDA)' requirements/dev.txt > $(VENV)/requirements.txt
	$(UV) pip install --compile-bytecode $(TORCH_OPTIONS) --requirement $(VENV)/requirements.txt
	$(UV) pip install --no-deps --editable .
	touch $@

$(LIGHT): requirements/demo.txt pyproject.toml | $(UV)
	$(UV) pip install --compile-bytecode --requirement requirements/demo.txt
	$(UV) pip install --no-deps --editable .
	touch $@

# What is there already for the tests serves the demo as well.
INSTALLED := $(if $(wildcard $(FULL)),$(FULL),$(LIGHT))

install: $(FULL) ## Make .venv with everything that the tests need

browser: ## Install Chromium where there is none, for the tests of the service's pages (Debian, as root)
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { \
	  apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends chromium fonts-dejavu-core; }

demo: $(INSTALLED) ## Take four domains down the whole road: train, evaluate, promote, serve
	$(BIN)/snnlab demo

# Numba keeps compiled code by the file of its entry point, and does not see that a kernel in another file has changed.
.PHONY: kernels
kernels:
	@changed=$$(grep -lE 'njit|snnlab.kernels' -r snnlab --include='*.py' | xargs -I{} find {} -newer $(VENV)/.kernels 2>/dev/null); \
	if [ -n "$$changed" ] || [ ! -e $(VENV)/.kernels ]; then find snnlab -name '*.nb[ic]' -delete; fi; touch $(VENV)/.kernels

test: $(FULL) kernels ## Run the whole test suite, notebooks included
	$(BIN)/pytest -n $(WORKERS) --dist worksteal
	@if ls notebooks/*.ipynb >/dev/null 2>&1; then \
	  $(BIN)/pytest -n $(WORKERS) --dist loadfile --nbval-lax -p no:cacheprovider notebooks; fi

lint: $(FULL) ## Check style, types, floors and notebooks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	@if ls pipelines/*.ipynb >/dev/null 2>&1; then $(BIN)/nbstripout --verify --keep-id pipelines/*.ipynb; fi

format: $(FULL) ## Put the code into its form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lab: $(INSTALLED) ## Open JupyterLab on notebooks/
	$(JUPYTER) lab --notebook-dir notebooks

bench: $(FULL) ## Measure speed, memory and quality, each beside a peer
	for one in latency throughput memory engine claims serving detection; do $(BIN)/snnlab bench $$one || exit 1; done

clean: ## Remove .venv, caches, and what runs left in mlruns/ and .snnlab/
	rm -rf $(VENV) .snnlab .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find mlruns -mindepth 1 ! -name .gitkeep ! -name README.md -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
