# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole modules that run in this process, with arguments as if Ansible had sent them."""

from __future__ import annotations

import contextlib
import json

import ansible.module_utils
import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings as module_warnings
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _module

CANARY = "canary-value-1"
CONNECTED = {"api_user": "acme", "api_key": "canary-key"}
ARGUMENTS = {"api_user": "acme", "api_key": "canary-key", "username": "ann", "password": CANARY}


@contextlib.contextmanager
def module_arguments(monkeypatch, arguments):
    """Arguments as if Ansible had sent them."""
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:
        # ansible-core 2.17
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        yield
    else:
        with patch_module_args(arguments):
            yield


def own_process(monkeypatch):
    """Lets a module run as in a process of its own.

    Other test files import what makes this one a controller, which shows warnings itself,
    and Ansible keeps warnings and arguments for the whole of a process.
    """
    # ansible-core 2.19 and later
    internal = getattr(ansible.module_utils, "_internal", None)
    if hasattr(internal, "is_controller"):
        monkeypatch.setattr(internal, "is_controller", False)
    if hasattr(basic, "_PARSED_MODULE_ARGS"):
        monkeypatch.setattr(basic, "_PARSED_MODULE_ARGS", None)
    for collected in ("_global_warnings", "_global_deprecations"):
        monkeypatch.setattr(module_warnings, collected, type(getattr(module_warnings, collected))())


def run_module(monkeypatch, capsys, task, arguments, spec=None, **options):
    """Runs a whole module; gives its exit status and its printed result."""
    with module_arguments(monkeypatch, arguments), pytest.raises(SystemExit) as caught:
        _module.run(task, spec or _module.password_spec(), **options)
    return caught.value.code, json.loads(capsys.readouterr().out)


def not_called(*_given):
    """Replaces a task."""
    raise AssertionError("a task must not be begun with options that are wrong")
