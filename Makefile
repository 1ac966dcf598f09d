# Two commands do everything on a fresh machine with Python 3 and make: `make demo`, `make test`.

PYTHON ?= python3
DEMO_ENV := .venv
DEV_ENV := .venv-dev
DEMO_STYLE ?= starry-night
DEMO_CLIP := examples/clips/bottles.mp4
DEMO_OUT := out/demo.mp4

PIP := -m pip --disable-pip-version-check --quiet
# PyPI's torch for Linux brings several GB of CUDA libraries. TORCH_INDEX names another index to
# take it from, such as PyTorch's own index of CPU builds.
TORCH_FROM := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench clean
.DELETE_ON_ERROR:

help:
	@echo "make demo    stylise a shipped clip into $(DEMO_OUT); DEMO_STYLE=great-wave for another look"
	@echo "make test    lint, type check and all tests; TORCH_INDEX=URL takes torch from another index"
	@echo "make lint    ruff and mypy alone"
	@echo "make bench   measurements of this machine; others take clips or data, see bench/"
	@echo "make clean   remove environments and everything made"
	@echo "PYTHON=python3.12 chooses the Python for the environments."

demo: $(DEMO_ENV)/.installed
	@mkdir -p $(dir $(DEMO_OUT))
	$(DEMO_ENV)/bin/hsi-run $(DEMO_CLIP) --style $(DEMO_STYLE) -o $(DEMO_OUT)
	@echo "The stylised clip is $(DEMO_OUT); its speed stands in the summary above."

test: lint
	$(DEV_ENV)/bin/python -m pytest

lint: $(DEV_ENV)/.installed
	$(DEV_ENV)/bin/ruff check .
	$(DEV_ENV)/bin/ruff format --check .
	$(DEV_ENV)/bin/mypy

bench: $(DEV_ENV)/.installed
	@for name in linear_cost flicker controls shapes latency "overhead $(DEMO_CLIP)"; do \
		echo "bench.$$name"; $(DEV_ENV)/bin/python -m bench.$$name || exit 1; done

clean:
	rm -rf $(DEMO_ENV) $(DEV_ENV) build dist out *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The demo runs what a user would install, not the working tree: any change of it installs again.
$(DEMO_ENV)/.installed: setup.cfg pyproject.toml $(shell find runtime -type f -not -name '*.pyc')
	$(call make_env,$(DEMO_ENV))
	$(DEMO_ENV)/bin/python $(PIP) install '.[openvino]'
	@touch $@

$(DEV_ENV)/.installed: setup.cfg pyproject.toml constraints.txt
	$(call make_env,$(DEV_ENV))
	$(DEV_ENV)/bin/python $(PIP) install --constraint constraints.txt $(TORCH_FROM) -e '.[dev]'
	@touch $@

# An environment left half made, or made by a Python that is gone, is made again. Editable installs
# from pyproject.toml need pip 21.3, which the first releases of Python 3.10 do not bring.
define make_env
	@command -v $(PYTHON) >/dev/null || \
		{ echo "make: expected Python 3.10 or newer as $(PYTHON), found none: set PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "make: expected Python 3.10 or newer, found $$($(PYTHON) --version 2>&1): set PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "make: $(PYTHON) has no ensurepip to make environments with: install python3-venv (Debian: sudo apt install python3-venv) or set PYTHON=..." >&2; exit 1; }
	@$(1)/bin/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear $(1)
	@$(1)/bin/python $(PIP) install 'pip>=21.3'
endef
