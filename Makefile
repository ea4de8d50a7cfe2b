# The two commands of the README, and their parts.
#
# Needs Python 3.11 or newer with its venv module, make, curl, and the package
# registries; Node.js for the tests comes from a wheel.

PYTHON ?= python3
VENV := .venv
BUILT := build/venv
BENCH := build/bench
RECIPES := build/recipes
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
tests: $(BUILT)/installed $(RECIPES)/installed
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

# Clients that the recipes are run with, and that do not go together with the others.
$(RECIPES)/installed: tests/recipes/requirements.txt
	$(call make-venv,$(RECIPES))
	$(RECIPES)/bin/pip install --quiet --requirement $<
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info

define make-venv
test -x $(1)/bin/pip || $(PYTHON) -m venv $(1) || { \
	rm -rf $(1); \
	echo "This needs Python's venv module; on Debian: apt install python3-venv" >&2; \
	exit 1; }
endef
