# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Direct execution of each module. That it does the same as a process is seen in tests/functional/test_direct.py."""

from __future__ import annotations

import importlib
from pathlib import Path

from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._direct import DirectAction

PLUGINS = Path(__file__).resolve().parents[4] / "plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("reseller_*.py"))


def loaded(kind, name):
    return importlib.import_module(f"ansible_collections.mailfleet.sendgrid.plugins.{kind}.{name}")


def test_every_module_can_be_executed_directly():
    assert sorted(path.stem for path in (PLUGINS / "action").glob("reseller_*.py")) == MODULES
    assert all(issubclass(loaded("action", name).ActionModule, DirectAction) for name in MODULES)
