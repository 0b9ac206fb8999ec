# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Direct execution: the same results as a module process to the letter, and a process where a task needs one."""

from __future__ import annotations

import getpass
import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import in_shared_playbook, only_direct, only_json, only_observed
from .running import MODULES, SUBUSERS, Ansible, Run, Sandbox, Step, task
from .test_customer import NEW, REFUSED, SCENARIOS, assert_four_ways, suits

FLEET: list[dict[str, Any]] = [
    NEW,
    {"username": "ada@example.com", "website": "a.example", "password": "another-4711", "update_password": "always"},
    {"username": "ben@example.com", "zip": 4101, "active": "yes", "company": "Harbour & Sons"},
    {"username": "cleo@example.com", "new_username": "cleo.new@example.com", "active": False},
    {"username": "nobody@example.com", "state": "absent"},
]
FAILING: list[dict[str, Any]] = [
    {"username": "ada@example.com", "active": False, "new_username": "gone@example.com"},
    {"username": "BEN@example.com"},
    {"username": "eve@example.com", "city": "Bangor"},
    {"username": "cleo@example.com", "city": "Bangor"},
]

# By name: tasks whose results are compared. Each is a module and its options.
COMPARED: dict[str, list[tuple[str, dict[str, Any]]]] = {
    **{name: [("reseller_customer", scenario.options)] * 2 for name, scenario in SCENARIOS.items()},
    **{name: [("reseller_customer", options)] for name, (options, _parts) in REFUSED.items()},
    "list": [("reseller_customer_info", {}), ("reseller_customer_info", {"company": "Harbour", "active": True})],
    "a password alone": [
        ("reseller_customer_password", {"username": "ada@example.com", "password": "another-4711"}),
        ("reseller_customer_password", {"username": "ada@example.com", "password": "another-4711"}),
        ("reseller_customer_password", {"username": "ada@example.com", "password": "another-4711", "force": True}),
        ("reseller_customer_password", {"username": "nobody@example.com", "password": "another-4711"}),
    ],
    "warnings": [("reseller_customer", {"username": "ada@example.com", "website": "a.example", "country": "Canada"})]
    * 2,
    "a fleet": [("reseller_customers", {"customers": FLEET, "concurrency": 1})] * 2,
    "a fleet that is purged": [
        ("reseller_customers", {"customers": [FLEET[1]], "purge": True, "max_deletions": most, "concurrency": 1})
        for most in (0, 2)
    ],
    "a fleet that fails": [
        ("reseller_customers", {"customers": FAILING, "concurrency": 1, "on_error": on_error})
        for on_error in ("stop", "continue")
    ],
    "a fleet that cannot be": [
        ("reseller_customers", {"customers": [{"username": "ada@example.com"}] * 2, "purge": True, "concurrency": 0}),
        (
            "reseller_customers",
            {"customers": [{"username": "ada@example.com", "no_such_option": 1}, {"state": "gone"}]},
        ),
        (
            "reseller_customers",
            {"customers": [{"username": "ada@example.com", "active": "perhaps", "city": "x" * 101}]},
        ),
        ("reseller_customers", {"customers": [{"username": ["ada@example.com"]}, "ben@example.com", None]}),
        ("reseller_customers", {"customers": "ada@example.com"}),
        ("reseller_customers", {"customers": [], "concurrency": "many"}),
        ("reseller_customers", {"customers": [], "api_key": "not-the-key-4711"}),
        ("reseller_customers", {}),
    ],
    "a fleet that is large": [
        ("reseller_customers", {"customers": [{"username": f"{n}@example.com", "state": "absent"} for n in range(120)]})
    ],
    "failures": [
        ("reseller_customer", {"username": "ada@example.com", "active": False, "new_username": "gone@example.com"}),
        ("reseller_customer", {"username": "ADA@example.com"}),
        ("reseller_customer", {"username": "ada@example.com", "api_key": "not-the-key-4711"}),
        ("reseller_customer", {"username": "ada@example.com", "no_such_option": "x"}),
        ("reseller_customer", {"state": "present"}),
        ("reseller_customer", {"username": "ada@example.com", "active": "perhaps"}),
        ("reseller_customer", {"username": "ada@example.com", "state": "gone"}),
        ("reseller_customer", {"username": "ada@example.com", "timeout": "soon"}),
        ("reseller_customer", {"username": "ada@example.com", "ips": [1, 2]}),
    ],
    "values of other types": [
        (
            "reseller_customer",
            {"username": "ada@example.com", "zip": 4101, "city": 1.5, "active": "yes"},
        ),
        ("reseller_customer", {"username": "ada@example.com", "address": "{{ 'a' ~ 1 }}", "company": "{{ omit }}"}),
    ],
    "a password that is part of other output": [
        ("reseller_customer", {"username": "ada@example.com", "password": "Harbour", "update_password": "always"}),
    ],
}

