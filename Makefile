# Everything a newcomer needs: `make demo` runs the main job, `make test` the tests. Both set up first.
# PYTHON picks the interpreter; TORCH another torch (e.g. TORCH="torch==2.12.1 torchvision==0.27.1");
# TORCH_INDEX the package index that holds it (e.g. a CPU or ROCm index).
PYTHON ?= python3
TORCH ?= torch torchvision
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := $(if $(filter torch torchvision,$(TORCH)),-c constraints.txt,)

.PHONY: setup demo test bench bench-repair bench-illusion lint assets docs-check wheel-check clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing NeuroInspect TUI into $(VENV) (the first time takes a few minutes)"
	@$(BIN)/pip install --quiet $(CONSTRAINTS) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX),) $(TORCH)
	@$(BIN)/pip install --quiet $(CONSTRAINTS) -e ".[dev]"
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

bench: setup
	$(BIN)/python -m tests.benchmarks

# The wheel, installed without the repository, must run the demo.
wheel-check: setup
	rm -rf build/wheel && mkdir -p build/wheel
	$(BIN)/python -m build --wheel --sdist --no-isolation --outdir build/wheel . >/dev/null
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/bin/pip install --quiet --no-deps build/wheel/*.whl
	cd build/wheel && PYTHONPATH=$(CURDIR)/$(shell ls -d $(VENV)/lib/python3*/site-packages 2>/dev/null) \
	  venv/bin/python -m neuroinspect_tui --batch --demo --illusions 1 --iters 8 -o session
	test -s build/wheel/session/report.html

assets: setup
	$(BIN)/python -m neuroinspect_tui.demo.make

clean:
	rm -rf $(VENV) out dist build .pytest_cache .mypy_cache .ruff_cache
