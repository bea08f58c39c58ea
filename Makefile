# `make demo` and `make test` do the whole set-up on a bare Debian or Ubuntu with Python 3.11, and
# use again what is there.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up
RUN ?= runs/demo
# More words for `metasim demo`, pytest or pip, such as DEMO_ARGS=--force or PYTEST_ARGS='-n 2'.
DEMO_ARGS ?=
PYTEST_ARGS ?=
PIP_ARGS ?=

# bpy and torch crash in one process, so the tests that import bpy have a process of their own.
# The same folders stand under norecursedirs in pyproject.toml.
# Those of the add-on begin with Blender's factory settings, which takes from others what they made;
# that of Blender's window has the machine to itself.
BLENDER_TESTS := $(wildcard tests/world tests/capture)
WINDOW_TEST := $(wildcard tests/ui/test_window*.py)
ADDON_TESTS := $(filter-out $(WINDOW_TEST),$(wildcard tests/ui/test_*.py))
# Tests beside each other, each file's in one process.
JOBS ?= 2
PARALLEL := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

# The add-on's zip is installed in a newer Blender too, which has an environment of its own. Where it
# cannot be had its test is skipped, but not with STRICT=1, as continuous integration has it.
STRICT ?=
export METASIM_STRICT := $(STRICT)
NEWER := $(VENV)/bpy-5.0
# Labels are compared with this one's too, by `make nightly`.
OLDER := $(VENV)/bpy-4.2
# Other people's readers of data sets, which need another numpy than this project.
READERS := $(VENV)/readers
TWINE := $(VENV)/twine
DOCS := $(VENV)/docs

# The installation is editable: it points at the folder it was made in, so a copy or a moved folder
# must be set up again.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

.PHONY: help
help: ## say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 20

.PHONY: set-up
set-up: $(STAMP) ## virtual environment and system libraries

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) metasim_backend/doctor/system_libraries.py --install
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[bpy,dev]'
	@printf '%s\n' '$(CURDIR)' > $@

.PHONY: demo
demo: $(STAMP) ## learn a generator from rendered targets, with a report, in some ten minutes
	$(BIN)/metasim demo --run $(RUN) $(if $(wildcard $(RUN)/config.yaml),$(or $(DEMO_ARGS),--resume),$(DEMO_ARGS))

.PHONY: reader-photographs
reader-photographs: $(STAMP) ## train a reader for photographs of KITTI's shape, which runs then begin with (40 minutes)
	$(BIN)/metasim reader driving_photographs -o assets/readers/photographs_416x128.pt --run runs/reader-photographs \
		--set rendering.width=416 --set rendering.height=128 --set surrogate.scenes=2400 --set surrogate.renders=300 \
		--set surrogate.cameras=any --force $(if $(wildcard runs/reader-photographs/config.yaml),--resume)

.PHONY: reader
reader: $(STAMP) ## train the reader of the driving grammar that comes with the project anew (an hour)
	$(BIN)/metasim reader driving -o assets/readers/driving_320x192.pt --run runs/reader \
		--set rendering.width=320 --set rendering.height=192 --set surrogate.scenes=12000 --set surrogate.renders=400 \
		--set surrogate.reader_epochs=5 --force $(if $(wildcard runs/reader/config.yaml),--resume)

$(NEWER)/.set-up: $(STAMP)
	$(PYTHON) -m venv $(NEWER)
	$(NEWER)/bin/python -m pip install --disable-pip-version-check $(PIP_ARGS) bpy==5.0.1 || { rm -rf $(NEWER); test -z "$(STRICT)"; }
	mkdir -p $(NEWER) && touch $@

$(OLDER)/.set-up: $(STAMP)
	$(PYTHON) -m venv $(OLDER)
	$(OLDER)/bin/python -m pip install --disable-pip-version-check $(PIP_ARGS) bpy==4.2.0 numpy==1.26.4
	touch $@

$(READERS)/.set-up: $(STAMP)
	$(PYTHON) -m venv $(READERS)
	$(READERS)/bin/python -m pip install --disable-pip-version-check $(PIP_ARGS) datasets==5.2.0 webdataset==1.0.2 pillow
	touch $@

.PHONY: test
test: lint $(NEWER)/.set-up ## every quick check: ruff, mypy, pytest
	$(if $(WINDOW_TEST),$(BIN)/python -m pytest $(PYTEST_ARGS) $(WINDOW_TEST) || [ $$? -eq 5 ])
	$(if $(BLENDER_TESTS),$(PARALLEL) $(PYTEST_ARGS) $(BLENDER_TESTS) || [ $$? -eq 5 ])
	$(if $(ADDON_TESTS),METASIM_BPY50_PYTHON=$$(ls $(CURDIR)/$(NEWER)/bin/python || true) $(PARALLEL) $(PYTEST_ARGS) $(ADDON_TESTS) || [ $$? -eq 5 ])
	$(PARALLEL) $(PYTEST_ARGS)

