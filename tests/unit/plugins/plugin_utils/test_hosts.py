# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Customers as hosts: variables that are data, and names that Ansible would take for something else."""

from __future__ import annotations

import json

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import IN_RESULTS, as_result
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils import _hosts

TEMPLATE = "{{ 7 * 7 }}"
LISTED_CUSTOMERS = [
    {**as_result({"username": "ann", "city": TEMPLATE, "active": False}), "extra": {"id": "7", "note": TEMPLATE}},
    {**as_result({"username": "__ansible_unsafe"}), "extra": {}},
    {
        **as_result(
            {
                "username": "ben",
                "ips": [TEMPLATE],
                "credits": {"type": TEMPLATE, "total": 7, "reset_frequency": None},
                "whitelabel": TEMPLATE,
                "data_residency": TEMPLATE,
            }
        ),
        "extra": {},
    },
]


def evaluated(expression, variables):
    templar = Templar(loader=DataLoader(), variables=variables)
    return templar.template(_hosts.trust_as_template(expression))


def test_customers_come_out_of_a_cache_as_they_went_in():
    assert json.loads(json.dumps(LISTED_CUSTOMERS)) == LISTED_CUSTOMERS
    assert _hosts.is_listing(LISTED_CUSTOMERS) and _hosts.is_listing([])


ANN, _UNSAFE, BEN = LISTED_CUSTOMERS


@pytest.mark.parametrize(
    "value",
    [
        None,
        "ann",
        7,
        {},
        {"ann": ANN},
        ["ann"],
        [None],
        [ANN, []],
        [{}],
        [{**ANN, "username": ""}],
        [{**ANN, "username": None}],
        [{**ANN, "username": 7}],
        [{**ANN, "city": 7}],
        [{**ANN, "city": ["Oslo"]}],
        [{**ANN, "active": "true"}],
        [{**ANN, "active": 1}],
        [{**BEN, "ips": "192.0.2.1"}],
        [{**BEN, "ips": [7]}],
        [{**BEN, "credits": "unlimited"}],
        [{**BEN, "credits": {}}],
        [{**BEN, "credits": {**BEN["credits"], "total": "7"}}],
        [{**BEN, "credits": {**BEN["credits"], "type": ["unlimited"]}}],
        [{**BEN, "credits": {**BEN["credits"], "remain": 7}}],
        [{**ANN, "extra": None}],
        [{**ANN, "extra": ["id"]}],
        [{**ANN, "extra": {"id": 7}}],
        [{**ANN, "more": "x"}],
        [{name: item for name, item in ANN.items() if name != "zip"}],
    ],
)
def test_what_is_no_list_of_customers(value):
    assert not _hosts.is_listing(value)


def test_the_variables_of_a_host():
    variables = _hosts.variables(ANN)
    names = {f"sendgrid_{name}" for name in (*IN_RESULTS, "extra")}
    assert set(variables) == names | {"ansible_connection", "ansible_python_interpreter", "ansible_become"}
    assert variables["ansible_become"] is False
    assert variables["sendgrid_active"] is False
    assert variables["sendgrid_company"] is None
    assert variables["sendgrid_extra"] == {"id": "7", "note": TEMPLATE}
    assert variables["ansible_connection"] == "local"


@pytest.mark.parametrize(
    ("customer", "name"),
    [
        (ANN, "sendgrid_city"),
        (ANN, "sendgrid_extra.note"),
        (ANN, "[sendgrid_city] | first"),
        (BEN, "sendgrid_ips | first"),
        (BEN, "sendgrid_ips[0]"),
        (BEN, "sendgrid_credits.type"),
        (BEN, "sendgrid_whitelabel"),
        (BEN, "sendgrid_data_residency"),
    ],
)
def test_what_the_server_sent_is_data(customer, name):
    variables = _hosts.variables(customer)
    assert evaluated("{{ %s }}" % name, variables) == TEMPLATE  # noqa: UP031 - braces


def test_the_interpreter_is_the_one_of_the_controller():
    variables = {**_hosts.variables(ANN), "ansible_playbook_python": "/the/python"}
    assert evaluated("{{ ansible_python_interpreter }}", variables) == "/the/python"


