# The two commands of the README, and their parts.
#
# Needs Python 3.11 or newer with its venv module, make, curl, and the package
# registries; Node.js for the tests comes from a wheel.

PYTHON ?= python3
VENV := .venv
BUILT := build/venv
BENCH := build/bench
RECIPES := $(patsubst tests/recipes/%.txt,build/recipes/%/installed,\
	$(wildcard tests/recipes/*.txt)) build/recipes/opencode/installed
SOURCES := $(shell find antigravity_gw antigravity_sandbox twisted -name '*.py') \
	$(shell find antigravity_gw/admin/static -type f) \
	setup.cfg pyproject.toml README.md

.PHONY: run test lint types tests smoke bench docs clean
.DELETE_ON_ERROR:

# A gateway with a simulated Google behind it, on http://127.0.0.1:8045.
run: $(VENV)/installed
	exec $(VENV)/bin/twistd -n antigravity-gw --sandbox

# Everything that must hold before a change lands.
test: lint types tests smoke

lint: $(BUILT)/installed
	$(BUILT)/bin/ruff check .
	$(BUILT)/bin/ruff format --check .

types: $(BUILT)/installed
	$(BUILT)/bin/mypy

# Against the installed wheel: the script, unlike 'python -m pytest', does not
# put the checkout on the path, and a test makes sure of it.  A module's tests stay
# together: some share a daemon.
tests: $(BUILT)/installed $(RECIPES)
	$(BUILT)/bin/pytest --numprocesses auto --dist loadscope

smoke: $(BUILT)/installed
	$(BUILT)/bin/python tests/smoke.py

# What the gateway costs, beside a minimal proxy: make bench ARGS=--quick
bench: $(BENCH)/installed
	$(BENCH)/bin/python -m benchmarks $(ARGS)

# The page of docs that is made of the code.
docs: $(BUILT)/installed
	$(BUILT)/bin/python docs/make_configuration.py

$(VENV)/installed: $(SOURCES)
	$(call make-venv,$(VENV))
	rm -rf build/lib build/bdist.*  # else modules that are gone would come back
	$(VENV)/bin/pip install --quiet .
	touch $@

# The wheel is built anew whenever a source changed: what is tested is what is there.
$(BUILT)/installed: $(SOURCES)
	$(call make-venv,$(BUILT))
	rm -rf build/wheel build/lib build/bdist.*
	$(BUILT)/bin/pip wheel --quiet --no-deps --wheel-dir build/wheel .
	$(BUILT)/bin/pip install --quiet --force-reinstall --no-deps build/wheel/*.whl
	wheel=$$(echo build/wheel/*.whl) && $(BUILT)/bin/pip install --quiet "$$wheel[test,lint]"
	touch $@

$(BENCH)/installed: $(SOURCES)
	$(call make-venv,$(BENCH))
	rm -rf build/lib build/bdist.*
	$(BENCH)/bin/pip install --quiet '.[bench]'
	touch $@

# Clients that the recipes are run with, and that do not go together with the others:
# a venv for each list. A new pip finds out what goes together far sooner than one that
# Python brings, and most of what is installed is never imported, so is not compiled.
build/recipes/%/installed: tests/recipes/%.txt
	$(call make-venv,$(@D))
	$(@D)/bin/pip install --quiet --no-compile --upgrade 'pip>=26'
	$(@D)/bin/pip install --quiet --no-compile --requirement $<
	touch $@

# npm would bring opencode's program for every processor that might be this one; its own
# script, which it is for, brings the one that is.
build/recipes/opencode/installed: tests/recipes/opencode/package.json | $(BUILT)/installed
	mkdir -p $(@D)
	cp $< $(@D)
	cd $(@D) && export PATH="$(CURDIR)/$(BUILT)/bin:$$PATH" && \
	npm install --silent --no-package-lock --ignore-scripts --omit=optional && \
	node node_modules/opencode-ai/postinstall.mjs
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info

define make-venv
test -x $(1)/bin/pip || $(PYTHON) -m venv $(1) || { \
	rm -rf $(1); \
	echo "This needs Python's venv module; on Debian: apt install python3-venv" >&2; \
	exit 1; }
endef
