# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that are encrypted one by one work wherever a text does. Before ansible-core 2.19 they are no texts."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from .conftest import ACCOUNT, PASSWORD, only_direct, only_json, only_observed, seeded
from .running import CORE, Ansible, Run, Sandbox, task
from .test_fleet_role import as_csv
from .vault import PASSWORD as VAULT_PASSWORD
from .vault import encrypted, encrypted_values, password_file

CANARY = "canary-4711"
# Looks like a template, and like something that is none of the texts that a template may be taken for.
SECRET = CANARY + "-{{ 7 * 7 }} 'é'"
WRONG_KEY = "never-the-key-4711"
GROUP = "group/mailfleet.sendgrid.reseller"

pytestmark = [only_json, only_observed]
# ansible-core 2.19 and later know one way only.
natively = pytest.mark.parametrize("native", [False, True] if CORE < (2, 19) else [False])


def play(ansible: Ansible, tasks: list[dict[str, Any]], native: bool, **settings: Any) -> Run:
    """One play whose key is encrypted, too. Nothing that was encrypted may come out."""
    [key] = encrypted_values(ACCOUNT["api_key"])
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
    assert ACCOUNT["api_key"] not in shown
    return run


def has_password(sandbox: Sandbox, username: str, password: str) -> bool:
    """Asks the service, without the collection."""
    body = {**ACCOUNT, "method": "auth", "user": username, "password": password}
    answer = sandbox.http.post(f"{sandbox.api_url}/reseller.manage.json", data=body, timeout=30)
    return answer.json() == {"message": "success"}


@natively
def test_the_role_of_a_fleet(ansible: Ansible, sandbox: Sandbox, native: bool) -> None:
    shared, own, city, group = encrypted_values(SECRET, SECRET + "-own", "Ålesund {{ 7 * 7 }}", "News")
    new = {**seeded("dora@example.com"), "region": "ME", "package": "Bronze", "whitelabel": "w.example"}
    del new["state"]
    fleet = {
        "fleet_defaults": {"update_password": "always", "city": city},
        "fleet_passwords": {"ada@example.com": shared},
        "fleet_customers": [
            {"username": "ada@example.com"},
            {"username": "ben@example.com", "password": own},
            {**new, "password": own, "city": city, "ip_groups": [group]},
        ],
    }
    (ansible.folder / "fleet.yml").write_text(yaml.safe_dump(fleet), encoding="utf-8")
    role = {"name": "Run", "ansible.builtin.import_role": {"name": "mailfleet.sendgrid.fleet"}}
    run = play(ansible, [role], native, vars_files=["fleet.yml"])
    assert run.status == 0, run.output
    stored = sandbox.customers()
    assert {stored[f"{name}@example.com"]["city"] for name in ("ada", "ben", "dora")} == {"Ålesund {{ 7 * 7 }}"}
    assert has_password(sandbox, "ada@example.com", SECRET)
    assert has_password(sandbox, "ben@example.com", SECRET + "-own")
    assert has_password(sandbox, "dora@example.com", SECRET + "-own")
    again = play(ansible, [role], native, vars_files=["fleet.yml"])
    assert again.status == 0, again.output
    assert [operation for step in again.steps for operation in step.written] == []


@natively
@pytest.mark.parametrize("name", ["fleet.csv", "fleet.json", "fleet.yml"])
def test_the_role_with_a_file_that_is_encrypted(ansible: Ansible, sandbox: Sandbox, native: bool, name: str) -> None:
    rows = [{"username": "ada@example.com", "password": SECRET, "update_password": "always", "city": "Ålesund {{ 7 }}"}]
    content = as_csv(rows) if name.endswith(".csv") else json.dumps(rows, ensure_ascii=False)
    expect_a_password_and_a_city(ansible, sandbox, native, name, encrypted(content, VAULT_PASSWORD))


@natively
def test_the_role_with_values_of_a_file_that_are_encrypted(ansible: Ansible, sandbox: Sandbox, native: bool) -> None:
    password, city = encrypted_values(SECRET, "Ålesund {{ 7 }}")
    rows = [{"username": "ada@example.com", "password": password, "update_password": "always", "city": city}]
    expect_a_password_and_a_city(ansible, sandbox, native, "fleet.yml", yaml.safe_dump(rows))


def expect_a_password_and_a_city(ansible: Ansible, sandbox: Sandbox, native: bool, name: str, content: str) -> None:
    """What the role does with a file: all of it, once, and without a word of a secret."""
    (ansible.folder / name).write_text(content, encoding="utf-8")
    role = {"ansible.builtin.import_role": {"name": "mailfleet.sendgrid.fleet"}, "vars": {"fleet_file": name}}
    first, again = (play(ansible, [{"name": "Run", **role}], native) for _ in range(2))
    assert (first.status, again.status) == (0, 0), first.output
    written = [[operation for step in run.steps for operation in step.written] for run in (first, again)]
    assert written == [["set_profile", "set_password"], []]
    assert sandbox.customers()["ada@example.com"]["city"] == "Ålesund {{ 7 }}"
    assert has_password(sandbox, "ada@example.com", SECRET)


@natively
def test_the_modules(ansible: Ansible, sandbox: Sandbox, native: bool) -> None:
    city, password, name, mine = encrypted_values("Ålesund", SECRET, "ben@example.com", "customers-of-mine@example.com")
    rows = [{"username": "cleo@example.com", "city": city, "password": password, "update_password": "always"}]
    tasks = [
        task("reseller_customer", {"username": "ada@example.com", "city": city, "email": mine}),
        task("reseller_customer_password", {"username": name, "password": password}),
        task("reseller_customers", {"customers": rows}),
        task("reseller_customers", {"customers": "{{ rows }}"}),
        task("reseller_customer_info", {"city": city}),
    ]
    run = play(ansible, tasks, native, vars={"rows": rows, "sendgrid_direct_execution": ansible.direct})
    assert run.status == 0, run.output
    assert [step.result["changed"] for step in run.steps] == [True, True, True, False, False]
    assert [one["username"] for one in run.steps[-1].result["customers"]] == ["ada@example.com", "cleo@example.com"]
    assert sandbox.customers()["ada@example.com"]["email"] == "customers-of-mine@example.com"
    assert has_password(sandbox, "ben@example.com", SECRET)
    assert has_password(sandbox, "cleo@example.com", SECRET)


@only_direct
@natively
def test_the_report(ansible: Ansible, sandbox: Sandbox, native: bool) -> None:
    password, city, title = encrypted_values(SECRET, "Portland", "Ours")
    page = ansible.folder / "page.html"
    variables = {
        "fleet_customers": [{"username": "ada@example.com", "city": "Oslo"}, {"username": "ben@example.com"}],
        "fleet_defaults": {"update_password": "always", "city": city},
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
    # One has another town, the other another password.
    assert "to update: 2" in text
    assert CANARY not in text


@only_direct
def test_the_inventory(ansible: Ansible, sandbox: Sandbox) -> None:
    key, city = encrypted_values(ACCOUNT["api_key"], "Portland")
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
    assert ACCOUNT["api_key"] not in done.stdout + done.stderr


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
