# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret leaks: all output and all files of a run are searched, at the highest verbosity."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from .conftest import (
    ACCOUNT,
    Kept,
    both_apis_in_json,
    only_direct,
    only_documented,
    only_json,
    only_observed,
    only_v3,
    seeded,
)
from .running import MODULES, SUBUSERS, Ansible, Run, Sandbox, task
from .sandbox_v3 import V3_KEY

# Each holds what escaping changes, so that an escaped secret is looked for as well.
KEY = 'canary-key "4711" & <ü>'
OLD = 'canary-old "4711" & <ü>'
NEW = 'canary-new "4711" & <ü>'
WRONG_KEY = 'canary-wrong "4711" & <ü>'
SECRETS = (KEY, OLD, NEW, WRONG_KEY, V3_KEY)
# What else finds a secret, in any spelling at all; the tokens are in the answer to a creation through API v3.
WORDS = ("canary-key", "canary-old", "canary-new", "canary-wrong", "session-token", "authorization-token")


def spellings(secret: str) -> set[str]:
    """A secret, and what it looks like in addresses, forms, JSON and XML."""
    return {
        secret,
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        html.escape(secret, quote=False),
        repr(secret)[1:-1],
    }


def leaks(text: str) -> list[str]:
    found = [found for secret in SECRETS for found in sorted(spellings(secret)) if found in text]
    return found + [word for word in WORDS if word in text]


@dataclass
class Canaries:
    """`tasks`: each way in which a secret goes in. `failures`: how many of them fail."""

    ansible: Ansible
    tasks: list[dict[str, object]]
    failures: int
    database: Path
    kept: Kept


@pytest.fixture
def canaries(
    request: pytest.FixtureRequest, tmp_path: Path, collections_path: Path, direct: bool, kept: Kept
) -> Iterator[Canaries]:
    behaviour, way = request.param
    seed = tmp_path / "seed.json"
    seed.write_text(
        json.dumps(
            {
                "accounts": [{"api_user": "acme", "api_key": KEY, "v3_key": V3_KEY}],
                "customers": [seeded("ada@example.com", password=OLD), seeded("ben@example.com", password=OLD)],
            }
        ),
        encoding="utf-8",
    )
    database = tmp_path / "sandbox.sqlite"
    sandbox = Sandbox("--behaviour", behaviour, "--seed", str(seed), "--database", str(database))
    folder = tmp_path / "run"
    folder.mkdir()
    if way == SUBUSERS:
        ansible = Ansible(sandbox, folder, collections_path, "", V3_KEY, {"retries": 0}, direct, api=SUBUSERS)
        tasks, failures = tasks_of_v3(), 8
    else:
        defaults = {"api_format": way, "retries": 0}
        ansible = Ansible(sandbox, folder, collections_path, "acme", KEY, defaults, direct)
        tasks, failures = password_tasks(), 9
    yield Canaries(ansible, tasks, failures, database, kept)
    assert sandbox.stop() == (0, "", "")


