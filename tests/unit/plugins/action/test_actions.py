# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Direct execution of each module. That it does the same as a process is seen in tests/functional/test_direct.py."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.action import reseller_customers
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._direct import DirectAction

PLUGINS = Path(__file__).resolve().parents[4] / "plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("reseller_*.py"))


def loaded(kind, name):
    return importlib.import_module(f"ansible_collections.mailfleet.sendgrid.plugins.{kind}.{name}")


def test_every_module_can_be_executed_directly():
    assert sorted(path.stem for path in (PLUGINS / "action").glob("reseller_*.py")) == MODULES
    assert all(issubclass(loaded("action", name).ActionModule, DirectAction) for name in MODULES)


# What is omitted inside of the options of a fleet, before ansible-core 2.19


OMIT = "__omit_place_holder__4711"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"customers": [{"username": "ann", "city": OMIT}], "purge": OMIT}, {"customers": [{"username": "ann"}]}),
        ({"defaults": {"city": OMIT, "ips": ["a", OMIT]}}, {"defaults": {"ips": ["a"]}}),
        ({"customers": json.dumps([{"username": "ann", "zip": OMIT}])}, {"customers": [{"username": "ann"}]}),
        ({"customers": json.dumps(OMIT)}, {"customers": ""}),
        ({"customers": f"username=ann city={OMIT}"}, {"customers": ""}),
        ({"customers": ({"username": 5, "active": None},)}, {"customers": [{"username": 5, "active": None}]}),
        ({"customers_file": OMIT}, {}),
    ],
)
def test_what_is_omitted_is_left_out_wherever_it_stands(given, kept):
    assert reseller_customers._without_omitted(given, OMIT) == kept


def test_nothing_is_looked_for_where_omitting_is_no_text():
    given = {"customers": [OMIT]}
    assert reseller_customers._without_omitted(given, None) is given
    assert reseller_customers._without_omitted(given, object()) is given