# The same for API v3: one after the other, over one state.
COMPARED_IN_V3: list[tuple[str, dict[str, Any]]] = [
    *[("reseller_customer", {**suits(SUBUSERS, NEW), "active": False, "website_access": False})] * 2,
    ("reseller_customer", {"username": "ada@example.com", "city": "Bangor", "email": "office@example.com"}),
    ("reseller_customer", {"username": "ada@example.com", "city": "Boston", "update_profile": "on_create"}),
    ("reseller_customer", {"username": "ada@example.com", "active": False, "new_username": "gone@example.com"}),
    ("reseller_customer", {"username": "ben@example.com", "new_username": "ben.new@example.com", "active": True}),
    ("reseller_customer", {"username": "emil@example.com", "password": "short"}),
    ("reseller_customer", {"username": "a%b", "package": "Bronze", "update_password": "always"}),
    ("reseller_customer", {"username": "ada@example.com", "api_key": "not-the-key-4711"}),
    ("reseller_customer", {"username": "ada@example.com", "api_format": "xml"}),
    ("reseller_customer", {"username": "cleo@example.com", "state": "absent"}),
    ("reseller_customer_info", {"details": ["profile"], "concurrency": 1}),
    ("reseller_customer_info", {"city": "bang", "concurrency": 1}),
    ("reseller_customer_password", {"username": "ada@example.com", "password": "another-word-4711"}),
    ("reseller_customers", {"customers": [NEW]}),
]


# Refused before any call, in check mode and really alike.
REFUSED_AT_ONCE = {*REFUSED, "a fleet that cannot be"}


