# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Direct execution of each module: the same task with the same options as in a process of its own."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.action import reseller_customers
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._console import Console
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._direct import DirectAction

PLUGINS = Path(__file__).resolve().parents[4] / "plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("reseller_*.py"))


def loaded(kind, name):
    return importlib.import_module(f"ansible_collections.mailfleet.sendgrid.plugins.{kind}.{name}")


def test_every_module_can_be_executed_directly():
    assert sorted(path.stem for path in (PLUGINS / "action").glob("reseller_*.py")) == MODULES
    assert all(issubclass(loaded("action", name).ActionModule, DirectAction) for name in MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_an_action_does_what_its_module_does(monkeypatch, name):
    module, action = loaded("modules", name), loaded("action", name).ActionModule
    [task, spec, explain] = started_with(monkeypatch, module)
    assert action.SPEC() == spec
    assert action.EXPLAIN is explain
    if name != "reseller_customers":
        assert action.TASK is task


def started_with(monkeypatch, module):
    """The task, the spec and the explanation with which a module starts."""
    seen = []
    monkeypatch.setattr(module, "run", lambda task, spec, explain=None: seen.extend([task, spec, explain]))
    module.main()
    return seen


def test_a_fleet_tells_the_console_and_is_the_task_of_its_module_otherwise(monkeypatch):
    [task, _spec, _explain] = started_with(monkeypatch, loaded("modules", "reseller_customers"))
    assert task is reseller_customers.manage_fleet
    calls = []
    monkeypatch.setattr(reseller_customers, "manage_fleet", lambda *given: calls.append(given) or {"changed": True})
    options, connect = {"customers": []}, object()
    assert reseller_customers.ActionModule.TASK(options, True, connect) == {"changed": True}
    [(*given, watcher)] = calls
    assert given == [options, True, connect]
    assert isinstance(watcher, Console) and watcher._subject == "reseller_customers"