def password_tasks() -> list[dict[str, object]]:
    """Each way in which a secret goes in, with success, without change and with failure."""
    customer = {"username": "ada@example.com", "password": "{{ new_password }}", "update_password": "always"}
    created = {
        **{name: value for name, value in seeded("dora@example.com").items() if name not in ("state", "password")},
        "region": "ME",
        "package": "Bronze",
        "whitelabel": "example.com",
        "password": "{{ new_password }}",
    }
    fleet = [
        {"username": "ada@example.com", "password": "{{ old_password }}", "update_password": "always"},
        {"username": "ben@example.com", "password": "{{ old_password }}", "update_password": "always", "city": "Bath"},
        {**created, "username": "emil@example.com", "email": "emil@example.com"},
    ]
    return [
        {**task("reseller_customer", customer, check_mode=True), "register": "predicted"},
        {**task("reseller_customer", customer), "register": "done"},
        task("reseller_customer", customer),
        task("reseller_customer", created),
        task("reseller_customer", {**customer, "new_username": "ben@example.com"}, ignore_errors=True),
        task("reseller_customer", {**customer, "first_name": "f" * 51}, ignore_errors=True),
        task("reseller_customer", {**customer, "no_such_option": 1}, ignore_errors=True),
        task("reseller_customer", {**customer, "api_key": "{{ wrong_key }}"}, ignore_errors=True),
        task("reseller_customer", {**customer, "api_url": "http://127.0.0.1:9/apiv2"}, ignore_errors=True),
        task("reseller_customer_password", {"username": "ben@example.com", "password": "{{ old_password }}"}),
        task("reseller_customer_password", {"username": "ben@example.com", "password": "{{ new_password }}"}),
        task(
            "reseller_customer_password",
            {"username": "no@example.com", "password": "{{ new_password }}"},
            ignore_errors=True,
        ),
        {
            "name": "Passwords by name in a loop",
            MODULES + "reseller_customer_password": {
                "username": "{{ item }}",
                "password": "{{ new_password }}",
                "force": True,
            },
            "loop": ["ada@example.com", "ben@example.com"],
        },
        task("reseller_customer_info", {}),
        task("reseller_customers", {"customers": fleet}, check_mode=True),
        task("reseller_customers", {"customers": fleet}),
        task("reseller_customers", {"customers": [*fleet, {**fleet[0], "no_such_option": 1}]}, ignore_errors=True),
        task("reseller_customers", {"customers": [{**one, "zip": "z" * 51} for one in fleet]}, ignore_errors=True),
        task("reseller_customers", {"customers": fleet, "api_key": "{{ wrong_key }}"}, ignore_errors=True),
        {"name": "Keep it", "ansible.builtin.set_fact": {"kept": "{{ [predicted, done] }}", "cacheable": True}},
        {"name": "Show what was registered", "ansible.builtin.debug": {"msg": "{{ [predicted, done] }}"}},
    ]


def tasks_of_v3() -> list[dict[str, object]]:
    """The same for API v3, where a password goes in when a customer is created, and never else."""
    created = {"username": "dora@example.com", "email": "dora@example.com", "password": "{{ new_password }}"}
    closed = {**created, "username": "emil@example.com", "active": False, "city": "Bath"}
    fleet = [{**created, "username": "fay@example.com", "city": "Bath"}, {**created, "username": "gus@example.com"}]
    fails = {"ignore_errors": True}
    return [
        {**task("reseller_customer", closed, check_mode=True), "register": "predicted"},
        {**task("reseller_customer", closed), "register": "done"},
        task("reseller_customer", closed),
        {
            "name": "Create in a loop",
            MODULES + "reseller_customer": {**created, "username": "{{ item }}"},
            "loop": ["dora@example.com", "eve@example.com"],
        },
        task("reseller_customer", {**created, "update_password": "always"}, **fails),
        task("reseller_customer", {**created, "package": "Bronze", "username": "a%b"}, **fails),
        task("reseller_customer", {**created, "no_such_option": 1}, **fails),
        task("reseller_customer", {**created, "api_key": "{{ wrong_key }}", "city": "Bath"}, **fails),
        task("reseller_customer", {**created, "api_url": "http://127.0.0.1:9/v3"}, **fails),
        task("reseller_customer_password", {"username": "ben@example.com", "password": "{{ new_password }}"}, **fails),
        task("reseller_customers", {"customers": fleet}, check_mode=True),
        task("reseller_customers", {"customers": fleet, "passwords": {"gus@example.com": "{{ new_password }}"}}),
        task("reseller_customers", {"customers": [{**fleet[0], "update_password": "always"}]}, **fails),
        task("reseller_customers", {"customers": fleet, "api_key": "{{ wrong_key }}"}, **fails),
        task("reseller_customer_info", {"details": ["profile"]}),
        {"name": "Keep it", "ansible.builtin.set_fact": {"kept": "{{ [predicted, done] }}", "cacheable": True}},
        {"name": "Show what was registered", "ansible.builtin.debug": {"msg": "{{ [predicted, done] }}"}},
    ]


BOTH_WAYS = pytest.mark.parametrize(
    "canaries",
    [
        ("documented", "json"),
        ("documented", "xml"),
        ("observed", "json"),
        ("observed", "xml"),
        # It is the one whose answer to a creation holds the password and tokens.
        ("observed", SUBUSERS),
    ],
    indirect=True,
    ids="-".join,
)


