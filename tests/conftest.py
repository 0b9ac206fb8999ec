# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes this checkout importable as a collection, and hands its tree to tests that start Ansible."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from .collection_tree import make_tree

TREE = pytest.StashKey[Path]()
# It has made an environment of its own, and there are no tools.
IN_ANSIBLE_TEST = "ANSIBLE_CONTROLLER_MIN_PYTHON_VERSION" in os.environ


def pytest_configure(config: pytest.Config) -> None:
    """Runs before any test file is imported, once in each process: workers of pytest-xdist have a tree of their own.

    `ansible_collections` and the folders below it have no __init__.py: an entry of sys.path is all that imports need.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # A shell starts programs in the background like that, and every program that a test starts would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    tree = make_tree(tempfile.mkdtemp(prefix="mailfleet-sendgrid-"))
    config.stash[TREE] = tree
    sys.path.insert(0, str(tree))
    if not IN_ANSIBLE_TEST:
        adopt_environment(tree)


def adopt_environment(tree: Path) -> None:
    """Take the environment that programs get: for what runs in this process, before anything imports Ansible."""
    from tools.environment import ansible_environment

    environment = ansible_environment(tree, tree)
    os.environ.clear()
    os.environ.update(environment)


def pytest_unconfigure(config: pytest.Config) -> None:
    tree = config.stash.get(TREE, None)
    if tree is not None:
        shutil.rmtree(tree, ignore_errors=True)


@pytest.fixture(scope="session")
def collections_path(pytestconfig: pytest.Config) -> Path:
    """A folder for ANSIBLE_COLLECTIONS_PATH in which Ansible finds this checkout as mailfleet.sendgrid."""
    return pytestconfig.stash[TREE]
