# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Everything is made in this folder. The environments are .venv (demo, tests), .venv-lint (lint, sanity), .venv-docs,
# .venv-importer and .venv-devel. make creates each one when it is first needed, and again when its lock file in
# tests/requirements changes. It creates .venv-devel each time.

PYTHON ?= python3
# One more than there are processors, since some tests wait for a program or for a clock.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
PYTEST_ARGS ?=
SANITY_ARGS ?=
MATRIX_ARGS ?=
LOCKS_ARGS ?=
DEMO_ARGS ?=
BENCH_ARGS ?=
# What `make devel` tests: anything that pip accepts for ansible-core.
DEVEL ?= ansible-core @ git+https://github.com/ansible/ansible@devel

.DEFAULT_GOAL := help

# tools/environment.py decides what programs get from the environment of the caller. Tests and tools use it. The settings
# here apply before that: what Python reads before it runs a program, and what pip reads. If bytecode were forbidden while
# packages are installed, modules would stay uncompiled, and every start would be slow.
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONSTARTUP PYTHONWARNINGS PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX
unexport VIRTUAL_ENV PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# An environment works only in the folder and for the Python that it was made for: its scripts have absolute paths.
forget_unless_usable = $(shell \
	[ "$$(cat $(1)/.made-for 2>/dev/null)" = "$(PYTHON) $$PWD" ] && $(1)/bin/python -c '' 2>/dev/null \
	|| rm -f $(1)/.has-*)
$(call forget_unless_usable,.venv)
$(call forget_unless_usable,.venv-lint)
$(call forget_unless_usable,.venv-docs)
$(call forget_unless_usable,.venv-importer)

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  PYTHON=python3.12 makes the environments with another Python (3.10 or newer)."
	@echo "  PYTEST_ARGS='-k name', SANITY_ARGS='--test pep8' and MATRIX_ARGS='units 2.17' choose a part."

.PHONY: demo
demo: .venv/.has-demo ## a playbook against the sandbox, all on this machine
	@.venv/bin/python -m tests.demo $(DEMO_ARGS)

.PHONY: test
test: .venv/.has-test ## unit and functional tests
	@.venv/bin/python -m pytest -n $(WORKERS) --dist loadgroup $(PYTEST_ARGS)

.PHONY: bench
bench: .venv/.has-test ## what a task costs: direct, shipped and with ansible.builtin.uri
	@.venv/bin/python -m tests.bench $(BENCH_ARGS)

.PHONY: sanity
sanity: .venv-lint/.has-lint ## ansible-test sanity, on a copy in a collection tree
	@.venv-lint/bin/python tools/run_ansible_test.py sanity $(SANITY_ARGS)

.PHONY: matrix
matrix: .venv-lint/.has-lint ## ansible-test sanity, units and integration with each supported ansible-core
	@.venv-lint/bin/python tools/matrix.py $(MATRIX_ARGS)

.PHONY: devel
devel: ## all tests with ansible-core's development branch, or with DEVEL='ansible-core==2.22.0rc1'
	@sh tools/make_env.sh "$(PYTHON)" .venv-devel tests/requirements/test.txt
	@.venv-devel/bin/python -m pip install -qq "$(DEVEL)"
	@.venv-devel/bin/python tools/devel.py

.PHONY: lint
lint: .venv-lint/.has-lint ## ansible-lint (profile production), the changelog, the documentation, ruff, mypy
	@.venv-lint/bin/python tools/lint.py

.PHONY: docs
docs: .venv-docs/.has-docs ## the documentation site, in docs/build/html
	@.venv-docs/bin/python tools/docs.py

.PHONY: importer
importer: .venv-importer/.has-importer ## what Galaxy says of the tarball, what ansible-navigator shows of it
	@.venv-importer/bin/python tools/importer.py

.PHONY: locks
locks: .venv-lint/.has-lint ## the lock files of tests/requirements; the newest versions with LOCKS_ARGS=--upgrade
	@.venv-lint/bin/python tools/locks.py $(LOCKS_ARGS)

.PHONY: picture
picture: .venv/.has-demo ## the picture in README.md, with a Chromium or Chrome that is installed
	@.venv/bin/python -m tools.report_picture

.PHONY: build
build: .venv/.has-demo ## the collection's tarball, in dist
	@.venv/bin/python tools/environment.py ansible-galaxy collection build --force --output-path dist

.PHONY: clean
clean: ## remove environments, caches and build output
	rm -rf .venv .venv-* .ansible .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -rf dist docs/build htmlcov tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.has-demo: tests/requirements/demo.txt tools/make_env.sh
	@sh tools/make_env.sh "$(PYTHON)" .venv tests/requirements/demo.txt
	@touch $@

.venv/.has-test: tests/requirements/test.txt .venv/.has-demo
	@echo "Adding the test tools to .venv"
	@.venv/bin/python -m pip install -qq --require-hashes -r tests/requirements/test.txt
	@touch $@

.venv-lint/.has-lint: tests/requirements/lint.txt tools/make_env.sh
	@sh tools/make_env.sh "$(PYTHON)" .venv-lint tests/requirements/lint.txt
	@touch $@

.venv-docs/.has-docs: tests/requirements/docs.txt tools/make_env.sh
	@sh tools/make_env.sh "$(PYTHON)" .venv-docs tests/requirements/docs.txt
	@touch $@

.venv-importer/.has-importer: tests/requirements/importer.txt tools/make_env.sh
	@sh tools/make_env.sh "$(PYTHON)" .venv-importer tests/requirements/importer.txt
	@touch $@
