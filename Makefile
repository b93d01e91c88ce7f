# Everything a newcomer needs: `make demo` runs the main job, `make test` the tests. Both set up first.
# PYTHON picks the interpreter; TORCH another torch (e.g. TORCH="torch==2.12.1 torchvision==0.27.1");
# TORCH_INDEX the package index that holds it (e.g. a CPU or ROCm index).
PYTHON ?= python3
TORCH ?= torch torchvision
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := $(if $(filter torch torchvision,$(TORCH)),-c constraints.txt,)

.PHONY: setup demo test bench bench-quick lint assets docs-check schema wheel-check clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing NeuroInspect TUI into $(VENV) (the first time takes a few minutes)"
	@$(BIN)/pip install --quiet $(CONSTRAINTS) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX),) $(TORCH)
	@$(BIN)/pip install --quiet $(CONSTRAINTS) -e ".[dev,hf,formats,dicom]"
	@touch $@

demo: setup
	@if [ -t 0 ] && [ -t 1 ]; then $(BIN)/neuroinspect --demo; \
	else $(BIN)/neuroinspect --batch --demo -o out/demo && echo "The report is in out/demo/report.html"; fi

test: setup
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The table of speed in at most 15 minutes; exit code 1 where a ratio is too low in three of three tries.
bench: setup
	$(BIN)/python -m tests.benchmarks

# The same with small sizes, for CI: at most three minutes.
bench-quick: setup
	$(BIN)/python -m tests.benchmarks --quick

# The JSON schema of report.json, from its types.
schema: setup
	$(BIN)/python -m tests.report_schema

# What the README and docs/ tell their readers to type: links, options, commands, recipes.
docs-check: setup
	$(BIN)/python -m pytest tests/test_docs.py tests/recipes

# The sdist, the wheel made from it, and that wheel where nothing of this checkout can be imported. Its dependencies
# are those of $(VENV), found through PYTHONPATH, which does not follow the link from there to the checkout.
WHEEL := $(CURDIR)/build/wheel
wheel-check: setup
	rm -rf $(WHEEL) && mkdir -p $(WHEEL)/empty
	$(BIN)/python -m build --outdir $(WHEEL) . >/dev/null
	$(BIN)/python -m venv $(WHEEL)/venv
	$(WHEEL)/venv/bin/pip install --quiet --no-deps --no-index $(WHEEL)/*.whl
	PYTHONPATH=$$($(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))") \
	  $(WHEEL)/venv/bin/python tests/wheel.py $(WHEEL)/empty

assets: setup
	$(BIN)/python -m neuroinspect_tui.demo.make

clean:
	rm -rf $(VENV) out dist build .pytest_cache .mypy_cache .ruff_cache
