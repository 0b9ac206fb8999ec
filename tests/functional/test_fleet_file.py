# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""reseller_customers with its customers in a file, from playbooks against the sandbox: as if they stood in the task."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ACCOUNT, Kept, only_direct, only_json, only_observed
from .running import MODULES, Ansible, Run, Sandbox, Step, four_ways, task
from .test_customer import NEW
from .test_direct import is_shipped
from .test_fleet import counted
from .vault import PASSWORD as VAULT_PASSWORD
from .vault import Encrypted, encrypted, encrypted_values, password_file

pytestmark = [only_json, only_observed]

MODULE = "reseller_customers"
ADA, BEN, CLEO, DORA = (f"{name}@example.com" for name in ("ada", "ben", "cleo", "dora"))
CANARY = "canary-of-a-file-4711"
OWN, APART, SHARED = (f"{CANARY}-{where}" for where in ("own", "apart", "shared"))
# Newer versions of ansible-core leave `invocation` out unless they are asked for it.
WITH_INVOCATION = {"ANSIBLE_INJECT_INVOCATION": "true"}

NEW_TEXTS = {name: value for name, value in NEW.items() if name not in ("password", "region", "city")}
FLEET: list[dict[str, Any]] = [
    {**NEW_TEXTS, "city": "Ålborg, {{ 1 + 1 }}", "ip_groups": ["News", "Shop, or so"]},
    {"username": ADA, "city": '=1+1 "x"', "address": "line one\nline two", "active": False, "password": OWN},
    {"username": BEN, "city": "{{ 1 + 1 }}", "update_password": "on_create"},
    {"username": CLEO, "new_username": "cleo.new@example.com", "city": "@home", "update_password": "on_create"},
    {"username": "nobody@example.com", "state": "absent"},
]
MORE = {
    "defaults": {"region": "ME", "update_password": "always", "password": SHARED},
    "passwords": {DORA: APART, "somebody@example.com": APART},
    "concurrency": 1,
}


