# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A single encrypted value works wherever a text works. Before ansible-core 2.19, it is not a text."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from .conftest import PASSWORD, both_apis_in_json, only_direct, only_observed, seeded
from .running import CORE, Ansible, Run, Sandbox, task
from .test_fleet_role import as_csv, has_password, suited
from .vault import PASSWORD as VAULT_PASSWORD
from .vault import encrypted, encrypted_values, password_file

CANARY = "canary-4711"
# Looks like a template, and like something that is none of the texts that a template may be taken for.
SECRET = CANARY + "-{{ 7 * 7 }} 'é'"
WRONG_KEY = "never-the-key-4711"
GROUP = "group/mailfleet.sendgrid.reseller"

pytestmark = only_observed
# ansible-core 2.19 and later know one way only.
natively = pytest.mark.parametrize("native", [False, True] if CORE < (2, 19) else [False])


def play(ansible: Ansible, tasks: list[dict[str, Any]], native: bool, **settings: Any) -> Run:
    """One play whose key is encrypted, too. Nothing that was encrypted may come out."""
    [key] = encrypted_values(ansible.api_key)
    environment = {"SENDGRID_API_KEY": WRONG_KEY, **({"ANSIBLE_JINJA2_NATIVE": "true"} if native else {})}
    run = ansible.play(
        tasks,
        *("-vvv", "--diff", "--vault-password-file", str(password_file(ansible.folder))),
        environment=environment,
        module_defaults={GROUP: {**ansible.defaults, "api_key": key}},
        **settings,
    )
    shown = run.output + json.dumps([step.result for step in run.steps])
    assert CANARY not in shown
    assert ansible.api_key not in shown
    return run


def update_password(ansible: Ansible) -> dict[str, str]:
    """With API v2, the passwords of customers that exist are set, too."""
    return {"update_password": "on_create" if ansible.is_v3 else "always"}


@both_apis_in_json
@natively
def test_the_role_of_a_fleet(ansible: Ansible, sandbox: Sandbox, native: bool) -> None:
    shared, own, city, group = encrypted_values(SECRET, SECRET + "-own", "Ålesund {{ 7 * 7 }}", "News")
    new = {**seeded("dora@example.com"), "region": "ME", "package": "Bronze", "whitelabel": "w.example"}
    del new["state"], new["password"]
    new = suited(ansible.api, new)
    fleet = {
        "fleet_defaults": {**update_password(ansible), "city": city},
        "fleet_passwords": {"ada@example.com": shared, "eva@example.com": shared},
        "fleet_customers": [
            {"username": "ada@example.com"},
            {"username": "ben@example.com", "password": own},
            {**new, "password": own, "city": city, **({} if ansible.is_v3 else {"ip_groups": [group]})},
            {**new, "username": "eva@example.com", "city": city},
        ],
    }
    (ansible.folder / "fleet.yml").write_text(yaml.safe_dump(fleet), encoding="utf-8")
    role = {"name": "Run", "ansible.builtin.import_role": {"name": "mailfleet.sendgrid.fleet"}}
    run = play(ansible, [role], native, vars_files=["fleet.yml"])
    assert run.status == 0, run.output
    stored = sandbox.customers()
    assert {stored[f"{name}@example.com"]["city"] for name in ("ada", "ben", "dora")} == {"Ålesund {{ 7 * 7 }}"}
    assert has_password(sandbox, "ada@example.com", PASSWORD if ansible.is_v3 else SECRET)
    assert has_password(sandbox, "ben@example.com", PASSWORD if ansible.is_v3 else SECRET + "-own")
    assert has_password(sandbox, "dora@example.com", SECRET + "-own")
    assert has_password(sandbox, "eva@example.com", SECRET)
    again = play(ansible, [role], native, vars_files=["fleet.yml"])
    assert again.status == 0, again.output
    assert [operation for step in again.steps for operation in step.written] == []


@both_apis_in_json
@natively
@pytest.mark.parametrize("name", ["fleet.csv", "fleet.json", "fleet.yml"])
def test_the_role_with_a_file_that_is_encrypted(ansible: Ansible, sandbox: Sandbox, native: bool, name: str) -> None:
    rows = [a_row(ansible, password=SECRET, city="Ålesund {{ 7 }}")]
    content = as_csv(rows) if name.endswith(".csv") else json.dumps(rows, ensure_ascii=False)
    expect_a_password_and_a_city(ansible, sandbox, native, name, encrypted(content, VAULT_PASSWORD))


def a_row(ansible: Ansible, **values: Any) -> dict[str, Any]:
    """A customer that gets a password: with API v2 one that is there, with API v3 a new one."""
    if ansible.is_v3:
        return {"username": "dora@example.com", "email": "dora@example.com", **values}
    return {"username": "ada@example.com", "update_password": "always", **values}


@both_apis_in_json
@natively
def test_the_role_with_values_of_a_file_that_are_encrypted(ansible: Ansible, sandbox: Sandbox, native: bool) -> None:
    password, city = encrypted_values(SECRET, "Ålesund {{ 7 }}")
    rows = [a_row(ansible, password=password, city=city)]
    expect_a_password_and_a_city(ansible, sandbox, native, "fleet.yml", yaml.safe_dump(rows))


