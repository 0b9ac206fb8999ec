# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Customers as hosts: variables that are data, and names that Ansible would take for something else."""

from __future__ import annotations

import json

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fields import LISTED, as_result
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils import _hosts

TEMPLATE = "{{ 7 * 7 }}"
RESULT = {
    "changed": False,
    "count": 2,
    "customers": [
        as_result({"username": "ann", "city": TEMPLATE, "active": False}),
        as_result({"username": "__ansible_unsafe"}),
    ],
    "extra": {"ann": {"id": "7", "note": TEMPLATE}, "__ansible_unsafe": {}},
}


def evaluated(expression, variables):
    templar = Templar(loader=DataLoader(), variables=variables)
    return templar.template(_hosts.trust_as_template(expression))


def test_customers_are_plain_values_in_a_list():
    listed = _hosts.customers(RESULT)
    assert json.loads(json.dumps(listed)) == listed
    assert [customer["username"] for customer in listed] == ["ann", "__ansible_unsafe"]
    assert [customer["extra"] for customer in listed] == [{"id": "7", "note": TEMPLATE}, {}]
    assert set(listed[0]) == {*LISTED, "extra"}


def test_the_variables_of_a_host():
    variables = _hosts.variables(_hosts.customers(RESULT)[0])
    names = {f"sendgrid_{name}" for name in (*LISTED, "extra")}
    assert set(variables) == names | {"ansible_connection", "ansible_python_interpreter"}
    assert variables["sendgrid_active"] is False
    assert variables["sendgrid_company"] is None
    assert variables["sendgrid_extra"] == {"id": "7", "note": TEMPLATE}
    assert variables["ansible_connection"] == "local"


@pytest.mark.parametrize("name", ["sendgrid_city", "sendgrid_extra.note", "[sendgrid_city] | first"])
def test_what_the_server_sent_is_data(name):
    variables = _hosts.variables(_hosts.customers(RESULT)[0])
    assert evaluated("{{ %s }}" % name, variables) == TEMPLATE  # noqa: UP031 - braces


def test_the_interpreter_is_the_one_of_the_controller():
    variables = {**_hosts.variables(_hosts.customers(RESULT)[0]), "ansible_playbook_python": "/the/python"}
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
    ("name", "part"),
    [
        ("all", "group"),
        ("web", "group"),
        ("localhost", "controller"),
        ("::1", "controller"),
        ("a/b", "path"),
        (".", "path"),
        ("..", "path"),
        ("a{{b", "template"),
        ("{%", "template"),
        ("x{#", "template"),
        (" [1]", "list"),
        ("{a}", "list"),
        ("a\nb", "shown"),
        ("a\x1b[0m", "shown"),
        ("a\u202eb", "shown"),
        ("x" * 600 + "\x00", "shown"),
    ],
)
def test_a_name_that_cannot_be_a_host(name, part):
    unusable = _hosts.unusable_names(["ann", name], {"all", "ungrouped", "web"})
    assert set(unusable) == {name}
    assert part in unusable[name]
    assert _hosts.told(unusable).isprintable()