def as_csv(rows: list[dict[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    written = io.StringIO()
    writer = csv.DictWriter(written, columns)
    writer.writeheader()
    for row in rows:
        writer.writerow({name: ";".join(value) if isinstance(value, list) else value for name, value in row.items()})
    return written.getvalue()


def as_yaml(rows: list[dict[str, Any]]) -> str:
    return yaml.safe_dump(rows, allow_unicode=True)


WRITERS: dict[str, Callable[[list[dict[str, Any]]], str]] = {
    "fleet.csv": as_csv,
    "fleet.json": json.dumps,
    "fleet.yml": as_yaml,
}


def write(folder: Path, name: str, text: str) -> Path:
    """A file below `folder`."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8"))
    return path


def of_file(name: Any, **options: Any) -> dict[str, Any]:
    return task(MODULE, {"customers_file": name, **options}, ignore_errors=True)


def told(step: Step) -> str:
    """Why a task failed before any call."""
    assert step.status == "failed" and step.calls == [], step.result
    message: str = step.result["msg"]
    return message.removeprefix("Task failed: ")


def without(step: Step, *names: str) -> dict[str, Any]:
    """A step without parts of its result, and without when and over which connection the sandbox was called."""
    calls = [{name: value for name, value in call.items() if name not in ("time", "connection")} for call in step.calls]
    kept = {name: value for name, value in step.result.items() if name not in names}
    return {"status": step.status, "result": kept, "calls": calls}


@only_direct
def test_a_file_of_each_kind_does_the_same_as_variables_four_ways_and_wherever_the_task_runs(ansible: Ansible) -> None:
    for name, writer in WRITERS.items():
        write(ansible.folder, f"files/{name}", writer(FLEET))
    rows = [{**row, **({"city": Unsafe(row["city"])} if "city" in row else {})} for row in FLEET]
    sources: dict[str, dict[str, Any]] = {"variables": {"customers": rows}}
    sources.update({name: {"customers_file": name} for name in WRITERS})
    plays: dict[str, Any] = {name: (four_ways(MODULE, **source, **MORE), {}) for name, source in sources.items()}

    direct = ansible.plays(plays, "-vvv", "--diff", environment=WITH_INVOCATION)
    ansible.direct = False
    shipped = ansible.plays(plays, "-vvv", "--diff", environment=WITH_INVOCATION)

    expected, done, checked_again, again = direct["variables"].four()
    assert expected.written == [] and expected.called.count("list") == 1
    writes = ["create", "disable", "rename", "set_password", "set_profile", "set_profile", "set_profile"]
    assert sorted(done.written) == writes
    assert done.called.count("list") == 1
    for step in (checked_again, again):
        assert (step.written, step.result["changed"], counted(step.result)) == ([], False, {"unchanged": 5})
    customers = direct["fleet.csv"].customers
    assert customers[DORA]["city"] == "Ålborg, {{ 1 + 1 }}"
    assert (customers[ADA]["city"], customers[ADA]["address"]) == ('=1+1 "x"', "line one\nline two")
    assert (customers[BEN]["city"], customers["cleo.new@example.com"]["city"]) == ("{{ 1 + 1 }}", "@home")

    for name in sources:
        assert direct[name].customers == direct["variables"].customers
        assert shipped[name].customers == direct["variables"].customers
        assert [is_shipped(run) for run in (direct[name], shipped[name])] == [False, True]
        for variables, mine, original in zip(direct["variables"].four(), direct[name].four(), shipped[name].four()):
            assert without(mine, "invocation") == without(variables, "invocation")
            assert without(mine) == without(original)
            assert "_customers_file_content" not in mine.result["invocation"]["module_args"]
        for run in (direct[name], shipped[name]):
            assert CANARY not in run.output + json.dumps([step.result for step in run.steps])


class Unsafe(str):
    """A text that is no template. The dumpers of YAML write it as that."""

    __slots__ = ()


yaml.SafeDumper.add_representer(Unsafe, lambda dumper, value: dumper.represent_scalar("!unsafe", str(value)))


# Where a file is found


def test_a_file_is_found_as_that_of_copy(ansible: Ansible, sandbox: Sandbox) -> None:
    def rows(city: str) -> str:
        return f"username,city\n{ADA},{city}\n"

    write(ansible.folder, "files/fleet.csv", rows("files"))
    write(ansible.folder, "beside.csv", rows("beside"))
    write(ansible.folder, "files/under/it.csv", rows("under"))
    absolute = write(ansible.folder, "elsewhere/fleet.csv", rows("absolute"))
    write(ansible.folder, "roles/mine/files/fleet.csv", rows("of the role"))
    write(ansible.folder, "roles/mine/tasks/main.yml", yaml.safe_dump([of_file("fleet.csv"), of_file("beside.csv")]))
    names = ["fleet.csv", "beside.csv", "under/it.csv", str(absolute), "{{ playbook_dir }}/elsewhere/{{ 'fleet' }}.csv"]
    role = {"name": "Run", "ansible.builtin.import_role": {"name": "mine"}}
    run = ansible.play([*map(of_file, names), role])
    assert run.status == 0, run.output
    cities = [step.result["results"][0]["customer"]["city"] for step in run.steps if step.result["results"]]
    # The same file once more changes nothing.
    assert cities == ["files", "beside", "under", "absolute", "of the role", "beside"]
    assert [step.written for step in run.steps][4] == []


def test_an_ad_hoc_command_finds_a_file_in_the_working_directory(ansible: Ansible, sandbox: Sandbox) -> None:
    write(ansible.folder, "fleet.csv", f"username,city,password\n{ADA},Bangor,{CANARY}\n")
    command = ("ansible", "localhost", "-m", MODULES + MODULE, "-a", "customers_file=fleet.csv")
    done = ansible.command(*command, "-vvv", "-e", json.dumps({"sendgrid_direct_execution": ansible.direct}))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [call["operation"] for call in sandbox.log()] == ["list", "set_profile"]
    assert sandbox.customers()[ADA]["city"] == "Bangor"
    assert CANARY not in done.stdout + done.stderr


def test_what_is_omitted_is_not_given(ansible: Ansible, sandbox: Sandbox) -> None:
    write(ansible.folder, "fleet.csv", f"username,city\n{ADA},Bangor\n")
    options = {"customers": "{{ omit }}", "defaults": "{{ nothing | default(omit) }}", "passwords": "{{ omit }}"}
    rows = [{"username": BEN, "city": "Bangor", "zip": "{{ omit }}"}]
    shared = {"zip": "{{ omit }}", "country": "{{ omit }}"}
    run = ansible.play(
        [
            of_file("fleet.csv", **options),
            task(MODULE, {"customers": rows, "customers_file": "{{ omit }}", "defaults": shared}),
        ]
    )
    assert [step.written for step in run.steps] == [["set_profile"], ["set_profile"]], run.output
    assert {sandbox.customers()[name]["zip"] for name in (ADA, BEN)} == {"04101"}


# Ansible Vault


def test_what_is_encrypted_is_decrypted_with_the_secrets_of_the_play(ansible: Ansible, sandbox: Sandbox) -> None:
    rows = [{"username": ADA, "password": OWN, "update_password": "always", "city": "{{ 1 + 1 }}"}]
    for name, writer in WRITERS.items():
        write(ansible.folder, name, encrypted(writer(rows), VAULT_PASSWORD))
    [value] = encrypted_values(OWN + " {{ 1 }}")
    write(ansible.folder, "values.yaml", as_yaml([{**rows[0], "password": value}]))
    secret = ("--vault-password-file", str(password_file(ansible.folder)))
    tasks = [of_file(name) for name in (*WRITERS, "values.yaml")]
    run = ansible.play(tasks, "-vvv", "--diff", *secret, environment=WITH_INVOCATION)
    assert run.status == 0, run.output
    assert [step.written for step in run.steps] == [["set_profile", "set_password"], [], [], ["set_password"]]
    assert sandbox.customers()[ADA]["city"] == "{{ 1 + 1 }}"
    assert has_password(sandbox, ADA, OWN + " {{ 1 }}")
    assert CANARY not in run.output + json.dumps([step.result for step in run.steps])


def has_password(sandbox: Sandbox, username: str, password: str) -> bool:
    """Asks the service, without the collection."""
    body = {**ACCOUNT, "method": "auth", "user": username, "password": password}
    answer = sandbox.http.post(f"{sandbox.api_url}/reseller.manage.json", data=body, timeout=30)
    return answer.json() == {"message": "success"}


@pytest.mark.parametrize("secrets", ["none", "another one"])
def test_what_no_secret_of_the_play_decrypts_is_told(ansible: Ansible, secrets: str) -> None:
    write(ansible.folder, "whole.csv", encrypted(f"username\n{CANARY}\n", "another password"))
    value = Encrypted(encrypted(CANARY, "another password"))
    write(ansible.folder, "value.yml", as_yaml([{"username": ADA}, {"password": value}]))
    known = () if secrets == "none" else ("--vault-password-file", str(password_file(ansible.folder)))
    run = ansible.play([of_file("whole.csv"), of_file("value.yml")], "-vvv", *known)
    whole, one = run.steps
    assert told(whole) == (
        "The file 'whole.csv' cannot be used: Ansible Vault has encrypted it, "
        "and no vault secret of this run decrypts it."
    )
    assert told(one) == (
        "The file 'value.yml' cannot be used: no vault secret of this run decrypts the value in line 2."
    )
    assert CANARY not in run.output


# What cannot be


ROWS = [{"username": ADA, "city": "x" * 101, "password": CANARY}, {"username": BEN, "active": "perhaps"}]
REFUSED = {
    "wrong.csv": (
        as_csv(ROWS),
        [
            f"The options are not valid: line 2 of 'wrong.csv' ('{ADA}'): city has 101 characters, the limit is 100; "
            f"line 3 of 'wrong.csv' ('{BEN}'): active must be true or false, and is 'perhaps'."
        ],
    ),
    "wrong.json": (
        json.dumps(ROWS),
        [f"The options are not valid: 'wrong.json'[0] ('{ADA}'): city has 101", f"; 'wrong.json'[1] ('{BEN}'): active"],
    ),
    "wrong.yaml": (as_yaml(ROWS), [f"'wrong.yaml'[0] ('{ADA}'): city", f"'wrong.yaml'[1] ('{BEN}'): active"]),
    "lines.csv": (
        f"username,city\n{ADA},{CANARY},x\n",
        ["The file 'lines.csv' cannot be used: line 2 has 3 cells, and line 1 names 2 columns."],
    ),
    "line.json": (
        f'[\n{{"username": "{CANARY}"\n',
        ["The file 'line.json' cannot be used: line 3, column 1 is not valid JSON: expecting ',' delimiter."],
    ),
    "line.yml": (
        f"- username: *{CANARY}\n",
        ["The file 'line.yml' cannot be used: line 1, column 13 is not valid YAML: there is no anchor for this alias."],
    ),
    "deep.yml": (
        "[" * 100_000,
        ["The file 'deep.yml' cannot be used: its values are nested more than 50 levels deep."],
    ),
    "one.json": (
        f'{{"password": "{CANARY}"}}',
        ["The options are not valid: 'one.json' must be a list of dicts, and is a dict."],
    ),
    "variables.yml": (
        f"fleet_customers: [{{password: {CANARY}}}]\n",
        [
            "The options are not valid: 'variables.yml' must be a list of dicts, and is a dict; it contains variables, "
            "so load it with vars_files or, for a playbook of the collection, with fleet_files."
        ],
    ),
    "nothing.yml": ("# nothing\n", ["The options are not valid: 'nothing.yml' must be a list of dicts, and is empty."]),
    "text.txt": ("x", ["The file 'text.txt' cannot be used: its name must end with .csv, .json, .yml or .yaml."]),
}


def refused_tasks() -> list[dict[str, Any]]:
    return [
        *[of_file(name, purge=True, max_deletions=9) for name in REFUSED],
        of_file("none.csv"),
        of_file("/nowhere/none.csv"),
        of_file("sub"),
        of_file("wrong.csv", customers=[]),
        of_file("head.csv", purge=True, max_deletions=9),
        of_file("fleet.csv", defaults={"username": "x"}, passwords={ADA: [CANARY]}, concurrency="many"),
        of_file("", customers=None),
        of_file(["fleet.csv"]),
        of_file(True),
        task(MODULE, {"defaults": {"city": "x"}}, ignore_errors=True),
    ]


@only_direct
def test_what_is_wrong_is_told_in_the_same_words_wherever_the_task_runs_and_before_any_call(ansible: Ansible) -> None:
    for name, (text, _parts) in REFUSED.items():
        write(ansible.folder, f"files/{name}", text)
    write(ansible.folder, "head.csv", "username,city\n")
    write(ansible.folder, "fleet.csv", f"username\n{ADA}\n")
    (ansible.folder / "files" / "sub").mkdir()
    direct = ansible.play(refused_tasks(), "-vvv", "--diff", environment=WITH_INVOCATION)
    ansible.direct = False
    shipped = ansible.play(refused_tasks(), "-vvv", "--diff", environment=WITH_INVOCATION)
    assert len(direct.steps) == len(refused_tasks())
    for mine, original in zip(direct.steps, shipped.steps, strict=True):
        assert without(mine) == without(original)
    for run in (direct, shipped):
        assert CANARY not in run.output + json.dumps([step.result for step in run.steps])

    messages = list(map(told, direct.steps))
    for message, (_text, parts) in zip(messages, REFUSED.values()):
        assert [part for part in parts if part not in message] == []
    missing, nowhere, folder, both, head, mixed, blank, of_list, of_boolean, neither = messages[len(REFUSED) :]
    assert missing.startswith("There is no file 'none.csv': looked for it in '")
    assert missing.endswith(", and in the folder 'files' of each.") and str(ansible.folder) in missing
    assert nowhere == "There is no file '/nowhere/none.csv': check its path."
    assert folder == "The file 'sub' cannot be used: its name must end with .csv, .json, .yml or .yaml."
    assert both == "The options are not valid: customers and customers_file are mutually exclusive."
    assert head == "The options are not valid: purge with no customers would delete every customer of the account."
    for part in ("concurrency", "there cannot be a default for username", f"the password of '{ADA}' must be a text"):
        assert part in mixed
    assert "file ''" in blank
    assert of_list == "The options are not valid: customers_file must be a text, and is a list."
    assert of_boolean == "The options are not valid: customers_file must be a text, and is a boolean."
    assert neither == "The options are not valid: either customers or customers_file is required."


# Purge


def test_what_a_file_does_not_name_is_purged(ansible: Ansible) -> None:
    write(ansible.folder, "fleet.csv", f"username,city\n{ADA},Bangor\n{BEN},\n")
    write(ansible.folder, "head.csv", "username,city\n")
    options = {"purge": True, "max_deletions": 1}
    run = ansible.play(
        [
            task(MODULE, {"customers_file": "fleet.csv", **options}, check_mode=True),
            task(MODULE, {"customers_file": "fleet.csv", **options}),
            task(MODULE, {"customers_file": "fleet.csv", **options}),
            of_file("head.csv"),
            of_file("head.csv", **options),
        ]
    )
    expected, done, again, head, refused = run.steps
    assert (expected.called, counted(expected.result)) == (["list"], {"updated": 1, "unchanged": 1, "deleted": 1})
    assert done.called == ["list", "set_profile", "delete"]
    assert done.result["diff"] == expected.result["diff"]
    assert (again.called, counted(again.result)) == (["list"], {"unchanged": 2})
    assert (head.called, counted(head.result)) == (["list"], {})
    assert "purge with no customers would delete every customer" in told(refused)


# Secrets, and size


def loudly(ansible: Ansible, kept: Kept, tasks: list[dict[str, Any]]) -> Run:
    """A run that says all that it can, also to a log. No password of the file may be in it."""
    # Not in the playbook: since ansible-core 2.19, an error shows the lines that it is about.
    variables = write(ansible.folder, "variables.json", json.dumps({"defaults": {"password": SHARED}, "apart": APART}))
    settings = {**kept.settings, **WITH_INVOCATION}
    run = ansible.play(tasks, "-vvv", "--diff", "-e", f"@{variables}", environment=settings)
    logged = kept.log.read_text(encoding="utf-8")
    assert "TASK [" in logged
    assert CANARY not in run.output + logged + json.dumps([step.result for step in run.steps])
    return run


def test_no_password_of_a_file_comes_out(ansible: Ansible, kept: Kept, sandbox: Sandbox) -> None:
    """Not in a result that holds it elsewhere, not where the server says it, and not where the row is wrong."""
    rows = [{"username": ADA, "password": OWN, "update_password": "always", "city": OWN}, {"username": BEN}]
    write(ansible.folder, "fleet.csv", as_csv(rows))
    write(ansible.folder, "wrong.json", json.dumps([{**rows[0], "password": [OWN]}, {"username": BEN, "pasword": OWN}]))
    write(ansible.folder, "list.yml", as_yaml([OWN, [OWN], {"password": {OWN: OWN}}]))  # type: ignore[list-item]
    shared = {"defaults": "{{ defaults }}", "passwords": {BEN: "{{ apart }}"}}
    run = loudly(ansible, kept, [of_file(name, **shared) for name in ("fleet.csv", "wrong.json", "list.yml")])
    done, *refused = run.steps
    shown = [done.result["results"][0]["customer"]["city"], done.result["diff"][0]["after"]["city"]]
    assert shown == ["VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"] * 2
    assert [bool(told(step)) for step in refused] == [True, True]
    assert sandbox.customers()[ADA]["city"] == OWN
    sandbox.reset()
    sandbox.set_fault("writes", "echo", times="forever")
    [failed] = loudly(ansible, kept, [of_file("fleet.csv", **shared)]).steps
    assert failed.written and failed.status == "failed"


def test_two_thousand_customers_with_passwords(ansible: Ansible, kept: Kept) -> None:
    """Whoever looked for each password in each text of the result would look four million times, and more."""
    rows = [
        {"username": f"{number:05}@example.com", "password": f"{CANARY}-{number}", "state": "absent"}
        for number in range(2000)
    ]
    write(ansible.folder, "fleet.csv", as_csv(rows))
    write(ansible.folder, "new.csv", as_csv([{**row, "state": "present"} for row in rows]))
    unchanged, failed = loudly(ansible, kept, [of_file("fleet.csv"), of_file("new.csv")]).steps
    assert (unchanged.called, counted(unchanged.result)) == (["list"], {"unchanged": 2000})
    # None of them can be created.
    assert (failed.called, counted(failed.result)) == (["list"], {"failed": 2000})
    assert len(failed.result["results"]) == 2000