def expect_a_password_and_a_city(ansible: Ansible, sandbox: Sandbox, native: bool, name: str, content: str) -> None:
    """What the role does with a file: all of it, once, and without a word of a secret."""
    (ansible.folder / name).write_text(content, encoding="utf-8")
    role = {"ansible.builtin.import_role": {"name": "mailfleet.sendgrid.fleet"}, "vars": {"fleet_file": name}}
    first, again = (play(ansible, [{"name": "Run", **role}], native) for _number in range(2))
    assert (first.status, again.status) == (0, 0), first.output
    written = [[operation for step in run.steps for operation in step.written] for run in (first, again)]
    assert written == [["create", "set_profile"] if ansible.is_v3 else ["set_profile", "set_password"], []]
    name = a_row(ansible)["username"]
    assert sandbox.customers()[name]["city"] == "Ålesund {{ 7 }}"
    assert has_password(sandbox, name, SECRET)


@both_apis_in_json
@natively
def test_the_modules(ansible: Ansible, sandbox: Sandbox, native: bool) -> None:
    city, password, name, mine = encrypted_values("Ålesund", SECRET, "ben@example.com", "customers-of-mine@example.com")
    rows = [{"username": "cleo@example.com", "city": city, "password": password, **update_password(ansible)}]
    changed = [
        task("reseller_customer_password", {"username": name, "password": password}),
        # API v3 sets the password of a new customer only.
        task("reseller_customer", {"username": "dora@example.com", "email": mine, "password": password}),
    ]
    tasks = [
        task("reseller_customer", {"username": "ada@example.com", "city": city, "email": mine}),
        changed[ansible.is_v3],
        task("reseller_customers", {"customers": rows}),
        task("reseller_customers", {"customers": "{{ rows }}"}),
        task("reseller_customer_info", {"city": city}),
    ]
    run = play(ansible, tasks, native, vars={"rows": rows, "sendgrid_direct_execution": ansible.direct})
    assert run.status == 0, run.output
    assert [step.result["changed"] for step in run.steps] == [True, True, True, False, False]
    assert [one["username"] for one in run.steps[-1].result["customers"]] == ["ada@example.com", "cleo@example.com"]
    assert sandbox.customers()["ada@example.com"]["email"] == "customers-of-mine@example.com"
    with_it = ["dora"] if ansible.is_v3 else ["ben", "cleo"]
    assert all(has_password(sandbox, f"{name}@example.com", SECRET) for name in with_it)


@both_apis_in_json
@only_direct
@natively
def test_the_report(ansible: Ansible, sandbox: Sandbox, native: bool) -> None:
    password, city, title = encrypted_values(SECRET, "Portland", "Ours")
    page = ansible.folder / "page.html"
    variables = {
        "fleet_customers": [{"username": "ada@example.com", "city": "Oslo"}, {"username": "ben@example.com"}],
        "fleet_defaults": {**update_password(ansible), "city": city},
        "fleet_passwords": {"ada@example.com": PASSWORD, "ben@example.com": password},
        "fleet_report_path": str(page),
        "fleet_report_filters": {"city": city},
        "fleet_report_title": title,
    }
    (ansible.folder / "fleet.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    role = {"name": "Run", "ansible.builtin.import_role": {"name": "mailfleet.sendgrid.fleet_report"}}
    run = play(ansible, [role], native, vars_files=["fleet.yml"])
    assert run.status == 0, run.output
    text = page.read_text(encoding="utf-8")
    assert "<title>Ours</title>" in text
    # One has another town, the other another password, which API v3 cannot tell.
    assert f"to update: {1 if ansible.is_v3 else 2}" in text
    assert CANARY not in text


@both_apis_in_json
@only_direct
def test_the_inventory(ansible: Ansible, sandbox: Sandbox) -> None:
    key, city = encrypted_values(ansible.api_key, "Portland")
    source = ansible.folder / "fleet.sendgrid.yml"
    options = {"plugin": "mailfleet.sendgrid.reseller", "api_key": key, "city": city}
    source.write_text(yaml.safe_dump(options), encoding="utf-8")
    done = ansible.command(
        *("ansible-inventory", "-i", str(source), "--list"),
        *("--vault-password-file", str(password_file(ansible.folder))),
        environment={"SENDGRID_API_KEY": WRONG_KEY, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"},
    )
    assert done.returncode == 0, done.stderr
    assert sorted(json.loads(done.stdout)["_meta"]["hostvars"]) == [
        f"{name}@example.com" for name in ("ada", "ben", "cleo")
    ]
    assert ansible.api_key not in done.stdout + done.stderr


@both_apis_in_json
@only_direct
def test_what_cannot_be_decrypted_is_told(ansible: Ansible, sandbox: Sandbox) -> None:
    [password] = encrypted_values(SECRET)
    role = {
        "name": "Run",
        "ansible.builtin.import_role": {"name": "mailfleet.sendgrid.fleet"},
        "vars": {"fleet_customers": [{"username": "ada@example.com", "password": password}]},
    }
    run = ansible.play([role])
    assert run.status == 2
    assert "no vault secrets" in run.output
    assert sandbox.log() == []