def run_loudly(canaries: Canaries, tasks: list[dict[str, object]]) -> Run:
    """A run at the highest verbosity, with a log file and with a cache for facts."""
    secrets = {"new_password": NEW, "old_password": OLD, "wrong_key": WRONG_KEY}
    variables = canaries.ansible.folder / "secrets.json"
    variables.write_text(json.dumps(secrets), encoding="utf-8")
    return canaries.ansible.play(
        tasks,
        "--diff",
        "-vvvv",
        "--extra-vars",
        f"@{variables}",
        environment=canaries.kept.settings,
    )


def assert_no_leak(canaries: Canaries, run: Run) -> None:
    """No secret in anything that was printed, returned, logged, cached or kept by the service."""
    sandbox = canaries.ansible.sandbox
    assert leaks(run.output) == []
    assert leaks(json.dumps([step.result for step in run.steps], ensure_ascii=False)) == []
    logged = canaries.kept.log.read_text(encoding="utf-8")
    assert "ada@example.com" in logged
    assert leaks(logged) == []
    cached = [path.read_text(encoding="utf-8") for path in canaries.kept.facts.iterdir()]
    assert len(cached) == 1
    assert leaks(cached[0]) == []
    assert leaks(json.dumps(sandbox.log())) == []
    kept = canaries.database.read_bytes()
    assert leaks(kept.decode("latin-1")) == leaks(kept.decode("utf-8", "replace")) == []


@BOTH_WAYS
def test_no_secret_comes_out(canaries: Canaries) -> None:
    run = run_loudly(canaries, canaries.tasks)
    assert [step.status for step in run.steps].count("failed") == canaries.failures, run.output
    assert run.status == 0
    assert "********" in run.output
    assert not canaries.ansible.sandbox.log()[-1]["attempted_write"]
    assert_no_leak(canaries, run)


@BOTH_WAYS
def test_no_secret_comes_out_when_the_server_echoes_it(canaries: Canaries) -> None:
    """An error of the server repeats the account's key and the customer's password, in its own spelling."""
    canaries.ansible.sandbox.set_fault("writes", "echo", times="forever")
    run = run_loudly(canaries, [{**task, "ignore_errors": True} for task in canaries.tasks])
    hidden = [step for step in run.steps if "(a message that repeats a secret is not shown)" in str(step.result)]
    assert len(hidden) >= (2 if canaries.ansible.is_v3 else 3)
    assert_no_leak(canaries, run)
    if not canaries.ansible.direct:
        # How a secret is found in another spelling does not depend on where a task runs.
        return
    canaries.ansible.sandbox.set_fault("*", "echo", times="forever", spelling="html-in-url")
    run = run_loudly(canaries, [{**task, "ignore_errors": True} for task in canaries.tasks])
    assert [step.status for step in run.steps].count("failed") >= 10
    assert_no_leak(canaries, run)


# The secret of an API key, which comes out of a task


THROUGH_V3 = pytest.mark.parametrize("canaries", [("observed", SUBUSERS)], indirect=True, ids="-".join)
OF_ADA = {"username": "ada@example.com", "scopes": ["mail.send"]}


def key_task(register: str, name: str, hidden: bool = True, **more: object) -> dict[str, object]:
    """A task for a key of Ada that may fail."""
    options = {**OF_ADA, "name": name, **more}
    keywords = {"register": register, "no_log": hidden, "ignore_errors": True}
    return task("reseller_customer_api_key", options, **keywords)


def hand_on(register: str, folder: Path) -> dict[str, object]:
    """A task that writes the secret of a result to the file of this name."""
    copy = {"content": f"{{{{ {register}.secret }}}}", "dest": str(folder / register), "mode": "0600"}
    return {"name": "Hand it on", "ansible.builtin.copy": copy, "no_log": True}