.PHONY: lint
lint: $(STAMP) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# pytest ends with 5 when it found no such test, which is no failure here.
.PHONY: slow
slow: $(STAMP) ## the tests that take longer
	$(if $(BLENDER_TESTS),$(BIN)/python -m pytest -m slow $(PYTEST_ARGS) $(BLENDER_TESTS) || [ $$? -eq 5 ])
	$(if $(ADDON_TESTS),$(BIN)/python -m pytest -m slow $(PYTEST_ARGS) $(ADDON_TESTS) || [ $$? -eq 5 ])
	$(if $(WINDOW_TEST),$(BIN)/python -m pytest -m slow $(PYTEST_ARGS) $(WINDOW_TEST) || [ $$? -eq 5 ])
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS) || [ $$? -eq 5 ]

# Each count has a variable of its own, such as METASIM_TORTURE_KILLS=20; see tests/torture/conftest.py.
.PHONY: torture
torture: $(STAMP) ## guarantees of robustness in their long form, some hours: docs/results/reliability.json
	METASIM_TORTURE=long METASIM_TORTURE_RESULT=$(CURDIR)/docs/results/reliability.json OMP_NUM_THREADS=1 \
		$(BIN)/python -m pytest -s -m "not benchmark" $(PYTEST_ARGS) tests/torture

.PHONY: nightly
nightly: $(STAMP) $(NEWER)/.set-up $(OLDER)/.set-up $(READERS)/.set-up ## labels in every Blender: 3.4 or what is installed, 4.2, 4.5, 5.0; others' readers
	METASIM_BPY42_PYTHON=$(CURDIR)/$(OLDER)/bin/python METASIM_BPY50_PYTHON=$(CURDIR)/$(NEWER)/bin/python \
		METASIM_READERS_PYTHON=$(CURDIR)/$(READERS)/bin/python \
		$(BIN)/python -m pytest -m slow $(PYTEST_ARGS) tests/rendering/test_other_blenders.py tests/datasets/test_formats_for_scale.py

# CLEAN=1 downloads all that the wheel asks for, torch and bpy included; else this set-up's packages serve.
CLEAN ?=
.PHONY: test-wheel
test-wheel: $(STAMP) ## the wheel in an environment of its own, run in an empty folder
	METASIM_WHEEL_CLEAN=$(CLEAN) $(BIN)/python -m pytest -m slow $(PYTEST_ARGS) tests/release

# What checks a release has many packages, and an environment of its own.
$(TWINE)/.set-up: $(STAMP)
	$(PYTHON) -m venv $(TWINE)
	$(TWINE)/bin/python -m pip install --disable-pip-version-check $(PIP_ARGS) twine==7.0.0
	touch $@

.PHONY: release
release: $(TWINE)/.set-up ## wheel, source, add-on and notes of this version, in dist/
	rm -rf build/release
	mkdir -p build/release
	$(BIN)/python .ci/release/version.py
	$(BIN)/python .ci/release/notes.py $$($(BIN)/python .ci/release/version.py) > build/release/NOTES.md
	$(BIN)/python -m hatchling build -d build/release
	$(BIN)/metasim addon build -o build/release
	$(TWINE)/bin/twine check --strict build/release/*.whl build/release/*.tar.gz
	rm -rf dist
	mv build/release dist
	ls -l dist

# What builds the site has packages of its own; it reads ours without importing them.
$(DOCS)/.set-up: $(STAMP) .ci/handbook/requirements.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --disable-pip-version-check $(PIP_ARGS) -r .ci/handbook/requirements.txt
	touch $@

.PHONY: docs
docs: $(DOCS)/.set-up ## the documentation site in build/site; a broken link fails
	$(BIN)/python .ci/handbook/assemble.py build/handbook
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict --quiet
	$(BIN)/python .ci/handbook/outside.py build/site

.PHONY: benchmark
benchmark: $(STAMP) ## measure speed
	$(BIN)/python -m pytest -m benchmark -s $(PYTEST_ARGS) tests/benchmarks || [ $$? -eq 5 ]

.PHONY: clean-venv
clean-venv: ## throw the virtual environment away
	rm -f $(STAMP)
	rm -rf $(VENV)