@pytest.mark.parametrize(
    "name",
    [
        "ann@example.com",
        "ann",
        "ann@example.com:25",
        "ALL",
        "Localhost",
        "localhost.example",
        "127.0.0.2",
        "a b",
        "a[1:2]",
        "a{1}",
        "a\\b",
        "...",
        "été@example.com",
        "😀",
        "x" * 600,
    ],
)
def test_a_name_that_can_be_a_host(name):
    assert _hosts.unusable_names([name], {"all", "ungrouped"}) == {}


@pytest.mark.parametrize(
    ("endings", "names"),
    [
        ([".yml", ".yaml", ".json"], {"a.yml", "a.yaml", "a.json"}),
        ([".vars"], {"a.vars"}),
        (["conf"], {"a.conf"}),
        (["_v.x", ""], {"a_v.x"}),
        ([], set()),
    ],
)
def test_the_endings_of_files_are_those_of_the_configuration(monkeypatch, tmp_path, endings, names):
    """And they are those by which Ansible finds the files."""
    monkeypatch.setattr(_hosts.C, "YAML_FILENAME_EXTENSIONS", endings)
    every = {"a.yml", "a.yaml", "a.json", "a.vars", "a.conf", "a_v.x", "aconf", "a.txt", "a", "a.yml.x"}
    assert set(_hosts.unusable_names(every, ())) == names
    found = set()
    for name in every - {"a"}:
        (tmp_path / name).write_text("x: 1")
        found |= {name} if DataLoader().find_vars_files(str(tmp_path), "a") else set()
        (tmp_path / name).unlink()
    assert found == names


class Inventory:
    """Writes down what it is asked for."""

    hosts = ("ann", "ben")

    def __init__(self):
        self.calls = []

    def add_group(self, group):
        self.calls.append(("group", group))
        return group

    def add_host(self, host, group):
        self.calls.append(("host", host, group))

    def add_child(self, group, child):
        self.calls.append(("child", group, child))


@pytest.mark.parametrize("name", ["all", "ungrouped", "localhost", "127.0.0.1", "::1"])
def test_keyed_groups_make_no_group_that_harms_others(name):
    inventory = Inventory()
    groups = _hosts.KeyedGroups(inventory)
    for group, parent in ((name, "region_ME"), ("city_Oslo", name), ("city_Oslo", "region_ME")):
        made = groups.add_group(group)
        groups.add_host("ann", made)
        groups.add_group(parent)
        groups.add_child(parent, made)
    assert ("host", "ann", "city_Oslo") in inventory.calls and ("child", "region_ME", "city_Oslo") in inventory.calls
    assert not any(name in call for call in inventory.calls)
    [problem] = groups.problems()
    assert f"'{name}'" in problem
    assert groups.hosts == inventory.hosts


def test_keyed_groups_that_are_named_like_customers_are_made_and_told():
    groups = _hosts.KeyedGroups(Inventory())
    assert [groups.add_group(name) for name in ("ben", "ann", "ben", "ann_x")] == ["ben", "ann", "ben", "ann_x"]
    [problem] = groups.problems()
    assert "'ann', 'ben'. Set a prefix." in problem
    assert _hosts.KeyedGroups(Inventory()).problems() == []


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("all", "group"),
        ("web", "group"),
        ("localhost", "controller"),
        ("::1", "controller"),
        ("a/b", "path"),
        (".", "path"),
        ("..", "path"),
        ("ann.yml", "file"),
        ("ann.YAML", "file"),
        ("ann@example.json", "file"),
        ("ann~", "file"),
        ("a{{b", "template"),
        ("{%", "template"),
        ("x{#", "template"),
        (" [1]", "list"),
        ("{a}", "list"),
        ("a\nb", "shown"),
        ("a\x1b[0m", "shown"),
        ("a\x7fb", "shown"),
        ("a\x85b", "shown"),
        ("a\u00adb", "shown"),
        ("a\u061cb", "shown"),
        ("a\u180eb", "shown"),
        ("a\u202eb", "shown"),
        ("a\ufe0fb", "shown"),
        ("a\U000e0041b", "shown"),
        ("x" * 600 + "\x00", "shown"),
        # No task could name these.
        ("ann ", "shown"),
        ("a\u3164nn", "shown"),
    ],
)
def test_a_name_that_cannot_be_a_host(name, part):
    unusable = _hosts.unusable_names(["ann", name], {"all", "ungrouped", "web"})
    assert set(unusable) == {name}
    assert part in unusable[name]
    assert _hosts.describe_unusable(unusable).isprintable()