@THROUGH_V3
def test_no_secret_of_a_key_comes_out(canaries: Canaries) -> None:
    """Of keys that are created, replaced, and replaced with an error, where each task has no_log."""
    folder = canaries.ansible.folder
    # The former key stays, and the server repeats the secrets of the call.
    canaries.ansible.sandbox.set_fault("delete_api_key", "echo", nth=2, times="forever")
    made = ("created", "replaced", "half")
    tasks = [
        {**key_task("predicted", "news", hidden=False), "check_mode": True},
        key_task("created", "news"),
        key_task("again", "news", hidden=False),
        key_task("replaced", "news", rotate=True),
        key_task("half", "news", rotate=True),
        key_task("failed", "news", hidden=False),
        *[hand_on(name, folder) for name in made],
        {
            "name": "Keep what holds none",
            "ansible.builtin.set_fact": {
                "kept": "{{ [predicted, again, failed, half.key, half.msg] }}",
                "cacheable": True,
            },
        },
        {"name": "Show it", "ansible.builtin.debug": {"msg": "{{ [predicted, again, failed, half.key, half.msg] }}"}},
    ]
    run = run_loudly(canaries, tasks)
    assert run.status == 0, run.output
    secrets = [(folder / name).read_text(encoding="utf-8") for name in made]
    assert len(set(secrets)) == 3 and all(secret.startswith("SG.") for secret in secrets)
    # The parts of a secret, too: in front of the second point is the id of the key, which everybody may see.
    parts = [*secrets, *(secret.rpartition(".")[2] for secret in secrets)]
    cached = [path.read_text(encoding="utf-8") for path in canaries.kept.facts.iterdir()]
    shown = json.dumps([step.result for step in run.steps if step.name != "reseller_customer_api_key"])
    places = [
        run.output,
        shown,
        canaries.kept.log.read_text("utf-8"),
        *cached,
        json.dumps(canaries.ansible.sandbox.log()),
    ]
    assert [part for part in parts for place in places if part in place] == []
    # The errors were there to be searched.
    assert "2 keys have this name" in shown and "still be there" in shown
    assert_no_leak(canaries, run)


@THROUGH_V3
def test_without_no_log_the_secret_of_a_key_is_in_one_place_of_one_result(canaries: Canaries) -> None:
    """What Ansible prints and logs of the results is this one key, and nothing else has the secret."""
    tasks = [
        key_task("created", "news", hidden=False),
        key_task("again", "news", hidden=False),
        key_task("other", "news", hidden=False, scopes=["stats.read"]),
        key_task("replaced", "news", hidden=False, rotate=True),
        key_task("gone", "news", hidden=False, state="absent"),
    ]
    run = run_loudly(canaries, tasks)
    assert [("secret" in step.result) for step in run.steps] == [True, False, False, True, False]
    secrets = [step.result.pop("secret") for step in run.steps if "secret" in step.result]
    assert all("diff" in step.result for step in run.steps)
    results = json.dumps([step.result for step in run.steps])
    logged = canaries.kept.log.read_text(encoding="utf-8")
    for secret in secrets:
        in_its_place = f'"secret": "{secret}"'
        assert secret not in results
        assert run.output.count(secret) == run.output.count(in_its_place) == 1
        assert logged.count(secret) == logged.count(in_its_place) == 1
        assert secret not in json.dumps(canaries.ansible.sandbox.log())
    # No other secret is there because of that.
    assert leaks(run.output) == leaks(logged) == []


@only_json
@only_observed
def test_a_password_that_is_the_username_too(ansible: Ansible, sandbox: Sandbox) -> None:
    """Ansible masks the value wherever it stands, so the name is hidden as well: that must not break the task."""
    options = {"username": "ada@example.com", "password": "ada@example.com", "update_password": "always"}
    steps = ansible.four_ways("reseller_customer", **options)
    assert [step.result["changed"] for step in steps] == [True, True, False, False]
    assert steps[1].result["diff"]["after"]["password"] == "********"
    assert "ada@example.com" in sandbox.customers()


@only_v3
@only_observed
def test_a_password_of_a_new_customer_that_is_the_username_too(ansible: Ansible, sandbox: Sandbox) -> None:
    name = "dora-4711@example.com"
    steps = ansible.four_ways("reseller_customer", username=name, email=name, password=name)
    assert [step.result["changed"] for step in steps] == [True, True, False, False]
    assert steps[1].result["diff"]["after"]["password"] == "********"
    assert name in sandbox.customers()