def compared_tasks(name: str, calls: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """The tasks in check mode and really, where there is a difference."""
    modes = (False,) if name in REFUSED_AT_ONCE else (True, False)
    return [
        task(module, options, check_mode=check_mode, ignore_errors=True)
        for module, options in calls
        for check_mode in modes
    ]


# Some messages of Ansible list a set, in an order that is another one in each process. Newer versions leave
# `invocation` out unless they are asked for it.
COMPARABLE = {"PYTHONHASHSEED": "0", "ANSIBLE_INJECT_INVOCATION": "true"}


def comparable(step: Step) -> dict[str, Any]:
    calls = [{name: value for name, value in call.items() if name != "time"} for call in step.calls]
    return {"status": step.status, "result": step.result, "calls": calls}


def is_shipped(run: Run) -> bool:
    return "AnsiballZ_reseller_customer" in run.output


# Pairs of behaviour and format take turns: the ways differ in what is around the work, not in what the service says.
PAIRS = itertools.cycle([("observed", "json"), ("documented", "xml")])


@in_shared_playbook(compared_tasks, "-vvv", "--diff")
@only_direct
@pytest.mark.parametrize(
    ("sandbox", "ansible", "name", "calls"),
    [
        *(pytest.param(*pair, name, calls, id=name) for pair, (name, calls) in zip(PAIRS, COMPARED.items())),
        pytest.param("observed", SUBUSERS, SUBUSERS, COMPARED_IN_V3, id=SUBUSERS),
    ],
    indirect=["sandbox", "ansible"],
)
def test_both_ways_give_the_same_results(
    ansible: Ansible, play_shared: Callable[..., Run], name: str, calls: list[tuple[str, dict[str, Any]]]
) -> None:
    """Compared is everything that a result can hold."""
    direct = play_shared(**COMPARABLE)
    ansible.direct = False
    shipped = play_shared(**COMPARABLE)
    assert is_shipped(shipped)
    assert not is_shipped(direct)
    assert len(direct.steps) == len(compared_tasks(name, calls))
    for mine, original in zip(direct.steps, shipped.steps, strict=True):
        assert "invocation" in original.result
        assert comparable(mine) == comparable(original)
    if name in SCENARIOS:
        assert_four_ways(shipped, SCENARIOS[name])


NEEDS_A_PROCESS: dict[str, dict[str, Any]] = {
    "switched off": {"vars": {"sendgrid_direct_execution": "no"}},
    "another user": {"become": True, "become_user": getpass.getuser()},
    "in the background": {"async": 30, "poll": 1},
    "an environment": {"environment": {"LANG": "C.UTF-8"}},
    "another interpreter": {"vars": {"ansible_python_interpreter": "{{ other_python }}"}},
}


@only_direct
@only_json
@only_observed
@pytest.mark.parametrize("keywords", NEEDS_A_PROCESS.values(), ids=NEEDS_A_PROCESS)
def test_a_task_that_needs_a_process_gets_one(ansible: Ansible, tmp_path: Path, keywords: dict[str, Any]) -> None:
    # The same environment under another name is another interpreter as far as anybody can tell.
    other = tmp_path / "python"
    other.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    other.chmod(0o755)
    run = ansible.play(
        [task("reseller_customer", {"username": "ada@example.com", "city": "Bangor"}, **keywords)],
        "-vvv",
        "--extra-vars",
        f"other_python={other}",
        vars={},
    )
    if "become" in keywords and run.status != 0:
        # No way to become a user here; that it was tried shows that the task was shipped.
        assert "sudo" in run.output
    elif "async" in keywords and " " in sys.executable:
        # ansible-core's wrapper for tasks in the background cannot start an interpreter with a blank in its path.
        assert "async_wrapper" in run.output
    else:
        assert run.status == 0, run.output
        assert run.steps[-1].result["changed"] is True
    assert is_shipped(run) or "become" in keywords


@only_direct
@only_json
@only_observed
def test_a_loop_uses_one_connection_and_leaks_nothing_from_item_to_item(ansible: Ansible, sandbox: Sandbox) -> None:
    """Items that fail, warn and succeed in turn: each has its own warnings, and only them."""
    items = [
        {"username": "ada@example.com", "website": "a.example"},
        {"username": "ADA@example.com"},
        {"username": "ben@example.com", "city": "Portland"},
        {"username": "cleo@example.com", "password": "another-4711", "update_password": "always"},
        {"username": "ada@example.com", "city": "Portland"},
    ]
    looped = {
        "name": "Loop",
        MODULES + "reseller_customer": "{{ item }}",
        "loop": items,
        "ignore_errors": True,
        "register": "looped",
    }
    run = ansible.play([looped], "-vvv", environment={"ANSIBLE_INJECT_INVOCATION": "true"})
    results = run.steps[-1].result["results"]
    assert [result.get("failed", False) for result in results] == [False, True, False, False, False]
    assert run.output.count("[WARNING]: website of customer 'ada@example.com'") == 1
    given = [result["invocation"]["module_args"]["password"] is not None for result in results]
    assert given == [False, False, False, True, False]
    assert "another-4711" not in str([result for result in results if "item" not in result])
    assert {call["connection"] for call in sandbox.log()} == {1}


@only_direct
@only_json
@only_observed
def test_two_accounts_in_one_loop_are_kept_apart(ansible: Ansible, sandbox: Sandbox) -> None:
    narrow = {"api_user": "narrow", "api_key": "key-of-narrow-4711", "api": "customer"}
    items = [{}, narrow, {"api_format": "xml"}, {}, {"api_key": "not-the-key-4711"}, {}]
    looped = {
        "name": "Loop",
        MODULES + "reseller_customer_info": "{{ item }}",
        "loop": items,
        "ignore_errors": True,
    }
    run = ansible.play([looped])
    results = run.steps[-1].result["results"]
    assert [result.get("count") for result in results] == [3, 1, 3, 3, None, 3]
    assert [call["api_user"] for call in sandbox.log()] == ["acme", "narrow", "acme", "acme", None, "acme"]
    # The third and the fourth task differ in the format alone.
    assert [call["connection"] for call in sandbox.log()] == [1, 2, 3, 3, 4, 5]


@only_direct
@only_observed
def test_a_library_that_the_controller_lacks_is_missed_by_a_module_process(ansible: Ansible, tmp_path: Path) -> None:
    """It is shipped, since the module's Python may have it. This one has not, and says so. JSON needs none."""
    (tmp_path / "xmltodict.py").write_text("raise ImportError\n", encoding="utf-8")
    run = ansible.play(
        [task("reseller_customer", {"username": "ada@example.com"})], "-vvv", environment={"PYTHONPATH": str(tmp_path)}
    )
    needs_it = ansible.defaults.get("api_format") == "xml"
    assert is_shipped(run) is needs_it
    step = run.steps[-1]
    assert (step.status, step.called) == (("failed", []) if needs_it else ("ok", ["list"]))
    assert (" -m pip install xmltodict" in step.result.get("msg", "")) is needs_it


# Writes down what is imported, in Ansible's own process and in those that it forks.
LISTEN = """
import os, sys

def listen(event, arguments):
    if event == "import":
        os.write(IMPORTED, f"{arguments[0]}\\n".encode())

IMPORTED = os.open(os.environ["IMPORTED_FILE"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
sys.addaudithook(listen)
"""
UTILS = "ansible_collections.mailfleet.sendgrid.plugins.module_utils."
# What changes customers, what reads XML, and the names that HTML has for characters.
NOT_FOR_INFO = {
    *(UTILS + name for name in ("_tasks", "_fleet", "_v2.xml_answers")),
    *(UTILS + "_customers." + name for name in ("plan", "index", "purge", "reconcile", "options")),
    "xmltodict",
    "html.entities",
}


def imported_by(ansible: Ansible, folder: Path, options: dict[str, str]) -> set[str]:
    """The modules that an ad-hoc command with reseller_customer_info imports."""
    (folder / "sitecustomize.py").write_text(LISTEN, encoding="utf-8")
    imported = folder / "imported"
    imported.unlink(missing_ok=True)
    done = ansible.command(
        *("ansible", "localhost", "-m", MODULES + "reseller_customer_info", "-a", json.dumps(options)),
        environment={"PYTHONPATH": str(folder), "IMPORTED_FILE": str(imported)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return set(imported.read_text(encoding="utf-8").split())


@only_direct
@only_json
@only_observed
def test_a_command_imports_only_what_it_needs(ansible: Ansible, tmp_path: Path) -> None:
    imported = imported_by(ansible, tmp_path, {"api_format": "json"})
    assert {UTILS + "_info", UTILS + "_v2.api", "requests"} <= imported
    assert imported & NOT_FOR_INFO == set()
    of_xml = imported_by(ansible, tmp_path, {"api_format": "xml"})
    assert of_xml & NOT_FOR_INFO == {UTILS + "_v2.xml_answers", "xmltodict"}


@only_direct
@only_json
@only_observed
def test_a_delegated_task_runs_where_it_is_delegated_to(ansible: Ansible) -> None:
    """A play over other hosts, which could not be reached: the tasks are for this machine."""
    inventory = ansible.folder / "hosts"
    inventory.write_text("one ansible_host=192.0.2.1\ntwo ansible_host=192.0.2.2\n", encoding="utf-8")
    run = ansible.play(
        [
            task(
                "reseller_customer",
                {"username": "ada@example.com", "city": "{{ inventory_hostname }}"},
                delegate_to="localhost",
                throttle=1,
            )
        ],
        "-vvv",
        "-i",
        str(inventory),
        hosts="one:two",
    )
    assert run.status == 0, run.output
    assert [step.result["customer"]["city"] for step in run.steps] == ["one", "two"]
    assert not is_shipped(run)


@only_direct
@only_json
@only_observed
def test_ansible_doc_shows_the_documentation_and_the_switch(ansible: Ansible) -> None:
    for module in ("reseller_customer", "reseller_customer_info", "reseller_customer_password", "reseller_customers"):
        done = ansible.command("ansible-doc", MODULES + module)
        assert done.returncode == 0, done.stderr
        assert "sendgrid_direct_execution" in done.stdout
        assert "api_key" in done.stdout
