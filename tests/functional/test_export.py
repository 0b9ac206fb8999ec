# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unchanged playbook of the guide that writes the customers of an account to a CSV file."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from .conftest import only_direct, only_json, only_observed
from .examples import blocks
from .running import ROOT, Ansible, Sandbox

GUIDE = ROOT / "docs" / "docsite" / "rst" / "fleets.rst"
# What a cell, a line, a template or a program for tables may take for something else.
NASTY = {
    "first_name": 'Ada "the first"',
    "last_name": "O'Neil, Jr.",
    "address": "4 Mill Lane\nBack door, left\n\nBell 3",
    "city": '"',
    "region": "{{ 6 * 7 }}",
    "zip": "04101",
    "country": "NO",
    "phone": "+47 555",
    "website": "http://example.com/?a=1;b='2'",
}


def exported(ansible: Ansible) -> Path:
    """Runs the playbook, and returns the file that it has written."""
    [playbook] = [block for block in blocks(GUIDE) if block.name == "export.yml"]
    path = ansible.folder / "export.yml"
    path.write_text(playbook.text, encoding="utf-8")
    done = ansible.command("ansible-playbook", path.name, one_output=True)
    assert done.returncode == 0, done.stdout
    return ansible.folder / "customers.csv"


@only_json
@only_direct
def test_the_file_holds_what_the_list_shows(ansible: Ansible, sandbox: Sandbox) -> None:
    rows = json.dumps([{"username": "ada@example.com", **NASTY}])
    # A task would take some of it for a template.
    (ansible.folder / "ada.json").write_text(rows, encoding="utf-8")
    assert ansible.one("reseller_customers", customers_file="ada.json").result["changed"]

    path = exported(ansible)

    assert path.stat().st_mode & 0o777 == 0o600
    with path.open(encoding="utf-8", newline="") as file:
        cells = {row["username"]: row for row in csv.DictReader(file, strict=True)}
    assert sorted(cells) == [f"{name}@example.com" for name in ("ada", "ben", "cleo")]
    assert {name: cells["ada@example.com"][name] for name in NASTY} == NASTY
    assert [cells[f"{name}@example.com"]["active"] for name in ("ada", "ben")] == ["True", "False"]
    assert all(None not in row and None not in row.values() for row in cells.values())
    stored = sandbox.customers()
    read: dict[str, Any] = ansible.one("reseller_customers", customers_file=path.name).result
    assert (read["changed"], read["summary"]["unchanged"]) == (False, 3), read
    assert sandbox.customers() == stored


@only_json
@only_direct
@only_observed
def test_a_change_of_the_file_is_a_change_of_the_account(ansible: Ansible, sandbox: Sandbox) -> None:
    path = exported(ansible)
    path.write_text(path.read_text(encoding="utf-8").replace('"Portland"', '"Bangor, ""ME"""', 1), encoding="utf-8")
    first, second, third, fourth = ansible.four_ways("reseller_customers", customers_file=path.name)
    assert [len(step.written) for step in (first, second, third, fourth)] == [0, 1, 0, 0]
    assert sandbox.customers()["ada@example.com"]["city"] == 'Bangor, "ME"'


@only_json
@only_direct
@only_observed
def test_an_account_without_customers(ansible: Ansible) -> None:
    gone = [{"username": f"{name}@example.com", "state": "absent"} for name in ("ada", "ben", "cleo")]
    assert ansible.one("reseller_customers", customers=gone).result["changed"]
    assert exported(ansible).read_text(encoding="utf-8").splitlines()[1:] == []