@only_v3
@only_observed
@only_direct
def test_a_password_of_a_new_customer_that_is_part_of_other_output(ansible: Ansible, sandbox: Sandbox) -> None:
    word, new = "Harbor-Street-47", "dora@example.com"
    options = {"username": new, "email": new, "password": word, "address": f"1 {word} Rd"}
    steps = ansible.four_ways("reseller_customer", **options)
    assert [step.result["changed"] for step in steps] == [True, True, False, False]
    assert word not in json.dumps([step.result for step in steps])
    assert steps[1].result["customer"]["address"] == "1 ******** Rd"
    assert sandbox.customers()[new]["address"] == f"1 {word} Rd"


@only_json
@only_observed
@only_direct
def test_a_password_that_is_part_of_other_output(ansible: Ansible, sandbox: Sandbox) -> None:
    """Masking hides the word wherever it stands, and changes nothing of what is done. The README says so."""
    options = {
        "username": "ada@example.com",
        "password": "Harbor",
        "update_password": "always",
        "address": "1 Harbor Rd",
    }
    steps = ansible.four_ways("reseller_customer", **options)
    assert [step.result["changed"] for step in steps] == [True, True, False, False]
    assert "Harbor" not in json.dumps([step.result for step in steps])
    assert steps[1].result["customer"]["address"] == "1 ******** Rd"
    assert sandbox.customers()["ada@example.com"]["address"] == "1 Harbor Rd"


@only_json
@only_documented
@only_direct
def test_a_secret_is_in_no_address(ansible: Ansible, sandbox: Sandbox) -> None:
    ansible.four_ways(
        "reseller_customer", username="ada@example.com", password="another-4711", update_password="always"
    )
    calls = sandbox.log()
    assert len(calls) > 0
    for call in calls:
        assert (call["verb"], call["query_parameters"]) == ("POST", [])
        assert call["content_type"] == "application/x-www-form-urlencoded"


@only_v3
@only_observed
@only_direct
def test_a_secret_of_api_v3_is_in_no_address(ansible: Ansible, sandbox: Sandbox) -> None:
    """The log of the sandbox has the path of each call, and the names of what follows the question mark."""
    new = "dora@example.com"
    steps = ansible.four_ways("reseller_customer", username=new, email=new, password=NEW, city="Bath")
    assert "create" in steps[1].written and "set_profile" in steps[1].written
    calls = sandbox.log()
    assert leaks(json.dumps(calls)) == []
    assert {name for call in calls for name in call["query_parameters"]} == {
        "include_region",
        "limit",
        "offset",
        "username",
    }
    assert {call["content_type"] for call in calls if call["attempted_write"]} == {"application/json"}


# What a terminal may obey or nobody sees. The first is one that JSON escapes, and that the service can store.
CONTROLS = "\t\x7f\x9b\u00ad\u061c\u180e\u202e\U000e0041"


@both_apis_in_json
@only_documented
def test_ansible_prints_customers_as_they_are(ansible: Ansible, sandbox: Sandbox) -> None:
    """SECURITY.md and the guide about passwords say so: a result is data, and JSON escapes what is below U+0020.

    In a diff it escapes all, in the label of a loop's item nothing.
    """
    city = "A" + "B".join(CONTROLS) + "C"
    body = {"method": "profile", "task": "set", "user": "ada@example.com", "city": city}
    answer = sandbox.http.post(f"{sandbox.api_url}/reseller.manage.json", data={**ACCOUNT, **body}, timeout=30)
    assert answer.json() == {"message": "success"}
    options = {"username": "ada@example.com", "first_name": "Ada"}
    listed = {"username": "ada@example.com", "details": ["profile"]}
    loop = {"loop": ["{{ read.customers[0].city }}"], "register": "again"}
    run = ansible.play(
        [
            {**task("reseller_customer_info", listed), "register": "read"},
            {**task("reseller_customer", options), **loop},
            task("reseller_customer", {"username": "ada@example.com", "city": "Bath"}),
        ],
        "-v",
        "--diff",
    )
    assert run.status == 0, run.output
    assert run.steps[0].result["customers"][0]["city"] == city
    assert f'"city": "{city}"'.replace("\t", "\\t") in run.output
    assert f"(item={city})" in run.output
    assert f'-    "city": {json.dumps(city)}'.replace("\x7f", "\\u007f") in run.output
